//! The whole way, from a PLC to the lake, as processes that can be killed.

mod parts;
mod real_plc;
mod runs;
