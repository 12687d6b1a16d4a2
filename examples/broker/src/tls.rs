//! The TLS side of `mqtts://` listeners: rustls on ring, chosen here and never by the process.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::{Problem, TlsFiles};

/// Reads the files and builds what new handshakes use.
///
/// With a client authority a certificate is required, and sessions are never resumed: resumption
/// would skip the verifier and let a client in whose authority was taken away meanwhile.
///
/// # Errors
/// What is wrong with which file.
pub(crate) fn server_config(files: &TlsFiles) -> Result<Arc<ServerConfig>, Vec<Problem>> {
    let chain = certificates(&files.cert)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|e| problem(&files.key, &e, "give a PEM private key that is readable"))?;
    let provider = Arc::new(ring::default_provider());
    let versions: &[_] = if files.allow_tls12 {
        &[&TLS13, &TLS12]
    } else {
        &[&TLS13]
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|e| problem(&files.cert, &e, "report this"))?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(ca) => builder.with_client_cert_verifier(verifier(ca, provider)?),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|e| {
        problem(
            &files.cert,
            &e,
            "give the key that belongs to this certificate",
        )
    })?;
    if files.client_ca.is_some() {
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(Arc::new(config))
}

fn verifier(
    ca: &Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, Vec<Problem>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca)? {
        roots
            .add(certificate)
            .map_err(|e| problem(ca, &e, "give the authority's own certificate"))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|e| problem(ca, &e, "give the authority's own certificate"))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Vec<Problem>> {
    let remedy = "give a PEM file with at least one certificate";
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|e| problem(path, &e, remedy))?;
    if found.is_empty() {
        return Err(vec![Problem::in_file(path, "holds no certificate", remedy)]);
    }
    Ok(found)
}

fn problem(path: &Path, what: &dyn std::fmt::Display, remedy: &str) -> Vec<Problem> {
    vec![Problem::in_file(path, what.to_string(), remedy)]
}
