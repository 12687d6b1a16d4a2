//! The subscriber: an application of the plant, which counts what it is given.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use renata_codec::{Codec, Sample, Timestamp};
use renata_mqtt::{Client, Message, Session, TlsConfig};
use tokio::task::JoinHandle;

use crate::files::VIEWER;
use crate::pki::Pki;

/// A subscriber to everything, running in the background.
#[derive(Debug)]
pub(crate) struct Viewer {
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

/// What it has been given.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    received: AtomicU64,
    repeated: AtomicU64,
    unreadable: AtomicU64,
}

impl Counts {
    /// Measurements, each counted once.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Measurements that came again, as QoS 1 may after a cut.
    pub(crate) fn repeated(&self) -> u64 {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Messages that are no measurements.
    pub(crate) fn unreadable(&self) -> u64 {
        self.unreadable.load(Ordering::Relaxed)
    }
}

impl Viewer {
    /// Connects over mutual TLS and subscribes to `renata/#`. Its session outlives the connection, so
    /// that nothing is missed while the broker restarts.
    pub(crate) async fn start(pki: &Pki, broker: SocketAddr) -> anyhow::Result<Self> {
        let identity = pki.identity(VIEWER);
        let tls = TlsConfig::ca_file(&pki.ca)?.identity_files(&identity.cert, &identity.key)?;
        let client = Client::builder(format!("mqtts://{broker}"))
            .client_id(VIEWER)
            .session(Session::persistent(Duration::from_secs(3600)))
            .tls(tls)
            .connect()
            .await
            .context("the viewer cannot connect")?;
        let mut messages = client
            .subscribe("renata/#")
            .qos1()
            .buffer(1024)
            .await
            .context("the viewer cannot subscribe")?;
        let counts = Arc::new(Counts::default());
        let seen = Arc::clone(&counts);
        let since = Timestamp::from(SystemTime::now());
        let task = tokio::spawn(async move {
            let mut last = HashMap::new();
            while let Some(message) = messages.next().await {
                count(&message, since, &mut last, &seen);
            }
            drop(client);
        });
        Ok(Self { counts, task })
    }

    /// What it has been given so far.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Counts a measurement by its place in its stream; within one they come in order.
fn count(
    message: &Message,
    since: Timestamp,
    last: &mut HashMap<String, (u32, u64)>,
    counts: &Counts,
) {
    // What was retained before we came was sent, and counted, by an earlier run.
    if message.retain() {
        return;
    }
    let Some(sample) = read(message) else {
        counts.unreadable.fetch_add(1, Ordering::Relaxed);
        return;
    };
    // An earlier run that was killed leaves some that it made behind in journals and queues.
    if sample.receive_time < since {
        return;
    }
    let place = sample.identity();
    let known = last.get(message.topic()).copied();
    if known.is_some_and(|known| place <= known) {
        counts.repeated.fetch_add(1, Ordering::Relaxed);
    } else {
        last.insert(message.topic().to_owned(), place);
        counts.received.fetch_add(1, Ordering::Relaxed);
    }
}

fn read(message: &Message) -> Option<Sample> {
    let codec: Codec = message.content_type()?.parse().ok()?;
    codec.decode(&message.payload()).ok()
}
