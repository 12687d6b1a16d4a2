//! Whom the client trusts, and what it shows of itself: TLS through rustls on ring.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How a client speaks TLS: version 1.3 alone unless [`allow_tls12`](Self::allow_tls12), the
/// certificate authorities that are named and no others.
///
/// ```no_run
/// # fn main() -> Result<(), renata_mqtt::TlsError> {
/// use renata_mqtt::TlsConfig;
///
/// let tls = TlsConfig::ca_file("pki/ca.pem")?
///     .identity_files("pki/gateway.pem", "pki/gateway.key")?;
/// # let _ = tls;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TlsConfig {
    source: Source,
    server_name: Option<String>,
}

#[derive(Clone)]
enum Source {
    Parts {
        roots: RootCertStore,
        identity: Option<Arc<Identity>>,
        tls12: bool,
    },
    Whole(Arc<ClientConfig>),
}

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// Why certificates or keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A PEM file cannot be read.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// PEM text that was given directly cannot be read.
    #[error("{what}: {why}")]
    Pem {
        /// What it was meant to be.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The certificate and the key do not make up an identity.
    #[error("certificate and key cannot be used together: {0}")]
    Identity(String),
    /// The name to expect in the server's certificate is neither a DNS name nor an address.
    #[error("`{0}` is neither a DNS name nor an IP address")]
    ServerName(String),
    /// [`TlsConfig::from_rustls`] decides these itself.
    #[error("a ready-made rustls configuration takes no further certificates or versions")]
    Fixed,
}

impl TlsConfig {
    /// Trusts the certificate authorities in this PEM file.
    ///
    /// # Errors
    /// The file cannot be read, holds no certificate, or one that is not an X.509 certificate.
    pub fn ca_file(path: impl AsRef<Path>) -> Result<Self, TlsError> {
        let path = path.as_ref();
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(|error| file_error(path, &error))?;
        Self::trusting(certificates).map_err(|why| TlsError::File {
            path: path.to_owned(),
            why,
        })
    }

