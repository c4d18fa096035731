//! Import of normalisations.

use netwright_onnx::Node;
use netwright_onnx::source::Change;

use super::attributes::{axis, float, int};
use super::layout::{Run, along};
use super::problem::{Answer, Problem};
use super::reading::{Known, Reading, Value};
use super::written;
use crate::builder::WeightOptions;
use crate::graph::ValueId;
use crate::ops::{BatchNorm, LayerNorm, Lrn, Op, Prelu};
use crate::shape::Shape;

/// The operation of an `LRN` of this size. ONNX divides α by the size.
fn lrn_of(node: &Node<'_>, size: usize) -> Op {
    let alpha = float(node, "alpha", 1e-4) / size as f64;
    Lrn { size, alpha, beta: float(node, "beta", 0.75), k: float(node, "bias", 1.0) }.into()
}

impl<'m> Reading<'m> {
    /// The value with a channel axis, and the order in which a vector of weights per channel is read.
    fn channels(&mut self, value: &Value) -> Answer<(ValueId, Vec<Run>)> {
        if let [only] = value.layout.0.as_slice() {
            let id = self.shaped(value.id, Shape::Flat(value.layout.len()))?;
            return Ok((id, along(only, 1)));
        }
        let is_row = matches!(self.builder.shape(value.id), Shape::Flat(_));
        if is_row && value.layout.0[1..].iter().all(Vec::is_empty) {
            return Ok((value.id, along(&value.layout.0[0], 1)));
        }
        let (id, [.., channels]) = self.image(value)?;
        Ok((id, vec![Run { len: channels, stride: 1 }]))
    }

    /// Sets the sources of the vectors of weights called `names`, the inputs after the first.
    fn vectors(&mut self, node: &'m Node<'m>, names: &[&str], order: &[Run]) -> Answer<()> {
        let channels: usize = order.iter().map(|run| run.len).product();
        for (index, name) in names.iter().enumerate() {
            let weights = self.weights(node, index + 1, name)?;
            let own: Vec<Run> = weights.axes.iter().copied().filter(|axis| axis.len > 1).collect();
            let axes = match own.as_slice() {
                [row] if row.len == channels => {
                    order.iter().map(|run| Run { stride: run.stride * row.stride, ..*run }).collect()
                }
                [] => vec![Run { len: channels, stride: 0 }],
                _ => {
                    return Err(Problem::new(format!(
                        "its {name} has {:?} elements for {channels} channels",
                        weights.sizes()
                    )));
                }
            };
            self.source(name, &weights, axes, Change::Times(1.0));
        }
        Ok(())
    }

    pub(super) fn simple_layer(&mut self, word: &str, op: Op, x: ValueId) -> Answer<ValueId> {
        let text = written::stage(&op, self.builder.shape(x)).unwrap_or_else(|| word.to_owned());
        self.row(word, text, vec![op], &[x], WeightOptions::default())
    }

    pub(super) fn batch_norm(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        if int(node, "training_mode", 0) != 0 {
            return Err(Problem::new("it is in training_mode")
                .help("export the model for prediction: it trains here all the same"));
        }
        let value = self.value(node, 0)?;
        let (x, order) = self.channels(&value)?;
        let (epsilon, momentum) = (float(node, "epsilon", 1e-5), float(node, "momentum", 0.9));
        let op = BatchNorm { epsilon, momentum, scale: true, center: true }.into();
        let id = self.simple_layer("batchnorm", op, x)?;
        self.vectors(node, &["gamma", "beta", "moving_mean", "moving_variance"], &order)?;
        Ok(Known::Value(Value { id, ..value }))
    }

    pub(super) fn layer_norm(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        let rank = value.layout.0.len() + 1;
        let last = &value.layout.0[rank - 2];
        let channels = self.builder.shape(value.id).channels();
        let is_row = matches!(self.builder.shape(value.id), Shape::Flat(_)) && rank == 2;
        let is_channels = *last == [Run { len: channels, stride: 1 }];
        if axis(int(node, "axis", -1), rank)? != rank - 1 || !(is_channels || is_row) {
            return Err(Problem::new("it normalises over more or other axes than the channels of each position")
                .help("normalise over the channels alone, behind a transposing to N x H x W x C"));
        }
        let order = along(last, 1);
        let center = node.inputs.get(2).is_some_and(|name| !name.is_empty());
        let op = LayerNorm { epsilon: float(node, "epsilon", 1e-5), scale: true, center }.into();
        let id = self.simple_layer("layernorm", op, value.id)?;
        self.vectors(node, if center { &["gamma", "beta"] } else { &["gamma"] }, &order)?;
        Ok(Known::Value(Value { id, ..value }))
    }

