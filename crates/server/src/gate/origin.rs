//! Where a request comes from: other sites' pages may not act for a person who is signed in here, and only
//! configured origins may embed the player.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HOST, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use crate::config::Config;
use crate::gate::caller::bearer;
use crate::problem::Problem;

/// What a request's origin is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Our own page, or no browser at all.
    Own,
    /// A page that may embed the player.
    Embedding(HeaderValue),
    /// Some other page.
    Foreign,
}

/// Judges where a request comes from. `Origin` (RFC 6454) decides; without it `Sec-Fetch-Site` does, which every
/// browser of today sends.
pub(crate) fn judge(config: &Config, headers: &HeaderMap, uri: &Uri) -> Origin {
    let Some(origin) = headers.get(ORIGIN) else {
        let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
        return match site {
            None | Some("same-origin" | "none") => Origin::Own,
            Some(_) => Origin::Foreign,
        };
    };
    let text = origin.to_str().unwrap_or_default();
    let authority = text.split_once("://").map(|(_, authority)| authority);
    let host = headers.get(HOST).and_then(|value| value.to_str().ok());
    let host = host.or_else(|| uri.authority().map(axum::http::uri::Authority::as_str));
    if authority.is_some() && authority == host {
        Origin::Own
    } else if config.embed_origins.iter().any(|allowed| allowed.as_str() == text) {
        Origin::Embedding(origin.clone())
    } else {
        Origin::Foreign
    }
}

/// Refuses what changes something and comes from another site's page. Whoever brings a bearer token is no browser
/// that was tricked.
pub(crate) fn check(origin: &Origin, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || *origin != Origin::Foreign || bearer(headers).is_some() {
        return Ok(());
    }
    let detail = "The request came from another site's page. Open Playhouse itself and do it there, or name that \
                  site in the configuration: `embed-origins = [\"https://…\"]`.";
    Err(Problem::new(StatusCode::FORBIDDEN, "wrong-origin", "Wrong origin", detail))
}

/// Lets an embedding page read the answer. Cookies are not part of it: such a page brings an invite's token.
pub(crate) fn share(origin: &Origin, headers: &mut HeaderMap) {
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let Origin::Embedding(page) = origin else { return };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, page.clone());
    let fixed = [
        (ACCESS_CONTROL_EXPOSE_HEADERS, "Location, Link, ETag, Playhouse-Seat, Retry-After"),
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PATCH, DELETE, OPTIONS"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type, Authorization, If-Match"),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let mut config =
            Config::new("d".into(), "r".into(), Vec::new(), playhouse_play::control::NetSpec::default());
        config.embed_origins = vec!["https://arcade.example".parse().unwrap()];
        config
    }

    fn from(origin: Option<&'static str>, site: Option<&'static str>) -> Origin {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("play.example:8080"));
        origin.map(|origin| headers.insert(ORIGIN, HeaderValue::from_static(origin)));
        site.map(|site| headers.insert("sec-fetch-site", HeaderValue::from_static(site)));
        judge(&config(), &headers, &Uri::from_static("/api/sessions"))
    }

    #[test]
    fn another_sites_page_cannot_act_for_a_person() {
        assert_eq!(from(None, None), Origin::Own);
        assert_eq!(from(Some("http://play.example:8080"), None), Origin::Own);
        assert_eq!(from(None, Some("same-origin")), Origin::Own);
        for foreign in ["http://evil.example", "http://play.example", "null", "http://play.example:8080.evil"]
        {
            assert_eq!(from(Some(foreign), None), Origin::Foreign, "{foreign}");
        }
        assert_eq!(from(None, Some("cross-site")), Origin::Foreign);
        assert_eq!(from(None, Some("same-site")), Origin::Foreign);
        assert!(check(&Origin::Foreign, &Method::POST, &HeaderMap::new()).is_err());
        assert!(check(&Origin::Foreign, &Method::GET, &HeaderMap::new()).is_ok());
    }

    #[test]
    fn only_configured_pages_embed_the_player() {
        let embedding = from(Some("https://arcade.example"), None);
        assert_eq!(embedding, Origin::Embedding(HeaderValue::from_static("https://arcade.example")));
        let mut headers = HeaderMap::new();
        share(&embedding, &mut headers);
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "https://arcade.example");
        headers.clear();
        share(&Origin::Foreign, &mut headers);
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }
}
