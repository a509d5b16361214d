//! An authority, the broker's certificate, and clients' certificates of every kind.

use std::fs;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What a broker needs.
pub(crate) struct Made {
    /// Verifies clients.
    pub(crate) authority: CertificateDer<'static>,
    /// The broker's own.
    pub(crate) certificate: CertificateDer<'static>,
    /// Its key.
    pub(crate) key: PrivateKeyDer<'static>,
}

type Failure = Box<dyn std::error::Error>;

/// Makes all certificates, and writes what clients need into `folder`.
pub(crate) fn make(folder: &Path) -> Result<Made, Failure> {
    fs::create_dir_all(folder)?;
    let (authority, issuer) = authority("Playhouse")?;
    let (_, foreign) = self::authority("Somebody else")?;
    fs::write(folder.join("authority.pem"), authority.pem())?;
    client(folder, "sensor-1", "sensor-1", &issuer, 2100)?;
    client(folder, "sensor-2", "sensor-2", &issuer, 2100)?;
    client(folder, "revoked", "revoked", &issuer, 2100)?;
    client(folder, "expired", "sensor-1", &issuer, 2020)?;
    client(folder, "foreign", "sensor-1", &foreign, 2100)?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, "broker");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.signed_by(&key, &issuer)?;
    // For another broker beside ours.
    fs::write(folder.join("broker.pem"), certificate.pem())?;
    fs::write(folder.join("broker.key"), key.serialize_pem())?;
    Ok(Made {
        authority: authority.der().clone(),
        certificate: certificate.der().clone(),
        key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
    })
}

fn authority(name: &str) -> Result<(rcgen::Certificate, Issuer<'static, KeyPair>), Failure> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.self_signed(&key)?;
    Ok((certificate, Issuer::new(params, key)))
}

fn client(
    folder: &Path,
    file: &str,
    name: &str,
    issuer: &Issuer<'static, KeyPair>,
    until: i32,
) -> Result<(), Failure> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let certificate = params.signed_by(&key, issuer)?;
    fs::write(folder.join(format!("{file}.pem")), certificate.pem())?;
    fs::write(folder.join(format!("{file}.key")), key.serialize_pem())?;
    Ok(())
}
