//! The house's own authority: signs what sensors prove themselves by, and what the house proves itself to them by.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use playhouse_broker::tls::{ClientCertificate, server_config};
use playhouse_sense::enrolment::HUB_NAME;
use playhouse_store::Millis;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::clock::{DAY, HOUR, SECOND};
use crate::serve::ServeError;

/// How long the authority lasts: as long as anybody keeps a machine, since sensors trust it and nothing else.
const AUTHORITY: Millis = 30 * 365 * DAY;

/// How long the house's own certificate lasts. It is made anew at every start.
const HOUSE: Millis = 5 * 365 * DAY;

/// How long before now a certificate begins: a sensor's clock may be behind.
const BEFORE: Millis = 24 * HOUR;

/// What the house's certificate is always for.
const ALWAYS: [&str; 4] = [HUB_NAME, "localhost", "127.0.0.1", "::1"];

/// Longest certificate request: some 600 bytes with a key of ours, 2 KB with the longest keys that are signed.
const LONGEST: usize = 8 << 10;

/// The house's own authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

/// A certificate that was just signed.
pub(crate) struct Signed {
    /// The certificate, PEM.
    pub(crate) pem: String,
    /// When it ends, in seconds since 1970.
    pub(crate) expires: u64,
}

/// Why a certificate request is not signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsigned {
    /// It is none.
    #[error(
        "that is no certificate request (PKCS #10, PEM) of at most 8 KB, or its signature is not by its own key"
    )]
    Request,
    /// Signing failed.
    #[error("the certificate could not be signed: {0}")]
    Failed(#[from] rcgen::Error),
}

/// A serial number for a certificate to come: 64 random bits, in lower-case hexadecimal as [`playhouse_broker`] gives them.
pub(crate) fn serial() -> String {
    // From the same random source as ids. Never zero, and never negative as ASN.1 has it.
    let random = playhouse_store::id::hash(&playhouse_store::id::secret());
    format!("{:02x}{}", (u8::from_str_radix(&random[..2], 16).unwrap_or(1) & 0x7f) | 0x40, &random[2..16])
}

impl Authority {
    /// The authority that is kept in `folder`; it is made where there is none.
    ///
    /// # Errors
    /// [`ServeError::Tls`] where it can neither be read nor made.
    pub(crate) fn open(folder: &Path, now: Millis) -> Result<Self, ServeError> {
        let failed = |doing: &str, error: &dyn std::fmt::Display| {
            ServeError::Authority(format!("{doing} `{}`: {error}", folder.display()))
        };
        let (file, key) = (folder.join("authority.pem"), folder.join("authority.key"));
        // The certificate is written last, so that there is none without its key.
        if !file.exists() {
            make(folder, &file, &key, now).map_err(|error| failed("making it in", &error))?;
        }
        let pem = fs::read_to_string(&file).map_err(|error| failed("reading its certificate in", &error))?;
        let key = fs::read_to_string(&key).map_err(|error| failed("reading its key in", &error))?;
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| failed("reading its certificate in", &error))?;
        let key = KeyPair::from_pem(&key).map_err(|error| failed("reading its key in", &error))?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key)
            .map_err(|error| failed("using its certificate in", &error))?;
        Ok(Self { issuer, certificate, pem })
    }

    /// Its certificate, PEM.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Signs a sensor's key. Of what the request claims, nothing but the key is taken.
    pub(crate) fn sign(
        &self,
        request: &Request,
        sensor: &str,
        serial: &str,
        now: Millis,
        until: Millis,
    ) -> Result<Signed, Unsigned> {
        let mut params = params(sensor, now, until);
        params.serial_number = Some(SerialNumber::from(bytes(serial)));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&request.0.public_key, &self.issuer)?;
        Ok(Signed { pem: certificate.pem(), expires: u64::try_from(until / SECOND).unwrap_or_default() })
    }

    /// What the listeners for sensors speak TLS with: a certificate for the house's names, by a key that is never written
    /// down, and no client without a certificate of this authority.
    ///
    /// # Errors
    /// [`ServeError::Authority`], where a name is none.
    pub(crate) fn listeners(&self, names: &[String], now: Millis) -> Result<Arc<ServerConfig>, ServeError> {
        let failed = |error: &dyn std::fmt::Display| {
            ServeError::Authority(format!("a certificate for the house: {error}"))
        };
        let mut all: Vec<String> = ALWAYS.iter().map(|name| (*name).to_owned()).collect();
        all.extend(names.iter().filter(|name| !ALWAYS.contains(&name.as_str())).cloned());
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let names = CertificateParams::new(all).map_err(|error| failed(&error))?.subject_alt_names;
        let mut params = params("Playhouse", now, now + HOUSE);
        params.subject_alt_names = names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &self.issuer).map_err(|error| failed(&error))?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let chain = vec![certificate.der().clone()];
        let authority = std::slice::from_ref(&self.certificate);
        server_config(authority, chain, key, ClientCertificate::Required).map_err(|error| failed(&error))
    }
}

