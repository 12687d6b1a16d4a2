//! SUBACK (MQTT 5.0 §3.9) and UNSUBACK (§3.11).

use super::properties::{self, Allowed};
use super::{Properties, Property, reasons, sealed};
use crate::wire::{Reader, Sink};
use crate::{DecodeError, EncodeError, PacketId, ReasonCode, Version};

macro_rules! codes_packet {
    ($received:ident, $written:ident, $name:literal, $first:literal, $v3_codes:literal) => {
        #[doc = concat!("A received ", $name, ".")]
        #[derive(Clone, Copy, Debug)]
        pub struct $received<'a> {
            id: PacketId,
            properties: Properties<'a>,
            codes: &'a [u8],
        }

        impl<'a> $received<'a> {
            pub(super) fn decode(version: Version, body: &'a [u8]) -> Result<Self, DecodeError> {
                let mut reader = Reader::new(body);
                let id = reader.id()?;
                let properties = match version {
                    Version::V3_1_1 => Properties::default(),
                    Version::V5 => Properties::decode(&mut reader, Allowed::ACK)?,
                };
                let codes = reader.rest();
                let wanted = version == Version::V5 || $v3_codes;
                if wanted && codes.is_empty() {
                    return Err(DecodeError::Empty);
                }
                if !wanted && !codes.is_empty() {
                    return Err(DecodeError::TrailingBytes);
                }
                for code in codes {
                    reasons::checked($first >> 4, version, *code)?;
                }
                Ok(Self {
                    id,
                    properties,
                    codes,
                })
            }

            /// Which request it answers.
            #[must_use]
            pub fn id(&self) -> PacketId {
                self.id
            }

            /// One code for each filter of the request.
            pub fn codes(&self) -> impl ExactSizeIterator<Item = ReasonCode> + use<'a> {
                self.codes.iter().map(|code| ReasonCode::new(*code))
            }

            /// What happened, for people.
            #[must_use]
            pub fn reason_string(&self) -> Option<&'a str> {
                self.properties.reason_string()
            }

            /// Its properties; none in 3.1.1.
            #[must_use]
            pub fn properties(&self) -> Properties<'a> {
                self.properties
            }
        }

        #[doc = concat!("A ", $name, " to be written.")]
        #[derive(Clone, Copy, Debug)]
        pub struct $written<'a> {
            /// Which request it answers.
            pub id: PacketId,
            /// One code for each filter of the request.
            pub codes: &'a [ReasonCode],
            /// Its properties; not written in 3.1.1.
            pub properties: &'a [Property<'a>],
        }

        impl sealed::Body for $written<'_> {
            fn first_byte(&self) -> u8 {
                $first
            }

            fn body<S: Sink>(&self, version: Version, sink: &mut S) -> Result<(), EncodeError> {
                sink.put(&self.id.get().to_be_bytes());
                if version == Version::V5 {
                    properties::write(self.properties, Allowed::ACK, sink)?;
                }
                if version == Version::V5 || $v3_codes {
                    if self.codes.is_empty() {
                        return Err(EncodeError::Empty);
                    }
                    for code in self.codes {
                        // 3.1.1 has one code for every failure (§3.9.3).
                        let failed = version == Version::V3_1_1 && code.is_error();
                        sink.put(&[if failed { 0x80 } else { code.get() }]);
                    }
                }
                Ok(())
            }
        }
    };
}

codes_packet!(SubAckRef, SubAck, "SUBACK", 0x90, true);
codes_packet!(UnsubAckRef, UnsubAck, "UNSUBACK", 0xb0, false);
