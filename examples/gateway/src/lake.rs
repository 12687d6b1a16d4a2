//! The lake writer: from a broker's session to Parquet files.
//!
//! ```text
//!  broker --QoS 1, 2--> subscription (manual ack) --> engine: drop repetitions, journal, fsync --> lake
//!     ^                                                          | ticket: durable
//!     '------------------------- PUBACK, PUBREC ----------------'
//! ```
//! The broker keeps a message until it is in our journal, and our journal keeps it until it is in the
//! lake. So a crash at any point repeats messages and loses none, and the engine drops repetitions.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use renata_azure::lake::{Lake, LakeOptions};
use renata_azure::{Admitted, Engine, EngineOptions, Envelope, Ingest, IngestError, Ticket};
use renata_mqtt::{AckToken, Client, Limits, Message, QoS, Session, Subscription, Unclaimed};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::{Config, LakeConfig, SubscriptionConfig};
use crate::mqtt;
use crate::stats::Stats;

/// Opens the engine in front of the lake and attaches the lake to it.
pub(crate) async fn open(config: &Config, lake: &LakeConfig) -> anyhow::Result<Engine> {
    let mut options = EngineOptions::new(config.data_dir.join("lake-journal"));
    options.max_journal_bytes = lake.journal_max_bytes;
    options.segment_bytes = (16 << 20).min(lake.journal_max_bytes / 4);
    let mut engine = Engine::open(options)
        .await
        .context("the journal of the lake")?;
    let mut options = LakeOptions::new(config.id.clone());
    options.max_age = lake.file_age;
    let lake = Lake::local(lake.path.join(&lake.table), options)?;
    engine.attach(lake).await?;
    Ok(engine)
}

/// Starts a client that subscribes and feeds the engine, for as long as it takes to reach the broker.
pub(crate) fn subscribe(
    config: &SubscriptionConfig,
    ingest: &Ingest,
    stats: &Arc<Stats>,
    stop: &watch::Receiver<bool>,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<Client> {
    let limits = Limits {
        receive_maximum: config.in_flight,
        ..Limits::default()
    };
    let client = mqtt::builder(&config.link)?
        .session(Session::persistent(config.session_expiry))
        .limits(limits)
        .start()?;
    let name = config.link.name.clone();
    tokio::spawn(mqtt::watch(client.clone(), name, stats.clone()));
    let filters = config.filters.iter().map(|f| Some(f.as_str().to_owned()));
    for filter in filters.chain([None]) {
        let feed = Feed {
            client: client.clone(),
            filter,
            window: usize::from(config.in_flight),
            ingest: ingest.clone(),
            stats: stats.clone(),
        };
        tasks.spawn(feed.run(stop.clone()));
    }
    Ok(client)
}

/// One stream of messages on its way into the engine.
struct Feed {
    client: Client,
    /// `None`: what the broker still holds for a filter that is no longer configured. It goes to the
    /// lake, too: left alone, it would use up the window, and at last nothing would come any more.
    filter: Option<String>,
    window: usize,
    ingest: Ingest,
    stats: Arc<Stats>,
}

/// Given to the engine, not yet durable; the oldest first. Acknowledgements leave in order of arrival
/// anyway (MQTT 5.0 §4.6), so nothing is lost by waiting for the oldest.
type Waiting = VecDeque<(Ticket, Option<AckToken>)>;

impl Feed {
    async fn run(self, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        tokio::select! {
            ended = self.feed() => ended,
            () = crate::stop::told(&mut stop) => Ok(()),
        }
    }

    async fn feed(&self) -> anyhow::Result<()> {
        let mut source = match &self.filter {
            None => Source::Unclaimed(self.client.unclaimed().manual_ack()),
            Some(filter) => {
                let subscribe = self.client.subscribe(filter.clone()).qos(QoS::ExactlyOnce);
                let subscribed = subscribe.manual_ack().await;
                Source::Claimed(
                    subscribed.with_context(|| format!("cannot subscribe to {filter}"))?,
                )
            }
        };
        let mut waiting = Waiting::new();
        loop {
            tokio::select! {
                message = source.next(), if waiting.len() < self.window => {
                    let message = message.context("the broker has ended a subscription")?;
                    waiting.push_back(self.take(message).await?);
                }
                admitted = first(&mut waiting), if !waiting.is_empty() => {
                    let token = waiting.pop_front().and_then(|(_, token)| token);
                    self.settle(admitted?, token);
                }
            }
        }
    }

    async fn take(&self, mut message: Message) -> Result<(Ticket, Option<AckToken>), IngestError> {
        self.stats.received.add(1);
        let token = message.take_token();
        let content_type = message.content_type().unwrap_or_default();
        let envelope = Envelope::new(message.topic(), content_type, message.payload());
        Ok((self.ingest.append(envelope).await?, token))
    }

    fn settle(&self, admitted: Admitted, token: Option<AckToken>) {
        match admitted {
            Admitted::Stored { .. } => self.stats.stored.add(1),
            Admitted::Repetition => self.stats.repeated.add(1),
            Admitted::DeadLettered(reason) => {
                tracing::warn!(filter = self.filter, %reason, "to the dead letters");
                self.stats.undecodable.add(1);
            }
        }
        if let Some(token) = token {
            token.ack();
        }
    }
}

enum Source {
    Claimed(Subscription),
    Unclaimed(Unclaimed),
}

impl Source {
    async fn next(&mut self) -> Option<Message> {
        match self {
            Self::Claimed(subscription) => subscription.next().await,
            Self::Unclaimed(unclaimed) => unclaimed.next().await,
        }
    }
}

/// What became of the oldest; pending when there is none. Cancel-safe.
async fn first(waiting: &mut Waiting) -> Result<Admitted, IngestError> {
    match waiting.front_mut() {
        Some((ticket, _)) => ticket.await,
        None => std::future::pending().await,
    }
}

/// Brings the figures of the lake up to date.
pub(crate) fn figures(engine: &Engine, stats: &Stats) {
    let in_lake = engine.sinks().iter().map(|s| s.records).sum();
    stats.in_lake.set(in_lake);
    for sink in engine.sinks() {
        stats.link(&sink.name, sink.paused.is_none());
    }
}

/// How long the lake gets for its last commit when the gateway ends.
pub(crate) const GRACE: Duration = Duration::from_secs(10);
