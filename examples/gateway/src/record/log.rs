//! [`SampleLog`]: samples get their numbers and go into the journal.

use bytes::BytesMut;
use renata_codec::{Codec, Quality, Reason, Sample};
use renata_journal::{
    AppendError, CursorError, Disk, FsDisk, Journal, OpenError, ReadError, Reader, Seq, SyncError,
};
use renata_topics::{TopicClass, TopicNameBuf};

use super::counters::{Counters, Recovery};
use super::entry::{self, Message};
use crate::config::WhenFull;

/// A stream: a topic, and how its samples travel.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) topic: TopicNameBuf,
    pub(crate) qos: u8,
    pub(crate) retain: bool,
}

impl Stream {
    pub(crate) fn new(topic: TopicNameBuf) -> Self {
        let class = TopicClass::of(topic.as_name());
        Self {
            qos: class.qos(),
            retain: class == TopicClass::Status,
            topic,
        }
    }
}

/// The journal between devices and uplinks, and the counters of the streams in it.
pub(crate) struct SampleLog<D: Disk = FsDisk> {
    journal: Journal<D>,
    counters: Counters,
    codec: Codec,
    when_full: WhenFull,
    /// Bytes in the journal at which the next checkpoint is due, counted from the last.
    since_checkpoint: u64,
    /// The first record of a checkpoint that is not durable yet, and its last.
    checkpoint: Option<(Seq, Seq)>,
    dropped: u64,
    payload: BytesMut,
    head: Vec<u8>,
}

/// Why the journal cannot go on: the gateway has to be started again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Sync(#[from] SyncError),
    #[error(transparent)]
    Cursor(#[from] CursorError),
    #[error("record {0} of the journal: {1}")]
    Entry(Seq, entry::BadEntry),
    #[error("cannot write the epoch file: {0}")]
    Epoch(std::io::Error),
    #[error("cannot start the thread of the journal: {0}")]
    Thread(std::io::Error),
}

impl<D: Disk> SampleLog<D> {
    /// Takes a journal that was opened: finds the counters, makes the cursors of the uplinks.
    ///
    /// `epoch` draws a new epoch; it is asked only when the counters are lost.
    pub(crate) fn start(
        mut journal: Journal<D>,
        uplinks: &[String],
        codec: Codec,
        when_full: WhenFull,
        epoch: impl FnOnce() -> std::io::Result<u32>,
    ) -> Result<Self, LogError> {
        let counters = match recovered(&journal)? {
            Some(counters) => counters,
            None => Counters::begin(epoch().map_err(LogError::Epoch)?),
        };
        let old: Vec<String> = journal.cursors().map(|(name, _)| name.to_owned()).collect();
        for name in old
            .iter()
            .filter(|n| *n != CHECKPOINT && !uplinks.contains(n))
        {
            tracing::warn!(uplink = %name, "no longer configured: what waited for it is given up");
            journal.remove_cursor(name);
        }
        journal.cursor(CHECKPOINT)?;
        for name in uplinks {
            journal.cursor(name)?;
        }
        let mut log = Self {
            journal,
            counters,
            codec,
            when_full,
            since_checkpoint: 0,
            checkpoint: None,
            dropped: 0,
            payload: BytesMut::new(),
            head: Vec::new(),
        };
        log.write_checkpoint()?;
        log.commit()?;
        Ok(log)
    }

    /// Numbers a sample and appends it; `false` when it was dropped, because at the cap what happens
    /// is what was configured.
    pub(crate) fn append(&mut self, stream: &Stream, mut sample: Sample) -> Result<bool, LogError> {
        let topic = stream.topic.as_str();
        (sample.epoch, sample.seq) = (self.counters.epoch(), self.counters.take(topic));
        self.payload.clear();
        if let Err(error) = self.codec.encode(&sample, &mut self.payload) {
            tracing::warn!(topic, %error, "published without its value");
            sample.value = None;
            sample.quality = Quality::bad(Reason::OutOfRange);
            // A sample without value is a hundred bytes: always within the limits.
            let _ = self.codec.encode(&sample, &mut self.payload);
        }
        let message = Message {
            retain: stream.retain,
            qos: stream.qos,
            epoch: sample.epoch,
            seq: sample.seq,
            topic,
            content_type: self.codec.content_type(),
            payload: &[],
        };
        self.head.clear();
        message.put_head(&mut self.head);
        let payload = std::mem::take(&mut self.payload);
        let appended = self.append_or_drop(&payload);
        self.payload = payload;
        let appended = appended?;
        if self.since_checkpoint >= self.journal.options().segment_bytes {
            self.write_checkpoint()?;
        }
        Ok(appended)
    }

