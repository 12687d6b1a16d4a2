//! The S7 driver against the simulator, and against programs that we did not write.

mod behaviour;
mod dissector;
mod native_client;
mod native_server;
mod support;
