//! The binary as a person uses it, with programs that we did not write on the other side.

mod endings;
mod lake;
mod mosquitto;
mod policy;
mod support;
mod tls;
mod topics;
