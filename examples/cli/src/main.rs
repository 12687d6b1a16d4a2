//! `renata`: publish and subscribe, ask topics and policies, verify lakes, from the command line.
//!
//! ```text
//! main --> publish | subscribe --> connect --> renata-mqtt        payload, show: what goes in and out
//!      --> topic --> renata-topics
//!      --> policy --> renata-auth
//!      --> lake --> renata-azure
//! ```
//!
//! Every command ends with one of the codes of [`exit::Exit`].
#![forbid(unsafe_code)]

mod connect;
mod exit;
mod lake;
mod payload;
mod policy;
mod publish;
mod show;
mod subscribe;
mod topic;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::{Exit, Outcome};

/// Publish and subscribe, ask topics and policies, verify lakes.
#[derive(Debug, Parser)]
#[command(name = "renata", version, after_help = exit::HELP, arg_required_else_help = true)]
struct Renata {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Publish messages.
    Pub(publish::Args),
    /// Subscribe to filters and print what comes.
    Sub(subscribe::Args),
    /// Ask about topics and filters.
    #[command(subcommand)]
    Topic(topic::Command),
    /// Ask about a policy.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Ask about a lake.
    #[command(subcommand)]
    Lake(lake::Command),
}

fn main() -> ExitCode {
    let outcome = match Renata::parse().command {
        Command::Pub(args) => on_runtime(publish::run(args)),
        Command::Sub(args) => on_runtime(subscribe::run(args)),
        Command::Topic(command) => topic::run(command),
        Command::Policy(command) => policy::run(command),
        Command::Lake(command) => lake::run(command),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("renata: {failure}");
            failure.exit.into()
        }
    }
}

fn on_runtime(command: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| exit::Failure::new(Exit::Usage, format!("no runtime: {e}")))?
        .block_on(command)
}
