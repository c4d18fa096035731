//! A NaN is traced to the layer that first computed it, whether or not its output is still there.

use netwright::error::Origin;
use netwright::loss::SquaredError;
use netwright::train::GradientEngine;
use netwright::{Error, Network, Pass};

netwright::network! {
    /// A sum of squares too large for `f32`: `mul` overflows, and what follows works in place.
    Overflow(4) { dense 4 as wide; mul { } { } as square; scale 0.5 as half; tanh as last; dense 1 }
}

fn origin(change: impl FnOnce(&mut Overflow)) -> (Origin, bool) {
    let mut network = Overflow::init(1);
    change(&mut network);
    let before = network.clone();
    let mut engine = GradientEngine::new(2, 1).unwrap();
    let images = [[1.0_f32, 2.0, 3.0, 4.0]; 2];
    let error = engine.gradient(&mut network, &images, &[[0.0_f32]; 2], &SquaredError, Pass::default()).unwrap_err();
    let Error::NotFinite { origin, .. } = error else { panic!("{error}") };
    (origin, network.parameters() == before.parameters())
}

#[test]
fn the_first_layer_is_named_though_later_ones_work_in_its_place() {
    // Infinity minus infinity in the last layer makes the loss a NaN; the square was the first to leave the numbers.
    let (found, unchanged) = origin(|network| {
        network.tensor_mut("wide", "kernel").unwrap().fill(1e30);
        network.tensor_mut("dense1", "kernel").unwrap().fill(f32::MAX);
    });
    assert_eq!((found, unchanged), (Origin::Output("square"), true));
    let (found, _) = origin(|network| network.tensor_mut("wide", "bias").unwrap()[2] = f32::NAN);
    assert_eq!(found, Origin::Weights("wide"));
}
