//! The model as stored in the file: nodes, tensors and values by name, borrowed from the bytes.

use netwright_abi::FileKind;

use crate::elements::{Elements, ExternalData};
use crate::list::List;
use crate::wire::{Field, Fields, varint};
use crate::{DataType, Error, MOST_MEMORY};

/// A model.
#[derive(Debug)]
pub struct Model<'a> {
    /// The program that wrote it: `pytorch`.
    pub producer: &'a str,
    /// The version of the operator set `ai.onnx` that its nodes use.
    pub opset: i64,
    /// Whether it defines functions.
    pub has_functions: bool,
    /// Its graph.
    pub graph: Graph<'a>,
}

/// A graph.
#[derive(Debug, Default)]
pub struct Graph<'a> {
    /// Its name.
    pub name: &'a str,
    /// The nodes, in the file's order.
    pub nodes: List<Node<'a>>,
    /// Tensors with elements.
    pub initializers: List<Tensor<'a>>,
    /// The inputs; some exporters list the initializers too.
    pub inputs: Vec<Value<'a>>,
    /// The outputs.
    pub outputs: Vec<Value<'a>>,
}

/// One operation.
#[derive(Debug, Default)]
pub struct Node<'a> {
    /// Its name, which may be empty.
    pub name: &'a str,
    /// The operator: `Conv`.
    pub op: &'a str,
    /// The domain of the operator; empty for `ai.onnx`.
    pub domain: &'a str,
    /// The names of the inputs; empty for an optional input that is absent.
    pub inputs: Vec<&'a str>,
    /// The names of the outputs.
    pub outputs: Vec<&'a str>,
    /// Its attributes by name.
    pub attributes: Vec<(&'a str, Attribute<'a>)>,
}

/// The value of an attribute.
#[derive(Clone, Debug)]
pub enum Attribute<'a> {
    /// A floating-point value.
    Float(f32),
    /// An integer.
    Int(i64),
    /// A string.
    Text(&'a [u8]),
    /// A tensor.
    Tensor(Tensor<'a>),
    /// Floating-point values.
    Floats(Vec<f32>),
    /// Integers.
    Ints(Vec<i64>),
    /// A value that no supported operator has: a graph, a list of tensors.
    Other(&'static str),
}

/// A tensor; its elements are read on request.
#[derive(Clone, Debug)]
pub struct Tensor<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its sizes, slowest first.
    pub dims: Vec<usize>,
    /// The data type of its elements.
    pub kind: DataType,
    message: &'a [u8],
    /// The maximum number of bytes for elements that must be converted.
    most: usize,
    /// Whether its elements are in an external file.
    pub is_external: bool,
}

/// The declaration of a value.
#[derive(Clone, Debug, Default)]
pub struct Value<'a> {
    /// Its name.
    pub name: &'a str,
    /// The data type of its elements, if declared.
    pub kind: Option<DataType>,
    /// Its sizes, if it is a tensor of a known rank; a symbolic size is `None`.
    pub dims: Option<Vec<Option<usize>>>,
}

/// The size by which a list may exceed the file.
const LIST_EXCESS: usize = 1 << 13;

/// A limit for allocations.
struct Budget {
    most: usize,
    left: usize,
    /// The maximum number of bytes of a single allocation.
    at_once: usize,
}

impl Budget {
    fn spend(&mut self, bytes: usize) -> Result<(), Error> {
        self.left = self.left.checked_sub(bytes).ok_or(Error::TooManyParts { most: self.most })?;
        Ok(())
    }

    fn push<T>(&mut self, all: &mut Vec<T>, one: T) -> Result<(), Error> {
        // A growing vector doubles its capacity, and holds both buffers for a moment.
        self.spend(3 * size_of::<T>())?;
        if 2 * (all.len() + 1) * size_of::<T>() > self.at_once {
            return Err(Error::TooManyParts { most: self.at_once });
        }
        all.push(one);
        Ok(())
    }

    fn add<T>(&mut self, all: &mut List<T>, one: T) -> Result<(), Error> {
        self.spend(2 * size_of::<T>())?;
        all.push(one);
        Ok(())
    }
}

