//! Compares layers that consist of several operations with PyTorch: the output, and the gradients of input and weights.

use netwright::private::Network;
use netwright::{GradientSeed, Output, Pass, Sample, Scalar};
use serde::Deserialize;

netwright::network! {
    pub Separable(5x5x3) { sepconv 3x3x4 same nobias }
    pub SeparableTwice(4x5x2) { sepconv 3x3x3 same multiplier 2 }
    pub SeparableStride(7x7x2) { sepconv 5x5x3 same stride 2 }
    pub HardSwish(9) { mul { } { hard_sigmoid } }
    pub Mish(9) { mul { } { softplus tanh } }
    pub Flat(3x5x3) { flatten }
}

/// Inputs, weights in the order of the layer's tensors, the gradient of the output, and the expected results.
#[derive(Deserialize)]
struct Case {
    id: String,
    x: Vec<f64>,
    y: Vec<f64>,
    dy: Vec<f64>,
    dx: Vec<f64>,
    parameters: Vec<f64>,
    gradients: Vec<f64>,
}

fn cast<T: Scalar>(numbers: &[f64], to: &mut [T]) {
    assert_eq!(numbers.len(), to.len());
    to.iter_mut().zip(numbers).for_each(|(to, number)| *to = T::from_f64(*number));
}

fn compare<T: Scalar>(what: &str, found: &[T], expected: &[f64]) {
    let tolerance = if size_of::<T>() == 4 { 1e-5 } else { 1e-10 };
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1.0, |largest: f64, number| largest.max(number.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (found.to_f64() - expected).abs();
        assert!(off <= tolerance * scale, "{what} at {index}: {found} for {expected}");
    }
}

fn check<N: Network>(id: &str)
where
    N::Input: Output<N::Scalar>,
{
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden/layers.json")).expect("golden numbers");
    let case = cases.iter().find(|case| case.id == id).expect("the case is in the file");
    let mut images = vec![N::Input::zeros(); case.x.len() / N::INPUT.len()];
    cast(&case.x, N::Input::many_mut(&mut images));
    let mut network = N::init(1);
    cast(&case.parameters, network.parameters_mut());
    let (mut workspace, mut gradients) = (N::workspace(images.len()), N::gradients());
    let answers = network.forward(Pass::default(), &images, &mut workspace).expect("it fits");
    compare(&format!("{id} output"), Sample::many(answers), &case.y);
    cast(&case.dy, workspace.output_gradient_mut());
    let mut dx = vec![<N::Scalar as Scalar>::ZERO; case.x.len()];
    network
        .backward_to_input(Pass::default(), GradientSeed::Output, &images, &mut workspace, &mut gradients, &mut dx)
        .expect("it fits");
    compare(&format!("{id} gradient of the input"), &dx, &case.dx);
    compare(&format!("{id} gradients of the weights"), gradients.as_slice(), &case.gradients);
}

macro_rules! cases {
    ($($test:ident $network:ident $id:literal)*) => {
        $(
            #[test]
            fn $test() {
                check::<$network<f32>>($id);
                check::<$network<f64>>($id);
            }
        )*
    };
}

cases! {
    separable_convolution Separable "sep_3x3_same"
    separable_convolution_with_two_filters_a_channel SeparableTwice "sep_3x3_mult2_bias"
    separable_convolution_with_a_stride SeparableStride "sep_5x5_s2_same"
    hard_swish_as_a_product HardSwish "act_hard_swish"
    mish_as_a_product Mish "act_mish"
    flattening Flat "flatten"
}
