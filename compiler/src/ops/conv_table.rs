//! Convolution with a connection table (LeCun et al., 1998, Table I): each filter reads some of the channels.

use netwright_abi::Axes;

use super::{
    Conv, EpiloguePart, Expand, GradientContext, LoweringContext, Op, Operation, ParameterKind, ShapeError, TensorSpec,
    check_weight_count,
};
use crate::kernel_call::KernelCall;
use crate::shape::Shape;

/// Convolves, for each filter, the channels in its list. Only connections have weights.
///
/// It is computed as a convolution of all channels, with weights of 0 for missing connections. For finite inputs the sums are the
/// same; an infinite input becomes NaN in filters that are not connected to it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvTable {
    /// The convolution of all channels.
    pub conv: Conv,
    /// The input channels of each filter.
    pub table: Vec<Vec<usize>>,
}

impl ConvTable {
    fn connections(&self) -> usize {
        self.table.iter().map(Vec::len).sum()
    }

    /// The connections, as pairs of an input channel and a filter.
    fn pairs(&self) -> Vec<[usize; 2]> {
        let filters = self.table.iter().enumerate();
        filters.flat_map(|(filter, channels)| channels.iter().map(move |&channel| [channel, filter])).collect()
    }
}

impl Operation for ConvTable {
    fn name(&self) -> &'static str {
        "conv_table"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let output = self.conv.infer(inputs)?;
        let channels = inputs[0].channels();
        if let Some(channel) = self.table.iter().flatten().find(|channel| **channel >= channels) {
            return Err(ShapeError::new(format!("its table names channel {channel}, and its input has {channels}"))
                .help(format!("channels are counted from 0: the last is {}", channels - 1)));
        }
        let [tall, wide] = self.conv.window.size;
        check_weight_count(&[tall, wide, self.connections()])?;
        Ok(output)
    }

    fn tensors(&self, inputs: &[Shape], _output: Shape) -> Vec<TensorSpec> {
        let ([tall, wide], connections) = (self.conv.window.size, self.connections());
        let mean = |of: usize| (tall * wide * connections).div_ceil(of);
        let shape = vec![tall, wide, connections];
        let [fan_in, fan_out] = [mean(self.table.len()), mean(inputs[0].channels())];
        let mut tensors = vec![TensorSpec::weight(self.conv.kernel, Axes::Own, shape, fan_in, fan_out)];
        if self.conv.bias {
            tensors.push(TensorSpec::vector("bias", ParameterKind::Bias, self.table.len(), 0.0));
        }
        tensors
    }

    fn kernels(&self, inputs: &[Shape], output: Shape) -> Vec<&'static str> {
        self.conv.kernels(inputs, output)
    }

    fn expanded(&self, inputs: &[Shape]) -> Option<[Op; 2]> {
        let Conv { window, kernel: weights, .. } = self.conv;
        let expand = Expand {
            window: window.size,
            channels: inputs[0].channels(),
            connections: self.pairs(),
            filters: self.table.len(),
            weights,
        };
        Some([expand.into(), self.conv.into()])
    }

    fn forward(&self, _at: &LoweringContext<'_>) -> Vec<KernelCall> {
        unreachable!("`expand` has put a convolution in its place")
    }

    fn takes_epilogue(&self, part: EpiloguePart) -> bool {
        self.conv.takes_epilogue(part)
    }

    fn gradient(&self, _at: &GradientContext<'_>) -> Vec<KernelCall> {
        unreachable!("`expand` has put a convolution in its place")
    }

    fn macs(&self, _inputs: &[Shape], output: Shape) -> u64 {
        let taps = self.conv.window.size[0] * self.conv.window.size[1] * self.connections();
        output.positions() as u64 * taps as u64
    }
}
