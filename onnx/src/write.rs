//! Writing of models.

/// A message under construction.
#[derive(Clone, Debug, Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// An empty message.
    pub fn new() -> Self {
        Self::default()
    }

    /// Its bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Adds an integer.
    pub fn int(&mut self, field: u64, value: i64) -> &mut Self {
        varint(&mut self.0, field << 3);
        varint(&mut self.0, value.cast_unsigned());
        self
    }

    /// Adds bytes, a string, or a message.
    pub fn bytes(&mut self, field: u64, value: impl AsRef<[u8]>) -> &mut Self {
        let value = value.as_ref();
        self.header(field, value.len());
        self.0.extend(value);
        self
    }

    /// Adds the header of a field whose `len` bytes are written after the message.
    pub fn header(&mut self, field: u64, len: usize) -> &mut Self {
        varint(&mut self.0, field << 3 | 2);
        varint(&mut self.0, len as u64);
        self
    }

    /// Adds a floating-point value.
    pub fn float(&mut self, field: u64, value: f32) -> &mut Self {
        varint(&mut self.0, field << 3 | 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Adds a message.
    pub fn message(&mut self, field: u64, value: &Self) -> &mut Self {
        self.bytes(field, &value.0)
    }
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// The value of an attribute.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Attribute {
    Int(i64),
    Float(f32),
    Text(&'static str),
    Ints(Vec<i64>),
}

/// The message of a node.
pub fn node(name: &str, op: &str, inputs: &[&str], outputs: &[&str], attributes: &[(&str, Attribute)]) -> Message {
    let mut node = Message::new();
    for input in inputs {
        node.bytes(1, input);
    }
    for output in outputs {
        node.bytes(2, output);
    }
    node.bytes(3, name).bytes(4, op);
    for (name, value) in attributes {
        let mut attribute = Message::new();
        attribute.bytes(1, name);
        match value {
            Attribute::Float(value) => attribute.float(2, *value).int(20, 1),
            Attribute::Int(value) => attribute.int(3, *value).int(20, 2),
            Attribute::Text(value) => attribute.bytes(4, value).int(20, 3),
            Attribute::Ints(values) => {
                for value in values {
                    attribute.int(8, *value);
                }
                attribute.int(20, 7)
            }
        };
        node.message(5, &attribute);
    }
    node
}

fn tensor(name: &str, dims: &[usize], kind: i64) -> Message {
    let mut tensor = Message::new();
    for dim in dims {
        tensor.int(1, *dim as i64);
    }
    tensor.int(2, kind).bytes(8, name);
    tensor
}

/// The message of a tensor of integers.
pub fn integers(name: &str, values: &[i64]) -> Message {
    let mut tensor = tensor(name, &[values.len()], 7);
    tensor.bytes(9, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>());
    tensor
}

/// The message of a tensor of floating-point values.
pub fn floats(name: &str, dims: &[usize], values: impl Iterator<Item = f32>) -> Message {
    let mut tensor = tensor(name, dims, 1);
    tensor.bytes(9, values.flat_map(f32::to_le_bytes).collect::<Vec<_>>());
    tensor
}

/// The message of a tensor of floating-point values, given as bytes.
pub fn raw(name: &str, dims: &[usize], bytes: &[u8]) -> Message {
    let mut tensor = tensor(name, dims, 1);
    tensor.bytes(9, bytes);
    tensor
}

/// The message of a tensor of floating-point values in an external file.
pub fn external(name: &str, dims: &[usize], location: &str, offset: usize, length: usize) -> Message {
    let mut tensor = tensor(name, dims, 1);
    let offset = offset.to_string();
    for (key, value) in [("location", location), ("offset", &offset), ("length", &length.to_string())] {
        let mut entry = Message::new();
        entry.bytes(1, key).bytes(2, value);
        tensor.message(13, &entry);
    }
    tensor.int(14, 1);
    tensor
}

/// The message of an input or output: a batch of floating-point values with these sizes.
pub fn value(name: &str, dims: &[usize]) -> Message {
    let mut shape = Message::new();
    let mut batch = Message::new();
    batch.bytes(2, "batch");
    shape.message(1, &batch);
    for dim in dims {
        let mut size = Message::new();
        size.int(1, *dim as i64);
        shape.message(1, &size);
    }
    let (mut tensor, mut kind, mut value) = (Message::new(), Message::new(), Message::new());
    tensor.int(1, 1).message(2, &shape);
    kind.message(1, &tensor);
    value.bytes(1, name).message(2, &kind);
    value
}

/// The part of a model before its graph.
pub fn model(opset: i64) -> Message {
    let (mut model, mut version) = (Message::new(), Message::new());
    version.bytes(1, "").int(2, opset);
    model.int(1, 9).bytes(2, "netwright").bytes(3, env!("CARGO_PKG_VERSION")).message(8, &version);
    model
}

/// The field number of the graph in a model.
pub const GRAPH: u64 = 7;
/// The field number of a node in a graph.
pub const NODE: u64 = 1;
/// The field number of an initializer in a graph.
pub const INITIALIZER: u64 = 5;
/// The field number of a graph's name.
pub const NAME: u64 = 2;
/// The field number of an input of a graph.
pub const INPUT: u64 = 11;
/// The field number of an output of a graph.
pub const OUTPUT: u64 = 12;
