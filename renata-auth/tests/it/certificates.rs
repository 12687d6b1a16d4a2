//! Principals from certificates that rcgen makes.

use std::sync::Arc;

use rcgen::{
    CertificateParams, CustomExtension, DnType, DnValue, ExtendedKeyUsagePurpose, KeyPair, SanType,
    SerialNumber,
};
use renata_auth::{Extractor, Field, IdentityError, Origin, Policy, Principal, ValueProblem};

use crate::model::t;

fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn named(cn: &str) -> CertificateParams {
    let mut params = params();
    params.distinguished_name.push(DnType::CommonName, cn);
    params
}

fn der(params: &CertificateParams) -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().to_vec()
}

fn principal(params: &CertificateParams) -> Result<Principal, IdentityError> {
    Principal::from_certificate(&der(params), &Extractor::DEFAULT)
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

fn dns(text: &str) -> SanType {
    SanType::DnsName(text.try_into().unwrap())
}

#[test]
fn the_first_field_of_the_list_that_is_there_names_the_owner() {
    let mut params = named("plc-3");
    params
        .distinguished_name
        .push(DnType::OrganizationalUnitName, "hall 2");
    params.serial_number = Some(SerialNumber::from(vec![0x0a, 0xbc]));
    let by_cn = principal(&params).unwrap();
    assert_eq!((by_cn.id(), by_cn.origin()), ("plc-3", Origin::Certificate));
    assert_eq!(by_cn.to_string(), "cert:plc-3");
    assert_eq!(by_cn.field(Field::CertOu), Some("hall 2"));
    assert_eq!(by_cn.field(Field::CertSerial), Some("abc"));
    assert_eq!(by_cn.field(Field::CertIssuerCn), Some("plc-3"));
    assert_eq!(by_cn.field(Field::CertFingerprint).map(str::len), Some(64));

    params.subject_alt_names.push(dns("plc-3.plant"));
    assert_eq!(principal(&params).unwrap().id(), "plc-3.plant");
    params.subject_alt_names.push(uri("urn:renata:plc-3"));
    assert_eq!(principal(&params).unwrap().id(), "urn:renata:plc-3");

    let der = der(&params);
    let by = |extractor| Principal::from_certificate(&der, &[extractor]).unwrap();
    assert_eq!(by(Extractor::OrganizationalUnit).id(), "hall 2");
    assert_eq!(by(Extractor::Serial).id(), "abc");
    let fingerprint = by(Extractor::Fingerprint);
    assert_eq!(
        Some(fingerprint.id()),
        fingerprint.field(Field::CertFingerprint)
    );
}

#[test]
fn no_field_or_two_are_nobody() {
    assert_eq!(principal(&params()), Err(IdentityError::NoIdentity));
    let mut two = named("plc-3");
    two.subject_alt_names = vec![dns("a.plant"), dns("b.plant")];
    let field = Field::CertSanDns;
    assert_eq!(principal(&two), Err(IdentityError::Ambiguous { field }));
    let by_cn = Principal::from_certificate(&der(&two), &[Extractor::CommonName]).unwrap();
    assert_eq!(by_cn.id(), "plc-3");
    assert_eq!(by_cn.field(Field::CertSanDns), None, "two are none");
}

#[test]
fn client_authentication_must_be_named() {
    let mut params = named("plc-3");
    for usage in [
        vec![],
        vec![ExtendedKeyUsagePurpose::ServerAuth],
        vec![ExtendedKeyUsagePurpose::Any],
    ] {
        params.extended_key_usages = usage;
        assert_eq!(principal(&params), Err(IdentityError::NoClientAuth));
    }
}

#[test]
fn wildcard_names_are_refused() {
    let mut params = named("plc-3");
    params.subject_alt_names.push(dns("*.plant"));
    assert_eq!(principal(&params), Err(IdentityError::WildcardName));
}

#[test]
fn every_value_passes_the_gate() {
    let field = Field::CertCn;
    let refused = |problem| Err(IdentityError::Value { field, problem });
    for (cn, problem) in [
        ("+", ValueProblem::Wildcard),
        ("plc/#", ValueProblem::Wildcard),
        ("$SYS", ValueProblem::Dollar),
        ("plc\r\nadmin", ValueProblem::Control),
        ("plc\0admin", ValueProblem::Control),
        (&"x".repeat(257), ValueProblem::TooLong),
        ("", ValueProblem::Empty),
    ] {
        assert_eq!(principal(&named(cn)), refused(problem), "{cn:?}");
    }
    let mut old = params();
    let teletex = rcgen::string::TeletexString::try_from("plc-3").unwrap();
    old.distinguished_name
        .push(DnType::CommonName, DnValue::TeletexString(teletex));
    assert_eq!(principal(&old), refused(ValueProblem::NotUtf8));
}

#[test]
fn what_is_no_certificate_is_refused_and_nothing_panics() {
    let mut params = named("plc-3");
    params.subject_alt_names.push(uri("urn:renata:plc-3"));
    let good = der(&params);
    for cut in 0..good.len() {
        let found = Principal::from_certificate(&good[..cut], &Extractor::DEFAULT);
        assert_eq!(found, Err(IdentityError::Malformed));
    }
    for at in 0..good.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= flip;
            // Whatever it says: the signature is the handshake's business.
            let _ = Principal::from_certificate(&bad, &Extractor::DEFAULT);
        }
    }
}

#[test]
fn a_repeated_extension_is_refused() {
    let mut params = named("plc-3");
    params.subject_alt_names.push(uri("urn:renata:plc-3"));
    // Another subjectAltName: one URI, "urn:x".
    let second = vec![0x30, 0x07, 0x86, 0x05, b'u', b'r', b'n', b':', b'x'];
    let second = CustomExtension::from_oid_content(&[2, 5, 29, 17], second);
    params.custom_extensions.push(second);
    assert_eq!(principal(&params), Err(IdentityError::Malformed));
}

#[test]
fn certificates_bind_roles_and_fill_placeholders() {
    let policy = r#"
        [roles.device]
        rules = [
            { allow = ["connect"], client_ids = ["${cert.cn}"] },
            { allow = ["publish"], topics = ["renata/+/+/+/+/${cert.cn}/#"] },
        ]
        [[bindings]]
        certificate = { ou = "devices", san_uri = "urn:renata:*" }
        roles = ["device"]
    "#;
    let policy = Arc::new(Policy::from_toml(policy, "policy.toml").unwrap());
    let mut params = named("plc-3");
    params
        .distinguished_name
        .push(DnType::OrganizationalUnitName, "devices");
    params.subject_alt_names.push(uri("urn:renata:plc-3"));
    let rights = policy
        .session(&principal(&params).unwrap(), "plc-3")
        .unwrap();
    assert!(rights.may_connect());
    assert!(rights.may_publish(t("renata/biel/h/l/s7/plc-3/speed"), 1, false));
    assert!(!rights.may_publish(t("renata/biel/h/l/s7/plc-4/speed"), 1, false));
    let other = policy
        .session(&principal(&params).unwrap(), "plc-4")
        .unwrap();
    assert!(!other.may_connect(), "another client id");

    let mut stranger = named("plc-3");
    stranger
        .distinguished_name
        .push(DnType::OrganizationalUnitName, "visitors");
    stranger.subject_alt_names.push(uri("urn:renata:plc-3"));
    let rights = policy
        .session(&principal(&stranger).unwrap(), "plc-3")
        .unwrap();
    assert!(!rights.may_connect() && rights.roles().next().is_none());
}
