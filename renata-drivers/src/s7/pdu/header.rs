//! The S7 header: what kind of message, to which request it belongs, how it divides.

use bytes::{BufMut, BytesMut};

use super::{HeaderError, WireError, take, take_slice, take_u16};

/// What a message is (ROSCTR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request.
    Job,
    /// An acknowledgement without data.
    Ack,
    /// A reply.
    Reply,
    /// A request or reply of the extended kind: system state lists, clock.
    Userdata,
}

/// One S7 message, its parts borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pdu<'a> {
    /// What it is.
    pub kind: Kind,
    /// Chosen by the requester, echoed by the PLC.
    pub reference: u16,
    /// [`HeaderError::OK`] unless the request as a whole was refused.
    pub error: HeaderError,
    /// What is asked or answered.
    pub param: &'a [u8],
    /// The bytes that go with it.
    pub data: &'a [u8],
}

impl<'a> Pdu<'a> {
    /// Reads one whole message.
    ///
    /// # Errors
    /// When the header is not S7's, or its lengths do not add up to the message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut rest = bytes;
        let [protocol] = take(&mut rest)?;
        if protocol != PROTOCOL {
            return Err(WireError::Protocol { found: protocol });
        }
        let [kind, _, _] = take(&mut rest)?;
        let kind = match kind {
            1 => Kind::Job,
            2 => Kind::Ack,
            3 => Kind::Reply,
            7 => Kind::Userdata,
            found => return Err(WireError::Kind { found }),
        };
        let reference = take_u16(&mut rest)?;
        let param_len = take_u16(&mut rest)?;
        let data_len = take_u16(&mut rest)?;
        let error = match kind {
            Kind::Ack | Kind::Reply => {
                let [class, code] = take(&mut rest)?;
                HeaderError { class, code }
            }
            Kind::Job | Kind::Userdata => HeaderError::OK,
        };
        let param = take_slice(&mut rest, usize::from(param_len))?;
        let data = take_slice(&mut rest, usize::from(data_len))?;
        if !rest.is_empty() {
            return Err(WireError::Lengths);
        }
        Ok(Self {
            kind,
            reference,
            error,
            param,
            data,
        })
    }
}

/// Writes a header; the two lengths are the caller's promise about what it writes next.
pub(super) fn put_header(
    kind: Kind,
    reference: u16,
    param: usize,
    data: usize,
    out: &mut BytesMut,
) {
    let code = match kind {
        Kind::Job => 1,
        Kind::Ack => 2,
        Kind::Reply => 3,
        Kind::Userdata => 7,
    };
    out.put_slice(&[PROTOCOL, code, 0, 0]);
    out.put_u16(reference);
    // Every caller writes less than a PDU, which is less than 64 KiB.
    out.put_u16(param as u16);
    out.put_u16(data as u16);
    if matches!(kind, Kind::Ack | Kind::Reply) {
        out.put_u16(0);
    }
}

/// Writes the reply that refuses a whole request.
pub fn put_refusal(reference: u16, error: HeaderError, out: &mut BytesMut) {
    put_header(Kind::Ack, reference, 0, 0, out);
    let at = out.len() - 2;
    out[at] = error.class;
    out[at + 1] = error.code;
}

const PROTOCOL: u8 = 0x32;

#[cfg(test)]
mod tests {
    use super::super::unhex;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_refusal_reads_back() {
        let mut wire = BytesMut::new();
        put_refusal(7, HeaderError::NOT_AVAILABLE, &mut wire);
        let pdu = Pdu::parse(&wire).unwrap();
        assert_eq!((pdu.kind, pdu.reference), (Kind::Ack, 7));
        assert_eq!(pdu.error, HeaderError::NOT_AVAILABLE);
    }

    #[test]
    fn headers_that_lie_are_refused() {
        let whole = unhex("32 01 0000 0001 0002 0001 f000 aa");
        assert!(Pdu::parse(&whole).is_ok());
        for cut in 0..whole.len() {
            assert_eq!(
                Pdu::parse(&whole[..cut]),
                Err(WireError::Truncated),
                "{cut}"
            );
        }
        let longer = [&whole[..], &[0]].concat();
        assert_eq!(Pdu::parse(&longer), Err(WireError::Lengths));
        let kind = unhex("32 05 0000 0001 0000 0000");
        assert_eq!(Pdu::parse(&kind), Err(WireError::Kind { found: 5 }));
        assert_eq!(
            Pdu::parse(&[0x72]),
            Err(WireError::Protocol { found: 0x72 })
        );
    }

    proptest! {
        #[test]
        fn no_message_panics(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Pdu::parse(&bytes);
        }
    }
}