    pub(super) fn lrn(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        let (x, _) = self.image(&value)?;
        let size = usize::try_from(int(node, "size", 1)).unwrap_or_default().max(1);
        if size.is_multiple_of(2) {
            return Err(Problem::new(format!(
                "its size is {size}: of an even number of neighbours it has one more behind a channel"
            ))
            .help("use an odd size"));
        }
        let id = self.simple_layer("lrn", lrn_of(node, size), x)?;
        Ok(Known::Value(Value { id, ..value }))
    }

    /// Matches an `LRN` of an even size between two reversals of the channels, starting at the first: of an even number of neighbours,
    /// ONNX has one more after a channel, and our operation one more before it.
    pub(super) fn reversed_lrn(&mut self, node: &'m Node<'m>, value: &Value) -> Answer<Option<Known<'m>>> {
        let Some(lrn) = self.only_reader_of_kind(node.outputs[0], "LRN") else { return Ok(None) };
        let Some(&normalised) = lrn.1.outputs.first() else { return Ok(None) };
        let Some(back) = self.only_reader_of_kind(normalised, "Gather") else { return Ok(None) };
        let size = usize::try_from(int(lrn.1, "size", 1)).unwrap_or_default();
        let are_reversals = self.reverses_channels(node, value) && self.reverses_channels(back.1, value);
        if back.1.inputs[0] != normalised || size == 0 || size % 2 == 1 || !are_reversals {
            return Ok(None);
        }
        let (x, _) = self.image(value)?;
        self.absorb(lrn);
        self.absorb(back);
        let id = self.simple_layer("lrn", lrn_of(lrn.1, size), x)?;
        Ok(Some(Known::Value(Value { id, ..value.clone() })))
    }

    /// Whether a `Gather` takes the channels of a value, or of another of its shape, in reverse.
    fn reverses_channels(&self, node: &'m Node<'m>, value: &Value) -> bool {
        let position = axis(int(node, "axis", 0), value.layout.0.len() + 1);
        let Ok(indices) = self.small_constant(node, 1, "indices") else { return false };
        let channels = self.builder.shape(value.id).channels();
        let reversed = (0..channels).rev().map(|channel| channel as f64);
        position.is_ok_and(|position| position == 1)
            && self.has_channels_along(value, 0)
            && indices.sizes.len() == 1
            && indices.values.into_iter().eq(reversed)
    }

    pub(super) fn prelu(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        let slopes = self.weights(node, 1, "slopes")?;
        let shared = slopes.sizes().iter().product::<usize>() == 1;
        let (x, order) = self.channels(&value)?;
        let start = 0.25;
        let id = self.simple_layer("prelu", Prelu { shared, start }.into(), x)?;
        let order = if shared { Vec::new() } else { order };
        self.vectors(node, &["slope"], &order)?;
        Ok(Known::Value(Value { id, ..value }))
    }

    /// Imports a softmax or log-softmax.
    pub(super) fn softmax(&mut self, node: &'m Node<'m>, word: &str, op: Op) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        let rank = value.layout.0.len() + 1;
        let usual = if self.model.opset < 13 { 1 } else { -1 };
        let along = axis(int(node, "axis", usual), rank)?;
        let shape = self.builder.shape(value.id);
        let is_channels = along > 0 && value.layout.0[along - 1] == [Run { len: shape.channels(), stride: 1 }];
        let is_row = rank == 2 && along == 1 && matches!(shape, Shape::Flat(_));
        if !is_channels && !is_row {
            return Err(Problem::new("its softmax is over other axes than the channels"));
        }
        let id = self.simple_layer(word, op, value.id)?;
        Ok(Known::Value(Value { id, ..value }))
    }
}
