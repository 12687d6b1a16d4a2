//! Compares what the lake holds with what the PLC held.

use std::collections::BTreeMap;
use std::time::Duration;

use super::schedule::{Held, Histories};
use super::tags::{Expected, Tag};

/// One row of the lake.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The measurement.
    pub(crate) measurement: String,
    /// Nanoseconds since 1970 UTC.
    pub(crate) time_ns: i64,
    /// The value, from the column of its type.
    pub(crate) value: Expected,
    /// Position in the stream.
    pub(crate) position: (u64, u64),
}

/// What is wrong, one line a fault; empty when the lake tells the truth.
pub(crate) fn faults(tags: &[Tag], histories: &Histories, rows: &[Row]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut by_tag: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        by_tag.entry(&row.measurement).or_default().push(row);
    }
    for (tag, history) in tags.iter().zip(histories) {
        let rows = by_tag.remove(tag.name.as_str()).unwrap_or_default();
        positions(tag, &rows, &mut faults);
        for row in &rows {
            if !history.iter().any(|held| explains(tag, held, row)) {
                faults.push(format!("{}: never held at that time: {row:?}", tag.name));
            }
        }
        for held in history.iter().filter(|held| outlasted_two_polls(held)) {
            if !rows.iter().any(|row| explains(tag, held, row)) && !was_shown(tag, held, &rows) {
                let value = tag.expected(held.step);
                faults.push(format!("{}: {value:?} is missing, held {held:?}", tag.name));
            }
        }
    }
    // The gateway's own word on whether it reaches the device.
    by_tag.remove("status");
    faults.extend(
        by_tag
            .keys()
            .map(|name| format!("{name}: nobody asked for it")),
    );
    faults
}

/// No (stream, epoch, seq) twice, and none left out.
fn positions(tag: &Tag, rows: &[&Row], faults: &mut Vec<String>) {
    let mut positions: Vec<_> = rows.iter().map(|row| row.position).collect();
    positions.sort_unstable();
    for pair in positions.windows(2) {
        let ((epoch, seq), (next_epoch, next_seq)) = (pair[0], pair[1]);
        if pair[0] == pair[1] {
            faults.push(format!(
                "{}: epoch {epoch}, seq {seq} is stored twice",
                tag.name
            ));
        } else if epoch == next_epoch && next_seq != seq + 1 {
            faults.push(format!(
                "{}: epoch {epoch}, {seq} is followed by {next_seq}",
                tag.name
            ));
        }
    }
}

/// The value before was so short that no poll saw it, and the one before that was this one again: the
/// gateway publishes changes, so the row that shows it is an older one.
fn was_shown(tag: &Tag, held: &Held, rows: &[&Row]) -> bool {
    let until = held.from.after_ns + nanos(2 * POLL);
    let before = rows.iter().filter(|row| row.time_ns <= until);
    let last = before.max_by_key(|row| (row.time_ns, row.position));
    last.is_some_and(|row| row.value == tag.expected(held.step))
}

fn explains(tag: &Tag, held: &Held, row: &Row) -> bool {
    tag.expected(held.step) == row.value
        && row.time_ns >= held.from.before_ns - MICROSECOND
        && held
            .to
            .is_none_or(|to| row.time_ns <= to.after_ns + nanos(REPLY_WITHIN))
}

fn outlasted_two_polls(held: &Held) -> bool {
    // The last value is there for as long as the test waits.
    held.to
        .is_none_or(|to| to.before_ns - held.from.after_ns > nanos(2 * POLL))
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).expect("short")
}

/// The period that the gateway polls with.
pub(crate) const POLL: Duration = Duration::from_millis(100);
/// The lake cuts times to microseconds.
const MICROSECOND: i64 = 1_000;
/// From the PLC's reading of its memory to the time stamp at the gateway, on a busy machine.
const REPLY_WITHIN: Duration = Duration::from_millis(500);
