//! A gateway from start to stop: which tasks there are, and in which order they begin and end.
//!
//! It begins at the sinks and ends at the sources, so that nothing is taken that cannot be kept; it
//! stops the other way round, so that what was taken is kept and, if there is time, delivered.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use renata_azure::Engine;
use renata_drivers::s7;
use renata_mqtt::{Client, Drain, Session};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::collect::Device;
use crate::config::{Config, DeviceConfig};
use crate::publish::{DeadLetters, Pump};
use crate::record::{self, Recorder, Stream, Thread};
use crate::stats::{Lines, Stats, Target};
use crate::{lake, mqtt};

/// Where figures go, and how often.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) target: Target,
    pub(crate) every: Duration,
}

/// Runs until SIGTERM or Ctrl-C.
pub(crate) fn run(config: &Config, report: Option<&Report>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let signal = signal()?;
        let stats = Arc::new(Stats::default());
        let lines = report.map(|report| Lines::open(&report.target));
        let mut lines = lines.transpose().context("the file of figures")?;
        let every = report.map_or(Duration::MAX, |report| report.every);
        let mut gateway = Gateway::start(config, &stats).await?;
        // A closed stderr is no reason to stop.
        let _ = writeln!(std::io::stderr(), "ready");
        let parts = gateway.parts();
        let ended = tokio::select! {
            name = signal => {
                tracing::info!(signal = name, "stopping");
                Ok(())
            }
            error = first_end(parts.pumps) => Err(error),
            error = first_end(parts.feeds) => Err(error),
            () = journal_stopped(parts.recorder) => Err(anyhow::anyhow!("the journal has stopped")),
            () = write_figures(&mut lines, every, config, parts.engine, &stats) => Ok(()),
        };
        let stopped = gateway.stop(&stats).await;
        if let Some(lines) = &mut lines {
            lines.write(&stats.line(&config.id));
        }
        // A journal that has stopped says best what went wrong.
        stopped.and(ended)
    })
}

/// Everything that runs.
struct Gateway {
    collector: Option<Collector>,
    writer: Option<Writer>,
}

struct Parts<'g> {
    recorder: Option<&'g Recorder>,
    pumps: Option<&'g mut JoinSet<anyhow::Result<()>>>,
    feeds: Option<&'g mut JoinSet<anyhow::Result<()>>>,
    engine: Option<&'g Engine>,
}

/// Devices, the journal behind them, and the uplinks.
struct Collector {
    recorder: Recorder,
    thread: Thread,
    devices: JoinSet<()>,
    stop_devices: watch::Sender<bool>,
    pumps: JoinSet<anyhow::Result<()>>,
    stop_pumps: watch::Sender<bool>,
    clients: Vec<Client>,
}

/// Subscriptions and the lake behind them.
struct Writer {
    engine: Engine,
    feeds: JoinSet<anyhow::Result<()>>,
    stop_feeds: watch::Sender<bool>,
    clients: Vec<Client>,
}

impl Gateway {
    async fn start(config: &Config, stats: &Arc<Stats>) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("data_dir {}", config.data_dir.display()))?;
        let writer = match &config.lake {
            Some(_) => Some(Writer::start(config, stats).await?),
            None => None,
        };
        let collector = match config.devices.is_empty() {
            false => Some(Collector::start(config, stats)?),
            true => None,
        };
        Ok(Self { collector, writer })
    }

    /// What is watched while it runs.
    fn parts(&mut self) -> Parts<'_> {
        let (feeds, engine) = match &mut self.writer {
            Some(writer) => (Some(&mut writer.feeds), Some(&writer.engine)),
            None => (None, None),
        };
        let (pumps, recorder) = match &mut self.collector {
            Some(collector) => (Some(&mut collector.pumps), Some(&collector.recorder)),
            None => (None, None),
        };
        Parts {
            pumps,
            recorder,
            feeds,
            engine,
        }
    }

    async fn stop(self, stats: &Stats) -> anyhow::Result<()> {
        let collected = match self.collector {
            Some(collector) => collector.stop().await,
            None => Ok(()),
        };
        let written = match self.writer {
            Some(writer) => writer.stop(stats).await,
            None => Ok(()),
        };
        collected.and(written)
    }
}

