//! MQTT packets: reading, cutting a stream, writing.

use bytes::{Bytes, BytesMut};
use renata_mqtt::packet::{PacketRef, Payload, Publish, PublishOut, encode};
use renata_mqtt::wire::{Framing, frame_len};
use renata_mqtt::{PacketId, QoS, Version, WriteQueue};

use crate::measure::{Cost, Effort, cost, per};
use crate::row::Row;
use crate::workload::{self, TOPIC};

const SUBJECT: &str = "codec";
const STREAM: usize = 1000;

/// All rows.
///
/// # Panics
/// When the codec is wrong: then there is nothing to measure.
#[must_use]
pub fn rows(effort: Effort) -> Vec<Row> {
    let (v4, v5) = (Version::V3_1_1, Version::V5);
    let small = workload::publish_v5(64, false);
    let rich = workload::publish_v5(64, true);
    let large = workload::publish_v5(64 << 10, false);
    let mut rows = vec![
        Row::against(
            SUBJECT,
            "decode PUBLISH 5.0, 64 B, borrowed",
            borrowed(effort, v5, &small),
            peers::decode_v5(effort, &small),
            0.45,
        ),
        Row::against(
            SUBJECT,
            "decode PUBLISH 5.0, 64 B, 2 properties, borrowed",
            borrowed(effort, v5, &rich),
            peers::decode_v5(effort, &rich),
            0.4,
        ),
        Row::against(
            SUBJECT,
            "decode a stream of 1000 x 64 B, owned, per packet",
            stream(effort, &small),
            peers::stream_v5(effort, &small),
            0.7,
        ),
        Row::against(
            SUBJECT,
            "the same with 2 properties",
            stream(effort, &rich),
            peers::stream_v5(effort, &rich),
            0.7,
        ),
        Row::against(
            SUBJECT,
            "decode PUBLISH 5.0, 64 KiB, owned",
            owned(effort, &large),
            peers::decode_v5(effort, &large),
            0.6,
        ),
    ];
    for (name, size, target) in [
        ("64 B", 64, 1.1),
        ("1 KiB", 1 << 10, 1.1),
        ("64 KiB", 64 << 10, 0.7),
    ] {
        rows.push(Row::against(
            SUBJECT,
            &format!("encode PUBLISH 5.0, {name}"),
            encoded(effort, size),
            peers::encode_v5(effort, &workload::publish_v5(size, false)),
            target,
        ));
    }
    for (name, frame) in [
        (
            "decode PUBLISH 3.1.1, 64 B, borrowed",
            workload::publish_v4(64),
        ),
        ("decode SUBSCRIBE 3.1.1, borrowed", workload::subscribe_v4()),
        (
            "decode CONNECT 3.1.1 with will, borrowed",
            workload::connect_v4(),
        ),
    ] {
        let ours = borrowed(effort, v4, &frame);
        rows.push(Row::against(
            SUBJECT,
            name,
            ours,
            peers::decode_v4(effort, &frame),
            1.0,
        ));
    }
    let claim = [0x30, 0xff, 0xff, 0xff, 0x7f];
    let refused = cost(effort, || frame_len(&claim, 1 << 20).is_err());
    assert!(
        frame_len(&claim, 1 << 20).is_err(),
        "a claim of 256 MiB is refused"
    );
    rows.push(Row::within(
        SUBJECT,
        "refuse a header that claims 256 MiB",
        refused,
        100.0,
    ));
    rows
}

/// Reads one packet as a view.
pub fn borrowed(effort: Effort, version: Version, frame: &[u8]) -> Cost {
    cost(effort, || match frame_len(frame, 1 << 20) {
        Ok(Framing::Frame { .. }) => PacketRef::decode(version, frame).is_ok(),
        _ => false,
    })
}

