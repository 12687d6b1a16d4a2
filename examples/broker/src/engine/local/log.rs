//! [`Log`]: changes into the journal, commits out of it; the thread for the fsync is not here.

use std::time::{Duration, Instant};

use renata_journal::{
    AppendError, Disk, Journal, OpenError, Options, Seq, SyncDone, SyncError, SyncJob,
};

use super::super::{Change, EngineError, Recovered, SessionId, Ticket};
use super::clean::Cleaner;
use super::decode::{Changes, DecodeError, Logged};
use super::encode;
use super::state::State;

/// When to commit, and how large the journal may become.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// An append waits at most this long for others to share its fsync.
    pub(super) commit_interval: Duration,
    /// With so many appends no more time is waited.
    pub(super) commit_records: usize,
    /// Hard cap of the journal in bytes.
    pub(super) max_bytes: u64,
    /// Size of the journal's files.
    pub(super) segment_bytes: u64,
}

impl Limits {
    fn options(&self) -> Options {
        Options {
            max_bytes: self.max_bytes,
            segment_bytes: self.segment_bytes,
            // The largest MQTT packet fits, with everything that is copied beside it.
            max_record_bytes: 512 << 20,
            buffer_bytes: 2 << 20,
        }
    }

    /// Beyond this a batch is refused. The last eighth is not for messages but for what makes room:
    /// acknowledgements, and in the last of it only copies of what is still needed out of files
    /// that mostly are not.
    fn cap(&self, brings_message: bool) -> u64 {
        let reserve = if brings_message { 8 } else { 32 };
        self.max_bytes - self.max_bytes / reserve
    }
}

/// The journal, and the state that it describes.
pub(super) struct Log<D: Disk> {
    pub(super) journal: Journal<D>,
    pub(super) state: State,
    pub(super) limits: Limits,
    cleaner: Cleaner<D>,
    batch: Vec<u8>,
    /// Appends that no sync has been started for, and when the first of them came.
    waiting: usize,
    oldest: Option<Instant>,
    started: Option<Instant>,
    in_flight: bool,
    /// The disk was full: when to try again.
    retry_at: Option<Instant>,
}

impl<D: Disk> Log<D> {
    pub(super) fn open(disk: D, limits: Limits) -> Result<Self, OpenError> {
        let (journal, recovery) = Journal::open_on(disk, limits.options())?;
        if let Some(torn) = recovery.truncated {
            tracing::warn!(
                segment = torn.segment,
                offset = torn.offset,
                bytes = torn.bytes,
                "cut off what a crash had left half written; none of it was acknowledged"
            );
        }
        Ok(Self {
            journal,
            state: State::default(),
            limits,
            cleaner: Cleaner::default(),
            batch: Vec::new(),
            waiting: 0,
            oldest: None,
            started: None,
            in_flight: false,
            retry_at: None,
        })
    }

    /// Reads the whole journal into the state.
    pub(super) fn recover(&mut self) -> Result<Recovered, EngineError> {
        let failed = |seq: Seq, e: &dyn std::fmt::Display| {
            EngineError::Failed(format!("record {seq} cannot be read: {e}"))
        };
        let first = self.journal.first();
        let mut reader = self.journal.read(first).map_err(|e| failed(first, &e))?;
        loop {
            let at = reader.position();
            let Some(record) = reader.next_record().map_err(|e| failed(at, &e))? else {
                break;
            };
            replay(&mut self.state, at, record.payload).map_err(|e| failed(at, &e))?;
        }
        self.state.recovered()
    }

