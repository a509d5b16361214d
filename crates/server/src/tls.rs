//! A self-signed certificate, made once and kept: browsers ask for it where gamepads and pointer lock are used from
//! another machine.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::serve::ServeError;

/// What a certificate is always for.
const ALWAYS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What other listeners of the program serve TLS with: the certificate of the pages, for the same names.
///
/// # Errors
/// [`ServeError::Tls`] where there is none to be had.
pub fn certificate(data: &Path, names: &[String]) -> Result<Arc<ServerConfig>, ServeError> {
    config(&data.join("tls"), names)
}

/// The configuration with the certificate of `folder`, which is made where there is none for these names.
pub(crate) fn config(folder: &Path, names: &[String]) -> Result<Arc<ServerConfig>, ServeError> {
    let mut all: Vec<String> =
        ALWAYS.iter().map(|name| (*name).to_owned()).chain(names.iter().cloned()).collect();
    all.sort();
    all.dedup();
    let failed = |doing: &str, error: &dyn std::fmt::Display| ServeError::Tls(format!("{doing}: {error}"));
    let list = all.join("\n");
    let (certificate, key, known) =
        (folder.join("cert.pem"), folder.join("key.pem"), folder.join("names.txt"));
    let current = fs::read_to_string(&known).is_ok_and(|known| known == list);
    if !current || !certificate.exists() || !key.exists() {
        make(folder, &all).map_err(|error| failed("making a certificate", &error))?;
        fs::write(&known, &list).map_err(|error| failed("keeping the certificate", &error))?;
    }
    let chain = CertificateDer::pem_file_iter(&certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| failed("reading the certificate", &error))?;
    let key = PrivateKeyDer::from_pem_file(&key).map_err(|error| failed("reading the key", &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| failed("using the certificate", &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn make(folder: &Path, names: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    fs::create_dir_all(folder)?;
    let made = rcgen::generate_simple_self_signed(names)?;
    fs::write(folder.join("cert.pem"), made.cert.pem())?;
    let key = folder.join("key.pem");
    if key.exists() {
        fs::remove_file(&key)?;
    }
    // Readable by the owner alone from its first moment on.
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&key)?;
    file.write_all(made.signing_key.serialize_pem().as_bytes())?;
    file.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_certificate_is_kept_until_its_names_change() {
        let folder = tempfile::tempdir().unwrap();
        let read = || fs::read_to_string(folder.path().join("cert.pem")).unwrap();
        config(folder.path(), &[]).unwrap();
        let first = read();
        config(folder.path(), &[]).unwrap();
        assert_eq!(read(), first);
        config(folder.path(), &["play.example".to_owned()]).unwrap();
        assert_ne!(read(), first);
        let key = fs::metadata(folder.path().join("key.pem")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }
}
