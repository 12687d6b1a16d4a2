//! Read var and write var: items of memory, up to a PDU full of them at once.

use bytes::{BufMut, BytesMut};

use super::header::put_header;
use super::setup::SETUP;
use super::{Kind, Pdu, ReturnCode, WireError, take, take_slice, take_u16};

/// A memory area, as a number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AreaCode(pub u8);

impl AreaCode {
    /// Inputs (I, German E).
    pub const INPUTS: Self = Self(0x81);
    /// Outputs (Q, German A).
    pub const OUTPUTS: Self = Self(0x82);
    /// Markers, also called flags or bit memory (M).
    pub const MARKERS: Self = Self(0x83);
    /// A data block (DB).
    pub const DATA_BLOCK: Self = Self(0x84);
    /// Counters (C, German Z).
    pub const COUNTERS: Self = Self(0x1C);
    /// Timers (T).
    pub const TIMERS: Self = Self(0x1D);

    /// Whether it is addressed by number, each two bytes wide, instead of by byte and bit.
    #[must_use]
    pub const fn is_numbered(self) -> bool {
        matches!(self, Self::COUNTERS | Self::TIMERS)
    }
}

/// The type of a request item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transport(pub u8);

impl Transport {
    /// One bit.
    pub const BIT: Self = Self(0x01);
    /// Bytes: how every type of byte-addressed memory is read and written here.
    pub const BYTE: Self = Self(0x02);
    /// Counters.
    pub const COUNTER: Self = Self(0x1C);
    /// Timers.
    pub const TIMER: Self = Self(0x1D);

    /// Bytes of one unit; `None` for a type that is unknown here.
    #[must_use]
    pub const fn unit(self) -> Option<usize> {
        match self.0 {
            0x01..=0x03 => Some(1),
            0x04 | 0x05 | 0x1C | 0x1D => Some(2),
            0x06..=0x08 => Some(4),
            _ => None,
        }
    }
}

/// One item of a request: so many units of a type from an address on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where.
    pub area: AreaCode,
    /// Number of the data block; 0 in other areas.
    pub db: u16,
    /// `byte * 8 + bit`, or the number of a counter or timer; 24 bits.
    pub address: u32,
    /// Of what type.
    pub transport: Transport,
    /// How many units of it.
    pub count: u16,
}

impl Item {
    /// Bytes of a request that one item takes.
    pub const LEN: usize = 12;

    fn put(self, out: &mut BytesMut) {
        out.put_slice(&[0x12, 0x0A, 0x10, self.transport.0]);
        out.put_u16(self.count);
        out.put_u16(self.db);
        out.put_u8(self.area.0);
        out.put_slice(&self.address.to_be_bytes()[1..]);
    }

    fn parse(rest: &mut &[u8]) -> Result<Self, WireError> {
        let [spec, len, syntax, transport] = take(rest)?;
        if (spec, len, syntax) != (0x12, 0x0A, 0x10) {
            return Err(WireError::Unexpected);
        }
        let count = take_u16(rest)?;
        let db = take_u16(rest)?;
        let [area, high, mid, low] = take(rest)?;
        Ok(Self {
            area: AreaCode(area),
            db,
            address: u32::from_be_bytes([0, high, mid, low]),
            transport: Transport(transport),
            count,
        })
    }
}

/// The functions of jobs that are spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Setup communication.
    Setup,
    /// Read var.
    Read,
    /// Write var.
    Write,
}

impl Function {
    /// The function of a job or its reply; `None` when it is another one.
    #[must_use]
    pub fn of(pdu: &Pdu<'_>) -> Option<Self> {
        match *pdu.param.first()? {
            SETUP => Some(Self::Setup),
            READ => Some(Self::Read),
            WRITE => Some(Self::Write),
            _ => None,
        }
    }
}

/// Writes a request that reads `items`, at most 255 of them.
pub fn put_read_request(reference: u16, items: &[Item], out: &mut BytesMut) {
    let items = &items[..items.len().min(255)];
    put_header(Kind::Job, reference, 2 + Item::LEN * items.len(), 0, out);
    out.put_slice(&[READ, items.len() as u8]);
    for item in items {
        item.put(out);
    }
}

