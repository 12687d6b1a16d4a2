//! What the tests share.

use std::future::{Future, IntoFuture};
use std::io::IoSlice;
use std::time::Duration;

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

/// Far more than anything here takes, and little enough to see that it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The result of `future`, which has to be there within [`PATIENCE`].
pub(crate) async fn soon<T>(what: &str, future: impl IntoFuture<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future.into_future())
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Runs a client like a program that is killed: everything that `future` started is gone at its
/// end, and nobody says goodbye.
pub(crate) fn killed_at_its_end<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> T {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let result = runtime.block_on(future);
        runtime.shutdown_background();
        result
    };
    std::thread::spawn(run).join().expect("no panic")
}
