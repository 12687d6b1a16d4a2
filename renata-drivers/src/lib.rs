//! Clients, read plans and simulators for the devices of a plant: Siemens S7 to begin with.
//!
//! Tags are arranged into few requests, polled, and each gives a value or the reason why it has none:
//!
//! ```
//! # #[cfg(all(feature = "client", feature = "sim"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use renata_drivers::s7::sim::{Memory, Simulator};
//! use renata_drivers::s7::{Client, Config, Tag};
//!
//! // A PLC to talk to: memory that this program sets, a server that answers.
//! let memory = Memory::new();
//! memory.add_db(1, 100);
//! let level: Tag = "DB1.DBD0:REAL".parse()?;
//! memory.set(&level, &21.5.into())?;
//! let plc = Simulator::start("127.0.0.1:0", memory).await?;
//!
//! let mut client = Client::new(Config::new(plc.addr().to_string()));
//! client.connect().await?;
//! let mut plan = client.plan(&[level, "DB7.DBW0".parse()?]);
//! let values = client.read(&mut plan).await?;
//! assert_eq!(values[0], Ok(21.5.into()));
//! assert!(values[1].is_err(), "there is no block 7, and that is no trouble for block 1");
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "client", feature = "sim")))]
//! # fn main() {}
//! ```
//!
//! # The data path
//!
//! ```text
//!  "DB1.DBD0:REAL"                                              Value, or a TagFault
//!      | s7::address                                                  ^ s7::types
//!      v                                                              |
//!     Tag --- s7::plan ---> requests ---> s7::client ---> PLC ---> replies
//!                          (s7::pdu)     one connection,          (s7::pdu)
//!                                        jobs in flight,
//!                                        deadlines
//!                          Reconnect says when to connect again
//! ```
//!
//! Read in this order: [`Driver`], what all devices have in common; [`Reconnect`], when to connect;
//! then [`s7`], whose parts follow the picture from left to right.
//!
//! # Features
//!
//! `client` (default) brings the tokio client, `sim` the simulated PLC. Without them the crate is pure:
//! bytes in, bytes out, no runtime.
//!
//! What each driver was proved against, and what is out of scope, stands in the README.
#![forbid(unsafe_code)]

mod driver;
mod reconnect;
pub mod s7;

pub use driver::{Confirm, Driver, TagFault};
pub use reconnect::{Backoff, Reconnect, State};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
