//! How connections for media are made over HTTP, whichever way the media goes (RFC 9725, draft-ietf-wish-whep).

use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, ETAG, LINK, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::app::Shared;
use crate::config::IceServer;
use crate::extract::{self, media_type};
use crate::markup::add;
use crate::problem::{Answer, Problem};

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// Candidates taken from one request: a machine with many addresses has some 20.
const MOST_CANDIDATES: usize = 64;

/// The offer in a request's body.
pub(super) async fn offer(request: Request) -> Answer<String> {
    if media_type(request.headers()) != SDP {
        return Err(Problem::wrong_type(SDP)
            .header(HeaderName::from_static("accept-post"), HeaderValue::from_static(SDP)));
    }
    let sdp = extract::body(request).await?;
    let sdp = String::from_utf8(sdp).ok().filter(|sdp| sdp.starts_with("v=0"));
    sdp.ok_or_else(|| Problem::invalid("body", "The body is no SDP: it does not begin with `v=0`."))
}

/// The answer to an offer: the connection is at `location`, and `peer` tells it from earlier ones.
pub(super) fn created(app: &Shared, location: &str, peer: &str, answer: String) -> Response {
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(name, value);
        }
    };
    set(CONTENT_TYPE, SDP);
    set(LOCATION, location);
    set(ETAG, &format!("\"{peer}\""));
    set(HeaderName::from_static("accept-patch"), FRAGMENT);
    for server in &app.config.ice_servers {
        set(LINK, &link(server));
    }
    (StatusCode::CREATED, headers, answer).into_response()
}

/// The candidates in a request's body: a fragment, or JSON as a browser's script has it.
pub(super) async fn candidates(request: Request) -> Answer<Vec<String>> {
    let kind = media_type(request.headers());
    if kind != FRAGMENT && kind != "application/json" {
        let accept = HeaderName::from_static("accept-patch");
        return Err(Problem::wrong_type(FRAGMENT).header(accept, HeaderValue::from_static(FRAGMENT)));
    }
    let bytes = extract::body(request).await?;
    if kind == FRAGMENT {
        return Ok(in_fragment(&String::from_utf8_lossy(&bytes)));
    }
    let one: JsonCandidate = serde_json::from_slice(&bytes)
        .map_err(|error| Problem::invalid("body", format!("The body is no candidate: {error}.")))?;
    // An empty candidate says that there are no more.
    let one = Some(one.candidate.trim_start_matches("a=").to_owned()).filter(|one| !one.is_empty());
    Ok(one.into_iter().collect())
}

/// Says that an address takes offers, and which servers help to reach us; those with passwords only with an answer.
pub(super) fn takes_offers(app: &Shared) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert("accept-post", HeaderValue::from_static(SDP));
    for server in app.config.ice_servers.iter().filter(|server| server.credential.is_none()) {
        if let Ok(link) = HeaderValue::try_from(link(server)) {
            headers.append(LINK, link);
        }
    }
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Says that an address takes candidates.
pub(super) fn takes_candidates() -> Response {
    (StatusCode::NO_CONTENT, [("accept-patch", FRAGMENT)]).into_response()
}

/// An ICE server as a link header has it (RFC 8288, draft-ietf-wish-whep section 4.4).
fn link(server: &IceServer) -> String {
    let quote = |text: &str| text.replace(['"', '\\'], "");
    let mut link = format!("<{}>; rel=\"ice-server\"", server.url);
    if let (Some(username), Some(credential)) = (&server.username, &server.credential) {
        let (username, credential) = (quote(username), quote(credential));
        add(
            &mut link,
            format_args!(
                "; username=\"{username}\"; credential=\"{credential}\"; credential-type=\"password\""
            ),
        );
    }
    link
}

/// The candidates in a fragment (RFC 8840, section 4.4): what follows `a=`, one a line.
fn in_fragment(fragment: &str) -> Vec<String> {
    let lines = fragment.lines().map(str::trim).filter_map(|line| line.strip_prefix("a="));
    lines.filter(|line| line.starts_with("candidate:")).map(str::to_owned).take(MOST_CANDIDATES).collect()
}

/// A candidate as a browser's script has it.
#[derive(Debug, Deserialize)]
struct JsonCandidate {
    candidate: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_found_in_a_fragment() {
        let fragment = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n\
                        a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host\r\na=end-of-candidates\r\n";
        let expected = vec!["candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host"];
        assert_eq!(in_fragment(fragment), expected);
    }

    #[test]
    fn a_turn_server_travels_in_a_link() {
        let turn = IceServer {
            url: "turn:turn.example:3478?transport=udp".to_owned(),
            username: Some("u\"".to_owned()),
            credential: Some("p".to_owned()),
        };
        let expected = "<turn:turn.example:3478?transport=udp>; rel=\"ice-server\"; username=\"u\"; \
                        credential=\"p\"; credential-type=\"password\"";
        assert_eq!(link(&turn), expected);
    }
}
