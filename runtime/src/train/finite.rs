//! Where the first number that is NaN or infinite stands.

use crate::architecture::Architecture;
use crate::error::Origin;
use crate::layer::Layer;
use crate::network::TrainingWorkspace;
use crate::observer::Observer;
use crate::once::Once;
use crate::pass::{Pass, PassError};
use crate::scalar::Precision;
use crate::tensor::Sample;

/// Whether all numbers are finite. Looks at all of them, which becomes vector code where a search that stops would not.
pub(crate) fn all_finite<T: Precision>(numbers: &[T]) -> bool {
    numbers.chunks(4096).all(|chunk| chunk.iter().fold(true, |all, number| all & number.is_finite()))
}

/// The numbers of a layer in a buffer of all parameters.
fn of<'n, T>(layer: &'n Layer, numbers: &'n [T]) -> impl Iterator<Item = &'n [T]> {
    let trained = layer.tensors.iter().filter(|tensor| tensor.role.is_trained());
    trained.map(|tensor| &numbers[tensor.offset..tensor.offset + tensor.len])
}

/// The first layer whose weights are not all finite.
pub(crate) fn broken_weights<T: Precision>(layers: &'static [Layer], parameters: &[T]) -> Option<Origin> {
    let broken = |layer: &&Layer| of(layer, parameters).any(|numbers| !all_finite(numbers));
    layers.iter().find(broken).map(|layer| Origin::Weights(layer.name))
}

/// The layer nearest the loss whose gradient is not all finite: a gradient comes from the end.
pub(crate) fn broken_gradient<T: Precision>(layers: &'static [Layer], gradients: &[T]) -> Option<Origin> {
    let broken = |layer: &&Layer| of(layer, gradients).any(|numbers| !all_finite(numbers));
    layers.iter().rev().find(broken).map(|layer| Origin::Gradient(layer.name))
}

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
    images.iter().position(|image| !T::all_finite(image.numbers()))
}

/// What broke a forward pass whose loss is not finite: the first image that is not finite itself, else the first layer to compute
/// what is not finite (by its weights, where these are not), else the loss itself. Runs the pass once more and looks after each
/// kernel, so that values computed in place of others are seen too.
pub(crate) fn broken_forward<N: Architecture>(
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
