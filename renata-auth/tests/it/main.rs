//! The public behaviour of renata-auth.

mod alloc;
mod certificates;
mod decisions;
mod model;
mod policy_text;
mod properties;
mod sessions;
