//! A layer normalisation that a file writes as several nodes: as PyTorch does before version 17 of the operators, γ (x − m) / σ + β, or as
//! Keras and TensorFlow do, x (γ / σ) + (β − m (γ / σ)), in whatever order.

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

/// One number for each channel: weights, and how they are read.
type Row<'m> = (Weights<'m>, Vec<Run>);

/// What a node on the way computes, of the mean m and the deviation σ over the channels of x.
#[derive(Clone)]
enum Piece<'m> {
    /// m, or −m.
    Mean { minus: bool },
    /// x − m
    Centred,
    /// (x − m)²
    Square,
    /// The mean of that.
    Variance,
    /// σ², with the ε that it holds.
    Spread { epsilon: f64 },
    /// σ
    Deviation { epsilon: f64 },
    /// γ / σ
    Factor { epsilon: f64, gamma: Option<Row<'m>> },
    /// x γ / σ
    Scaled { gamma: Option<Row<'m>> },
    /// β − m γ / σ, or, with `plus` and without β, m γ / σ.
    Shift { epsilon: f64, gamma: Option<Row<'m>>, beta: Option<Row<'m>>, plus: bool },
    /// γ (x − m) / σ + β
    Whole { epsilon: f64, gamma: Option<Row<'m>>, beta: Option<Row<'m>> },
}

/// Names, to tell whether two rows are one.
fn same(one: &Option<Row<'_>>, other: &Option<Row<'_>>) -> bool {
    one.as_ref().map(|(weights, axes)| (weights.name, axes))
        == other.as_ref().map(|(weights, axes)| (weights.name, axes))
}

impl<'m> Reading<'m> {
    /// The normalisation that begins with the mean over the channels of its input, where the nodes behind it are one; they are absorbed.
    pub(super) fn layer_norm_in_pieces(&mut self, node: &'m Node<'m>, value: &Value) -> Answer<Option<Known<'m>>> {
        /// How far behind the mean its parts stand, at most.
        const FARTHEST: usize = 64;
        if !self.is_over_channels(node, value) {
            return Ok(None);
        }
        let x = node.inputs[0];
        let mut pieces: HashMap<&str, Piece<'m>> = HashMap::from([(node.outputs[0], Piece::Mean { minus: false })]);
        let mut parts: Vec<usize> = vec![self.at];
        let mut whole = None;
        let model = self.model;
        for (index, next) in model.graph.nodes.iter().enumerate().skip(self.at + 1).take(FARTHEST) {
            if !next.inputs.iter().any(|input| pieces.contains_key(input)) {
                continue;
            }
            let ([output], Some(piece)) = (&next.outputs[..], self.piece(next, x, value, &pieces)) else { continue };
            if matches!(piece, Piece::Whole { .. }) {
                whole = Some((index, next, piece.clone()));
            }
            pieces.insert(output, piece);
            parts.push(index);
        }
        let Some((last, end, Piece::Whole { epsilon, gamma, beta })) = whole else { return Ok(None) };
        parts.retain(|index| *index <= last);
        // What any other node reads must be there.
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
        let id = self.normal("layernorm", op, value.id)?;
        for (name, row) in [("gamma", gamma), ("beta", beta)] {
            if let Some((weights, axes)) = row {
                self.source(name, &weights, axes, Change::Times(1.0));
            }
        }
        Ok(Some(Known::Value(Value { id, ..value.clone() })))
    }

    /// Whether a mean is taken over the channels of each position, which stay as an axis of 1.
    fn is_over_channels(&self, node: &'m Node<'m>, value: &Value) -> bool {
        let rank = value.layout.0.len() + 1;
        let given: Option<Vec<i64>> = match self.constant(node, 1, "axes") {
            Ok(Some(axes)) => axes.whole().map(|axes| axes.into_iter().map(|axis| axis as i64).collect()),
            _ => ints(node, "axes").map(<[i64]>::to_vec),
        };
        let [Some(place)] =
            given.unwrap_or_default().iter().map(|given| axis(*given, rank).ok()).collect::<Vec<_>>()[..]
        else {
            return false;
        };
        let shape = self.builder.shape(value.id);
        let along = place.checked_sub(1).map(|place| &value.layout.0[place]);
        let is_channels = along.is_some_and(|axis| *axis == [Run { len: shape.channels(), stride: 1 }]);
        let is_row = rank == 2 && place == 1 && matches!(shape, Shape::Flat(_));
        (is_channels || is_row) && int(node, "keepdims", 1) != 0 && node.op == "ReduceMean"
    }

    /// What a node computes of the pieces that there are; `None` where it is none.
    fn piece(
        &self,
        node: &'m Node<'m>,
        x: &str,
        value: &Value,
        pieces: &HashMap<&str, Piece<'m>>,
    ) -> Option<Piece<'m>> {
        use Piece::*;
        let at = |index: usize| node.inputs.get(index).copied().unwrap_or_default();
        let piece = |index: usize| pieces.get(at(index)).cloned();
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
        Some(match (node.op, piece(0), piece(1)) {
            ("Identity" | "Cast", Some(piece), _) => piece,
            // The sizes that it has.
            ("Reshape", Some(piece @ (Mean { .. } | Variance)), None) => {
                let axes = &value.layout.0;
                let one = |axis: &Vec<Run>| *axis == [Run { len: self.builder.shape(value.id).channels(), stride: 1 }];
                let own = axes.iter().map(|axis| if one(axis) { 1.0 } else { super::layout::size(axis) as f64 });
                let Known::Constant(sizes) = self.known.get(at(1))? else { return None };
                (sizes.whole()?.split_first()?.1.iter().copied().eq(own)).then_some(piece)?
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
