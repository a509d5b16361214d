//! The address of another site, as browsers name where a page comes from.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use serde::Deserialize;
use url::Url;

/// An origin (RFC 6454): scheme, host and port, without anything behind them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(String);

/// A text that is no origin.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no origin: write scheme, host and, where it is not the usual one, port, as in https://arcade.example"
)]
pub struct NoOrigin(String);

impl Origin {
    /// As browsers write it in `Origin`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let no = || NoOrigin(text.chars().take(100).collect());
        let url = Url::parse(text).ok().ok_or_else(no)?;
        let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let nameless = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !plain || !nameless {
            return Err(no());
        }
        Ok(Self(url.origin().ascii_serialization()))
    }
}

impl TryFrom<String> for Origin {
    type Error = NoOrigin;

    fn try_from(text: String) -> Result<Self, NoOrigin> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (text, origin) in [
            ("https://Arcade.example/", "https://arcade.example"),
            ("https://arcade.example:443", "https://arcade.example"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().as_str(), origin);
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "arcade.example",
            "*",
            "null",
            "https://a.example/page",
            "ftp://a.example",
            "https://me@a.example",
        ] {
            let error = text.parse::<Origin>().unwrap_err().to_string();
            assert!(error.contains(text) && error.contains("as in https://"), "{error}");
        }
    }
}