/// One item to write, with its bytes (a bit: one byte, 0 or 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteItem<'a> {
    /// Where.
    pub item: Item,
    /// What.
    pub bytes: &'a [u8],
}

/// Writes a request that writes `items`, at most 255 of them.
pub fn put_write_request(reference: u16, items: &[WriteItem<'_>], out: &mut BytesMut) {
    let items = &items[..items.len().min(255)];
    let lens = items.iter().map(|i| i.bytes.len());
    let data = padded_len(lens);
    put_header(Kind::Job, reference, 2 + Item::LEN * items.len(), data, out);
    out.put_slice(&[WRITE, items.len() as u8]);
    for write in items {
        write.item.put(out);
    }
    for (at, write) in items.iter().enumerate() {
        let bytes = write.bytes;
        let (unit, len) = match write.item.transport {
            Transport::BIT => (DATA_BIT, bytes.len()),
            Transport::COUNTER | Transport::TIMER => (DATA_OCTETS, bytes.len()),
            _ => (DATA_BYTES, bytes.len() * 8),
        };
        put_data_item(0, unit, len, bytes, at + 1 == items.len(), out);
    }
}

/// A read or write job, as the PLC sees it.
#[derive(Clone, Copy, Debug)]
pub struct VarRequest<'a> {
    /// Number of items.
    pub count: usize,
    items: &'a [u8],
    data: &'a [u8],
}

impl<'a> VarRequest<'a> {
    /// Reads the parameters of a job whose [`Function`] is read or write.
    ///
    /// # Errors
    /// When they do not hold the items that they count.
    pub fn parse(pdu: &Pdu<'a>) -> Result<Self, WireError> {
        let mut rest = pdu.param;
        let [_, count] = take(&mut rest)?;
        if rest.len() != usize::from(count) * Item::LEN {
            return Err(WireError::Lengths);
        }
        Ok(Self {
            count: usize::from(count),
            items: rest,
            data: pdu.data,
        })
    }

    /// The items of a read.
    pub fn reads(self) -> impl Iterator<Item = Result<Item, WireError>> + 'a {
        let mut rest = self.items;
        (0..self.count).map(move |_| Item::parse(&mut rest))
    }

    /// The items of a write with their bytes.
    pub fn writes(self) -> impl Iterator<Item = Result<WriteItem<'a>, WireError>> {
        let mut data = self.data;
        self.reads().map(move |item| {
            let item = item?;
            let (_, bytes) = take_data_item(&mut data, Sender::Client)?;
            Ok(WriteItem { item, bytes })
        })
    }
}

/// One item of a reply, as the PLC writes it: the bytes, or why not.
pub type ReplyItem = Result<(Transport, Vec<u8>), ReturnCode>;

/// Writes the reply to a read.
pub fn put_read_reply(reference: u16, items: &[ReplyItem], out: &mut BytesMut) {
    let lens = items.iter().map(|i| i.as_ref().map_or(0, |(_, b)| b.len()));
    put_header(Kind::Reply, reference, 2, padded_len(lens), out);
    out.put_slice(&[READ, items.len() as u8]);
    for (at, item) in items.iter().enumerate() {
        let last = at + 1 == items.len();
        match item {
            Ok((Transport::BIT, bytes)) => {
                put_data_item(0xFF, DATA_BIT, bytes.len(), bytes, last, out);
            }
            Ok((Transport::COUNTER | Transport::TIMER, bytes)) => {
                put_data_item(0xFF, DATA_OCTETS, bytes.len(), bytes, last, out);
            }
            Ok((_, bytes)) => put_data_item(0xFF, DATA_BYTES, bytes.len() * 8, bytes, last, out),
            Err(code) => put_data_item(code.0, 0, 0, &[], last, out),
        }
    }
}

/// Writes the reply to a write.
pub fn put_write_reply(reference: u16, codes: &[ReturnCode], out: &mut BytesMut) {
    put_header(Kind::Reply, reference, 2, codes.len(), out);
    out.put_slice(&[WRITE, codes.len() as u8]);
    out.extend(codes.iter().map(|c| c.0));
}

/// The reply to a read.
#[derive(Clone, Copy, Debug)]
pub struct ReadReply<'a> {
    /// Number of items in it; compare with what was asked.
    pub count: usize,
    data: &'a [u8],
}

