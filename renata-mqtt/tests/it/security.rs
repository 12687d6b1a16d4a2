//! Who gets in, and who does not: the client against mosquitto with TLS and passwords.

use std::path::Path;

use renata_mqtt::{Client, ConnectError, Credentials, TlsConfig, Version};
use renata_peers::Mosquitto;

use crate::patience::soon;

fn write_pki(dir: &Path) -> (TlsConfig, TlsConfig, [std::path::PathBuf; 3]) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let cert = params.self_signed(&key).expect("signed");
        (cert.pem(), Issuer::new(params, key))
    };
    let leaf = |name: &str, issuer: &Issuer<'_, KeyPair>| {
        let names = vec![name.to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).expect("names");
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, issuer).expect("signed");
        (cert.pem(), key.serialize_pem())
    };
    let (ca, issuer) = authority("plant");
    let (_, other_issuer) = authority("somebody else");
    let (cert, key) = leaf("broker", &issuer);
    let files = ["broker.pem", "broker.key", "ca.pem"].map(|name| dir.join(name));
    for (file, content) in files.iter().zip([&cert, &key, &ca]) {
        std::fs::write(file, content).expect("written");
    }
    let client = |issuer| {
        let (cert, key) = leaf("gateway", issuer);
        let tls = TlsConfig::ca_pem(ca.as_bytes()).expect("an authority");
        tls.identity_pem(cert.as_bytes(), key.as_bytes())
            .expect("an identity")
    };
    (client(&issuer), client(&other_issuer), files)
}

#[tokio::test]
async fn mutual_tls_lets_the_right_certificate_in() {
    let dir = tempfile::tempdir().expect("a folder");
    let (ours, foreign, [cert, key, ca]) = write_pki(dir.path());
    let broker = Mosquitto::start_mutual_tls(&cert, &key, &ca).expect("mosquitto starts");
    let address = format!("mqtts://{}", broker.addr());
    let client = Client::builder(&address).tls(ours.clone()).connect();
    let client = soon("connect", client).await.expect("accepted");
    let mut subscription = client.subscribe("t").qos1().await.expect("granted");
    let large = vec![b'x'; 300_000];
    let receipt = client
        .publish("t", large.clone())
        .qos1()
        .await
        .expect("admitted");
    assert!(soon("outcome", receipt).await.is_delivered());
    let message = soon("message", subscription.next()).await.expect("open");
    assert_eq!(message.payload(), large);

    let nobody = TlsConfig::ca_file(&ca).expect("an authority");
    for (tls, why) in [
        (foreign, "a certificate of another authority"),
        (nobody, "no certificate"),
        (ours.server_name("elsewhere"), "a server with another name"),
    ] {
        for _ in 0..2 {
            let refused = Client::builder(&address).tls(tls.clone()).connect();
            let error = soon("refusal", refused).await.expect_err(why);
            assert!(matches!(error, ConnectError::Io { .. }), "{why}: {error}");
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_and_a_right_one_is_asked_for_each_time() {
    let dir = tempfile::tempdir().expect("a folder");
    let passwords = dir.path().join("passwords");
    let made = std::process::Command::new("mosquitto_passwd")
        .args(["-b", "-c"])
        .arg(&passwords)
        .args(["gateway", "right"])
        .status()
        .expect("mosquitto_passwd runs: it comes with mosquitto");
    assert!(made.success());
    let rule = format!("password_file {}\n", passwords.display());
    let broker = Mosquitto::start_with(&rule, "").expect("mosquitto starts");
    for version in [Version::V3_1_1, Version::V5] {
        let builder = || Client::builder(format!("mqtt://{}", broker.addr())).version(version);
        let wrong = builder().credentials(Credentials::password("gateway", "wrong"));
        let error = soon("refusal", wrong.connect()).await.expect_err("refused");
        assert!(
            matches!(error, ConnectError::Refused { .. }) && error.is_permanent(),
            "{error}"
        );
        let right = builder().credentials(Credentials::password("gateway", "right"));
        soon("connect", right.connect()).await.expect("accepted");
    }
}
