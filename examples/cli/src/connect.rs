//! From options to a client.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use renata_mqtt::{
    Builder, Client, ConnectError, Credentials, QoS, Session, TlsConfig, TlsError, Version, Will,
};

use crate::exit::{Exit, Failure};

/// How to reach the broker.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectArgs {
    /// The broker: mqtt://host:port, or mqtts://host:port for TLS.
    #[arg(
        short,
        long,
        env = "RENATA_URL",
        default_value = "mqtt://127.0.0.1:1883"
    )]
    url: String,
    /// Client id; the broker makes one up when it is left out.
    #[arg(short = 'i', long, default_value = "", hide_default_value = true)]
    client_id: String,
    /// Version of the protocol.
    #[arg(long, value_enum, default_value = "5")]
    mqtt: Mqtt,
    /// User name.
    #[arg(long, env = "RENATA_USERNAME")]
    username: Option<String>,
    /// File with the password in its first line. The variable `RENATA_PASSWORD` is taken as well; an
    /// option would show the password to everybody on this machine.
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
    /// Certificate authorities to trust (PEM).
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Certificate chain to show (PEM).
    #[arg(long, value_name = "FILE", requires_all = ["key", "ca"])]
    cert: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Name to expect in the broker's certificate, if it is not the host.
    #[arg(long, value_name = "NAME", requires = "ca")]
    server_name: Option<String>,
    /// Accept a broker that knows TLS 1.2 only.
    #[arg(long, requires = "ca")]
    tls12: bool,
    /// Keep the session so long after the connection ends; needs a client id.
    #[arg(long, value_name = "SECONDS", requires = "client_id")]
    session_expiry: Option<u32>,
    /// Longest silence before a ping; 0 turns pings off.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    keep_alive: u16,
    /// Longest time for the first connection, and for the end of each message.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u32,
    /// Topic of the will, the message that the broker sends when this client is gone without a word.
    #[arg(long, value_name = "TOPIC")]
    will_topic: Option<String>,
    /// Payload of the will.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        requires = "will_topic"
    )]
    will_message: String,
    /// QoS of the will.
    #[arg(long, value_name = "QOS", value_parser = qos, default_value = "0", requires = "will_topic")]
    will_qos: QoS,
    /// The broker keeps the will for later subscribers.
    #[arg(long, requires = "will_topic")]
    will_retain: bool,
    /// The broker waits so long for this client to come back before it sends the will (MQTT 5).
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 0,
        requires = "will_topic"
    )]
    will_delay: u32,
}

/// The versions of MQTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mqtt {
    #[value(name = "3.1.1", alias = "311")]
    V3_1_1,
    #[value(name = "5", alias = "5.0")]
    V5,
}

impl ConnectArgs {
    /// Connects once; whether the connection is kept alive later is the client's business.
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        let attempt = self.builder()?.connect();
        match tokio::time::timeout(self.timeout(), attempt).await {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(error @ (ConnectError::Config(_) | ConnectError::Encode(_)))) => {
                Err(Failure::usage(error))
            }
            Ok(Err(error)) => Err(Failure::new(Exit::NoConnection, error)),
            Err(_) => {
                let text = format!("{} did not answer in time", self.url);
                Err(Failure::new(Exit::NoConnection, text))
            }
        }
    }

    /// How long to wait for anything.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }

    /// Whether properties can be sent.
    pub(crate) fn is_v5(&self) -> bool {
        self.mqtt == Mqtt::V5
    }

    fn builder(&self) -> Result<Builder, Failure> {
        let mut builder = Client::builder(self.url.clone())
            .version(match self.mqtt {
                Mqtt::V3_1_1 => Version::V3_1_1,
                Mqtt::V5 => Version::V5,
            })
            .client_id(self.client_id.clone())
            .keep_alive(Duration::from_secs(self.keep_alive.into()))
            .connect_timeout(self.timeout());
        if let Some(expiry) = self.session_expiry {
            builder = builder.session(Session::persistent(Duration::from_secs(expiry.into())));
        }
        if let Some(username) = &self.username {
            builder = builder.credentials(self.credentials(username)?);
        }
        if let Some(tls) = self.tls().map_err(Failure::usage)? {
            builder = builder.tls(tls);
        }
        if let Some(topic) = &self.will_topic {
            builder = builder.will(self.will(topic));
        }
        Ok(builder)
    }

    fn credentials(&self, username: &str) -> Result<Credentials, Failure> {
        if let Some(file) = &self.password_file {
            let text = std::fs::read_to_string(file)
                .map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
            let password = text.lines().next().unwrap_or_default().to_owned();
            return Ok(Credentials::password(username, password));
        }
        Ok(match std::env::var("RENATA_PASSWORD") {
            Ok(password) => Credentials::password(username, password),
            Err(_) => Credentials::username(username),
        })
    }

    fn tls(&self) -> Result<Option<TlsConfig>, TlsError> {
        let Some(ca) = &self.ca else {
            return Ok(None);
        };
        let mut tls = TlsConfig::ca_file(ca)?;
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            tls = tls.identity_files(cert, key)?;
        }
        if let Some(name) = &self.server_name {
            tls = tls.server_name(name.clone());
        }
        if self.tls12 {
            tls = tls.allow_tls12()?;
        }
        Ok(Some(tls))
    }

    fn will(&self, topic: &str) -> Will {
        let mut will = Will::new(topic, self.will_message.clone())
            .delay(Duration::from_secs(self.will_delay.into()));
        will = match self.will_qos {
            QoS::AtMostOnce => will,
            QoS::AtLeastOnce => will.qos1(),
            QoS::ExactlyOnce => will.qos2(),
        };
        if self.will_retain {
            will.retain()
        } else {
            will
        }
    }
}

/// Reads `0`, `1` or `2`.
pub(crate) fn qos(text: &str) -> Result<QoS, String> {
    let level = text.parse().ok();
    level
        .and_then(QoS::from_u8)
        .ok_or_else(|| "QoS is 0, 1 or 2".to_owned())
}
