//! Whether bytes are framed as an ONNX model: every length stays within its message, every number ends.
//!
//! rten (0.27) reads a number of more than ten bytes for ever, so that a damaged model would stop a sensor. To be removed when
//! it no longer does: the test `a_number_without_an_end_stops_nobody` says.

/// How deep messages may lie within each other: graphs in attributes of nodes of graphs, five deep.
const DEEPEST: usize = 24;

/// Messages of ONNX that have others or packed numbers within.
/// <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Value,
    Type,
    /// A tensor's or a sequence's type.
    Inner,
    Shape,
    /// Numbers and texts only.
    Plain,
}

/// What is in a field that has a length.
enum Content {
    Message(Message),
    /// Numbers, one after the other.
    Numbers,
    /// Texts and raw numbers: anything.
    Bytes,
}

impl Message {
    fn content(self, field: u64) -> Content {
        use Message::{Attribute, Graph, Inner, Model, Node, Plain, Shape, Tensor, Type, Value};
        Content::Message(match (self, field) {
            (Model, 7) | (Attribute, 6 | 11) => Graph,
            (Graph, 1) => Node,
            (Node, 5) => Attribute,
            (Graph, 5) | (Attribute, 5 | 10) => Tensor,
            (Graph, 11..=13) => Value,
            // `Inner` has a tensor's shape, or what a sequence is of.
            (Value, 2) | (Attribute, 14 | 15) | (Inner, 1) => Type,
            (Type, 1 | 4 | 9) => Inner,
            (Inner, 2) => Shape,
            (Model, 8 | 14) | (Graph, 16) | (Node, 9) | (Value, 4) | (Shape, 1) | (Tensor, 3 | 13) => Plain,
            (Tensor, 1 | 5 | 7 | 11) | (Attribute, 8) => return Content::Numbers,
            _ => return Content::Bytes,
        })
    }
}

/// Whether these bytes are framed as a model.
pub(super) fn is_sound(bytes: &[u8]) -> bool {
    walk(bytes, Message::Model, 0).is_some()
}

fn walk(mut bytes: &[u8], message: Message, depth: usize) -> Option<()> {
    if depth > DEEPEST {
        return None;
    }
    while !bytes.is_empty() {
        let tag = number(&mut bytes)?;
        match tag & 7 {
            0 => drop(number(&mut bytes)?),
            1 => bytes = bytes.get(8..)?,
            5 => bytes = bytes.get(4..)?,
            2 => {
                let length = usize::try_from(number(&mut bytes)?).ok()?;
                let (mut inner, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                match message.content(tag >> 3) {
                    Content::Message(message) => walk(inner, message, depth + 1)?,
                    Content::Numbers => {
                        while !inner.is_empty() {
                            number(&mut inner)?;
                        }
                    }
                    Content::Bytes => {}
                }
            }
            _ => return None,
        }
    }
    Some(())
}

/// Takes a number of at most ten bytes: seven bits each, the last one without the highest bit.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let length = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
    let (own, rest) = bytes.split_at(length);
    *bytes = rest;
    Some(own.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_an_end_stops_nobody() {
        assert!(!is_sound(&[0xff; 300]));
        assert!(!is_sound(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
        // -1, as ONNX writes it: ten bytes.
        assert!(is_sound(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]));
    }

    #[test]
    fn a_length_beyond_the_end_is_noticed_at_any_depth() {
        // A graph (7) with a node (1) with a name of two bytes (3).
        assert!(is_sound(&[0x3a, 6, 0x0a, 4, 0x1a, 2, b'a', b'b']));
        assert!(!is_sound(&[0x3a, 6, 0x0a, 4, 0x1a, 3, b'a', b'b']));
        assert!(!is_sound(&[0x3a, 6, 0x0a, 5, 0x1a, 2, b'a', b'b']));
        assert!(!is_sound(&[0x3a, 7, 0x0a, 4, 0x1a, 2, b'a', b'b']));
    }
}
