//! A call of a kernel: all that the planner and the emission ever see of an operation.

use std::borrow::Cow;

pub use netwright_abi::kernels::Access;
use netwright_abi::kernels::{self, Kernel, KernelId, Operands as _, Signature};
use netwright_abi::spec::{Field, Fields, Sizes};
use netwright_abi::{Activation, Epilogue, Layout};

use crate::ids::{LayerId, TensorId, ValueId};

/// `Kernels::conv_gemm_forward(context, &SPEC, x, weights, bias, y, scratch)`, before anything has an address.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelCall {
    /// The kernel, from the table that the runtime implements.
    pub kernel: KernelId,
    /// Its sizes and constants.
    pub spec: Spec,
    /// Its operands, in the kernel's order.
    pub operands: Vec<Operand>,
    /// The row it belongs to.
    pub layer: LayerId,
    /// The row whose weights or statistics it has, if it has any.
    pub owner: Option<LayerId>,
    /// The rows before that one whose work it does too.
    pub rows: Vec<LayerId>,
    /// Why this kernel.
    pub why: Cow<'static, str>,
    /// When it runs.
    pub when: When,
    /// Whether the kernel is compiled for these sizes alone, where it is not compiled for debugging.
    pub constant_sizes: bool,
    /// The layout of what it computes: whether its batch counts images or blocks of them.
    pub layout: Layout,
    /// The gradient of weights in it that an optimiser's update can compute instead.
    pub fused: Option<FusedGradient>,
}

/// The gradient of the weights of a dense layer, LᵀR, that an optimiser's update can compute, so that it need not be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FusedGradient {
    /// The weights, `[rows, columns]`.
    pub weights: TensorId,
    /// L, `rows` elements for each image.
    pub left: ValueId,
    /// R, `columns` elements for each image.
    pub right: ValueId,
    /// Elements of L, and of R, for each image.
    pub sizes: [usize; 2],
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
}

impl KernelCall {
    /// A call of `kernel` that runs each time.
    pub fn new<S: Signature, Z: Sizes>(
        kernel: Kernel<S, Z>,
        sizes: &Z::Spec<'_>,
        operands: S::Of<Data>,
        layer: LayerId,
        owner: Option<LayerId>,
        why: &'static str,
    ) -> Self {
        let mut listed = Vec::new();
        operands.each(|data, access| listed.push(Operand { data, access }));
        Self {
            kernel: kernel.id,
            spec: Spec::new(kernel.id.module, sizes),
            operands: listed,
            layer,
            owner,
            rows: Vec::new(),
            why: why.into(),
            when: When::Always,
            constant_sizes: false,
            layout: Layout::ChannelsLast,
            fused: None,
        }
    }

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
        if self.kernel == kernels::copy.id { Some((values.next()?, values.next()?)) } else { None }
    }

    /// Whether its kernel changes `value` in place, and takes what it changes from elsewhere too.
    pub(crate) fn takes_source_for(&self, value: ValueId) -> bool {
        let changes = |operand: &Operand| operand.access == Access::Update && operand.data == Data::Value(value);
        self.operands.windows(2).any(|pair| pair[0].access == Access::Source && changes(&pair[1]))
    }

    /// The same call, which adds to what stands in the place of its output.
    #[must_use]
    pub(crate) fn accumulating(mut self) -> Self {
        let written = self.operands.iter_mut().filter(|operand| operand.access == Access::Write);
        written.for_each(|operand| operand.access = Access::Update);
        self
    }
}

/// A kernel's sizes and constants, emitted once for each distinct content.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The kernel's module in the runtime.
    pub module: &'static str,
    /// Its fields.
    pub fields: Vec<(&'static str, Constant)>,
}

/// The value of a field: a [`Field`] that owns its content.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Constant {
    Size(usize),
    Sizes(Vec<usize>),
    Pairs(Vec<[usize; 2]>),
    Reals(Vec<f64>),
    OptionalSize(Option<usize>),
    Key(u64),
    Real(f64),
    Activation(Activation),
    OptionalActivation(Option<Activation>),
    Epilogue(Epilogue),
}

impl Spec {
    /// The sizes of a kernel of `module`.
    pub fn new(module: &'static str, sizes: &impl Fields) -> Self {
        let mut fields = Vec::new();
        sizes.each(|name, field| fields.push((name, field.into())));
        Self { module, fields }
    }
}

impl From<Field<'_>> for Constant {
    fn from(field: Field<'_>) -> Self {
        match field {
            Field::Size(size) => Self::Size(size),
            Field::Sizes(sizes) => Self::Sizes(sizes.to_vec()),
            Field::Pairs(pairs) => Self::Pairs(pairs.to_vec()),
            Field::Reals(values) => Self::Reals(values.to_vec()),
            Field::OptionalSize(size) => Self::OptionalSize(size),
            Field::Key(key) => Self::Key(key),
            Field::Real(value) => Self::Real(value),
            Field::Activation(activation) => Self::Activation(activation),
            Field::OptionalActivation(activation) => Self::OptionalActivation(activation),
            Field::Epilogue(epilogue) => Self::Epilogue(epilogue),
        }
    }
}
