//! The command line.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::config::Config;
use crate::stats::Target;
use crate::{plan, run};

/// Reads machines, publishes what they measure, and keeps it safe on the way.
///
/// A gateway takes what its sources give and brings it to its sinks, over a journal on disk: nothing
/// that was committed is lost when the network, the broker or the power fails. A source is a device
/// (Siemens S7) or an MQTT subscription; a sink is an MQTT broker or the lake (Parquet and Delta). So
/// one program collects at the machine, and writes the lake behind the broker.
#[derive(Debug, Parser)]
#[command(
    name = "renata-gateway",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
        renata-gateway check --config gateway.toml\n  \
        renata-gateway plan --config gateway.toml\n  \
        renata-gateway --config gateway.toml --stats stderr\n\n\
        Begin with the commented gateway.toml beside the README. Prints \"ready\" on stderr once it \
        runs; ends with 0 on SIGTERM and Ctrl-C, with 2 when the configuration is wrong, and with 1 \
        when it cannot go on. RUST_LOG=debug shows more."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Option<RunArgs>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Says what is wrong with a configuration, with file, line, column and remedy
    Check(ConfigArgs),
    /// Prints what is read from each device in which requests, and where it is published
    Plan(ConfigArgs),
}

#[derive(Debug, Args)]
struct ConfigArgs {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Write figures as one JSON object a line to this file, or to stderr
    #[arg(long, value_name = "FILE|stderr")]
    stats: Option<Target>,
    /// Milliseconds between two lines of figures
    #[arg(long, value_name = "MS", default_value_t = 1_000, requires = "stats",
          value_parser = clap::value_parser!(u64).range(10..))]
    stats_every_ms: u64,
}

/// Runs the command line `args`, the program's name first.
///
/// Exit codes: 0 for a graceful end, 1 when the gateway cannot go on, 2 when the command line or the
/// configuration is wrong.
pub fn main_from<I, A>(args: I) -> ExitCode
where
    I: IntoIterator<Item = A>,
    A: Into<OsString> + Clone,
{
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to stdout and is no error. A closed pipe is nobody's problem.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let (file, command) = match (&cli.command, &cli.run) {
        (Some(Command::Check(args) | Command::Plan(args)), _) => (&args.config, &cli.command),
        (None, Some(args)) => (&args.config, &None),
        (None, None) => {
            eprintln!("--config is missing; try renata-gateway --help");
            return ExitCode::from(WRONG);
        }
    };
    let config = match Config::read(file) {
        Ok(config) => config,
        Err(problems) => {
            for problem in problems {
                eprintln!("{problem}");
            }
            return ExitCode::from(WRONG);
        }
    };
    match (command, cli.run.as_ref()) {
        (Some(Command::Plan(_)), _) => say(&plan::describe(&config)),
        (None, Some(args)) => return run_with(&config, args),
        _ => {
            let (devices, tags) = (&config.devices, config.devices.iter().map(|d| d.tags.len()));
            say(&format!(
                "{}: good; {} device(s) with {} tag(s), {} uplink(s), {} subscription(s){}\n",
                file.display(),
                devices.len(),
                tags.sum::<usize>(),
                config.uplinks.len(),
                config.subscriptions.len(),
                if config.lake.is_some() {
                    ", a lake"
                } else {
                    ""
                },
            ));
        }
    }
    ExitCode::SUCCESS
}

/// Prints to stdout. A reader that went away, such as `head`, is no error.
fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn run_with(config: &Config, args: &RunArgs) -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // Somebody who embeds this command line may have one already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
    let stats = args.stats.clone().map(|target| run::Report {
        target,
        every: Duration::from_millis(args.stats_every_ms),
    });
    match run::run(config, stats.as_ref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("renata-gateway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

const WRONG: u8 = 2;
