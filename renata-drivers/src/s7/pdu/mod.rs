//! The bytes of classic S7 communication: borrowed views of what arrives, legal requests to send.
//!
//! ```text
//! TCP 102 > TPKT (03 00 length) > COTP (connect, or data with an end mark) > S7 PDU (header, parameters, data)
//! ```
//!
//! Everything here is pure: bytes in, views out, no socket and no clock. Both roles are covered, so
//! that the client and the simulator cannot disagree about a field: what one writes, the other's
//! parser reads. All numbers are big endian.

mod error;
mod frame;
mod header;
mod setup;
mod userdata;
mod var;

pub use error::{HeaderError, ReturnCode, WireError};
pub use frame::{
    Connect, Deframer, Disconnect, MAX_PDU, Tpdu, TpduSize, frame_len, put_connect_confirm,
    put_connect_request, put_data,
};
pub use header::{Kind, Pdu, put_refusal};
pub use setup::{Setup, put_setup_reply, put_setup_request};
pub use userdata::{
    Clock, Szl, SzlRequest, Userdata, UserdataRequest, put_clock_reply, put_clock_request,
    put_szl_next, put_szl_reply, put_szl_request, put_userdata_refusal,
};
pub use var::{
    AreaCode, Function, Item, ReadItem, ReadReply, ReplyItem, Transport, VarRequest, WriteItem,
    WriteReply, put_read_reply, put_read_request, put_write_reply, put_write_request,
};

/// Splits `N` bytes off the front of `bytes`.
fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], WireError> {
    let (head, rest) = bytes.split_first_chunk().ok_or(WireError::Truncated)?;
    *bytes = rest;
    Ok(*head)
}

/// Splits a slice of `len` bytes off the front of `bytes`.
fn take_slice<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8], WireError> {
    let (head, rest) = bytes.split_at_checked(len).ok_or(WireError::Truncated)?;
    *bytes = rest;
    Ok(head)
}

fn take_u16(bytes: &mut &[u8]) -> Result<u16, WireError> {
    take(bytes).map(u16::from_be_bytes)
}

#[cfg(test)]
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(u8::is_ascii_hexdigit)
        .map(|d| (d as char).to_digit(16).unwrap() as u8)
        .collect();
    digits.chunks(2).map(|d| d[0] << 4 | d[1]).collect()
}
