//! Import of convolutions and matrix products.

use netwright_onnx::Node;
use netwright_onnx::source::Change;

use super::attributes::{float, int, ints, pair, window};
use super::constant::{BATCH, Weights};
use super::layout::{Layout, Run, along};
use super::problem::{Answer, Problem};
use super::reading::{Known, Order, Reading, Value};
use super::written;
use crate::builder::WeightOptions;
use crate::graph::ValueId;
use crate::ops::{Conv, Deconv, Dense, Depthwise, Op, Reshape};
use crate::shape::{Padding, Shape, Window};

/// The axes of filters.
struct Filters {
    outputs: Run,
    inputs: Run,
    height: Run,
    width: Run,
}

impl Filters {
    fn of(weights: &Weights<'_>) -> Answer<Self> {
        match weights.axes.as_slice() {
            [outputs, inputs, height, width] => {
                Ok(Self { outputs: *outputs, inputs: *inputs, height: *height, width: *width })
            }
            [outputs, inputs, length] => {
                Ok(Self { outputs: *outputs, inputs: *inputs, height: *length, width: Run { len: 1, stride: 0 } })
            }
            more => Err(Problem::new(format!("its filters have {} axes, and those of an image have 4", more.len()))),
        }
    }

    fn size(&self, node: &Node<'_>) -> Answer<[usize; 2]> {
        let size = [self.height.len, self.width.len];
        match ints(node, "kernel_shape").map(|shape| pair(shape, "kernel_shape")).transpose()? {
            Some(said) if said != size => Err(Problem::new("its kernel_shape is not that of its filters")),
            _ => Ok(size),
        }
    }
}

/// A kernel in the network's memory order, with its bias.
pub(super) struct Weighted<'m> {
    pub(super) op: Op,
    pub(super) kernel: Weights<'m>,
    pub(super) axes: Vec<Run>,
    /// The factors of the kernel and of the bias.
    pub(super) factors: [f64; 2],
    pub(super) bias: Option<(Weights<'m>, Vec<Run>)>,
}

impl<'m> Reading<'m> {
    /// Adds a row with a kernel; shares the kernel if another layer has it.
    pub(super) fn weighted(&mut self, word: &str, weighted: Weighted<'m>, x: ValueId) -> Answer<ValueId> {
        let Weighted { op, kernel, axes, factors, bias } = weighted;
        let form: Vec<usize> = axes.iter().flat_map(|run| [run.len, run.stride]).collect();
        let tied = self.tied(&kernel, &form);
        let text = written::stage(&op, self.builder.shape(x)).unwrap_or_else(|| word.to_owned());
        let text = match &tied {
            Some(layer) => format!("{text} tied {layer}"),
            None => text,
        };
        let is_flat = matches!(self.builder.shape(x), Shape::Flat(_));
        let mut ops = vec![op];
        if word == "dense" && !is_flat {
            ops.insert(0, Reshape { to: None }.into());
        }
        let shares = tied.is_some();
        let options = WeightOptions { tied, ..WeightOptions::default() };
        let output = self.row(word, text, ops, &[x], options)?;
        self.source("kernel", &kernel, axes, Change::Times(factors[0]));
        if let Some((bias, axes)) = bias {
            self.source("bias", &bias, axes, Change::Times(factors[1]));
        }
        if !shares {
            self.has_kernel(&kernel, form);
        }
        Ok(output)
    }

