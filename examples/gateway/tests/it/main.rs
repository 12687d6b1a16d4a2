//! What the gateway promises, with a simulated PLC, a broker that we did not write, and `kill -9`.

mod command_line;
mod gateway;
mod pipeline;
mod tls;
