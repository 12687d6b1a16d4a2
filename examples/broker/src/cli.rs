//! The command line: reads the arguments, starts the broker, obeys signals.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::broker::{Broker, Settings};
use crate::config::{Config, ListenUrl, LogFormat, Problem, TlsFiles};
use crate::log;

/// The reference MQTT broker: 3.1.1 and 5.0, mutual TLS, policy, durable sessions.
#[derive(Debug, Parser)]
#[command(name = "renata-broker", version)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Settings; options given here override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen, mqtt:// or mqtts://HOST:PORT; port 0 takes a free one (repeatable)
    #[arg(long, value_name = "URL")]
    listen: Vec<ListenUrl>,
    /// Folder of the durable state; without it everything is kept in memory
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address of the HTTP server (not built into this version)
    #[arg(long, value_name = "ADDR")]
    http: Option<String>,
    /// Without a policy: let everybody in
    #[arg(long)]
    allow_anonymous: bool,
    /// Certificate chain of the mqtts:// listeners (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Authorities of the clients; given, a client certificate is required (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
    /// Who may do what
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Worker threads (this version has one)
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// How log lines look
    #[arg(long, value_enum)]
    log_format: Option<Format>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reads a settings file with all the files that it names, and reports every problem
    Check {
        /// The file to check
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Ecs,
}

/// Runs the broker's command line; `args` begin with the program's name.
///
/// Returns after SIGTERM or SIGINT: 0 when everything was drained, 1 when the broker failed, 2 when
/// the arguments or the settings are wrong.
pub fn main_from<I, T>(args: I) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(e) => {
            // Help and version are answers, everything else is a mistake.
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    if let Some(Command::Check { config }) = &args.command {
        return match Config::from_file(config).and_then(|c| Settings::load(&c)) {
            Ok(_) => {
                println!("{}: good", config.display());
                ExitCode::SUCCESS
            }
            Err(problems) => report(&problems),
        };
    }
    match args.to_config() {
        Ok(config) => run(&args, config),
        Err(problems) => report(&problems),
    }
}

fn run(args: &Args, config: Config) -> ExitCode {
    log::init(config.log_format);
    let mut signals = match Signals::new([SIGTERM, SIGINT, SIGHUP]) {
        Ok(signals) => signals,
        Err(e) => {
            eprintln!("renata-broker: cannot listen to signals: {e}");
            return ExitCode::FAILURE;
        }
    };
    // A worker that ends unasked wakes this thread through the signal handle.
    let handle = signals.handle();
    let broker = match Broker::start(config, move || handle.close()) {
        Ok(broker) => broker,
        Err(problems) => return report(&problems),
    };
    for url in broker.urls() {
        eprintln!("listening on {url}");
    }
    eprintln!("ready");
    for signal in signals.forever() {
        if signal != SIGHUP {
            tracing::info!("draining: told to stop");
            return if broker.shutdown() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            };
        }
        match args.to_config().and_then(|config| broker.reload(&config)) {
            Ok(()) => tracing::info!("reloaded"),
            Err(problems) => {
                for problem in problems {
                    tracing::error!("reload refused, the old settings stay: {problem}");
                }
            }
        }
    }
    tracing::error!("a worker ended unasked");
    drop(broker);
    ExitCode::FAILURE
}

fn report(problems: &[Problem]) -> ExitCode {
    for problem in problems {
        eprintln!("{problem}");
    }
    ExitCode::from(2)
}

impl Args {
    /// The settings file with the options laid over it.
    fn to_config(&self) -> Result<Config, Vec<Problem>> {
        let mut config = match &self.config {
            Some(path) => Config::from_file(path)?,
            None => Config::default(),
        };
        if self.http.is_some() {
            return Err(vec![Problem::general(
                "--http: the HTTP server is not built into this version",
                "leave it out",
            )]);
        }
        if !self.listen.is_empty() {
            config.listen.clone_from(&self.listen);
        }
        if config.listen.is_empty() {
            config.listen.push(Config::default_listen());
        }
        if let Some(dir) = &self.data_dir {
            config.data_dir = Some(dir.clone());
        }
        if let Some(policy) = &self.policy {
            config.policy = Some(policy.clone());
        }
        if let (Some(cert), Some(key)) = (&self.tls_cert, &self.tls_key) {
            config.tls = Some(TlsFiles {
                cert: cert.clone(),
                key: key.clone(),
                client_ca: self.client_ca.clone(),
                allow_tls12: false,
            });
        }
        config.allow_anonymous |= self.allow_anonymous;
        config.workers = self.workers.unwrap_or(config.workers);
        match self.log_format {
            Some(Format::Text) => config.log_format = LogFormat::Text,
            Some(Format::Ecs) => config.log_format = LogFormat::Ecs,
            None => {}
        }
        Ok(config)
    }
}