impl<'a> Model<'a> {
    /// Reads a model.
    ///
    /// # Errors
    /// [`Error::OtherFile`], [`Error::Malformed`], [`Error::NoGraph`], [`Error::TooManyParts`], [`Error::Tensor`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::parse(bytes).map_err(|error| match (&error, FileKind::of(bytes)) {
            (Error::Malformed { .. } | Error::NoGraph, Some(found)) if found != FileKind::ONNX => {
                Error::OtherFile { found }
            }
            _ => error,
        })
    }

    fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        const WHAT: &str = "the model";
        let most = bytes.len().max(MOST_MEMORY);
        let mut budget = Budget { most, left: most, at_once: bytes.len() + LIST_EXCESS };
        let (mut producer, mut opset, mut has_functions, mut graph) = ("", 1, false, None);
        for field in Fields::of(bytes, WHAT) {
            match field? {
                (2, field) => producer = field.text(WHAT)?,
                (7, field) => Graph::read(graph.get_or_insert_default(), field.bytes(WHAT)?, &mut budget)?,
                (8, field) => {
                    let (mut domain, mut version) = ("", 0);
                    for field in Fields::of(field.bytes(WHAT)?, "a version of operators") {
                        match field? {
                            (1, field) => domain = field.text("a version of operators")?,
                            (2, field) => version = field.int("a version of operators")?,
                            _ => {}
                        }
                    }
                    if matches!(domain, "" | "ai.onnx") {
                        opset = version;
                    }
                }
                (25, _) => has_functions = true,
                _ => {}
            }
        }
        let graph = graph
            .filter(|graph: &Graph<'_>| !(graph.outputs.is_empty() && graph.nodes.is_empty()))
            .ok_or(Error::NoGraph)?;
        Ok(Self { producer, opset, has_functions, graph })
    }
}

