//! `renata sub`.

use std::io::{self, Write};
use std::pin::pin;
use std::time::Duration;

use futures_util::stream::SelectAll;
use futures_util::{FutureExt, StreamExt};
use renata_mqtt::packet::RetainHandling;
use renata_mqtt::{Client, Drain, QoS, SubscribeError, Subscription};
use tokio::time::{Instant, sleep_until};

use crate::connect::{ConnectArgs, qos};
use crate::exit::{Exit, Failure, Outcome};
use crate::show::Show;

/// Subscribe to filters and print what comes, one message a line.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Filter to subscribe to; may be given several times.
    #[arg(short, long, required = true)]
    topic: Vec<String>,
    /// Highest QoS at which messages shall come.
    #[arg(short, long, value_parser = qos, default_value = "0")]
    qos: QoS,
    /// End after so many messages.
    #[arg(short = 'C', long, value_name = "MESSAGES")]
    count: Option<u64>,
    /// End after so long; with --count and fewer messages until then, with exit code 4.
    #[arg(short = 'W', long, value_name = "SECONDS")]
    wait: Option<u32>,
    /// Print the topic before each payload.
    #[arg(short, long, conflicts_with = "json")]
    verbose: bool,
    /// Print each message as one JSON object with its properties.
    #[arg(short, long)]
    json: bool,
    /// Print measurements of this system as value, unit, quality and place in the stream.
    #[arg(short, long)]
    decode: bool,
    /// Leave out what the broker had retained.
    #[arg(long)]
    no_retained: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Prints until told to stop.
pub(crate) async fn run(args: Args) -> Outcome {
    let mut stopped = pin!(stopped().map_err(Failure::usage)?);
    let client = tokio::select! {
        client = args.connect.connect() => client?,
        () = &mut stopped => return Ok(Exit::Yes),
    };
    let mut messages = SelectAll::new();
    for filter in &args.topic {
        messages.push(subscribe(&client, filter, &args).await?);
    }
    eprintln!("subscribed to {}", args.topic.join(" "));
    let show = Show {
        topic: args.verbose,
        json: args.json,
        decode: args.decode,
    };
    let end = args
        .wait
        .map(|s| Instant::now() + Duration::from_secs(s.into()));
    let (mut seen, mut buffer) = (0, Vec::new());
    let outcome = loop {
        if args.count == Some(seen) {
            break Ok(Exit::Yes);
        }
        tokio::select! {
            message = messages.next() => {
                let Some(message) = message else {
                    let why = client.last_error().map_or_else(|| "connection closed".to_owned(), |e| e.to_string());
                    break Err(Failure::new(Exit::NoConnection, why));
                };
                let mut next = Some(message);
                let mut out = io::stdout().lock();
                let mut printed = Ok(());
                // What is there already is printed in one go.
                while let Some(message) = next.take() {
                    // MQTT 3.1.1 cannot ask the broker to leave them out.
                    if !(args.no_retained && message.retain()) {
                        seen += 1;
                        printed = show.message(&message, &mut buffer);
                    }
                    if printed.is_ok() && args.count != Some(seen) && buffer.len() < AT_ONCE {
                        next = messages.next().now_or_never().flatten();
                    }
                }
                let written = printed.and_then(|()| out.write_all(&buffer)).and_then(|()| out.flush());
                buffer.clear();
                if let Err(error) = written {
                    break stdout_closed(&error);
                }
            }
            () = until(end) => break Ok(match args.count {
                Some(_) => Exit::Timeout,
                None => Exit::Yes,
            }),
            () = &mut stopped => break Ok(Exit::Yes),
        }
    };
    let dropped: u64 = messages.iter().map(Subscription::dropped).sum();
    if dropped > 0 {
        eprintln!(
            "renata: {dropped} messages came faster than they could be printed, and were dropped"
        );
    }
    client.close(Drain::within(Duration::from_secs(2))).await;
    outcome
}

async fn subscribe(client: &Client, filter: &str, args: &Args) -> Result<Subscription, Failure> {
    let mut subscribe = client.subscribe(filter).qos(args.qos).buffer(BUFFER);
    if args.no_retained {
        subscribe = subscribe.retain_handling(RetainHandling::DoNotSend);
    }
    let answer = tokio::time::timeout(args.connect.timeout(), subscribe).await;
    match answer {
        Ok(Ok(subscription)) => Ok(subscription),
        Ok(Err(error @ SubscribeError::Refused { .. })) => {
            Err(Failure::new(Exit::No, format!("{filter}: {error}")))
        }
        Ok(Err(SubscribeError::Closed)) => {
            let why = client
                .last_error()
                .map_or_else(String::new, |e| e.to_string());
            Err(Failure::new(Exit::NoConnection, why))
        }
        Ok(Err(error)) => Err(Failure::usage(format!("{filter}: {error}"))),
        Err(_) => Err(Failure::new(
            Exit::Timeout,
            format!("{filter}: no answer in time"),
        )),
    }
}

/// Whoever read our output may have seen enough, as `head` does.
fn stdout_closed(error: &io::Error) -> Outcome {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(Exit::Yes),
        _ => Err(Failure::usage(format!("standard output: {error}"))),
    }
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// Waits for Ctrl-C, or for the end that a service manager asks for. Listens from now on, not from
/// the first poll: what comes in between is not lost.
#[cfg(unix)]
fn stopped() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
fn stopped() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Bytes after which what was gathered is printed.
const AT_ONCE: usize = 64 * 1024;

/// Messages of one filter that wait to be printed.
const BUFFER: usize = 10_000;

const EXAMPLES: &str = "\
Examples:
  renata sub -t 'hall/+/lamp' -v
  renata sub -t 'renata/#' -q 1 --decode
  renata sub -t hall/1/config -C 1 -W 5                exit code 4 when nothing is there
  renata sub -t '$SYS/#' --json | jq .topic
  renata sub -t 'renata/#' -i archive --session-expiry 86400 -q 1";
