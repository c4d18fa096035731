//! Checks for NaN and infinite elements in buffers of all parameters, layer by layer.

use crate::error::Origin;
use crate::layer::Layer;
use crate::pass::Pass;
use crate::scalar::Precision;

/// Returns whether all elements are finite. It reads all elements of a chunk, which vectorises, while a search that stops early would not.
pub(crate) fn all_finite<T: Precision>(elements: &[T]) -> bool {
    elements.chunks(4096).all(|chunk| chunk.iter().fold(true, |all, element| all & element.is_finite()))
}

/// Returns the elements of a layer's tensors in a buffer of all parameters.
fn of<'n, T>(layer: &'n Layer, elements: &'n [T]) -> impl Iterator<Item = &'n [T]> {
    let trained = layer.tensors.iter().filter(|tensor| tensor.kind.is_trained());
    trained.map(|tensor| &elements[tensor.offset..tensor.offset + tensor.len])
}

/// Returns the first layer whose weights are not all finite.
pub(crate) fn broken_weights<T: Precision>(layers: &'static [Layer], parameters: &[T]) -> Option<Origin> {
    let broken = |layer: &&Layer| of(layer, parameters).any(|elements| !all_finite(elements));
    layers.iter().find(broken).map(|layer| Origin::Weights(layer.name))
}

/// Returns the layer nearest the loss whose gradient is not all finite: gradients propagate from the last layer backward.
pub(crate) fn broken_gradient<T: Precision>(layers: &'static [Layer], gradients: &[T]) -> Option<Origin> {
    let broken = |layer: &&Layer| of(layer, gradients).any(|elements| !all_finite(elements));
    layers.iter().rev().find(broken).map(|layer| Origin::Gradient(layer.name))
}

/// Clears the gradients of frozen weights: kernels that compute the gradients of an input and of weights together compute them too.
pub(crate) fn clear_frozen<T: Precision>(layers: &[Layer], pass: &Pass, gradients: &mut [T]) {
    if pass.frozen_layers.is_empty() {
        return;
    }
    let frozen = layers.iter().enumerate().filter(|(layer, _)| !pass.trains(*layer));
    for tensor in frozen.flat_map(|(_, layer)| layer.tensors).filter(|tensor| tensor.kind.is_trained()) {
        gradients[tensor.offset..tensor.offset + tensor.len].fill(T::ZERO);
    }
}
