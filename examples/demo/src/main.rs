//! A plant in a box: one command that starts machines, gateway, broker and lake, and counts at the end.
//!
//! ```text
//!  plc press-3 --.                                            .--> viewer (this process)
//!                +--> gateway --mqtts--> broker --mqtts--------+
//!  plc fill-1 ---'                                            '--> lake writer --> Parquet + Delta
//! ```
//!
//! Each box is a process: this program again, in another role. Read on in `plant.rs` (who starts when),
//! `files.rs` (the configuration that they are given), then follow a measurement: the gateway's
//! `collect/`, the client of renata-mqtt, the broker's README, and the lake of renata-azure.
#![forbid(unsafe_code)]

mod args;
mod faults;
mod files;
mod member;
mod pki;
mod plant;
mod plc;
mod run;
mod stats;
mod verdict;
mod viewer;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    // `member` is a role that ends when its stdin does; `role` is for a shell or another program.
    let leashed = arguments.get(1).is_some_and(|first| first == "member");
    if leashed || arguments.get(1).is_some_and(|first| first == "role") {
        let role = arguments.get(2).cloned().unwrap_or_default();
        // What is left looks to the role like its own command line, the program's name first.
        arguments.drain(1..arguments.len().min(3));
        if leashed {
            member::end_with_the_demo();
        }
        return match role.to_str() {
            Some("plc") => plc::main_from(arguments),
            Some("broker") => renata_broker::main_from(arguments),
            Some("gateway") => renata_gateway::main_from(arguments),
            _ => {
                eprintln!("there is no role {role:?}: plc, broker or gateway");
                ExitCode::from(2)
            }
        };
    }
    let args = args::Args::parse();
    if args.http.is_some() {
        eprintln!("--http: the web console is not built into this version; leave it out");
        return ExitCode::from(2);
    }
    match run::run(&args) {
        Ok(verdict) => {
            println!("\n{verdict}");
            if verdict.holds() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("renata-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}
