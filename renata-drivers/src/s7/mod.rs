//! Siemens S7.
pub mod address;
#[cfg(feature = "client")]
mod client;
mod fault;
pub mod pdu;
pub mod plan;
#[cfg(feature = "sim")]
pub mod sim;
pub mod types;
mod write;

pub use address::{Address, AddressError, Area, Tag};
#[cfg(feature = "client")]
pub use client::{Agreed, Client, ClientError, Config, CpuState, Partner, Phase, Tsaps};
pub use fault::ItemError;
pub use plan::{Answer, Answers, Budget, Cost, Plan};
pub use write::WritePlan;
