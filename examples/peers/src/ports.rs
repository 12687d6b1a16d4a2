use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// A loopback address whose port the kernel just called free.
///
/// Between this call and the judge's own bind another process may take the port, so guards try again
/// with a fresh one when a judge dies at once.
///
/// # Errors
/// When no port can be bound on loopback.
pub fn free_addr() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
