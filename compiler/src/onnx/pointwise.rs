//! Elementwise functions, and arithmetic between values or with constants.

use netwright_abi::Activation as Function;
use netwright_onnx::Node;
use netwright_onnx::source::Change;

use super::attributes::{decimal, float, text};
use super::constant::{Constant, Weights};
use super::layout::{Layout, Run};
use super::problem::{Answer, Problem};
use super::reading::{Known, Reading, Value};
use super::written;
use crate::builder::WeightOptions;
use crate::graph::{Init, ValueId};
use crate::ops::{Activation, Add, Depthwise, Dropout, Multiply, Op, Scale};
use crate::shape::{Padding, Shape, Window};

impl<'m> Reading<'m> {
    /// Imports an elementwise function. It extends the row of its input if nothing else reads that.
    pub(super) fn function(&mut self, node: &'m Node<'m>, function: Function) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        self.function_of(value, node.inputs[0], Activation(function).into())
    }

    fn function_of(&mut self, value: Value, name: &str, op: Op) -> Answer<Known<'m>> {
        let text = written::stage(&op, self.builder.shape(value.id)).unwrap_or_default();
        let id = if self.may_extend_row(value.id, name) && self.builder.extend(&text, WeightOptions::default()) {
            let id = self.builder.push(op, &[value.id])?;
            self.builder.close(value.id, id);
            self.set_row_output(id);
            id
        } else {
            let word = text.split(' ').next().unwrap_or_default().to_owned();
            self.row(&word, text, vec![op], &[value.id], WeightOptions::default())?
        };
        Ok(Known::Value(Value { id, ..value }))
    }

    pub(super) fn sigmoid(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let function = if self.silu(node) { Function::Silu } else { Function::Sigmoid };
        self.function(node, function)
    }

    pub(super) fn hard_sigmoid_node(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let (slope, middle) = (float(node, "alpha", 0.2), float(node, "beta", 0.5));
        if middle != 0.5 {
            return Err(Problem::new(format!("its beta is {middle}, and that of a sigmoid here is 0.5")));
        }
        // The file has rounded 1/6.
        let slope = if (slope - 1.0 / 6.0).abs() < 1e-6 { 1.0 / 6.0 } else { slope };
        self.function(node, Function::HardSigmoid(slope))
    }

    /// Imports a value times a function of it: z times its hard sigmoid, or z tanh(softplus(z)).
    pub(super) fn gated(&mut self, node: &'m Node<'m>, functions: &[Function]) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        let mut gate = value.id;
        for function in functions {
            let op: Op = Activation(*function).into();
            let text = written::stage(&op, self.builder.shape(gate)).unwrap_or_default();
            let word = text.split(' ').next().unwrap_or_default().to_owned();
            gate = self.row(&word, text, vec![op], &[gate], WeightOptions::default())?;
        }
        let id =
            self.row("mul", "mul".to_owned(), vec![Multiply.into()], &[value.id, gate], WeightOptions::default())?;
        Ok(Known::Value(Value { id, ..value }))
    }

    /// The bounds of a `Clip`; infinite if they are absent, or are the largest finite value.
    pub(super) fn clip_to(&self, node: &'m Node<'m>) -> Answer<(f64, f64)> {
        let end = |index: usize, name: &str, usual: f64| -> Answer<f64> {
            let end = match self.constant(node, index, name)? {
                Some(end) => match end.single().map(|end| end as f32) {
                    Some(end) if !end.is_nan() => decimal(end),
                    _ => return Err(Problem::new(format!("its {name} is no number"))),
                },
                None => float(node, name, usual),
            };
            Ok(if end.abs() >= f64::from(f32::MAX) { f64::INFINITY.copysign(end) } else { end })
        };
        Ok((end(1, "min", f64::NEG_INFINITY)?, end(2, "max", f64::INFINITY)?))
    }

    pub(super) fn clip(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let ends = self.clip_to(node)?;
        self.clipped(node, 0, ends)
    }

    /// Imports the maximum or minimum of a value and a constant.
    pub(super) fn min_or_max(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let position = usize::from(matches!(self.operand(node, 0)?, Some(Known::Constant(_))));
        let number = match (self.operand(node, 1 - position)?, node.inputs.len()) {
            (Some(Known::Constant(constant)), 2) => constant.single().map(|number| decimal(number as f32)),
            _ => None,
        };
        let Some(number) = number.filter(|number| number.is_finite()) else {
            return Err(Problem::new("it compares values with each other, or with more than one number")
                .help("the larger or smaller of a value and one number is supported"));
        };
        let ends = if node.op == "Max" { (number, f64::INFINITY) } else { (f64::NEG_INFINITY, number) };
        self.clipped(node, position, ends)
    }

    fn clipped(&mut self, node: &'m Node<'m>, position: usize, ends: (f64, f64)) -> Answer<Known<'m>> {
        let value = self.value(node, position)?;
        let mut function =
            |function: Function| self.function_of(value.clone(), node.inputs[position], Activation(function).into());
        match ends {
            (0.0, 6.0) => function(Function::Relu6),
            (0.0, f64::INFINITY) => function(Function::Relu),
            (f64::NEG_INFINITY, f64::INFINITY) => Ok(Known::Value(value)),
            (from, to) if from < to => function(Function::Clip(from, to)),
            (from, to) => Err(Problem::new(format!("it keeps to {from}..{to}, and nothing lies between"))
                .help("its `min` must be less than its `max`")),
        }
    }

    pub(super) fn dropout(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        let rate = match self.constant(node, 1, "ratio")? {
            Some(ratio) => ratio.single().map_or(0.5, |ratio| decimal(ratio as f32)),
            None => float(node, "ratio", 0.5),
        };
        if !(0.0..1.0).contains(&rate) {
            return Err(Problem::new(format!("its ratio is {rate}")));
        }
        if rate == 0.0 {
            Ok(Known::Value(value))
        } else {
            self.function_of(value, node.inputs[0], Dropout { rate }.into())
        }
    }

    pub(super) fn arithmetic(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let (Some(left), Some(right)) = (self.operand(node, 0)?, self.operand(node, 1)?) else {
            return Err(Problem::new("it has no two inputs"));
        };
        if matches!(node.op, "Div" | "Mul")
            && let Some(function) = self.gelu(node)
        {
            let position = usize::from(matches!(left, Known::Constant(_)));
            let value = self.value(node, position)?;
            return self.function_of(value, node.inputs[position], Activation(function).into());
        }
        match (left, right) {
            (Known::Value(left), Known::Value(right)) => self.binary(node, left, right),
            (Known::Value(value), Known::Constant(constant)) => {
                self.with_constant(node, node.op, value, constant, node.inputs[0])
            }
            (Known::Constant(constant), Known::Value(value)) => match node.op {
                "Add" | "Mul" => self.with_constant(node, node.op, value, constant, node.inputs[1]),
                "Sub" => {
                    let id = self.negate(value.id)?;
                    self.with_constant(node, "Add", Value { id, ..value }, constant, node.inputs[1])
                }
                _ => Err(Problem::new("what comes in divides a constant, which is not supported")
                    .help("divide by a constant, or multiply")),
            },
            (Known::Constant(left), Known::Constant(right)) => {
                self.fold_constants(node, left, right).map(Known::Constant)
            }
        }
    }

    fn negate(&mut self, id: ValueId) -> Answer<ValueId> {
        let minus: Op = Scale { factor: -1.0 }.into();
        self.row("scale", "scale -1".to_owned(), vec![minus], &[id], WeightOptions::default())
    }

    pub(super) fn negation(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        let id = self.negate(value.id)?;
        Ok(Known::Value(Value { id, ..value }))
    }

    /// Imports arithmetic between two values of equal shape, or between an image and one element per channel.
    fn binary(&mut self, node: &'m Node<'m>, left: Value, right: Value) -> Answer<Known<'m>> {
        let row = |value: &Value| value.layout.0.iter().filter(|axis| !axis.is_empty()).count() <= 1;
        let (mut left, mut right) = (left, right);
        let is_product = node.op == "Mul";
        if is_product && left.layout != right.layout && row(&left) {
            std::mem::swap(&mut left, &mut right);
        }
        if left.layout.0.len() != right.layout.0.len() {
            return Err(Problem::new("the values that meet have other numbers of axes"));
        }
        let is_same = left.layout == right.layout;
        let [mut first, mut second] = [left.id, right.id];
        let shape = self.builder.shape(first);
        if is_same && shape != self.builder.shape(second) {
            let flat = Shape::Flat(left.layout.len());
            first = self.shaped(first, flat)?;
            second = self.shaped(second, flat)?;
        } else if !is_same {
            let expected = [Run { len: shape.channels(), stride: 1 }];
            let fits = left
                .layout
                .0
                .iter()
                .zip(&right.layout.0)
                .all(|(left, right)| right.is_empty() || left == right && *left == expected);
            if !(is_product && fits && right.layout.len() == shape.channels()) {
                return Err(Problem::new("the values that meet differ in shape, or lie otherwise in memory")
                    .help("values are added where they have one shape; an image is multiplied by another, or by a number for each channel"));
            }
            second = self.shaped(second, Shape::Flat(shape.channels()))?;
        }
        if node.op == "Sub" {
            second = self.negate(second)?;
        }
        let (word, op): (_, Op) = match node.op {
            "Add" | "Sub" | "Sum" => ("add", Add.into()),
            "Mul" => ("mul", Multiply.into()),
            _ => {
                return Err(Problem::new("one value divided by another is not supported")
                    .help("divide by a constant, or multiply"));
            }
        };
        let id = self.row(word, word.to_owned(), vec![op], &[first, second], WeightOptions::default())?;
        Ok(Known::Value(Value { id, layout: left.layout }))
    }

    /// Imports a sum of several values.
    pub(super) fn sum(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let values = (0..node.inputs.len()).map(|index| self.value(node, index)).collect::<Answer<Vec<_>>>()?;
        let mut values = values.into_iter();
        let mut sum = values.next().ok_or_else(|| Problem::new("it has no inputs"))?;
        for value in values {
            let Known::Value(next) = self.binary(node, sum, value)? else {
                return Err(Problem::new("it adds nothing"));
            };
            sum = next;
        }
        Ok(Known::Value(sum))
    }

    /// Imports a value times or plus a constant: a scalar, or one element per channel.
    fn with_constant(
        &mut self,
        node: &'m Node<'m>,
        op: &str,
        value: Value,
        constant: Constant<'m>,
        name: &str,
    ) -> Answer<Known<'m>> {
        if let Some(number) = constant.single() {
            let number = decimal(number as f32);
            if op == "Add"
                && number == 3.0
                && let Some(function) = self.hard_sigmoid(node, name)
            {
                return self.function_of(value, name, Activation(function).into());
            }
            let factor = match op {
                "Mul" => number,
                "Div" => 1.0 / number,
                _ if number == 0.0 => return Ok(Known::Value(value)),
                _ => return self.add_scalar(value, if op == "Sub" { -number } else { number }),
            };
            if factor == 1.0 {
                return Ok(Known::Value(value));
            }
            let text = format!("scale {factor}");
            let id = self.row("scale", text, vec![Scale { factor }.into()], &[value.id], WeightOptions::default())?;
            return Ok(Known::Value(Value { id, ..value }));
        }
        let Constant::Weights(weights) = constant else {
            return Err(Problem::new("it mixes what comes in with numbers computed of shapes"));
        };
        let own = self.of_channels(&value, &weights)?;
        let result = self.result();
        let (scale, mut shift) = match op {
            "Mul" => (Some((weights, own, Change::Times(1.0))), None),
            "Div" => (Some((weights, own, Change::Reciprocal)), None),
            "Sub" => (None, Some((weights, own, Change::Times(-1.0)))),
            _ => (None, Some((weights, own, Change::Times(1.0)))),
        };
        // An addition directly after a product is the product's bias.
        if let (Some(_), Some((index, add))) = (&scale, self.only_reader(result).filter(|(_, node)| node.op == "Add")) {
            let other =
                add.inputs.iter().find(|input| **input != result).and_then(|other| self.known.get(other)).cloned();
            if let Some(Known::Constant(Constant::Weights(more))) = other
                && let Ok(own) = self.of_channels(&value, &more)
            {
                self.absorb((index, add));
                shift = Some((more, own, Change::Times(1.0)));
            }
        }
        let is_fixed = scale.iter().chain(&shift).all(|(weights, ..)| weights.is_fixed);
        let (image, id) = self.as_pixel_image(&value)?;
        let options = WeightOptions { init: Some(Init::Constant(1.0)), ..WeightOptions::default() };
        let pixel = self.per_channel(id, shift.is_some(), options, is_fixed)?;
        match scale {
            Some((weights, axis, change)) => self.source("kernel", &weights, axis, change),
            None => self.filled("kernel", 1.0),
        }
        if let Some((weights, axis, change)) = shift {
            self.source("bias", &weights, axis, change);
        }
        let id = if image { pixel } else { self.shaped(pixel, self.builder.shape(value.id))? };
        Ok(Known::Value(Value { id, ..value }))
    }

    fn add_scalar(&mut self, value: Value, number: f64) -> Answer<Known<'m>> {
        let (image, id) = self.as_pixel_image(&value)?;
        let bias = Some(Init::Constant(number));
        let options = WeightOptions { init: Some(Init::Constant(1.0)), bias, ..WeightOptions::default() };
        let pixel = self.per_channel(id, true, options, true)?;
        self.filled("kernel", 1.0);
        self.filled("bias", number);
        let id = if image { pixel } else { self.shaped(pixel, self.builder.shape(value.id))? };
        Ok(Known::Value(Value { id, ..value }))
    }

    /// A factor per channel, optionally with a bias: a depthwise convolution with a 1x1 window.
    fn per_channel(&mut self, id: ValueId, bias: bool, options: WeightOptions, is_fixed: bool) -> Answer<ValueId> {
        let window = Window { size: [1; 2], stride: [1; 2], dilation: [1; 2], padding: Padding::Explicit([0; 4]) };
        let op: Op = Depthwise { window, multiplier: 1, bias, kernel: "kernel" }.into();
        let mut text = written::stage(&op, self.builder.shape(id)).unwrap_or_default();
        text += " init constant(1)";
        if let Some(Init::Constant(bias)) = options.bias {
            text += &format!(" bias {bias}");
        }
        let before = self.builder.freeze(is_fixed);
        let output = self.row("dwconv", text, vec![op], &[id], options);
        self.builder.freeze(before);
        output
    }

    /// The value as an image: itself, or a flat value as a single pixel.
    fn as_pixel_image(&mut self, value: &Value) -> Answer<(bool, ValueId)> {
        match self.builder.shape(value.id) {
            Shape::Flat(channels) => {
                Ok((false, self.shaped(value.id, Shape::Image { height: 1, width: 1, channels })?))
            }
            _ => Ok((true, value.id)),
        }
    }

    /// The order in which weights are read, for the channels of a value.
    pub(super) fn of_channels(&self, value: &Value, weights: &Weights<'m>) -> Answer<Vec<Run>> {
        let shape = self.builder.shape(value.id);
        let axes = &value.layout.0;
        let wrong = || {
            Problem::new(format!(
                "its constant of {:?} is neither one number nor one for each channel",
                weights.sizes()
            ))
            .help("a constant for each position of an image is not supported")
        };
        let large: Vec<(usize, Run)> = weights
            .axes
            .iter()
            .rev()
            .enumerate()
            .filter(|(_, axis)| axis.len > 1)
            .map(|(back, axis)| (back, *axis))
            .collect();
        match large.as_slice() {
            [] => Ok(vec![Run { len: shape.channels(), stride: 0 }]),
            [(back, own)] if *back < axes.len() => {
                let axis = &axes[axes.len() - 1 - back];
                let is_row = matches!(shape, Shape::Flat(_)) && super::layout::size(axis) == shape.len();
                let is_channels = *axis == [Run { len: shape.channels(), stride: 1 }];
                let fits = (is_row || is_channels) && own.len == super::layout::size(axis);
                if fits { Ok(super::layout::along(axis, own.stride)) } else { Err(wrong()) }
            }
            _ => Err(wrong()),
        }
    }

    /// Imports a concatenation along the channels.
    pub(super) fn concat(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let values = (0..node.inputs.len()).map(|index| self.value(node, index)).collect::<Answer<Vec<_>>>()?;
        let first = values.first().cloned().ok_or_else(|| Problem::new("it has no inputs"))?;
        let rank = first.layout.0.len() + 1;
        let position = super::attributes::axis(super::attributes::int(node, "axis", 1), rank)?;
        if values.len() == 1 {
            return Ok(Known::Value(first));
        }
        let mut ids = Vec::new();
        for value in &values {
            let channels = self.builder.shape(value.id).channels();
            let along = position.checked_sub(1).and_then(|axis| value.layout.0.get(axis));
            let is_channels = channels == 1 || along.is_some_and(|axis| *axis == [Run { len: channels, stride: 1 }]);
            if value.layout.0.len() + 1 != rank || !is_channels {
                return Err(Problem::new(format!(
                    "it puts values side by side along axis {position}, and here that is done along the channels"
                ))
                .help("flatten behind the concatenation, not before it"));
            }
            ids.push(value.id);
        }
        let all_rows = ids.iter().all(|id| matches!(self.builder.shape(*id), Shape::Flat(_)));
        if !all_rows && ids.iter().any(|id| matches!(self.builder.shape(*id), Shape::Flat(_))) {
            for id in &mut ids {
                let channels = self.builder.shape(*id).len();
                *id = self.shaped(*id, Shape::Flat(channels))?;
            }
        }
        let id =
            self.row("concat", "concat".to_owned(), vec![crate::ops::Concat.into()], &ids, WeightOptions::default())?;
        let shape = self.builder.shape(id);
        let layout = Layout::along_axes(shape, rank - 1, position == rank - 1 && rank > 2);
        Ok(Known::Value(Value { id, layout }))
    }

    pub(super) fn gelu_node(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        match text(node, "approximate") {
            Some("tanh") => self.function(node, Function::GeluTanh),
            _ => self.function(node, Function::Gelu),
        }
    }
}