/// A certificate request whose signature is by its own key.
pub(crate) struct Request(CertificateSigningRequestParams);

impl Request {
    /// Reads one.
    pub(crate) fn parse(pem: &str) -> Result<Self, Unsigned> {
        if pem.len() > LONGEST {
            return Err(Unsigned::Request);
        }
        CertificateSigningRequestParams::from_pem(pem).map(Self).map_err(|error| {
            tracing::debug!(%error, "a certificate request is refused");
            Unsigned::Request
        })
    }
}

/// Who a certificate of this authority belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The sensor's id.
    pub(crate) name: String,
    /// The certificate's serial number, as [`serial`] gives it.
    pub(crate) serial: String,
}

/// Reads whose certificate this is; it must have been verified before.
pub(crate) fn peer(certificate: &CertificateDer<'_>) -> Option<Peer> {
    let (_, read) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let name = read.subject().iter_common_name().next()?.as_str().ok()?.to_owned();
    let serial = hex(read.raw_serial());
    Some(Peer { name, serial })
}

/// In hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn bytes(serial: &str) -> Vec<u8> {
    let pairs = (0..serial.len() / 2).map(|place| &serial[2 * place..2 * place + 2]);
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

fn params(name: &str, now: Millis, until: Millis) -> CertificateParams {
    let at = |millis: Millis| {
        let since = Duration::from_secs(u64::try_from(millis / SECOND).unwrap_or_default());
        rcgen::date_time_ymd(1970, 1, 1) + since
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params.not_before = at((now - BEFORE).max(0));
    params.not_after = at(until);
    params
}

fn make(folder: &Path, file: &Path, key: &Path, now: Millis) -> Result<(), Box<dyn std::error::Error>> {
    fs::create_dir_all(folder)?;
    let pair = KeyPair::generate()?;
    let mut params = params("Playhouse sensors", now, now + AUTHORITY);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&pair)?;
    if key.exists() {
        fs::remove_file(key)?;
    }
    write(key, 0o600, pair.serialize_pem().as_bytes())?;
    let fresh = folder.join("authority.new");
    drop(fs::remove_file(&fresh));
    write(&fresh, 0o644, certificate.pem().as_bytes())?;
    fs::rename(fresh, file)?;
    Ok(())
}

/// Readable by nobody else from its first moment on.
fn write(path: &Path, mode: u32, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn request() -> (String, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut claims = CertificateParams::new(vec!["hub.playhouse.internal".to_owned()]).unwrap();
        claims.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        claims.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        (claims.serialize_request(&key).unwrap().pem().unwrap(), key)
    }

    #[test]
    fn the_authority_is_made_once_and_its_key_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let first = Authority::open(folder.path(), 0).unwrap().pem().to_owned();
        assert_eq!(Authority::open(folder.path(), 1).unwrap().pem(), first);
        let key = fs::metadata(folder.path().join("authority.key")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_request_gets_its_key_signed_and_nothing_that_it_claims() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::open(folder.path(), 0).unwrap();
        let (pem, _) = request();
        let serial = serial();
        let request = Request::parse(&pem).unwrap();
        let signed = authority.sign(&request, "abc", &serial, 2 * DAY, 9 * DAY).unwrap();
        let der = CertificateDer::from_pem_slice(signed.pem.as_bytes()).unwrap();
        let peer = peer(&der).unwrap();
        assert_eq!((peer.name.as_str(), &peer.serial), ("abc", &serial));
        assert_eq!(signed.expires, 9 * 86_400);
        let (_, read) = x509_parser::parse_x509_certificate(&der).unwrap();
        let usage = read.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.client_auth && !usage.server_auth && !read.is_ca());
        assert!(read.subject_alternative_name().unwrap().is_none());
    }

    #[test]
    fn a_request_that_somebody_else_signed_is_refused() {
        let (pem, _) = request();
        let mut lines: Vec<String> = pem.lines().map(str::to_owned).collect();
        let last = lines.len() - 2;
        let turned: String = lines[last].chars().rev().collect();
        lines[last] = turned;
        assert!(Request::parse(&lines.join("\n")).is_err());
        assert!(Request::parse("").is_err());
        assert!(Request::parse(&"A".repeat(LONGEST + 1)).is_err());
    }
}
