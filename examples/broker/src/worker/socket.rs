//! One accepted connection: plain or TLS, read into scratch and written from a buffer.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::{ServerConfig, ServerConnection};

/// A socket with what has been read of an unfinished packet.
///
/// An idle one holds no buffer: bytes arrive in the worker's scratch buffer and only the beginning of
/// a packet is kept here.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    /// Boxed: the TLS state is large, and a plain connection has none.
    tls: Option<Box<ServerConnection>>,
    /// The beginning of a packet whose end has not arrived.
    pub(super) partial: Vec<u8>,
    /// The peer, for the log and for conditions of the policy.
    pub(super) peer: SocketAddr,
    /// The kernel took less than it was given: wait for writable.
    pub(super) blocked: bool,
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// So many bytes of MQTT stand at the start of the scratch buffer, and there may be more.
    Bytes(usize),
    /// Nothing until the socket is ready again.
    Nothing,
    /// The peer has finished, or broken the connection.
    End,
    /// The peer does not speak the TLS that we ask for; the alert waits to be written.
    Refused,
}

impl Socket {
    pub(super) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        tls: Option<&Arc<ServerConfig>>,
    ) -> Result<Self, rustls::Error> {
        let tls = match tls {
            None => None,
            Some(config) => {
                let mut connection = ServerConnection::new(Arc::clone(config))?;
                // What goes in is bounded by the queue limits already.
                connection.set_buffer_limit(None);
                Some(Box::new(connection))
            }
        };
        Ok(Self {
            stream,
            tls,
            partial: Vec::new(),
            peer,
            blocked: false,
        })
    }

    pub(super) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Whether it speaks TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The TLS handshake has not ended yet.
    pub(super) fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    /// The client's certificate, once the handshake has verified it.
    pub(super) fn client_certificate(&self) -> Option<&[u8]> {
        let chain = self.tls.as_ref()?.peer_certificates()?;
        chain.first().map(AsRef::as_ref)
    }

    /// Reads once into `scratch`.
    pub(super) fn read(&mut self, scratch: &mut [u8]) -> Got {
        let Some(tls) = &mut self.tls else {
            return match self.stream.read(scratch) {
                Ok(0) => Got::End,
                Ok(n) => Got::Bytes(n),
                Err(e) if is_later(&e) => Got::Nothing,
                Err(_) => Got::End,
            };
        };
        loop {
            // What was decrypted before comes first; rustls takes no more until it is read.
            match tls.reader().read(scratch) {
                Ok(0) => return Got::End,
                Ok(n) => return Got::Bytes(n),
                Err(e) if is_later(&e) => {}
                Err(_) => return Got::End,
            }
            match tls.read_tls(&mut self.stream) {
                Ok(0) => return Got::End,
                Ok(_) => {}
                Err(e) if is_later(&e) => return Got::Nothing,
                Err(_) => return Got::End,
            }
            if let Err(e) = tls.process_new_packets() {
                tracing::info!(peer = %self.peer, "TLS refused: {e}");
                return Got::Refused;
            }
        }
    }

    /// Whether the TLS layer has something to send, such as its part of a handshake.
    pub(super) fn wants_write(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Writes from `slices` what the kernel takes; gives the number of bytes taken from them.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(super) fn write(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let total: usize = slices.iter().map(|s| s.len()).sum();
        let Some(tls) = &mut self.tls else {
            if total == 0 {
                self.blocked = false;
                return Ok(0);
            }
            return match self.stream.write_vectored(slices) {
                Ok(n) => {
                    self.blocked = n < total;
                    Ok(n)
                }
                Err(e) if is_later(&e) => {
                    self.blocked = true;
                    Ok(0)
                }
                Err(e) => Err(e),
            };
        };
        // Encrypt only when the last ciphertext has left, so that little is held twice.
        let mut taken = 0;
        if tls.is_handshaking() {
            // There is nobody yet who could read it.
            taken = total;
        } else if !tls.wants_write() {
            for slice in slices {
                tls.writer().write_all(slice)?;
                taken += slice.len();
            }
        }
        self.blocked = false;
        while tls.wants_write() {
            match tls.write_tls(&mut self.stream) {
                Ok(_) => {}
                Err(e) if is_later(&e) => {
                    self.blocked = true;
                    break;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(taken)
    }

    /// Says goodbye on the TLS layer; the caller writes once more.
    pub(super) fn close_notify(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
    }
}

fn is_later(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
