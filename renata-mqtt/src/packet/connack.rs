//! CONNACK (MQTT 5.0 §3.2).

use super::properties::{self, Allowed};
use super::{Properties, Property, reasons, sealed};
use crate::wire::{Reader, Sink};
use crate::{DecodeError, EncodeError, ReasonCode, Version};

/// A received CONNACK.
#[derive(Clone, Copy, Debug)]
pub struct ConnAckRef<'a> {
    session_present: bool,
    reason: ReasonCode,
    properties: Properties<'a>,
}

impl<'a> ConnAckRef<'a> {
    pub(super) fn decode(version: Version, body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let flags = reader.u8()?;
        if flags > 1 {
            return Err(DecodeError::Reserved(flags));
        }
        let code = reader.u8()?;
        let (reason, properties) = match version {
            Version::V3_1_1 => (from_return_code(code), Properties::default()),
            // A 3.1.1 server that does not know 5.0 answers with its own, shorter packet.
            Version::V5 if reader.is_empty() => (from_return_code(code), Properties::default()),
            Version::V5 => {
                let properties = Properties::decode(&mut reader, Allowed::CONNACK)?;
                (reasons::checked(2, version, code)?, properties)
            }
        };
        reader.end()?;
        // No session with a refusal [MQTT-3.2.2-6].
        if flags == 1 && reason.is_error() {
            return Err(DecodeError::Reserved(flags));
        }
        Ok(Self {
            session_present: flags == 1,
            reason,
            properties,
        })
    }

    /// Whether the server has a session of this client.
    #[must_use]
    pub fn session_present(&self) -> bool {
        self.session_present
    }

    /// Whether the server takes the client; 3.1.1's return codes appear as their 5.0 equivalents.
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

/// A CONNACK to be written.
#[derive(Clone, Copy, Debug)]
pub struct ConnAck<'a> {
    /// Whether the server has a session of this client.
    pub session_present: bool,
    /// Whether it takes the client; written in 3.1.1 as the nearest return code.
    pub reason: ReasonCode,
    /// Its properties; not written in 3.1.1.
    pub properties: &'a [Property<'a>],
}

impl sealed::Body for ConnAck<'_> {
    fn first_byte(&self) -> u8 {
        0x20
    }

    fn body<S: Sink>(&self, version: Version, sink: &mut S) -> Result<(), EncodeError> {
        let code = match version {
            Version::V3_1_1 => to_return_code(self.reason),
            Version::V5 => self.reason.get(),
        };
        sink.put(&[self.session_present.into(), code]);
        if version == Version::V5 {
            properties::write(self.properties, Allowed::CONNACK, sink)?;
        }
        Ok(())
    }
}

/// 3.1.1's return codes (§3.2.2.3).
fn from_return_code(code: u8) -> ReasonCode {
    match code {
        0 => ReasonCode::SUCCESS,
        1 => ReasonCode::UNSUPPORTED_PROTOCOL_VERSION,
        2 => ReasonCode::CLIENT_IDENTIFIER_NOT_VALID,
        3 => ReasonCode::SERVER_UNAVAILABLE,
        4 => ReasonCode::BAD_USER_NAME_OR_PASSWORD,
        5 => ReasonCode::NOT_AUTHORIZED,
        _ => ReasonCode::UNSPECIFIED_ERROR,
    }
}

fn to_return_code(reason: ReasonCode) -> u8 {
    match reason {
        ReasonCode::SUCCESS => 0,
        ReasonCode::UNSUPPORTED_PROTOCOL_VERSION => 1,
        ReasonCode::CLIENT_IDENTIFIER_NOT_VALID => 2,
        ReasonCode::BAD_USER_NAME_OR_PASSWORD => 4,
        ReasonCode::NOT_AUTHORIZED | ReasonCode::BANNED => 5,
        _ => 3,
    }
}
