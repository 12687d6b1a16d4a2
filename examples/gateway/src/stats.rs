//! Figures of a running gateway, as one JSON object a line.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// A figure that many tasks add to.
#[derive(Debug, Default)]
pub(crate) struct Figure(AtomicU64);

impl Figure {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All figures, counted since the start.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    /// Values that devices were read for.
    pub(crate) polled: Figure,
    /// Of these, what passed the change filters and became samples.
    pub(crate) sampled: Figure,
    /// Samples that earlier runs made in this epoch, as the journal knows: `recovered + committed`
    /// counts on over restarts.
    pub(crate) recovered: Figure,
    /// Samples that are durable in the journal.
    pub(crate) committed: Figure,
    /// Samples that the full journal did not take.
    pub(crate) refused: Figure,
    /// Samples that were dropped because the journal was full, the refused ones among them.
    pub(crate) dropped: Figure,
    /// Bytes of the journal.
    pub(crate) journal_bytes: Figure,
    /// Messages handed to MQTT, repetitions among them.
    pub(crate) published: Figure,
    /// Messages that a broker has taken responsibility for.
    pub(crate) acked: Figure,
    /// Messages that a broker refused; they are in the dead letters.
    pub(crate) rejected: Figure,
    /// Scans that began late because the one before took too long.
    pub(crate) overruns: Figure,
    /// Messages that came from a broker.
    pub(crate) received: Figure,
    /// Of these, new ones that are durable in the lake's journal.
    pub(crate) stored: Figure,
    /// Of these, repetitions.
    pub(crate) repeated: Figure,
    /// Of these, such as cannot be read; they are in the lake's dead letters.
    pub(crate) undecodable: Figure,
    /// Messages that are in the lake.
    pub(crate) in_lake: Figure,
    /// Which devices and brokers are connected.
    pub(crate) links: Mutex<BTreeMap<String, bool>>,
}

impl Stats {
    /// Notes whether a device or a broker is connected.
    pub(crate) fn link(&self, name: &str, up: bool) {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.insert(name.to_owned(), up);
    }

    /// One line.
    pub(crate) fn line(&self, gateway: &str) -> String {
        let links = self
            .links
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        // Read in this order, committed never seems to be ahead of sampled.
        let (refused, committed) = (self.refused.get(), self.committed.get());
        let sampled = self.sampled.get();
        let line = Line {
            gateway,
            polled: self.polled.get(),
            sampled,
            recovered: self.recovered.get(),
            committed,
            loss_window: sampled.saturating_sub(committed + refused),
            dropped: self.dropped.get(),
            journal_bytes: self.journal_bytes.get(),
            published: self.published.get(),
            acked: self.acked.get(),
            rejected: self.rejected.get(),
            overruns: self.overruns.get(),
            received: self.received.get(),
            stored: self.stored.get(),
            repeated: self.repeated.get(),
            undecodable: self.undecodable.get(),
            in_lake: self.in_lake.get(),
            links,
        };
        serde_json::to_string(&line).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Line<'a> {
    gateway: &'a str,
    polled: u64,
    sampled: u64,
    recovered: u64,
    committed: u64,
    /// Samples that a crash of the machine would lose now.
    loss_window: u64,
    dropped: u64,
    journal_bytes: u64,
    published: u64,
    acked: u64,
    rejected: u64,
    overruns: u64,
    received: u64,
    stored: u64,
    repeated: u64,
    undecodable: u64,
    in_lake: u64,
    links: BTreeMap<String, bool>,
}

/// Where the lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Standard error.
    Stderr,
    /// The end of a file.
    File(PathBuf),
}

impl std::str::FromStr for Target {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "stderr" => Self::Stderr,
            path => Self::File(path.into()),
        })
    }
}

/// Writes lines to a target.
#[derive(Debug)]
pub(crate) struct Lines {
    /// `None`: standard error.
    file: Option<File>,
    failed: bool,
}

impl Lines {
    pub(crate) fn open(target: &Target) -> io::Result<Self> {
        let file = match target {
            Target::Stderr => None,
            Target::File(path) => Some(OpenOptions::new().create(true).append(true).open(path)?),
        };
        Ok(Self {
            file,
            failed: false,
        })
    }

    /// One write a line, so that a reader never sees half of one. Figures that cannot be written are
    /// no reason to stop: the first failure is logged.
    pub(crate) fn write(&mut self, line: &str) {
        let line = format!("{line}\n");
        let written = match &mut self.file {
            None => io::stderr().lock().write_all(line.as_bytes()),
            Some(file) => file.write_all(line.as_bytes()),
        };
        if let Err(error) = &written
            && !self.failed
        {
            tracing::warn!(%error, "the figures cannot be written");
        }
        self.failed = written.is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_a_crash_would_lose() {
        let stats = Stats::default();
        stats.sampled.add(10);
        stats.committed.add(6);
        stats.refused.add(1);
        stats.link("plc-1", true);
        let line: serde_json::Value = serde_json::from_str(&stats.line("gw")).unwrap();
        assert_eq!(line["loss_window"], 3);
        assert_eq!(line["gateway"], "gw");
        assert_eq!(line["links"]["plc-1"], true);
    }

    #[test]
    fn lines_are_appended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stats.jsonl");
        let target: Target = path.to_str().unwrap().parse().unwrap();
        for text in ["a", "b"] {
            Lines::open(&target).unwrap().write(text);
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), "a\nb\n");
        assert_eq!("stderr".parse(), Ok(Target::Stderr));
    }
}
