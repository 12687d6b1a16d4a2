//! `renata-benches compare <subject>`: figures beside the peers' in one run.

// The counting allocator forwards to the system's: the trait itself is unsafe.
#[allow(unsafe_code)]
mod counting;

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use renata_benches::measure::{self, Effort};
use renata_benches::row::Row;
use renata_benches::subjects;

/// Figures of the Renata SDK, side by side with its peers.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Build with --features peers to measure the peers in the same run."
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure every row of a subject and compare it with its target
    Compare {
        /// codec, topics, policy or all
        subject: String,
        /// Short rounds and smaller sets: shows that everything runs, not how fast
        #[arg(long)]
        quick: bool,
        /// Write one JSON object a row to this file
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    measure::count_allocations_with(counting::allocations);
    measure::count_bytes_with(counting::live_bytes);
    let Command::Compare {
        subject,
        quick,
        json,
    } = Args::parse().command;
    let known: Vec<_> = subjects::ALL.iter().map(|(name, _)| *name).collect();
    if subject != "all" && !known.contains(&subject.as_str()) {
        eprintln!(
            "there is no subject `{subject}` yet: use {} or all",
            known.join(", ")
        );
        return ExitCode::from(2);
    }
    match compare(&subject, quick, json) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("renata-benches: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn compare(subject: &str, quick: bool, json: Option<PathBuf>) -> anyhow::Result<()> {
    let effort = if quick { Effort::QUICK } else { Effort::FULL };
    let mut lines = json.map(File::create).transpose()?;
    for (name, rows) in subjects::ALL {
        if subject != "all" && subject != name {
            continue;
        }
        println!("\n{name}\n{}", Row::head());
        for row in rows(effort) {
            println!("{}", row.line());
            if let Some(file) = &mut lines {
                writeln!(file, "{}", serde_json::to_string(&row)?)?;
            }
        }
    }
    Ok(())
}
