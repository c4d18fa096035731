//! Values known at compile time: weights, and the results of shape arithmetic.

use std::path::Path;

use netwright_onnx::{Attribute, Elements, Node, Tensor, external};

use super::layout::Run;
use super::problem::{Answer, Problem};

/// The size of the batch in shape arithmetic.
pub(super) const BATCH: f64 = f64::NEG_INFINITY;

/// A value that depends on the size of the batch but differs from it, such as twice the size.
pub(super) const OF_BATCH: f64 = f64::NAN;

/// Sizes as text: the batch is N, values that depend on it are ?, and a long list is shortened.
pub(super) fn sizes_text(sizes: &[f64]) -> String {
    const FEW: usize = 8;
    let size = |size: &f64| match *size {
        BATCH => "N".to_owned(),
        size if size.is_nan() => "?".to_owned(),
        size => size.to_string(),
    };
    let first: Vec<String> = sizes.iter().take(FEW).map(size).collect();
    let more = if sizes.len() > FEW { ", …" } else { "" };
    format!("[{}{more}]", first.join(", "))
}

/// A value that does not depend on the input.
#[derive(Clone, Debug)]
pub(super) enum Constant<'m> {
    /// A tensor of the file, or a view of one.
    Weights(Weights<'m>),
    /// A few computed elements.
    Numbers(Numbers),
    /// Elements for each image of the batch, which is the first axis.
    OfImages(OfImages),
}

/// Elements for each image of a batch: those of the first image, and the increment per image.
#[derive(Clone, Debug)]
pub(super) struct OfImages {
    /// The elements of the first image; the first axis has size 1.
    pub(super) first: Numbers,
    pub(super) step: f64,
}

/// A view of a tensor of the file.
#[derive(Clone, Debug)]
pub(super) struct Weights<'m> {
    /// Its name in the file.
    pub(super) name: &'m str,
    pub(super) tensor: &'m Tensor<'m>,
    /// Sizes and strides, slowest first.
    pub(super) axes: Vec<Run>,
    /// Whether it is a constant of the graph instead of a trained initializer.
    pub(super) is_fixed: bool,
}

/// A few elements, with their shape.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    pub(super) sizes: Vec<usize>,
    pub(super) values: Vec<f64>,
}

impl Numbers {
    /// A vector.
    pub(super) fn row(values: Vec<f64>) -> Self {
        Self { sizes: vec![values.len()], values }
    }
}

impl<'m> Weights<'m> {
    pub(super) fn of(name: &'m str, tensor: &'m Tensor<'m>, is_fixed: bool) -> Self {
        let mut stride = tensor.len();
        let axes = tensor.dims.iter().map(|&len| {
            stride = stride.checked_div(len).unwrap_or_default();
            Run { len, stride }
        });
        Self { name, tensor, axes: axes.collect(), is_fixed }
    }

    pub(super) fn sizes(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.len).collect()
    }

    /// The elements, if there are few and they are in the model file itself.
    pub(super) fn numbers(&self) -> Option<Numbers> {
        self.numbers_in(None)
    }

    /// The elements, if there are few and they are in the model file or in an external file in its folder.
    pub(super) fn numbers_in(&self, folder: Option<&Path>) -> Option<Numbers> {
        const FEW: usize = 1 << 16;
        if self.tensor.len() > FEW {
            return None;
        }
        let elements: Elements<'_> = external::elements(self.tensor, folder).ok()?;
        let sizes = self.sizes();
        let count = sizes.iter().product::<usize>();
        let value = |mut index: usize| {
            let mut offset = 0;
            for axis in self.axes.iter().rev() {
                offset += index % axis.len * axis.stride;
                index /= axis.len;
            }
            elements.get(offset)
        };
        let values = (0..count).map(value).collect::<Option<Vec<_>>>()?;
        Some(Numbers { sizes, values })
    }
}

