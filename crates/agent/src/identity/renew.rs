//! Renewal: a new certificate for the same key, asked for with the old one.

use playhouse_sense::enrolment::{HUB_NAME, RENEW, Renew};
use rustls::pki_types::ServerName;

use super::enrol::{LARGEST_ANSWER, words};
use super::{Identity, IdentityError};
use crate::http::{HttpError, Place, ask};
use crate::tls::{Hub, TlsError};

/// Why a certificate was not renewed.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// The hub does not know this sensor any more.
    #[error(
        "the hub does not renew this sensor's certificate: {0}. Ask an owner for a new code, and start again with --code"
    )]
    Revoked(String),
    /// It is too late.
    #[error(
        "this sensor's certificate has ended, and cannot be renewed any more. Ask an owner for a new code, and start again with --code (and see that this device's clock is right)"
    )]
    Expired,
    /// For now, at least.
    #[error("the certificate could not be renewed: {0}")]
    NotNow(String),
    /// What is kept is damaged.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// What is kept is damaged.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl RenewError {
    /// Whether trying again is of no use.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::NotNow(_))
    }
}

/// The hub's HTTPS with the sensor's certificate.
pub(crate) fn place(identity: &Identity, hub: &Hub) -> Result<Place, TlsError> {
    let name = ServerName::try_from(HUB_NAME)
        .map_err(|error| TlsError::Kept("the hub's name", error.to_string()))?;
    Ok(Place { address: identity.https(), tls: Some((identity.tls(hub)?, name)) })
}

/// Asks the hub for a new certificate; `now` in seconds since 1970.
pub async fn renew(identity: &Identity, hub: &Hub, now: u64) -> Result<Identity, RenewError> {
    let body = Renew { request: identity.key.request()? };
    let body = serde_json::to_string(&body).map_err(IdentityError::Damaged)?;
    let asked = ask(&place(identity, hub)?, RENEW, Some(body), LARGEST_ANSWER).await;
    let answer = asked.map_err(|error| match error {
        // A certificate that has ended is refused before a word is said.
        HttpError::Tls(..) if now >= identity.expires() => RenewError::Expired,
        other => RenewError::NotNow(other.to_string()),
    })?;
    match answer.status.as_u16() {
        200..300 => {
            let enrolled = serde_json::from_slice(&answer.body).map_err(|error| {
                RenewError::NotNow(format!("the hub's answer is not understood: {error}"))
            })?;
            let mut renewed = identity.clone();
            renewed.kept.enrolled = enrolled;
            renewed.kept.since = now;
            // What it gives has to be usable: otherwise the old one is still the better one.
            renewed.tls(hub)?;
            Ok(renewed)
        }
        401 | 403 => Err(RenewError::Revoked(words(&answer))),
        _ => Err(RenewError::NotNow(words(&answer))),
    }
}
