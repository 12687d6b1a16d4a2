//! Space comes back: what is still needed is copied from the front of the log to its end.
//!
//! ```text
//!  |dead|live|dead|dead|live| ... |new|  ->  |dead|dead|dead|dead|dead| ... |new|copies|
//!   '-------- read, oldest first ------'      '--- deleted once the copies are durable
//! ```
//! A pass begins when less than a quarter of the log is needed, so that it writes a third of what it
//! frees at most; earlier when the log is more than half full. One idle session therefore never
//! pins the disk, and an object has one copy at any time but while its file waits for deletion.

use renata_journal::{Disk, Journal, ReadError, Reader, Seq};

use super::super::{Change, EngineError, SessionId};
use super::decode::{Changes, DecodeError, Logged};
use super::encode;
use super::log::Limits;
use super::state::State;

/// A pass over the log, a piece at a time.
pub(super) struct Cleaner<D: Disk> {
    pass: Option<Pass<D>>,
    /// Copies that have to be durable before the records in front of a place are deleted: the last
    /// record with copies, and the place.
    copied: Option<(Seq, Seq)>,
    /// Bytes that the last pass copied: a log of that size is all needed, whatever the books say,
    /// so another pass is worth while only when it has grown.
    settled: u64,
    copy: Vec<u8>,
}

struct Pass<D: Disk> {
    reader: Reader<D>,
    /// The pass ends where the log ended when it began.
    end: Seq,
    copied: u64,
}

impl<D: Disk> Default for Cleaner<D> {
    fn default() -> Self {
        Self {
            pass: None,
            copied: None,
            settled: 0,
            copy: Vec::new(),
        }
    }
}

impl<D: Disk> Cleaner<D> {
    /// Records up to `durable` are: from where on the log is needed, if that has changed.
    pub(super) fn committed(&mut self, durable: Seq) -> Option<Seq> {
        let (_, keep_from) = self.copied.take_if(|(copies, _)| *copies <= durable)?;
        Some(keep_from)
    }

    /// Does a piece of a pass, if one is under way or worth while. Whether it appended anything.
    pub(super) fn step(
        &mut self,
        journal: &mut Journal<D>,
        state: &mut State,
        limits: &Limits,
    ) -> Result<bool, EngineError> {
        if self.copied.is_some() {
            return Ok(false);
        }
        let Some(mut pass) = self.take_pass(journal, state, limits)? else {
            return Ok(false);
        };
        encode::begin(&mut self.copy);
        encode::counters(&mut self.copy, state.next_session, state.next_message);
        let pressed = journal.bytes() > limits.max_bytes / 4 * 3;
        let budget = limits
            .segment_bytes
            .min(if pressed { 4 << 20 } else { 256 << 10 });
        let mut moved = Vec::new();
        let mut read = 0;
        while read < budget && pass.reader.position() < pass.end {
            let at = pass.reader.position();
            let record = pass.reader.next_record().map_err(|e| read_error(at, &e))?;
            let Some(record) = record else { break };
            read += record.payload.len() as u64;
            copy_live(state, at, record.payload, &mut self.copy, &mut moved)
                .map_err(|e| EngineError::Failed(format!("record {at} cannot be read: {e}")))?;
        }
        let keep_from = pass.reader.position();
        if read == 0 {
            self.pass = Some(pass);
            return Ok(false);
        }
        // When there is no room now, this piece is done again from the start of the log.
        let Ok(copies) = journal.append(&self.copy) else {
            return Ok(false);
        };
        for session in moved {
            if let Some(session) = state.sessions.get_mut(&session) {
                session.at = copies.get();
            }
        }
        self.copied = Some((copies, keep_from));
        pass.copied += self.copy.len() as u64;
        if keep_from < pass.end {
            self.pass = Some(pass);
        } else {
            self.settled = pass.copied;
        }
        Ok(true)
    }

    fn take_pass(
        &mut self,
        journal: &Journal<D>,
        state: &State,
        limits: &Limits,
    ) -> Result<Option<Pass<D>>, EngineError> {
        if self.pass.is_some() || !self.is_worth_while(journal.bytes(), state.live_bytes, limits) {
            return Ok(self.pass.take());
        }
        let first = journal.first();
        let reader = journal.read(first).map_err(|e| read_error(first, &e))?;
        let end = journal.next();
        Ok(Some(Pass {
            reader,
            end,
            copied: 0,
        }))
    }

    fn is_worth_while(&self, bytes: u64, live: u64, limits: &Limits) -> bool {
        let enough = bytes > 4 * limits.segment_bytes;
        let mostly_dead = bytes / 4 > live && bytes > 2 * self.settled;
        let pressed = bytes > limits.max_bytes / 2
            && bytes > live + live / 4 + 2 * limits.segment_bytes
            && bytes > self.settled + self.settled / 4;
        enough && (mostly_dead || pressed)
    }
}

/// Adds to `out` what is still needed of a batch, as it is now.
fn copy_live(
    state: &mut State,
    at: Seq,
    batch: &[u8],
    out: &mut Vec<u8>,
    moved: &mut Vec<SessionId>,
) -> Result<(), DecodeError> {
    let mut changes = Changes::new(batch)?;
    while let Some(change) = changes.next()? {
        match change {
            Logged::Session(record, _) => {
                let session = state.sessions.get(&record.id);
                let newest = session.filter(|s| s.at == at.get());
                if let Some((session, record)) = newest.and_then(|s| Some((s, s.record.as_ref()?)))
                {
                    encode::change(out, &Change::Session(record), session.next_seq);
                    moved.push(record.id);
                }
            }
            Logged::Message(id, _) => {
                let stored = state.messages.get(&id);
                if let Some(message) = stored.and_then(|s| s.message.as_ref()) {
                    encode::change(out, &Change::Message(id, message), 0);
                    if state.retained.get(&message.topic) == Some(&id) {
                        encode::change(out, &Change::Retain(id), 0);
                    }
                }
            }
            Logged::Enqueue(session, record, _) => {
                if let Some(entry) = state.entry(session, record.seq) {
                    encode::enqueue(out, session, &entry.record, entry.received);
                }
            }
            Logged::Plain(Change::OpenInbound(session, id)) => {
                if state.is_open_inbound(session, id) {
                    encode::change(out, &Change::OpenInbound(session, id), 0);
                }
            }
            // Ends and releases: what they ended is in front of them and goes first.
            Logged::Plain(_) | Logged::ClearRetained(_) | Logged::Counters(..) => {}
        }
    }
    Ok(())
}

fn read_error(at: Seq, e: &ReadError) -> EngineError {
    EngineError::Failed(format!("record {at} cannot be read: {e}"))
}