    /// Appends one batch, all or nothing.
    pub(super) fn append(
        &mut self,
        now: Instant,
        changes: &[Change<'_>],
    ) -> Result<Ticket, EngineError> {
        encode::begin(&mut self.batch);
        let mut brings = false;
        for change in changes {
            let next_seq = match change {
                Change::Session(record) => self.next_seq_of(record.id),
                _ => 0,
            };
            brings |= matches!(change, Change::Message(..));
            encode::change(&mut self.batch, change, next_seq);
        }
        let full = self.journal.bytes() + self.batch.len() as u64 > self.limits.cap(brings);
        let appended = if full || (brings && self.retry_at.is_some()) {
            Err(EngineError::Full)
        } else {
            self.journal.append(&self.batch).map_err(append_error)
        };
        if appended.is_err() && brings {
            return appended.map(ticket);
        }
        // What brings no message has happened whether it is written or not: the broker goes on
        // with it, and copies are made of what is, not of what was.
        for change in changes {
            let at = match (&appended, change) {
                (Ok(seq), _) => seq.get(),
                (Err(_), Change::Session(record)) => self.position_of(record.id),
                (Err(_), _) => 0,
            };
            self.state.apply(at, change);
        }
        self.state.end_batch();
        let seq = appended?;
        self.note_append(now);
        Ok(ticket(seq))
    }

    pub(super) fn committed(&self) -> Ticket {
        ticket(self.journal.durable())
    }

    /// Takes note of a finished sync.
    pub(super) fn finish_sync(&mut self, now: Instant, done: SyncDone) -> Result<(), EngineError> {
        self.in_flight = false;
        self.journal.finish_sync(done).map_err(sync_error)?;
        if let Some(seq) = self.cleaner.committed(self.journal.durable()) {
            self.journal.truncate_before(seq);
            self.oldest.get_or_insert(now);
        }
        Ok(())
    }

    /// Makes room if there is much to gain, and starts a sync if one is due.
    pub(super) fn turn(&mut self, now: Instant) -> Result<Option<SyncJob<D>>, EngineError> {
        let cleaned = match self.retry_at {
            None => self.clean(now),
            Some(_) => Ok(()),
        };
        let job = match self.due() {
            Some(due) if due <= now => self.start_sync(now)?,
            _ => None,
        };
        match job {
            // A damaged old record must not keep new ones from being committed.
            Some(job) => Ok(Some(job)),
            None => cleaned.map(|()| None),
        }
    }

    /// Starts a sync of everything that was appended, if none is on its way.
    pub(super) fn start_sync(&mut self, now: Instant) -> Result<Option<SyncJob<D>>, EngineError> {
        match self.journal.start_sync() {
            Ok(job) => {
                self.waiting = 0;
                self.oldest = None;
                self.retry_at = None;
                self.in_flight = job.is_some();
                self.started = Some(now);
                Ok(job)
            }
            Err(e) => {
                self.retry_at = Some(now + RETRY);
                Err(sync_error(e))
            }
        }
    }

    pub(super) fn is_in_flight(&self) -> bool {
        self.in_flight
    }

    /// When [`turn`](Self::turn) has something to do; the end of a sync aside.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.in_flight {
            return None;
        }
        let oldest = self.oldest?;
        if let Some(at) = self.retry_at {
            return Some(at);
        }
        // The first append after a quiet time does not wait; under load syncs keep their distance.
        match self.started {
            Some(last) if self.waiting < self.limits.commit_records => {
                Some(oldest.max(last + self.limits.commit_interval))
            }
            _ => Some(oldest),
        }
    }

    fn clean(&mut self, now: Instant) -> Result<(), EngineError> {
        let (journal, state) = (&mut self.journal, &mut self.state);
        if self.cleaner.step(journal, state, &self.limits)? {
            self.note_append(now);
        }
        Ok(())
    }

    fn note_append(&mut self, now: Instant) {
        self.waiting += 1;
        self.oldest.get_or_insert(now);
    }

    fn next_seq_of(&self, id: SessionId) -> u64 {
        self.state.sessions.get(&id).map_or(0, |s| s.next_seq)
    }

    fn position_of(&self, id: SessionId) -> u64 {
        self.state.sessions.get(&id).map_or(0, |s| s.at)
    }
}

/// Applies one batch that was read back.
fn replay(state: &mut State, at: Seq, batch: &[u8]) -> Result<(), DecodeError> {
    let mut changes = Changes::new(batch)?;
    while let Some(change) = changes.next()? {
        match change {
            Logged::Session(record, next_seq) => state.session(at.get(), &record, next_seq),
            Logged::Message(id, message) => state.apply(at.get(), &Change::Message(id, &message)),
            Logged::Enqueue(session, record, received) => {
                state.enqueue(session, &record, received);
            }
            Logged::ClearRetained(topic) => state.apply(at.get(), &Change::ClearRetained(&topic)),
            Logged::Counters(session, message) => {
                state.next_session = state.next_session.max(session);
                state.next_message = state.next_message.max(message);
            }
            Logged::Plain(change) => state.apply(at.get(), &change),
        }
    }
    state.end_batch();
    Ok(())
}

fn ticket(seq: Seq) -> Ticket {
    Ticket(seq.get())
}

fn append_error(e: AppendError) -> EngineError {
    match e {
        AppendError::Poisoned(_) => EngineError::Failed(e.to_string()),
        _ => EngineError::Full,
    }
}

fn sync_error(e: SyncError) -> EngineError {
    match e {
        SyncError::Poisoned(_) => EngineError::Failed(e.to_string()),
        _ => EngineError::Full,
    }
}

/// How long to wait before a full disk is tried again.
const RETRY: Duration = Duration::from_millis(100);
