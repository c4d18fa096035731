//! The context of lowering an operation: its node in the graph, and constructors of its kernel calls.

use netwright_abi::kernels::{self, Kernel, Signature};
use netwright_abi::spec::{self, Sizes};
use netwright_abi::{Activation as Function, Epilogue, LANES, Layout};

use super::{InLanes, Phase};
use crate::graph::{self, Graph, LayerId, Node, TensorId, ValueId};
use crate::kernel_call::{Data, FusedGradient, KernelCall};
use crate::selection::Direction;
use crate::shape::Shape;

/// Declares the two variants of kernels with weights for one direction.
macro_rules! weighted_kernel {
    ($(#[$about:meta])* $name:ident: $plain:ident, $packing:ident) => {
        $(#[$about])*
        #[derive(Debug)]
        pub(crate) enum $name<Z> {
            /// The kernel reads the weights, or their prepared form in place of them.
            Plain(Kernel<kernels::$plain<()>, Z>),
            /// The kernel packs the weights, unless it receives them packed.
            Packing(Kernel<kernels::$packing<()>, Z>),
        }

        impl<Z> Clone for $name<Z> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<Z> Copy for $name<Z> {}

        impl<Z> From<Kernel<kernels::$plain<()>, Z>> for $name<Z> {
            fn from(kernel: Kernel<kernels::$plain<()>, Z>) -> Self {
                Self::Plain(kernel)
            }
        }

        impl<Z> From<Kernel<kernels::$packing<()>, Z>> for $name<Z> {
            fn from(kernel: Kernel<kernels::$packing<()>, Z>) -> Self {
                Self::Packing(kernel)
            }
        }
    };
}

weighted_kernel! {
    /// A forward kernel of a layer with weights.
    ForwardKernel: Weighted, Packable
}

weighted_kernel! {
    /// A kernel for the gradient with respect to the input of a layer with weights.
    InputGradientKernel: GradInput, PackableGradInput
}

/// A node in its graph, as its operation sees it in the forward pass.
#[derive(Debug)]
pub struct LoweringContext<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// The node.
    pub node: &'a Node,
    /// Prediction or training.
    pub phase: Phase,
}

impl LoweringContext<'_> {
    /// The input with this index.
    pub fn x(&self, index: usize) -> Data {
        Data::Value(self.node.inputs[index])
    }
    /// Its shape.
    pub fn x_shape(&self, index: usize) -> Shape {
        self.kernel_shape(self.node.inputs[index])
    }
    /// The output.
    pub fn y(&self) -> Data {
        Data::Value(self.node.output)
    }
    /// Its shape.
    pub fn y_shape(&self) -> Shape {
        self.kernel_shape(self.node.output)
    }
    /// The shape of the node's result before the pool of its epilogue.
    pub fn z_shape(&self) -> Shape {
        match self.node.epilogue.pool {
            None => self.y_shape(),
            Some(_) => self.graph.computed_shape(self.node).as_image(),
        }
    }
    /// The shape of a value as the node's kernel sees it: for some kernels, a block of images in the lanes is one image with more
    /// channels.
    fn kernel_shape(&self, value: ValueId) -> Shape {
        let shape = self.graph.shape(value).as_image();
        match self.graph.layout(self.node.output) {
            Layout::ImagesInLanes if self.selected(Direction::Predicting) != Some(InLanes::KERNEL) => {
                shape.with_channels(LANES)
            }
            _ => shape,
        }
    }
    /// The saved value with this index, for the backward pass.
    pub fn saved(&self, index: usize) -> Data {
        Data::Value(self.node.saved[index])
    }
    /// The tensor called `name`.
    pub fn tensor(&self, name: &str) -> Data {
        self.tensor_id(name).map_or(Data::Absent, Data::Tensor)
    }
    /// The weights called `name` as kernels read them: those that another node computed from the tensor, where there is such a node.
    pub(crate) fn weights(&self, name: &str) -> Data {
        self.graph.expanded_weights(self.node).map_or_else(|| self.tensor(name), Data::Value)
    }
    /// The row that owns the tensor called `name`. It may differ from the node's row, since nodes are merged.
    pub(crate) fn row_of(&self, name: &str) -> LayerId {
        self.tensor_id(name).map_or(self.node.layer, |id| self.graph.tensors[id.0].layer)
    }
    /// Its weights, prepared for a direction.
    pub(super) fn prepared(&self, direction: Direction) -> Data {
        self.node.prepared(direction).map_or(Data::Absent, Data::Value)
    }
    /// The scale and shift per channel of the output. A bias is a shift.
    pub fn scale_and_shift(&self) -> [Data; 2] {
        match self.node.epilogue.affine {
            Some(values) => values.map(Data::Value),
            None => [Data::Absent, self.tensor("bias")],
        }
    }
    /// The forward call of a layer with weights called `weights`; the kernel reads them, or their prepared form.
    pub(crate) fn weighted_call<Z: Sizes>(
        &self,
        kernel: impl Into<ForwardKernel<Z>>,
        sizes: &Z::Spec<'_>,
        weights: &str,
    ) -> KernelCall {
        let [scale, shift] = self.scale_and_shift();
        let (x, y, weights, packed) = (self.x(0), self.y(), self.weights(weights), self.prepared(self.phase.forward()));
        match kernel.into() {
            ForwardKernel::Plain(kernel) => {
                let w = if packed == Data::Absent { weights } else { packed };
                self.call(kernel, sizes, kernels::Weighted { x, w, scale, shift, y })
            }
            ForwardKernel::Packing(kernel) => {
                self.call(kernel, sizes, kernels::Packable { x, w: weights, packed, scale, shift, y })
            }
        }
    }
    /// The epilogue as a constant for the kernel.
    pub fn epilogue(&self) -> Epilogue {
        Epilogue { accumulate: self.node.epilogue.sum.is_some(), activation: self.activation() }
    }
    /// The activation of the epilogue, for kernels that support no other part.
    pub fn activation(&self) -> Option<Function> {
        self.node.epilogue.activation
    }
    /// The calls that compute the output: a copy of the epilogue's sum, into which the kernel accumulates.
    pub fn with_epilogue_and_sum(&self, call: KernelCall) -> Vec<KernelCall> {
        let call = self.with_epilogue(call);
        match self.node.epilogue.sum {
            None => vec![call],
            Some(sum) => {
                let len = self.graph.values[sum.0].unit();
                vec![self.copy(len, Data::Value(sum), self.y()), call.accumulating()]
            }
        }
    }
    /// The call, with the epilogue's parts in its reason and the merged rows.
    pub fn with_epilogue(&self, call: KernelCall) -> KernelCall {
        let graph::Epilogue { affine, sum, activation, pool, rows } = &self.node.epilogue;
        let parts = [
            affine.map(|_| "a scale and shift of each channel".to_owned()),
            sum.map(|_| "a sum".to_owned()),
            activation.map(|activation| activation.name().to_owned()),
            pool.map(|pool| pool.to_string()),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            return call;
        }
        let why = format!("{}; epilogue: {}, before its elements leave the cache", call.why, parts.join(", "));
        let rows = call.rows.iter().chain(rows).copied().collect();
        KernelCall { why: why.into(), rows, ..call }
    }
    fn tensor_id(&self, name: &str) -> Option<TensorId> {
        self.node.tensors.iter().copied().find(|tensor| self.graph.tensors[tensor.0].name == name)
    }
    /// A call of `kernel` for this node.
    pub fn call<S: Signature, Z: Sizes>(
        &self,
        kernel: Kernel<S, Z>,
        sizes: &Z::Spec<'_>,
        operands: S::Of<Data>,
    ) -> KernelCall {
        let (layer, owner) = (self.node.layer, self.graph.owner_of(self.node));
        let layout = self.graph.layout(self.node.output);
        let why = "the only kernel of this operation";
        KernelCall { layout, ..KernelCall::new(kernel, sizes, operands, layer, owner, why) }
    }
    /// The name of the candidate selected for a direction.
    pub fn selected(&self, direction: Direction) -> Option<&'static str> {
        self.node.selected(direction).map(|selected| selected.name)
    }
    /// The call, with the reason why its kernel was selected for a direction.
    pub fn because(&self, direction: Direction, call: KernelCall) -> KernelCall {
        match self.node.selected(direction) {
            Some(selected) => KernelCall { why: selected.why.clone().into(), ..call },
            None => call,
        }
    }
    /// A copy of `len` elements per image; the planner elides it where it can.
    pub fn copy(&self, len: usize, x: Data, y: Data) -> KernelCall {
        let call = self.call(kernels::copy, &spec::copy::Spec { len }, kernels::Unary { x, y });
        KernelCall { why: "a value that is read again later is changed in place".into(), ..call }
    }
}

