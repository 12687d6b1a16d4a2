//! SUBSCRIBE (MQTT 5.0 §3.8) and UNSUBSCRIBE (§3.10).

use renata_topics::TopicFilter;

use super::properties::{self, Allowed};
use super::{Properties, Property, sealed};
use crate::wire::{Reader, Sink, put_str};
use crate::{DecodeError, EncodeError, PacketId, QoS, Version};

/// How a filter is subscribed to (MQTT 5.0 §3.8.3.1). 3.1.1 knows the quality of service only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SubscriptionOptions {
    /// The highest quality of service of what is sent.
    pub qos: QoS,
    /// Messages of the subscriber itself are not sent.
    pub no_local: bool,
    /// Messages keep the retain flag with which they were published.
    pub retain_as_published: bool,
    /// Which retained messages are sent.
    pub retain_handling: RetainHandling,
}

/// Which retained messages a subscription gets when it is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RetainHandling {
    /// All that match.
    #[default]
    Send = 0,
    /// All that match, if the subscription is new.
    SendIfNew = 1,
    /// None.
    DoNotSend = 2,
}

impl SubscriptionOptions {
    fn decode(version: Version, byte: u8) -> Result<Self, DecodeError> {
        let reserved = match version {
            Version::V3_1_1 => 0b1111_1100,
            Version::V5 => 0b1100_0000,
        };
        if byte & reserved != 0 {
            return Err(DecodeError::Reserved(byte));
        }
        Ok(Self {
            qos: QoS::from_u8(byte & 0b11).ok_or(DecodeError::SubscriptionOptions(byte))?,
            no_local: byte & 0b100 != 0,
            retain_as_published: byte & 0b1000 != 0,
            retain_handling: match byte >> 4 {
                0 => RetainHandling::Send,
                1 => RetainHandling::SendIfNew,
                2 => RetainHandling::DoNotSend,
                _ => return Err(DecodeError::SubscriptionOptions(byte)),
            },
        })
    }

    fn encode(self, version: Version) -> u8 {
        let qos = self.qos as u8;
        match version {
            Version::V3_1_1 => qos,
            Version::V5 => {
                qos | u8::from(self.no_local) << 2
                    | u8::from(self.retain_as_published) << 3
                    | (self.retain_handling as u8) << 4
            }
        }
    }
}

/// A received SUBSCRIBE as a view of its frame.
#[derive(Clone, Copy, Debug)]
pub struct SubscribeRef<'a> {
    version: Version,
    id: PacketId,
    properties: Properties<'a>,
    filters: &'a [u8],
}

impl<'a> SubscribeRef<'a> {
    pub(super) fn decode(version: Version, body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let id = reader.id()?;
        let properties = match version {
            Version::V3_1_1 => Properties::default(),
            Version::V5 => Properties::decode(&mut reader, Allowed::SUBSCRIBE)?,
        };
        let filters = reader.rest();
        if filters.is_empty() {
            return Err(DecodeError::Empty);
        }
        while !reader.is_empty() {
            let filter = reader.str()?;
            let options = SubscriptionOptions::decode(version, reader.u8()?)?;
            if options.no_local && filter.starts_with(SHARED) {
                return Err(DecodeError::NoLocalShared);
            }
        }
        Ok(Self {
            version,
            id,
            properties,
            filters,
        })
    }

    /// The packet identifier.
    #[must_use]
    pub fn id(&self) -> PacketId {
        self.id
    }

    /// The filters as they were sent, not yet checked as such, with their options.
    pub fn filters(&self) -> impl Iterator<Item = (&'a str, SubscriptionOptions)> + use<'a> {
        let version = self.version;
        let mut reader = Reader::new(self.filters);
        std::iter::from_fn(move || {
            // Checked when the packet was decoded.
            let filter = reader.str().ok()?;
            let options = SubscriptionOptions::decode(version, reader.u8().ok()?).ok()?;
            Some((filter, options))
        })
    }

    /// The number for the subscriptions.
    #[must_use]
    pub fn subscription_id(&self) -> Option<u32> {
        self.properties.find(|property| match property {
            Property::SubscriptionIdentifier(number) => Some(number),
            _ => None,
        })
    }

    /// Its properties; none in 3.1.1.
    #[must_use]
    pub fn properties(&self) -> Properties<'a> {
        self.properties
    }
}

