//! CONNECT (MQTT 5.0 §3.1).

use super::properties::{self, Allowed};
use super::{Properties, Property, sealed};
use crate::wire::{Reader, Sink, put_bin, put_str};
use crate::{DecodeError, EncodeError, QoS, Version};

/// A received CONNECT as a view of its frame.
#[derive(Clone, Copy)]
pub struct ConnectRef<'a> {
    version: Version,
    clean_start: bool,
    keep_alive: u16,
    properties: Properties<'a>,
    client_id: &'a str,
    will: Option<WillRef<'a>>,
    username: Option<&'a str>,
    password: Option<&'a [u8]>,
}

/// The will in a received CONNECT.
#[derive(Clone, Copy, Debug)]
pub struct WillRef<'a> {
    /// Where.
    pub topic: &'a str,
    /// What.
    pub payload: &'a [u8],
    /// The quality of service.
    pub qos: QoS,
    /// The retain flag.
    pub retain: bool,
    /// Its properties; none in 3.1.1.
    pub properties: Properties<'a>,
}

const USERNAME: u8 = 0x80;
const PASSWORD: u8 = 0x40;
const WILL_RETAIN: u8 = 0x20;
const WILL: u8 = 0x04;
const CLEAN_START: u8 = 0x02;

impl<'a> ConnectRef<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        match reader.bin()? {
            b"MQTT" => {}
            // MQTT 3.1, which had another name.
            b"MQIsdp" => return Err(DecodeError::ProtocolLevel(3)),
            _ => return Err(DecodeError::ProtocolName),
        }
        let level = reader.u8()?;
        let version = Version::from_level(level).ok_or(DecodeError::ProtocolLevel(level))?;
        let flags = reader.u8()?;
        let will_qos = QoS::from_u8(flags >> 3 & 0b11).ok_or(DecodeError::QoS)?;
        let has_will = flags & WILL != 0;
        let reserved = flags & 1 != 0;
        let will_less = !has_will && (will_qos != QoS::AtMostOnce || flags & WILL_RETAIN != 0);
        // 3.1.1 has no password without a username [MQTT-3.1.2-22].
        let nameless = version == Version::V3_1_1 && flags & PASSWORD != 0 && flags & USERNAME == 0;
        if reserved || will_less || nameless {
            return Err(DecodeError::Reserved(flags));
        }
        let keep_alive = reader.u16()?;
        let list = |reader: &mut Reader<'a>, allowed| match version {
            Version::V3_1_1 => Ok(Properties::default()),
            Version::V5 => Properties::decode(reader, allowed),
        };
        let properties = list(&mut reader, Allowed::CONNECT)?;
        let client_id = reader.str()?;
        let will = if has_will {
            let properties = list(&mut reader, Allowed::WILL)?;
            let topic = reader.str()?;
            if topic.is_empty() || memchr::memchr2(b'+', b'#', topic.as_bytes()).is_some() {
                return Err(DecodeError::Topic);
            }
            Some(WillRef {
                topic,
                payload: reader.bin()?,
                qos: will_qos,
                retain: flags & WILL_RETAIN != 0,
                properties,
            })
        } else {
            None
        };
        let username = (flags & USERNAME != 0).then(|| reader.str()).transpose()?;
        let password = (flags & PASSWORD != 0).then(|| reader.bin()).transpose()?;
        reader.end()?;
        Ok(Self {
            version,
            clean_start: flags & CLEAN_START != 0,
            keep_alive,
            properties,
            client_id,
            will,
            username,
            password,
        })
    }

    /// The version that the client speaks.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether an earlier session is to be forgotten; 3.1.1 calls it clean session.
    #[must_use]
    pub fn clean_start(&self) -> bool {
        self.clean_start
    }

    /// The longest silence, in seconds; 0 turns it off.
    #[must_use]
    pub fn keep_alive(&self) -> u16 {
        self.keep_alive
    }

    /// Its properties; none in 3.1.1.
    #[must_use]
    pub fn properties(&self) -> Properties<'a> {
        self.properties
    }

    /// Who the client says it is; may be empty.
    #[must_use]
    pub fn client_id(&self) -> &'a str {
        self.client_id
    }

    /// The will.
    #[must_use]
    pub fn will(&self) -> Option<WillRef<'a>> {
        self.will
    }

    /// The username.
    #[must_use]
    pub fn username(&self) -> Option<&'a str> {
        self.username
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> Option<&'a [u8]> {
        self.password
    }
}

impl std::fmt::Debug for ConnectRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectRef")
            .field("version", &self.version)
            .field("client_id", &self.client_id)
            .field("clean_start", &self.clean_start)
            .field("keep_alive", &self.keep_alive)
            .field("username", &self.username)
            .field("password", &self.password.map(|_| "hidden"))
            .finish_non_exhaustive()
    }
}

/// A CONNECT to be written. `Debug` is left out, because it holds a password.
#[derive(Clone, Copy)]
pub struct Connect<'a> {
    /// Whether an earlier session is to be forgotten; 3.1.1 calls it clean session.
    pub clean_start: bool,
    /// The longest silence, in seconds; 0 turns it off.
    pub keep_alive: u16,
    /// Its properties; not written in 3.1.1.
    pub properties: &'a [Property<'a>],
    /// Who the client is; may be empty.
    pub client_id: &'a str,
    /// The will.
    pub will: Option<LastWill<'a>>,
    /// The username.
    pub username: Option<&'a str>,
    /// The password.
    pub password: Option<&'a [u8]>,
}

/// The will in a CONNECT to be written.
#[derive(Clone, Copy, Debug)]
pub struct LastWill<'a> {
    /// Where.
    pub topic: &'a str,
    /// What.
    pub payload: &'a [u8],
    /// The quality of service.
    pub qos: QoS,
    /// The retain flag.
    pub retain: bool,
    /// Its properties; not written in 3.1.1.
    pub properties: &'a [Property<'a>],
}

impl sealed::Body for Connect<'_> {
    fn first_byte(&self) -> u8 {
        0x10
    }

    fn body<S: Sink>(&self, version: Version, sink: &mut S) -> Result<(), EncodeError> {
        if version == Version::V3_1_1 && self.password.is_some() && self.username.is_none() {
            return Err(EncodeError::Version);
        }
        put_str("MQTT", sink)?;
        let mut flags = if self.clean_start { CLEAN_START } else { 0 };
        if let Some(will) = &self.will {
            flags |= WILL | (will.qos as u8) << 3;
            flags |= if will.retain { WILL_RETAIN } else { 0 };
        }
        flags |= self.username.map_or(0, |_| USERNAME);
        flags |= self.password.map_or(0, |_| PASSWORD);
        sink.put(&[version.level(), flags]);
        sink.put(&self.keep_alive.to_be_bytes());
        if version == Version::V5 {
            properties::write(self.properties, Allowed::CONNECT, sink)?;
        }
        put_str(self.client_id, sink)?;
        if let Some(will) = &self.will {
            if version == Version::V5 {
                properties::write(will.properties, Allowed::WILL, sink)?;
            }
            if will.topic.is_empty() || will.topic.contains(['+', '#']) {
                return Err(EncodeError::Topic);
            }
            put_str(will.topic, sink)?;
            put_bin(will.payload, sink)?;
        }
        if let Some(username) = self.username {
            put_str(username, sink)?;
        }
        if let Some(password) = self.password {
            put_bin(password, sink)?;
        }
        Ok(())
    }
}
