use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// Where to listen, as `scheme://host:port`; port 0 takes a free one.
///
/// ```
/// use renata_broker::config::{ListenUrl, Scheme};
///
/// let url: ListenUrl = "mqtt://127.0.0.1:0".parse().unwrap();
/// assert_eq!(url.scheme, Scheme::Mqtt);
/// assert!("ws://127.0.0.1:0".parse::<ListenUrl>().is_err(), "WebSocket is not built yet");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenUrl {
    /// What is spoken there.
    pub scheme: Scheme,
    /// Host name or address, IPv6 in brackets.
    pub host: String,
    /// TCP port; 0 lets the kernel choose.
    pub port: u16,
}

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// MQTT over TCP.
    Mqtt,
    /// MQTT over TLS over TCP.
    Mqtts,
}

impl Scheme {
    /// The scheme as it stands in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Mqtts => "mqtts",
        }
    }
}

/// Why a text is not an address to listen on; says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListenUrlError {
    /// No `scheme://` in front.
    #[error("no scheme; write mqtt://HOST:PORT or mqtts://HOST:PORT")]
    NoScheme,
    /// A scheme that this broker will speak one day.
    #[error("{0}:// listeners are not built into this version; use mqtt:// or mqtts://")]
    NotBuilt(String),
    /// A scheme that no MQTT broker speaks.
    #[error("unknown scheme {0:?}; use mqtt:// or mqtts://")]
    UnknownScheme(String),
    /// The part behind the scheme is not `host:port`.
    #[error("no port; write {0}://HOST:PORT, port 0 takes a free one")]
    NoPort(&'static str),
}

impl ListenUrl {
    /// The first address that the host resolves to.
    ///
    /// # Errors
    /// When the name does not resolve.
    pub fn resolve(&self) -> std::io::Result<SocketAddr> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        (host, self.port).to_socket_addrs()?.next().ok_or_else(|| {
            std::io::Error::new(
                std::io::ErrorKind::NotFound,
                "the host name has no address; use an IP address",
            )
        })
    }
}

impl FromStr for ListenUrl {
    type Err = ListenUrlError;

    fn from_str(text: &str) -> Result<Self, ListenUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(ListenUrlError::NoScheme)?;
        let scheme = match scheme {
            "mqtt" | "tcp" => Scheme::Mqtt,
            "mqtts" | "ssl" => Scheme::Mqtts,
            "ws" | "wss" => return Err(ListenUrlError::NotBuilt(scheme.to_owned())),
            other => return Err(ListenUrlError::UnknownScheme(other.to_owned())),
        };
        let no_port = || ListenUrlError::NoPort(scheme.as_str());
        let (host, port) = rest.rsplit_once(':').ok_or_else(no_port)?;
        let port = port.parse().map_err(|_| no_port())?;
        if host.is_empty() || host.contains('/') {
            return Err(no_port());
        }
        Ok(Self {
            scheme,
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for ListenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme.as_str(), self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in [
            "mqtt://127.0.0.1:1883",
            "mqtts://0.0.0.0:0",
            "mqtt://[::1]:1883",
        ] {
            let url: ListenUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), text);
            url.resolve().unwrap();
        }
    }

    #[test]
    fn what_is_not_served_is_refused_with_the_remedy() {
        for (text, remedy) in [
            ("127.0.0.1:1883", "mqtt://HOST:PORT"),
            ("ws://127.0.0.1:80", "not built"),
            ("http://127.0.0.1:80", "unknown scheme"),
            ("mqtt://127.0.0.1", "no port"),
            ("mqtt://:1883", "no port"),
            ("mqtt://host:70000", "no port"),
        ] {
            let error = text.parse::<ListenUrl>().unwrap_err().to_string();
            assert!(error.contains(remedy), "{text}: {error}");
        }
    }
}
