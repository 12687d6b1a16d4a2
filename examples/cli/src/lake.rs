//! `renata lake`: whether a table holds everything once.

use std::path::PathBuf;

use clap::Subcommand;
use renata_azure::lake::{Report, verify};
use serde_json::json;

use crate::exit::{Exit, Failure, Outcome, say};

/// Ask about a lake.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Count rows and streams, and find gaps and duplicates: exit code 1 when there are any.
    ///
    /// Within a stream and epoch the numbers of the samples count without a gap, so whatever is
    /// missing between the first and the last is missed, and whatever is there twice is seen.
    #[command(
        after_help = "Examples:\n  renata lake verify data/lake\n  renata lake verify data/lake --json | jq .rows"
    )]
    Verify {
        /// The table's folder: the one that holds `_delta_log`.
        folder: PathBuf,
        /// Answer in JSON.
        #[arg(short, long)]
        json: bool,
    },
}

/// Answers.
pub(crate) fn run(command: Command) -> Outcome {
    let Command::Verify { folder, json } = command;
    let report =
        verify(&folder).map_err(|e| Failure::usage(format!("{}: {e}", folder.display())))?;
    if json {
        say(object(&report));
    } else {
        say(&report);
    }
    Ok(if report.is_clean() {
        Exit::Yes
    } else {
        Exit::No
    })
}

fn object(report: &Report) -> serde_json::Value {
    let gaps: Vec<_> = report
        .first_gaps
        .iter()
        .map(|g| json!({ "stream": g.stream, "epoch": g.epoch, "first": g.first, "last": g.last }))
        .collect();
    let duplicates: Vec<_> = report
        .first_duplicates
        .iter()
        .map(|d| json!({ "stream": d.stream, "epoch": d.epoch, "seq": d.seq, "file": d.file }))
        .collect();
    json!({
        "clean": report.is_clean(),
        "version": report.version,
        "files": report.files,
        "bytes": report.bytes,
        "rows": report.rows,
        "streams": report.streams,
        "epochs": report.epochs,
        "gaps": report.gaps,
        "missing": report.missing,
        "duplicates": report.duplicates,
        "first_gaps": gaps,
        "first_duplicates": duplicates,
    })
}
