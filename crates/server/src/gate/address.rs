//! Which address a request comes from, behind trusted proxies too.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::app::Shared;
use crate::network::Network;
use crate::problem::{Answer, Problem};

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address(pub(crate) IpAddr);

impl FromRequestParts<Shared> for Address {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Answer<Self> {
        /// Stands for all requests whose address is not known: they share one count of wrong attempts.
        const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() else {
            return Ok(Self(UNKNOWN));
        };
        Ok(Self(client(peer.ip(), &parts.headers, &app.config.trusted_proxies)))
    }
}

/// The client behind `peer`: whoever is trusted is believed about the address in front of it, which each proxy adds
/// at the end of `X-Forwarded-For`. What stands before that, anybody may have written.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    // Several headers of that name are one list (RFC 9110, section 5.3).
    let lists = headers.get_all("x-forwarded-for").iter().rev();
    let mut told = lists.flat_map(|list| list.to_str().unwrap_or_default().rsplit(','));
    let mut client = peer;
    while trusted.iter().any(|network| network.contains(client)) {
        // Where a proxy says nothing that can be read, it has to answer for its clients itself.
        let Some(before) = told.next().and_then(address) else { break };
        client = before;
    }
    client
}

/// An entry of the list: an address, which some proxies put into brackets or add a port to.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client found for a peer, the lists that came with its request, and the proxies that are trusted.
    fn seen(peer: &str, lists: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append("x-forwarded-for", list.parse().unwrap());
        }
        let trusted: Vec<Network> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn nobody_is_believed_who_is_no_trusted_proxy() {
        assert_eq!(seen("203.0.113.7", &["198.51.100.1"], &[]), "203.0.113.7");
        assert_eq!(seen("203.0.113.7", &["198.51.100.1"], &["127.0.0.1"]), "203.0.113.7");
        assert_eq!(seen("::1", &["198.51.100.1"], &["127.0.0.1"]), "::1");
    }

    #[test]
    fn a_client_behind_a_proxy_cannot_choose_its_address() {
        let proxy = &["127.0.0.1"];
        assert_eq!(seen("127.0.0.1", &["203.0.113.7"], proxy), "203.0.113.7");
        assert_eq!(seen("127.0.0.1", &["198.51.100.1, 203.0.113.7"], proxy), "203.0.113.7");
        assert_eq!(seen("127.0.0.1", &["198.51.100.1", "203.0.113.7"], proxy), "203.0.113.7");
        assert_eq!(seen("127.0.0.1", &["127.0.0.1, 203.0.113.7"], proxy), "203.0.113.7");
    }

    #[test]
    fn proxies_in_a_row_are_passed_over() {
        let proxies = &["127.0.0.1", "10.0.0.0/8"];
        assert_eq!(seen("127.0.0.1", &["198.51.100.1,203.0.113.7, 10.1.2.3"], proxies), "203.0.113.7");
        assert_eq!(seen("127.0.0.1", &["203.0.113.7", "10.1.2.3", "10.3.2.1"], proxies), "203.0.113.7");
        assert_eq!(seen("127.0.0.1", &["10.1.2.3"], proxies), "10.1.2.3", "a proxy itself is asking");
    }

    #[test]
    fn rubbish_leaves_the_proxy_to_answer_for_its_clients() {
        let proxy = &["127.0.0.1"];
        assert_eq!(seen("127.0.0.1", &[], proxy), "127.0.0.1");
        for rubbish in
            ["", ",", "unknown", "203.0.113.7, ", "203.0.113.7, _hidden", "300.0.0.1", "[::1", "1.2.3.4:x"]
        {
            assert_eq!(seen("127.0.0.1", &[rubbish], proxy), "127.0.0.1", "{rubbish:?}");
        }
        assert_eq!(seen("127.0.0.1", &["rubbish, 203.0.113.7"], proxy), "203.0.113.7");
    }

    #[test]
    fn addresses_are_read_in_every_form_that_proxies_write() {
        let proxy = &["::1", "127.0.0.1"];
        assert_eq!(seen("::1", &["2001:db8::7"], proxy), "2001:db8::7");
        assert_eq!(seen("::1", &["[2001:db8::7]"], proxy), "2001:db8::7");
        assert_eq!(seen("::1", &["[2001:db8::7]:4711"], proxy), "2001:db8::7");
        assert_eq!(seen("::ffff:127.0.0.1", &["203.0.113.7:4711"], proxy), "203.0.113.7");
    }
}
