//! A scripted life of a journal on a `SimDisk`, and what must hold however it ends.

use renata_journal::sim::SimDisk;
use renata_journal::{AppendError, Journal, Options, Seq, SyncDone, SyncJob};

pub(crate) const CURSORS: [&str; 2] = ["lake", "hub"];

/// Segments of a few records, so that every life sees many of them come and go.
pub(crate) fn small() -> Options {
    Options {
        max_bytes: 64 << 10,
        segment_bytes: 400,
        max_record_bytes: 4096,
        buffer_bytes: 300,
    }
}

/// The record that a life of some generation appends at a number.
pub(crate) fn payload(generation: u8, seq: u64) -> Vec<u8> {
    let len = (seq * 37 + u64::from(generation) * 11) % 90;
    let mut bytes = format!("{generation}:{seq}:").into_bytes();
    bytes.extend((0..len).map(|i| (i ^ seq) as u8));
    bytes
}

/// What one life did, as its owner saw it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Generation of the record at each number, from number 1.
    pub(crate) records: Vec<u8>,
    /// The last number that was reported durable.
    pub(crate) durable: u64,
    pub(crate) acked: [u64; 2],
    pub(crate) durable_acks: [u64; 2],
    /// Whether a sync succeeded after the cursors were made.
    pub(crate) cursors_durable: bool,
}

/// Random numbers that are the same in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

type Job = SyncJob<SimDisk>;

/// Lives until the script ends or the disk fails. `seen` has the truth at any moment.
pub(crate) fn live(
    journal: &mut Journal<SimDisk>,
    generation: u8,
    dice: &mut Dice,
    steps: u32,
    seen: &mut Seen,
) -> Result<(), String> {
    let mut job: Option<Job> = None;
    let mut done: Option<SyncDone> = None;
    for name in CURSORS {
        journal.cursor(name).map_err(|e| e.to_string())?;
    }
    for _ in 0..steps {
        match dice.below(10) {
            0..=4 => {
                let seq = journal.next().get();
                seen.records.truncate(seq as usize - 1);
                seen.records.push(generation);
                let got = journal.append(&payload(generation, seq));
                if let Some(got) = or_no_space(got)? {
                    assert_eq!(got.get(), seq);
                } else {
                    seen.records.pop();
                }
            }
            5 => {
                let which = dice.below(2) as usize;
                let span = journal.durable().get() - seen.acked[which].min(journal.durable().get());
                let to = seen.acked[which] + dice.below(span + 1);
                if to >= journal.first().get() {
                    seen.acked[which] = to;
                    journal
                        .ack(CURSORS[which], Seq::new(to))
                        .map_err(|e| e.to_string())?;
                }
            }
            6 => {
                or_no_space(journal.flush().map_err(AppendError::from))?;
            }
            // A sync is begun, runs and is reported at three different moments.
            7 => {
                let begun = journal.start_sync().map_err(AppendError::from);
                if let Some(Some(begun)) = or_no_space(begun)? {
                    job = Some(begun);
                }
            }
            8 => {
                if let Some(job) = job.take() {
                    done = Some(job.run());
                }
            }
            _ => {
                if let Some(done) = done.take() {
                    journal.finish_sync(done).map_err(|e| e.to_string())?;
                    note(journal, seen);
                    seen.cursors_durable = true;
                }
            }
        }
        note(journal, seen);
    }
    if or_no_space(journal.sync().map_err(AppendError::from))?.is_some() {
        seen.cursors_durable = true;
    }
    note(journal, seen);
    Ok(())
}

/// No space is part of a life; any other error ends it.
fn or_no_space<T>(result: Result<T, AppendError>) -> Result<Option<T>, String> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(AppendError::NoSpace) => Ok(None),
        Err(e) => Err(e.to_string()),
    }
}

fn note(journal: &Journal<SimDisk>, seen: &mut Seen) {
    seen.durable = journal.durable().get();
    for (i, name) in CURSORS.iter().enumerate() {
        seen.durable_acks[i] = journal.durable_ack(name).map_or(0, Seq::get);
    }
}

/// Everything that must hold for a journal opened after `seen`.
pub(crate) fn check(journal: &Journal<SimDisk>, seen: &Seen, context: &str) {
    let (first, last) = (journal.first().get(), journal.next().get() - 1);
    assert!(
        last >= seen.durable,
        "{context}: {last} left, {} were durable",
        seen.durable
    );
    assert!(
        last <= seen.records.len() as u64,
        "{context}: a record that nobody appended"
    );
    assert_eq!(
        journal.durable().get(),
        last,
        "{context}: what is there is durable"
    );
    let slowest = seen.acked.into_iter().min().unwrap_or(0);
    assert!(
        first <= slowest + 1,
        "{context}: {first} is first, {slowest} was acknowledged"
    );
    let mut reader = journal
        .read(journal.first())
        .expect("the first record is there");
    for seq in first..=last {
        let record = reader.next_record().expect("readable").expect("durable");
        assert_eq!(record.seq.get(), seq, "{context}");
        let generation = seen.records[seq as usize - 1];
        assert_eq!(
            record.payload,
            payload(generation, seq),
            "{context}: record {seq}"
        );
    }
    assert!(
        reader.next_record().expect("readable").is_none(),
        "{context}"
    );
    for (i, name) in CURSORS.iter().enumerate() {
        match journal.acked(name) {
            None => assert!(!seen.cursors_durable, "{context}: cursor {name} is lost"),
            Some(at) => {
                let (low, high) = (seen.durable_acks[i], seen.acked[i]);
                let at = at.get();
                assert!(
                    low <= at && at <= high,
                    "{context}: {name} at {at}, not {low}..={high}"
                );
            }
        }
    }
}
