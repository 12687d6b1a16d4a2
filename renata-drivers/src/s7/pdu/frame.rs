//! TPKT frames (RFC 1006) and the COTP messages in them (ISO 8073, class 0).

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{WireError, take, take_slice, take_u16};

/// Most bytes that fragments may add up to; no PLC negotiates a PDU near it.
pub const MAX_PDU: usize = 64 * 1024;

/// The length of the frame that begins at `buf`, once its first four bytes are there.
///
/// # Errors
/// When these bytes cannot begin a frame.
pub fn frame_len(buf: &[u8]) -> Result<Option<usize>, WireError> {
    match *buf {
        [] => Ok(None),
        [3, _, high, low, ..] => match u16::from_be_bytes([high, low]) {
            len @ 7.. => Ok(Some(usize::from(len))),
            len => Err(WireError::TpktLength { len }),
        },
        [3, ..] => Ok(None),
        [found, ..] => Err(WireError::TpktVersion { found }),
    }
}

/// One transport message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tpdu<'a> {
    /// CR: the client wants a connection.
    ConnectRequest(Connect),
    /// CC: the PLC accepts it.
    ConnectConfirm(Connect),
    /// DR: refused, or ended.
    Disconnect(Disconnect),
    /// DT: a PDU, or a piece of one.
    Data {
        /// Whether the PDU ends here.
        end: bool,
        /// The bytes.
        payload: &'a [u8],
    },
}

/// What CR and CC agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect {
    /// Reference that the receiver chose; 0 in a request.
    pub destination: u16,
    /// Reference that the sender chose.
    pub source: u16,
    /// Longest transport message; `None` when the peer does not say.
    pub size: Option<TpduSize>,
    /// TSAP of the caller, where it has the two bytes that S7 uses.
    pub calling: Option<u16>,
    /// TSAP of the PLC: connection type, rack and slot.
    pub called: Option<u16>,
}

/// Why a connection was refused or ended (ISO 8073 §13.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect {
    /// The reason byte.
    pub reason: u8,
}

/// The longest transport message, a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TpduSize(u8);

impl TpduSize {
    /// 1024 bytes, what we ask for: a PDU of 960 does not fit 512, and PLCs drop the socket then.
    pub const B1024: Self = Self(10);
    /// 128 bytes, what holds when nobody says.
    pub const DEFAULT: Self = Self(7);

    /// From the exponent on the wire: 7 (128 bytes) to 13 (8192 bytes).
    #[must_use]
    pub const fn from_exponent(exponent: u8) -> Option<Self> {
        match exponent {
            7..=13 => Some(Self(exponent)),
            _ => None,
        }
    }

    /// The size in bytes, counting the three bytes of the data header.
    #[must_use]
    pub const fn bytes(self) -> usize {
        1 << self.0
    }
}

impl<'a> Tpdu<'a> {
    /// Reads one whole frame (its length as [`frame_len`] gives it).
    ///
    /// # Errors
    /// When it is not a COTP message that S7 uses.
    pub fn parse(frame: &'a [u8]) -> Result<Self, WireError> {
        let mut rest = frame;
        let [_, _, _, _, header_len, kind] = take(&mut rest)?;
        // The length byte does not count itself; one byte of the header, the type, is taken.
        let header_len = usize::from(header_len)
            .checked_sub(1)
            .ok_or(WireError::CotpLength)?;
        let mut header = take_slice(&mut rest, header_len).map_err(|_| WireError::CotpLength)?;
        match kind & 0xF0 {
            0xF0 => match header {
                [mark, ..] => Ok(Self::Data {
                    end: mark & 0x80 != 0,
                    payload: rest,
                }),
                [] => Err(WireError::CotpLength),
            },
            0xE0 => Connect::parse(&mut header).map(Self::ConnectRequest),
            0xD0 => Connect::parse(&mut header).map(Self::ConnectConfirm),
            0x80 => match *header {
                [_, _, _, _, reason, ..] => Ok(Self::Disconnect(Disconnect { reason })),
                _ => Err(WireError::CotpLength),
            },
            _ => Err(WireError::CotpType { found: kind }),
        }
    }
}

