//! Export of each operation to the operators of ONNX.

use netwright_abi::Activation as Function;
use netwright_onnx::write::Attribute as Value;

use super::export::{Writing, dims};
use crate::graph::Node;
use crate::ops::{ConvTable, Op, PoolKind};
use crate::shape::{Shape, Window};

/// Kernel sizes, strides and similar attributes, with one value for each spatial axis.
fn spatial(shape: Shape, sizes: [usize; 2]) -> Value {
    let axes = if matches!(shape, Shape::Series { .. }) { 1 } else { 2 };
    Value::Ints(sizes[..axes].iter().map(|size| *size as i64).collect())
}

/// All starts, then all ends.
fn pads(shape: Shape, [top, bottom, left, right]: [usize; 4]) -> Vec<i64> {
    let pads = if matches!(shape, Shape::Series { .. }) { vec![top, bottom] } else { vec![top, left, bottom, right] };
    pads.into_iter().map(|pad| pad as i64).collect()
}

fn sizes_of_image(shape: Shape) -> [usize; 3] {
    shape.as_image().image_sizes().unwrap_or([1, 1, shape.len()])
}

/// The attributes of a window applied to `image`.
fn windowed(shape: Shape, window: &Window, image: [usize; 2]) -> Vec<(&'static str, Value)> {
    let padding = window.lay(image).map_or([0; 4], |laid| laid.padding);
    vec![
        ("kernel_shape", spatial(shape, window.size)),
        ("strides", spatial(shape, window.stride)),
        ("pads", Value::Ints(pads(shape, padding))),
    ]
}

/// The sizes of a file's filters; `first` are the sizes before the window.
fn filters(shape: Shape, first: [usize; 2], window: &Window) -> Vec<usize> {
    let axes = if matches!(shape, Shape::Series { .. }) { 1 } else { 2 };
    first.into_iter().chain(window.size[..axes].iter().copied()).collect()
}

