//! User data: system state lists (SZL) and the clock.

use bytes::{BufMut, BytesMut};

use super::header::put_header;
use super::{HeaderError, Kind, Pdu, ReturnCode, WireError, take, take_slice, take_u16};

/// Which part of which system state list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SzlRequest {
    /// The list: `0x0424` state of the CPU, `0x0011` order numbers, `0x001C` names.
    pub id: u16,
    /// The part of it; 0 for all.
    pub index: u16,
}

/// What a user data request asks, as the PLC sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserdataRequest {
    /// A system state list from its beginning.
    Szl(SzlRequest),
    /// The next part of a list whose reply was not the last.
    SzlNext,
    /// What time it is.
    ReadClock,
    /// Something that is not spoken here.
    Other,
}

impl UserdataRequest {
    /// Reads a message of kind [`Kind::Userdata`].
    ///
    /// # Errors
    /// When its parameters are cut short, or it is a reply.
    pub fn parse(pdu: &Pdu<'_>) -> Result<Self, WireError> {
        let mut rest = pdu.param;
        let [_, _, _, len, _method, group, function, _sequence] = take(&mut rest)?;
        if group >> 4 != REQUEST {
            return Err(WireError::Unexpected);
        }
        Ok(match (group & 0x0F, function) {
            (CPU, READ_SZL) if len == 8 => Self::SzlNext,
            (CPU, READ_SZL) => {
                let mut data = pdu.data;
                let [_, _, _, _] = take(&mut data)?;
                Self::Szl(SzlRequest {
                    id: take_u16(&mut data)?,
                    index: take_u16(&mut data)?,
                })
            }
            (CLOCK, READ_CLOCK) => Self::ReadClock,
            _ => Self::Other,
        })
    }
}

/// A reply to a user data request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Userdata<'a> {
    /// Number of the exchange; the request for the next part carries it.
    pub sequence: u8,
    /// Whether the list ends here.
    pub last: bool,
    /// [`HeaderError::OK`] unless the PLC refuses.
    pub error: HeaderError,
    /// The bytes, or why not.
    pub data: Result<&'a [u8], ReturnCode>,
}

impl<'a> Userdata<'a> {
    /// Reads a message of kind [`Kind::Userdata`].
    ///
    /// # Errors
    /// When it is cut short, or a request.
    pub fn parse(pdu: &Pdu<'a>) -> Result<Self, WireError> {
        let mut rest = pdu.param;
        let [_, _, _, _, _method, group, _function, sequence] = take(&mut rest)?;
        if pdu.kind != Kind::Userdata || group >> 4 != REPLY {
            return Err(WireError::Unexpected);
        }
        let [_unit, more, class, code] = take(&mut rest)?;
        let mut data = pdu.data;
        let [returned, _] = take(&mut data)?;
        let len = usize::from(take_u16(&mut data)?);
        let returned = ReturnCode(returned);
        let data = if returned == ReturnCode::OK {
            Ok(take_slice(&mut data, len)?)
        } else {
            Err(returned)
        };
        Ok(Self {
            sequence,
            last: more == 0,
            error: HeaderError { class, code },
            data,
        })
    }
}

/// A system state list, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Szl<'a> {
    /// Which list.
    pub request: SzlRequest,
    /// Bytes of one entry.
    pub entry_len: usize,
    entries: &'a [u8],
}

impl<'a> Szl<'a> {
    /// Reads the data of the first reply.
    ///
    /// # Errors
    /// When it is cut short, or its entries have no length.
    pub fn parse(data: &'a [u8]) -> Result<Self, WireError> {
        let mut rest = data;
        let request = SzlRequest {
            id: take_u16(&mut rest)?,
            index: take_u16(&mut rest)?,
        };
        let entry_len = usize::from(take_u16(&mut rest)?);
        let _count = take_u16(&mut rest)?;
        if entry_len == 0 {
            return Err(WireError::Lengths);
        }
        Ok(Self {
            request,
            entry_len,
            entries: rest,
        })
    }

