//! Fetching what others offer, without letting an address reach into this machine's network.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

/// How long a whole answer may take: a guide of some megabytes over a slow line.
const PATIENCE: Duration = Duration::from_mins(2);

/// How long a connection, and the beginning of an answer, may take.
const FIRST: Duration = Duration::from_secs(15);

/// Answers that send elsewhere, one after the other.
const REDIRECTS: u32 = 5;

/// Bytes of an answer: guides of many channels come to some 50 MB.
pub(crate) const MOST_BYTES: u64 = 64 << 20;

/// An address as the world knows it: neither of this machine, nor of its network, nor of anything special
/// (IANA IPv4 and IPv6 Special-Purpose Address Registries).
pub(crate) fn public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => public_v4(address),
        IpAddr::V6(address) => public_v6(address),
    }
}

fn public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let benchmark = first == 198 && (second == 18 || second == 19);
    let protocols = first == 192 && second == 0 && third == 0;
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || first == 0
        || first >= 224
        || shared
        || benchmark
        || protocols)
}

fn public_v6(address: Ipv6Addr) -> bool {
    // Global unicast is 2000::/3; within it documentation, and what carries an IPv4 address (6to4, Teredo).
    let [first, second, ..] = address.segments();
    let within = first & 0xe000 == 0x2000;
    within && first != 0x2002 && !(first == 0x2001 && (second == 0 || second == 0x0db8))
}

/// Looks names up, and gives nothing that may not be asked.
#[derive(Debug)]
struct Guarded {
    private: bool,
    inner: DefaultResolver,
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let mut kept = self.empty();
        for address in found.iter().filter(|address| self.private || public(address.ip())) {
            kept.push(*address);
        }
        if kept.is_empty() { Err(Error::Other(Box::new(Refused::Private))) } else { Ok(kept) }
    }
}

/// Why nothing was fetched, in a sentence.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// It lies within this network.
    #[error("The address lies within this network. Allow that where you entered it, if it is meant.")]
    Private,
    /// The server said no.
    #[error("The server there answered with the status {0}.")]
    Status(u16),
    /// It did not work.
    #[error("It could not be fetched: {0}.")]
    Failed(String),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        match error {
            Error::StatusCode(status) => Self::Status(status),
            Error::Other(other) => {
                other.downcast::<Self>().map_or_else(|other| Self::Failed(other.to_string()), |own| *own)
            }
            other => Self::Failed(other.to_string()),
        }
    }
}

/// What came.
pub(crate) enum Fetched {
    /// The same as last time.
    Same,
    /// Bytes as they come, of which no more than [`MOST_BYTES`] are read, and their validator.
    New(Box<dyn Read + Send>, Option<String>),
}

/// A client that asks nothing within this network, unless `private` allows that, and gives up after `patience`. Addresses
/// that it is sent on to are held against the same rule.
pub(crate) fn agent(private: bool, patience: Duration) -> Agent {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider).build();
    let config = Agent::config_builder()
        .timeout_global(Some(patience))
        .timeout_connect(Some(FIRST))
        .timeout_recv_response(Some(FIRST))
        .max_redirects(REDIRECTS)
        .user_agent(concat!("Playhouse/", env!("CARGO_PKG_VERSION")))
        .proxy(None)
        .tls_config(tls)
        .build();
    let resolver = Guarded { private, inner: DefaultResolver::default() };
    Agent::with_parts(config, DefaultConnector::default(), resolver)
}

/// Fetches from an address; `private` allows those of this network, and `tag` is the validator of what is there
/// already (RFC 9110, section 8.8.3). Blocks.
///
/// # Errors
/// See [`Refused`].
pub(crate) fn fetch(address: &str, private: bool, tag: Option<&str>) -> Result<Fetched, Refused> {
    let agent = agent(private, PATIENCE);
    let mut request = agent.get(address);
    if let Some(tag) = tag {
        request = request.header("if-none-match", tag);
    }
    let answer = request.call()?;
    if answer.status().as_u16() == 304 {
        return Ok(Fetched::Same);
    }
    let tag = answer.headers().get("etag").and_then(|tag| tag.to_str().ok()).map(ToOwned::to_owned);
    let body = answer.into_body().into_with_config().limit(MOST_BYTES).reader();
    Ok(Fetched::New(Box::new(body), tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_network_are_known() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(!public(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "172.32.0.1"] {
            assert!(public(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn nothing_of_this_machine_is_asked_unless_that_is_allowed() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/list.m3u", listener.local_addr().unwrap());
        assert!(matches!(fetch(&address, false, None), Err(Refused::Private)));
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "somebody knocked");
    }
}
