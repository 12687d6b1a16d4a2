//! Replies back to tags.

use std::collections::BTreeMap;

use renata_codec::Value;

use super::{Piece, Plan, Refused};
use crate::s7::fault::ItemError;
use crate::s7::pdu::{Pdu, ReadReply, WireError};
use crate::s7::types::decode;

/// What a round says about one tag.
pub type Answer = Result<Value, ItemError>;

/// Collects the values of one round: a reply for each of the plan's requests, in any order.
#[derive(Debug)]
pub struct Answers<'p> {
    plan: &'p Plan,
    values: Vec<Answer>,
    /// Bytes of tags that come in several pieces, and how many of them are there.
    partial: BTreeMap<usize, (Vec<u8>, usize)>,
    refused: Refused,
}

impl<'p> Answers<'p> {
    /// Nothing is answered yet.
    #[must_use]
    pub fn new(plan: &'p Plan) -> Self {
        Self {
            plan,
            values: vec![Err(UNANSWERED); plan.tags.len()],
            partial: BTreeMap::new(),
            refused: Refused::default(),
        }
    }

    /// Takes the reply to the request of this number. A refusal is a result, not an error.
    ///
    /// # Errors
    /// When it is not the reply to a read.
    pub fn reply(&mut self, request: usize, pdu: &Pdu<'_>) -> Result<(), WireError> {
        let plan = self.plan;
        let blocks = match plan.requests.get(request) {
            Some(request) => &request.blocks,
            None => return Err(WireError::Unexpected),
        };
        if !pdu.error.is_ok() {
            self.fail(blocks, ItemError::Request(pdu.error));
            return Ok(());
        }
        let reply = ReadReply::parse(pdu)?;
        if reply.count != blocks.len() {
            let (asked, answered) = (blocks.len(), reply.count);
            self.fail(blocks, ItemError::Count { asked, answered });
            return Ok(());
        }
        for (item, at) in reply.items().zip(blocks) {
            let block = &plan.blocks[*at];
            match item? {
                Ok(bytes) => {
                    for piece in &block.pieces {
                        let there = bytes.get(piece.at..).unwrap_or_default();
                        self.piece(*piece, &there[..piece.len.min(there.len())]);
                    }
                }
                Err(code) => {
                    if block.pieces.len() > 1 {
                        self.refused.0.push(*at);
                    }
                    self.fail(std::slice::from_ref(at), ItemError::Item(code));
                }
            }
        }
        Ok(())
    }

    /// One result a tag, and the blocks to look at more closely: see [`Plan::probe`].
    #[must_use]
    pub fn finish(self) -> (Vec<Answer>, Refused) {
        (self.values, self.refused)
    }

    fn fail(&mut self, blocks: &[usize], error: ItemError) {
        for piece in blocks.iter().flat_map(|b| &self.plan.blocks[*b].pieces) {
            self.values[piece.tag] = Err(error);
        }
    }

    fn piece(&mut self, piece: Piece, bytes: &[u8]) {
        let tag = &self.plan.tags[piece.tag];
        if piece.len == tag.len() {
            self.value(piece.tag, bytes);
            return;
        }
        let (whole, there) = self
            .partial
            .entry(piece.tag)
            .or_insert_with(|| (vec![0; tag.len()], 0));
        whole[piece.into..piece.into + bytes.len()].copy_from_slice(bytes);
        *there += bytes.len();
        if *there == whole.len() {
            let whole = std::mem::take(whole);
            self.value(piece.tag, &whole);
        }
    }

    fn value(&mut self, tag: usize, bytes: &[u8]) {
        let spec = &self.plan.tags[tag];
        let value = decode(spec.data_type(), spec.count(), spec.address().bit, bytes);
        self.values[tag] = value.map_err(ItemError::Value);
    }
}

/// Stands where a piece never came; a later piece's error takes its place.
const UNANSWERED: ItemError = ItemError::Count {
    asked: 1,
    answered: 0,
};
