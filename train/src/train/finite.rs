//! Searches for the first element that is NaN or infinite.

use crate::error::Origin;
use crate::network::{Network, TrainingWorkspace};
use crate::observer::Observer;
use crate::once::Once;
use crate::pass::{Pass, PassError};
use crate::scalar::Precision;
use crate::tensor::Sample;

/// An observer that records the layer whose kernel first writes an element that is not finite, if `watches` is set. A normal step runs with an
/// observer that does not watch, so that both passes are the same code and a program compiles its network once.
#[derive(Default)]
pub(crate) struct FirstBroken {
    watches: bool,
    layer: Option<usize>,
}

impl<T: Precision> Observer<T> for FirstBroken {
    fn computed(&mut self, layer: usize, values: &mut [T]) {
        if self.watches && self.layer.is_none() && !T::all_finite(values) {
            self.layer = Some(layer);
        }
    }
}

/// Returns the index of the first image with an element that is not finite.
pub(crate) fn broken_input<T: Precision, I: Sample<T>>(images: &[I]) -> Option<usize> {
    for (index, image) in images.iter().enumerate() {
        if !T::all_finite(image.elements()) {
            return Some(index);
        }
    }
    None
}

/// Finds the origin of a loss that is not finite: the first image that is not finite, else the first layer whose output is not finite
/// (or its weights, if these are not), else the loss itself. It runs the pass again and checks after each kernel, so that it also sees
/// values that are later overwritten.
pub(crate) fn broken_forward<N: Network>(
    pass: Pass,
    images: &[N::Input],
    parameters: &[N::Scalar],
    statistics: &mut [N::Scalar],
    workspace: &mut TrainingWorkspace<N>,
) -> Result<Origin, PassError> {
    if let Some(index) = broken_input(images) {
        return Ok(Origin::BatchInput(pass.first_image + index));
    }
    let mut first = FirstBroken { watches: true, layer: None };
    workspace.forward_observed(pass, parameters, statistics, images, &mut first)?;
    let Some(layer) = first.layer.map(|index| &N::LAYERS[index]) else { return Ok(Origin::Loss) };
    let by_weights = N::Scalar::broken_weights(core::slice::from_ref(layer), parameters);
    Ok(by_weights.unwrap_or(Origin::Output(layer.name)))
}
