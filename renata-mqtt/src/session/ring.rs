//! Packet identifiers handed out in order, each with what waits for its acknowledgement.

use std::collections::VecDeque;

use crate::PacketId;

/// Open exchanges in the order in which they were started; the identifier *is* the position.
///
/// Identifiers are given out as 1, 2, .. 65 535, 1, 2, .. and a slot stays in the ring until every
/// older one is closed. An identifier can therefore never be given out while it is still open, a
/// lookup is one index, and the order for resends is the order of the ring.
///
/// The ring spans at most 65 535 slots. A peer that leaves one packet unanswered while it answers
/// 65 534 later ones stops the flow until it answers: [`push`](Self::push) gives the value back.
#[derive(Debug)]
pub(super) struct Ring<T> {
    slots: VecDeque<Option<T>>,
    /// Sequence number of `slots[0]`.
    first: u64,
}

/// How many packet identifiers there are: 1 to 65 535 (MQTT 5.0 §2.2.1).
const IDS: u64 = 65_535;

impl<T> Ring<T> {
    /// An empty ring whose first identifier will be `first`.
    pub(super) fn starting_at(first: PacketId) -> Self {
        Self {
            slots: VecDeque::new(),
            first: u64::from(first.get()) - 1,
        }
    }

    /// Opens the next identifier for `value`, or gives `value` back when the ring spans them all.
    pub(super) fn push(&mut self, value: T) -> Result<PacketId, T> {
        let len = self.slots.len() as u64;
        if len == IDS {
            return Err(value);
        }
        self.slots.push_back(Some(value));
        Ok(id_of(self.first + len))
    }

    /// Uses up the next identifier; when the ring spans them all, nothing happens.
    pub(super) fn skip(&mut self) {
        if !self.is_full() {
            self.slots.push_back(None);
            self.close_up();
        }
    }

    /// Whether no identifier is left.
    pub(super) fn is_full(&self) -> bool {
        self.slots.len() as u64 == IDS
    }

    /// The identifier that the next [`push`](Self::push) gives out.
    pub(super) fn next_id(&self) -> PacketId {
        id_of(self.first + self.slots.len() as u64)
    }

    /// What is open under `id`.
    pub(super) fn get(&self, id: PacketId) -> Option<&T> {
        self.slots.get(self.position(id))?.as_ref()
    }

    /// What is open under `id`.
    pub(super) fn get_mut(&mut self, id: PacketId) -> Option<&mut T> {
        let at = self.position(id);
        self.slots.get_mut(at)?.as_mut()
    }

    /// Closes `id` and gives its value back.
    pub(super) fn remove(&mut self, id: PacketId) -> Option<T> {
        let at = self.position(id);
        let value = self.slots.get_mut(at)?.take();
        self.close_up();
        value
    }

    /// Everything open, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PacketId, &T)> {
        let first = self.first;
        (0..)
            .zip(&self.slots)
            .filter_map(move |(i, slot)| Some((id_of(first + i), slot.as_ref()?)))
    }

    /// Everything open, oldest first, from the slot numbered `from` on.
    pub(super) fn iter_mut_from(&mut self, from: u64) -> impl Iterator<Item = (u64, &mut T)> {
        let first = self.first;
        let skip = usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX);
        (0..)
            .zip(&mut self.slots)
            .skip(skip)
            .filter_map(move |(i, slot)| Some((first + i, slot.as_mut()?)))
    }

    /// The identifier of the slot numbered `seq`.
    pub(super) fn id_at(seq: u64) -> PacketId {
        id_of(seq)
    }

    /// Number of the oldest slot.
    pub(super) fn first_seq(&self) -> u64 {
        self.first
    }

    /// Closes whatever `keep` does not want, oldest first.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        for slot in &mut self.slots {
            if slot.as_ref().is_some_and(|value| !keep(value)) {
                *slot = None;
            }
        }
        self.close_up();
    }

    /// Closes everything, oldest first; the next identifier stays what it was.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (PacketId, T)> {
        let first = self.first;
        self.first += self.slots.len() as u64;
        (0..)
            .zip(std::mem::take(&mut self.slots))
            .filter_map(move |(i, slot)| Some((id_of(first + i), slot?)))
    }

    /// Puts `value` back under `id` after a restart. The caller goes through its records in order:
    /// an identifier behind the last one means that numbering has wrapped round.
    pub(super) fn restore(&mut self, id: PacketId, value: T) -> Result<(), T> {
        if self.slots.is_empty() {
            self.first = u64::from(id.get()) - 1;
        }
        let at = self.position(id);
        if at < self.slots.len() {
            return Err(value);
        }
        self.slots.resize_with(at, || None);
        self.slots.push_back(Some(value));
        Ok(())
    }

    /// Makes `next` the identifier that is given out next, unless that would reuse an open one.
    pub(super) fn skip_to(&mut self, next: PacketId) {
        if self.slots.is_empty() {
            self.first = u64::from(next.get()) - 1;
            return;
        }
        let at = self.position(next);
        if at >= self.slots.len() {
            self.slots.resize_with(at, || None);
        }
    }

    fn position(&self, id: PacketId) -> usize {
        let zero_based = u64::from(id.get()) - 1;
        let at = (zero_based + IDS - self.first % IDS) % IDS;
        at as usize
    }

    fn close_up(&mut self) {
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.first += 1;
        }
    }
}

