//! CBOR: `schema/sample.cddl`. Integer keys, numbered as the fields of the Protobuf message.

mod read;
mod write;

pub(crate) use read::decode;
pub(crate) use write::encode;

/// The keys of the map.
mod key {
    pub(super) const BOOL: u64 = 1;
    pub(super) const I64: u64 = 2;
    pub(super) const U64: u64 = 3;
    pub(super) const F64: u64 = 4;
    pub(super) const TEXT: u64 = 5;
    pub(super) const BYTES: u64 = 6;
    pub(super) const BOOLS: u64 = 16;
    pub(super) const I64S: u64 = 17;
    pub(super) const U64S: u64 = 18;
    pub(super) const F64S: u64 = 19;
    pub(super) const TEXTS: u64 = 20;
    pub(super) const BYTE_STRINGS: u64 = 21;
    pub(super) const SOURCE_TIME: u64 = 7;
    pub(super) const EPOCH: u64 = 8;
    pub(super) const SEQ: u64 = 9;
    pub(super) const LEVEL: u64 = 10;
    pub(super) const REASON: u64 = 11;
    pub(super) const UNIT: u64 = 12;
    pub(super) const RECEIVE_TIME: u64 = 14;
}
