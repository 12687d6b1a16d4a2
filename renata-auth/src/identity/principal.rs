//! A principal: what is known about a client once it has proved who it is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::gate::{ValueProblem, check_client_id, check_value};

/// What is known about a client once it has proved who it is: one id and attributes.
///
/// Built only from values that passed the gate: UTF-8, 1 to 256 bytes, no control characters. A
/// clone is one reference count.
///
/// ```
/// use renata_auth::{Origin, Principal};
/// let principal = Principal::from_username("operator")?;
/// assert_eq!(principal.id(), "operator");
/// assert_eq!(principal.origin(), Origin::Username);
/// assert_eq!(principal.to_string(), "user:operator");
/// assert!(Principal::from_username("a\nb").is_err());
/// # Ok::<(), renata_auth::IdentityError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal(Arc<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    id: String,
    origin: Origin,
    fields: BTreeMap<Field, String>,
    attributes: BTreeMap<String, String>,
}

/// How a client proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// By a client certificate.
    Certificate,
    /// By a user name and a password that the server verified.
    Username,
    /// Not at all.
    Anonymous,
}

/// A named value of a principal. A field that a certificate holds twice counts as absent: whoever
/// needs it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Field {
    /// The verified user name.
    Username,
    /// The common name of the certificate's subject.
    CertCn,
    /// The organizational unit of the certificate's subject.
    CertOu,
    /// The URI among the subject alternative names.
    CertSanUri,
    /// The DNS name among the subject alternative names.
    CertSanDns,
    /// The serial number, lower-case hexadecimal without leading zeros.
    CertSerial,
    /// SHA-256 over the certificate's DER, lower-case hexadecimal.
    CertFingerprint,
    /// The common name of the certificate's issuer.
    CertIssuerCn,
}

/// Why somebody is nobody to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The bytes are no X.509 certificate, or one that repeats an extension.
    #[error("the certificate cannot be read")]
    Malformed,
    /// Extended key usage does not name client authentication. Absent is not enough.
    #[error("the certificate is not made for client authentication (extended key usage)")]
    NoClientAuth,
    /// A subject alternative name with `*`.
    #[error("the certificate holds a wildcard among its names")]
    WildcardName,
    /// None of the configured fields is there.
    #[error("the certificate holds none of the fields that would name its owner")]
    NoIdentity,
    /// The field that would name the client is there twice.
    #[error("the certificate holds more than one {field}")]
    Ambiguous {
        /// The field.
        field: Field,
    },
    /// A value did not pass the gate.
    #[error("{field} {problem}")]
    Value {
        /// The field.
        field: Field,
        /// What is wrong with it.
        problem: ValueProblem,
    },
}

impl Principal {
    /// The principal that proved nothing.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::build("anonymous".to_owned(), Origin::Anonymous, BTreeMap::new())
    }

    /// A principal whose password the caller has verified.
    ///
    /// # Errors
    /// [`IdentityError::Value`]: empty, over 256 bytes, control characters, `+`, `#`, leading `$`.
    pub fn from_username(username: &str) -> Result<Self, IdentityError> {
        let field = Field::Username;
        check_client_id(username).map_err(|problem| IdentityError::Value { field, problem })?;
        let fields = BTreeMap::from([(field, username.to_owned())]);
        Ok(Self::build(username.to_owned(), Origin::Username, fields))
    }

    pub(crate) fn build(id: String, origin: Origin, fields: BTreeMap<Field, String>) -> Self {
        let attributes = BTreeMap::new();
        Self(Arc::new(Inner {
            id,
            origin,
            fields,
            attributes,
        }))
    }

    /// The same principal with one more attribute, which `${attr.name}` in a policy stands for.
    ///
    /// # Errors
    /// What the gate says about the value.
    pub fn with_attribute(mut self, name: &str, value: &str) -> Result<Self, ValueProblem> {
        check_value(value)?;
        let inner = Arc::make_mut(&mut self.0);
        inner.attributes.insert(name.to_owned(), value.to_owned());
        Ok(self)
    }

    /// The id, unique among principals of the same origin.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// How the client proved who it is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.0.origin
    }

    /// A field, if it is there exactly once.
    #[must_use]
    pub fn field(&self, field: Field) -> Option<&str> {
        self.0.fields.get(&field).map(String::as_str)
    }

    /// An attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.0.attributes.get(name).map(String::as_str)
    }

    /// Whether both are the same client, whatever else is known about them: a renewed certificate
    /// has another serial number and still the same owner.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.origin(), self.id()) == (other.origin(), other.id())
    }
}

/// `cert:plc-3`, `user:operator` or `anonymous`: unique among all principals.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin() {
            Origin::Certificate => write!(f, "cert:{}", self.id()),
            Origin::Username => write!(f, "user:{}", self.id()),
            Origin::Anonymous => f.write_str("anonymous"),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Username => "user name",
            Self::CertCn => "common name",
            Self::CertOu => "organizational unit",
            Self::CertSanUri => "URI name",
            Self::CertSanDns => "DNS name",
            Self::CertSerial => "serial number",
            Self::CertFingerprint => "fingerprint",
            Self::CertIssuerCn => "common name of the issuer",
        })
    }
}