/// One item of a reply to a read: the bytes, or why not.
pub type ReadItem<'a> = Result<&'a [u8], ReturnCode>;

impl<'a> ReadReply<'a> {
    /// Reads the parameters of a reply.
    ///
    /// # Errors
    /// When it is the reply to something else.
    pub fn parse(pdu: &Pdu<'a>) -> Result<Self, WireError> {
        match (pdu.kind, pdu.param) {
            (Kind::Reply, &[READ, count]) => Ok(Self {
                count: usize::from(count),
                data: pdu.data,
            }),
            _ => Err(WireError::Unexpected),
        }
    }

    /// The items in the order of the request.
    pub fn items(self) -> impl Iterator<Item = Result<ReadItem<'a>, WireError>> {
        let mut rest = self.data;
        (0..self.count).map(move |_| {
            let (code, bytes) = take_data_item(&mut rest, Sender::Plc)?;
            Ok(if code == ReturnCode::OK {
                Ok(bytes)
            } else {
                Err(code)
            })
        })
    }
}

/// The reply to a write: one return code an item.
#[derive(Clone, Copy, Debug)]
pub struct WriteReply<'a> {
    codes: &'a [u8],
}

impl<'a> WriteReply<'a> {
    /// Reads a reply.
    ///
    /// # Errors
    /// When it is the reply to something else, or does not hold what it counts.
    pub fn parse(pdu: &Pdu<'a>) -> Result<Self, WireError> {
        match (pdu.kind, pdu.param) {
            (Kind::Reply, &[WRITE, count]) if pdu.data.len() == usize::from(count) => {
                Ok(Self { codes: pdu.data })
            }
            (Kind::Reply, &[WRITE, _]) => Err(WireError::Lengths),
            _ => Err(WireError::Unexpected),
        }
    }

    /// The return codes in the order of the request.
    pub fn codes(self) -> impl ExactSizeIterator<Item = ReturnCode> + 'a {
        self.codes.iter().map(|c| ReturnCode(*c))
    }
}

/// Bytes of data items of the given lengths: a header each, padded to even but for the last.
fn padded_len(lens: impl Iterator<Item = usize>) -> usize {
    let (total, last_odd) = lens.fold((0, 0), |(total, _), len| {
        (total + 4 + len + len % 2, len % 2)
    });
    total - last_odd
}

fn put_data_item(code: u8, unit: u8, len: usize, bytes: &[u8], last: bool, out: &mut BytesMut) {
    out.put_slice(&[code, unit]);
    // Bounded by the PDU: at most 8 * 8192.
    out.put_u16(len as u16);
    out.put_slice(bytes);
    if bytes.len() % 2 == 1 && !last {
        out.put_u8(0);
    }
}

/// Who wrote a data item: a client's items have no return code yet.
#[derive(Clone, Copy, PartialEq)]
enum Sender {
    Client,
    Plc,
}

fn take_data_item<'a>(
    rest: &mut &'a [u8],
    sender: Sender,
) -> Result<(ReturnCode, &'a [u8]), WireError> {
    let [code, unit] = take(rest)?;
    let len = usize::from(take_u16(rest)?);
    // No bytes follow an error, whatever the length says.
    if sender == Sender::Plc && ReturnCode(code) != ReturnCode::OK {
        return Ok((ReturnCode(code), &[]));
    }
    let len = match unit {
        DATA_BIT | DATA_REAL | DATA_OCTETS => len,
        _ => len.div_ceil(8),
    };
    let bytes = take_slice(rest, len)?;
    // Fill bytes hold anything; the last item has none.
    if len % 2 == 1 && !rest.is_empty() {
        *rest = &rest[1..];
    }
    Ok((ReturnCode(code), bytes))
}

const READ: u8 = 0x04;
const WRITE: u8 = 0x05;
/// Length counts bits that take a byte each.
const DATA_BIT: u8 = 0x03;
/// Length counts bits.
const DATA_BYTES: u8 = 0x04;
/// Length counts bytes.
const DATA_REAL: u8 = 0x07;
/// Length counts bytes.
const DATA_OCTETS: u8 = 0x09;

#[cfg(test)]
#[path = "var_tests.rs"]
mod tests;
