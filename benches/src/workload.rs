//! Realistic input: frames, topics, filters and rules of a plant.

use std::fmt::Write as _;

/// A topic of 69 bytes.
pub const TOPIC: &str = "renata/biel-champs/press-shop/line-07/s7-1500/press-0003/temperature1";

/// A PUBLISH of QoS 1 for MQTT 5.0, made by hand, so that no encoder under test is trusted.
#[must_use]
pub fn publish_v5(payload: usize, with_properties: bool) -> Vec<u8> {
    let mut properties = Vec::new();
    if with_properties {
        // Content Type and one User Property (MQTT 5.0 §2.2.2.2).
        properties.push(0x03);
        field(&mut properties, b"application/cbor");
        properties.push(0x26);
        field(&mut properties, b"origin");
        field(&mut properties, b"gw-itingen-1");
    }
    let mut body = Vec::new();
    field(&mut body, TOPIC.as_bytes());
    body.extend([0, 10]);
    varint(&mut body, properties.len());
    body.extend(properties);
    body.extend((0..payload).map(|n| n as u8));
    frame(0x32, &body)
}

/// A PUBLISH of QoS 1 for MQTT 3.1.1.
#[must_use]
pub fn publish_v4(payload: usize) -> Vec<u8> {
    let mut body = Vec::new();
    field(&mut body, TOPIC.as_bytes());
    body.extend([0, 10]);
    body.extend((0..payload).map(|n| n as u8));
    frame(0x32, &body)
}

/// A SUBSCRIBE with two filters for MQTT 3.1.1.
#[must_use]
pub fn subscribe_v4() -> Vec<u8> {
    let mut body = vec![0, 10];
    for filter in [
        "renata/biel-champs/+/+/s7-1500/+/temperature",
        "renata/biel-champs/press-shop/#",
    ] {
        field(&mut body, filter.as_bytes());
        body.push(1);
    }
    frame(0x82, &body)
}

/// A CONNECT with will, user name and password for MQTT 3.1.1.
#[must_use]
pub fn connect_v4() -> Vec<u8> {
    let mut body = Vec::new();
    field(&mut body, b"MQTT");
    body.extend([4, 0b1110_1110, 0, 60]);
    for text in [
        "gw-itingen-1",
        "renata/biel-champs/press-shop/line-07/gateway/gw-1/status",
    ] {
        field(&mut body, text.as_bytes());
    }
    field(&mut body, b"offline");
    field(&mut body, b"gateway");
    field(&mut body, b"not a secret");
    frame(0x10, &body)
}

/// `count` packets in a row.
#[must_use]
pub fn stream(packet: &[u8], count: usize) -> Vec<u8> {
    packet.repeat(count)
}

fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    varint(&mut frame, body.len());
    frame.extend(body);
    frame
}

fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u16).to_be_bytes());
    out.extend(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: usize) {
    while value > 127 {
        out.push((value & 127) as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}

const TYPES: [&str; 5] = ["s7-1500", "quantumx", "hart", "iologik", "modbus"];
const MEASUREMENTS: [&str; 8] = [
    "temperature",
    "pressure",
    "flow",
    "torque",
    "force",
    "position",
    "speed",
    "level",
];

/// The path of a device, without a measurement: `renata/../../../../dev-00042`.
#[must_use]
pub fn device(n: usize) -> String {
    format!(
        "renata/site-{}/area-{}/line-{}/{}/dev-{n:05}",
        n % 7,
        n / 7 % 11,
        n / 77 % 13,
        TYPES[n % 5]
    )
}

/// The topic of one measurement of a device.
#[must_use]
pub fn topic(n: usize) -> String {
    format!("{}/{}", device(n), MEASUREMENTS[n % 8])
}

/// How the filters of a plant look: exact, `+` in the middle, `#` at the end, in turn.
#[must_use]
pub fn filter(n: usize) -> String {
    match n % 3 {
        0 => topic(n),
        1 => topic(n).replacen(&format!("/line-{}", n / 77 % 13), "/+", 1),
        _ => format!("{}/#", device(n)),
    }
}

/// A policy of `rules` rules in one role that every client has; one rule in twenty denies.
#[must_use]
pub fn policy(rules: usize) -> String {
    let mut text = String::from("[roles.plant]\nrules = [\n");
    for n in 0..rules {
        let _ = match n % 20 {
            19 => writeln!(
                text,
                "  {{ deny = [\"publish\", \"subscribe\"], topics = [\"{}/alarm\"] }},",
                device(n - 1)
            ),
            _ => writeln!(
                text,
                "  {{ allow = [\"publish\", \"subscribe\"], topics = [\"{}\"] }},",
                filter(n)
            ),
        };
    }
    text.push_str("]\n\n[[bindings]]\nanonymous = true\nroles = [\"plant\"]\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_has_the_length_that_the_targets_speak_of() {
        assert_eq!(TOPIC.len(), 69);
    }
}
