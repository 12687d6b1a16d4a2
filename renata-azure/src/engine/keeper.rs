//! [`Keeper`]: the one owner of the journals, on a thread of its own.
//!
//! Everything that comes in while an fsync runs is committed by the next one: that is the whole
//! group commit. Replies go out after the fsync that covers them.

use std::time::Duration;

use renata_journal::{AppendError, Journal, Seq, SyncError};
use tokio::sync::{mpsc, oneshot, watch};

use super::dead::Dead;
use super::group::Group;
use super::ingest::{Admitted, IngestError};
use super::ledger::{CURSOR, Ledger};
use super::messages::{Append, Control};
use super::{EngineStats, WhenFull};
use crate::Refusal;
use crate::batcher::Tally;
use crate::record;
use crate::streams::Seen;

pub(crate) struct Keeper {
    pub(crate) journal: Journal,
    pub(crate) dead: Dead,
    pub(crate) ledger: Ledger,
    pub(crate) when_full: WhenFull,
    pub(crate) tally: watch::Sender<Tally>,
    pub(crate) stats: watch::Sender<EngineStats>,
    /// Bytes of the journal when the last ledger was written, in the terms of `appended`.
    pub(crate) ledger_at: u64,
    pub(crate) appended: u64,
    pub(crate) group: Group,
}

impl Keeper {
    /// Serves until it is closed, or until the journal fails, which every caller is told.
    pub(crate) async fn run(
        mut self,
        mut appends: mpsc::Receiver<Append>,
        mut control: mpsc::Receiver<Control>,
    ) {
        let mut incoming = Vec::with_capacity(GROUP);
        let mut open = true;
        loop {
            let mut closing = None;
            let retry = self.group.waits_for_room();
            tokio::select! {
                biased;
                asked = control.recv() => match asked {
                    Some(asked) => closing = self.handle(asked),
                    None => return,
                },
                n = appends.recv_many(&mut incoming, GROUP), if open && self.group.parked.is_empty() => {
                    open = n > 0;
                }
                () = tokio::time::sleep(RETRY_ROOM), if retry => {}
            }
            while closing.is_none() {
                let Ok(asked) = control.try_recv() else { break };
                closing = self.handle(asked);
            }
            self.group.parked.extend(incoming.drain(..));
            if let Err(fault) = self.turn() {
                return self.fail(&fault, appends, closing).await;
            }
            if let Some(reply) = closing {
                let _ = reply.send(self.close());
                return;
            }
        }
    }

    fn handle(&mut self, asked: Control) -> Option<oneshot::Sender<Result<(), String>>> {
        match asked {
            Control::Attach(sink, reply) => {
                let at = self.journal.cursor(&cursor(&sink));
                let plan = self.ledger.plan(&sink);
                let at = at.map(|at| (at.get(), plan)).map_err(|e| e.to_string());
                let _ = reply.send(at);
            }
            Control::Remove(sink, reply) => {
                let _ = reply.send(self.journal.remove_cursor(&cursor(&sink)));
            }
            Control::Read(from, reply) => {
                let reader = self.journal.read(Seq::new(from));
                let _ = reply.send(reader.map_err(|e| e.to_string()));
            }
            Control::Plan(sink, range, reply) => {
                self.ledger.set_plan(&sink, range);
                // No room, not even in the reserve: a sink without a plan is only less tidy, and
                // delivering is what makes room.
                if let Ok(seq) = self.journal.append(&record::plan(&sink, range)) {
                    self.note(seq, 0);
                }
                self.group.done.push(reply);
            }
            Control::Ack(sink, seq) => {
                // The cursor was created by `Attach`, and only durable records are read.
                let _ = self.journal.ack(&cursor(&sink), Seq::new(seq));
            }
            Control::DeadLetters(letters, reply) => {
                self.group.parked_letters.push((letters, reply));
            }
            Control::ReadDeadLetters(reply) => {
                let _ = reply.send(self.dead.read());
            }
            Control::AckDeadLetters(seq) => {
                self.dead.release(seq);
            }
            Control::Close(reply) => return Some(reply),
        }
        None
    }

