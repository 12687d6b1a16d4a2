//! Mutual TLS 1.3 and the policy: who is not known gets nothing.

use std::path::Path;
use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use tempfile::TempDir;

use crate::support::{Broker, Lines, file, run, run_well};

/// A folder with an authority, a server certificate and a few clients.
struct Pki {
    dir: TempDir,
}

impl Pki {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        for name in ["ca", "other"] {
            let (key, params) = authority(name);
            let cert = params.self_signed(&key).unwrap();
            file(dir.path(), &format!("{name}.pem"), &cert.pem());
            let issuer = Issuer::new(params, key);
            if name == "ca" {
                issue(dir.path(), &issuer, "server", None, true);
                for client in ["reader", "writer"] {
                    issue(dir.path(), &issuer, client, Some(client), false);
                }
            } else {
                issue(dir.path(), &issuer, "stranger", Some("reader"), false);
            }
        }
        Self { dir }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn broker(&self, policy: &str) -> Broker {
        let policy = file(self.dir.path(), "policy.toml", policy);
        Broker::start(&[
            "--listen",
            "mqtts://127.0.0.1:0",
            "--tls-cert",
            &self.path("server.pem"),
            "--tls-key",
            &self.path("server.key"),
            "--client-ca",
            &self.path("ca.pem"),
            "--policy",
            policy.to_str().unwrap(),
        ])
    }

    /// Adds what a client called `who` needs.
    fn dress<'a>(&self, command: &'a mut Command, who: &str) -> &'a mut Command {
        command.args(["--cafile", &self.path("ca.pem"), "--tls-version", "tlsv1.3"]);
        command.args(["--cert", &self.path(&format!("{who}.pem"))]);
        command.args(["--key", &self.path(&format!("{who}.key"))])
    }
}

fn authority(name: &str) -> (KeyPair, CertificateParams) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (KeyPair::generate().unwrap(), params)
}

fn issue(dir: &Path, issuer: &Issuer<'_, KeyPair>, name: &str, cn: Option<&str>, server: bool) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, cn.unwrap_or(name));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if server {
        params.subject_alt_names = vec![SanType::IpAddress("127.0.0.1".parse().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    } else {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    }
    let key = KeyPair::generate().unwrap();
    let cert = params.signed_by(&key, issuer).unwrap();
    file(dir, &format!("{name}.pem"), &cert.pem());
    file(dir, &format!("{name}.key"), &key.serialize_pem());
}

const POLICY: &str = r#"
"#;
