//! The sockets of a simulated PLC.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::faults::{Faults, Reply};
use super::memory::Memory;
use super::plc::Plc;
use crate::s7::pdu::{
    Deframer, Tpdu, TpduSize, WireError, frame_len, put_connect_confirm, put_data,
};

/// What a simulated PLC negotiates and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest message in bytes. Default: 960, as an S7-1500.
    pub pdu: u16,
    /// Jobs at once. Default: 8.
    pub jobs: u16,
    /// Items of one request that are answered; the rest is dropped silently, as PLCs do. Default: 20.
    pub items: u8,
    /// Clients at once; one more is closed at once. Default: 32.
    pub clients: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pdu: 960,
            jobs: 8,
            items: 20,
            clients: 32,
        }
    }
}

/// A simulated PLC that listens. Dropping it ends every connection.
#[derive(Debug)]
pub struct Simulator {
    addr: SocketAddr,
    faults: Faults,
    server: JoinSet<()>,
}

impl Simulator {
    /// Starts one with the usual limits.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(addr: impl ToSocketAddrs, memory: Memory) -> io::Result<Self> {
        Self::start_with(addr, memory, Limits::default()).await
    }

    /// Starts one with its own limits.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start_with(
        addr: impl ToSocketAddrs,
        memory: Memory,
        limits: Limits,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let faults = Faults::default();
        let mut server = JoinSet::new();
        server.spawn(accept(listener, memory, faults.clone(), limits));
        Ok(Self {
            addr,
            faults,
            server,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its faults.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Ends every connection and frees the port, as a power cut would; returns when it is done.
    pub async fn stop(mut self) {
        self.server.shutdown().await;
    }
}

async fn accept(listener: TcpListener, memory: Memory, faults: Faults, limits: Limits) {
    let seats = Arc::new(Semaphore::new(limits.clients));
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    // Out of file descriptors, mostly: let others close some.
                    tokio::task::yield_now().await;
                    continue;
                };
                let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
                    continue;
                };
                let plc = Plc::new(memory.clone(), faults.clone(), limits);
                let faults = faults.clone();
                connections.spawn(async move {
                    // A client that goes or talks nonsense ends its connection, nothing else.
                    let _ = serve(stream, plc, &faults).await;
                    drop(seat);
                });
            }
        }
    }
}

async fn serve(mut stream: TcpStream, mut plc: Plc, faults: &Faults) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BytesMut::with_capacity(4096);
    let Some(size) = greet(&mut stream, &mut input, faults).await? else {
        return Ok(());
    };
    let (mut deframer, mut message) = (Deframer::default(), BytesMut::new());
    let mut output = BytesMut::new();
    loop {
        while let Some(request) = deframer.next_pdu(&mut input).map_err(nonsense)? {
            let switches = faults.switches();
            if switches.hang {
                continue;
            }
            message.clear();
            plc.answer(&request, &mut message).map_err(nonsense)?;
            if !switches.delay.is_zero() {
                tokio::time::sleep(switches.delay).await;
            }
            match faults.next_reply() {
                Reply::Whole => put_data(&message, size, &mut output),
                Reply::WrongReference => put_data(&stray(&message), size, &mut output),
                Reply::AfterStray => {
                    put_data(&stray(&message), size, &mut output);
                    put_data(&message, size, &mut output);
                }
                Reply::Cut => {
                    put_data(&message, size, &mut output);
                    output.truncate(output.len() / 2);
                    return stream.write_all(&output).await;
                }
            }
        }
        stream.write_all(&output).await?;
        output.clear();
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
    }
}

/// Accepts the transport connection; `None` when it is refused.
async fn greet(
    stream: &mut TcpStream,
    input: &mut BytesMut,
    faults: &Faults,
) -> io::Result<Option<TpduSize>> {
    let frame = loop {
        let len = frame_len(input).map_err(nonsense)?;
        if let Some(len) = len.filter(|len| *len <= input.len()) {
            break input.split_to(len);
        }
        if stream.read_buf(input).await? == 0 {
            return Ok(None);
        }
    };
    let Tpdu::ConnectRequest(request) = Tpdu::parse(&frame).map_err(nonsense)? else {
        return Err(nonsense(WireError::Unexpected));
    };
    if faults.switches().refuse_connections {
        let [high, low] = request.source.to_be_bytes();
        stream
            .write_all(&[3, 0, 0, 11, 6, 0x80, high, low, 0, 0, NO_RESOURCES])
            .await?;
        return Ok(None);
    }
    let mut confirm = BytesMut::new();
    put_connect_confirm(&request, &mut confirm);
    stream.write_all(&confirm).await?;
    Ok(Some(request.size.unwrap_or(TpduSize::DEFAULT)))
}

/// The same reply with a reference far from those in use.
fn stray(message: &[u8]) -> Vec<u8> {
    let mut stray = message.to_vec();
    if let Some(byte) = stray.get_mut(4) {
        *byte ^= 0x80;
    }
    stray
}

fn nonsense(error: WireError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// COTP disconnect: congestion, no more connections at present.
const NO_RESOURCES: u8 = 0x86;