    fn append_or_drop(&mut self, payload: &[u8]) -> Result<bool, LogError> {
        loop {
            match self.journal.append_parts(&[&self.head, payload]) {
                Ok(_) => {
                    self.since_checkpoint += (self.head.len() + payload.len() + FRAME) as u64;
                    return Ok(true);
                }
                Err(AppendError::Full { .. } | AppendError::NoSpace)
                    if self.when_full == WhenFull::DropOldest && self.drop_oldest()? => {}
                Err(AppendError::Full { .. } | AppendError::NoSpace | AppendError::Refused(_)) => {
                    self.dropped += 1;
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Gives up an eighth of what waits for the slowest uplink; `false` when nothing waits.
    ///
    /// Space comes back in whole segments, so it may take more than one call until there is some.
    fn drop_oldest(&mut self) -> Result<bool, LogError> {
        let durable = self.commit()?;
        let uplinks = || {
            self.journal
                .cursors()
                .filter(|(name, _)| *name != CHECKPOINT)
        };
        let Some(slowest) = uplinks().map(|(_, at)| at).min().filter(|at| *at < durable) else {
            return Ok(false);
        };
        let waiting = durable.get() - slowest.get();
        let upto = Seq::new(slowest.get() + (waiting / 8).max(1));
        let behind = uplinks().filter(|(_, at)| *at < upto);
        let behind: Vec<_> = behind.map(|(name, at)| (name.to_owned(), at)).collect();
        for (name, at) in behind {
            let lost = upto.get() - at.get();
            tracing::warn!(uplink = %name, lost, "journal full: the oldest samples are given up");
            self.dropped += lost;
            self.journal.ack(&name, upto)?;
        }
        self.commit()?;
        Ok(true)
    }

    /// Writes down the counters, so that older messages can be deleted.
    fn write_checkpoint(&mut self) -> Result<(), LogError> {
        let first = self.journal.next();
        for part in self.counters.checkpoint() {
            match self.journal.append(&part) {
                Ok(_) => {}
                // Without room there is no checkpoint; the last one holds until there is.
                Err(AppendError::Full { .. } | AppendError::NoSpace | AppendError::Refused(_)) => {
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.checkpoint = Some((first, self.journal.next()));
        self.since_checkpoint = 0;
        Ok(())
    }

    /// Says that an uplink is done with the records up to `seq`; durable with the next commit.
    pub(crate) fn ack(&mut self, uplink: &str, seq: Seq) -> Result<(), LogError> {
        let seq = seq.min(self.journal.durable());
        Ok(self.journal.ack(uplink, seq)?)
    }

    /// Makes everything so far durable: one fsync for all of it.
    pub(crate) fn commit(&mut self) -> Result<Seq, LogError> {
        match self.journal.sync() {
            Ok(_) | Err(SyncError::NoSpace | SyncError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let durable = self.journal.durable();
        if let Some((first, next)) = self.checkpoint
            && durable.next() >= next
        {
            let before = Seq::new(first.get().saturating_sub(1));
            self.journal.ack(CHECKPOINT, before)?;
            self.checkpoint = None;
        }
        Ok(durable)
    }

    /// Reads durable records from the one after `seq` on, or from the first that is still there.
    pub(crate) fn reader_after(&self, seq: Seq) -> Result<Reader<D>, LogError> {
        Ok(self.journal.read(seq.next().max(self.journal.first()))?)
    }

    /// The last record that was appended, durable or not.
    pub(crate) fn last(&self) -> Seq {
        Seq::new(self.journal.next().get() - 1)
    }

    pub(crate) fn acked(&self, uplink: &str) -> Seq {
        self.journal.acked(uplink).unwrap_or_default()
    }

    /// Bytes in use.
    pub(crate) fn bytes(&self) -> u64 {
        self.journal.bytes()
    }

    /// How many samples were dropped at the cap, since the start.
    pub(crate) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many samples were numbered in this epoch.
    pub(crate) fn numbered(&self) -> u64 {
        self.counters.total()
    }

    #[cfg(test)]
    pub(crate) const fn epoch(&self) -> u32 {
        self.counters.epoch()
    }

    /// Syncs and closes.
    pub(crate) fn close(self) -> Result<(), LogError> {
        Ok(self.journal.close()?)
    }
}

/// The counters that the journal holds; `None` when it holds none, or not all.
///
/// The last checkpoint that is known to be whole has everything that came before it.
fn recovered<D: Disk>(journal: &Journal<D>) -> Result<Option<Counters>, LogError> {
    let mut recovery = Recovery::default();
    let before = journal.acked(CHECKPOINT).unwrap_or_default();
    let mut reader = journal.read(before.next().max(journal.first()))?;
    while let Some(record) = reader.next_record()? {
        let at = record.seq;
        let entry = entry::read(record.payload).map_err(|e| LogError::Entry(at, e))?;
        recovery.take(&entry).map_err(|e| LogError::Entry(at, e))?;
    }
    Ok(recovery.finish())
}

/// The cursor that keeps the last checkpoint from being deleted. No uplink has this name: names hold
/// no blanks.
const CHECKPOINT: &str = "the checkpoint";

/// What the journal puts around a record, about.
const FRAME: usize = 32;

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
