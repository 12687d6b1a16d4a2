//! Public behaviour of renata-azure.

mod engine;
#[cfg(feature = "lake")]
mod flaky;
#[cfg(feature = "lake")]
mod judges;
#[cfg(feature = "lake")]
mod lake;
#[cfg(feature = "lake")]
mod restart;
#[cfg(feature = "lake")]
mod samples;
mod stub;