    pub(super) fn conv(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        let kernel = self.weights(node, 1, "filters")?;
        let filters = Filters::of(&kernel)?;
        let size = filters.size(node)?;
        let group = int(node, "group", 1);
        let groups = usize::try_from(group).ok().filter(|groups| *groups > 0);
        let groups = groups.ok_or_else(|| Problem::new(format!("its group is {group}")))?;
        let outputs = filters.outputs.len;
        let pixel = size == [1, 1] && ints(node, "pads").is_none_or(|pads| pads.iter().all(|pad| *pad == 0));
        let is_row =
            matches!(self.builder.shape(value.id), Shape::Flat(_)) && value.layout.0[1..].iter().all(Vec::is_empty);
        if pixel && groups == 1 && is_row {
            // A single pixel, which is a flat value here.
            self.check_channels(value.layout.sizes()[0], filters.inputs.len, 1)?;
            let bias = self.bias(node, outputs)?;
            let op = Dense { outputs, bias: bias.is_some(), transposed: false, asked: None }.into();
            let axes = vec![filters.inputs, filters.outputs];
            let id = self.weighted("dense", Weighted { op, kernel, axes, factors: [1.0; 2], bias }, value.id)?;
            return Ok(self.channels_first(id, value.layout.0.len()));
        }
        let (x, [height, width, channels]) = self.image(&value)?;
        self.check_channels(channels, filters.inputs.len, groups)?;
        let window = window(node, size, [height, width])?;
        let bias = self.bias(node, outputs)?;
        let (has_bias, multiplier) = (bias.is_some(), outputs / channels.max(1));
        let (word, op, axes): (_, Op, _) = if groups > 1 && groups == channels && multiplier * channels == outputs {
            let stride = filters.outputs.stride;
            let channel = Run { len: channels, stride: stride * multiplier };
            let axes = vec![filters.height, filters.width, channel, Run { len: multiplier, stride }];
            ("dwconv", Depthwise { window, multiplier, bias: has_bias, kernel: "kernel" }.into(), axes)
        } else {
            let (filters_of, kernel) = (outputs, "kernel");
            let conv = Conv { window, filters: filters_of, groups, bias: has_bias, kernel, asked: None, exact: false };
            ("conv", conv.into(), vec![filters.height, filters.width, filters.inputs, filters.outputs])
        };
        let id = self.weighted(word, Weighted { op, kernel, axes, factors: [1.0; 2], bias }, x)?;
        Ok(self.channels_first(id, value.layout.0.len()))
    }

    pub(super) fn conv_transpose(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        let kernel = self.weights(node, 1, "filters")?;
        // The file's filters are those of the convolution that it transposes.
        let Filters { outputs: inputs, inputs: outputs, height: tall, width: wide } = Filters::of(&kernel)?;
        if int(node, "group", 1) != 1 {
            return Err(Problem::new("it has groups, which a transposed convolution here has not"));
        }
        let (x, [height, width, channels]) = self.image(&value)?;
        self.check_channels(channels, inputs.len, 1)?;
        let size = [tall.len, wide.len];
        let mut window = window(node, size, [height, width])?;
        if ints(node, "output_shape").is_some() {
            return Err(Problem::new("it asks for an output_shape").help("export it with pads instead"));
        }
        if window.padding == Padding::Same && super::attributes::text(node, "auto_pad").is_none() {
            // `window` detects `same` for a convolution; for a transposed one it has another meaning.
            window.padding = Padding::Explicit(ints(node, "pads").map_or(Ok([0; 4]), super::attributes::sides)?);
        }
        let mut more = ints(node, "output_padding").map_or(Ok([0; 2]), |more| pair(more, "output_padding"))?;
        if value.layout.0.len() == 2 {
            // A series is an image of width 1.
            more[1] = 0;
        }
        // `same` makes an output of input times stride; its padding is that of the convolution from output to input.
        let enlarged = [height * window.stride[0], width * window.stride[1]];
        let same = Window { padding: Padding::Same, ..window };
        let back = same.lay(enlarged).map_or([0; 4], |laid| laid.padding);
        if let Padding::Explicit(mut padding) = window.padding {
            let extent = window.extent();
            let output = [0, 1].map(|axis| {
                let covered = ([height, width][axis] - 1) * window.stride[axis] + extent[axis] + more[axis];
                covered.saturating_sub(padding[2 * axis] + padding[2 * axis + 1])
            });
            if output == enlarged && padding == back && (padding, more) != ([0; 4], [0; 2]) {
                window = same;
            } else {
                for (axis, more) in more.into_iter().enumerate() {
                    let side = &mut padding[2 * axis + 1];
                    *side = side.checked_sub(more).ok_or_else(|| {
                        Problem::new(format!(
                            "its output_padding of {more} is more than the {side} that its pads cut off"
                        ))
                        .help("use a larger window or more padding, or `Resize` and a convolution")
                    })?;
                }
                window.padding = Padding::Explicit(padding);
            }
        }
        let bias = self.bias(node, outputs.len)?;
        let op = Deconv { window, filters: outputs.len, bias: bias.is_some() }.into();
        let axes = vec![tall, wide, outputs, inputs];
        let id = self.weighted("deconv", Weighted { op, kernel, axes, factors: [1.0; 2], bias }, x)?;
        Ok(self.channels_first(id, value.layout.0.len()))
    }

