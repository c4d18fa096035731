//! The filters of a convolution as its kernel reads them: when predicting, packed once for all passes.

use netwright_abi::Epilogue;
use netwright_abi::kernels::{self, Prepare};

use super::conv::spec;
use super::{GradientContext, LoweringContext, Operation, ShapeError};
use crate::kernel_call::KernelCall;
use crate::shape::{Shape, Window};

/// The form that filters are packed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Panels for a product of matrices.
    Panels,
    /// Winograd's transforms, in such panels.
    Winograd,
}

/// Packs the filters of a convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pack {
    /// Into what.
    pub packing: Packing,
    /// The window of the convolution.
    pub window: Window,
    /// Its groups of channels.
    pub groups: usize,
    /// What comes in.
    pub input: Shape,
    /// What goes out.
    pub output: Shape,
    /// What its weights are called.
    pub kernel: &'static str,
}

impl Pack {
    /// The sizes of the convolution.
    pub fn spec(&self) -> netwright_abi::spec::conv::Spec {
        spec(&self.window, self.groups, self.input, self.output, Epilogue::NONE)
    }

    /// Elements of the packed filters.
    pub fn len(&self) -> usize {
        match self.packing {
            Packing::Panels => self.spec().packed_len(),
            Packing::Winograd => self.spec().winograd_len(),
        }
    }

    /// Never: a filter has a tap.
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
        let operands = Prepare { w: at.tensor(self.kernel), prepared: at.y() };
        let kernel = match self.packing {
            Packing::Panels => kernels::conv_pack,
            Packing::Winograd => kernels::conv_winograd_pack,
        };
        let call = at.call(kernel, &self.spec(), operands);
        vec![KernelCall { why: "once for all predictions".into(), ..call }]
    }

    fn gradient(&self, _at: &GradientContext<'_>) -> Vec<KernelCall> {
        unreachable!("training packs nothing")
    }
}