    /// Takes what there is room for and makes it durable.
    fn turn(&mut self) -> Result<(), SyncError> {
        self.take_letters()?;
        while let Some(next) = self.group.parked.pop_front() {
            if let Some(back) = self.take(next)? {
                self.group.parked.push_front(back);
                break;
            }
        }
        self.write_ledger()?;
        match self.journal.sync().and_then(|_| self.dead.sync()) {
            Ok(_) => {}
            // Nothing is lost and nothing is reported: the next turn tries again.
            Err(SyncError::NoSpace | SyncError::Refused(_)) => {
                self.group.stats.disk_full = true;
                self.stats.send_replace(self.group.stats.clone());
                return Ok(());
            }
            Err(fault) => return Err(fault),
        }
        self.group.stats.disk_full = false;
        if let Some(first) = self.group.ledger_first.take() {
            let _ = self.journal.ack(CURSOR, Seq::new(first.get() - 1));
            // The sync that makes the position durable also deletes what it frees.
            self.journal.sync()?;
        }
        self.report();
        Ok(())
    }

    /// Decides about one message; gives it back when there is no room.
    fn take(&mut self, mut append: Append) -> Result<Option<Append>, SyncError> {
        if append.refusal.is_none()
            && let Some(identity) = append.identity
        {
            match self.ledger.streams.look_up(&append.topic, identity) {
                Seen::New => {}
                Seen::Repetition => {
                    self.group.stats.repetitions += 1;
                    // The first one may be waiting for the same fsync, so this reply does too.
                    self.group
                        .replies
                        .push((append.reply, Admitted::Repetition));
                    return Ok(None);
                }
                Seen::TooLate => append.refusal = Some(Refusal::TooLate),
                Seen::TooManyStreams => append.refusal = Some(Refusal::TooManyStreams),
            }
        }
        if let Some(refusal) = append.refusal.take() {
            return self.refuse(append, refusal);
        }
        let len = (append.head.len() + append.payload.len()) as u64;
        let appended = if self.has_room(len) {
            self.journal.append_parts(&[&append.head, &append.payload])
        } else {
            Err(self.full(len))
        };
        match appended {
            Ok(seq) => {
                if let Some(identity) = append.identity {
                    self.ledger.streams.insert(&append.topic, identity);
                }
                self.note(seq, len);
                self.group.tally.records += 1;
                self.group.tally.bytes += len;
                self.group.stats.stored += 1;
                let stored = Admitted::Stored { seq: seq.get() };
                self.group.replies.push((append.reply, stored));
                Ok(None)
            }
            Err(error) => self.no_room(append, error),
        }
    }

    fn refuse(
        &mut self,
        mut append: Append,
        refusal: Refusal,
    ) -> Result<Option<Append>, SyncError> {
        let reason = refusal.to_string();
        let letter = record::dead_letter(0, "", &reason, &append.head, &append.payload);
        match self.dead.append(&letter) {
            Ok(dropped) => {
                self.group.count_letter(dropped);
                self.group
                    .replies
                    .push((append.reply, Admitted::DeadLettered(refusal)));
                Ok(None)
            }
            Err(error) => {
                append.refusal = Some(refusal);
                self.no_room(append, error)
            }
        }
    }

    /// There is no room, or the journal has failed.
    fn no_room(&mut self, append: Append, error: AppendError) -> Result<Option<Append>, SyncError> {
        if let AppendError::Poisoned(fault) = error {
            return Err(SyncError::Poisoned(fault));
        }
        self.group.stats.full += 1;
        match self.when_full {
            WhenFull::Block => Ok(Some(append)),
            WhenFull::Refuse => {
                let _ = append.reply.send(Err(IngestError::Full));
                Ok(None)
            }
        }
    }

    fn take_letters(&mut self) -> Result<(), SyncError> {
        for (letters, reply) in std::mem::take(&mut self.group.parked_letters) {
            let mut left = letters.into_iter();
            while let Some(letter) = left.next() {
                match self.dead.append(&letter.encode()) {
                    Ok(dropped) => self.group.count_letter(dropped),
                    Err(AppendError::Poisoned(fault)) => return Err(SyncError::Poisoned(fault)),
                    Err(_) => {
                        // The sink waits: it must not acknowledge what is written nowhere.
                        let rest = std::iter::once(letter).chain(left).collect();
                        self.group.parked_letters.push((rest, reply));
                        return Ok(());
                    }
                }
            }
            self.group.done.push(reply);
        }
        Ok(())
    }