impl Collector {
    fn start(config: &Config, stats: &Arc<Stats>) -> anyhow::Result<Self> {
        let topics = config.devices.iter().flat_map(|device| {
            let tags = device.tags.iter().map(|tag| tag.topic.clone());
            tags.chain([device.status_topic.clone()])
        });
        let streams = topics.map(Stream::new).collect();
        let started = record::start(config, streams, stats.clone());
        let (recorder, thread) = started.context("the journal in data_dir")?;
        let (stop_devices, devices_stop) = watch::channel(false);
        let (stop_pumps, pumps_stop) = watch::channel(false);
        let mut collector = Self {
            recorder,
            thread,
            devices: JoinSet::new(),
            stop_devices,
            pumps: JoinSet::new(),
            stop_pumps,
            clients: Vec::new(),
        };
        for (index, uplink) in config.uplinks.iter().enumerate() {
            let link = &uplink.link;
            // Resumed over cuts of the line, so that QoS 2 means once; begun afresh at a start, because
            // what was on its way then is read from the journal again.
            let session = Session::persistent(SESSION).renewed();
            let client = mqtt::builder(link)?.session(session).start()?;
            collector.clients.push(client.clone());
            tokio::spawn(mqtt::watch(
                client.clone(),
                link.name.clone(),
                stats.clone(),
            ));
            let pump = Pump::new(
                index,
                mqtt::Uplink(client),
                uplink.in_flight,
                collector.recorder.clone(),
                DeadLetters::new(&config.data_dir, &link.name),
                stats.clone(),
            );
            let run = pump.run(pumps_stop.clone(), GRACE);
            collector
                .pumps
                .spawn(async move { run.await.map_err(Into::into) });
        }
        let mut stream = 0;
        for device in &config.devices {
            let tags = device.tags.iter().map(|tag| tag.address).collect();
            let (recorder, stats) = (collector.recorder.clone(), stats.clone());
            let client = s7::Client::new(s7_config(device));
            let device_task = Device::new(device, client, tags, stream, recorder, stats);
            collector
                .devices
                .spawn(device_task.run(devices_stop.clone()));
            stream += device.tags.len() + 1;
        }
        Ok(collector)
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        self.stop_devices.send_replace(true);
        while self.devices.join_next().await.is_some() {}
        // When the journal has stopped, its thread says why, below. On a full disk this would wait
        // until somebody makes room.
        let _ = tokio::time::timeout(GRACE, self.recorder.flush()).await;
        self.stop_pumps.send_replace(true);
        while self.pumps.join_next().await.is_some() {}
        for client in &self.clients {
            client.close(Drain::within(CLOSE)).await;
        }
        drop(self.recorder);
        self.thread.end().await.context("the journal in data_dir")
    }
}

fn s7_config(device: &DeviceConfig) -> s7::Config {
    let host = &device.host;
    let address = match host.parse() {
        Ok(std::net::IpAddr::V6(ip)) => format!("[{ip}]:{}", device.port),
        _ => format!("{host}:{}", device.port),
    };
    let mut config = s7::Config::new(address).with_slot(device.rack, device.slot);
    config.connect_within = device.timeout;
    config.answer_within = device.timeout;
    config
}

impl Writer {
    async fn start(config: &Config, stats: &Arc<Stats>) -> anyhow::Result<Self> {
        let lake = config.lake.as_ref().context("a writer without a lake")?;
        let engine = lake::open(config, lake).await?;
        let (stop_feeds, feeds_stop) = watch::channel(false);
        let mut feeds = JoinSet::new();
        let mut clients = Vec::new();
        for subscription in &config.subscriptions {
            let ingest = engine.ingest();
            let client = lake::subscribe(subscription, &ingest, stats, &feeds_stop, &mut feeds)?;
            clients.push(client);
        }
        Ok(Self {
            engine,
            feeds,
            stop_feeds,
            clients,
        })
    }

    async fn stop(mut self, stats: &Stats) -> anyhow::Result<()> {
        self.stop_feeds.send_replace(true);
        while self.feeds.join_next().await.is_some() {}
        for client in &self.clients {
            client.close(Drain::within(CLOSE)).await;
        }
        lake::figures(&self.engine, stats);
        Ok(self.engine.close(lake::GRACE).await?)
    }
}

/// The end of the first task, which is a failure; pending when there are none.
async fn first_end(tasks: Option<&mut JoinSet<anyhow::Result<()>>>) -> anyhow::Error {
    let ended = match tasks {
        Some(tasks) => tasks.join_next().await,
        None => None,
    };
    match ended {
        Some(Ok(Ok(()))) => anyhow::anyhow!("a link has ended by itself"),
        Some(Ok(Err(error))) => error,
        Some(Err(error)) => error.into(),
        None => std::future::pending().await,
    }
}

async fn journal_stopped(recorder: Option<&Recorder>) {
    match recorder {
        Some(recorder) => recorder.stopped().await,
        None => std::future::pending().await,
    }
}

/// Writes a line of figures now and then, for ever.
async fn write_figures(
    lines: &mut Option<Lines>,
    every: Duration,
    config: &Config,
    engine: Option<&Engine>,
    stats: &Stats,
) {
    let Some(lines) = lines else {
        return std::future::pending().await;
    };
    let mut beat = tokio::time::interval(every);
    loop {
        beat.tick().await;
        if let Some(engine) = engine {
            lake::figures(engine, stats);
        }
        lines.write(&stats.line(&config.id));
    }
}

/// Resolves to the name of the signal that ends this program.
fn signal() -> anyhow::Result<impl Future<Output = &'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => "SIGTERM",
            _ = int.recv() => "SIGINT",
        }
    })
}

/// How long uplinks may still send what is durable when the gateway ends.
const GRACE: Duration = Duration::from_secs(5);

/// How long a broker keeps what it has of an uplink that is away.
const SESSION: Duration = Duration::from_secs(24 * 3_600);

/// How long a client may take to say goodbye.
const CLOSE: Duration = Duration::from_secs(2);
