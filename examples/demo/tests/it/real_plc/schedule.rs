//! Changes the memory of the PLC on a known schedule and remembers what it held when.

use std::time::{Duration, Instant};

use renata_peers::{PeerError, Snap7Server, Written};

use super::tags::Tag;

/// One value of one tag, and how long the PLC held it.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The step of the tag's value.
    pub(crate) step: u64,
    /// When it came into the memory.
    pub(crate) from: Written,
    /// When the next value replaced it; `None` for the last.
    pub(crate) to: Option<Written>,
}

/// Everything that the PLC held, one history a tag, in the order of the tags.
pub(crate) type Histories = Vec<Vec<Held>>;

/// Writes the first value of every tag.
pub(crate) fn begin(plc: &mut Snap7Server, tags: &[Tag]) -> Result<Histories, PeerError> {
    let mut histories = vec![Vec::new(); tags.len()];
    let all: Vec<_> = (0..tags.len()).collect();
    change(plc, tags, &all, &mut histories)?;
    Ok(histories)
}

/// Goes on changing tags for `lasting`.
///
/// Every beat changes each third tag, and every tenth tag changes on each beat, so that values are
/// held for anything from 60 ms (which a poll of 100 ms may miss) to several seconds.
pub(crate) fn run(
    plc: &mut Snap7Server,
    tags: &[Tag],
    histories: &mut Histories,
    lasting: Duration,
) -> Result<(), PeerError> {
    let end = Instant::now() + lasting;
    let mut beat = 0;
    while Instant::now() < end {
        std::thread::sleep(BEATS[beat % BEATS.len()]);
        let chosen: Vec<_> = (0..tags.len())
            .filter(|tag| tag % 10 == 0 || (tag + beat) % 3 == 0)
            .collect();
        change(plc, tags, &chosen, histories)?;
        beat += 1;
    }
    Ok(())
}

fn change(
    plc: &mut Snap7Server,
    tags: &[Tag],
    chosen: &[usize],
    histories: &mut Histories,
) -> Result<(), PeerError> {
    for db in [1, 2] {
        let of_block: Vec<_> = chosen
            .iter()
            .copied()
            .filter(|tag| tags[*tag].db == db)
            .collect();
        let step = |tag: usize| histories[tag].len() as u64;
        let bytes: Vec<_> = of_block
            .iter()
            .map(|tag| (tags[*tag].byte, tags[*tag].bytes(step(*tag))))
            .collect();
        let changes: Vec<_> = bytes
            .iter()
            .map(|(byte, data)| (*byte, data.as_slice()))
            .collect();
        let written = plc.write(db, &changes)?;
        for tag in of_block {
            let history = &mut histories[tag];
            let step = history.len() as u64;
            if let Some(last) = history.last_mut() {
                last.to = Some(written);
            }
            history.push(Held {
                step,
                from: written,
                to: None,
            });
        }
    }
    Ok(())
}

const BEATS: [Duration; 6] = [
    Duration::from_millis(60),
    Duration::from_millis(300),
    Duration::from_millis(450),
    Duration::from_millis(900),
    Duration::from_millis(120),
    Duration::from_millis(700),
];