    pub(super) fn gemm(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        if int(node, "transA", 0) != 0 {
            return Err(Problem::new("it transposes what comes in"));
        }
        let kernel = self.weights(node, 1, "weights")?;
        let [first, second] = kernel.axes[..] else { return Err(Problem::new("its weights are no matrix")) };
        let (inputs, outputs) = if int(node, "transB", 0) != 0 { (second, first) } else { (first, second) };
        let bias = self.bias(node, outputs.len)?;
        let factors = [float(node, "alpha", 1.0), float(node, "beta", 1.0)];
        self.dense(node, kernel, [inputs, outputs], factors, bias)
    }

    pub(super) fn matmul(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let kernel = self.weights(node, 1, "weights")?;
        let [inputs, outputs] = kernel.axes[..] else { return Err(Problem::new("its weights are no matrix")) };
        let bias = self.following_bias(outputs.len)?;
        self.dense(node, kernel, [inputs, outputs], [1.0; 2], bias)
    }

    /// Whether a reshape moves positions to the batch axis, with one vector of channels each, only for a matrix product, and another
    /// reshape moves them back: this is a product over the channels of each position, as TensorFlow's `tensordot` writes it.
    pub(super) fn is_row_of_each_position(&self, node: &'m Node<'m>, value: &Value, target: &[f64]) -> bool {
        let own = value.layout.sizes();
        let ([rows, channels], [positions @ .., last]) = (target, &own[..]) else { return false };
        let positions: usize = positions.iter().product();
        let all = self.batch.map(|batch| (batch * positions) as f64);
        let is_rest = *rows == -1.0 || *rows == BATCH || rows.is_nan() || Some(*rows) == all;
        if positions == 1 || *channels != *last as f64 || !is_rest {
            return false;
        }
        let mut name = node.outputs[0];
        while let Some((_, next)) = self.only_reader(name) {
            let is_constant = |index: usize| {
                next.inputs.get(index).is_some_and(|name| matches!(self.known.get(name), Some(Known::Constant(_))))
            };
            let goes_on = match next.op {
                "MatMul" => next.inputs[0] == name && is_constant(1),
                "Add" => is_constant(0) || is_constant(1),
                "Relu" | "Sigmoid" | "Tanh" => true,
                "Reshape" => return next.inputs[0] == name,
                _ => false,
            };
            if !goes_on {
                return false;
            }
            name = next.outputs[0];
        }
        false
    }

