//! Who may connect, publish and subscribe: what the broker asks, and whoever embeds it answers.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// Who a connection is. Cheap to clone.
///
/// Sessions belong to an identity: the same client id under another identity is another session, so that nobody can take
/// over what is not theirs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity(Arc<str>);

impl Identity {
    /// An identity of that name: what [`crate::Broker::disconnect`] takes.
    pub fn new(name: &str) -> Identity {
        Identity(name.into())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a verified client certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedPeer {
    /// The subject's common name.
    pub name: String,
    /// The serial number in lower-case hexadecimal, two digits a byte, without leading zero bytes.
    pub serial: String,
    /// When the certificate ends: seconds since 1970. A connection is not admitted after that, resumed or not.
    pub expires: u64,
}

/// What a connection brings to be admitted.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The certificate of a TLS client, verified against the listener's authority.
    pub certificate: Option<&'a CertifiedPeer>,
    /// As the client chose it; empty where it left the choice to the broker.
    pub client_id: &'a str,
    /// MQTT's user name.
    pub username: Option<&'a str>,
    /// MQTT's password.
    pub password: Option<&'a [u8]>,
    /// Where the connection comes from.
    pub address: SocketAddr,
}

impl fmt::Debug for Credentials<'_> {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("certificate", &self.certificate)
            .field("client_id", &self.client_id)
            .field("username", &self.username)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Why a connection is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Name and password are wrong, or missing.
    #[error("its user name or password is wrong: look at what the device was given when it was enrolled")]
    BadCredentials,
    /// Known, but not allowed in: revoked, or removed.
    #[error("it has no right to connect: it was revoked or never enrolled; enrol it anew")]
    NotAuthorized,
    /// The client id is not one that this identity may have.
    #[error("its client id is not one that it may have: use the id that it was enrolled under")]
    BadClientId,
    /// Nothing is wrong with it; not now.
    #[error("the broker cannot say now whether it may connect: it should try again in a while")]
    Unavailable,
}

/// What may be done, and by whom.
///
/// All methods are called from connections' tasks and must answer at once, from memory; [`Rights::admit`] may take its time
/// where there is a password (hashing one takes tens of milliseconds): it is then called on a thread for blocking work, a few
/// at a time.
///
/// Rights are asked when something is done, not when they change: whoever takes a right away calls
/// [`crate::Broker::disconnect`].
pub trait Rights: Send + Sync + 'static {
    /// Who this is, or why it may not connect.
    fn admit(&self, who: &Credentials<'_>) -> Result<Identity, Refused>;

    /// Whether it may publish to a topic; also asked of the topic of a will.
    fn may_publish(&self, who: &Identity, topic: &str) -> bool;

    /// Whether it may subscribe to a filter, wildcards included; of a shared subscription only the filter is shown.
    fn may_subscribe(&self, who: &Identity, filter: &str) -> bool;
}
