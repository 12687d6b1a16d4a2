//! Sockets that wait for clients.

use std::io;
use std::net::SocketAddr;

use mio::net::TcpListener;
use socket2::{Domain, Protocol, Socket, Type};

use crate::config::{ListenUrl, Problem, Scheme};

/// One bound listener.
#[derive(Debug)]
pub(crate) struct Listener {
    /// Where it really listens: port 0 has become the one that the kernel chose.
    pub(crate) url: ListenUrl,
    /// Its socket.
    pub(crate) socket: TcpListener,
}

impl Listener {
    /// Binds `url`.
    pub(crate) fn bind(url: &ListenUrl) -> Result<Self, Vec<Problem>> {
        let bound = url.resolve().and_then(|addr| {
            let socket = listen(addr)?;
            let port = socket.local_addr()?.port();
            Ok((socket, port))
        });
        let (socket, port) = bound.map_err(|e| {
            let remedy = match e.kind() {
                io::ErrorKind::AddrInUse => "stop what listens there, or choose another port",
                io::ErrorKind::PermissionDenied => "choose a port above 1023",
                _ => "choose an address of this machine",
            };
            vec![Problem::general(
                format!("cannot listen on {url}: {e}"),
                remedy,
            )]
        })?;
        let url = ListenUrl {
            port,
            ..url.clone()
        };
        Ok(Self { url, socket })
    }

    /// Whether its connections begin with a TLS handshake.
    pub(crate) fn is_tls(&self) -> bool {
        self.url.scheme == Scheme::Mqtts
    }
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// Connections that the kernel completes before we accept them.
const BACKLOG: i32 = 1_024;