impl Connect {
    fn parse(header: &mut &[u8]) -> Result<Self, WireError> {
        let cut = |_| WireError::CotpLength;
        let destination = take_u16(header).map_err(cut)?;
        let source = take_u16(header).map_err(cut)?;
        let [_class] = take(header).map_err(cut)?;
        let mut connect = Self {
            destination,
            source,
            size: None,
            calling: None,
            called: None,
        };
        while !header.is_empty() {
            let [code, len] = take(header).map_err(cut)?;
            let value = take_slice(header, usize::from(len)).map_err(cut)?;
            let tsap = <[u8; 2]>::try_from(value).ok().map(u16::from_be_bytes);
            match code {
                0xC0 => connect.size = value.first().and_then(|e| TpduSize::from_exponent(*e)),
                0xC1 => connect.calling = tsap,
                0xC2 => connect.called = tsap,
                _ => {}
            }
        }
        Ok(connect)
    }

    fn put(self, kind: u8, out: &mut BytesMut) {
        let size = self.size.unwrap_or(TpduSize::B1024).0;
        out.put_slice(&[3, 0, 0, 22, 17, kind]);
        out.put_u16(self.destination);
        out.put_u16(self.source);
        out.put_slice(&[0, 0xC0, 1, size, 0xC1, 2]);
        out.put_u16(self.calling.unwrap_or(0x0100));
        out.put_slice(&[0xC2, 2]);
        out.put_u16(self.called.unwrap_or(0x0100));
    }
}

/// Writes the frame that asks for a connection.
pub fn put_connect_request(calling: u16, called: u16, out: &mut BytesMut) {
    let connect = Connect {
        destination: 0,
        source: 1,
        size: Some(TpduSize::B1024),
        calling: Some(calling),
        called: Some(called),
    };
    connect.put(0xE0, out);
}

/// Writes the frame that accepts `request`.
pub fn put_connect_confirm(request: &Connect, out: &mut BytesMut) {
    let connect = Connect {
        destination: request.source,
        source: 1,
        ..*request
    };
    connect.put(0xD0, out);
}

/// Writes one PDU as data frames, in pieces where it is longer than `size` allows.
pub fn put_data(pdu: &[u8], size: TpduSize, out: &mut BytesMut) {
    let piece = size.bytes() - 3;
    let mut pieces = pdu.chunks(piece).peekable();
    while let Some(bytes) = pieces.next() {
        let end = if pieces.peek().is_none() { 0x80 } else { 0 };
        out.put_slice(&[3, 0]);
        // At most 8192 + 4: TpduSize has no larger value.
        out.put_u16((bytes.len() + 7) as u16);
        out.put_slice(&[2, 0xF0, end]);
        out.put_slice(bytes);
    }
}

/// Cuts a byte stream into PDUs: joins fragments, and bounds what they may add up to.
#[derive(Debug, Default)]
pub struct Deframer {
    joined: BytesMut,
}

