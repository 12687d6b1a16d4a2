//! Finding the tag that spoils a shared read, and not looking for it all the time.

use std::collections::BTreeMap;

use super::{Answer, Plan};
use crate::s7::fault::ItemError;

/// Blocks that the PLC refused although they hold several tags: one tag may have spoiled the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused(pub(super) Vec<usize>);

/// Reads of the tags of refused blocks, each by itself, to see which of them is bad.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The reads to make.
    pub plan: Plan,
    /// (block, tag) of each of its tags.
    origin: Vec<(usize, usize)>,
}

/// How many rounds a block that is bad as a whole is left alone: it doubles with every probe in vain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quiet {
    rounds: u32,
    left: u32,
}

impl Plan {
    /// What to read again at once after a round that ended with `refused`; `None` when nothing is due.
    ///
    /// A block whose tags are all bad (a data block that is not loaded, access that is off) is probed
    /// again after 1, 2, 4 .. 1024 rounds, so that it costs no more than any other.
    pub fn probe(&mut self, refused: &Refused) -> Option<Probe> {
        let mut origin = Vec::new();
        let quiet = std::mem::take(&mut self.quiet);
        for block in &refused.0 {
            let mut wait = quiet.get(block).copied();
            if let Some(wait) = wait.as_mut().filter(|w| w.left > 0) {
                wait.left -= 1;
            } else {
                origin.extend(self.blocks[*block].pieces.iter().map(|p| (*block, p.tag)));
            }
            // What was not refused this time is forgotten.
            if let Some(wait) = wait {
                self.quiet.insert(*block, wait);
            }
        }
        let tags: Vec<_> = origin.iter().map(|(_, tag)| self.tags[*tag]).collect();
        if tags.is_empty() {
            return None;
        }
        let mut plan = Self::new(&tags, self.budget);
        plan.isolate(0..tags.len());
        Some(Probe { plan, origin })
    }

    /// Puts the values of a probe in place, and isolates the tags that spoiled their block.
    pub fn learn(&mut self, probe: &Probe, probed: Vec<Answer>, values: &mut [Answer]) {
        let mut blocks: BTreeMap<usize, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for ((block, tag), value) in probe.origin.iter().zip(probed) {
            let (good, bad) = blocks.entry(*block).or_default();
            match value {
                Err(ItemError::Item(_)) => bad.push(*tag),
                _ => good.push(*tag),
            }
            values[*tag] = value;
        }
        let mut spoilers = Vec::new();
        for (block, (good, bad)) in blocks {
            match (good.is_empty(), bad.is_empty()) {
                // Nobody to protect: keep the one item that all of them cost together.
                (true, _) => {
                    let last = self.quiet.get(&block).map_or(0, |q| q.rounds);
                    let rounds = (last * 2).clamp(1, QUIET_MOST);
                    self.quiet.insert(
                        block,
                        Quiet {
                            rounds,
                            left: rounds,
                        },
                    );
                }
                (false, false) => spoilers.extend(bad),
                // Each is fine by itself: what lies between them is not.
                (false, true) => spoilers.extend(good),
            }
        }
        if !spoilers.is_empty() {
            self.isolate(spoilers);
        }
    }
}

const QUIET_MOST: u32 = 1024;