impl<'a> Graph<'a> {
    fn read(graph: &mut Self, message: &'a [u8], budget: &mut Budget) -> Result<(), Error> {
        const WHAT: &str = "the graph";
        for field in Fields::of(message, WHAT) {
            match field? {
                (1, field) => {
                    let node = Node::read(field.bytes(WHAT)?, budget)?;
                    budget.add(&mut graph.nodes, node)?;
                }
                (2, field) => graph.name = field.text(WHAT)?,
                (5, field) => {
                    let tensor = Tensor::read(field.bytes(WHAT)?, budget)?;
                    budget.add(&mut graph.initializers, tensor)?;
                }
                (11, field) => {
                    let value = Value::read(field.bytes(WHAT)?, budget)?;
                    budget.push(&mut graph.inputs, value)?;
                }
                (12, field) => {
                    let value = Value::read(field.bytes(WHAT)?, budget)?;
                    budget.push(&mut graph.outputs, value)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Every tensor with elements, under the name by which nodes read it: initializers, and the outputs of `Constant` nodes.
    pub fn constants(&self) -> impl Iterator<Item = (&'a str, &Tensor<'a>)> {
        let initializers = self.initializers.iter().map(|tensor| (tensor.name, tensor));
        let constants = self.nodes.iter().filter(|node| node.op == "Constant").filter_map(|node| {
            match (node.outputs.first(), node.attribute("value")) {
                (Some(name), Some(Attribute::Tensor(tensor))) => Some((*name, tensor)),
                _ => None,
            }
        });
        initializers.chain(constants)
    }
}

impl<'a> Node<'a> {
    fn read(message: &'a [u8], budget: &mut Budget) -> Result<Self, Error> {
        const WHAT: &str = "a node";
        let mut node = Self::default();
        for field in Fields::of(message, WHAT) {
            match field? {
                (1, field) => budget.push(&mut node.inputs, field.text(WHAT)?)?,
                (2, field) => budget.push(&mut node.outputs, field.text(WHAT)?)?,
                (3, field) => node.name = field.text(WHAT)?,
                (4, field) => node.op = field.text(WHAT)?,
                (5, field) => {
                    let attribute = attribute(field.bytes(WHAT)?, budget)?;
                    budget.push(&mut node.attributes, attribute)?;
                }
                (7, field) => node.domain = field.text(WHAT)?,
                _ => {}
            }
        }
        if node.domain == "ai.onnx" {
            node.domain = "";
        }
        Ok(node)
    }

    /// The attribute with this name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// Reads an attribute's name and value. A graph in an attribute is not read, so that nested graphs cost nothing.
fn attribute<'a>(message: &'a [u8], budget: &mut Budget) -> Result<(&'a str, Attribute<'a>), Error> {
    const WHAT: &str = "an attribute";
    let (mut name, mut kind, mut value) = ("", 0, None);
    let (mut floats, mut ints) = (Vec::new(), Vec::new());
    for field in Fields::of(message, WHAT) {
        match field? {
            (1, field) => name = field.text(WHAT)?,
            (20, field) => kind = field.int(WHAT)?,
            (2, field) => value = Some(Attribute::Float(field.float(WHAT)?)),
            (3, field) => value = Some(Attribute::Int(field.int(WHAT)?)),
            (4, field) => value = Some(Attribute::Text(field.bytes(WHAT)?)),
            (5, field) => value = Some(Attribute::Tensor(Tensor::read(field.bytes(WHAT)?, budget)?)),
            (6 | 11, _) => value = Some(Attribute::Other("a graph")),
            (7, Field::Bytes(packed)) => {
                for bytes in packed.chunks(4) {
                    let bytes = bytes.try_into();
                    let problem = "its fractions end within one";
                    let bytes = bytes.map_err(|_| Error::Malformed { what: WHAT, problem })?;
                    budget.push(&mut floats, f32::from_le_bytes(bytes))?;
                }
            }
            (7, field) => budget.push(&mut floats, field.float(WHAT)?)?,
            (8, field) => integers(field, &mut ints, budget)?,
            (9, _) => value = Some(Attribute::Other("a list of texts")),
            (10, _) => value = Some(Attribute::Other("a list of tensors")),
            _ => {}
        }
    }
    // A value of 0 may be omitted.
    let value = match (value, kind) {
        _ if !floats.is_empty() => Attribute::Floats(floats),
        _ if !ints.is_empty() => Attribute::Ints(ints),
        (Some(value), _) => value,
        (None, 1) => Attribute::Float(0.0),
        (None, 2) => Attribute::Int(0),
        (None, 3) => Attribute::Text(b""),
        (None, 6) => Attribute::Floats(Vec::new()),
        (None, 7) => Attribute::Ints(Vec::new()),
        (None, _) => Attribute::Other("nothing"),
    };
    Ok((name, value))
}

/// Reads integers, packed or as single fields.
fn integers(field: Field<'_>, all: &mut Vec<i64>, budget: &mut Budget) -> Result<(), Error> {
    const WHAT: &str = "a list of whole numbers";
    let Field::Bytes(mut packed) = field else { return budget.push(all, field.int(WHAT)?) };
    while !packed.is_empty() {
        let value = varint(&mut packed).ok_or(Error::Malformed { what: WHAT, problem: "it ends within a number" })?;
        budget.push(all, value.cast_signed())?;
    }
    Ok(())
}

impl<'a> Tensor<'a> {
    fn read(message: &'a [u8], budget: &mut Budget) -> Result<Self, Error> {
        const WHAT: &str = "a tensor";
        let (mut name, mut dims, mut kind, mut is_external) = ("", Vec::new(), 0, false);
        for field in Fields::of(message, WHAT) {
            match field? {
                (1, field) => integers(field, &mut dims, budget)?,
                (2, field) => kind = field.int(WHAT)?,
                (8, field) => name = field.text(WHAT)?,
                (14, field) => is_external = field.int(WHAT)? == 1,
                _ => {}
            }
        }
        let wrong = |problem: &str| Error::Tensor { tensor: name.to_owned(), problem: problem.to_owned() };
        let mut sizes = Vec::new();
        for dim in dims {
            let dim = usize::try_from(dim).map_err(|_| wrong("has a negative size"))?;
            budget.push(&mut sizes, dim)?;
        }
        let len = sizes.iter().try_fold(1_usize, |len, &dim| len.checked_mul(dim));
        if len.is_none_or(|len| len > usize::MAX / 16) {
            return Err(wrong("has sizes that no memory holds"));
        }
        Ok(Self { name, dims: sizes, kind: DataType::of(kind), message, most: budget.at_once, is_external })
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its elements, if they are in the model's file.
    ///
    /// # Errors
    /// [`Error::Tensor`] if they are in an external file, or if their number does not match the sizes.
    pub fn elements(&self) -> Result<Elements<'a>, Error> {
        Elements::inside(self, self.message, self.most)
    }

    /// The location of its elements in an external file.
    pub(crate) fn external_data(&self) -> Result<ExternalData<'a>, Error> {
        ExternalData::read(self.name, self.message)
    }
}

impl<'a> Value<'a> {
    fn read(message: &'a [u8], budget: &mut Budget) -> Result<Self, Error> {
        const WHAT: &str = "an input or output";
        let mut value = Self::default();
        let part = |number: u64, message: &'a [u8]| -> Result<Option<&'a [u8]>, Error> {
            let mut found = None;
            for field in Fields::of(message, WHAT) {
                let (this, field) = field?;
                if this == number {
                    found = Some(field.bytes(WHAT)?);
                }
            }
            Ok(found)
        };
        for field in Fields::of(message, WHAT) {
            match field? {
                (1, field) => value.name = field.text(WHAT)?,
                (2, field) => {
                    let Some(tensor) = part(1, field.bytes(WHAT)?)? else { continue };
                    for field in Fields::of(tensor, WHAT) {
                        match field? {
                            (1, field) => value.kind = Some(DataType::of(field.int(WHAT)?)),
                            (2, field) => {
                                let dims = value.dims.get_or_insert_default();
                                for field in Fields::of(field.bytes(WHAT)?, WHAT) {
                                    let (1, field) = field? else { continue };
                                    let mut size = None;
                                    for field in Fields::of(field.bytes(WHAT)?, WHAT) {
                                        if let (1, field) = field? {
                                            size = usize::try_from(field.int(WHAT)?).ok();
                                        }
                                    }
                                    budget.push(dims, size)?;
                                }
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(value)
    }
}
