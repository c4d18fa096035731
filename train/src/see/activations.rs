//! The output of a layer for one image.

use super::find_layer;
use super::picture::Picture;
use crate::error::Error;
use crate::network::{Network, TrainingWorkspace};
use crate::observer::Observer;
use crate::pass::Pass;
use crate::scalar::Precision;
use crate::tensor::Sample;

/// Returns the output of a layer for `image`, as in prediction. Its channels are the feature maps of slides 23 to 28: see
/// [`Picture::split`]. The output of a layer without image shape is one row of pixels.
///
/// # Errors
/// [`Error::NoSuchLayer`] where the network has no layer of that name.
///
/// ```
/// use netwright_runtime::{Error, network::Network};
/// use netwright_train::see::{Sheet, activations};
///
/// fn show<N: Network>(network: &N, image: &N::Input) -> Result<Sheet, Error> {
///     Ok(Sheet::new("the maps of conv1").numbered(activations(network, image, "conv1")?.split()))
/// }
/// ```
pub fn activations<N: Network>(network: &N, image: &N::Input, layer: &str) -> Result<Picture, Error> {
    let index = find_layer::<N>(layer, "layer", |_| true)?;
    Ok(Picture::of_shape(N::LAYERS[index].output, LayerProbe::new(network, index).output(image)?))
}

/// Computes the output of a layer for single images, without changing the network. It runs a frozen training pass, since predictions
/// may merge layers.
pub(super) struct LayerProbe<'n, N: Network> {
    network: &'n N,
    workspace: TrainingWorkspace<N>,
    statistics: Vec<N::Scalar>,
    copy: Copy<N::Scalar>,
}

impl<'n, N: Network> LayerProbe<'n, N> {
    pub(super) fn new(network: &'n N, layer: usize) -> Self {
        let copy = Copy { layer, values: Vec::new() };
        Self { network, workspace: N::workspace(1), statistics: network.statistics().to_vec(), copy }
    }

    /// Returns the output of the layer.
    pub(super) fn output(&mut self, image: &N::Input) -> Result<&[N::Scalar], Error> {
        // A `flatten` at the very beginning outputs the image itself, and no kernel runs for it.
        self.copy.values.clear();
        self.copy.values.extend_from_slice(image.elements());
        let pass = Pass { frozen: true, ..Pass::default() }.or_isa(self.network.weights_ref().isa());
        let (parameters, image) = (self.network.parameters(), core::slice::from_ref(image));
        self.workspace.forward_observed(pass, parameters, &mut self.statistics, image, &mut self.copy)?;
        Ok(&self.copy.values)
    }
}

struct Copy<T> {
    layer: usize,
    values: Vec<T>,
}

impl<T: Precision> Observer<T> for Copy<T> {
    fn computed(&mut self, layer: usize, values: &mut [T]) {
        if layer == self.layer {
            self.values.clear();
            self.values.extend_from_slice(values);
        }
    }
}
