//! Observers: code that reads or changes the values of a pass while it runs.

/// Receives the values and gradients of a pass of [`Architecture`](crate::Architecture) between its kernels. Every method does nothing by
/// default; a pass with [`Unobserved`] compiles to the kernels alone.
///
/// A layer is given by its index in [`Architecture::LAYERS`](crate::Architecture::LAYERS). Values and gradients hold the whole
/// batch of contiguous images. An observer may change them; the kernels that follow use the changed elements.
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
    /// Whether the observer does anything; if `false`, the passes do not call it at all.
    const LOOKS: bool = true;

    /// Called in the forward direction after a kernel has written `values` for `layer`. A layer of several kernels is reported several
    /// times; the last time `values` is the layer's output. A prediction does not compute the outputs of layers that its plan has merged
    /// with a later one ([`PlannedCall::merged`](crate::plan::PlannedCall::merged)), such as a convolution with its batch normalisation.
    fn computed(&mut self, layer: usize, values: &mut [T]) {
        let _ = (layer, values);
    }

    /// Called in the backward direction when `gradient` holds the complete gradient of the output of `layer`, before it propagates to the
    /// layer's weights and inputs. Not called for the last layer where the loss wrote the gradient of its logits.
    fn gradient(&mut self, layer: usize, gradient: &mut [T]) {
        let _ = (layer, gradient);
    }

    /// Called after the backward kernels of `layer`; those that a pass skips for frozen weights or for images count as run.
    fn propagated(&mut self, layer: usize) {
        let _ = layer;
    }
}

/// An observer that does nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unobserved;

impl<T> Observer<T> for Unobserved {
    const LOOKS: bool = false;
}
