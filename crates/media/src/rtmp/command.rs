//! What publishers ask for, and the answers they understand.

use super::amf::{self, Value};
use super::chunk::Message;

/// Message type ids (sections 5.4 and 7.1).
pub(super) const SET_CHUNK_SIZE: u8 = 1;
pub(super) const ABORT: u8 = 2;
pub(super) const ACKNOWLEDGEMENT: u8 = 3;
pub(super) const USER_CONTROL: u8 = 4;
pub(super) const WINDOW_SIZE: u8 = 5;
pub(super) const PEER_BANDWIDTH: u8 = 6;
pub(super) const AUDIO: u8 = 8;
pub(super) const VIDEO: u8 = 9;
pub(super) const DATA_AMF3: u8 = 15;
pub(super) const COMMAND_AMF3: u8 = 17;
pub(super) const DATA: u8 = 18;
pub(super) const COMMAND: u8 = 20;

/// A command, its number, and what it says.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) name: String,
    pub(super) number: f64,
    pub(super) arguments: Vec<Value>,
}

impl Command {
    /// Reads a message; none where it is no command.
    pub(super) fn parse(message: &Message) -> Option<Self> {
        let mut values = amf::read(body(message)).into_iter();
        let Value::String(name) = values.next()? else { return None };
        let number = values.next().and_then(|value| value.number()).unwrap_or(0.0);
        Some(Self { name, number, arguments: values.collect() })
    }

    pub(super) fn text(&self, at: usize) -> Option<&str> {
        self.arguments.get(at)?.text()
    }
}

/// Messages of AMF3 have a byte in front that says that what follows is AMF0 after all.
pub(super) fn body(message: &Message) -> &[u8] {
    let amf3 = matches!(message.kind, COMMAND_AMF3 | DATA_AMF3) && message.data.first() == Some(&0);
    if amf3 { &message.data[1..] } else { &message.data }
}

/// Which tracks the metadata of a stream names (`onMetaData`); none where it is none.
pub(super) fn tracks(message: &Message) -> Option<(bool, bool)> {
    let values = amf::read(body(message));
    let named = values.iter().take(2).any(|value| value.text() == Some("onMetaData"));
    let fields = values.iter().find(|value| matches!(value, Value::Object(_))).filter(|_| named)?;
    let has = |name| fields.get(name).is_some_and(|value| !matches!(value, Value::Null));
    Some((has("videocodecid"), has("audiocodecid")))
}

/// An answer to a command.
pub(super) fn result(number: f64, values: &[Value]) -> Vec<u8> {
    amf::write(&[&[text("_result"), Value::Number(number)], values].concat())
}

/// What became of the connection or of the stream.
pub(super) fn status(level: &str, code: &str, description: &str) -> Value {
    object([("level", text(level)), ("code", text(code)), ("description", text(description))])
}

pub(super) fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

pub(super) fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The stream key: `?key=` behind the stream's name or the application, or else the name itself.
pub(super) fn key(application: &str, name: &str) -> String {
    let asked = |text: &str| {
        let (_, query) = text.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix("key=")).map(str::to_owned)
    };
    asked(name)
        .or_else(|| asked(application))
        .unwrap_or_else(|| name.split('?').next().unwrap_or(name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_where_programs_put_it() {
        assert_eq!(key("live", "abc"), "abc");
        assert_eq!(key("live", "abc?user=1"), "abc");
        assert_eq!(key("live", "anything?a=b&key=abc"), "abc");
        assert_eq!(key("live?key=abc", ""), "abc");
    }
}
