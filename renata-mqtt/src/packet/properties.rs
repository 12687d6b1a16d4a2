//! Properties (MQTT 5.0 §2.2.2): one list for all packets, and which belong where.

use crate::DecodeError;
use crate::EncodeError;
use crate::wire::{Count, Reader, Sink, VARINT_MAX, put_bin, put_str, put_varint};

/// One property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Property<'a> {
    /// Whether the payload is UTF-8 text.
    PayloadFormatIndicator(bool),
    /// Seconds after which the message is worth nothing.
    MessageExpiryInterval(u32),
    /// What the payload is, as a MIME type.
    ContentType(&'a str),
    /// Where an answer is expected.
    ResponseTopic(&'a str),
    /// What ties an answer to its request.
    CorrelationData(&'a [u8]),
    /// The number of a subscription; never zero.
    SubscriptionIdentifier(u32),
    /// Seconds for which the server keeps the session.
    SessionExpiryInterval(u32),
    /// The client id that the server made up.
    AssignedClientIdentifier(&'a str),
    /// The keep-alive that the server wants, in seconds.
    ServerKeepAlive(u16),
    /// The name of an authentication method.
    AuthenticationMethod(&'a str),
    /// What the method says.
    AuthenticationData(&'a [u8]),
    /// Whether the server may explain failures.
    RequestProblemInformation(bool),
    /// Seconds that the server waits before it sends the will.
    WillDelayInterval(u32),
    /// Whether the client asks for response information.
    RequestResponseInformation(bool),
    /// Where the client may expect answers.
    ResponseInformation(&'a str),
    /// Another server to use.
    ServerReference(&'a str),
    /// What happened, for people.
    ReasonString(&'a str),
    /// How many QoS 1 and 2 messages the sender of this takes at once; never zero.
    ReceiveMaximum(u16),
    /// How many topic aliases the sender of this accepts.
    TopicAliasMaximum(u16),
    /// A number that stands for the topic.
    TopicAlias(u16),
    /// The highest quality of service that the server offers: 0 or 1.
    MaximumQoS(u8),
    /// Whether the server keeps retained messages.
    RetainAvailable(bool),
    /// Something of the application's own.
    UserProperty(&'a str, &'a str),
    /// The largest packet that the sender of this accepts; never zero.
    MaximumPacketSize(u32),
    /// Whether filters may have wildcards.
    WildcardSubscriptionAvailable(bool),
    /// Whether subscriptions may have numbers.
    SubscriptionIdentifierAvailable(bool),
    /// Whether subscriptions may be shared.
    SharedSubscriptionAvailable(bool),
}

/// Most properties in one packet. The specification sets no limit, so a packet could hold a hundred
/// thousand empty user properties and cost whoever looks at them.
pub const MAX_PROPERTIES: usize = 1024;

/// The properties of a received packet, checked, in the order in which they were sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Properties<'a> {
    raw: &'a [u8],
}

impl<'a> Properties<'a> {
    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = Property<'a>> + use<'a> {
        let mut reader = Reader::new(self.raw);
        std::iter::from_fn(move || {
            // Checked when the packet was decoded.
            (!reader.is_empty())
                .then(|| read(&mut reader).ok())
                .flatten()
        })
    }

    /// The bytes, without their length.
    pub(crate) fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Bytes that [`raw`](Self::raw) gave.
    pub(crate) fn checked(raw: &'a [u8]) -> Self {
        Self { raw }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The value of the first property that `pick` takes.
    pub fn find<T>(&self, pick: impl FnMut(Property<'a>) -> Option<T>) -> Option<T> {
        self.iter().find_map(pick)
    }

    /// What happened, for people.
    #[must_use]
    pub fn reason_string(&self) -> Option<&'a str> {
        self.find(|property| match property {
            Property::ReasonString(text) => Some(text),
            _ => None,
        })
    }

    /// Reads the properties of a packet in which only those of `allowed` may be.
    pub(crate) fn decode(reader: &mut Reader<'a>, allowed: Allowed) -> Result<Self, DecodeError> {
        let len = reader.varint()?;
        let raw = reader.take(len as usize)?;
        let mut rest = Reader::new(raw);
        let mut seen = 0_u64;
        let mut count = 0;
        while !rest.is_empty() {
            let id = rest.rest()[0];
            read(&mut rest)?;
            let bit = 1_u64.checked_shl(id.into()).unwrap_or(0);
            if allowed.0 & bit == 0 {
                return Err(DecodeError::Property(id.into()));
            }
            if seen & bit & !allowed.1 != 0 {
                return Err(DecodeError::PropertyTwice(id.into()));
            }
            count += 1;
            if count > MAX_PROPERTIES {
                return Err(DecodeError::TooManyProperties);
            }
            seen |= bit;
        }
        // Data without the method that reads it (MQTT 5.0 §3.1.2.11.10).
        if seen & (1 << AUTHENTICATION_DATA) != 0 && seen & (1 << AUTHENTICATION_METHOD) == 0 {
            return Err(DecodeError::NoAuthenticationMethod);
        }
        Ok(Self { raw })
    }
}

/// Which properties a packet may have, and which of them more than once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed(u64, u64);

const fn allowed(ids: &[u8], repeated: &[u8]) -> Allowed {
    Allowed(bits(ids) | bits(repeated), bits(repeated))
}

const fn bits(ids: &[u8]) -> u64 {
    let mut set = 0;
    let mut at = 0;
    while at < ids.len() {
        set |= 1 << ids[at];
        at += 1;
    }
    set
}

impl Allowed {
    pub(crate) const CONNECT: Self = allowed(&[17, 21, 22, 23, 25, 33, 34, 39], &[38]);
    pub(crate) const WILL: Self = allowed(&[1, 2, 3, 8, 9, 24], &[38]);
    pub(crate) const CONNACK: Self = allowed(
        &[
            17, 18, 19, 21, 22, 26, 28, 31, 33, 34, 36, 37, 39, 40, 41, 42,
        ],
        &[38],
    );
    pub(crate) const PUBLISH: Self = allowed(&[1, 2, 3, 8, 9, 35], &[11, 38]);
    /// A client's PUBLISH names no subscription, a SUBSCRIBE names one.
    pub(crate) const SUBSCRIBE: Self = allowed(&[11], &[38]);
    pub(crate) const UNSUBSCRIBE: Self = allowed(&[], &[38]);
    /// All acknowledgements but CONNACK.
    pub(crate) const ACK: Self = allowed(&[31], &[38]);
    pub(crate) const DISCONNECT: Self = allowed(&[17, 28, 31], &[38]);
    pub(crate) const AUTH: Self = allowed(&[21, 22, 31], &[38]);
}

fn read<'a>(reader: &mut Reader<'a>) -> Result<Property<'a>, DecodeError> {
    let id = reader.varint()?;
    let flag = |byte: u8| match byte {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::PropertyValue(id)),
    };
    let not_zero = |zero: bool| {
        if zero {
            Err(DecodeError::PropertyValue(id))
        } else {
            Ok(())
        }
    };
    Ok(match id {
        1 => Property::PayloadFormatIndicator(flag(reader.u8()?)?),
        2 => Property::MessageExpiryInterval(reader.u32()?),
        3 => Property::ContentType(reader.str()?),
        8 => {
            let topic = reader.str()?;
            if topic.is_empty() || memchr::memchr2(b'+', b'#', topic.as_bytes()).is_some() {
                return Err(DecodeError::Topic);
            }
            Property::ResponseTopic(topic)
        }
        9 => Property::CorrelationData(reader.bin()?),
        11 => {
            let number = reader.varint()?;
            not_zero(number == 0)?;
            Property::SubscriptionIdentifier(number)
        }
        17 => Property::SessionExpiryInterval(reader.u32()?),
        18 => Property::AssignedClientIdentifier(reader.str()?),
        19 => Property::ServerKeepAlive(reader.u16()?),
        21 => Property::AuthenticationMethod(reader.str()?),
        22 => Property::AuthenticationData(reader.bin()?),
        23 => Property::RequestProblemInformation(flag(reader.u8()?)?),
        24 => Property::WillDelayInterval(reader.u32()?),
        25 => Property::RequestResponseInformation(flag(reader.u8()?)?),
        26 => Property::ResponseInformation(reader.str()?),
        28 => Property::ServerReference(reader.str()?),
        31 => Property::ReasonString(reader.str()?),
        33 => {
            let maximum = reader.u16()?;
            not_zero(maximum == 0)?;
            Property::ReceiveMaximum(maximum)
        }
        34 => Property::TopicAliasMaximum(reader.u16()?),
        35 => Property::TopicAlias(reader.u16()?),
        36 => Property::MaximumQoS(u8::from(flag(reader.u8()?)?)),
        37 => Property::RetainAvailable(flag(reader.u8()?)?),
        38 => Property::UserProperty(reader.str()?, reader.str()?),
        39 => {
            let size = reader.u32()?;
            not_zero(size == 0)?;
            Property::MaximumPacketSize(size)
        }
        40 => Property::WildcardSubscriptionAvailable(flag(reader.u8()?)?),
        41 => Property::SubscriptionIdentifierAvailable(flag(reader.u8()?)?),
        42 => Property::SharedSubscriptionAvailable(flag(reader.u8()?)?),
        _ => return Err(DecodeError::Property(id)),
    })
}

/// Writes a property list with its length.
pub(crate) fn write(
    list: &[Property<'_>],
    allowed: Allowed,
    sink: &mut impl Sink,
) -> Result<(), EncodeError> {
    let mut len = Count::default();
    let mut seen = 0_u64;
    for property in list {
        let id = write_one(property, &mut len)?;
        let bit = 1 << id;
        if allowed.0 & bit == 0 || seen & bit & !allowed.1 != 0 || !property.is_in_range() {
            return Err(EncodeError::Property(id));
        }
        seen |= bit;
    }
    let len = u32::try_from(len.0).map_err(|_| EncodeError::TooLarge)?;
    if len > VARINT_MAX {
        return Err(EncodeError::TooLarge);
    }
    put_varint(len, sink);
    for property in list {
        write_one(property, sink)?;
    }
    Ok(())
}

/// Writes one property and says its identifier.
fn write_one(property: &Property<'_>, sink: &mut impl Sink) -> Result<u8, EncodeError> {
    use Property as P;
    let (id, value) = match *property {
        P::PayloadFormatIndicator(is) => (1, Value::Byte(is.into())),
        P::MessageExpiryInterval(secs) => (2, Value::Four(secs)),
        P::ContentType(text) => (3, Value::Text(text)),
        P::ResponseTopic(topic) => (8, Value::Text(topic)),
        P::CorrelationData(data) => (9, Value::Data(data)),
        P::SubscriptionIdentifier(number) => (11, Value::Varint(number)),
        P::SessionExpiryInterval(secs) => (17, Value::Four(secs)),
        P::AssignedClientIdentifier(text) => (18, Value::Text(text)),
        P::ServerKeepAlive(secs) => (19, Value::Two(secs)),
        P::AuthenticationMethod(text) => (21, Value::Text(text)),
        P::AuthenticationData(data) => (22, Value::Data(data)),
        P::RequestProblemInformation(is) => (23, Value::Byte(is.into())),
        P::WillDelayInterval(secs) => (24, Value::Four(secs)),
        P::RequestResponseInformation(is) => (25, Value::Byte(is.into())),
        P::ResponseInformation(text) => (26, Value::Text(text)),
        P::ServerReference(text) => (28, Value::Text(text)),
        P::ReasonString(text) => (31, Value::Text(text)),
        P::ReceiveMaximum(maximum) => (33, Value::Two(maximum)),
        P::TopicAliasMaximum(maximum) => (34, Value::Two(maximum)),
        P::TopicAlias(alias) => (35, Value::Two(alias)),
        P::MaximumQoS(level) => (36, Value::Byte(level)),
        P::RetainAvailable(is) => (37, Value::Byte(is.into())),
        P::UserProperty(name, text) => (38, Value::Pair(name, text)),
        P::MaximumPacketSize(size) => (39, Value::Four(size)),
        P::WildcardSubscriptionAvailable(is) => (40, Value::Byte(is.into())),
        P::SubscriptionIdentifierAvailable(is) => (41, Value::Byte(is.into())),
        P::SharedSubscriptionAvailable(is) => (42, Value::Byte(is.into())),
    };
    sink.put(&[id]);
    match value {
        Value::Byte(byte) => sink.put(&[byte]),
        Value::Two(number) => sink.put(&number.to_be_bytes()),
        Value::Four(number) => sink.put(&number.to_be_bytes()),
        Value::Varint(number) => put_varint(number, sink),
        Value::Text(text) => put_str(text, sink)?,
        Value::Data(data) => put_bin(data, sink)?,
        Value::Pair(name, text) => {
            put_str(name, sink)?;
            put_str(text, sink)?;
        }
    }
    Ok(id)
}

const AUTHENTICATION_METHOD: u32 = 21;
const AUTHENTICATION_DATA: u32 = 22;

impl Property<'_> {
    /// Whether the value is one that the specification allows.
    fn is_in_range(&self) -> bool {
        match *self {
            Self::SubscriptionIdentifier(number) => (1..=VARINT_MAX).contains(&number),
            Self::ReceiveMaximum(number) | Self::TopicAlias(number) => number > 0,
            Self::MaximumPacketSize(number) => number > 0,
            Self::MaximumQoS(level) => level < 2,
            Self::ResponseTopic(topic) => !topic.is_empty() && !topic.contains(['+', '#']),
            _ => true,
        }
    }
}

enum Value<'a> {
    Byte(u8),
    Two(u16),
    Four(u32),
    Varint(u32),
    Text(&'a str),
    Data(&'a [u8]),
    Pair(&'a str, &'a str),
}
