//! Who the sensor is: a key that never leaves it, and the certificate that the hub's authority signed for it.

mod enrol;
mod renew;

use std::sync::Arc;

use playhouse_sense::enrolment::Enrolled;
use rcgen::{CertificateParams, KeyPair};
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};

use crate::folder::{Folder, FolderError};
use crate::tls::{Hub, TlsError};

pub use enrol::{EnrolError, Server, enrol};
pub(crate) use renew::place;
pub use renew::{RenewError, renew};

/// The private key's file.
const KEY: &str = "key.pem";
/// The file with everything else.
const IDENTITY: &str = "identity.json";

/// Why there is no identity to work with.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Nothing can be kept.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// What is kept is damaged.
    #[error("the file {IDENTITY} in the agent's folder is damaged ({0}); enrol again with --code")]
    Damaged(serde_json::Error),
    /// A file of the identity is missing.
    #[error("the file {KEY} in the agent's folder is missing or damaged; enrol again with --code")]
    NoKey,
    /// No key can be made.
    #[error("a key could not be made: {0}")]
    Key(#[from] rcgen::Error),
}

/// A private key on the curve P-256, PEM.
#[derive(Clone, Serialize, Deserialize)]
pub struct Key(String);

impl std::fmt::Debug for Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Key(…)")
    }
}

impl Key {
    /// A new one, kept nowhere.
    pub fn generate() -> Result<Self, IdentityError> {
        Ok(Self(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?.serialize_pem()))
    }

    /// A certificate request (PKCS #10, PEM) that proves possession of it. The authority decides the name.
    pub fn request(&self) -> Result<String, IdentityError> {
        let pair = KeyPair::from_pem(&self.0).map_err(|_damaged| IdentityError::NoKey)?;
        Ok(CertificateParams::default().serialize_request(&pair)?.pem()?)
    }
}

/// What is kept of an enrolment, beside the key.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    /// The server that was enrolled at.
    server: String,
    /// When: seconds since 1970 by this machine's clock.
    since: u64,
    enrolled: Enrolled,
}

/// An enrolled sensor. Serialized it has its key: a file with it is its owner's alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Identity {
    key: Key,
    kept: Kept,
}

impl Identity {
    /// One that was just given.
    pub fn new(key: Key, server: &Server, enrolled: Enrolled, now: u64) -> Self {
        Self { key, kept: Kept { server: server.to_string(), since: now, enrolled } }
    }

    /// The one that the folder keeps; `None` where none was ever enrolled.
    pub fn load(folder: &Folder) -> Result<Option<Self>, IdentityError> {
        let Some(kept) = folder.read(IDENTITY)? else { return Ok(None) };
        let kept = serde_json::from_slice(&kept).map_err(IdentityError::Damaged)?;
        let key =
            folder.read(KEY)?.and_then(|key| String::from_utf8(key).ok()).ok_or(IdentityError::NoKey)?;
        let key = Key(key);
        key.request()?;
        Ok(Some(Self { key, kept }))
    }

    /// Keeps it in the folder: the key first, so that there is never a certificate without one.
    pub fn save(&self, folder: &Folder) -> Result<(), IdentityError> {
        let json = serde_json::to_vec_pretty(&self.kept).map_err(IdentityError::Damaged)?;
        if folder.read(KEY)?.as_deref() != Some(self.key.0.as_bytes()) {
            folder.write(KEY, self.key.0.as_bytes())?;
        }
        Ok(folder.write(IDENTITY, &json)?)
    }

    /// The sensor's id.
    pub fn sensor(&self) -> &str {
        &self.kept.enrolled.sensor
    }

    /// The server that it was enrolled at.
    pub fn server(&self) -> &str {
        &self.kept.server
    }

    /// Where MQTT over TLS is spoken: `host:port`.
    pub fn mqtt(&self) -> String {
        self.at(&self.kept.enrolled.mqtt)
    }

    /// Where HTTPS with the certificate is spoken: `host:port`.
    pub fn https(&self) -> String {
        self.at(&self.kept.enrolled.https)
    }

    /// The hub's authority, PEM.
    pub fn authority(&self) -> &str {
        &self.kept.enrolled.authority
    }

    /// When the certificate ends, and when it is to be renewed: seconds since 1970.
    pub fn expires(&self) -> u64 {
        self.kept.enrolled.expires
    }

    /// From when on it is to be renewed: after two thirds of its time.
    pub fn renew_from(&self) -> u64 {
        let (since, expires) = (self.kept.since, self.kept.enrolled.expires);
        since + expires.saturating_sub(since) * 2 / 3
    }

    /// What TLS is spoken with.
    pub fn tls(&self, hub: &Hub) -> Result<Arc<ClientConfig>, TlsError> {
        hub.client(&self.kept.enrolled.certificate, &self.key.0)
    }

    /// The host is the server's where the hub left it out.
    fn at(&self, address: &str) -> String {
        if !address.starts_with(':') {
            return address.to_owned();
        }
        let host = Server::parse(&self.kept.server).map(|server| server.host()).unwrap_or_default();
        format!("{host}{address}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(mqtt: &str) -> Identity {
        let enrolled = Enrolled {
            sensor: "s1".into(),
            certificate: String::new(),
            authority: String::new(),
            mqtt: mqtt.into(),
            https: ":7444".into(),
            expires: 1_300,
        };
        let server = Server::parse("http://hub.example:7000").unwrap();
        Identity::new(Key::generate().unwrap(), &server, enrolled, 1_000)
    }

    #[test]
    fn an_identity_outlives_a_restart_and_its_key_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        assert!(Identity::load(&folder).unwrap().is_none());
        identity(":1").save(&folder).unwrap();
        assert_eq!(Identity::load(&folder).unwrap().unwrap().sensor(), "s1");
        let mode = std::fs::metadata(place.path().join(KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_file(place.path().join(KEY)).unwrap();
        assert!(matches!(Identity::load(&folder), Err(IdentityError::NoKey)));
        std::fs::write(place.path().join(IDENTITY), "{").unwrap();
        assert!(Identity::load(&folder).unwrap_err().to_string().contains("enrol again with --code"));
    }

    #[test]
    fn a_host_that_the_hub_left_out_is_the_one_that_was_enrolled_at() {
        assert_eq!(identity(":8883").mqtt(), "hub.example:8883");
        assert_eq!(identity("10.0.0.1:8883").mqtt(), "10.0.0.1:8883");
        assert_eq!(identity(":1").https(), "hub.example:7444");
    }

    #[test]
    fn a_certificate_is_renewed_after_two_thirds_of_its_time() {
        assert_eq!(identity(":1").renew_from(), 1_200);
    }

    #[test]
    fn a_key_is_never_printed() {
        assert!(!format!("{:?}", identity(":1")).contains("PRIVATE"));
    }
}
