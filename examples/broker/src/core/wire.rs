//! The packets that the broker writes itself: PUBLISH, and the answers that no session gives.
//!
//! PUBLISH is the hot one. Its forwarded properties are kept encoded, so that it is put together from
//! slices without looking into them again.

use renata_mqtt::packet::{ConnAck, EncodePacket, Properties, Property, SubAck, UnsubAck, encode};
use renata_mqtt::{PacketId, ReasonCode, Version, WriteQueue};
use smallvec::SmallVec;

use super::client::Held;
use super::parcel::Parcel;
use crate::clock::Now;

/// A PUBLISH to a subscriber, laid out before it is written.
pub(super) struct Outgoing<'a> {
    parcel: &'a Parcel<'a>,
    held: &'a Held,
    /// The lifetime that is left and the subscription identifiers; `None` in 3.1.1.
    own: Option<SmallVec<[u8; 32]>>,
}

impl<'a> Outgoing<'a> {
    pub(super) fn new(version: Version, parcel: &'a Parcel<'a>, held: &'a Held, now: Now) -> Self {
        let own = (version == Version::V5).then(|| {
            let mut own = SmallVec::new();
            if let Some(at) = parcel.expires_at {
                let secs = at.saturating_sub(now.unix_ms).div_ceil(1_000);
                own.push(MESSAGE_EXPIRY);
                own.extend_from_slice(&u32::try_from(secs).unwrap_or(u32::MAX).to_be_bytes());
            }
            for identifier in &held.identifiers {
                own.push(SUBSCRIPTION_IDENTIFIER);
                varint(*identifier as usize, &mut own);
            }
            own
        });
        Self { parcel, held, own }
    }

    /// Bytes of the whole packet.
    pub(super) fn len(&self) -> usize {
        let body = self.body_len();
        1 + varint_len(body) + body
    }

    /// Appends it to `out`. The payload goes by reference if it is kept and large.
    pub(super) fn write(&self, id: Option<PacketId>, dup: bool, out: &mut WriteQueue) {
        let mut head: SmallVec<[u8; 64]> = SmallVec::new();
        let flags = u8::from(dup) << 3 | self.held.qos << 1 | u8::from(self.held.retain);
        head.push(PUBLISH | flags);
        varint(self.body_len(), &mut head);
        let topic = self.parcel.topic;
        // A topic came in with a 16-bit length, so it goes out with one.
        head.extend_from_slice(&(topic.len() as u16).to_be_bytes());
        out.put_slice(&head);
        out.put_slice(topic.as_bytes());
        head.clear();
        if let Some(id) = id {
            head.extend_from_slice(&id.get().to_be_bytes());
        }
        if let Some(own) = &self.own {
            varint(own.len() + self.parcel.properties.len(), &mut head);
            head.extend_from_slice(own);
        }
        out.put_slice(&head);
        if self.own.is_some() {
            out.put_slice(self.parcel.properties);
        }
        match self.parcel.kept() {
            Some(message) => out.put_bytes(&message.payload),
            None => out.put_slice(self.parcel.payload),
        }
    }

    fn body_len(&self) -> usize {
        let id = if self.held.qos > 0 { 2 } else { 0 };
        let properties = self.own.as_ref().map_or(0, |own| {
            let len = own.len() + self.parcel.properties.len();
            varint_len(len) + len
        });
        2 + self.parcel.topic.len() + id + properties + self.parcel.payload.len()
    }
}

/// The properties that a server forwards unaltered (MQTT 5.0 §3.3.2.3), in their order, encoded.
pub(super) fn forwarded(properties: &Properties<'_>, into: &mut Vec<u8>) {
    let put = |id: u8, text: &[u8], into: &mut Vec<u8>| {
        into.push(id);
        field(text, into);
    };
    for property in properties.iter() {
        match property {
            Property::PayloadFormatIndicator(is_text) => into.extend([1, u8::from(is_text)]),
            Property::ContentType(text) => put(3, text.as_bytes(), into),
            Property::ResponseTopic(topic) => put(8, topic.as_bytes(), into),
            Property::CorrelationData(data) => put(9, data, into),
            Property::UserProperty(name, value) => {
                put(38, name.as_bytes(), into);
                field(value.as_bytes(), into);
            }
            _ => {}
        }
    }
}

/// A field came in with a 16-bit length, so it goes out with one.
fn field(bytes: &[u8], into: &mut Vec<u8>) {
    into.extend((bytes.len() as u16).to_be_bytes());
    into.extend(bytes);
}