impl<'m> Constant<'m> {
    /// The value of a `Constant` node.
    pub(super) fn of_node(node: &'m Node<'m>) -> Answer<Self> {
        let name = node.outputs.first().copied().unwrap_or_default();
        let one = |value| Self::Numbers(Numbers { sizes: Vec::new(), values: vec![value] });
        let row = |values| Self::Numbers(Numbers::row(values));
        for (key, value) in &node.attributes {
            match (*key, value) {
                ("value", Attribute::Tensor(tensor)) => return Ok(Self::Weights(Weights::of(name, tensor, true))),
                ("value_float", Attribute::Float(value)) => return Ok(one(f64::from(*value))),
                ("value_int", Attribute::Int(value)) => return Ok(one(*value as f64)),
                ("value_ints", Attribute::Ints(values)) => {
                    return Ok(row(values.iter().map(|value| *value as f64).collect()));
                }
                ("value_floats", Attribute::Floats(values)) => {
                    return Ok(row(values.iter().map(|value| f64::from(*value)).collect()));
                }
                _ => {}
            }
        }
        Err(Problem::new("its constant is of a kind that is not read"))
    }

    /// The sizes.
    pub(super) fn sizes(&self) -> Vec<usize> {
        match self {
            Self::Weights(weights) => weights.sizes(),
            Self::Numbers(numbers) => numbers.sizes.clone(),
            Self::OfImages(OfImages { first, .. }) => first.sizes.clone(),
        }
    }

    /// The elements, if there are few.
    pub(super) fn numbers(&self) -> Option<Numbers> {
        match self {
            Self::Weights(weights) => weights.numbers(),
            Self::Numbers(numbers) => Some(numbers.clone()),
            Self::OfImages(_) => None,
        }
    }

    /// The only element.
    pub(super) fn single(&self) -> Option<f64> {
        self.numbers().filter(|numbers| numbers.values.len() == 1).map(|numbers| numbers.values[0])
    }

    /// The elements as integers; the size of the batch is [`BATCH`], and values that depend on it are [`OF_BATCH`].
    pub(super) fn whole(&self) -> Option<Vec<f64>> {
        self.numbers().map(|numbers| numbers.values)
    }

    /// A view with the axes in another order.
    pub(super) fn transposed(&self, order: &[usize]) -> Option<Self> {
        let Self::Weights(weights) = self else { return None };
        let axes = order.iter().map(|&axis| weights.axes.get(axis).copied()).collect::<Option<Vec<_>>>()?;
        Some(Self::Weights(Weights { axes, ..weights.clone() }))
    }

    /// A view with axes of these sizes.
    pub(super) fn reshaped(&self, sizes: &[usize]) -> Option<Self> {
        match self {
            Self::Numbers(numbers) => {
                let fits = sizes.iter().product::<usize>() == numbers.values.len();
                fits.then(|| Self::Numbers(Numbers { sizes: sizes.to_vec(), values: numbers.values.clone() }))
            }
            Self::OfImages(OfImages { first, step }) => {
                let fits = sizes.first() == Some(&1) && sizes.iter().product::<usize>() == first.values.len();
                let first = Numbers { sizes: sizes.to_vec(), values: first.values.clone() };
                fits.then_some(Self::OfImages(OfImages { first, step: *step }))
            }
            Self::Weights(weights) => {
                let whole: Vec<Vec<Run>> =
                    weights.axes.iter().filter(|axis| axis.len > 1).map(|axis| vec![*axis]).collect();
                let axes = super::layout::Layout(whole).reshaped(sizes)?.0;
                let single = |(axis, &len): (Vec<Run>, &usize)| match axis.as_slice() {
                    [] => Some(Run { len, stride: 0 }),
                    [run] => Some(*run),
                    _ => None,
                };
                let axes = axes.into_iter().zip(sizes).map(single).collect::<Option<Vec<_>>>()?;
                Some(Self::Weights(Weights { axes, ..weights.clone() }))
            }
        }
    }
}
