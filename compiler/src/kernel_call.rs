//! A call of a kernel: all that the planner and the emission ever see of an operation.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use crate::ids::{LayerId, TensorId, ValueId};

/// `T::conv_gemm_forward(batch, &SPEC, x, weights, bias, y, scratch)`, before anything has an address.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelCall {
    /// The name in the runtime's table.
    pub kernel: String,
    /// Its sizes and constants.
    pub spec: Spec,
    /// Its operands, in the kernel's order.
    pub operands: Vec<Operand>,
    /// Whether it wants scratch memory; a constant function of the kernel's name and `_scratch` says how much.
    pub scratch: bool,
    /// The row it belongs to.
    pub layer: LayerId,
    /// The rows before that one whose work it does too.
    pub rows: Vec<LayerId>,
    /// Why this kernel.
    pub why: Cow<'static, str>,
    /// When it runs.
    pub when: When,
}

/// When a call of a pass runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Each time.
    Always,
    /// Only where the gradient of the input is wanted.
    InputGradientWanted,
    /// Only where the loss has written the gradient of the answers, not that of the logits.
    SeededAtOutput,
}

/// One operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// What it is.
    pub data: Data,
    /// What the kernel does to it.
    pub access: Access,
}

/// What an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Data {
    /// A value in the workspace, or an image.
    Value(ValueId),
    /// Weights or statistics.
    Tensor(TensorId),
    /// The gradient of weights.
    Gradient(TensorId),
    /// A tensor that this layer does not have: an empty slice.
    Absent,
    /// The seed, the step and the place of the images: what dropout draws from.
    Pass,
}

/// What a kernel does to an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads it.
    Read,
    /// Overwrites it.
    Write,
    /// Reads and changes it in place.
    Update,
}

impl Operand {
    /// Read.
    pub fn read(data: Data) -> Self {
        Self { data, access: Access::Read }
    }
    /// Overwritten.
    pub fn write(data: Data) -> Self {
        Self { data, access: Access::Write }
    }
    /// Changed in place.
    pub fn update(data: Data) -> Self {
        Self { data, access: Access::Update }
    }
}

impl KernelCall {
    /// The values it touches, with what it does to each.
    pub fn values(&self) -> impl Iterator<Item = (ValueId, Access)> + '_ {
        self.operands.iter().filter_map(|operand| match operand.data {
            Data::Value(value) => Some((value, operand.access)),
            _ => None,
        })
    }

    /// For a copy, from where to where: the planner gives both one address where nothing can tell the difference.
    pub fn as_copy(&self) -> Option<(ValueId, ValueId)> {
        let mut values = self.values().map(|(value, _)| value);
        if self.kernel == COPY { Some((values.next()?, values.next()?)) } else { None }
    }
}

/// The name of the kernel that copies.
pub const COPY: &str = "copy";

/// A kernel's `Spec`: the sizes and constants of a layer, emitted once for each distinct content.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// The kernel's module in the runtime.
    pub module: &'static str,
    /// Its fields.
    pub fields: Vec<(&'static str, Field)>,
}

/// A field of a `Spec`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// A count.
    Size(usize),
    /// Several counts.
    Sizes(Vec<usize>),
    /// Pairs of counts, however many.
    Pairs(Vec<[usize; 2]>),
    /// Constants, however many.
    Reals(Vec<Real>),
    /// A count that may be missing.
    Maybe(Option<usize>),
    /// What random numbers are drawn by.
    Key(u64),
    /// A constant.
    Real(Real),
    /// An activation function.
    Activation(Function),
    /// An activation function, or none.
    LastActivation(Option<Function>),
    /// Whether a kernel adds to what stands in the place of its output, and the activation function it ends in, if any.
    Ending(bool, Option<Function>),
}

impl Field {
    /// Of a kernel that stores what it computes.
    pub const NO_ENDING: Self = Self::Ending(false, None);
}

/// An activation function by the runtime's name for it, with its constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Function(pub &'static str, pub Option<Real>);

/// A constant that is the same only to the last bit, so that specs can be looked up.
#[derive(Clone, Copy, Debug)]
pub struct Real(pub f64);

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Real {}

impl Hash for Real {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl Spec {
    /// An empty one of `module`.
    pub fn new(module: &'static str) -> Self {
        Self { module, fields: Vec::new() }
    }
    /// Adds a count.
    #[must_use]
    pub fn size(mut self, name: &'static str, size: usize) -> Self {
        self.fields.push((name, Field::Size(size)));
        self
    }
    /// Adds several counts.
    #[must_use]
    pub fn sizes(mut self, name: &'static str, sizes: &[usize]) -> Self {
        self.fields.push((name, Field::Sizes(sizes.to_vec())));
        self
    }
    /// Adds a constant.
    #[must_use]
    pub fn real(mut self, name: &'static str, value: f64) -> Self {
        self.fields.push((name, Field::Real(Real(value))));
        self
    }
    /// Adds any field.
    #[must_use]
    pub fn field(mut self, name: &'static str, field: Field) -> Self {
        self.fields.push((name, field));
        self
    }
}
