//! Where the first element that is NaN or infinite stands.

use crate::error::Origin;
use crate::network::{Network, TrainingWorkspace};
use crate::observer::Observer;
use crate::once::Once;
use crate::pass::{Pass, PassError};
use crate::scalar::Precision;
use crate::tensor::Sample;

/// Notes the layer whose kernel first writes what is not finite, where it watches. A step is made with one that does not, so that both
/// passes are the same code: a program compiles its network's once.
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

/// The place of the first image that is not all finite.
pub(crate) fn broken_input<T: Precision, I: Sample<T>>(images: &[I]) -> Option<usize> {
    for (place, image) in images.iter().enumerate() {
        if !T::all_finite(image.elements()) {
            return Some(place);
        }
    }
    None
}

/// What broke a forward pass whose loss is not finite: the first image that is not finite itself, else the first layer to compute
/// what is not finite (by its weights, where these are not), else the loss itself. Runs the pass once more and looks after each
/// kernel, so that values computed in place of others are seen too.
pub(crate) fn broken_forward<N: Network>(
    pass: Pass,
    images: &[N::Input],
    parameters: &[N::Scalar],
    statistics: &mut [N::Scalar],
    workspace: &mut TrainingWorkspace<N>,
) -> Result<Origin, PassError> {
    if let Some(place) = broken_input(images) {
        return Ok(Origin::BatchInput(pass.first_image + place));
    }
    let mut first = FirstBroken { watches: true, layer: None };
    workspace.forward_observed(pass, parameters, statistics, images, &mut first)?;
    let Some(layer) = first.layer.map(|index| &N::LAYERS[index]) else { return Ok(Origin::Loss) };
    let by_weights = N::Scalar::broken_weights(core::slice::from_ref(layer), parameters);
    Ok(by_weights.unwrap_or(Origin::Output(layer.name)))
}
