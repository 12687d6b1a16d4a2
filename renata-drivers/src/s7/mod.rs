//! Classic S7 communication: S7-300, 400, 1200, 1500 and what imitates them, over TCP 102.
//!
//! Read in this order: [`address`], where a tag lies; [`types`], what its bytes mean; [`plan`], how tags
//! become requests and replies values; [`pdu`], the bytes themselves. These are pure. On top stand the
//! client (`Client`, feature `client`) and the simulated PLC (`sim`, feature `sim`).

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
pub use types::{Type, ValueError};
pub use write::WritePlan;
