//! `renata pub` and `renata sub` over mutual TLS with mosquitto.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use renata_peers::Mosquitto;

use crate::support::run;

/// A certificate authority and what it signs, in a folder of its own.
pub(crate) struct Pki {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "test authority");
        let authority = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let issuer = Issuer::new(params, key);
        Self { folder, issuer }
    }

    pub(crate) fn ca(&self) -> String {
        self.path("ca.pem")
    }

    /// Certificate and key for a client of this name.
    pub(crate) fn client(&self, name: &str) -> (String, String) {
        self.sign(name, Vec::new(), ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// Certificate and key for a server on loopback.
    pub(crate) fn server(&self) -> (String, String) {
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        self.sign("server", names, ExtendedKeyUsagePurpose::ServerAuth)
    }

    fn sign(
        &self,
        name: &str,
        names: Vec<String>,
        usage: ExtendedKeyUsagePurpose,
    ) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        let (cert, secret) = (format!("{name}.pem"), format!("{name}.key"));
        std::fs::write(self.folder.path().join(&cert), signed.pem()).unwrap();
        std::fs::write(self.folder.path().join(&secret), key.serialize_pem()).unwrap();
        (self.path(&cert), self.path(&secret))
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

#[test]
fn a_certificate_opens_the_door_and_nothing_else_does() {
    let (ours, theirs) = (Pki::new(), Pki::new());
    let (server, server_key) = ours.server();
    let broker = Mosquitto::start_mutual_tls(
        Path::new(&server),
        Path::new(&server_key),
        Path::new(&ours.ca()),
    )
    .expect("mosquitto starts");
    let url = format!("mqtts://{}", broker.addr());
    let (cert, key) = ours.client("anna");
    let (foreign, foreign_key) = theirs.client("anna");
    let (ca, other_ca) = (ours.ca(), theirs.ca());
    let publish = |with: &[&str]| {
        run(&[
            &[
                "pub",
                "-u",
                &url,
                "-t",
                "a",
                "-m",
                "x",
                "-q",
                "1",
                "-r",
                "--timeout",
                "10",
            ],
            with,
        ]
        .concat())
    };

    let good = publish(&["--ca", &ca, "--cert", &cert, "--key", &key]);
    assert_eq!(good.0, 0, "{}", good.2);
    let read = run(&[
        "sub", "-u", &url, "-t", "a", "-C", "1", "-W", "10", "--ca", &ca, "--cert", &cert, "--key",
        &key,
    ]);
    assert_eq!((read.0, read.1.as_str()), (0, "x\n"));

    for (with, what) in [
        (&["--ca", &ca][..], "no certificate"),
        (
            &["--ca", &ca, "--cert", &foreign, "--key", &foreign_key],
            "a certificate of somebody else",
        ),
        (
            &["--ca", &other_ca, "--cert", &cert, "--key", &key],
            "a broker that we do not trust",
        ),
        (
            &[
                "--ca",
                &ca,
                "--cert",
                &cert,
                "--key",
                &key,
                "--server-name",
                "elsewhere",
            ],
            "a broker of another name",
        ),
    ] {
        let refused = publish(with);
        assert_eq!(refused.0, 3, "{what}: {}", refused.2);
    }
    let mixed = publish(&["--ca", &ca, "--cert", &cert, "--key", &foreign_key]);
    assert_eq!(mixed.0, 2, "{}", mixed.2);
    assert_eq!(publish(&["--ca", &ca, "--cert", &cert]).0, 2, "no key");
    assert_eq!(publish(&["--ca", "no/such/ca.pem"]).0, 2);
}
