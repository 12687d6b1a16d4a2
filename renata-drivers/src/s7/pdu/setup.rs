//! Setup communication: how many jobs at once, how large a PDU.

use bytes::{BufMut, BytesMut};

use super::header::put_header;
use super::{Kind, Pdu, WireError, take, take_u16};

/// What both sides agree on before the first job; the smaller of each figure holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Jobs that the client may have open at once.
    pub jobs_calling: u16,
    /// Jobs that the PLC may have open at once.
    pub jobs_called: u16,
    /// Longest message in bytes: S7 header, parameters and data.
    pub pdu: u16,
}

impl Setup {
    /// Reads the parameters of a request or a reply.
    ///
    /// # Errors
    /// When it is another message.
    pub fn parse(pdu: &Pdu<'_>) -> Result<Self, WireError> {
        let mut rest = pdu.param;
        let [function, _] = take(&mut rest)?;
        if function != SETUP {
            return Err(WireError::Unexpected);
        }
        Ok(Self {
            jobs_calling: take_u16(&mut rest)?,
            jobs_called: take_u16(&mut rest)?,
            pdu: take_u16(&mut rest)?,
        })
    }

    fn put(self, kind: Kind, reference: u16, out: &mut BytesMut) {
        put_header(kind, reference, 8, 0, out);
        out.put_slice(&[SETUP, 0]);
        out.put_u16(self.jobs_calling);
        out.put_u16(self.jobs_called);
        out.put_u16(self.pdu);
    }
}

/// Writes the request.
pub fn put_setup_request(reference: u16, setup: Setup, out: &mut BytesMut) {
    setup.put(Kind::Job, reference, out);
}

/// Writes the reply.
pub fn put_setup_reply(reference: u16, setup: Setup, out: &mut BytesMut) {
    setup.put(Kind::Reply, reference, out);
}

pub(super) const SETUP: u8 = 0xF0;

#[cfg(test)]
mod tests {
    use super::super::{Tpdu, TpduSize, put_data, unhex};
    use super::*;

    #[test]
    fn the_golden_setup() {
        let asked = Setup {
            jobs_calling: 8,
            jobs_called: 8,
            pdu: 960,
        };
        let golden = unhex("0300001902f080 32010000000100080000 f0000008000803c0");
        let mut pdu = BytesMut::new();
        put_setup_request(1, asked, &mut pdu);
        let mut frame = BytesMut::new();
        put_data(&pdu, TpduSize::B1024, &mut frame);
        assert_eq!(frame, golden);

        let Ok(Tpdu::Data { end: true, payload }) = Tpdu::parse(&golden) else {
            panic!("a data frame");
        };
        assert_eq!(Setup::parse(&Pdu::parse(payload).unwrap()), Ok(asked));
    }

    #[test]
    fn the_golden_replies_of_two_servers() {
        for (param, jobs, size) in [("f0000008000803c0", 8, 960), ("f0000001000101e0", 1, 480)] {
            let wire = unhex(&format!("320300000001000800000000 {param}"));
            let pdu = Pdu::parse(&wire).unwrap();
            let setup = Setup::parse(&pdu).unwrap();
            assert_eq!((setup.jobs_calling, setup.pdu), (jobs, size));
            let mut ours = BytesMut::new();
            put_setup_reply(1, setup, &mut ours);
            assert_eq!(ours, wire);
        }
    }
}