    /// Imports a product over the last axis: of a flat value, or of each position of an image.
    fn dense(
        &mut self,
        node: &'m Node<'m>,
        kernel: Weights<'m>,
        [inputs, outputs]: [Run; 2],
        factors: [f64; 2],
        bias: Option<(Weights<'m>, Vec<Run>)>,
    ) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        let sizes = value.layout.sizes();
        let last = sizes.last().copied().unwrap_or_default();
        if last != inputs.len {
            return Err(Problem::new(format!("it has weights for {} inputs, and {last} come in", inputs.len)));
        }
        if let [axis] = value.layout.0.as_slice() {
            let mut axes = along(axis, inputs.stride);
            axes.push(outputs);
            let op = Dense { outputs: outputs.len, bias: bias.is_some(), transposed: false, asked: None }.into();
            let id = self.weighted("dense", Weighted { op, kernel, axes, factors, bias }, value.id)?;
            return Ok(self.channels_first(id, 1));
        }
        if self.order(&value) != Some(Order::ChannelsLast) {
            return Err(Problem::new(
                "a product of anything but a row, or the channels of each position, is not supported",
            ));
        }
        let window = Window { size: [1; 2], stride: [1; 2], dilation: [1; 2], padding: Padding::Explicit([0; 4]) };
        let (filters, bias_is) = (outputs.len, bias.is_some());
        let conv = Conv { window, filters, groups: 1, bias: bias_is, kernel: "kernel", asked: None, exact: false };
        let weighted = Weighted { op: conv.into(), kernel, axes: vec![inputs, outputs], factors, bias };
        let id = self.weighted("conv", weighted, value.id)?;
        let layout = Layout::channels_last(self.builder.shape(id));
        Ok(Known::Value(Value { id, layout }))
    }

    fn check_channels(&self, found: usize, of_filters: usize, groups: usize) -> Answer<()> {
        match of_filters.checked_mul(groups) {
            Some(expected) if expected == found => Ok(()),
            _ => Err(Problem::new(format!(
                "{found} channels come in, and its filters are for {of_filters} in {groups} groups"
            ))),
        }
    }

    /// The bias at input 2, or a bias that the next node adds.
    fn bias(&mut self, node: &'m Node<'m>, outputs: usize) -> Answer<Option<(Weights<'m>, Vec<Run>)>> {
        if node.inputs.get(2).is_none_or(|name| name.is_empty()) {
            return self.following_bias(outputs);
        }
        let bias = self.weights(node, 2, "bias")?;
        let found: usize = bias.sizes().iter().product();
        match (found, bias.axes.iter().find(|axis| axis.len > 1)) {
            (1, _) => Ok(Some((bias, vec![Run { len: outputs, stride: 0 }]))),
            (_, Some(axis)) if axis.len == outputs && found == outputs => {
                let axis = *axis;
                Ok(Some((bias, vec![axis])))
            }
            _ => Err(Problem::new(format!("it has a bias of {found} elements for {outputs} outputs"))),
        }
    }

    /// A vector with one element per output, which the only reader of this node adds.
    fn following_bias(&mut self, outputs: usize) -> Answer<Option<(Weights<'m>, Vec<Run>)>> {
        let result = self.result();
        let Some((index, add)) =
            self.only_reader(result).filter(|(_, node)| node.op == "Add" && node.domain.is_empty())
        else {
            return Ok(None);
        };
        let Some(other) = add.inputs.iter().find(|input| **input != result) else { return Ok(None) };
        let Some(Known::Constant(super::constant::Constant::Weights(weights))) = self.known.get(other).cloned() else {
            return Ok(None);
        };
        let large: Vec<Run> = weights.axes.iter().copied().filter(|axis| axis.len > 1).collect();
        // The position of its only axis larger than 1 shows which axis it is added to; for flat values and channels last, that is the
        // last one.
        let position = weights.axes.iter().rev().position(|axis| axis.len > 1);
        let fits = match (large.as_slice(), position) {
            ([axis], Some(position)) => {
                let of_image = matches!(self.model.graph.nodes[self.at].op, "Conv" | "ConvTranspose");
                let spatial =
                    self.weights(&self.model.graph.nodes[self.at], 1, "filters")?.axes.len().saturating_sub(2);
                axis.len == outputs && position == if of_image { spatial } else { 0 }
            }
            _ => false,
        };
        if !fits {
            return Ok(None);
        }
        self.absorb((index, add));
        Ok(Some((weights, large)))
    }

    /// A value with the given number of axes, channels first.
    pub(super) fn channels_first(&self, id: ValueId, rank: usize) -> Known<'m> {
        let mut layout = Layout::channels_first(self.builder.shape(id));
        layout.0.resize(rank.max(layout.0.len()), Vec::new());
        Known::Value(Value { id, layout })
    }
}
