//! Placeholders: levels of a topic that depend on who asks.

use std::fmt;
use std::sync::Arc;

use crate::identity::{Field, Principal};

/// A value of the client that a policy puts into a topic: `${client_id}`, `${cert.cn}` ..
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Placeholder {
    /// `${client_id}`: the client id of the connection.
    ClientId,
    /// `${username}`: the verified user name.
    Username,
    /// `${cert.cn}`: the common name of the client certificate.
    CertCn,
    /// `${cert.ou}`: the organizational unit of the client certificate.
    CertOu,
    /// `${cert.san.uri}`: the URI among the names of the client certificate.
    CertSanUri,
    /// `${cert.san.dns}`: the DNS name among the names of the client certificate.
    CertSanDns,
    /// `${attr.x}`: the attribute x of the principal or of its binding.
    Attribute(Box<str>),
}

/// The place of a placeholder in the list of its policy.
pub(crate) type VarId = u16;

/// The values of one session, by [`VarId`]; only those that its roles use.
pub(crate) type Values = Box<[Option<Arc<str>>]>;

impl Placeholder {
    /// What a message says about an unknown placeholder.
    #[cfg(feature = "toml")]
    pub(crate) const REMEDY: &'static str = "use ${client_id}, ${username}, ${cert.cn}, \
        ${cert.ou}, ${cert.san.uri}, ${cert.san.dns} or ${attr.NAME}";

    /// Reads what stands between `${` and `}`.
    #[cfg(feature = "toml")]
    pub(crate) fn read(name: &str) -> Option<Self> {
        Some(match name {
            "client_id" => Self::ClientId,
            "username" => Self::Username,
            "cert.cn" => Self::CertCn,
            "cert.ou" => Self::CertOu,
            "cert.san.uri" => Self::CertSanUri,
            "cert.san.dns" => Self::CertSanDns,
            _ => match name.strip_prefix("attr.")? {
                "" => return None,
                attribute => Self::Attribute(attribute.into()),
            },
        })
    }

    /// The value for a client; `attribute` looks up `${attr.x}`.
    pub(crate) fn value<'a>(
        &self,
        principal: &'a Principal,
        client_id: &'a str,
        attribute: impl Fn(&str) -> Option<&'a str>,
    ) -> Option<&'a str> {
        match self {
            Self::ClientId => Some(client_id),
            Self::Username => principal.field(Field::Username),
            Self::CertCn => principal.field(Field::CertCn),
            Self::CertOu => principal.field(Field::CertOu),
            Self::CertSanUri => principal.field(Field::CertSanUri),
            Self::CertSanDns => principal.field(Field::CertSanDns),
            Self::Attribute(name) => attribute(name),
        }
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::ClientId => "client_id",
            Self::Username => "username",
            Self::CertCn => "cert.cn",
            Self::CertOu => "cert.ou",
            Self::CertSanUri => "cert.san.uri",
            Self::CertSanDns => "cert.san.dns",
            Self::Attribute(name) => return write!(f, "${{attr.{name}}}"),
        };
        write!(f, "${{{name}}}")
    }
}
