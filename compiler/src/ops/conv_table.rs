//! Convolution with a connection table (LeCun et al., 1998, Table I): each filter sees some of the channels.

use netwright_abi::spec::conv_table::Spec;
use netwright_abi::{Activation, Axes, Epilogue, kernels};

use super::conv::{spec, window_error};
use super::{
    EpiloguePart, GradientContext, LoweringContext, Operation, ParameterKind, ShapeError, TensorSpec, image,
    refuse_enormous_weights,
};
use crate::kernel_call::KernelCall;
use crate::shape::{Shape, Window};

/// Convolves, for each filter, the channels of its list. Only what is connected has weights.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvTable {
    /// Size, stride, dilation and padding.
    pub window: Window,
    /// The channels that each filter sees.
    pub table: Vec<Vec<usize>>,
    /// Whether each filter has a bias.
    pub bias: bool,
}

impl ConvTable {
    fn connections(&self) -> usize {
        self.table.iter().map(Vec::len).sum()
    }

    /// What is connected: an input channel and a filter.
    fn pairs(&self) -> Vec<[usize; 2]> {
        let filters = self.table.iter().enumerate();
        filters.flat_map(|(filter, channels)| channels.iter().map(move |&channel| [channel, filter])).collect()
    }

    fn spec<'a>(
        &self,
        at: &LoweringContext<'_>,
        connections: &'a [[usize; 2]],
        activation: Option<Activation>,
    ) -> Spec<'a> {
        let conv = spec(&self.window, 1, at.x_shape(0), at.y_shape(), Epilogue::NONE);
        Spec {
            input: conv.input,
            output: conv.output,
            window: conv.window,
            stride: conv.stride,
            padding: conv.padding,
            dilation: conv.dilation,
            connections,
            activation,
        }
    }
}

impl Operation for ConvTable {
    fn name(&self) -> &'static str {
        "conv_table"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let sizes @ [height, width, channels] = image(inputs[0], "a convolution", self.window.extent())?;
        let laid = self.window.lay([height, width]).ok_or_else(|| window_error(&self.window, sizes))?;
        if let Some(channel) = self.table.iter().flatten().find(|channel| **channel >= channels) {
            return Err(ShapeError::new(format!("its table names channel {channel}, and its input has {channels}"))
                .help(format!("channels are counted from 0: the last is {}", channels - 1)));
        }
        refuse_enormous_weights(&[self.window.size[0], self.window.size[1], self.connections()])?;
        Ok(Shape::Image { height: laid.output[0], width: laid.output[1], channels: self.table.len() })
    }

    fn tensors(&self, inputs: &[Shape], _output: Shape) -> Vec<TensorSpec> {
        let ([tall, wide], connections) = (self.window.size, self.connections());
        let mean = |of: usize| (tall * wide * connections).div_ceil(of);
        let shape = vec![tall, wide, connections];
        let mut tensors =
            vec![TensorSpec::weight("kernel", Axes::Own, shape, mean(self.table.len()), mean(inputs[0].channels()))];
        if self.bias {
            tensors.push(TensorSpec::vector("bias", ParameterKind::Bias, self.table.len(), 0.0));
        }
        tensors
    }

    fn forward(&self, at: &LoweringContext<'_>) -> Vec<KernelCall> {
        let pairs = self.pairs();
        let spec = self.spec(at, &pairs, at.activation());
        vec![at.with_epilogue(at.weighted_call(kernels::conv_table_forward, &spec, "kernel"))]
    }

    fn takes_epilogue(&self, part: EpiloguePart) -> bool {
        part != EpiloguePart::Sum
    }

    fn gradient(&self, at: &GradientContext<'_>) -> Vec<KernelCall> {
        let pairs = self.pairs();
        let spec = self.spec(at, &pairs, None);
        vec![
            at.call(kernels::conv_table_grad_weights, &spec, at.weight_gradient("kernel")),
            at.weighted_input_gradient(kernels::conv_table_grad_input, &spec, "kernel"),
        ]
    }

    fn macs(&self, _inputs: &[Shape], output: Shape) -> u64 {
        let taps = self.window.size[0] * self.window.size[1] * self.connections();
        output.positions() as u64 * taps as u64
    }
}
