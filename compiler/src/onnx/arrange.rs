//! The dispatch over all supported operators, and the operators that move no elements: reshaping, transposing, and the shape
//! arithmetic that they depend on.

use netwright_abi::Activation as Function;
use netwright_onnx::{Attribute, Node};

use super::attributes::{axis, float, int, ints};
use super::constant::{BATCH, Constant, Numbers, sizes_text};
use super::problem::{Answer, Problem};
use super::reading::{Known, Reading, Value};
use crate::ops::{LogSoftmax, PoolKind, Softmax};

impl<'m> Reading<'m> {
    /// The result of a node.
    pub(super) fn node(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        if !node.domain.is_empty() {
            return Err(Problem::new(format!("it is an operator of `{}`, not of ONNX itself", node.domain))
                .help("export the model with the operators of ONNX alone"));
        }
        if let Some((name, _)) = node.attributes.iter().find(|(_, value)| matches!(value, Attribute::Other("a graph")))
        {
            return Err(Problem::new(format!(
                "its `{name}` is a graph of its own: what runs would depend on what comes in"
            ))
            .help("a network here is one fixed graph: export the model without control flow"));
        }
        if node.inputs.is_empty() && node.op != "Constant" {
            return Err(Problem::new("it has no inputs"));
        }
        match node.op {
            "Conv" => self.conv(node),
            "ConvTranspose" => self.conv_transpose(node),
            "Gemm" => self.gemm(node),
            "MatMul" => self.matmul(node),
            "BatchNormalization" => self.batch_norm(node),
            "LayerNormalization" => self.layer_norm(node),
            "LRN" => self.lrn(node),
            "PRelu" => self.prelu(node),
            "Softmax" => self.softmax(node, "softmax", Softmax.into()),
            "LogSoftmax" => self.softmax(node, "logsoftmax", LogSoftmax.into()),
            "Split" => self.split(node),
            "MaxPool" => self.pool(node, PoolKind::Max),
            "AveragePool" => self.pool(node, PoolKind::Average),
            "GlobalAveragePool" => self.global_pool(node, PoolKind::Average),
            "GlobalMaxPool" => self.global_pool(node, PoolKind::Max),
            "ReduceMean" => self.reduce(node, PoolKind::Average),
            "ReduceMax" => self.reduce(node, PoolKind::Max),
            "ReduceProd" => self.product(node),
            "Pad" => self.pad(node),
            "Resize" | "Upsample" => self.resize(node),
            "Relu" => self.function(node, Function::Relu),
            "LeakyRelu" => self.function(node, Function::LeakyRelu(float(node, "alpha", 0.01))),
            "Tanh" => self.function(node, Function::Tanh),
            "Sigmoid" => self.sigmoid(node),
            "Elu" => self.function(node, Function::Elu(float(node, "alpha", 1.0))),
            "Selu" => self.function(node, Function::Selu),
            "Gelu" => self.gelu_node(node),
            "Swish" => self.function(node, Function::Silu),
            "Softplus" => self.function(node, Function::Softplus),
            "Softsign" => self.function(node, Function::Softsign),
            "Exp" => self.function(node, Function::Exp),
            "HardSigmoid" => self.hard_sigmoid_node(node),
            "HardSwish" => self.gated(node, &[Function::HardSigmoid(1.0 / 6.0)]),
            "Mish" => self.gated(node, &[Function::Softplus, Function::Tanh]),
            "Clip" => self.clip(node),
            "Min" | "Max" => self.min_or_max(node),
            "Dropout" => self.dropout(node),
            "Add" | "Sub" | "Mul" | "Div" => self.arithmetic(node),
            "Neg" => self.negation(node),
            "Sum" => self.sum(node),
            "Constant" => Constant::of_node(node).map(Known::Constant),
            "Shape" => self.shape(node),
            "Range" => self.range(node),
            "ConstantOfShape" => self.constant_of_shape(node),
            "Identity" | "Cast" => match self.operand(node, 0)? {
                Some(known) => Ok(known),
                None => Err(Problem::new("it has no input")),
            },
            "Flatten" => self.flatten(node),
            "Reshape" => self.reshape(node),
            "Transpose" => self.transpose(node),
            "Squeeze" | "Unsqueeze" => self.squeeze(node),
            "Gather" => self.gather(node),
            "Slice" => self.slice(node),
            "Concat" => match self.operand(node, 0)? {
                Some(Known::Constant(_)) => self.concat_constants(node),
                _ => self.concat(node),
            },
            other => Err(Problem::new(format!("the operator `{other}` is not supported")).help(
                "the page `onnx` of the guide lists those that are; a model can often be exported without it, or be cut before it",
            )),
        }
    }

