//! A layer normalisation that a file writes as several nodes. PyTorch writes γ (x − m) / σ + β before version 17 of the operator set.
//! Keras and TensorFlow write x (γ / σ) + (β − m (γ / σ)), in any order.

use std::collections::HashMap;

use netwright_onnx::Node;
use netwright_onnx::source::Change;

use super::attributes::{axis, decimal, int, ints};
use super::constant::{Constant, Weights};
use super::layout::Run;
use super::problem::Answer;
use super::reading::{Known, Reading, Value};
use crate::ops::LayerNorm;
use crate::shape::Shape;

/// One element per channel: weights, and the order in which they are read.
type Row<'m> = (Weights<'m>, Vec<Run>);

/// The term that a node computes, with the mean m and the deviation σ over the channels of x.
#[derive(Clone)]
enum Term<'m> {
    /// m, or −m.
    Mean { minus: bool },
    /// x − m
    Centred,
    /// (x − m)²
    Square,
    /// The mean of (x − m)².
    Variance,
    /// σ², including its ε.
    Spread { epsilon: f64 },
    /// σ
    Deviation { epsilon: f64 },
    /// γ / σ
    Factor { epsilon: f64, gamma: Option<Row<'m>> },
    /// x γ / σ
    Scaled { gamma: Option<Row<'m>> },
    /// β − m γ / σ; with `plus` and without β, m γ / σ.
    Shift { epsilon: f64, gamma: Option<Row<'m>>, beta: Option<Row<'m>>, plus: bool },
    /// γ (x − m) / σ + β
    Whole { epsilon: f64, gamma: Option<Row<'m>>, beta: Option<Row<'m>> },
}

/// Compares names and axes to find out whether two vectors are equal.
fn same(one: &Option<Row<'_>>, other: &Option<Row<'_>>) -> bool {
    one.as_ref().map(|(weights, axes)| (weights.name, axes))
        == other.as_ref().map(|(weights, axes)| (weights.name, axes))
}

impl<'m> Reading<'m> {
    /// Matches a normalisation that starts with the mean over the channels of its input; absorbs its nodes.
    pub(super) fn layer_norm_pattern(&mut self, node: &'m Node<'m>, value: &Value) -> Answer<Option<Known<'m>>> {
        /// The maximum distance of a part from the mean, in nodes.
        const MAX_DISTANCE: usize = 64;
        if !self.is_over_channels(node, value) {
            return Ok(None);
        }
        let x = node.inputs[0];
        let mut terms: HashMap<&str, Term<'m>> = HashMap::from([(node.outputs[0], Term::Mean { minus: false })]);
        let mut parts: Vec<usize> = vec![self.at];
        let mut whole = None;
        let model = self.model;
        for (index, next) in model.graph.nodes.iter().enumerate().skip(self.at + 1).take(MAX_DISTANCE) {
            if !next.inputs.iter().any(|input| terms.contains_key(input)) {
                continue;
            }
            let ([output], Some(term)) = (&next.outputs[..], self.term(next, x, value, &terms)) else { continue };
            if matches!(term, Term::Whole { .. }) {
                whole = Some((index, next, term.clone()));
            }
            terms.insert(output, term);
            parts.push(index);
        }
        let Some((last, end, Term::Whole { epsilon, gamma, beta })) = whole else { return Ok(None) };
        parts.retain(|index| *index <= last);
        // The value of an inner node must not be read by nodes outside of the pattern.
        let is_inside = |index: &usize| {
            let output = model.graph.nodes[*index].outputs[0];
            *index == last || self.readers_of(output).iter().all(|reader| parts.contains(reader))
        };
        if !parts.iter().all(is_inside) {
            return Ok(None);
        }
        for index in &parts {
            if ![self.at, last].contains(index) {
                self.absorb((*index, &model.graph.nodes[*index]));
            }
        }
        self.absorb((last, end));
        let op = LayerNorm { epsilon, scale: gamma.is_some(), center: beta.is_some() }.into();
        let id = self.simple_layer("layernorm", op, value.id)?;
        for (name, row) in [("gamma", gamma), ("beta", beta)] {
            if let Some((weights, axes)) = row {
                self.source(name, &weights, axes, Change::Times(1.0));
            }
        }
        Ok(Some(Known::Value(Value { id, ..value.clone() })))
    }

    /// Whether a node computes the mean over the channels of each position, and keeps the axis with size 1.
    fn is_over_channels(&self, node: &'m Node<'m>, value: &Value) -> bool {
        let rank = value.layout.0.len() + 1;
        let given: Option<Vec<i64>> = match self.constant(node, 1, "axes") {
            Ok(Some(axes)) => axes.whole().map(|axes| axes.into_iter().map(|axis| axis as i64).collect()),
            _ => ints(node, "axes").map(<[i64]>::to_vec),
        };
        let [Some(position)] =
            given.unwrap_or_default().iter().map(|given| axis(*given, rank).ok()).collect::<Vec<_>>()[..]
        else {
            return false;
        };
        let shape = self.builder.shape(value.id);
        let along = position.checked_sub(1).map(|position| &value.layout.0[position]);
        let is_channels = along.is_some_and(|axis| *axis == [Run { len: shape.channels(), stride: 1 }]);
        let is_row = rank == 2 && position == 1 && matches!(shape, Shape::Flat(_));
        (is_channels || is_row) && int(node, "keepdims", 1) != 0 && node.op == "ReduceMean"
    }

    /// The term that a node computes from known terms; `None` if it is not part of the pattern.
    fn term(&self, node: &'m Node<'m>, x: &str, value: &Value, terms: &HashMap<&str, Term<'m>>) -> Option<Term<'m>> {
        use Term::*;
        let at = |index: usize| node.inputs.get(index).copied().unwrap_or_default();
        let term = |index: usize| terms.get(at(index)).cloned();
        let number = |index: usize| match self.known.get(at(index))? {
            Known::Constant(constant) => constant.single().map(|number| decimal(number as f32)),
            Known::Value(_) => None,
        };
        let row = |index: usize| match self.known.get(at(index))? {
            Known::Constant(Constant::Weights(weights)) => {
                Some((weights.clone(), self.of_channels(value, weights).ok()?))
            }
            _ => None,
        };
        Some(match (node.op, term(0), term(1)) {
            ("Identity" | "Cast", Some(term), _) => term,
            // A reshape to the sizes that it already has.
            ("Reshape", Some(term @ (Mean { .. } | Variance)), None) => {
                let axes = &value.layout.0;
                let one = |axis: &Vec<Run>| *axis == [Run { len: self.builder.shape(value.id).channels(), stride: 1 }];
                let own = axes.iter().map(|axis| if one(axis) { 1.0 } else { super::layout::size(axis) as f64 });
                let Known::Constant(sizes) = self.known.get(at(1))? else { return None };
                (sizes.whole()?.split_first()?.1.iter().copied().eq(own)).then_some(term)?
            }
            ("Neg", Some(Mean { minus }), _) => Mean { minus: !minus },
            ("Sub", None, Some(Mean { minus: false })) if at(0) == x => Centred,
            ("Add", Some(Mean { minus: true }), None) if at(1) == x => Centred,
            ("Add", None, Some(Mean { minus: true })) if at(0) == x => Centred,
            ("Mul", Some(Centred), Some(Centred)) => Square,
            ("Pow", Some(Centred), None) if number(1) == Some(2.0) => Square,
            ("ReduceMean", Some(Square), _) if self.is_over_channels(node, value) => Variance,
            ("Add", Some(Variance), None) => Spread { epsilon: number(1)? },
            ("Add", None, Some(Variance)) => Spread { epsilon: number(0)? },
            ("Sqrt", Some(Spread { epsilon }), _) => Deviation { epsilon },
            ("Pow", Some(Spread { epsilon }), None) if number(1) == Some(0.5) => Deviation { epsilon },
            ("Pow", Some(Spread { epsilon }), None) if number(1) == Some(-0.5) => Factor { epsilon, gamma: None },
            ("Reciprocal", Some(Deviation { epsilon }), _) => Factor { epsilon, gamma: None },
            ("Div", None, Some(Deviation { epsilon })) if number(0) == Some(1.0) => Factor { epsilon, gamma: None },
            ("Div", Some(Centred), Some(Deviation { epsilon })) => Whole { epsilon, gamma: None, beta: None },
            ("Mul", Some(Factor { epsilon, gamma: None }), None) if at(1) != x => {
                Factor { epsilon, gamma: Some(row(1)?) }
            }
            ("Mul", None, Some(Factor { epsilon, gamma: None })) if at(0) != x => {
                Factor { epsilon, gamma: Some(row(0)?) }
            }
            ("Mul", Some(Factor { gamma, .. }), None) if at(1) == x => Scaled { gamma },
            ("Mul", None, Some(Factor { gamma, .. })) if at(0) == x => Scaled { gamma },
            ("Mul", Some(Centred), Some(Factor { epsilon, gamma }))
            | ("Mul", Some(Factor { epsilon, gamma }), Some(Centred)) => Whole { epsilon, gamma, beta: None },
            ("Mul", Some(Mean { minus }), Some(Factor { epsilon, gamma }))
            | ("Mul", Some(Factor { epsilon, gamma }), Some(Mean { minus })) => {
                Shift { epsilon, gamma, beta: None, plus: !minus }
            }
            ("Add", Some(Shift { epsilon, gamma, beta: None, plus: false }), None) => {
                Shift { epsilon, gamma, beta: Some(row(1)?), plus: false }
            }
            ("Add", None, Some(Shift { epsilon, gamma, beta: None, plus: false }))
            | ("Sub", None, Some(Shift { epsilon, gamma, beta: None, plus: true })) => {
                Shift { epsilon, gamma, beta: Some(row(0)?), plus: false }
            }
            ("Add", Some(Scaled { gamma: one }), Some(Shift { epsilon, gamma, beta, plus: false }))
            | ("Add", Some(Shift { epsilon, gamma, beta, plus: false }), Some(Scaled { gamma: one }))
            | ("Sub", Some(Scaled { gamma: one }), Some(Shift { epsilon, gamma, beta, plus: true }))
                if same(&one, &gamma) =>
            {
                Whole { epsilon, gamma, beta }
            }
            ("Mul", Some(Whole { epsilon, gamma: None, beta: None }), None) => {
                Whole { epsilon, gamma: Some(row(1)?), beta: None }
            }
            ("Mul", None, Some(Whole { epsilon, gamma: None, beta: None })) => {
                Whole { epsilon, gamma: Some(row(0)?), beta: None }
            }
            ("Add", Some(Whole { epsilon, gamma, beta: None }), None) => Whole { epsilon, gamma, beta: Some(row(1)?) },
            ("Add", None, Some(Whole { epsilon, gamma, beta: None })) => Whole { epsilon, gamma, beta: Some(row(0)?) },
            _ => return None,
        })
    }
}
