//! Trust: the hub is who its authority signed under the hub's name, whatever address was dialled.

use std::sync::Arc;

use playhouse_sense::enrolment::HUB_NAME;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Why no TLS can be spoken with what is kept.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// What is kept is no certificate, key or authority.
    #[error("{0} that is kept cannot be read ({1}); enrol again with --code")]
    Kept(&'static str, String),
    /// This machine trusts nobody.
    #[error(
        "this machine has no certificates of authorities (Debian: ca-certificates), so that an https:// address cannot be checked"
    )]
    NoRoots,
    /// rustls refuses.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] Error),
}

/// Who is trusted to be the hub; made once and shared by all links to one hub.
#[derive(Debug)]
pub struct Hub(Arc<dyn ServerCertVerifier>);

impl Hub {
    /// Whoever this authority (PEM) signed as the hub.
    pub fn of(authority: &str) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(authority.as_bytes()) {
            roots.add(root.map_err(|error| TlsError::Kept("the hub's authority", error.to_string()))?)?;
        }
        if roots.is_empty() {
            return Err(TlsError::Kept("the hub's authority", "it is empty".to_owned()));
        }
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|error| TlsError::Kept("the hub's authority", error.to_string()))?;
        let name = ServerName::try_from(HUB_NAME)
            .map_err(|error| TlsError::Kept("the hub's name", error.to_string()))?;
        Ok(Self(Arc::new(Fixed { inner, name })))
    }

    /// What a sensor with this certificate and key (PEM) speaks TLS with.
    pub fn client(&self, certificate: &str, key: &str) -> Result<Arc<ClientConfig>, TlsError> {
        let kept = |what| move |error: rustls::pki_types::pem::Error| TlsError::Kept(what, error.to_string());
        let chain = CertificateDer::pem_slice_iter(certificate.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(kept("the certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(kept("the key"))?;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&self.0))
            .with_client_auth_cert(chain, key)?;
        // One hub, one ticket: enough to come back quickly, and little memory where thousands are simulated.
        config.resumption = rustls::client::Resumption::in_memory_sessions(1);
        Ok(Arc::new(config))
    }
}

/// What an `https://` address is checked with before there is an identity: the authorities that this machine trusts.
pub(crate) fn public() -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(TlsError::NoRoots);
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Checks for one name, whatever was dialled.
#[derive(Debug)]
struct Fixed {
    inner: Arc<WebPkiServerVerifier>,
    name: ServerName<'static>,
}

impl ServerCertVerifier for Fixed {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _dialled: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.inner.verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
