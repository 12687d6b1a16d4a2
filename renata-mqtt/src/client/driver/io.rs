//! The socket, plain or encrypted, read and written by one task.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::WriteQueue;

/// A connection to the server.
pub(super) enum Socket {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

/// What one step over the socket has done.
#[derive(Debug)]
pub(super) enum Step {
    /// Bytes came in.
    Read,
    /// Everything that was to be written is with the system.
    Written,
}

/// A socket with what is on its way in and out.
pub(super) struct Wire {
    socket: Socket,
    pub(super) input: BytesMut,
    pub(super) out: WriteQueue,
    /// Bytes may sit in the TLS layer.
    unflushed: bool,
}

impl Wire {
    pub(super) fn new(socket: Socket) -> Self {
        Self {
            socket,
            input: BytesMut::new(),
            out: WriteQueue::new(),
            unflushed: false,
        }
    }

    /// Whether nothing waits to be written.
    pub(super) fn is_flushed(&self) -> bool {
        self.out.is_empty() && !self.unflushed
    }

    /// Writes and, if `read`, reads, until one of both has got somewhere. Cancel-safe: progress is
    /// in `self`.
    pub(super) async fn step(&mut self, read: bool) -> io::Result<Step> {
        poll_fn(|cx| self.poll_step(cx, read)).await
    }

    /// Writes everything out. Cancel-safe.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        while !self.is_flushed() {
            self.step(false).await?;
        }
        Ok(())
    }

    /// Says to the other side that nothing more will come.
    pub(super) async fn shutdown(&mut self) -> io::Result<()> {
        poll_fn(|cx| Pin::new(&mut self.socket).poll_shutdown(cx)).await
    }

    fn poll_step(&mut self, cx: &mut Context<'_>, read: bool) -> Poll<io::Result<Step>> {
        if !self.is_flushed()
            && let Poll::Ready(written) = self.poll_write_out(cx)
        {
            return Poll::Ready(written.map(|()| Step::Written));
        }
        if read {
            return self.poll_read_in(cx);
        }
        Poll::Pending
    }

    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let used = self.out.chunks(&mut slices);
            let socket = Pin::new(&mut self.socket);
            match socket.poll_write_vectored(cx, &slices[..used])? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(n) => {
                    self.out.advance(n);
                    self.unflushed = true;
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        if Pin::new(&mut self.socket).poll_flush(cx)?.is_pending() {
            return Poll::Pending;
        }
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    fn poll_read_in(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Step>> {
        if self.input.capacity() - self.input.len() < READ / 4 {
            // Grows with what has arrived, never with what a header promises.
            self.input.reserve(READ);
        }
        // Holds no state between polls, so it can be made anew each time.
        let read = pin!(self.socket.read_buf(&mut self.input));
        match read.poll(cx)? {
            Poll::Ready(0) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            Poll::Ready(_) => Poll::Ready(Ok(Step::Read)),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// How much is read at once.
const READ: usize = 16 << 10;

/// How many pieces one system call writes.
const SLICES: usize = 64;

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            #[cfg(feature = "tls")]
            Self::Tls(socket) => Pin::new(socket).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, buf),
            #[cfg(feature = "tls")]
            Self::Tls(socket) => Pin::new(socket).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
            #[cfg(feature = "tls")]
            Self::Tls(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            #[cfg(feature = "tls")]
            Self::Tls(socket) => Pin::new(socket).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            #[cfg(feature = "tls")]
            Self::Tls(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}
