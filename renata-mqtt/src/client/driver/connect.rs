//! From an address to a connection that the server has accepted.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use super::io::{Socket, Step, Wire};
use crate::client::builder::{Config, Server};
use crate::client::{ConnectError, Credentials, Will};
use crate::packet::{ConnAckRef, Connect, LastWill, PacketRef, Property, encode};
use crate::session::{Link, ProtocolError};
use crate::wire::{Framing, frame_len};
use crate::{DecodeError, PacketType, QoS, ReasonCode, Version};

/// A connection that the server has accepted.
pub(super) struct Connection {
    pub(super) wire: Wire,
    pub(super) link: Link,
    pub(super) terms: Terms,
    /// The client id that the server made up.
    pub(super) assigned_id: Option<String>,
}

/// What the server does and does not offer (MQTT 5.0 §3.2.2.3).
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) version: Version,
    pub(super) maximum_qos: QoS,
    pub(super) retain_available: bool,
    pub(super) subscription_ids: bool,
    /// The largest packet that the server accepts.
    pub(super) max_packet: u32,
}

/// Makes one attempt, within the connect timeout.
pub(super) async fn connect(
    config: Arc<Config>,
    server: Arc<Server>,
    client_id: String,
    clean: bool,
) -> Result<Connection, ConnectError> {
    let attempt = async {
        let socket = reach(&server).await.map_err(|source| ConnectError::Io {
            server: server.url.authority(),
            source,
        })?;
        let credentials = match &config.credentials {
            None => None,
            Some(provider) => {
                let credentials = provider.credentials().await;
                Some(credentials.map_err(ConnectError::Credentials)?)
            }
        };
        let who = Who {
            client_id: &client_id,
            credentials,
            clean,
        };
        greet(&config, &server, &who, Wire::new(socket)).await
    };
    match tokio::time::timeout(config.connect_timeout, attempt).await {
        Ok(result) => result,
        Err(_) => Err(ConnectError::Timeout {
            server: server.url.authority(),
        }),
    }
}

async fn reach(server: &Server) -> io::Result<Socket> {
    let socket = TcpStream::connect((server.url.host.as_str(), server.url.port)).await?;
    // Whole bursts are written at once, so there is nothing to gain from waiting.
    socket.set_nodelay(true)?;
    #[cfg(feature = "tls")]
    if let Some((connector, name)) = &server.tls {
        let tls = connector.connect(name.clone(), socket).await?;
        return Ok(Socket::Tls(Box::new(tls)));
    }
    Ok(Socket::Plain(socket))
}

/// What this attempt says of the client.
struct Who<'a> {
    client_id: &'a str,
    credentials: Option<Credentials>,
    /// The server shall forget the session that it may have.
    clean: bool,
}

/// CONNECT and CONNACK.
async fn greet(
    config: &Config,
    server: &Server,
    who: &Who<'_>,
    mut wire: Wire,
) -> Result<Connection, ConnectError> {
    write_connect(config, who, &mut wire)?;
    let io = |source| ConnectError::Io {
        server: server.url.authority(),
        source,
    };
    loop {
        // What begins in another way is no answer, however long it is going to be.
        if let Some(&first) = wire.input.first() {
            match PacketType::of(first) {
                Some(PacketType::ConnAck) => {}
                Some(other) => return Err(ProtocolError::Unexpected(other).into()),
                None => return Err(DecodeError::PacketType(0).into()),
            }
        }
        if let Framing::Frame { header, body } = frame_len(&wire.input, config.limits.max_packet)? {
            let frame = wire.input.split_to(header + body);
            let packet = PacketRef::decode(config.version, &frame)?;
            let PacketRef::ConnAck(connack) = packet else {
                return Err(ProtocolError::Unexpected(packet.packet_type()).into());
            };
            return accept(config, &connack, who.clean, wire);
        }
        while let Step::Written = wire.step(true).await.map_err(io)? {}
    }
}

