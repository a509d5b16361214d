//! Writes small ONNX models for tests, field by field: <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

/// A message under construction.
#[derive(Clone, Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }

    fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn message(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }
}

/// A tensor of floating-point numbers with a name.
fn tensor(name: &str, shape: &[usize], values: &[f32]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let message = shape.iter().fold(Message::default(), |message, length| message.number(1, *length as u64));
    message.number(2, 1).bytes(8, name.as_bytes()).bytes(9, &raw)
}

/// An input or output.
fn value(name: &str, shape: &[usize]) -> Message {
    let dimensions = shape.iter().fold(Message::default(), |message, length| {
        message.message(1, &Message::default().number(1, *length as u64))
    });
    let kind = Message::default().number(1, 1).message(2, &dimensions);
    Message::default().bytes(1, name.as_bytes()).message(2, &Message::default().message(1, &kind))
}

fn node(kind: &str, inputs: &[&str], output: &str) -> Message {
    let message = inputs.iter().fold(Message::default(), |message, input| message.bytes(1, input.as_bytes()));
    message.bytes(2, output.as_bytes()).bytes(4, kind.as_bytes())
}

/// A model that takes pictures of these shapes and, whatever they show, answers `answer` of the shape `output`. On the way
/// there it applies the operator `through`, which has to take and give one tensor.
pub(crate) fn model(inputs: &[&[usize]], through: &str, output: &[usize], answer: &[f32]) -> Vec<u8> {
    let mut mean = node("ReduceMean", &["picture0"], "mean");
    let keep = Message::default().bytes(1, b"keepdims").number(3, 0).number(20, 2);
    mean = mean.message(5, &keep);
    let mut graph = Message::default()
        .message(1, &mean)
        .message(1, &node(through, &["mean"], "through"))
        .message(1, &node("Mul", &["through", "nothing"], "none"))
        .message(1, &node("Add", &["answer", "none"], "things"))
        .bytes(2, b"test")
        .message(5, &tensor("nothing", &[], &[0.0]))
        .message(5, &tensor("answer", output, answer));
    for (n, shape) in inputs.iter().enumerate() {
        graph = graph.message(11, &value(&format!("picture{n}"), shape));
    }
    graph = graph.message(12, &value("things", output));
    Message::default()
        .number(1, 8)
        .message(7, &graph)
        .message(8, &Message::default().bytes(1, b"").number(2, 17))
        .0
}
