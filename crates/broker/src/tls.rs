//! TLS for devices: certificates verified against the house's authority.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The authority's certificates cannot be used.
    #[error(
        "the authority that devices' certificates are verified against cannot be used ({0}); look at its PEM file"
    )]
    Authority(String),
    /// The server's own certificate or key cannot be used.
    #[error("the broker's certificate or key cannot be used ({0}); look whether they belong together")]
    Certificate(#[from] rustls::Error),
}

/// Whether a client has to have a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificate {
    /// Without one there is no connection.
    Required,
    /// Without one a client is admitted by name and password, if at all.
    Optional,
}

/// A configuration for [`crate::Broker::serve_tls`]: TLS 1.3, clients verified against `authority`, and tickets, so that a
/// fleet that reconnects is quick. A configuration made anew takes no tickets of the one before.
///
/// # Errors
/// Authority, certificate or key cannot be used.
pub fn server_config(
    authority: &[CertificateDer<'static>],
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    clients: ClientCertificate,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    for certificate in authority {
        roots.add(certificate.clone()).map_err(|error| TlsError::Authority(error.to_string()))?;
    }
    let mut verifier =
        rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    if clients == ClientCertificate::Optional {
        verifier = verifier.allow_unauthenticated();
    }
    let verifier = verifier.build().map_err(|error| TlsError::Authority(error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = TICKETS;
    Ok(Arc::new(config))
}

/// Tickets that a client gets: one is enough for a device, which has one connection.
const TICKETS: usize = 1;
