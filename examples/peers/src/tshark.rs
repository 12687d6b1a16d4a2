use std::process::Command;

use crate::PeerError;
use crate::process::program;

/// Wireshark's command line, the dissectors that judge our bytes.
///
/// # Errors
/// [`PeerError::Missing`] when it is not installed.
pub fn tshark() -> Result<Command, PeerError> {
    program("tshark")
}

/// The tool beside tshark that makes a capture out of frames in hexadecimal text.
///
/// # Errors
/// [`PeerError::Missing`] when it is not installed.
pub fn text2pcap() -> Result<Command, PeerError> {
    program("text2pcap")
}
