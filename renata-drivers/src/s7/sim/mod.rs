//! A simulated PLC: memory that a program sets live, a server that answers, faults on demand.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use renata_drivers::s7::sim::{Memory, Simulator};
//!
//! let memory = Memory::new();
//! memory.add_db(1, 100);
//! memory.set(&"DB1.DBD0:REAL".parse()?, &21.5.into())?;
//! let plc = Simulator::start("127.0.0.1:0", memory.clone()).await?;
//! println!("an S7 PLC listens on {}", plc.addr());
//! memory.set(&"DB1.DBX4.0".parse()?, &true.into())?; // seen by the next read
//! # Ok(())
//! # }
//! ```

mod faults;
mod memory;
mod plc;
mod server;

pub use faults::Faults;
pub use memory::{Memory, MemoryError};
pub use server::{Limits, Simulator};
