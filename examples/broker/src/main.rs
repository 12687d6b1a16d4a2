//! The reference broker as a program; everything is in the library.
use std::process::ExitCode;

fn main() -> ExitCode {
    renata_broker::main_from(std::env::args_os())
}
