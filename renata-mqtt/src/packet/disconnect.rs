//! DISCONNECT (MQTT 5.0 §3.14) and AUTH (§3.15).

use super::ack::{put_tail, tail};
use super::properties::Allowed;
use super::{Properties, Property, sealed};
use crate::wire::{Reader, Sink};
use crate::{DecodeError, EncodeError, ReasonCode, Version};

/// A received DISCONNECT.
#[derive(Clone, Copy, Debug)]
pub struct DisconnectRef<'a> {
    reason: ReasonCode,
    properties: Properties<'a>,
}

impl<'a> DisconnectRef<'a> {
    pub(super) fn decode(version: Version, body: &'a [u8]) -> Result<Self, DecodeError> {
        let (reason, properties) = tail(version, 14, &mut Reader::new(body), Allowed::DISCONNECT)?;
        Ok(Self { reason, properties })
    }

    /// Why; always normal in 3.1.1.
    #[must_use]
    pub fn reason(&self) -> ReasonCode {
        self.reason
    }

    /// Its properties; none in 3.1.1.
    #[must_use]
    pub fn properties(&self) -> Properties<'a> {
        self.properties
    }
}

/// A DISCONNECT to be written.
#[derive(Clone, Copy, Debug)]
pub struct Disconnect<'a> {
    /// Why; not written in 3.1.1.
    pub reason: ReasonCode,
    /// Its properties; not written in 3.1.1.
    pub properties: &'a [Property<'a>],
}

impl sealed::Body for Disconnect<'_> {
    fn first_byte(&self) -> u8 {
        0xe0
    }

    fn body<S: Sink>(&self, version: Version, sink: &mut S) -> Result<(), EncodeError> {
        put_tail(
            version,
            self.reason,
            self.properties,
            Allowed::DISCONNECT,
            sink,
        )
    }
}

/// A received AUTH.
#[derive(Clone, Copy, Debug)]
pub struct AuthRef<'a> {
    reason: ReasonCode,
    properties: Properties<'a>,
}

impl<'a> AuthRef<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let (reason, properties) = tail(Version::V5, 15, &mut reader, Allowed::AUTH)?;
        // The method is always there (MQTT 5.0 §3.15.2.2.2).
        let method = |property| matches!(property, Property::AuthenticationMethod(_)).then_some(());
        if properties.find(method).is_none() {
            return Err(DecodeError::PropertyValue(21));
        }
        Ok(Self { reason, properties })
    }

    /// What it says.
    #[must_use]
    pub fn reason(&self) -> ReasonCode {
        self.reason
    }

    /// Its properties.
    #[must_use]
    pub fn properties(&self) -> Properties<'a> {
        self.properties
    }
}

/// An AUTH to be written; 5.0 only.
#[derive(Clone, Copy, Debug)]
pub struct Auth<'a> {
    /// What it says.
    pub reason: ReasonCode,
    /// Its properties.
    pub properties: &'a [Property<'a>],
}

impl sealed::Body for Auth<'_> {
    fn first_byte(&self) -> u8 {
        0xf0
    }

    fn body<S: Sink>(&self, version: Version, sink: &mut S) -> Result<(), EncodeError> {
        if version == Version::V3_1_1 {
            return Err(EncodeError::Version);
        }
        put_tail(version, self.reason, self.properties, Allowed::AUTH, sink)
    }
}