/// SUBACK.
pub(super) fn suback(version: Version, id: PacketId, codes: &[ReasonCode], out: &mut WriteQueue) {
    let properties = &[];
    write(
        &SubAck {
            id,
            codes,
            properties,
        },
        version,
        out,
    );
}

/// UNSUBACK.
pub(super) fn unsuback(version: Version, id: PacketId, codes: &[ReasonCode], out: &mut WriteQueue) {
    let properties = &[];
    write(
        &UnsubAck {
            id,
            codes,
            properties,
        },
        version,
        out,
    );
}

/// CONNACK of a connection that is taken.
pub(super) fn connack(
    version: Version,
    session_present: bool,
    properties: &[Property<'_>],
    out: &mut WriteQueue,
) {
    write(
        &ConnAck {
            session_present,
            reason: ReasonCode::SUCCESS,
            properties,
        },
        version,
        out,
    );
}

/// CONNACK of a connection that is refused. 3.1.1 has five codes (§3.2.2.3); what none of them says is
/// said by closing.
pub(super) fn connack_error(version: Version, reason: ReasonCode, out: &mut WriteQueue) {
    if version == Version::V5 {
        let refused = ConnAck {
            session_present: false,
            reason,
            properties: &[],
        };
        return write(&refused, version, out);
    }
    let code = match reason {
        ReasonCode::UNSUPPORTED_PROTOCOL_VERSION => 1,
        ReasonCode::CLIENT_IDENTIFIER_NOT_VALID => 2,
        ReasonCode::SERVER_UNAVAILABLE | ReasonCode::QUOTA_EXCEEDED => 3,
        ReasonCode::BAD_USER_NAME_OR_PASSWORD => 4,
        ReasonCode::NOT_AUTHORIZED => 5,
        _ => return,
    };
    out.put_slice(&[CONNACK, 2, 0, code]);
}

fn write(packet: &impl EncodePacket, version: Version, out: &mut WriteQueue) {
    // None of these has a field that could be too long for the protocol.
    let written = encode(packet, version, out);
    debug_assert!(written.is_ok());
}

fn varint<A: smallvec::Array<Item = u8>>(mut value: usize, into: &mut SmallVec<A>) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return into.push(low);
        }
        into.push(low | 0x80);
    }
}

fn varint_len(value: usize) -> usize {
    match value {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        _ => 4,
    }
}

const PUBLISH: u8 = 0x30;
const CONNACK: u8 = 0x20;
const MESSAGE_EXPIRY: u8 = 2;
const SUBSCRIPTION_IDENTIFIER: u8 = 11;

#[cfg(test)]
mod tests {
    use super::*;
    use renata_mqtt::packet::PacketRef;

    #[test]
    fn what_is_written_decodes_as_what_was_meant() {
        let now = Now::get();
        let forwarded_bytes = b"\x01\x01\x03\x00\x01j\x26\x00\x01k\x00\x01v";
        for len in [0, 10, 200, 20_000] {
            let payload = vec![7; len];
            let mut parcel = Parcel::new("a/b", &payload, forwarded_bytes);
            parcel.expires_at = Some(now.unix_ms + 5_000);
            let held = Held {
                message: None,
                seq: 0,
                qos: 1,
                retain: true,
                dup: false,
                identifiers: SmallVec::from_slice(&[5, 300]),
                group: None,
            };
            for version in [Version::V3_1_1, Version::V5] {
                let mut out = WriteQueue::new();
                let packet = Outgoing::new(version, &parcel, &held, now);
                packet.write(PacketId::new(9), true, &mut out);
                assert_eq!(out.len(), packet.len());
                let mut slices = [std::io::IoSlice::new(&[]); 8];
                let count = out.chunks(&mut slices);
                let frame: Vec<u8> = slices[..count].iter().flat_map(|s| s.to_vec()).collect();
                let Ok(PacketRef::Publish(read)) = PacketRef::decode(version, &frame) else {
                    panic!("{version:?} {len}: {frame:02x?}");
                };
                assert_eq!((read.topic(), read.payload()), ("a/b", &payload[..]));
                assert_eq!(
                    (read.id(), read.dup(), read.retain()),
                    (PacketId::new(9), true, true)
                );
                let ids: Vec<u32> = read.subscription_ids().collect();
                assert_eq!(
                    ids,
                    if version == Version::V5 {
                        vec![5, 300]
                    } else {
                        vec![]
                    }
                );
                let mut again = Vec::new();
                forwarded(&read.properties(), &mut again);
                let expected = if version == Version::V5 {
                    &forwarded_bytes[..]
                } else {
                    &[]
                };
                assert_eq!(again, expected);
            }
        }
    }
}
