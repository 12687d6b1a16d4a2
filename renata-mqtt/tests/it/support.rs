//! What the tests share.

use std::io::IoSlice;

use renata_mqtt::packet::{Payload, PublishOut, encode};
use renata_mqtt::{PacketId, QoS, Version, WriteQueue};

/// Numbers that look random and are the same each time: xorshift64*.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// 0 to `limit` - 1.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Writes a message whose payload is a number.
pub(crate) fn publish(
    version: Version,
    qos: QoS,
    id: PacketId,
    dup: bool,
    number: u32,
    out: &mut WriteQueue,
) {
    let publish = PublishOut {
        topic: "plant/line",
        payload: Payload::Slice(&number.to_be_bytes()),
        qos,
        id: Some(id),
        dup,
        retain: false,
        properties: &[],
    };
    encode(&publish, version, out).expect("short fields");
}

/// The number that is a payload.
pub(crate) fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload.try_into().expect("four bytes"))
}

/// Takes everything out of a queue.
pub(crate) fn take(out: &mut WriteQueue) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !out.is_empty() {
        let mut slices = [IoSlice::new(&[]); 4];
        let used = out.chunks(&mut slices);
        let before = bytes.len();
        for slice in &slices[..used] {
            bytes.extend_from_slice(slice);
        }
        out.advance(bytes.len() - before);
    }
    bytes
}
