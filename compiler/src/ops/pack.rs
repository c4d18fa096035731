//! The weights of a layer as its kernel reads them: packed once for all predictions, or once a training step for all its micro-batches.

use netwright_abi::kernels::{self, Prepare};
use netwright_abi::spec::{conv, dense};

use super::{GradientContext, LoweringContext, Operation, Phase, ShapeError};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// The form that weights are packed in, with the sizes of what they are the weights of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Packing {
    /// Filters in panels for a prediction.
    Panels(conv::Spec),
    /// Winograd's transforms, in such panels.
    Winograd(conv::Spec),
    /// The same for the way forward in training.
    WinogradFine(conv::Spec),
    /// The same for the gradient of the input: of filters rotated and transposed.
    WinogradRotated(conv::Spec),
    /// Filters as products of matrices pack them.
    Filters(conv::Spec),
    /// The same, of filters rotated and transposed.
    Rotated(conv::Spec),
    /// Filters transposed, in small blocks.
    Blocks(conv::Spec),
    /// Filters of several groups in their tiles.
    Grouped(conv::Spec),
    /// The same, rotated and transposed.
    GroupedRotated(conv::Spec),
    /// A matrix as a product packs it whose right factor it is.
    Matrix(dense::Spec),
    /// A matrix as a product packs it whose right factor is its transpose.
    Transposed(dense::Spec),
}

/// Packs weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pack {
    /// Into what.
    pub packing: Packing,
    /// What the weights are called.
    pub weights: &'static str,
}

impl Pack {
    /// Elements of the packed weights.
    pub fn len(&self) -> usize {
        match self.packing {
            Packing::Panels(spec) => spec.packed_len(),
            Packing::Winograd(spec) => spec.winograd_len(),
            Packing::WinogradFine(spec) => spec.fine_winograd_len(),
            Packing::Filters(spec) | Packing::Rotated(spec) | Packing::Blocks(spec) => spec.weights_len(),
            Packing::Grouped(spec) => spec.grouped_len(false),
            Packing::GroupedRotated(spec) => spec.grouped_len(true),
            Packing::WinogradRotated(spec) => spec.rotated().winograd_len(),
            Packing::Matrix(spec) | Packing::Transposed(spec) => spec.inputs * spec.outputs,
        }
    }

    /// Never: a layer has a weight.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Operation for Pack {
    fn name(&self) -> &'static str {
        "pack"
    }

    fn infer(&self, _inputs: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(Shape::Flat(self.len()))
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let operands = Prepare { w: at.tensor(self.weights), prepared: at.y() };
        let call = match &self.packing {
            Packing::Panels(spec) => at.call(kernels::conv_pack, spec, operands),
            Packing::Winograd(spec) => at.call(kernels::conv_winograd_pack, spec, operands),
            Packing::WinogradFine(spec) => at.call(kernels::conv_winograd_pack_fine, spec, operands),
            Packing::WinogradRotated(spec) => at.call(kernels::conv_winograd_pack_rotated, spec, operands),
            Packing::Filters(spec) => at.call(kernels::conv_gemm_pack, spec, operands),
            Packing::Rotated(spec) => at.call(kernels::conv_gemm_pack_rotated, spec, operands),
            Packing::Blocks(spec) => at.call(kernels::conv_direct_pack_rotated, spec, operands),
            Packing::Grouped(spec) => at.call(kernels::conv_grouped_pack, spec, operands),
            Packing::GroupedRotated(spec) => at.call(kernels::conv_grouped_pack_rotated, spec, operands),
            Packing::Matrix(spec) => at.call(kernels::dense_pack, spec, operands),
            Packing::Transposed(spec) => at.call(kernels::dense_pack_transposed, spec, operands),
        };
        let why = match at.phase {
            Phase::Predicting => "once for all predictions",
            Phase::Training => "once a step for all micro-batches",
        };
        vec![KernelCall { why: why.into(), ..call }]
    }

    fn gradient(&self, _at: &GradientContext<'_>) -> Vec<KernelCall> {
        unreachable!("nothing is read of what weights were packed into but by the layer that has them")
    }
}
