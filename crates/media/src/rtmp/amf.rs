//! Values of AMF0 (Adobe AMF 0, 2.2 to 2.18), in which commands and metadata are written.

/// How deep objects may lie in one another, and how many values there may be in a message: far more than publishers
/// send.
const DEEPEST: u8 = 8;
const MOST_VALUES: usize = 1024;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// Yes or no.
    Boolean(bool),
    /// A text; what is no UTF-8 is replaced.
    String(String),
    /// Names and values: an object, an array by names.
    Object(Vec<(String, Value)>),
    /// Values in a row.
    Array(Vec<Value>),
    /// Nothing, and whatever says nothing here.
    Null,
}

impl Value {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The number, if it is one.
    pub fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The value of a name, if it is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().find(|(there, _)| there == name).map(|(_, value)| value)
    }
}

/// All values of a message, up to the first that cannot be read.
pub fn read(data: &[u8]) -> Vec<Value> {
    let mut reader = Reader { rest: data, left: MOST_VALUES };
    let mut values = Vec::new();
    while !reader.rest.is_empty() {
        let Some(value) = reader.value(0) else { break };
        values.push(value);
    }
    values
}

struct Reader<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    fn text(&mut self, long: bool) -> Option<String> {
        let length = if long {
            usize::try_from(u32::from_be_bytes(self.array()?)).ok()?
        } else {
            u16::from_be_bytes(self.array()?).into()
        };
        Some(String::from_utf8_lossy(self.bytes(length)?).into_owned())
    }

    fn value(&mut self, depth: u8) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        if depth > DEEPEST {
            return None;
        }
        let [kind] = self.array()?;
        Some(match kind {
            0 => Value::Number(f64::from_be_bytes(self.array()?)),
            1 => Value::Boolean(self.array::<1>()? != [0]),
            2 => Value::String(self.text(false)?),
            3 => Value::Object(self.fields(depth)?),
            // An array by names: how many there are is said, but an end follows all the same.
            8 => {
                self.bytes(4)?;
                Value::Object(self.fields(depth)?)
            }
            10 => {
                let count = u32::from_be_bytes(self.array()?);
                Value::Array((0..count).map(|_| self.value(depth + 1)).collect::<Option<_>>()?)
            }
            // A date, with a time zone.
            11 => {
                self.bytes(10)?;
                Value::Null
            }
            12 | 15 => Value::String(self.text(true)?),
            // Null, undefined, unsupported.
            5 | 6 | 13 => Value::Null,
            _ => return None,
        })
    }

    fn fields(&mut self, depth: u8) -> Option<Vec<(String, Value)>> {
        let mut fields = Vec::new();
        loop {
            let name = self.text(false)?;
            if self.rest.first() == Some(&9) {
                self.bytes(1)?;
                return Some(fields);
            }
            fields.push((name, self.value(depth + 1)?));
        }
    }
}

/// Writes values one after the other. A text that is too long is cut.
pub fn write(values: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        put(&mut out, value);
    }
    out
}

fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Number(number) => {
            out.push(0);
            out.extend(number.to_be_bytes());
        }
        Value::Boolean(yes) => out.extend([1, u8::from(*yes)]),
        Value::String(text) => {
            out.push(2);
            put_text(out, text);
        }
        Value::Object(fields) => {
            out.push(3);
            for (name, value) in fields {
                put_text(out, name);
                put(out, value);
            }
            out.extend([0, 0, 9]);
        }
        Value::Array(values) => {
            out.push(10);
            out.extend(u32::try_from(values.len()).unwrap_or(u32::MAX).to_be_bytes());
            for value in values {
                put(out, value);
            }
        }
        Value::Null => out.push(5),
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend(length.to_be_bytes());
    out.extend_from_slice(&text.as_bytes()[..length.into()]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            (-1e9..1e9).prop_map(Value::Number),
            any::<bool>().prop_map(Value::Boolean),
            "[a-zä]{0,9}".prop_map(Value::String),
            Just(Value::Null),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(("[a-z]{1,5}", inner.clone()), 0..4).prop_map(Value::Object),
                prop::collection::vec(inner, 0..4).prop_map(Value::Array),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_come_back_as_they_were_written(values in prop::collection::vec(value(), 0..5)) {
            prop_assert_eq!(read(&write(&values)), values);
        }

        #[test]
        fn rubbish_is_survived(data in prop::collection::vec(0_u8..18, 0..300)) {
            let _ = read(&data);
        }
    }

    #[test]
    fn an_array_that_claims_to_be_endless_takes_no_memory() {
        assert_eq!(read(&[10, 0xFF, 0xFF, 0xFF, 0xFF, 5, 5]), []);
        assert_eq!(read(&[3, 0, 1, b'a'].repeat(5_000)), [], "too deep");
    }
}
