//! What a simulated PLC holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use renata_codec::Value;

use crate::s7::address::{Area, Tag};
use crate::s7::pdu::{AreaCode, Item, ReturnCode, Transport};
use crate::s7::types::{Civil, Type, ValueError, decode, elements, encode_whole};

/// The memory of a simulated PLC: a handle that a program, the simulator and a test share.
///
/// Every call is one change that clients see whole. Inputs, outputs and markers have 8 KiB each, there
/// are 256 counters and timers, and data blocks as they are added.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    areas: BTreeMap<(AreaCode, u16), Vec<u8>>,
    running: bool,
}

/// Why memory could not be read or set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// The tag lies outside the memory.
    #[error("the simulated PLC has no memory there: {0}")]
    Place(ReturnCode),
    /// The value does not fit the tag.
    #[error("{0}")]
    Value(#[from] ValueError),
}

impl Memory {
    /// Zeros, no data blocks, CPU running.
    #[must_use]
    pub fn new() -> Self {
        let plain = [AreaCode::INPUTS, AreaCode::OUTPUTS, AreaCode::MARKERS].map(|a| (a, AREA));
        let numbered = [AreaCode::COUNTERS, AreaCode::TIMERS].map(|a| (a, NUMBERED));
        let areas = plain
            .into_iter()
            .chain(numbered)
            .map(|(a, len)| ((a, 0), vec![0; len]));
        Self(Arc::new(Mutex::new(Inner {
            areas: areas.collect(),
            running: true,
        })))
    }

    /// Adds a data block of `len` bytes of zeros, in place of one with the same number.
    pub fn add_db(&self, number: u16, len: usize) {
        self.lock()
            .areas
            .insert((AreaCode::DATA_BLOCK, number), vec![0; len]);
    }

    /// Removes a data block: reads of it are refused from then on.
    pub fn remove_db(&self, number: u16) {
        self.lock().areas.remove(&(AreaCode::DATA_BLOCK, number));
    }

    /// Sets a tag. A text also gets its header.
    ///
    /// # Errors
    /// When the value does not fit the tag, or the tag the memory.
    pub fn set(&self, tag: &Tag, value: &Value) -> Result<(), MemoryError> {
        self.set_all([(*tag, value.clone())])
    }

    /// Sets several tags in one change; all of them or none.
    ///
    /// # Errors
    /// When a value does not fit its tag, or a tag the memory.
    pub fn set_all(
        &self,
        changes: impl IntoIterator<Item = (Tag, Value)>,
    ) -> Result<(), MemoryError> {
        let mut inner = self.lock();
        let mut ready = Vec::new();
        for (tag, value) in changes {
            let mut bytes = Vec::new();
            for element in elements(&value) {
                encode_whole(tag.data_type(), &element, &mut bytes)?;
            }
            let expected = usize::from(tag.count().unwrap_or(1));
            let found = value.items();
            if found != expected {
                return Err(ValueError::Count { expected, found }.into());
            }
            inner.place(&tag)?;
            ready.push((tag, bytes));
        }
        for (tag, bytes) in ready {
            let there = inner.place(&tag)?;
            if tag.data_type() == Type::Bool {
                for (i, bit) in bytes.into_iter().enumerate() {
                    set_bit(there, usize::from(tag.address().bit) + i, bit == 1);
                }
            } else {
                there.copy_from_slice(&bytes);
            }
        }
        Ok(())
    }

    /// Gives the value of a tag.
    ///
    /// # Errors
    /// When the tag lies outside the memory, or the bytes there are no value of its type.
    pub fn get(&self, tag: &Tag) -> Result<Value, MemoryError> {
        let mut inner = self.lock();
        let bytes = inner.place(tag)?;
        Ok(decode(
            tag.data_type(),
            tag.count(),
            tag.address().bit,
            bytes,
        )?)
    }

    /// Stops or starts the CPU, as its switch does: memory stays, the state that clients see changes.
    pub fn set_running(&self, running: bool) {
        self.lock().running = running;
    }

    pub(super) fn is_running(&self) -> bool {
        self.lock().running
    }

