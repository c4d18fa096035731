//! A kernel call: the only view of an operation that the memory planner and code emission have.

use std::borrow::Cow;

pub use netwright_abi::kernels::Access;
use netwright_abi::kernels::{self, Kernel, KernelId, Operands as _, Signature};
use netwright_abi::spec::{Field, Fields, Sizes};
use netwright_abi::{Activation, Epilogue, Layout};

use crate::ids::{LayerId, TensorId, ValueId};

/// `Kernels::conv_gemm_forward(context, &SPEC, x, weights, bias, y, scratch)`, before its operands have addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelCall {
    /// The kernel's row in the table that the runtime implements.
    pub kernel: KernelId,
    /// Its sizes and constants.
    pub spec: Spec,
    /// Its operands, in the order of that row.
    pub operands: Vec<Operand>,
    /// The table row of the layer.
    pub layer: LayerId,
    /// The row that owns its weights or statistics, if it has any.
    pub owner: Option<LayerId>,
    /// The earlier rows whose work is fused into this call.
    pub rows: Vec<LayerId>,
    /// The reason for this kernel, printed in `PLAN`.
    pub why: Cow<'static, str>,
    /// The condition under which it runs.
    pub when: When,
    /// Whether the kernel is compiled for these sizes as constants, except in debug builds.
    pub constant_sizes: bool,
    /// The layout of its result: its batch counts images, or blocks of images.
    pub layout: Layout,
    /// The gradient of weights in this call that an optimiser's update can compute instead.
    pub fused: Option<FusedGradient>,
}

/// The gradient of the weights of a dense layer, LᵀR. An optimiser's update can compute it, so that it is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FusedGradient {
    /// The weights, `[rows, columns]`.
    pub weights: TensorId,
    /// L, with `rows` elements per image.
    pub left: ValueId,
    /// R, with `columns` elements per image.
    pub right: ValueId,
    /// The number of elements of L, and of R, per image.
    pub sizes: [usize; 2],
}

/// The condition under which a call of a pass runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Runs always.
    Always,
    /// Runs only where the gradient of the input is requested.
    InputGradientWanted,
    /// Runs only where the loss has written the gradient of the outputs, not that of the logits.
    SeededAtOutput,
}

/// One operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// The data.
    pub data: Data,
    /// The kernel's access to it.
    pub access: Access,
}

/// The data of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Data {
    /// A value in the workspace, or an image.
    Value(ValueId),
    /// Weights or statistics.
    Tensor(TensorId),
    /// The gradient of weights.
    Gradient(TensorId),
    /// A tensor that this layer does not have; passed as an empty slice.
    Absent,
}

impl KernelCall {
    /// A call of `kernel` that always runs.
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

    /// The values it accesses, with the kind of access.
    pub fn values(&self) -> impl Iterator<Item = (ValueId, Access)> + '_ {
        self.operands.iter().filter_map(|operand| match operand.data {
            Data::Value(value) => Some((value, operand.access)),
            _ => None,
        })
    }

    /// The source and the destination of a copy. The planner gives both the same address where no step can tell the difference.
    pub fn as_copy(&self) -> Option<(ValueId, ValueId)> {
        let mut values = self.values().map(|(value, _)| value);
        if self.kernel == kernels::copy.id { Some((values.next()?, values.next()?)) } else { None }
    }

    /// Whether its kernel updates `value` in place and can also read the previous elements from a separate source.
    pub(crate) fn takes_source_for(&self, value: ValueId) -> bool {
        let changes = |operand: &Operand| operand.access == Access::Update && operand.data == Data::Value(value);
        self.operands.windows(2).any(|pair| pair[0].access == Access::Source && changes(&pair[1]))
    }

    /// The same call, which accumulates into its output.
    #[must_use]
    pub(crate) fn accumulating(mut self) -> Self {
        let written = self.operands.iter_mut().filter(|operand| operand.access == Access::Write);
        written.for_each(|operand| operand.access = Access::Update);
        self
    }
}

/// A kernel's sizes and constants; equal ones are emitted once.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The kernel's module in the runtime.
    pub module: &'static str,
    /// Its fields.
    pub fields: Vec<(&'static str, Constant)>,
}

/// The value of a field: an owned [`Field`].
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
