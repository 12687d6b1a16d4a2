//! One device, one task: connect, scan group by group, hand the readings over.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use renata_codec::{Quality, Reason, Sample, Timestamp, Value};
use renata_drivers::{Backoff, Driver, Reconnect, State, TagFault};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::reading::Readings;
use crate::config::DeviceConfig;
use crate::record::{Batch, Recorder, Stopped};
use crate::stats::Stats;

/// A device that is polled. Its failure is its own: nobody else waits for it.
pub(crate) struct Device<D: Driver> {
    name: String,
    driver: D,
    tags: Vec<D::Tag>,
    readings: Vec<Readings>,
    groups: Vec<Group<D::Plan>>,
    /// Index of the stream of the first tag; the status has the one behind the last tag's.
    first_stream: usize,
    online: Option<bool>,
    recorder: Recorder,
    stats: Arc<Stats>,
}

struct Group<P> {
    period: Duration,
    due: Instant,
    tags: Vec<usize>,
    plan: Option<P>,
}

impl<D: Driver> Device<D> {
    pub(crate) fn new(
        config: &DeviceConfig,
        driver: D,
        tags: Vec<D::Tag>,
        first_stream: usize,
        recorder: Recorder,
        stats: Arc<Stats>,
    ) -> Self {
        let members = |group: usize| {
            let tags = config.tags.iter().enumerate();
            tags.filter(move |(_, t)| t.group == group).map(|(i, _)| i)
        };
        let groups = config
            .groups
            .iter()
            .enumerate()
            .map(|(index, group)| Group {
                period: group.period,
                due: Instant::now(),
                tags: members(index).collect(),
                plan: None,
            });
        Self {
            name: config.name.clone(),
            driver,
            tags,
            readings: config.tags.iter().map(Readings::new).collect(),
            groups: groups.filter(|g| !g.tags.is_empty()).collect(),
            first_stream,
            online: None,
            recorder,
            stats,
        }
    }

    /// Runs until it is told to stop or the journal has stopped.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            () = crate::stop::told(&mut stop) => {}
            Err(Stopped) = self.poll() => {}
        }
    }

    async fn poll(&mut self) -> Result<(), Stopped> {
        let seed = self
            .name
            .bytes()
            .fold(0u64, |hash, b| hash.wrapping_mul(31) + u64::from(b));
        let mut link = Reconnect::new(Backoff::default(), seed);
        loop {
            match link.poll(now()) {
                State::Backoff { until } => sleep_until(Instant::from_std(until)).await,
                State::Connecting => match self.driver.connect().await {
                    Ok(()) => {
                        link.connected(now());
                        self.connected().await?;
                    }
                    Err(error) => {
                        link.failed(now());
                        self.lost(&error).await?;
                    }
                },
                State::Up { .. } => {
                    if let Err(error) = self.scan().await? {
                        link.failed(now());
                        self.lost(&error).await?;
                    }
                }
            }
        }
    }

    async fn connected(&mut self) -> Result<(), Stopped> {
        for group in &mut self.groups {
            let tags: Vec<_> = group.tags.iter().map(|i| self.tags[*i].clone()).collect();
            group.plan = Some(self.driver.plan(&tags));
            group.due = Instant::now();
        }
        tracing::info!(device = %self.name, "connected");
        let batch = self.status(true).into_iter().collect();
        self.record(batch).await
    }

    /// Every tag says that its device is gone, once.
    async fn lost(&mut self, error: &D::Error) -> Result<(), Stopped> {
        let (at, time) = (now(), wall_clock());
        let mut batch = Batch::new();
        if let Some(status) = self.status(false) {
            tracing::warn!(device = %self.name, %error, "not connected");
            batch.push(status);
        }
        let gone = Quality::bad(Reason::NotConnected);
        for (tag, readings) in self.readings.iter_mut().enumerate() {
            let sample = readings.take(Sample::missing(gone, time), at);
            batch.extend(sample.map(|sample| (self.first_stream + tag, sample)));
        }
        self.record(batch).await
    }

    /// The sample that says whether the device is there, when that has changed.
    fn status(&mut self, online: bool) -> Option<(usize, Sample)> {
        self.stats.link(&self.name, online);
        if self.online.replace(online) == Some(online) {
            return None;
        }
        let text = if online { "online" } else { "offline" };
        let stream = self.first_stream + self.readings.len();
        Some((stream, Sample::new(text, wall_clock())))
    }

    /// Waits for the group that is due next and reads it.
    async fn scan(&mut self) -> Result<Result<(), D::Error>, Stopped> {
        let Some(group) = self.groups.iter_mut().min_by_key(|g| g.due) else {
            std::future::pending::<()>().await;
            return Ok(Ok(()));
        };
        sleep_until(group.due).await;
        let Some(plan) = &mut group.plan else {
            return Ok(Ok(()));
        };
        let results = match self.driver.read(plan).await {
            Ok(results) => results,
            Err(error) => return Ok(Err(error)),
        };
        let (at, time) = (Instant::now(), wall_clock());
        group.due += group.period;
        if group.due < at {
            // Late by whole periods: those scans are left out, so that the rest keeps its beat.
            let late = (at - group.due).as_nanos() / group.period.as_nanos().max(1) + 1;
            group.due += group
                .period
                .saturating_mul(u32::try_from(late).unwrap_or(u32::MAX));
            self.stats.overruns.add(1);
        }
        self.stats.polled.add(results.len() as u64);
        let mut batch = Batch::new();
        for (tag, result) in group.tags.iter().zip(results) {
            let sample = sample(result, time);
            let passed = self.readings[*tag].take(sample, at.into_std());
            batch.extend(passed.map(|sample| (self.first_stream + *tag, sample)));
        }
        self.record(batch).await.map(Ok)
    }

    async fn record(&self, batch: Batch) -> Result<(), Stopped> {
        if batch.is_empty() {
            return Ok(());
        }
        self.stats.sampled.add(batch.len() as u64);
        self.recorder.record(batch).await
    }
}

fn sample<F: TagFault>(result: Result<Value, F>, time: Timestamp) -> Sample {
    match result {
        Ok(value) => Sample::new(value, time),
        Err(fault) => Sample::missing(fault.quality(), time),
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

fn wall_clock() -> Timestamp {
    SystemTime::now().into()
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