    /// What a client reads.
    pub(super) fn read(&self, item: &Item) -> Result<(Transport, Vec<u8>), ReturnCode> {
        let mut inner = self.lock();
        let (from, len) = span(item)?;
        let area = inner.area(item)?;
        if item.transport == Transport::BIT {
            let byte = *area.get(from / 8).ok_or(ReturnCode::RANGE)?;
            return Ok((Transport::BIT, vec![byte >> (from % 8) & 1]));
        }
        let bytes = area.get(from..from + len).ok_or(ReturnCode::RANGE)?;
        Ok((item.transport, bytes.to_vec()))
    }

    /// What a client writes.
    pub(super) fn write(&self, item: &Item, bytes: &[u8]) -> ReturnCode {
        let mut inner = self.lock();
        let mut write = || {
            let (from, len) = span(item)?;
            let area = inner.area(item)?;
            if bytes.len() != len {
                return Err(ReturnCode::SIZE);
            }
            if item.transport == Transport::BIT {
                if from / 8 >= area.len() {
                    return Err(ReturnCode::RANGE);
                }
                set_bit(area, from, bytes[0] & 1 == 1);
                return Ok(());
            }
            let there = area.get_mut(from..from + len).ok_or(ReturnCode::RANGE)?;
            there.copy_from_slice(bytes);
            Ok(())
        };
        write().err().unwrap_or(ReturnCode::OK)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change leaves the memory whole, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Inner {
    fn area(&mut self, item: &Item) -> Result<&mut Vec<u8>, ReturnCode> {
        let number = if item.area == AreaCode::DATA_BLOCK {
            item.db
        } else {
            0
        };
        self.areas
            .get_mut(&(item.area, number))
            .ok_or(ReturnCode::MISSING)
    }

    fn place(&mut self, tag: &Tag) -> Result<&mut [u8], MemoryError> {
        let address = tag.address();
        let unit = if matches!(address.area, Area::Counter | Area::Timer) {
            2
        } else {
            1
        };
        let from = address.byte as usize * unit;
        self.areas
            .get_mut(&(address.area.code(), address.area.db()))
            .ok_or(MemoryError::Place(ReturnCode::MISSING))?
            .get_mut(from..from + tag.len())
            .ok_or(MemoryError::Place(ReturnCode::RANGE))
    }
}

/// First byte (of a bit: first bit) and number of bytes of an item.
fn span(item: &Item) -> Result<(usize, usize), ReturnCode> {
    let unit = item.transport.unit().ok_or(ReturnCode::TYPE)?;
    let len = unit * usize::from(item.count);
    let address = item.address as usize;
    match item.transport {
        // One bit at a time, as PLCs have it.
        Transport::BIT if item.count == 1 => Ok((address, 1)),
        Transport::BIT => Err(ReturnCode::TYPE),
        _ if item.area.is_numbered() => Ok((address * 2, len)),
        _ if !address.is_multiple_of(8) => Err(ReturnCode::RANGE),
        _ => Ok((address / 8, len)),
    }
}

fn set_bit(bytes: &mut [u8], bit: usize, on: bool) {
    let mask = 1 << (bit % 8);
    if on {
        bytes[bit / 8] |= mask;
    } else {
        bytes[bit / 8] &= !mask;
    }
}

/// The machine's clock in UTC as a `DATE_AND_TIME`.
pub(super) fn clock_bytes(now: SystemTime) -> [u8; 8] {
    let since = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let day = 86_400;
    let civil = Civil::from_days((since.as_secs() / day) as u32);
    let nanos =
        since.as_secs() % day * 1_000_000_000 + u64::from(since.subsec_millis()) * 1_000_000;
    let mut bytes = Vec::new();
    let text = Value::Text(civil.at(nanos).to_string());
    // Fails only outside of 1990 to 2089.
    let _ = encode_whole(Type::DateTime, &text, &mut bytes);
    bytes
        .try_into()
        .unwrap_or([0x70, 0x01, 0x01, 0, 0, 0, 0, 0])
}

const AREA: usize = 8 * 1024;
const NUMBERED: usize = 2 * 256;