impl Deframer {
    /// Takes the next whole PDU off `input`; `None` when more bytes must arrive first.
    ///
    /// Frames of a connection set-up that come late are errors: they would be a confused peer.
    ///
    /// # Errors
    /// When the stream is not S7 communication, or the peer ended the connection
    /// ([`WireError::Unexpected`]).
    pub fn next_pdu(&mut self, input: &mut BytesMut) -> Result<Option<Bytes>, WireError> {
        while let Some(len) = frame_len(input)?.filter(|len| *len <= input.len()) {
            let frame = input.split_to(len).freeze();
            let Tpdu::Data { end, payload } = Tpdu::parse(&frame)? else {
                return Err(WireError::Unexpected);
            };
            let whole = frame.slice(len - payload.len()..);
            if end && self.joined.is_empty() {
                return Ok(Some(whole));
            }
            if self.joined.len() + whole.len() > MAX_PDU {
                return Err(WireError::TooLong);
            }
            self.joined.extend_from_slice(whole.chunk());
            if end {
                return Ok(Some(self.joined.split().freeze()));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::super::unhex;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_golden_connection_set_up() {
        let request = unhex("03000016 11E00000000100 C0010A C1020100 C2020101");
        let mut ours = BytesMut::new();
        put_connect_request(0x0100, 0x0101, &mut ours);
        assert_eq!(ours, request);
        let Ok(Tpdu::ConnectRequest(parsed)) = Tpdu::parse(&request) else {
            panic!("a connect request");
        };
        assert_eq!(parsed.called, Some(0x0101));

        let confirm = unhex("03000016 11D00001000100 C0010A C1020100 C2020101");
        ours.clear();
        put_connect_confirm(&parsed, &mut ours);
        assert_eq!(ours, confirm);
        let parsed = Tpdu::parse(&confirm);
        assert!(matches!(parsed, Ok(Tpdu::ConnectConfirm(c)) if c.size == Some(TpduSize::B1024)));
    }

    #[test]
    fn parameters_come_in_any_order_or_not_at_all() {
        let swapped = unhex("03000016 11D00001000100 C2020101 C1020100 C0010B");
        let Ok(Tpdu::ConnectConfirm(c)) = Tpdu::parse(&swapped) else {
            panic!("a connect confirm");
        };
        assert_eq!(c.size.map(TpduSize::bytes), Some(2048));
        let bare = unhex("0300000b 06D00001000100");
        assert!(matches!(Tpdu::parse(&bare), Ok(Tpdu::ConnectConfirm(c)) if c.size.is_none()));
        let refused = unhex("0300000b 06800001000102");
        let reason = Disconnect { reason: 2 };
        assert_eq!(Tpdu::parse(&refused), Ok(Tpdu::Disconnect(reason)));
    }

    #[test]
    fn other_bytes_say_what_they_are() {
        let version = WireError::TpktVersion { found: b'H' };
        assert_eq!(frame_len(b"HTTP/1.1"), Err(version));
        assert_eq!(
            frame_len(&[3, 0, 0, 6]),
            Err(WireError::TpktLength { len: 6 })
        );
        assert_eq!(frame_len(&[3, 0]), Ok(None));
        let parse = |text| Tpdu::parse(&unhex(text)).unwrap_err();
        assert_eq!(
            parse("03000007 02 70 80"),
            WireError::CotpType { found: 0x70 }
        );
        assert_eq!(parse("03000007 09 F0 80"), WireError::CotpLength);
        assert_eq!(parse("03000007 00 F0 80"), WireError::CotpLength);
        assert_eq!(parse("03000009 04 E0 0000 00"), WireError::CotpLength);
    }

    #[test]
    fn fragments_without_end_are_bounded() {
        let mut input = BytesMut::new();
        let mut deframer = Deframer::default();
        let piece = [&[3, 0, 0x20, 7, 2, 0xF0, 0][..], &[0; 8192]].concat();
        let outcome = (0..9).find_map(|_| {
            input.extend_from_slice(&piece);
            deframer.next_pdu(&mut input).err()
        });
        assert_eq!(outcome, Some(WireError::TooLong));
    }

    proptest! {
        /// However a stream is cut into fragments and reads, the PDUs come out whole and in order.
        #[test]
        fn pdus_survive_fragments_and_split_reads(
            pdus in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..600), 1..5),
            exponent in 7u8..=10,
            step in 1usize..200,
        ) {
            let mut wire = BytesMut::new();
            for pdu in &pdus {
                put_data(pdu, TpduSize::from_exponent(exponent).unwrap(), &mut wire);
            }
            let (mut deframer, mut input, mut out) = Default::default();
            for bytes in wire.chunks(step) {
                BytesMut::extend_from_slice(&mut input, bytes);
                while let Some(pdu) = Deframer::next_pdu(&mut deframer, &mut input).unwrap() {
                    Vec::push(&mut out, pdu.to_vec());
                }
            }
            prop_assert_eq!(out, pdus);
        }

        #[test]
        fn no_frame_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Tpdu::parse(&bytes);
        }
    }
}
