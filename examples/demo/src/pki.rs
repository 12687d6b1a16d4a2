//! A test PKI: one authority, one certificate for the broker and one for each client.
//!
//! For a plant on a desk only: keys lie beside the data and the authority signs whatever it is asked.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// Where the files of one identity lie (PEM).
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The certificate.
    pub(crate) cert: PathBuf,
    /// Its private key (PKCS #8).
    pub(crate) key: PathBuf,
}

/// The files of the whole PKI.
#[derive(Clone, Debug)]
pub(crate) struct Pki {
    /// The authority's certificate, which everybody trusts.
    pub(crate) ca: PathBuf,
    dir: PathBuf,
}

impl Pki {
    /// Makes the PKI in `dir`, or takes over the one that an earlier run left there.
    ///
    /// The broker's certificate names `localhost` and 127.0.0.1; each client is (common name,
    /// organisational unit), the two fields that the policy binds roles by.
    pub(crate) fn open(dir: &Path, clients: &[(&str, &str)]) -> anyhow::Result<Self> {
        let pki = Self {
            ca: dir.join("ca.pem"),
            dir: dir.to_owned(),
        };
        let complete = dir.join("complete");
        if complete.exists() {
            return Ok(pki);
        }
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "Renata demo authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        fs::write(&pki.ca, params.self_signed(&key)?.pem())?;
        let authority = Issuer::new(params, key);

        let mut server = CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()])?;
        server.distinguished_name.push(DnType::CommonName, BROKER);
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        pki.issue(BROKER, server, &authority)?;
        for (name, unit) in clients {
            let mut client = CertificateParams::default();
            client.distinguished_name.push(DnType::CommonName, *name);
            client
                .distinguished_name
                .push(DnType::OrganizationalUnitName, *unit);
            client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            pki.issue(name, client, &authority)?;
        }
        fs::write(complete, "")?;
        Ok(pki)
    }

    /// The broker's certificate and key.
    pub(crate) fn broker(&self) -> Identity {
        self.identity(BROKER)
    }

    /// The certificate and key of the client with this common name.
    pub(crate) fn identity(&self, name: &str) -> Identity {
        Identity {
            cert: self.dir.join(format!("{name}.pem")),
            key: self.dir.join(format!("{name}.key")),
        }
    }

    fn issue(
        &self,
        name: &str,
        mut params: CertificateParams,
        authority: &Issuer<'_, KeyPair>,
    ) -> anyhow::Result<()> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, authority)?;
        let files = self.identity(name);
        fs::write(&files.cert, certificate.pem())?;
        write_private(&files.key, &key.serialize_pem())
    }
}

/// Writes a file that only its owner reads.
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

const BROKER: &str = "broker";
