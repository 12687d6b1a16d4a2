//! Checks brokers: uplinks and subscriptions.

use std::time::Duration;

use renata_topics::TopicFilterBuf;
use toml::Spanned;

use super::check::Checker;
use super::{LinkConfig, SubscriptionConfig, TlsConfig, UplinkConfig, raw};

type Text = Spanned<String>;

/// The keys that uplinks and subscriptions share.
struct Keys<'a> {
    name: &'a Text,
    url: &'a Text,
    client_id: Option<&'a Text>,
    ca: Option<&'a Text>,
    identity: [Option<&'a Text>; 2],
    login: [Option<&'a Text>; 2],
}

macro_rules! keys {
    ($raw:expr) => {
        Keys {
            name: &$raw.name,
            url: &$raw.url,
            client_id: $raw.client_id.as_ref(),
            ca: $raw.ca.as_ref(),
            identity: [$raw.cert.as_ref(), $raw.key.as_ref()],
            login: [$raw.username.as_ref(), $raw.password_file.as_ref()],
        }
    };
}

impl Checker<'_> {
    pub(super) fn uplink(
        &mut self,
        gateway: &str,
        uplink: &Spanned<raw::Uplink>,
    ) -> Option<UplinkConfig> {
        let uplink = uplink.get_ref();
        let link = self.link(gateway, &keys!(uplink));
        let in_flight = self.number(uplink.in_flight.as_ref(), 512, 1..=65_535)?;
        Some(UplinkConfig {
            link: link?,
            in_flight: usize::try_from(in_flight).unwrap_or(usize::MAX),
        })
    }

    pub(super) fn subscription(
        &mut self,
        gateway: &str,
        subscription: &Spanned<raw::Subscription>,
    ) -> Option<SubscriptionConfig> {
        let subscription = subscription.get_ref();
        let link = self.link(gateway, &keys!(subscription));
        let filters = self.filters(&subscription.filters);
        let week = 7 * 24 * 3_600;
        let expiry = self.number(
            subscription.session_expiry_s.as_ref(),
            week,
            60..=10 * 365 * 86_400,
        );
        let in_flight = self.number(subscription.in_flight.as_ref(), 1_000, 1..=65_535);
        Some(SubscriptionConfig {
            link: link?,
            filters: filters?,
            session_expiry: Duration::from_secs(expiry?),
            in_flight: u16::try_from(in_flight?).unwrap_or(u16::MAX),
        })
    }

    fn filters(&mut self, filters: &Spanned<Vec<Text>>) -> Option<Vec<TopicFilterBuf>> {
        if filters.get_ref().is_empty() {
            let remedy = "name one or more, such as \"renata/#\"";
            self.problems
                .add(Some(filters.span()), "there is no filter", remedy);
            return None;
        }
        let mut parsed = Vec::new();
        for filter in filters.get_ref() {
            match TopicFilterBuf::new(filter.get_ref()) {
                Ok(filter) => parsed.push(filter),
                Err(error) => {
                    let what = format!("filter {:?}: {error}", filter.get_ref());
                    let remedy = "write an MQTT topic filter such as \"renata/+/+/line-7/#\"";
                    self.problems.add(Some(filter.span()), what, remedy);
                }
            }
        }
        (parsed.len() == filters.get_ref().len()).then_some(parsed)
    }

    fn link(&mut self, gateway: &str, keys: &Keys<'_>) -> Option<LinkConfig> {
        let name = self.name(keys.name);
        let tls = self.tls(keys);
        let url_ok = self.url(keys);
        let login = match keys.login {
            [None, None] => Some(None),
            [Some(user), Some(file)] => {
                let path = self.path(file);
                if !path.is_file() {
                    let what = format!("there is no file {}", path.display());
                    let remedy = "name the file that holds the password";
                    self.problems.add(Some(file.span()), what, remedy);
                }
                Some(Some((user.get_ref().clone(), path)))
            }
            [Some(one), None] | [None, Some(one)] => {
                let what = "user name and password go together";
                let remedy = "write both username and password_file, or neither";
                self.problems.add(Some(one.span()), what, remedy);
                None
            }
        };
        let name = name?;
        let client_id = match keys.client_id {
            Some(id) => id.get_ref().clone(),
            None => format!("{gateway}-{name}"),
        };
        url_ok.then_some(LinkConfig {
            name: name.to_owned(),
            url: keys.url.get_ref().clone(),
            client_id,
            tls: tls?,
            login: login?,
        })
    }

    fn url(&mut self, keys: &Keys<'_>) -> bool {
        let url = keys.url.get_ref();
        let span = Some(keys.url.span());
        let remedy = "write mqtt://host:port or mqtts://host:port";
        let Some((scheme, rest)) = url.split_once("://") else {
            let what = format!("{url:?} has no scheme");
            self.problems.add(span, what, remedy);
            return false;
        };
        let mut good = true;
        match (scheme, keys.ca) {
            ("mqtts", None) => {
                let remedy = "add ca = \"ca.pem\"";
                self.problems.add(
                    span.clone(),
                    "mqtts without a certificate authority",
                    remedy,
                );
                good = false;
            }
            ("mqtt", Some(ca)) => {
                let what = "ca is set, but mqtt:// does not encrypt";
                self.problems
                    .add(Some(ca.span()), what, "write mqtts:// in url, or remove ca");
                good = false;
            }
            ("mqtt" | "mqtts", _) => {}
            _ => {
                self.problems
                    .add(span.clone(), format!("unknown scheme {scheme:?}"), remedy);
                good = false;
            }
        }
        if rest.is_empty() || rest.starts_with(':') || rest.contains(['@', ' ', '?', '#']) {
            self.problems
                .add(span, format!("{url:?} is not an address"), remedy);
            good = false;
        }
        good
    }

    fn tls(&mut self, keys: &Keys<'_>) -> Option<Option<TlsConfig>> {
        let identity = match keys.identity {
            [None, None] => None,
            [Some(cert), Some(key)] => Some((cert, key)),
            [Some(one), None] | [None, Some(one)] => {
                let what = "certificate and key go together";
                let remedy = "write both cert and key, or neither";
                self.problems.add(Some(one.span()), what, remedy);
                return None;
            }
        };
        let Some(ca) = keys.ca else {
            let Some((cert, _)) = identity else {
                return Some(None);
            };
            let what = "cert and key without ca";
            self.problems
                .add(Some(cert.span()), what, "add ca = \"ca.pem\"");
            return None;
        };
        let mut exist = true;
        let files = [Some(ca), identity.map(|i| i.0), identity.map(|i| i.1)];
        for file in files.into_iter().flatten() {
            let path = self.path(file);
            if !path.is_file() {
                let what = format!("there is no file {}", path.display());
                let remedy = "name a PEM file, relative to the folder of this file";
                self.problems.add(Some(file.span()), what, remedy);
                exist = false;
            }
        }
        if !exist {
            return None;
        }
        let tls = TlsConfig {
            ca: self.path(ca),
            identity: identity.map(|(cert, key)| (self.path(cert), self.path(key))),
        };
        match tls.load() {
            Ok(_) => Some(Some(tls)),
            Err(error) => {
                let remedy = "name PEM files: certificates in ca and cert, the private key in key";
                self.problems
                    .add(Some(ca.span()), error.to_string(), remedy);
                None
            }
        }
    }
}