    /// Trusts the certificate authorities in this PEM text.
    ///
    /// # Errors
    /// It holds no certificate, or one that is not an X.509 certificate.
    pub fn ca_pem(pem: &[u8]) -> Result<Self, TlsError> {
        let what = "certificate authorities";
        let certificates = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| pem_error(what, &error))?;
        Self::trusting(certificates).map_err(|why| TlsError::Pem { what, why })
    }

    /// Takes a rustls configuration as it is, with its own provider, versions and verifiers.
    #[must_use]
    pub fn from_rustls(config: Arc<ClientConfig>) -> Self {
        Self {
            source: Source::Whole(config),
            server_name: None,
        }
    }

    /// Shows this certificate chain to a server that asks (mutual TLS), from PEM files.
    ///
    /// # Errors
    /// A file cannot be read, or holds no certificate or no key.
    pub fn identity_files(
        self,
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        let (chain, key) = (chain.as_ref(), key.as_ref());
        let certificates: Vec<_> = CertificateDer::pem_file_iter(chain)
            .and_then(Iterator::collect)
            .map_err(|error| file_error(chain, &error))?;
        if certificates.is_empty() {
            return Err(TlsError::File {
                path: chain.to_owned(),
                why: NO_CERTIFICATE.to_owned(),
            });
        }
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| file_error(key, &error))?;
        self.identity(certificates, key)
    }

    /// Shows this certificate chain to a server that asks (mutual TLS), from PEM text.
    ///
    /// # Errors
    /// There is no certificate or no key in it.
    pub fn identity_pem(self, chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let what = "certificate chain";
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|error| pem_error(what, &error))?;
        if certificates.is_empty() {
            let why = NO_CERTIFICATE.to_owned();
            return Err(TlsError::Pem { what, why });
        }
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|error| pem_error("private key", &error))?;
        self.identity(certificates, key)
    }

    /// The name that the server's certificate has to carry, if it is not the host of the address.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Accepts servers that know TLS 1.2 only.
    ///
    /// # Errors
    /// [`TlsError::Fixed`] after [`from_rustls`](Self::from_rustls).
    pub fn allow_tls12(mut self) -> Result<Self, TlsError> {
        match &mut self.source {
            Source::Parts { tls12, .. } => *tls12 = true,
            Source::Whole(_) => return Err(TlsError::Fixed),
        }
        Ok(self)
    }

    /// The rustls configuration, and the name to verify when `host` is connected.
    pub(super) fn prepare(
        &self,
        host: &str,
    ) -> Result<(Arc<ClientConfig>, ServerName<'static>), TlsError> {
        let name = self.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| TlsError::ServerName(name.to_owned()))?;
        let (roots, identity, tls12) = match &self.source {
            Source::Whole(config) => return Ok((Arc::clone(config), name)),
            Source::Parts {
                roots,
                identity,
                tls12,
            } => (roots, identity, *tls12),
        };
        let versions: &[&rustls::SupportedProtocolVersion] = if tls12 {
            &[&rustls::version::TLS13, &rustls::version::TLS12]
        } else {
            &[&rustls::version::TLS13]
        };
        let refused = |error: rustls::Error| TlsError::Identity(error.to_string());
        // Named here, never the process default: another crate may have set that to anything.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(refused)?
            .with_root_certificates(roots.clone());
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
                .map_err(refused)?,
        };
        Ok((Arc::new(config), name))
    }

    fn trusting(certificates: Vec<CertificateDer<'static>>) -> Result<Self, String> {
        if certificates.is_empty() {
            return Err(NO_CERTIFICATE.to_owned());
        }
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
        Ok(Self {
            source: Source::Parts {
                roots,
                identity: None,
                tls12: false,
            },
            server_name: None,
        })
    }

    fn identity(
        mut self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        match &mut self.source {
            Source::Parts { identity, .. } => *identity = Some(Arc::new(Identity { chain, key })),
            Source::Whole(_) => return Err(TlsError::Fixed),
        }
        Ok(self)
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (roots, identity) = match &self.source {
            Source::Parts {
                roots, identity, ..
            } => (roots.len(), identity.is_some()),
            Source::Whole(_) => (0, false),
        };
        f.debug_struct("TlsConfig")
            .field("authorities", &roots)
            .field("identity", &identity)
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

const NO_CERTIFICATE: &str = "there is no certificate in it";

fn file_error(path: &Path, error: &pem::Error) -> TlsError {
    TlsError::File {
        path: path.to_owned(),
        why: error.to_string(),
    }
}

fn pem_error(what: &'static str, error: &pem::Error) -> TlsError {
    TlsError::Pem {
        what,
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["broker".to_owned()]).expect("rcgen");
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn an_empty_or_broken_authority_is_refused_every_time() {
        for pem in [
            "",
            "hello",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            for _ in 0..2 {
                assert!(TlsConfig::ca_pem(pem.as_bytes()).is_err(), "{pem:?}");
            }
        }
        let missing = TlsConfig::ca_file("no/such/ca.pem").expect_err("missing");
        assert!(
            missing.to_string().starts_with("no/such/ca.pem: "),
            "{missing}"
        );
    }

    #[test]
    fn an_identity_needs_its_own_key() {
        let (cert, key) = key_pair();
        let (_, other) = key_pair();
        let tls = TlsConfig::ca_pem(cert.as_bytes()).expect("self-signed");
        let right = tls
            .clone()
            .identity_pem(cert.as_bytes(), key.as_bytes())
            .expect("pem");
        assert!(right.prepare("broker").is_ok());
        let wrong = tls
            .clone()
            .identity_pem(cert.as_bytes(), other.as_bytes())
            .expect("pem");
        assert!(matches!(
            wrong.prepare("broker"),
            Err(TlsError::Identity(_))
        ));
        assert!(matches!(
            tls.prepare("not a name"),
            Err(TlsError::ServerName(_))
        ));
        assert!(!format!("{right:?}").contains("PRIVATE"));
    }
}
