//! The cookie of a sign-in (RFC 6265).

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use playhouse_store::Millis;

/// Its name.
const NAME: &str = "playhouse";

/// The secret in the cookie of a request.
pub(crate) fn read(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == NAME)
        .map(|(_, value)| value)
}

/// The header that gives a browser the secret: out of reach of scripts, and sent from our own pages alone.
pub(crate) fn set(secret: &str, lasts: Millis, tls: bool) -> Option<HeaderValue> {
    let secure = if tls { "; Secure" } else { "" };
    let seconds = lasts / 1000;
    let line = format!("{NAME}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::try_from(line).ok()
}

/// The header that takes it away again.
pub(crate) fn clear(tls: bool) -> Option<HeaderValue> {
    set("", 0, tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=b; playhouse=secret; c=d"));
        assert_eq!(read(&headers), Some("secret"));
        headers.clear();
        headers.append(COOKIE, HeaderValue::from_static("xplayhouse=other; =; ;"));
        assert_eq!(read(&headers), None);
    }

    #[test]
    fn scripts_and_other_sites_do_not_get_it() {
        let line = set("s", 5_000, true).unwrap();
        let expected = "playhouse=s; Path=/; HttpOnly; SameSite=Lax; Max-Age=5; Secure";
        assert_eq!(line.to_str().unwrap(), expected);
    }
}