/// A node as its operation sees it in the backward pass.
#[derive(Debug)]
pub struct GradientContext<'a> {
    /// The node in the forward pass.
    pub forward: LoweringContext<'a>,
    /// The gradient of the output.
    pub dy: ValueId,
    /// The destinations of the gradients of the inputs.
    pub dx: Vec<ValueId>,
    /// Whether the gradient of the only input accumulates into its destination.
    pub adds: bool,
}

impl GradientContext<'_> {
    /// The gradient of the output.
    pub fn dy(&self) -> Data {
        Data::Value(self.dy)
    }
    /// The destination of the gradient of input `index`; to be overwritten unless it accumulates.
    pub fn dx(&self, index: usize) -> Data {
        Data::Value(self.dx[index])
    }
    /// The gradient of the tensor called `name`; kernels accumulate into it.
    pub fn gradient(&self, name: &str) -> Data {
        self.forward.tensor_id(name).map_or(Data::Absent, Data::Gradient)
    }
    /// The operands for the gradients of weights and bias.
    pub fn weight_gradient(&self, kernel: &str) -> kernels::GradWeights<Data> {
        let dw = self.expanded_gradient().map_or_else(|| self.gradient(kernel), |(value, _)| Data::Value(value));
        kernels::GradWeights { x: self.forward.x(0), dy: self.dy(), dw, db: self.gradient("bias") }
    }
    /// The destination of the gradient of weights that another node computed, with their number; kernels accumulate into it.
    fn expanded_gradient(&self) -> Option<(ValueId, usize)> {
        let weights = self.graph.expanded_weights(self.node)?;
        let index = self.node.inputs.iter().position(|&input| input == weights)?;
        Some((self.dx[index], self.graph.values[weights.0].extent.len()))
    }
    /// The call that sets the gradient of such weights to zero.
    pub(crate) fn clear_expanded_gradient(&self) -> Option<KernelCall> {
        let (sum, len) = self.expanded_gradient()?;
        let call = self.call(kernels::clear, &spec::copy::Spec { len }, kernels::Clear { sum: Data::Value(sum) });
        Some(KernelCall { why: "the gradient of the weights is added to it".into(), ..call })
    }
    /// The gradient of a dense layer's weights as an optimiser's update computes it: XᵀdY, or dYᵀX where the weights are transposed.
    /// `None` for layouts other than channels last.
    pub(crate) fn fused_gradient(&self, kernel: &str, transposed: bool) -> Option<FusedGradient> {
        let (graph, node) = (self.forward.graph, self.forward.node);
        let weights = self.forward.tensor_id(kernel).filter(|_| graph.layout(node.output) == Layout::ChannelsLast)?;
        let (x, dy) = ((node.inputs[0], self.forward.x_shape(0).len()), (self.dy, self.forward.y_shape().len()));
        let ((left, rows), (right, columns)) = if transposed { (dy, x) } else { (x, dy) };
        Some(FusedGradient { weights, left, right, sizes: [rows, columns] })
    }
    /// The call for the gradient with respect to the input of a layer with weights called `weights`.
    pub(crate) fn weighted_input_gradient<Z: Sizes>(
        &self,
        kernel: impl Into<InputGradientKernel<Z>>,
        sizes: &Z::Spec<'_>,
        weights: &str,
    ) -> KernelCall {
        let (dy, w, dx) = (self.dy(), self.forward.weights(weights), self.dx(0));
        match kernel.into() {
            InputGradientKernel::Plain(kernel) => self.call(kernel, sizes, kernels::GradInput { dy, w, dx }),
            InputGradientKernel::Packing(kernel) => {
                let packed = self.prepared(Direction::InputGradient);
                self.call(kernel, sizes, kernels::PackableGradInput { dy, w, packed, dx })
            }
        }
    }
}

impl<'a> core::ops::Deref for GradientContext<'a> {
    type Target = LoweringContext<'a>;
    fn deref(&self) -> &LoweringContext<'a> {
        &self.forward
    }
}