/// Cuts packets out of a receive buffer and keeps each.
///
/// # Panics
/// When the packet is not read.
pub fn stream(effort: Effort, packet: &[u8]) -> Cost {
    let all = Bytes::from(workload::stream(packet, STREAM));
    let drain = || {
        let mut rest = all.clone();
        let mut bytes = 0;
        while let Ok(Framing::Frame { header, body }) = frame_len(&rest, 1 << 20) {
            let frame = rest.split_to(header + body);
            let view = PacketRef::decode(Version::V5, &frame);
            if let Ok(PacketRef::Publish(view)) = view {
                let publish = Publish::new(&view, frame.clone());
                bytes += publish.payload().len();
            }
        }
        bytes
    };
    assert!(drain() > 0, "the stream is read");
    per(cost(effort, drain), STREAM)
}

/// Reads one packet and keeps it.
pub fn owned(effort: Effort, frame: &[u8]) -> Cost {
    let frame = Bytes::copy_from_slice(frame);
    cost(effort, || match PacketRef::decode(Version::V5, &frame) {
        Ok(PacketRef::Publish(view)) => Some(Publish::new(&view, frame.clone())),
        _ => None,
    })
}

/// Writes one packet into a warm queue.
pub fn encoded(effort: Effort, size: usize) -> Cost {
    let payload = Bytes::from(vec![7; size]);
    let mut out = WriteQueue::new();
    let packet = PublishOut {
        topic: TOPIC,
        payload: Payload::Shared(&payload),
        qos: QoS::AtLeastOnce,
        id: PacketId::new(10),
        dup: false,
        retain: false,
        properties: &[],
    };
    cost(effort, || {
        let written = encode(&packet, Version::V5, &mut out).is_ok();
        out.advance(out.len());
        written
    })
}

/// A receive buffer that holds `frame`.
pub fn received(frame: &[u8]) -> BytesMut {
    BytesMut::from(frame)
}

#[cfg(feature = "peers")]
mod peers {
    use mqttrs::decode_slice;
    use rumqttc::v5::mqttbytes::v5::Packet;

    use super::*;

    type Peer = Option<(Cost, &'static str)>;

    /// The peers take a fresh buffer for each packet; making it is measured alone and taken off.
    pub(super) fn decode_v5(effort: Effort, frame: &[u8]) -> Peer {
        let fill = cost(effort, || received(frame));
        let both = cost(effort, || {
            Packet::read(&mut received(frame), Some(1 << 20)).is_ok()
        });
        Some((
            Cost {
                ns: (both.ns - fill.ns).max(1.0),
                ..both
            },
            "rumqttc",
        ))
    }

    pub(super) fn stream_v5(effort: Effort, packet: &[u8]) -> Peer {
        let all = workload::stream(packet, STREAM);
        let fill = cost(effort, || received(&all));
        let both = cost(effort, || {
            let mut rest = received(&all);
            let mut packets = 0;
            while Packet::read(&mut rest, Some(1 << 20)).is_ok() {
                packets += 1;
            }
            packets
        });
        let ns = (both.ns - fill.ns).max(1.0);
        Some((per(Cost { ns, ..both }, STREAM), "rumqttc"))
    }

    pub(super) fn encode_v5(effort: Effort, frame: &[u8]) -> Peer {
        let packet = Packet::read(&mut received(frame), Some(1 << 20)).ok()?;
        let mut out = BytesMut::with_capacity(1 << 17);
        let cost = cost(effort, || {
            out.clear();
            packet.write(&mut out, Some(1 << 20)).is_ok()
        });
        Some((cost, "rumqttc"))
    }

    pub(super) fn decode_v4(effort: Effort, frame: &[u8]) -> Peer {
        Some((cost(effort, || decode_slice(frame).is_ok()), "mqttrs"))
    }
}

#[cfg(not(feature = "peers"))]
mod peers {
    use super::{Cost, Effort};

    type Peer = Option<(Cost, &'static str)>;

    pub(super) fn decode_v5(_: Effort, _: &[u8]) -> Peer {
        None
    }

    pub(super) fn stream_v5(_: Effort, _: &[u8]) -> Peer {
        None
    }

    pub(super) fn encode_v5(_: Effort, _: &[u8]) -> Peer {
        None
    }

    pub(super) fn decode_v4(_: Effort, _: &[u8]) -> Peer {
        None
    }
}
