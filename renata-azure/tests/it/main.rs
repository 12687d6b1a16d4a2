//! Public behaviour of renata-azure.

mod engine;
#[cfg(feature = "lake")]
mod lake;
#[cfg(feature = "lake")]
mod samples;
mod stub;