impl Writing<'_> {
    /// Exports a node of the graph, and returns the name of its output.
    pub(super) fn node(&mut self, node: &Node) -> String {
        let x = self.x(node, 0);
        let shape = self.graph.shape(node.inputs[0]);
        let output = self.graph.shape(node.output);
        let [height, width, channels] = sizes_of_image(shape);
        let image = [height, width];
        match &node.op {
            Op::Conv(conv) => {
                let ([tall, wide], group, filters_of) = (conv.window.size, channels / conv.groups, conv.filters);
                let axes = [[filters_of, 1], [group, filters_of], [tall * wide, group * filters_of]];
                let sizes = filters(shape, [filters_of, group], &conv.window);
                let kernel = self.weights(node, conv.kernel, &sizes, &axes);
                self.convolved(node, [&x, &kernel.unwrap_or_default()], shape, &conv.window, conv.groups)
            }
            Op::Depthwise(conv) => {
                let [tall, wide] = conv.window.size;
                let of = channels * conv.multiplier;
                let sizes = filters(shape, [of, 1], &conv.window);
                let kernel = self.weights(node, conv.kernel, &sizes, &[[of, 1], [tall * wide, of]]);
                self.convolved(node, [&x, &kernel.unwrap_or_default()], shape, &conv.window, channels)
            }
            Op::Subsample(pool) => {
                let [tall, wide] = pool.window.size;
                let sizes = filters(shape, [channels, 1], &pool.window);
                let kernel = self.weights(node, "coefficient", &sizes, &[[channels, 1], [tall * wide, 0]]);
                self.convolved(node, [&x, &kernel.unwrap_or_default()], shape, &pool.window, channels)
            }
            Op::ConvTable(ConvTable { conv, table }) => {
                // A gather of the channels of all lists, a convolution of each of them, and the sums of each list.
                let seen: Vec<i64> = table.iter().flatten().map(|channel| *channel as i64).collect();
                let (count, [tall, wide]) = (seen.len(), conv.window.size);
                let indices = self.integers("connections", &seen);
                let x = self.push("Gather", &[&x, &indices], &[("axis", Value::Int(1))]);
                let sizes = filters(shape, [count, 1], &conv.window);
                let kernel =
                    self.weights(node, "kernel", &sizes, &[[count, 1], [tall * wide, count]]).unwrap_or_default();
                let mut attributes = windowed(shape, &conv.window, image);
                attributes.push(("dilations", spatial(shape, conv.window.dilation)));
                attributes.push(("group", Value::Int(count as i64)));
                let apart = self.push("Conv", &[&x, &kernel], &attributes);
                let owners = table.iter().enumerate().flat_map(|(filter, list)| list.iter().map(move |_| filter));
                let owners: Vec<usize> = owners.collect();
                let of = table.len();
                let ones = (0..of).flat_map(|filter| owners.iter().map(move |owner| f64::from(*owner == filter)));
                let mut sizes = filters(shape, [of, count], &conv.window);
                sizes[2..].fill(1);
                let sums = self.floats("sums", &sizes, ones.collect::<Vec<_>>());
                match self.weights(node, "bias", &[of], &[[of, 1]]) {
                    Some(bias) => self.push("Conv", &[&apart, &sums, &bias], &[]),
                    None => self.push("Conv", &[&apart, &sums], &[]),
                }
            }
            Op::Deconv(conv) => {
                let ([tall, wide], of) = (conv.window.size, conv.filters);
                let axes = [[channels, 1], [of, channels], [tall * wide, of * channels]];
                let sizes = filters(shape, [channels, of], &conv.window);
                let kernel = self.weights(node, "kernel", &sizes, &axes).unwrap_or_default();
                let [rows, columns, _] = sizes_of_image(output);
                let mut attributes = windowed(shape, &conv.window, [rows, columns]);
                let extent = conv.window.extent();
                let padding = conv.window.lay([rows, columns]).map_or([0; 4], |laid| laid.padding);
                let more = [0, 1].map(|axis| {
                    let covered = (image[axis] - 1) * conv.window.stride[axis] + extent[axis];
                    ([rows, columns][axis] + padding[2 * axis] + padding[2 * axis + 1]).saturating_sub(covered)
                });
                attributes.push(("dilations", spatial(shape, conv.window.dilation)));
                attributes.push(("output_padding", spatial(shape, more)));
                match self.weights(node, "bias", &[of], &[[of, 1]]) {
                    Some(bias) => self.push("ConvTranspose", &[&x, &kernel, &bias], &attributes),
                    None => self.push("ConvTranspose", &[&x, &kernel], &attributes),
                }
            }
            Op::Dense(dense) => {
                let (inputs, outputs) = (shape.len(), dense.outputs);
                let sizes = if dense.transposed { [outputs, inputs] } else { [inputs, outputs] };
                let kernel = self.weights(node, "kernel", &sizes, &[[inputs * outputs, 1]]).unwrap_or_default();
                let attributes = [("transB", Value::Int(i64::from(dense.transposed)))];
                match self.weights(node, "bias", &[outputs], &[[outputs, 1]]) {
                    Some(bias) => self.push("Gemm", &[&x, &kernel, &bias], &attributes),
                    None => self.push("Gemm", &[&x, &kernel], &attributes),
                }
            }
            Op::Pool(pool) => {
                let is_whole = pool.window.size == image && output.positions() == 1;
                let [global, local] = match pool.kind {
                    PoolKind::Max => ["GlobalMaxPool", "MaxPool"],
                    PoolKind::Average => ["GlobalAveragePool", "AveragePool"],
                };
                if is_whole {
                    return self.push(global, &[&x], &[]);
                }
                self.push(local, &[&x], &windowed(shape, &pool.window, image))
            }
            Op::Activation(function) => self.function(&x, function.0),
            Op::Add(_) => {
                let mut sum = x;
                for index in 1..node.inputs.len() {
                    sum = self.push("Add", &[&sum, &self.x(node, index)], &[]);
                }
                sum
            }
            Op::Concat(_) => {
                let inputs: Vec<String> = (0..node.inputs.len()).map(|index| self.x(node, index)).collect();
                let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
                self.push("Concat", &inputs, &[("axis", Value::Int(1))])
            }
            Op::Multiply(_) => {
                let mut right = self.x(node, 1);
                if shape != self.graph.shape(node.inputs[1]) {
                    let axes: Vec<i64> = (2..=dims(shape).len() as i64).collect();
                    let axes = self.integers("axes", &axes);
                    right = self.push("Unsqueeze", &[&right, &axes], &[]);
                }
                self.push("Mul", &[&x, &right], &[])
            }
            Op::BatchNorm(norm) => {
                let gamma = self.vector(node, "gamma", channels, 1.0);
                let beta = self.vector(node, "beta", channels, 0.0);
                let mean = self.vector(node, "moving_mean", channels, 0.0);
                let variance = self.vector(node, "moving_variance", channels, 1.0);
                let attributes =
                    [("epsilon", Value::Float(norm.epsilon as f32)), ("momentum", Value::Float(norm.momentum as f32))];
                self.push("BatchNormalization", &[&x, &gamma, &beta, &mean, &variance], &attributes)
            }
            Op::LayerNorm(norm) => {
                let x = self.channels_last(&x, shape);
                let gamma = self.vector(node, "gamma", channels, 1.0);
                let beta = self.vector(node, "beta", channels, 0.0);
                let attributes = [("axis", Value::Int(-1)), ("epsilon", Value::Float(norm.epsilon as f32))];
                let y = self.push("LayerNormalization", &[&x, &gamma, &beta], &attributes);
                self.channels_first(&y, shape)
            }
            Op::Lrn(lrn) => {
                // A single channel has no neighbours.
                let size = if channels == 1 { 1 } else { lrn.size };
                // ONNX divides α by the size.
                let attributes = [
                    ("size", Value::Int(size as i64)),
                    ("alpha", Value::Float((lrn.alpha * size as f64) as f32)),
                    ("beta", Value::Float(lrn.beta as f32)),
                    ("bias", Value::Float(lrn.k as f32)),
                ];
                self.of_image(&x, shape, |writing, x| {
                    if size % 2 == 1 {
                        return writing.push("LRN", &[x], &attributes);
                    }
                    // For an even size, ONNX has one more neighbour after the channel, and our operation one more before it.
                    let backwards: Vec<i64> = (0..channels as i64).rev().collect();
                    let backwards = writing.integers("backwards", &backwards);
                    let x = writing.push("Gather", &[x, &backwards], &[("axis", Value::Int(1))]);
                    let y = writing.push("LRN", &[&x], &attributes);
                    writing.push("Gather", &[&y, &backwards], &[("axis", Value::Int(1))])
                })
            }
            Op::Dropout(dropout) => {
                let rate = self.floats("rate", &[], [dropout.rate]);
                self.push("Dropout", &[&x, &rate], &[])
            }
            Op::Scale(scale) => {
                let factor = self.floats("factor", &[], [scale.factor]);
                self.push("Mul", &[&x, &factor], &[])
            }
            Op::Softmax(_) => self.push("Softmax", &[&x], &[("axis", Value::Int(1))]),
            Op::LogSoftmax(_) => self.push("LogSoftmax", &[&x], &[("axis", Value::Int(1))]),
            Op::Slice(slice) => {
                let [first, end] = [slice.first, slice.first + slice.count].map(|channel| channel as i64);
                let (starts, ends) = (self.integers("starts", &[first]), self.integers("ends", &[end]));
                let axes = self.integers("axes", &[1]);
                self.push("Slice", &[&x, &starts, &ends, &axes], &[])
            }
            Op::Shuffle(shuffle) => {
                let (groups, sizes) = (shuffle.groups as i64, dims(shape));
                let rest: Vec<i64> = sizes[1..].iter().map(|size| *size as i64).collect();
                let apart = [&[0, groups, channels as i64 / groups], rest.as_slice()].concat();
                let together = [&[0, channels as i64], rest.as_slice()].concat();
                let order = [0, 2, 1].into_iter().chain(3..apart.len() as i64).collect();
                let (apart, together) = (self.integers("groups", &apart), self.integers("sizes", &together));
                let apart = self.push("Reshape", &[&x, &apart], &[]);
                let mixed = self.push("Transpose", &[&apart], &[("perm", Value::Ints(order))]);
                self.push("Reshape", &[&mixed, &together], &[])
            }
            Op::Prelu(prelu) => {
                let slopes = if prelu.shared { 1 } else { channels };
                let mut sizes = vec![1; dims(shape).len()];
                sizes[0] = slopes;
                let slope = self.weights(node, "slope", &sizes, &[[slopes, 1]]).unwrap_or_default();
                self.push("PRelu", &[&x, &slope], &[])
            }
            Op::Reshape(_) => {
                let last = self.channels_last(&x, shape);
                let sizes = match output {
                    Shape::Image { height, width, channels } => vec![height, width, channels],
                    Shape::Series { length, channels } => vec![length, channels],
                    Shape::Flat(features) => vec![features],
                };
                let sizes: Vec<i64> = std::iter::once(-1).chain(sizes.into_iter().map(|size| size as i64)).collect();
                let sizes = self.integers("sizes", &sizes);
                let seen = self.push("Reshape", &[&last, &sizes], &[]);
                self.channels_first(&seen, output)
            }
            Op::Upsample(upsample) => {
                let axes = dims(shape).len() - 1;
                let factors = [1, 1].into_iter().chain(upsample.0[..axes].iter().copied()).map(|factor| factor as f64);
                let scales = self.floats("scales", &[axes + 2], factors.collect::<Vec<_>>());
                let attributes = [
                    ("mode", Value::Text("nearest")),
                    ("coordinate_transformation_mode", Value::Text("asymmetric")),
                    ("nearest_mode", Value::Text("floor")),
                ];
                self.push("Resize", &[&x, "", &scales], &attributes)
            }
            Op::ZeroPad(pad) => self.padded(&x, shape, pad.0, 1),
            Op::Crop(crop) => self.padded(&x, shape, crop.0, -1),
            Op::Distance(distance) => {
                let features = shape.len();
                let axes = self.integers("axes", &[1]);
                let x = self.channels_last(&x, shape);
                let flat = self.integers("sizes", &[-1, features as i64]);
                let x = self.push("Reshape", &[&x, &flat], &[]);
                let x = self.push("Unsqueeze", &[&x, &axes], &[]);
                let count = distance.patterns.len();
                let patterns = self.floats("patterns", &[1, count, features], distance.patterns.concat());
                let apart = self.push("Sub", &[&x, &patterns], &[]);
                let squares = self.push("Mul", &[&apart, &apart], &[]);
                let last = self.integers("last", &[2]);
                self.push("ReduceSum", &[&squares, &last], &[("keepdims", Value::Int(0))])
            }
            // Only passes add these operations, and the export precedes them.
            Op::Expand(_) | Op::Fold(_) | Op::Pack(_) | Op::Relayout(_) => x,
        }
    }

    fn convolved(
        &mut self,
        node: &Node,
        [x, kernel]: [&str; 2],
        shape: Shape,
        window: &Window,
        groups: usize,
    ) -> String {
        let [height, width, _] = sizes_of_image(shape);
        let filters = self.graph.shape(node.output).channels();
        let mut attributes = windowed(shape, window, [height, width]);
        attributes.push(("dilations", spatial(shape, window.dilation)));
        attributes.push(("group", Value::Int(groups as i64)));
        match self.weights(node, "bias", &[filters], &[[filters, 1]]) {
            Some(bias) => self.push("Conv", &[x, kernel, &bias], &attributes),
            None => self.push("Conv", &[x, kernel], &attributes),
        }
    }

    /// Applies an operator that needs four axes to a value with fewer.
    fn of_image(&mut self, x: &str, shape: Shape, push: impl Fn(&mut Self, &str) -> String) -> String {
        let missing = 3 - dims(shape).len() as i64;
        if missing == 0 {
            return push(self, x);
        }
        let axes: Vec<i64> = (0..missing).map(|axis| 3 - axis).rev().collect();
        let axes = self.integers("axes", &axes);
        let image = self.push("Unsqueeze", &[x, &axes], &[]);
        let y = push(self, &image);
        self.push("Squeeze", &[&y, &axes], &[])
    }

    /// Zero padding of an image, or cropping with a sign of -1.
    fn padded(&mut self, x: &str, shape: Shape, sides: [usize; 4], sign: i64) -> String {
        let sides = pads(shape, sides);
        let (before, behind) = sides.split_at(sides.len() / 2);
        let all: Vec<i64> = [0, 0].iter().chain(before).chain(&[0, 0]).chain(behind).map(|side| side * sign).collect();
        let all = self.integers("pads", &all);
        self.push("Pad", &[x, &all], &[("mode", Value::Text("constant"))])
    }

    fn function(&mut self, x: &str, function: Function) -> String {
        let alpha = |value: f64| [("alpha", Value::Float(value as f32))];
        match function {
            Function::Relu => self.push("Relu", &[x], &[]),
            Function::LeakyRelu(slope) => self.push("LeakyRelu", &[x], &alpha(slope)),
            Function::Tanh => self.push("Tanh", &[x], &[]),
            Function::Sigmoid => self.push("Sigmoid", &[x], &[]),
            Function::Elu(slope) => self.push("Elu", &[x], &alpha(slope)),
            Function::Selu => self.push("Selu", &[x], &[]),
            Function::Gelu => self.push("Gelu", &[x], &[]),
            Function::GeluTanh => self.push("Gelu", &[x], &[("approximate", Value::Text("tanh"))]),
            Function::Silu => {
                let gate = self.push("Sigmoid", &[x], &[]);
                self.push("Mul", &[x, &gate], &[])
            }
            Function::Softplus => self.push("Softplus", &[x], &[]),
            Function::HardSigmoid(slope) => {
                let attributes = [("alpha", Value::Float(slope as f32)), ("beta", Value::Float(0.5))];
                self.push("HardSigmoid", &[x], &attributes)
            }
            Function::Relu6 => {
                let [from, to] = [0.0, 6.0].map(|end| self.floats("end", &[], [end]));
                self.push("Clip", &[x, &from, &to], &[])
            }
            Function::Clip(lowest, highest) => {
                let ends = [lowest, highest].map(|end| match end.is_finite() {
                    true => self.floats("end", &[], [end]),
                    false => String::new(),
                });
                let [from, to] = &ends;
                self.push("Clip", &[x, from, to], &[])
            }
            Function::Softsign => self.push("Softsign", &[x], &[]),
            Function::Exp => self.push("Exp", &[x], &[]),
        }
    }
}
