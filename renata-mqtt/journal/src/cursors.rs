//! The positions of all consumers, written into the journal itself.
//!
//! One record holds every cursor, so it replaces the one before it, and each segment begins with
//! one, so that deleting a segment never deletes a position. The fsync that makes records durable
//! makes the positions durable with them.

use crate::{CursorError, Seq};

/// The most cursors that a journal has.
pub const MAX_CURSORS: usize = 64;
/// The longest name of a cursor, in bytes.
pub const MAX_CURSOR_NAME: usize = 64;
/// The position of `truncate_before` is a cursor too, under the name that no other can have.
const FLOOR: &str = "";

#[derive(Debug, Default)]
pub(crate) struct Cursors {
    list: Vec<Cursor>,
    dirty: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cursor {
    name: String,
    acked: u64,
    /// The position in the last record of positions.
    written: u64,
    durable: u64,
}

/// Positions as one sync makes them durable.
pub(crate) type Positions = Vec<(String, u64)>;

impl Cursors {
    /// Whether a position changed since the last [`encode`](Self::encode).
    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn create(&mut self, name: &str, at: u64) -> Result<Seq, CursorError> {
        if let Some(cursor) = self.find(name) {
            return Ok(Seq::new(cursor.acked));
        }
        if name.is_empty() || name.len() > MAX_CURSOR_NAME {
            return Err(CursorError::Name);
        }
        if self.names().count() == MAX_CURSORS {
            return Err(CursorError::TooMany);
        }
        self.push(name, at);
        Ok(Seq::new(at))
    }

    fn push(&mut self, name: &str, at: u64) {
        self.list.push(Cursor {
            name: name.to_owned(),
            acked: at,
            written: at,
            durable: at,
        });
        self.dirty = true;
    }

    /// Nobody needs records up to `seq`, cursors aside.
    pub(crate) fn raise_floor(&mut self, seq: u64) {
        if self.find(FLOOR).is_none() {
            self.push(FLOOR, 0);
        }
        if let Some(floor) = self.list.iter_mut().find(|c| c.name == FLOOR)
            && seq > floor.acked
        {
            floor.acked = seq;
            self.dirty = true;
        }
    }

    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let before = self.list.len();
        self.list.retain(|c| c.name != name || name == FLOOR);
        let removed = self.list.len() < before;
        self.dirty |= removed;
        removed
    }

    /// Moves a cursor forward; an older position changes nothing.
    pub(crate) fn ack(&mut self, name: &str, seq: u64) -> Result<(), CursorError> {
        let named = |c: &&mut Cursor| c.name == name && name != FLOOR;
        let Some(cursor) = self.list.iter_mut().find(named) else {
            return Err(CursorError::Unknown);
        };
        if seq > cursor.acked {
            cursor.acked = seq;
            self.dirty = true;
        }
        Ok(())
    }

    pub(crate) fn acked(&self, name: &str) -> Option<u64> {
        self.find(name).map(|c| c.acked)
    }

    pub(crate) fn durable(&self, name: &str) -> Option<u64> {
        self.find(name).map(|c| c.durable)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, u64)> {
        let named = self.list.iter().filter(|c| c.name != FLOOR);
        named.map(|c| (c.name.as_str(), c.acked))
    }

    /// What every cursor has acknowledged; nothing when there is none.
    pub(crate) fn slowest(&self) -> u64 {
        self.list.iter().map(|c| c.acked).min().unwrap_or(0)
    }

    pub(crate) fn fastest(&self) -> u64 {
        self.list.iter().map(|c| c.acked).max().unwrap_or(0)
    }

    /// Moves cursors that point before the first record, as happens when an acknowledgement was
    /// acted upon but never written because the disk was full. Returns who moved, and from where.
    pub(crate) fn clamp(&mut self, first: u64) -> Positions {
        let mut moved = Vec::new();
        for c in &mut self.list {
            if c.acked + 1 < first {
                if c.name != FLOOR {
                    moved.push((c.name.clone(), c.acked));
                }
                c.acked = first - 1;
                self.dirty = true;
            }
        }
        moved
    }

    /// The record of all positions.
    pub(crate) fn encode(&mut self) -> Vec<u8> {
        let mut out = vec![self.list.len() as u8];
        for c in &mut self.list {
            out.push(c.name.len() as u8);
            out.extend_from_slice(c.name.as_bytes());
            out.extend_from_slice(&c.acked.to_le_bytes());
            c.written = c.acked;
        }
        self.dirty = false;
        out
    }

    /// An upper bound for the length of [`encode`](Self::encode).
    pub(crate) fn encoded_len(&self) -> usize {
        1 + self.list.iter().map(|c| 9 + c.name.len()).sum::<usize>()
    }

    /// Reads a record of positions, which are durable; `None` when it is not one.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let (&count, rest) = bytes.split_first()?;
        bytes = rest;
        let mut list = Vec::new();
        for _ in 0..count {
            let (&len, rest) = bytes.split_first()?;
            let (name, rest) = rest.split_at_checked(usize::from(len))?;
            let (position, rest) = rest.split_first_chunk::<8>()?;
            bytes = rest;
            let acked = u64::from_le_bytes(*position);
            list.push(Cursor {
                name: std::str::from_utf8(name).ok()?.to_owned(),
                acked,
                written: acked,
                durable: acked,
            });
        }
        (bytes.is_empty() && list.len() <= MAX_CURSORS + 1).then_some(Self { list, dirty: false })
    }

    /// What the last record of positions says.
    pub(crate) fn written(&self) -> Positions {
        let position = |c: &Cursor| (c.name.clone(), c.written);
        self.list.iter().map(position).collect()
    }

    /// A sync that covered these positions succeeded.
    pub(crate) fn synced(&mut self, positions: &Positions) {
        for (name, position) in positions {
            if let Some(c) = self.list.iter_mut().find(|c| &c.name == name) {
                c.durable = c.durable.max(*position);
            }
        }
    }

    fn find(&self, name: &str) -> Option<&Cursor> {
        self.list.iter().find(|c| c.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_round_trip_and_every_prefix_is_refused() {
        let mut cursors = Cursors::default();
        cursors.create("lake", 3).unwrap();
        cursors.create("iot-hub", 0).unwrap();
        let bytes = cursors.encode();
        assert!(bytes.len() <= cursors.encoded_len());
        let back = Cursors::decode(&bytes).unwrap();
        assert_eq!(
            back.names().collect::<Vec<_>>(),
            [("lake", 3), ("iot-hub", 0)]
        );
        for cut in 0..bytes.len() {
            assert!(Cursors::decode(&bytes[..cut]).is_none(), "cut at {cut}");
        }
    }

    #[test]
    fn an_older_position_does_not_move_a_cursor_back() {
        let mut cursors = Cursors::default();
        cursors.create("a", 5).unwrap();
        cursors.encode();
        cursors.ack("a", 4).unwrap();
        assert_eq!(cursors.acked("a"), Some(5));
        assert!(!cursors.is_dirty(), "nothing to write");
    }

    #[test]
    fn names_and_their_number_are_bounded() {
        let mut cursors = Cursors::default();
        assert_eq!(cursors.create("", 0), Err(CursorError::Name));
        let long = "x".repeat(MAX_CURSOR_NAME + 1);
        assert_eq!(cursors.create(&long, 0), Err(CursorError::Name));
        for i in 0..MAX_CURSORS {
            cursors.create(&i.to_string(), 0).unwrap();
        }
        assert_eq!(cursors.create("one more", 0), Err(CursorError::TooMany));
        let bytes = cursors.encode();
        assert!(Cursors::decode(&bytes).is_some());
    }
}