fn id_of(seq: u64) -> PacketId {
    // The remainder is at most 65 534, so one more fits and is not zero.
    PacketId::new((seq % IDS) as u16 + 1).unwrap_or(PacketId::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u16) -> PacketId {
        PacketId::new(n).expect("not zero")
    }

    #[test]
    fn identifiers_count_up_and_wrap_past_zero() {
        let mut ring = Ring::starting_at(id(65_534));
        assert_eq!(ring.push('a'), Ok(id(65_534)));
        assert_eq!(ring.push('b'), Ok(id(65_535)));
        assert_eq!(ring.push('c'), Ok(id(1)));
        assert_eq!(ring.remove(id(65_535)), Some('b'));
        assert_eq!(ring.remove(id(65_535)), None);
        assert_eq!(ring.get_mut(id(1)), Some(&mut 'c'));
        let open: Vec<_> = ring.iter().map(|(id, c)| (id.get(), *c)).collect();
        assert_eq!(open, [(65_534, 'a'), (1, 'c')]);
    }

    #[test]
    fn an_open_identifier_is_never_given_out_again() {
        let mut ring = Ring::starting_at(id(1));
        let stuck = ring.push(0).expect("empty ring");
        for n in 1..65_535 {
            let next = ring.push(n).expect("not all are open");
            assert_ne!(next, stuck);
            ring.remove(next);
        }
        assert!(ring.is_full());
        assert_eq!(ring.push(7), Err(7));
        assert_eq!(ring.remove(stuck), Some(0));
        assert_eq!(ring.push(8), Ok(stuck), "freed by closing the oldest");
    }

    #[test]
    fn identifiers_that_were_never_given_out_are_not_open() {
        let mut ring = Ring::starting_at(id(10));
        ring.push(()).expect("empty ring");
        for n in [1, 9, 11, 65_535] {
            assert_eq!(ring.remove(id(n)), None, "{n}");
        }
    }

    #[test]
    fn a_skipped_identifier_is_never_open() {
        let mut ring = Ring::starting_at(id(65_535));
        ring.skip();
        assert_eq!(ring.push('a'), Ok(id(1)));
        ring.skip();
        assert_eq!(ring.remove(id(2)), None);
        assert_eq!(ring.push('b'), Ok(id(3)));
        assert_eq!(ring.remove(id(1)), Some('a'));
        assert_eq!(ring.remove(id(3)), Some('b'));
    }

    #[test]
    fn a_restored_ring_goes_on_where_it_was() {
        let mut ring = Ring::starting_at(id(1));
        ring.restore(id(65_530), 'a').expect("first");
        ring.restore(id(65_533), 'b').expect("later");
        ring.restore(id(2), 'c').expect("wrapped");
        assert_eq!(ring.restore(id(65_533), 'x'), Err('x'), "twice");
        ring.skip_to(id(9));
        assert_eq!(ring.push('d'), Ok(id(9)));
        let open: Vec<_> = ring.drain().map(|(id, c)| (id.get(), c)).collect();
        assert_eq!(open, [(65_530, 'a'), (65_533, 'b'), (2, 'c'), (9, 'd')]);
        assert_eq!(ring.next_id(), id(10));
    }
}
