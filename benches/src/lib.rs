//! Figures of the SDK, side by side with its peers.
//!
//! `cargo run --release -p renata-benches -- compare <codec|topics|policy|all>` measures every row of a
//! subject in one run: CPU time of the thread (a shared machine's wall time says little), medians, and
//! exact counts of allocations. The criterion benches in `benches/` look at the same operations one by
//! one, for tuning.
//!
//! Reading order: [`measure`] (how a figure comes about), [`row`] (what is printed), then a subject.
#![forbid(unsafe_code)]

pub mod measure;
pub mod row;
pub mod subjects;
pub mod workload;
