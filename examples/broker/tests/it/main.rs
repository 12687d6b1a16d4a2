//! The broker from the outside: its command line, and the clients of others.

mod cli;
mod crash;
mod full;
mod interop;
mod malformed;
mod semantics;
mod support;
mod tls;