    /// Writes the ledger down when enough has been appended since the last one.
    fn write_ledger(&mut self) -> Result<(), SyncError> {
        let size = self.ledger.encoded_bytes();
        let usable = self
            .journal
            .options()
            .max_bytes
            .saturating_sub(self.reserve());
        let every = self
            .journal
            .options()
            .segment_bytes
            .max(4 * size)
            .min(usable / 4);
        if self.appended - self.ledger_at < every || self.group.ledger_first.is_some() {
            return Ok(());
        }
        let first = self.journal.next();
        for piece in self.ledger.encode() {
            match self.journal.append(&piece) {
                Ok(seq) => self.note(seq, 0),
                Err(AppendError::Poisoned(fault)) => return Err(SyncError::Poisoned(fault)),
                // Half a ledger is no ledger, and does no harm.
                Err(_) => return Ok(()),
            }
        }
        self.ledger_at = self.appended;
        self.group.ledger_first = Some(first);
        Ok(())
    }

    /// Room for two ledgers, so that a full journal can always be emptied.
    fn reserve(&self) -> u64 {
        2 * self.ledger.encoded_bytes() + self.journal.options().segment_bytes
    }

    fn has_room(&self, len: u64) -> bool {
        let cap = self.journal.options().max_bytes;
        self.journal.bytes() + len + FRAME + self.reserve() <= cap
    }

    fn full(&self, needed: u64) -> AppendError {
        AppendError::Full {
            used: self.journal.bytes(),
            cap: self.journal.options().max_bytes,
            needed,
        }
    }

    fn note(&mut self, seq: Seq, len: u64) {
        self.group.tally.durable = seq.get();
        self.appended += len + FRAME;
    }

    fn report(&mut self) {
        // Sinks first: who has a ticket's answer may flush, and must find the message counted.
        if *self.tally.borrow() != self.group.tally {
            self.tally.send_replace(self.group.tally);
        }
        for (reply, admitted) in self.group.replies.drain(..) {
            let _ = reply.send(Ok(admitted));
        }
        for reply in self.group.done.drain(..) {
            let _ = reply.send(());
        }
        let stats = &mut self.group.stats;
        stats.journal_bytes = self.journal.bytes();
        stats.streams = self.ledger.streams.len() as u64;
        stats.waiting_for_room = self.group.parked.len() as u64;
        self.stats.send_replace(stats.clone());
    }

    /// Tells everybody who waits, and everybody who comes, that the journal has failed. The folder
    /// is free to be opened again meanwhile.
    async fn fail(
        self,
        fault: &SyncError,
        mut appends: mpsc::Receiver<Append>,
        closing: Option<oneshot::Sender<Result<(), String>>>,
    ) {
        let why: std::sync::Arc<str> = fault.to_string().into();
        let error = || Err(IngestError::Journal(why.clone()));
        let Self {
            journal,
            dead,
            mut group,
            stats,
            ..
        } = self;
        drop((journal, dead));
        group.stats.fault = Some(why.to_string());
        stats.send_replace(group.stats);
        for (reply, _) in group.replies {
            let _ = reply.send(error());
        }
        for append in group.parked {
            let _ = append.reply.send(error());
        }
        if let Some(reply) = closing {
            let _ = reply.send(Err(why.to_string()));
        }
        while let Some(append) = appends.recv().await {
            let _ = append.reply.send(error());
        }
    }

    fn close(self) -> Result<(), String> {
        let closed = self.journal.close().and_then(|()| self.dead.close());
        closed.map_err(|e| e.to_string())
    }
}

fn cursor(sink: &str) -> String {
    format!("sink/{sink}")
}

/// Messages that one fsync covers at most.
const GROUP: usize = 4096;
/// What the journal adds to a record, and a little more.
const FRAME: u64 = 64;
/// How often a full disk or journal is looked at again when nothing else happens.
const RETRY_ROOM: Duration = Duration::from_millis(250);
