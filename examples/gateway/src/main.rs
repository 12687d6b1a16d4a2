//! The edge gateway: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    renata_gateway::main_from(std::env::args_os())
}