    /// The whole entries.
    pub fn entries(self) -> impl Iterator<Item = &'a [u8]> {
        self.entries.chunks_exact(self.entry_len)
    }
}

/// Date and time as a CPU's clock tells it, without a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The eight bytes of a `DATE_AND_TIME`: year, month, day, hour, minute, second, milliseconds and
    /// weekday, in BCD.
    pub date_and_time: [u8; 8],
}

impl Clock {
    /// Reads the data of a reply: a reserved byte, the century, then a `DATE_AND_TIME`.
    ///
    /// # Errors
    /// When it is cut short.
    pub fn parse(data: &[u8]) -> Result<Self, WireError> {
        let mut rest = data;
        let [_reserved, _century] = take(&mut rest)?;
        let date_and_time = take(&mut rest)?;
        Ok(Self { date_and_time })
    }
}

/// Writes a request for a system state list.
pub fn put_szl_request(reference: u16, szl: SzlRequest, out: &mut BytesMut) {
    put_request(reference, CPU, READ_SZL, 8, out);
    out.put_slice(&[0xFF, DATA_OCTETS, 0, 4]);
    out.put_u16(szl.id);
    out.put_u16(szl.index);
}

/// Writes the request for the next part of a list.
pub fn put_szl_next(reference: u16, sequence: u8, out: &mut BytesMut) {
    put_header(Kind::Userdata, reference, 12, 4, out);
    out.put_slice(&[0, 1, 0x12, 8, 0x12, REQUEST << 4 | CPU, READ_SZL, sequence]);
    out.put_slice(&[0, 0, 0, 0]);
    out.put_slice(&[0x0A, 0, 0, 0]);
}

/// Writes the request for the time.
pub fn put_clock_request(reference: u16, out: &mut BytesMut) {
    put_request(reference, CLOCK, READ_CLOCK, 4, out);
    out.put_slice(&[0x0A, 0, 0, 0]);
}

/// Writes the reply to a request for a list: its one and last part. Entries are `entry_len` each.
pub fn put_szl_reply(
    reference: u16,
    szl: SzlRequest,
    entry_len: u16,
    entries: &[u8],
    out: &mut BytesMut,
) {
    let count = entries.len() / usize::from(entry_len.max(1));
    put_reply(
        reference,
        CPU,
        READ_SZL,
        HeaderError::OK,
        12 + entries.len(),
        out,
    );
    out.put_slice(&[0xFF, DATA_OCTETS]);
    out.put_u16((8 + entries.len()) as u16);
    out.put_u16(szl.id);
    out.put_u16(szl.index);
    out.put_u16(entry_len);
    out.put_u16(count as u16);
    out.put_slice(entries);
}

/// Writes the reply that tells the time.
pub fn put_clock_reply(reference: u16, clock: Clock, out: &mut BytesMut) {
    put_reply(reference, CLOCK, READ_CLOCK, HeaderError::OK, 14, out);
    let century = if clock.date_and_time[0] < 0x90 {
        0x20
    } else {
        0x19
    };
    out.put_slice(&[0xFF, DATA_OCTETS, 0, 10, 0, century]);
    out.put_slice(&clock.date_and_time);
}

/// Writes the reply that refuses a user data request.
pub fn put_userdata_refusal(request: &Pdu<'_>, error: HeaderError, out: &mut BytesMut) {
    let group = request.param.get(5).map_or(CPU, |g| g & 0x0F);
    let function = request.param.get(6).copied().unwrap_or(READ_SZL);
    put_reply(request.reference, group, function, error, 4, out);
    out.put_slice(&[ReturnCode::MISSING.0, 0, 0, 0]);
}

fn put_request(reference: u16, group: u8, function: u8, data: usize, out: &mut BytesMut) {
    put_header(Kind::Userdata, reference, 8, data, out);
    out.put_slice(&[0, 1, 0x12, 4, 0x11, REQUEST << 4 | group, function, 0]);
}

