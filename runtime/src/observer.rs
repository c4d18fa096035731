//! Looking at a pass while it runs, or reaching into it.

/// Is called by a pass of [`Architecture`](crate::Architecture) between its kernels. Every method does nothing unless it is
/// written; a pass with [`Unobserved`] compiles to the kernels alone.
///
/// A layer is given by its index in [`Architecture::LAYERS`](crate::Architecture::LAYERS). Values and gradients hold the whole
/// batch of contiguous images, and may be changed: what comes after works with the change.
///
/// ```
/// use netwright_runtime::observer::Observer;
///
/// /// The largest output of each layer.
/// struct Peaks(Vec<f32>);
///
/// impl Observer<f32> for Peaks {
///     fn computed(&mut self, layer: usize, values: &mut [f32]) {
///         self.0[layer] = values.iter().fold(f32::NEG_INFINITY, |peak, &value| peak.max(value));
///     }
/// }
/// ```
pub trait Observer<T> {
    /// Whether it looks at all: where not, the passes do not even stop for it.
    const LOOKS: bool = true;

    /// A kernel on the way forward has written `values` for `layer`. A layer of several kernels is reported several times; the
    /// last time it is the layer's output. A prediction does not compute the outputs of layers that its plan has merged with a later
    /// one ([`PlannedCall::merged`](crate::plan::PlannedCall::merged)), as a convolution with its batch normalisation.
    fn computed(&mut self, layer: usize, values: &mut [T]) {
        let _ = (layer, values);
    }

    /// On the way back, `gradient` is the whole gradient of the output of `layer`, and is about to go on to the layer's weights and
    /// inputs. Not called for the last layer where the loss wrote the gradient of its logits.
    fn gradient(&mut self, layer: usize, gradient: &mut [T]) {
        let _ = (layer, gradient);
    }

    /// The kernels on the way back have run for `layer`; those that a pass leaves out for frozen weights or images count as run.
    fn propagated(&mut self, layer: usize) {
        let _ = layer;
    }
}

/// Looks at nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unobserved;

impl<T> Observer<T> for Unobserved {
    const LOOKS: bool = false;
}
