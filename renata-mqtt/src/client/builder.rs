//! From settings to a connected client.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::credentials::CredentialsProvider;
use super::driver::Driver;
use super::inbox::Inbox;
use super::shared::Shared;
use super::url::Url;
use super::{Backoff, Client, ConfigError, ConnectError, Limits, Offline, Session, Will};
use crate::Version;

/// Settings of a [`Client`]; everything but the address has a default.
#[must_use = "a builder does nothing before connect() or start()"]
pub struct Builder {
    url: String,
    config: Config,
    #[cfg(feature = "tls")]
    tls: Option<super::TlsConfig>,
}

/// What the driver works from.
pub(super) struct Config {
    pub(super) version: Version,
    pub(super) client_id: String,
    pub(super) session: Session,
    pub(super) credentials: Option<Box<dyn CredentialsProvider>>,
    pub(super) backoff: Backoff,
    pub(super) offline: Offline,
    pub(super) limits: Limits,
    pub(super) will: Option<Will>,
    pub(super) keep_alive: Duration,
    pub(super) connect_timeout: Duration,
}

/// Where the driver connects to.
pub(super) struct Server {
    pub(super) url: Url,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<(
        tokio_rustls::TlsConnector,
        tokio_rustls::rustls::pki_types::ServerName<'static>,
    )>,
}

impl Builder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            config: Config {
                version: Version::V5,
                client_id: String::new(),
                session: Session::clean(),
                credentials: None,
                backoff: Backoff::default(),
                offline: Offline::new(),
                limits: Limits::default(),
                will: None,
                keep_alive: Duration::from_secs(60),
                connect_timeout: Duration::from_secs(10),
            },
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// The version to speak. Default: 5.0.
    pub fn version(mut self, version: Version) -> Self {
        self.config.version = version;
        self
    }

    /// Who this is to the server. Default: empty, the server makes one up.
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.config.client_id = id.into();
        self
    }

    /// Whether the server keeps a session between connections. Default: [`Session::clean`].
    pub fn session(mut self, session: Session) -> Self {
        self.config.session = session;
        self
    }

    /// Username and password, or a provider that is asked before each connect. Default: none.
    pub fn credentials(mut self, provider: impl CredentialsProvider) -> Self {
        self.config.credentials = Some(Box::new(provider));
        self
    }

    /// How long to wait between attempts to connect. Default: [`Backoff::default`].
    pub fn reconnect(mut self, backoff: Backoff) -> Self {
        self.config.backoff = backoff;
        self
    }

    /// How much may wait, and what happens when it is too much. Default: [`Offline::new`].
    pub fn offline(mut self, offline: Offline) -> Self {
        self.config.offline = offline;
        self
    }

    /// What is taken from the server. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self.config.limits.receive_maximum = limits.receive_maximum.max(1);
        self
    }

    /// The message that the server sends when this client vanishes. Default: none.
    pub fn will(mut self, will: Will) -> Self {
        self.config.will = Some(will);
        self
    }

    /// The longest silence before the connection is tested; rounded up to whole seconds, zero
    /// turns it off. A 5.0 server may choose another one. Default: 60 s.
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.config.keep_alive = interval;
        self
    }

    /// How long one attempt to connect may take, from the name lookup to CONNACK. Default: 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.config.connect_timeout = timeout;
        self
    }

    /// Whom to trust and what to show; needed for, and only with, `mqtts://`.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: super::TlsConfig) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Connects, and gives the client once the server has accepted it. From then on it reconnects
    /// by itself.
    ///
    /// Cancel-safe: dropped before it is ready, there is no client.
    ///
    /// # Errors
    /// The settings cannot work, or the first attempt failed.
    ///
    /// # Panics
    /// Outside of a tokio runtime with time and IO enabled.
    pub async fn connect(self) -> Result<Client, ConnectError> {
        let (told, first) = oneshot::channel();
        let client = self.spawn(Some(told))?;
        match first.await {
            Ok(Ok(())) => Ok(client),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(ConnectError::Closed),
        }
    }

    /// Gives the client at once and connects in the background, for as long as it takes;
    /// [`Client::status`] tells how it goes.
    ///
    /// # Errors
    /// The settings cannot work.
    ///
    /// # Panics
    /// Outside of a tokio runtime with time and IO enabled.
    pub fn start(self) -> Result<Client, ConfigError> {
        self.spawn(None)
    }

    fn spawn(
        self,
        first: Option<oneshot::Sender<Result<(), ConnectError>>>,
    ) -> Result<Client, ConfigError> {
        let server = self.server()?;
        let config = self.config;
        if config.session.expiry.is_some() && config.client_id.is_empty() {
            return Err(ConfigError::ClientIdMissing);
        }
        if let Some(will) = &config.will {
            will.check()?;
        }
        let shared = Shared::new(config.offline);
        // Small: a caller that finds it full waits, and the driver empties it at once.
        let (commands, inbox) = mpsc::channel(16);
        let unclaimed = Arc::new(Inbox::new(UNCLAIMED_BUFFER));
        let client = Client::new(Arc::clone(&shared), commands, Arc::clone(&unclaimed));
        let driver = Driver::new(config, server, shared, inbox, unclaimed, first);
        tokio::spawn(driver.run());
        Ok(client)
    }

    #[cfg(feature = "tls")]
    fn server(&self) -> Result<Server, ConfigError> {
        let url = Url::parse(&self.url)?;
        let tls = match (&self.tls, url.tls) {
            (None, false) => None,
            (None, true) => return Err(ConfigError::TlsMissing),
            (Some(_), false) => return Err(ConfigError::TlsUnused),
            (Some(tls), true) => {
                let (config, name) = tls.prepare(&url.host)?;
                Some((config.into(), name))
            }
        };
        Ok(Server { url, tls })
    }

    #[cfg(not(feature = "tls"))]
    fn server(&self) -> Result<Server, ConfigError> {
        let url = Url::parse(&self.url)?;
        if url.tls {
            return Err(ConfigError::TlsMissing);
        }
        Ok(Server { url })
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("url", &self.url)
            .field("client_id", &self.config.client_id)
            .field("session", &self.config.session)
            .finish_non_exhaustive()
    }
}

/// How many unclaimed messages of QoS 0 are kept.
const UNCLAIMED_BUFFER: usize = 256;
