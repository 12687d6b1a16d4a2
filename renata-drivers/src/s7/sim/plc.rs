//! What a simulated PLC answers. No socket here: a message in, a reply out.

use std::time::SystemTime;

use bytes::BytesMut;

use super::faults::{Faults, Switches};
use super::memory::{Memory, clock_bytes};
use super::server::Limits;
use crate::s7::pdu::{
    Clock, Function, HeaderError, Item, Kind, Pdu, ReplyItem, ReturnCode, Setup, SzlRequest,
    UserdataRequest, VarRequest, WireError, put_clock_reply, put_read_reply, put_refusal,
    put_setup_reply, put_szl_reply, put_userdata_refusal, put_write_reply,
};

/// One connection's view of the PLC.
pub(super) struct Plc {
    memory: Memory,
    faults: Faults,
    limits: Limits,
    pdu: usize,
}

impl Plc {
    pub(super) fn new(memory: Memory, faults: Faults, limits: Limits) -> Self {
        // Until it is negotiated; no client sends a job before.
        Self {
            memory,
            faults,
            limits,
            pdu: 240,
        }
    }

    /// Answers one message.
    ///
    /// # Errors
    /// When it is nothing that a client may send; a PLC ends the connection then.
    pub(super) fn answer(&mut self, message: &[u8], out: &mut BytesMut) -> Result<(), WireError> {
        let pdu = Pdu::parse(message)?;
        match (pdu.kind, Function::of(&pdu)) {
            (Kind::Job, Some(Function::Setup)) => self.set_up(&pdu, out),
            (Kind::Job, Some(_)) if message.len() > self.pdu => {
                put_refusal(pdu.reference, HeaderError::OVER_PDU, out);
                Ok(())
            }
            (Kind::Job, Some(Function::Read)) => self.read(&pdu, out),
            (Kind::Job, Some(Function::Write)) => self.write(&pdu, out),
            (Kind::Job, None) => {
                put_refusal(pdu.reference, HeaderError::NOT_AVAILABLE, out);
                Ok(())
            }
            (Kind::Userdata, _) => self.userdata(&pdu, out),
            (Kind::Ack | Kind::Reply, _) => Err(WireError::Unexpected),
        }
    }

    fn set_up(&mut self, pdu: &Pdu<'_>, out: &mut BytesMut) -> Result<(), WireError> {
        let asked = Setup::parse(pdu)?;
        let given = Setup {
            jobs_calling: asked.jobs_calling.min(self.limits.jobs),
            jobs_called: asked.jobs_called.min(self.limits.jobs),
            pdu: asked.pdu.min(self.limits.pdu),
        };
        self.pdu = given.pdu.into();
        put_setup_reply(pdu.reference, given, out);
        Ok(())
    }

    fn read(&self, pdu: &Pdu<'_>, out: &mut BytesMut) -> Result<(), WireError> {
        let request = VarRequest::parse(pdu)?;
        let switches = self.faults.switches();
        let items: Vec<Item> = request.reads().collect::<Result<_, _>>()?;
        let answered = self.answered(request.count, &switches);
        let start = out.len();
        let items: Vec<ReplyItem> = items[..answered]
            .iter()
            .map(|item| match switches.item(item) {
                Some(code) => Err(code),
                None => self.memory.read(item),
            })
            .collect();
        put_read_reply(pdu.reference, &items, out);
        if out.len() - start > self.pdu {
            out.truncate(start);
            put_refusal(pdu.reference, HeaderError::OVER_PDU, out);
        }
        Ok(())
    }

    fn write(&self, pdu: &Pdu<'_>, out: &mut BytesMut) -> Result<(), WireError> {
        let request = VarRequest::parse(pdu)?;
        let switches = self.faults.switches();
        let items: Vec<_> = request.writes().collect::<Result<_, _>>()?;
        let answered = self.answered(request.count, &switches);
        let codes: Vec<ReturnCode> = items[..answered]
            .iter()
            .map(|write| match switches.item(&write.item) {
                Some(code) => code,
                None => self.memory.write(&write.item, write.bytes),
            })
            .collect();
        put_write_reply(pdu.reference, &codes, out);
        Ok(())
    }

    fn userdata(&self, pdu: &Pdu<'_>, out: &mut BytesMut) -> Result<(), WireError> {
        match UserdataRequest::parse(pdu)? {
            UserdataRequest::Szl(SzlRequest {
                id: CPU_STATE,
                index,
            }) => {
                let state = if self.memory.is_running() { 0x08 } else { 0x04 };
                let mut entry = [0; 20];
                entry[..4].copy_from_slice(&[0x51, 0x44, 0xFF, state]);
                let szl = SzlRequest {
                    id: CPU_STATE,
                    index,
                };
                put_szl_reply(pdu.reference, szl, 20, &entry, out);
            }
            UserdataRequest::ReadClock => {
                let date_and_time = clock_bytes(SystemTime::now());
                put_clock_reply(pdu.reference, Clock { date_and_time }, out);
            }
            _ => put_userdata_refusal(pdu, HeaderError::new(0xD4, 0x02), out),
        }
        Ok(())
    }

    fn answered(&self, asked: usize, switches: &Switches) -> usize {
        let most = usize::from(self.limits.items);
        asked.min(most).min(switches.answered_items.unwrap_or(most))
    }
}

const CPU_STATE: u16 = 0x0424;
