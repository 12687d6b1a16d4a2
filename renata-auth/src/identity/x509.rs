//! A principal from a client certificate.
//!
//! The certificate comes from a finished TLS handshake: its chain, its dates and its key have been
//! verified there. What is left here is to say who it names.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::attr::AttributeValue;
use x509_cert::der::asn1::{Ia5StringRef, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{Decode, Tag, Tagged};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectAltName};
use x509_cert::name::Name;

use super::gate::{ValueProblem, check_client_id, check_value};
use super::principal::{Field, IdentityError, Origin, Principal};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANIZATIONAL_UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// Which field of a certificate names its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Extractor {
    /// The URI among the subject alternative names.
    SanUri,
    /// The DNS name among the subject alternative names.
    SanDns,
    /// The subject's common name.
    CommonName,
    /// The subject's organizational unit.
    OrganizationalUnit,
    /// The serial number.
    Serial,
    /// SHA-256 over the certificate.
    Fingerprint,
}

impl Extractor {
    /// URI name, DNS name, common name: the order in which modern certificates answer.
    pub const DEFAULT: [Self; 3] = [Self::SanUri, Self::SanDns, Self::CommonName];

    fn field(self) -> Field {
        match self {
            Self::SanUri => Field::CertSanUri,
            Self::SanDns => Field::CertSanDns,
            Self::CommonName => Field::CertCn,
            Self::OrganizationalUnit => Field::CertOu,
            Self::Serial => Field::CertSerial,
            Self::Fingerprint => Field::CertFingerprint,
        }
    }
}

impl Principal {
    /// The owner of a verified client certificate, given as DER.
    ///
    /// The first extractor whose field is in the certificate decides. Every field passes the gate,
    /// whether it names the owner or not.
    ///
    /// # Errors
    /// Bytes that are no certificate, no `clientAuth` in the extended key usage, a wildcard name, a
    /// value that does not pass the gate, no field of the list, or two values in the one that
    /// decides.
    pub fn from_certificate(der: &[u8], extractors: &[Extractor]) -> Result<Self, IdentityError> {
        let certificate = Certificate::from_der(der).map_err(|_| IdentityError::Malformed)?;
        require_client_auth(&certificate)?;
        let found = Found::in_certificate(&certificate, der)?;
        for extractor in extractors {
            let field = extractor.field();
            match found.of(field) {
                [] => {}
                [id] => {
                    let refuse = |problem| IdentityError::Value { field, problem };
                    check_client_id(id).map_err(refuse)?;
                    let id = id.clone();
                    return Ok(Self::build(id, Origin::Certificate, found.unambiguous()));
                }
                _ => return Err(IdentityError::Ambiguous { field }),
            }
        }
        Err(IdentityError::NoIdentity)
    }
}

/// Every value of every field.
#[derive(Default)]
struct Found(BTreeMap<Field, Vec<String>>);

impl Found {
    fn in_certificate(certificate: &Certificate, der: &[u8]) -> Result<Self, IdentityError> {
        let mut found = Self::default();
        let body = certificate.tbs_certificate();
        found.add_name(body.subject(), COMMON_NAME, Field::CertCn)?;
        found.add_name(body.subject(), ORGANIZATIONAL_UNIT, Field::CertOu)?;
        found.add_name(body.issuer(), COMMON_NAME, Field::CertIssuerCn)?;
        for name in alternative_names(certificate)? {
            match &name {
                GeneralName::UniformResourceIdentifier(uri) => {
                    found.add(Field::CertSanUri, uri.as_str().to_owned())?;
                }
                GeneralName::DnsName(dns) => {
                    if dns.as_str().contains('*') {
                        return Err(IdentityError::WildcardName);
                    }
                    found.add(Field::CertSanDns, dns.as_str().to_owned())?;
                }
                _ => {}
            }
        }
        let serial = hex(body.serial_number().as_bytes());
        let serial = serial.trim_start_matches('0');
        let serial = if serial.is_empty() { "0" } else { serial };
        found.add(Field::CertSerial, serial.to_owned())?;
        found.add(Field::CertFingerprint, hex(&Sha256::digest(der)))?;
        Ok(found)
    }

    fn add_name(
        &mut self,
        name: &Name,
        oid: ObjectIdentifier,
        field: Field,
    ) -> Result<(), IdentityError> {
        for part in name.iter().filter(|part| part.oid == oid) {
            let problem = ValueProblem::NotUtf8;
            let text = text(&part.value).ok_or(IdentityError::Value { field, problem })?;
            self.add(field, text.to_owned())?;
        }
        Ok(())
    }

    fn add(&mut self, field: Field, value: String) -> Result<(), IdentityError> {
        check_value(&value).map_err(|problem| IdentityError::Value { field, problem })?;
        self.0.entry(field).or_default().push(value);
        Ok(())
    }

    fn of(&self, field: Field) -> &[String] {
        self.0.get(&field).map_or(&[], Vec::as_slice)
    }

    fn unambiguous(self) -> BTreeMap<Field, String> {
        let single = |(field, values): (Field, Vec<String>)| {
            let [value] = <[String; 1]>::try_from(values).ok()?;
            Some((field, value))
        };
        self.0.into_iter().filter_map(single).collect()
    }
}

/// TLS libraries check the extended key usage only where it is present: here it must be.
fn require_client_auth(certificate: &Certificate) -> Result<(), IdentityError> {
    let usage: Option<ExtendedKeyUsage> = extension(certificate)?;
    if usage.is_some_and(|usage| usage.0.contains(&CLIENT_AUTH)) {
        return Ok(());
    }
    Err(IdentityError::NoClientAuth)
}

fn alternative_names(certificate: &Certificate) -> Result<Vec<GeneralName>, IdentityError> {
    let names: Option<SubjectAltName> = extension(certificate)?;
    Ok(names.map(|names| names.0).unwrap_or_default())
}

/// The one extension of this kind; a repeated one makes the certificate malformed (RFC 5280 §4.2).
fn extension<'a, T>(certificate: &'a Certificate) -> Result<Option<T>, IdentityError>
where
    T: Decode<'a> + AssociatedOid,
    T::Error: From<x509_cert::der::Error>,
{
    match certificate.tbs_certificate().get_extension() {
        Ok(found) => Ok(found.map(|(_, value)| value)),
        Err(_) => Err(IdentityError::Malformed),
    }
}

/// The string types of today. Teletex, BMP and universal strings are refused: their readings differ
/// from program to program, and an identity must not.
fn text(value: &AttributeValue) -> Option<&str> {
    match value.tag() {
        Tag::Utf8String => Utf8StringRef::try_from(value).ok().map(|s| s.as_str()),
        Tag::PrintableString => PrintableStringRef::try_from(value).ok().map(|s| s.as_str()),
        Tag::Ia5String => Ia5StringRef::try_from(value).ok().map(|s| s.as_str()),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