/// A SUBSCRIBE to be written.
#[derive(Clone, Copy, Debug)]
pub struct Subscribe<'a> {
    /// The packet identifier.
    pub id: PacketId,
    /// The filters with their options.
    pub filters: &'a [(&'a str, SubscriptionOptions)],
    /// Its properties; not written in 3.1.1.
    pub properties: &'a [Property<'a>],
}

impl sealed::Body for Subscribe<'_> {
    fn first_byte(&self) -> u8 {
        0x82
    }

    fn body<S: Sink>(&self, version: Version, sink: &mut S) -> Result<(), EncodeError> {
        sink.put(&self.id.get().to_be_bytes());
        if version == Version::V5 {
            properties::write(self.properties, Allowed::SUBSCRIBE, sink)?;
        }
        if self.filters.is_empty() {
            return Err(EncodeError::Empty);
        }
        for (filter, options) in self.filters {
            let shared = check_filter(filter)?;
            if shared && options.no_local {
                return Err(EncodeError::Filter);
            }
            put_str(filter, sink)?;
            sink.put(&[options.encode(version)]);
        }
        Ok(())
    }
}

/// A received UNSUBSCRIBE as a view of its frame.
#[derive(Clone, Copy, Debug)]
pub struct UnsubscribeRef<'a> {
    id: PacketId,
    properties: Properties<'a>,
    filters: &'a [u8],
}

impl<'a> UnsubscribeRef<'a> {
    pub(super) fn decode(version: Version, body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let id = reader.id()?;
        let properties = match version {
            Version::V3_1_1 => Properties::default(),
            Version::V5 => Properties::decode(&mut reader, Allowed::UNSUBSCRIBE)?,
        };
        let filters = reader.rest();
        if filters.is_empty() {
            return Err(DecodeError::Empty);
        }
        while !reader.is_empty() {
            reader.str()?;
        }
        Ok(Self {
            id,
            properties,
            filters,
        })
    }

    /// The packet identifier.
    #[must_use]
    pub fn id(&self) -> PacketId {
        self.id
    }

    /// The filters as they were sent, not yet checked as such.
    pub fn filters(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut reader = Reader::new(self.filters);
        // Checked when the packet was decoded.
        std::iter::from_fn(move || reader.str().ok())
    }

    /// Its properties; none in 3.1.1.
    #[must_use]
    pub fn properties(&self) -> Properties<'a> {
        self.properties
    }
}

/// An UNSUBSCRIBE to be written.
#[derive(Clone, Copy, Debug)]
pub struct Unsubscribe<'a> {
    /// The packet identifier.
    pub id: PacketId,
    /// The filters.
    pub filters: &'a [&'a str],
    /// Its properties; not written in 3.1.1.
    pub properties: &'a [Property<'a>],
}

impl sealed::Body for Unsubscribe<'_> {
    fn first_byte(&self) -> u8 {
        0xa2
    }

    fn body<S: Sink>(&self, version: Version, sink: &mut S) -> Result<(), EncodeError> {
        sink.put(&self.id.get().to_be_bytes());
        if version == Version::V5 {
            properties::write(self.properties, Allowed::UNSUBSCRIBE, sink)?;
        }
        if self.filters.is_empty() {
            return Err(EncodeError::Empty);
        }
        for filter in self.filters {
            check_filter(filter)?;
            put_str(filter, sink)?;
        }
        Ok(())
    }
}

/// Whether the filter is shared; an error if it is none.
fn check_filter(filter: &str) -> Result<bool, EncodeError> {
    match TopicFilter::new(filter) {
        Ok(filter) => Ok(filter.share_name().is_some()),
        Err(_) => Err(EncodeError::Filter),
    }
}

/// What a shared subscription begins with (MQTT 5.0 §4.8.2).
const SHARED: &str = "$share/";
