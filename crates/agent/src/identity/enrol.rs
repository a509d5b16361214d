//! Enrolment: a code that an owner was shown, for a certificate.

use playhouse_sense::enrolment::{Enrol, Enrolled};
use rustls::pki_types::ServerName;
use serde::Deserialize;

use super::{IdentityError, Key};
use crate::http::{Answer, HttpError, Place, ask};
use crate::tls::{TlsError, public};

/// The most bytes of an answer: two certificates and some words.
pub(super) const LARGEST_ANSWER: usize = 64 << 10;

/// Why a sensor was not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// No such address.
    #[error("`{0}` is no address of a server; one looks like http://192.168.1.10:7000")]
    Address(String),
    /// The server says no.
    #[error("the server {server} does not take this code: {detail}")]
    Refused {
        /// Which.
        server: String,
        /// Its own words.
        detail: String,
    },
    /// The server asks for patience.
    #[error("the server {server} has too much to do; try again in {seconds} seconds")]
    Busy {
        /// Which.
        server: String,
        /// Its own number.
        seconds: u64,
    },
    /// Something else is at that address.
    #[error(
        "what answers at {server} does not enrol sensors ({detail}); is the address that of a Playhouse server of this version?"
    )]
    Stranger {
        /// Which.
        server: String,
        /// What it said.
        detail: String,
    },
    /// Nobody is at that address.
    #[error("{0}; is `playhouse serve` running there, and can this device reach it?")]
    Unreachable(String),
    /// No key.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// No TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The server that a sensor is enrolled at, as `http://host:port` or `https://host:port`.
#[derive(Clone, Debug)]
pub struct Server {
    url: url::Url,
}

impl std::fmt::Display for Server {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

impl Server {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, EnrolError> {
        let wrong = || EnrolError::Address(text.to_owned());
        let url = url::Url::parse(text).map_err(|_no_url| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong());
        }
        Ok(Self { url })
    }

    /// Its host; an IPv6 address stands in brackets.
    pub(crate) fn host(&self) -> String {
        self.url.host_str().unwrap_or_default().to_owned()
    }

    fn place(&self) -> Result<Place, EnrolError> {
        let port = self.url.port_or_known_default().unwrap_or(80);
        let address = format!("{}:{port}", self.host());
        let tls = if self.url.scheme() == "https" {
            let host = self.host();
            let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            let name =
                ServerName::try_from(bare).map_err(|_no_name| EnrolError::Address(self.to_string()))?;
            Some((public()?, name))
        } else {
            None
        };
        Ok(Place { address, tls })
    }
}

/// What a problem (RFC 9457) says.
#[derive(Deserialize)]
struct Problem {
    detail: Option<String>,
    title: Option<String>,
}

/// The words of an answer that is no success.
pub(super) fn words(answer: &Answer) -> String {
    let problem = serde_json::from_slice::<Problem>(&answer.body).ok();
    let said = problem.and_then(|problem| problem.detail.or(problem.title));
    said.map_or_else(
        || answer.status.to_string(),
        |said| said.chars().filter(|c| !c.is_control()).take(300).collect(),
    )
}

/// Enrols a key with a code; the key itself is not sent.
pub async fn enrol(server: &Server, code: &str, key: &Key) -> Result<Enrolled, EnrolError> {
    let body = Enrol { code: code.trim().to_ascii_uppercase(), request: key.request()? };
    let body = serde_json::to_string(&body).map_err(IdentityError::Damaged)?;
    let answer = ask(&server.place()?, "/api/sensors/enrol", Some(body), LARGEST_ANSWER)
        .await
        .map_err(|error: HttpError| EnrolError::Unreachable(error.to_string()))?;
    let (server, status) = (server.to_string(), answer.status);
    if status.is_success() {
        return serde_json::from_slice(&answer.body)
            .map_err(|error| EnrolError::Stranger { server, detail: error.to_string() });
    }
    let detail = words(&answer);
    Err(match (status.as_u16(), answer.again_in) {
        (429 | 503, seconds) => EnrolError::Busy { server, seconds: seconds.unwrap_or(10) },
        (404 | 405, _) if detail.starts_with(status.as_str()) => EnrolError::Stranger { server, detail },
        (400..500, _) => EnrolError::Refused { server, detail },
        _ => EnrolError::Stranger { server, detail },
    })
}
