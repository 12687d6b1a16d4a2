//! [`Ledger`]: what the engine must not forget when segments are deleted.

use bytes::{Buf, BufMut};

use crate::record::{self, BadRecord, LEDGER, MESSAGE, PLAN};
use crate::streams::Streams;
use crate::{JournalId, SeqRange};

/// The journal's id, the identities that came, and the range that each sink was about to deliver.
///
/// It is written into the journal itself now and then, in pieces. A piece only says what is known
/// to have come, so recovery merges every piece and every message that it finds, in any order and
/// as often as it likes. The journal's cursor [`CURSOR`] stands before the first piece of the last
/// complete ledger, so those records are never deleted.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) id: Option<JournalId>,
    pub(crate) streams: Streams,
    plans: Vec<(String, SeqRange)>,
}

/// The cursor that keeps the last ledger in the journal.
pub(crate) const CURSOR: &str = "ledger";

impl Ledger {
    pub(crate) fn new(max_streams: usize) -> Self {
        Self {
            id: None,
            streams: Streams::new(max_streams),
            plans: Vec::new(),
        }
    }

    /// Takes in a record of the journal.
    pub(crate) fn recover(&mut self, bytes: &[u8]) -> Result<(), BadRecord> {
        match bytes.first() {
            Some(&MESSAGE) => {
                if let (topic, Some(identity), _) = record::peek_message(bytes)? {
                    self.streams.insert(topic, identity);
                }
                Ok(())
            }
            Some(&PLAN) => {
                let (sink, range) = record::take_plan(&mut &bytes[1..])?;
                self.set_plan(sink, range);
                Ok(())
            }
            Some(&LEDGER) => {
                let mut rest = &bytes[1..];
                let bad = |_| BadRecord;
                self.id = Some(JournalId(rest.try_get_u64_le().map_err(bad)?));
                for _ in 0..rest.try_get_u8().map_err(bad)? {
                    let (sink, range) = record::take_plan(&mut rest)?;
                    self.set_plan(sink, range);
                }
                self.streams.merge(rest)
            }
            _ => Err(BadRecord),
        }
    }

    /// The records that say all of this, none much longer than [`PIECE`]. At least one.
    pub(crate) fn encode(&self) -> Vec<Vec<u8>> {
        let head = || {
            let mut head = vec![LEDGER];
            head.put_u64_le(self.id.map_or(0, |id| id.0));
            head.put_u8(self.plans.len() as u8);
            for (sink, range) in &self.plans {
                record::put_plan(&mut head, sink, *range);
            }
            head
        };
        self.streams.encode(PIECE, head)
    }

    /// About how many bytes [`encode`](Self::encode) gives, from above.
    pub(crate) fn encoded_bytes(&self) -> u64 {
        let body = self.streams.encoded_bytes();
        let pieces = body / PIECE + 1;
        (body + pieces * (FRAME + self.plans.len() * 65)) as u64
    }

    /// The range that a sink wrote down last. It may be delivered already.
    pub(crate) fn plan(&self, sink: &str) -> Option<SeqRange> {
        let mut plans = self.plans.iter();
        plans
            .find(|(name, _)| name == sink)
            .map(|(_, range)| *range)
    }

    pub(crate) fn set_plan(&mut self, sink: &str, range: SeqRange) {
        match self.plans.iter_mut().find(|(name, _)| name == sink) {
            // Plans of a sink only move forward, so a ledger that is read after a newer plan
            // does not bring an older one back.
            Some((_, known)) if known.last < range.last => *known = range,
            Some(_) => {}
            None => self.plans.push((sink.to_owned(), range)),
        }
    }
}

/// Bytes of streams in one piece: small, so that writing the ledger delays no commit for long.
const PIECE: usize = 256 << 10;
/// What the journal and the ledger's own head add to a piece, and a little more.
const FRAME: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::Seen;
    use crate::{Envelope, Identity};

    #[test]
    fn recovery_takes_pieces_and_messages_in_any_order() {
        let mut ledger = Ledger::new(100);
        ledger.id = Some(JournalId(42));
        ledger.set_plan("lake", SeqRange { first: 1, last: 5 });
        let id = Identity { epoch: 1, seq: 9 };
        ledger.streams.insert("a", id);
        let envelope = Envelope::new("b", "", &b""[..]);
        let message = record::message_head(&envelope, Some(id));
        let plan = record::plan("lake", SeqRange { first: 6, last: 8 });
        let pieces = ledger.encode();
        for order in [[&message, &plan, &pieces[0]], [&pieces[0], &message, &plan]] {
            let mut again = Ledger::new(100);
            for bytes in order {
                again.recover(bytes).unwrap();
            }
            assert_eq!(again.id, Some(JournalId(42)));
            assert_eq!(again.plan("lake"), Some(SeqRange { first: 6, last: 8 }));
            for stream in ["a", "b"] {
                assert_eq!(again.streams.look_up(stream, id), Seen::Repetition);
            }
        }
        assert!(pieces.iter().map(Vec::len).sum::<usize>() as u64 <= ledger.encoded_bytes());
    }
}
