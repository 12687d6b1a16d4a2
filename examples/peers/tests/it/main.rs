//! The guards themselves, and the rules of the workspace that no compiler checks.

mod guards;
mod layers;
mod reading;
