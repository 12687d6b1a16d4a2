//! Checks devices: topics, groups, tags.

use std::time::Duration;

use renata_codec::Unit;
use renata_drivers::s7::Tag;
use renata_topics::{PlantTopic, TopicNameBuf};
use toml::Spanned;

use super::check::Checker;
use super::{Deadband, DeviceConfig, GroupConfig, Publish, Scale, TagConfig, raw};

type Text = Spanned<String>;

/// The levels of a device's topics in front of the measurement.
struct Place<'a> {
    location: &'a str,
    area: &'a str,
    line: &'a str,
    device_type: &'a str,
    device_id: &'a str,
}

impl Checker<'_> {
    pub(super) fn device(
        &mut self,
        gateway: &raw::Gateway,
        device: &Spanned<raw::Device>,
    ) -> Option<DeviceConfig> {
        let device = device.get_ref();
        if device.driver.get_ref() != "s7" {
            let what = format!("there is no driver {:?}", device.driver.get_ref());
            self.problems
                .add(Some(device.driver.span()), what, "write driver = \"s7\"");
        }
        if device.host.get_ref().trim().is_empty() {
            let remedy = "write a host name or an address";
            self.problems
                .add(Some(device.host.span()), "host is empty", remedy);
        }
        let name = self.name(&device.name);
        let device_type = match &device.device_type {
            Some(text) => self.word(text),
            None => Some("s7"),
        };
        let location = self.level(device, "location", &device.location, &gateway.location);
        let area = self.level(device, "area", &device.area, &gateway.area);
        let line = self.level(device, "line", &device.line, &gateway.line);
        let timeout = self.number(device.timeout_ms.as_ref(), 2_000, 10..=60_000);
        let groups = self.groups(&device.group);
        let place = Place {
            location: location?,
            area: area?,
            line: line?,
            device_type: device_type?,
            device_id: name?,
        };
        let status_topic = self.topic(&place, "status", &device.name)?;
        if device.tag.is_empty() {
            let remedy = "add a [[device.tag]]";
            self.problems
                .add(Some(device.name.span()), "the device has no tag", remedy);
        }
        let groups = groups?;
        let tags: Vec<_> = device
            .tag
            .iter()
            .map(|tag| self.tag(&place, &groups, tag))
            .collect();
        Some(DeviceConfig {
            name: place.device_id.to_owned(),
            host: device.host.get_ref().clone(),
            port: self.number(device.port.as_ref(), 102, 1..=65_535)? as u16,
            rack: self.number(device.rack.as_ref(), 0, 0..=7)? as u8,
            slot: self.number(device.slot.as_ref(), 1, 0..=31)? as u8,
            timeout: Duration::from_millis(timeout?),
            status_topic,
            groups,
            tags: tags.into_iter().collect::<Option<_>>()?,
        })
    }

    /// A level of the device, else the gateway's default for it.
    fn level<'a>(
        &mut self,
        device: &raw::Device,
        key: &str,
        own: &'a Option<Text>,
        default: &'a Option<Text>,
    ) -> Option<&'a str> {
        if let Some(text) = own.as_ref().or(default.as_ref()) {
            return self.word(text);
        }
        let what = format!("the device has no {key}, and the topics need one");
        let remedy = format!("add {key} = \"..\" here, or to [gateway] for all devices");
        self.problems.add(Some(device.name.span()), what, remedy);
        None
    }

    fn groups(&mut self, groups: &[raw::Group]) -> Option<Vec<GroupConfig>> {
        if groups.is_empty() {
            return Some(vec![GroupConfig {
                name: "default".to_owned(),
                period: Duration::from_secs(1),
            }]);
        }
        let mut checked: Vec<GroupConfig> = Vec::new();
        for group in groups {
            let name = self.word(&group.name);
            let period = self.number(Some(&group.period_ms), 0, 1..=86_400_000);
            let (Some(name), Some(period)) = (name, period) else {
                continue;
            };
            if checked.iter().any(|g| g.name == name) {
                let what = format!("the device has two groups {name:?}");
                self.problems
                    .add(Some(group.name.span()), what, "rename one");
                continue;
            }
            checked.push(GroupConfig {
                name: name.to_owned(),
                period: Duration::from_millis(period),
            });
        }
        (checked.len() == groups.len()).then_some(checked)
    }

    fn tag(
        &mut self,
        place: &Place<'_>,
        groups: &[GroupConfig],
        tag: &raw::Tag,
    ) -> Option<TagConfig> {
        let topic = self.topic(place, tag.name.get_ref(), &tag.name);
        let address = self.address(tag);
        let group = self.group(groups, tag.group.as_ref());
        let unit = match &tag.unit {
            None => Some(None),
            Some(text) => match Unit::new(text.get_ref()) {
                Ok(unit) => Some(Some(unit)),
                Err(error) => {
                    let remedy = "write a UCUM code: https://ucum.org";
                    self.problems
                        .add(Some(text.span()), error.to_string(), remedy);
                    None
                }
            },
        };
        let scale = self.scale(tag);
        let publish = self.publish(tag);
        Some(TagConfig {
            topic: topic?,
            address: address?,
            group: group?,
            unit: unit?,
            scale: scale?,
            publish: publish?,
        })
    }

    fn group(&mut self, groups: &[GroupConfig], name: Option<&Text>) -> Option<usize> {
        let Some(name) = name else {
            return Some(0);
        };
        let found = groups.iter().position(|g| g.name == *name.get_ref());
        if found.is_none() {
            let known: Vec<_> = groups.iter().map(|g| g.name.as_str()).collect();
            let what = format!("the device has no group {:?}", name.get_ref());
            let remedy = format!(
                "write one of {}, or add a [[device.group]]",
                known.join(", ")
            );
            self.problems.add(Some(name.span()), what, remedy);
        }
        found
    }

    fn scale(&mut self, tag: &raw::Tag) -> Option<Option<Scale>> {
        let scale = Scale {
            factor: tag.scale.as_ref().map_or(1.0, |s| *s.get_ref()),
            offset: tag.offset.as_ref().map_or(0.0, |o| *o.get_ref()),
        };
        for number in [&tag.scale, &tag.offset].into_iter().flatten() {
            if !number.get_ref().is_finite() {
                self.problems
                    .add(Some(number.span()), "not a number", "write a finite number");
                return None;
            }
        }
        Some((tag.scale.is_some() || tag.offset.is_some()).then_some(scale))
    }

    fn publish(&mut self, tag: &raw::Tag) -> Option<Publish> {
        let always = match tag
            .publish
            .as_ref()
            .map(|p| (p.get_ref().as_str(), p.span()))
        {
            None | Some(("change", _)) => false,
            Some(("always", _)) => true,
            Some((other, span)) => {
                let what = format!("publish is {other:?}");
                self.problems
                    .add(Some(span), what, "write \"change\" or \"always\"");
                return None;
            }
        };
        let bands = [&tag.deadband, &tag.deadband_percent];
        for band in bands.into_iter().flatten() {
            if !(band.get_ref().is_finite() && *band.get_ref() >= 0.0) {
                let remedy = "write a number from 0 on";
                self.problems
                    .add(Some(band.span()), "not a deadband", remedy);
                return None;
            }
        }
        let deadband = match (&tag.deadband, &tag.deadband_percent) {
            (None, None) => Deadband::None,
            (Some(band), None) => Deadband::Absolute(*band.get_ref()),
            (None, Some(band)) => Deadband::Percent(*band.get_ref()),
            (Some(_), Some(band)) => {
                let what = "a deadband is absolute or in percent";
                let remedy = "remove deadband or deadband_percent";
                self.problems.add(Some(band.span()), what, remedy);
                return None;
            }
        };
        let silence = self.number(tag.max_silence_s.as_ref(), 60, 1..=86_400)?;
        if !always {
            return Some(Publish::OnChange {
                deadband,
                max_silence: Duration::from_secs(silence),
            });
        }
        let set = tag.max_silence_s.as_ref().map(Spanned::span);
        if let Some(span) = bands
            .into_iter()
            .flatten()
            .map(Spanned::span)
            .next()
            .or(set)
        {
            let what = "every reading is published, so there is nothing to filter";
            self.problems
                .add(Some(span), what, "remove this key, or publish = \"always\"");
            return None;
        }
        Some(Publish::Always)
    }

    /// The topic of a measurement, which no other one may have.
    fn topic(&mut self, place: &Place<'_>, measurement: &str, at: &Text) -> Option<TopicNameBuf> {
        let good = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        let plant = PlantTopic {
            location: place.location,
            area: place.area,
            line: place.line,
            device_type: place.device_type,
            device_id: place.device_id,
            measurement,
        };
        let topic = match plant.to_name() {
            Ok(topic) if measurement.chars().all(good) => topic,
            other => {
                let why = other.err().map(|e| format!(": {e}")).unwrap_or_default();
                let what = format!("{measurement:?} is not a measurement{why}");
                let remedy = "use A-Z a-z 0-9 - _ . and / between levels, such as axis-1/torque";
                self.problems.add(Some(at.span()), what, remedy);
                return None;
            }
        };
        let mine = format!("{} of {}", measurement, place.device_id);
        match self
            .topics
            .insert(topic.as_str().to_owned(), (at.span(), mine))
        {
            None => Some(topic),
            Some((span, other)) => {
                let (line, column) = self.problems.place(span.start);
                let what = format!(
                    "topic {} is taken by {other} in line {line}, column {column}",
                    topic.as_str()
                );
                let remedy = "rename one of the two: a topic is one stream";
                self.problems.add(Some(at.span()), what, remedy);
                None
            }
        }
    }

    fn address(&mut self, tag: &raw::Tag) -> Option<Tag> {
        let data_type = tag.data_type.as_ref().map(|t| t.get_ref().as_str());
        match Tag::parse(tag.address.get_ref(), data_type) {
            Ok(address) => Some(address),
            Err(error) => {
                let what = format!("address {:?}: {error}", tag.address.get_ref());
                let remedy = "write one such as \"DB1.DBD4:REAL\", \"DB1.DBX0.3\" or \"MW10:INT\"";
                self.problems.add(Some(tag.address.span()), what, remedy);
                None
            }
        }
    }
}
