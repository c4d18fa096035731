//! The initialisation of all tensors of a network.

use crate::init::{Init, initialise_tensor};
use crate::layer::{Layer, ParameterTensor};
use crate::network::Weights;
use crate::random::{Random, key};
use crate::scalar::Precision;

/// Initialises every tensor as its layer specifies. Each has a random generator of its own, keyed by the seed and the tensor's name, so
/// that adding or removing a layer does not change the others.
pub(crate) fn initialise<T: Precision>(layers: &[Layer], seed: u64, parameters: &mut [T], statistics: &mut [T]) {
    for layer in layers {
        for tensor in layer.tensors {
            let elements = if tensor.kind.is_trained() { &mut *parameters } else { &mut *statistics };
            let elements = &mut elements[tensor.offset..tensor.offset + tensor.len];
            draw(layer.name, tensor, tensor.init, seed, elements);
        }
    }
}

/// Runs [`initialise`] on the weights of a network.
pub(crate) fn initialise_weights<T: Precision>(layers: &[Layer], seed: u64, weights: &mut Weights<T>) {
    let (parameters, statistics) = weights.buffers_mut();
    initialise(layers, seed, parameters, statistics);
}

/// Initialises one tensor of a layer by `init`.
pub(crate) fn draw<T: Precision>(layer: &str, tensor: &ParameterTensor, init: Init, seed: u64, elements: &mut [T]) {
    let mut random = Random::new(key(seed, 0, name_hash(layer), name_hash(tensor.name)));
    initialise_tensor(init, tensor.shape, tensor.fan_in, tensor.fan_out, &mut random, elements);
}

/// Returns the FNV-1a hash of a name.
fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shape;
    use crate::layer::{Axes, ParameterKind, WeightLayout};

    const fn tensor(name: &'static str, kind: ParameterKind, offset: usize, len: usize, init: Init) -> ParameterTensor {
        ParameterTensor {
            name,
            kind,
            shape: &[],
            offset,
            len,
            fan_in: 4,
            fan_out: 4,
            init,
            layout: WeightLayout::of(Axes::Own),
        }
    }

    const fn layer(name: &'static str, tensors: &'static [ParameterTensor]) -> Layer {
        Layer {
            name,
            text: "",
            input: Shape::Flat(1),
            output: Shape::Flat(1),
            activation: None,
            tensors,
            macs: 0,
            frozen: false,
            foreign: None,
        }
    }

    const FIRST: Layer = layer(
        "dense1",
        &[
            tensor("kernel", ParameterKind::Weight, 0, 8, Init::LecunNormal),
            tensor("bias", ParameterKind::Bias, 8, 2, Init::Constant(0.5)),
            tensor("moving_variance", ParameterKind::Statistic, 0, 2, Init::Constant(1.0)),
        ],
    );
    const SECOND: Layer = layer("dense2", &[tensor("kernel", ParameterKind::Weight, 10, 8, Init::LecunNormal)]);
    const SECOND_ALONE: Layer = layer("dense2", &[tensor("kernel", ParameterKind::Weight, 0, 8, Init::LecunNormal)]);

    fn initialised(layers: &[Layer], seed: u64) -> ([f32; 18], [f32; 2]) {
        let (mut parameters, mut statistics) = ([0.0; 18], [0.0; 2]);
        initialise(layers, seed, &mut parameters, &mut statistics);
        (parameters, statistics)
    }

    #[test]
    fn tensors_go_where_they_belong_and_differ() {
        let (parameters, statistics) = initialised(&[FIRST, SECOND], 1);
        assert_eq!((&parameters[8..10], statistics), (&[0.5; 2][..], [1.0; 2]));
        assert_ne!(parameters[..8], parameters[10..]);
        assert_ne!(parameters[..8], initialised(&[FIRST, SECOND], 2).0[..8]);
    }

    #[test]
    fn removing_a_layer_does_not_change_the_others() {
        assert_eq!(initialised(&[FIRST, SECOND], 1).0[10..], initialised(&[SECOND_ALONE], 1).0[..8]);
    }
}
