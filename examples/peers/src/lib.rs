//! Guards that start and stop the third-party programs that judge the SDK.
//!
//! A judge is a program that we did not write: it proves that we speak the standard and not just to
//! ourselves. A guard starts one on a free loopback port, owns the child process and ends it on drop.
//! A judge that is not installed is an error that names the command which installs it, never a skip.
//!
//! ```no_run
//! use renata_peers::Mosquitto;
//!
//! # fn main() -> Result<(), renata_peers::PeerError> {
//! let broker = Mosquitto::start()?;
//! println!("a broker that we did not write listens on {}", broker.addr());
//! # Ok(())
//! # }
//! ```
//!
//! Reading order: [`PeerError`], the process guard [`Running`], then one file a judge.
#![forbid(unsafe_code)]

mod error;
mod mosquitto;
mod ports;
mod process;
mod python;
mod snap7;
mod tshark;

pub use error::PeerError;
pub use mosquitto::{Mosquitto, mosquitto_pub, mosquitto_sub};
pub use ports::free_addr;
pub use process::{Running, wait_for, wait_for_port};
pub use python::{python, python_script};
pub use snap7::{Snap7Server, Written};
pub use tshark::{text2pcap, tshark};