fn put_reply(
    reference: u16,
    group: u8,
    function: u8,
    error: HeaderError,
    data: usize,
    out: &mut BytesMut,
) {
    put_header(Kind::Userdata, reference, 12, data, out);
    out.put_slice(&[0, 1, 0x12, 8, 0x12, REPLY << 4 | group, function, 1]);
    out.put_slice(&[0, 0, error.class, error.code]);
}

const REQUEST: u8 = 4;
const REPLY: u8 = 8;
const CPU: u8 = 4;
const CLOCK: u8 = 7;
const READ_SZL: u8 = 1;
const READ_CLOCK: u8 = 1;
const DATA_OCTETS: u8 = 9;

#[cfg(test)]
mod tests {
    use super::super::unhex;
    use super::*;

    const STATE: SzlRequest = SzlRequest {
        id: 0x0424,
        index: 0,
    };

    #[test]
    fn the_golden_list_request() {
        let mut wire = BytesMut::new();
        put_szl_request(5, STATE, &mut wire);
        let pdu = Pdu::parse(&wire).unwrap();
        assert_eq!(pdu.param, unhex("00011204 11440100"));
        assert_eq!(pdu.data, unhex("ff090004 0424 0000"));
        assert_eq!(
            UserdataRequest::parse(&pdu),
            Ok(UserdataRequest::Szl(STATE))
        );
        wire.clear();
        put_szl_next(6, 3, &mut wire);
        let pdu = Pdu::parse(&wire).unwrap();
        assert_eq!(pdu.param, unhex("00011208 12440103 00000000"));
        assert_eq!(pdu.data, unhex("0a000000"));
        assert_eq!(UserdataRequest::parse(&pdu), Ok(UserdataRequest::SzlNext));
    }

    #[test]
    fn the_golden_state_of_the_cpu() {
        let mut entry = [0; 20];
        entry[..4].copy_from_slice(&unhex("5144ff08"));
        let mut wire = BytesMut::new();
        put_szl_reply(5, STATE, 20, &entry, &mut wire);
        let reply = Userdata::parse(&Pdu::parse(&wire).unwrap()).unwrap();
        assert!(reply.last && reply.error.is_ok());
        let data = reply.data.unwrap();
        assert!(data.starts_with(&unhex("0424 0000 0014 0001 5144ff08")));
        let szl = Szl::parse(data).unwrap();
        assert_eq!(szl.entries().map(|e| e[3]).collect::<Vec<_>>(), [8]);
    }

    #[test]
    fn the_golden_clock() {
        let data = unhex("00 20 26 11 22 05 15 41 00 00");
        let clock = Clock::parse(&data).unwrap();
        let mut wire = BytesMut::new();
        put_clock_request(1, &mut wire);
        let asked = UserdataRequest::parse(&Pdu::parse(&wire).unwrap());
        assert_eq!(asked, Ok(UserdataRequest::ReadClock));
        wire.clear();
        put_clock_reply(1, clock, &mut wire);
        let reply = Userdata::parse(&Pdu::parse(&wire).unwrap()).unwrap();
        assert_eq!(reply.data, Ok(&data[..]));
    }

    #[test]
    fn a_refusal_says_why() {
        let (mut asked, mut wire) = (BytesMut::new(), BytesMut::new());
        put_szl_request(5, STATE, &mut asked);
        let asked = Pdu::parse(&asked).unwrap();
        put_userdata_refusal(&asked, HeaderError::new(0xD4, 0x02), &mut wire);
        let reply = Userdata::parse(&Pdu::parse(&wire).unwrap()).unwrap();
        assert_eq!(reply.data, Err(ReturnCode::MISSING));
        assert!(reply.error.to_string().contains("not available"));
        for cut in 0..wire.len() {
            assert!(
                Pdu::parse(&wire[..cut])
                    .and_then(|p| Userdata::parse(&p))
                    .is_err()
            );
        }
    }
}
