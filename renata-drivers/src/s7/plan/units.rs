//! Tags to units: what must be read in one piece.

use std::collections::BTreeSet;

use super::{Area, Budget, Piece, Tag};
use crate::s7::types::Type;

/// Bytes that are read together: a tag, or a part of one that is longer than a message.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    pub(super) area: Area,
    pub(super) start: u32,
    pub(super) len: usize,
    pub(super) alone: bool,
    tag: usize,
    into: usize,
}

impl Unit {
    pub(super) fn piece(self, at: usize) -> Piece {
        Piece {
            tag: self.tag,
            at,
            into: self.into,
            len: self.len,
        }
    }
}

/// The units of all tags in the order of memory; those that stand alone come last.
pub(super) fn units(tags: &[Tag], budget: Budget, alone: &BTreeSet<usize>) -> Vec<Unit> {
    let mut units: Vec<Unit> = tags
        .iter()
        .enumerate()
        .flat_map(|(at, tag)| cut(tag, budget.item_bytes()).map(move |cut| (at, tag, cut)))
        .map(|(at, tag, (into, len))| {
            let area = tag.address().area;
            Unit {
                area,
                start: tag.address().byte + (into / area.unit()) as u32,
                len,
                alone: alone.contains(&at),
                tag: at,
                into,
            }
        })
        .collect();
    // Longer first, so that a block's first unit covers those that lie within it.
    units.sort_by_key(|u| (u.alone, u.area, u.start, std::cmp::Reverse(u.len), u.tag));
    units
}

/// Offsets and lengths of the parts of a tag: one part unless the tag is longer than `most` bytes.
fn cut(tag: &Tag, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let (total, ty) = (tag.len(), tag.data_type());
    let element = match ty {
        Type::Bool => 1,
        other => other.size(),
    };
    let step = if element <= most {
        most / element * element
    } else {
        most / ty.grain() * ty.grain()
    };
    // An element longer than a message is cut by itself, so that cuts fall on its own characters.
    let stride = if element <= most { total } else { element };
    (0..total).step_by(stride).flat_map(move |from| {
        let to = (from + stride).min(total);
        (from..to)
            .step_by(step)
            .map(move |at| (at, step.min(to - at)))
    })
}