    /// Whether a size is the size of the batch.
    pub(super) fn is_batch(&self, size: f64) -> bool {
        size == BATCH || self.batch.is_some_and(|batch| size == batch as f64)
    }

    fn flatten(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let from = int(node, "axis", 1);
        match self.operand(node, 0)? {
            Some(Known::Value(value)) => {
                if axis(from, value.layout.0.len() + 1)? != 1 {
                    return Err(Problem::new("it flattens the batch as well"));
                }
                self.reshaped_value(value.clone(), &[value.layout.len()])
            }
            Some(Known::Constant(constant)) => {
                let sizes = constant.sizes();
                let from = usize::try_from(from).unwrap_or_default().min(sizes.len());
                let two = [sizes[..from].iter().product(), sizes[from..].iter().product()];
                reshaped(&constant, &two)
            }
            None => Err(Problem::new("it has no input")),
        }
    }

    /// The same elements with axes of these sizes.
    pub(super) fn reshaped_value(&mut self, value: Value, sizes: &[usize]) -> Answer<Known<'m>> {
        if sizes.is_empty() {
            return Err(Problem::new("nothing is left of it but the batch"));
        }
        let layout = value.layout.reshaped(sizes);
        let layout =
            layout.ok_or_else(|| Problem::new(format!("{:?} cannot be seen as {sizes:?}", value.layout.sizes())))?;
        self.with_channels_in_order(Value { layout, ..value }).map(Known::Value)
    }

    fn reshape(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let target = match self.constant(node, 1, "sizes")? {
            Some(sizes) => sizes.whole().ok_or_else(|| Problem::new("its sizes are not in the file"))?,
            None => ints(node, "shape").unwrap_or_default().iter().map(|size| *size as f64).collect(),
        };
        let copies = int(node, "allowzero", 0) == 0;
        let filled = |target: &[f64], own: &[usize]| -> Answer<Vec<usize>> {
            let len: usize = own.iter().product();
            let mut sizes: Vec<Option<usize>> = Vec::new();
            for (index, size) in target.iter().enumerate() {
                sizes.push(match *size {
                    -1.0 => None,
                    0.0 if copies => Some(
                        own.get(index).copied().ok_or_else(|| Problem::new("it keeps an axis that is not there"))?,
                    ),
                    size if size >= 0.0 => Some(size as usize),
                    _ => return Err(Problem::new(format!("its sizes are {}", sizes_text(target)))),
                });
            }
            let known =
                sizes.iter().flatten().try_fold(1_usize, |product, size| product.checked_mul(*size)).unwrap_or(0);
            let rest = len.checked_div(known).unwrap_or_default();
            let sizes: Vec<usize> = sizes.into_iter().map(|size| size.unwrap_or(rest)).collect();
            let product = sizes.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
            if product == Some(len) {
                Ok(sizes)
            } else {
                Err(Problem::new(format!("{own:?} cannot be seen as {}", sizes_text(target))))
            }
        };
        match self.operand(node, 0)? {
            Some(Known::Value(value)) => {
                if self.flattens_batch(node, &target) || self.is_row_of_each_position(node, &value, &target) {
                    return Ok(Known::Value(value));
                }
                let own = value.layout.sizes();
                let [batch, rest @ ..] = target.as_slice() else {
                    return Err(Problem::new("it has no axis for the batch"));
                };
                let is_free = *batch == -1.0 || *batch == 0.0;
                if !is_free && !self.is_batch(*batch) {
                    return Err(Problem::new(format!(
                        "its sizes {} do not begin with that of the batch",
                        sizes_text(&target)
                    ))
                    .help("images are not mixed here: each keeps its own axes behind that of the batch"));
                }
                if *batch == -1.0 && rest.contains(&-1.0) {
                    return Err(Problem::new("two of its sizes are open"));
                }
                let sizes = filled(rest, &own)?;
                self.reshaped_value(value, &sizes)
            }
            Some(Known::Constant(constant @ Constant::OfImages(_))) => {
                let ([batch, rest @ ..], sizes) = (target.as_slice(), constant.sizes()) else {
                    return Err(Problem::new("it has no axis for the batch"));
                };
                if *batch != -1.0 && *batch != 0.0 && !self.is_batch(*batch) {
                    return Err(Problem::new(format!(
                        "its sizes {} do not begin with that of the batch",
                        sizes_text(&target)
                    )));
                }
                reshaped(&constant, &[&[1], &filled(rest, &sizes[1..])?[..]].concat())
            }
            Some(Known::Constant(constant)) => {
                let sizes = filled(&target, &constant.sizes())?;
                reshaped(&constant, &sizes)
            }
            None => Err(Problem::new("it has no input")),
        }
    }

    fn transpose(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let operand = self.operand(node, 0)?.ok_or_else(|| Problem::new("it has no input"))?;
        let rank = match &operand {
            Known::Value(value) => value.layout.0.len() + 1,
            Known::Constant(constant) => constant.sizes().len(),
        };
        let order: Vec<usize> = match ints(node, "perm") {
            Some(perm) => perm.iter().map(|position| axis(*position, rank)).collect::<Answer<_>>()?,
            None => (0..rank).rev().collect(),
        };
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..rank) {
            return Err(Problem::new(format!("its order of axes {order:?} is none of {rank}")));
        }
        match operand {
            Known::Value(value) => {
                if order[0] != 0 {
                    return Err(Problem::new("it moves the axis of the batch"));
                }
                let order: Vec<usize> = order[1..].iter().map(|axis| axis - 1).collect();
                let layout = value.layout.transposed(&order).ok_or_else(|| Problem::new("its axes are not there"))?;
                Ok(Known::Value(Value { layout, ..value }))
            }
            Known::Constant(constant) => {
                let transposed = constant.transposed(&order);
                transposed.map(Known::Constant).ok_or_else(|| Problem::new("it transposes numbers computed of shapes"))
            }
        }
    }

    fn squeeze(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let operand = self.operand(node, 0)?.ok_or_else(|| Problem::new("it has no input"))?;
        let given: Vec<i64> = match self.constant(node, 1, "axes")? {
            Some(axes) => axes.whole().unwrap_or_default().into_iter().map(|axis| axis as i64).collect(),
            None => ints(node, "axes").map(<[i64]>::to_vec).unwrap_or_default(),
        };
        let adds = node.op == "Unsqueeze";
        let change = |sizes: &[usize], batch: usize| -> Answer<Vec<usize>> {
            let rank = sizes.len() + batch + if adds { given.len() } else { 0 };
            let axes = given.iter().map(|given| axis(*given, rank)).collect::<Answer<Vec<_>>>()?;
            if batch == 1 && axes.contains(&0) {
                return Err(Problem::new("it changes the axis of the batch"));
            }
            if adds {
                let mut old = sizes.iter().copied();
                return Ok((batch..rank)
                    .filter_map(|position| if axes.contains(&position) { Some(1) } else { old.next() })
                    .collect());
            }
            let goes = |position: usize, size: usize| {
                if given.is_empty() { size == 1 } else { axes.contains(&(position + batch)) }
            };
            Ok(sizes
                .iter()
                .enumerate()
                .filter(|(position, size)| !goes(*position, **size))
                .map(|(_, size)| *size)
                .collect())
        };
        match operand {
            Known::Value(value) => {
                if adds
                    && given == [1]
                    && let Some(distances) = self.distances(node, &value)?
                {
                    return Ok(distances);
                }
                let sizes = change(&value.layout.sizes(), 1)?;
                self.reshaped_value(value, &sizes)
            }
            Known::Constant(constant @ Constant::OfImages(_)) => {
                let sizes = change(&constant.sizes()[1..], 1)?;
                reshaped(&constant, &[&[1], &sizes[..]].concat())
            }
            Known::Constant(constant) => {
                let sizes = change(&constant.sizes(), 0)?;
                reshaped(&constant, &sizes)
            }
        }
    }

    fn gather(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        if let Some(Known::Value(value)) = self.operand(node, 0)? {
            return if self.flattened_batches.contains(node.inputs[0]) {
                self.unflattened_batch(node, value)
            } else {
                self.gather_channels(node, &value)
            };
        }
        let (data, indices) = (self.small_constant(node, 0, "elements")?, self.small_constant(node, 1, "indices")?);
        if data.sizes.len() != 1 {
            return Err(Problem::new("it gathers from a table"));
        }
        let len = data.values.len() as f64;
        let value = |index: &f64| {
            let index = if *index < 0.0 { index + len } else { *index };
            if index >= 0.0 { data.values.get(index as usize).copied() } else { None }
        };
        let values = indices.values.iter().map(value).collect::<Option<Vec<_>>>();
        let values = values.ok_or_else(|| Problem::new("its index is behind the last element"))?;
        Ok(numbers(Numbers { sizes: indices.sizes, values }))
    }

    /// A range of channels, selected by indices.
    fn gather_channels(&mut self, node: &'m Node<'m>, value: &Value) -> Answer<Known<'m>> {
        let position = axis(int(node, "axis", 0), value.layout.0.len() + 1)?;
        let indices = self.small_constant(node, 1, "indices")?;
        let size = position.checked_sub(1).map_or(0, |position| value.layout.sizes()[position]) as f64;
        let counted: Vec<f64> = indices.values.iter().map(|at| if *at < 0.0 { at + size } else { *at }).collect();
        let are_neighbours = counted.windows(2).all(|pair| pair[1] == pair[0] + 1.0);
        if let ([first, ..], [_], true) = (&counted[..], &indices.sizes[..], are_neighbours)
            && *first >= 0.0
            && first + counted.len() as f64 <= size
            && let Some(channels) = self.channels_of(value, position - 1, [*first as usize, counted.len()])?
        {
            return Ok(channels);
        }
        if let Some(normalised) = self.reversed_lrn(node, value)? {
            return Ok(normalised);
        }
        let is_channel = |at: &f64| *at >= 0.0 && *at < size && at.fract() == 0.0;
        let is_along = position.checked_sub(1).is_some_and(|position| self.has_channels_along(value, position));
        if is_along && counted.iter().all(is_channel) {
            let channels: Vec<usize> = counted.iter().map(|at| *at as usize).collect();
            if let Some(connected) = self.connection_table(node, value, &channels)? {
                return Ok(connected);
            }
        }
        Err(Problem::new("it takes some of the elements that come in, by their numbers")
            .help("neighbouring channels alone are taken: export it with `Slice` or `Split`"))
    }

    fn slice(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let list = |index: usize, name: &str| -> Answer<Option<Vec<i64>>> {
            Ok(match self.constant(node, index, name)? {
                Some(given) => {
                    given.whole().map(|values| values.into_iter().map(bound_of).collect::<Answer<_>>()).transpose()?
                }
                None => ints(node, name).map(<[i64]>::to_vec),
            })
        };
        let (starts, ends) = (list(1, "starts")?.unwrap_or_default(), list(2, "ends")?.unwrap_or_default());
        let axes = list(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = list(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
        if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
            return Err(Problem::new("its starts, ends, axes and steps are not equally many"));
        }
        if steps.iter().any(|step| *step != 1) {
            return Err(Problem::new("its steps are not 1"));
        }
        let within = |at: i64, len: i64| if at < 0 { at.saturating_add(len) } else { at }.clamp(0, len);
        match self.operand(node, 0)? {
            Some(Known::Value(value)) => {
                let mut pads = vec![[0; 2]; value.layout.0.len() + 1];
                let mut value = value;
                for index in 0..starts.len() {
                    let position = axis(axes[index], pads.len())?;
                    let Some(size) = position.checked_sub(1).map(|axis| value.layout.sizes()[axis] as i64) else {
                        // All images: TensorFlow writes this for an axis that it does not slice.
                        let is_all = ends[index] >= i64::from(i32::MAX) || self.is_batch(ends[index] as f64);
                        if is_all && starts[index] == 0 {
                            continue;
                        }
                        return Err(Problem::new("it takes a part of the batch"));
                    };
                    let (start, end) = (within(starts[index], size), within(ends[index], size));
                    let part = [start as usize, (end - start).max(0) as usize];
                    match self.channels_of(&value, position - 1, part)? {
                        Some(Known::Value(channels)) => value = channels,
                        _ => pads[position] = [-start, end - size],
                    }
                }
                self.padded(&value, &pads)
            }
            _ => {
                let data = self.small_constant(node, 0, "elements")?;
                let ([start], [end], 1) = (&starts[..], &ends[..], data.sizes.len()) else {
                    return Err(Problem::new("it takes a part of a table"));
                };
                let len = data.values.len() as i64;
                let range = within(*start, len) as usize..within(*end, len) as usize;
                Ok(numbers(Numbers::row(data.values.get(range).unwrap_or_default().to_vec())))
            }
        }
    }
}

/// The start or end of a slice along an axis; the size of the batch is the end of every axis.
fn bound_of(number: f64) -> Answer<i64> {
    match number {
        BATCH => Ok(i64::MAX),
        number if number.is_nan() => Err(Problem::new("what it takes follows from how many images come in")
            .help("images are not told apart here: take what each of them has")),
        number => Ok(number as i64),
    }
}

pub(super) fn numbers<'m>(numbers: Numbers) -> Known<'m> {
    Known::Constant(Constant::Numbers(numbers))
}

fn reshaped<'m>(constant: &Constant<'m>, sizes: &[usize]) -> Answer<Known<'m>> {
    let reshaped = constant.reshaped(sizes);
    reshaped
        .map(Known::Constant)
        .ok_or_else(|| Problem::new("its weights lie transposed, and cannot be seen in another shape"))
}
