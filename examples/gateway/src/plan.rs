//! What a configuration will do, for people: read plans and topics.

use std::fmt::{self, Write};

use renata_drivers::s7::{Budget, Plan, Tag};
use renata_topics::{TopicClass, TopicFilterBuf};

use crate::config::{Config, Deadband, DeviceConfig, Publish, TagConfig};

/// Prints what is read from each device, and where it is published.
///
/// The plans are for messages of 240 bytes, which every PLC takes; most agree to more, and then need
/// fewer requests.
pub(crate) fn describe(config: &Config) -> String {
    let mut out = String::new();
    // Writing into a String does not fail.
    let _ = try_describe(config, &mut out);
    out
}

fn try_describe(config: &Config, out: &mut String) -> fmt::Result {
    for device in &config.devices {
        device_plan(device, out)?;
    }
    for uplink in &config.uplinks {
        let (link, content_type) = (&uplink.link, config.codec.content_type());
        writeln!(
            out,
            "uplink {} -> {} as {content_type}",
            link.name, link.url
        )?;
    }
    for subscription in &config.subscriptions {
        let link = &subscription.link;
        let filters: Vec<_> = subscription
            .filters
            .iter()
            .map(TopicFilterBuf::as_str)
            .collect();
        writeln!(
            out,
            "subscription {} <- {} {}",
            link.name,
            link.url,
            filters.join(" ")
        )?;
    }
    if let Some(lake) = &config.lake {
        writeln!(out, "lake {} in {}", lake.table, lake.path.display())?;
    }
    Ok(())
}

fn device_plan(device: &DeviceConfig, out: &mut String) -> fmt::Result {
    let place = (&device.host, device.port, device.rack, device.slot);
    let (host, port, rack, slot) = place;
    writeln!(
        out,
        "device {} at {host}:{port}, rack {rack}, slot {slot}",
        device.name
    )?;
    for (index, group) in device.groups.iter().enumerate() {
        let members: Vec<&TagConfig> = device.tags.iter().filter(|t| t.group == index).collect();
        let tags: Vec<Tag> = members.iter().map(|t| t.address).collect();
        let count = tags.len();
        writeln!(
            out,
            "  group {}, every {:?}: {count} tag(s)",
            group.name, group.period
        )?;
        if tags.is_empty() {
            continue;
        }
        let plan = Plan::new(&tags, Budget::default()).to_string();
        for line in plan.lines() {
            writeln!(out, "    {line}")?;
        }
        for tag in members {
            tag_line(tag, out)?;
        }
    }
    writeln!(
        out,
        "    {} <- online, offline (QoS 1, retained)",
        device.status_topic.as_str()
    )
}

fn tag_line(tag: &TagConfig, out: &mut String) -> fmt::Result {
    let qos = TopicClass::of(tag.topic.as_name()).qos();
    write!(
        out,
        "    {} <- {} (QoS {qos}",
        tag.topic.as_str(),
        tag.address
    )?;
    if let Some(scale) = tag.scale {
        write!(out, ", * {} + {}", scale.factor, scale.offset)?;
    }
    if let Some(unit) = &tag.unit {
        write!(out, ", {unit}")?;
    }
    match tag.publish {
        Publish::Always => write!(out, ", every reading")?,
        Publish::OnChange {
            deadband,
            max_silence,
        } => {
            match deadband {
                Deadband::None => write!(out, ", on change")?,
                Deadband::Absolute(band) => write!(out, ", on change by more than {band}")?,
                Deadband::Percent(band) => write!(out, ", on change by more than {band} %")?,
            }
            write!(out, ", at least every {max_silence:?}")?;
        }
    }
    writeln!(out, ")")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_shows_requests_and_topics() {
        let file = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/gateway.toml"));
        let config = Config::read(file).unwrap_or_else(|p| panic!("{p:#?}"));
        let text = describe(&config);
        for part in [
            "device press-1 at 192.168.0.10:102, rack 0, slot 1",
            "group fast, every 100ms: 3 tag(s)",
            "request",
            "renata/biel/hall-2/line-7/s7-1500/press-1/force <- DB10.DBD0:REAL (QoS 1, N",
            "press-1/status <- online, offline (QoS 1, retained)",
            "uplink plant -> mqtt",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
    }
}
