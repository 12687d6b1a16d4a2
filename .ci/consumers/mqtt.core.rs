//! Packets without a runtime: read what was written.

use renata_mqtt::packet::{PacketRef, Payload, PublishOut, encode};
use renata_mqtt::{QoS, Version, WriteQueue};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = WriteQueue::new();
    let publish = PublishOut {
        topic: "renata/biel/hall-2/line-7/s7-1500/plc-3/temperature",
        payload: Payload::Slice(b"21.5"),
        qos: QoS::AtMostOnce,
        id: None,
        dup: false,
        retain: false,
        properties: &[],
    };
    encode(&publish, Version::V5, &mut out)?;
    let mut slices = [std::io::IoSlice::new(&[]); 4];
    let used = out.chunks(&mut slices);
    let frame: Vec<u8> = slices[..used].iter().flat_map(|slice| slice.iter().copied()).collect();
    match PacketRef::decode(Version::V5, &frame)? {
        PacketRef::Publish(read) => assert_eq!(read.payload(), b"21.5"),
        other => panic!("{other:?}"),
    }
    Ok(())
}
