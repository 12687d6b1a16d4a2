//! Where the server is: `mqtt://host:port` or `mqtts://host:port`.

use super::ConfigError;

/// A parsed server address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) tls: bool,
    /// A name or an address, without the brackets of an IPv6 one.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Url {
    /// `host:port`, for people.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        let bad = |why| ConfigError::Url {
            url: text.to_owned(),
            why,
        };
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| bad("there is no scheme: write mqtt:// or mqtts://"))?;
        let (tls, default_port) = match scheme {
            "mqtt" => (false, 1883),
            "mqtts" => (true, 8883),
            _ => return Err(bad("the scheme is neither mqtt nor mqtts")),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains('@') {
            return Err(bad(
                "credentials go into credentials(..), not into the address",
            ));
        }
        if authority.contains(['/', '?', '#']) {
            return Err(bad("there is something behind host:port"));
        }
        let (host, port) = if let Some(v6) = authority.strip_prefix('[') {
            let (host, rest) = v6
                .split_once(']')
                .ok_or_else(|| bad("the bracket is not closed"))?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return Err(bad("there is something between bracket and port")),
            }
        } else {
            match authority.split_once(':') {
                Some((_, port)) if port.contains(':') => {
                    return Err(bad("an IPv6 address stands in brackets"));
                }
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            }
        };
        if host.is_empty() {
            return Err(bad("there is no host"));
        }
        let port = match port {
            None => default_port,
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| bad("the port is not a number from 1 to 65535"))?,
        };
        Ok(Self {
            tls,
            host: host.to_owned(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_ports_and_their_defaults() {
        for (text, tls, host, port) in [
            ("mqtt://broker.plant", false, "broker.plant", 1883),
            ("mqtts://broker.plant", true, "broker.plant", 8883),
            ("mqtt://127.0.0.1:18830/", false, "127.0.0.1", 18830),
            ("mqtts://[::1]:1", true, "::1", 1),
            ("mqtts://[fe80::1]", true, "fe80::1", 8883),
        ] {
            let url = Url::parse(text).expect(text);
            assert_eq!((url.tls, url.host.as_str(), url.port), (tls, host, port));
        }
    }

    #[test]
    fn a_bad_address_says_what_is_wrong_with_it() {
        for (text, why) in [
            ("broker:1883", "no scheme"),
            ("http://broker", "neither mqtt nor mqtts"),
            ("mqtt://", "no host"),
            ("mqtt://:1883", "no host"),
            ("mqtt://broker:0", "port"),
            ("mqtt://broker:70000", "port"),
            ("mqtt://::1:1883", "brackets"),
            ("mqtt://[::1:1883", "bracket"),
            ("mqtt://[::1]x", "between bracket"),
            ("mqtt://user:secret@broker", "credentials"),
            ("mqtt://broker/path", "behind host:port"),
        ] {
            let error = Url::parse(text).expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
