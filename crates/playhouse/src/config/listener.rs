//! An address that is listened at, or `off`.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::Deserialize;

/// Where something is listened at, if it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Listener(pub Option<SocketAddr>);

impl FromStr for Listener {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let address = text.parse().map_err(|_error| format!("`{text}` is neither ADDRESS:PORT nor `off`"))?;
        Ok(Self(Some(address)))
    }
}

impl TryFrom<String> for Listener {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("off"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_off() {
        for text in ["127.0.0.1:1935", "[::1]:9998", "off"] {
            assert_eq!(text.parse::<Listener>().unwrap().to_string(), text);
        }
        assert!("1935".parse::<Listener>().unwrap_err().contains("off"));
    }
}