fn write_connect(config: &Config, who: &Who<'_>, wire: &mut Wire) -> Result<(), ConnectError> {
    let credentials = who.credentials.as_ref();
    let will_properties = config.will.as_ref().map_or_else(Vec::new, will_properties);
    let mut properties = vec![
        Property::ReceiveMaximum(config.limits.receive_maximum),
        Property::MaximumPacketSize(config.limits.max_packet.max(1)),
        Property::TopicAliasMaximum(config.limits.topic_alias),
    ];
    if config.session.expiry.is_some() {
        let secs = config.session.expiry_secs();
        properties.push(Property::SessionExpiryInterval(secs));
    }
    let connect = Connect {
        clean_start: who.clean,
        keep_alive: secs_up(config.keep_alive),
        properties: &properties,
        client_id: who.client_id,
        will: config.will.as_ref().map(|will| LastWill {
            topic: &will.topic,
            payload: &will.payload,
            qos: will.qos,
            retain: will.retain,
            properties: &will_properties,
        }),
        username: credentials.map(|credentials| credentials.username.as_str()),
        password: credentials.and_then(|credentials| credentials.password.as_deref()),
    };
    encode(&connect, config.version, &mut wire.out)?;
    Ok(())
}

/// The properties of a will, as far as they differ from what holds without them.
pub(super) fn will_properties(will: &Will) -> Vec<Property<'_>> {
    let mut properties = Vec::new();
    if !will.delay.is_zero() {
        let secs = u32::try_from(will.delay.as_secs()).unwrap_or(u32::MAX);
        properties.push(Property::WillDelayInterval(secs));
    }
    if let Some(content_type) = &will.content_type {
        properties.push(Property::ContentType(content_type));
    }
    properties
}

/// Reads off CONNACK what holds on this connection.
fn accept(
    config: &Config,
    connack: &ConnAckRef<'_>,
    clean: bool,
    wire: Wire,
) -> Result<Connection, ConnectError> {
    let reason = connack.reason();
    if reason != ReasonCode::SUCCESS {
        let reason_string = connack.properties().reason_string().map(str::to_owned);
        return Err(ConnectError::Refused {
            reason,
            reason_string,
        });
    }
    if clean && connack.session_present() {
        // [MQTT-3.2.2-2]: the server cannot have what we told it to forget.
        return Err(ProtocolError::Unexpected(PacketType::ConnAck).into());
    }
    let mut link = Link::new(config.version);
    link.session_present = connack.session_present();
    if config.version == Version::V3_1_1 {
        link.send_maximum = UNTOLD_MAXIMUM;
    }
    link.keep_alive = Duration::from_secs(secs_up(config.keep_alive).into());
    link.receive_maximum = config.limits.receive_maximum;
    link.max_packet = config.limits.max_packet;
    link.topic_alias_maximum = config.limits.topic_alias;
    let mut terms = Terms {
        version: config.version,
        maximum_qos: QoS::ExactlyOnce,
        retain_available: true,
        subscription_ids: config.version == Version::V5,
        max_packet: u32::MAX,
    };
    let mut assigned_id = None;
    for property in connack.properties().iter() {
        match property {
            Property::ReceiveMaximum(maximum) => link.send_maximum = maximum,
            Property::ServerKeepAlive(secs) => link.keep_alive = Duration::from_secs(secs.into()),
            Property::MaximumPacketSize(size) => terms.max_packet = size,
            Property::MaximumQoS(level) => {
                terms.maximum_qos = QoS::from_u8(level).unwrap_or_default();
            }
            Property::RetainAvailable(is) => terms.retain_available = is,
            Property::SubscriptionIdentifierAvailable(is) => terms.subscription_ids = is,
            Property::AssignedClientIdentifier(id) => assigned_id = Some(id.to_owned()),
            _ => {}
        }
    }
    link.peer_max_packet = terms.max_packet;
    Ok(Connection {
        wire,
        link,
        terms,
        assigned_id,
    })
}

/// How many messages are in flight to a 3.1.1 server, which cannot say how many it takes. Brokers
/// close the connection of a client that sends more (mosquitto: `max_inflight_messages`, 20).
const UNTOLD_MAXIMUM: u16 = 20;

fn secs_up(time: Duration) -> u16 {
    let secs = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    u16::try_from(secs).unwrap_or(u16::MAX)
}
