//! Compares a gradient with central differences, in f64.

use netwright::private::{GradientSeed, Network};
use netwright::{Pass, Precision, Tensor};

/// Returns pseudo-random values from -1 to 1 and never near 0, so that no rectifier and no pool is checked at its kink.
pub(crate) fn scatter(seed: u64, len: usize) -> Vec<f64> {
    (0..len as u64)
        .map(|index| {
            let mut z = (seed << 32 | index).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x9E37_79B9_7F4A_7C15);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let unit = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
            if unit < 0.5 { -1.0 + 1.9 * unit } else { 0.05 + 1.9 * (unit - 0.5) }
        })
        .collect()
}

/// Inputs of a network that are created from their elements.
pub(crate) trait FromElements<T>: Clone {
    /// Creates an input from its elements.
    fn from_elements(numbers: &[T]) -> Self;
}

impl<T: Precision, const N: usize> FromElements<T> for [T; N] {
    fn from_elements(numbers: &[T]) -> Self {
        numbers.try_into().expect("as many numbers as features")
    }
}

impl<T: Precision, const H: usize, const W: usize, const C: usize> FromElements<T> for Tensor<H, W, C, T> {
    fn from_elements(numbers: &[T]) -> Self {
        *Self::view(numbers).expect("as many numbers as the image")
    }
}

/// Checks the gradients of a weighted sum of the outputs with respect to every parameter and every input: relative error at most
/// 1e-7 in the whole gradient's norm, in a training pass of three images.
pub(crate) fn check<N>(what: &str)
where
    N: Network<Scalar = f64>,
    N::Input: FromElements<f64>,
{
    const BATCH: usize = 3;
    let len = <N::Input as netwright::private::Sample<f64>>::LEN;
    let outputs = <N::Output as netwright::private::Sample<f64>>::LEN;
    let weights_of_outputs = scatter(7, BATCH * outputs);
    let mut network = N::init(1);
    let start = scatter(3, N::PARAMETERS);
    network.parameters_mut().iter_mut().zip(&start).for_each(|(number, extra)| *number = 0.5 * *number + 0.6 * extra);
    let images = scatter(5, BATCH * len);
    let pass = Pass { seed: 11, step: 2, ..Pass::default() };

    let value = |network: &N, images: &[f64]| -> f64 {
        let images: Vec<N::Input> = images.chunks(len).map(N::Input::from_elements).collect();
        let mut network = network.clone();
        let mut workspace = N::workspace(BATCH);
        let answers = network.forward(pass, &images, &mut workspace).expect("it fits");
        let numbers = answers.iter().flat_map(netwright::private::Sample::elements);
        numbers.zip(&weights_of_outputs).map(|(answer, weight)| answer * weight).sum()
    };

    let typed: Vec<N::Input> = images.chunks(len).map(N::Input::from_elements).collect();
    let mut workspace = N::workspace(BATCH);
    let mut gradients = N::gradients();
    let mut input_gradient = vec![0.0; BATCH * len];
    network.clone().forward(pass, &typed, &mut workspace).expect("it fits");
    workspace.output_gradient_mut().copy_from_slice(&weights_of_outputs);
    network
        .backward_to_input(pass, GradientSeed::Output, &typed, &mut workspace, &mut gradients, &mut input_gradient)
        .expect("it fits");

    let step = 1e-5;
    let difference = |plus: f64, minus: f64| (plus - minus) / (2.0 * step);
    let measured: Vec<f64> = (0..N::PARAMETERS)
        .map(|index| {
            let mut at = |offset: f64| {
                let kept = network.parameters()[index];
                network.parameters_mut()[index] = kept + offset;
                let value = value(&network, &images);
                network.parameters_mut()[index] = kept;
                value
            };
            difference(at(step), at(-step))
        })
        .collect();
    compare(&format!("{what}, parameters"), gradients.as_slice(), &measured);
    let mut images = images;
    let measured: Vec<f64> = (0..images.len())
        .map(|index| {
            let mut at = |offset: f64| {
                let kept = images[index];
                images[index] = kept + offset;
                let value = value(&network, &images);
                images[index] = kept;
                value
            };
            difference(at(step), at(-step))
        })
        .collect();
    compare(&format!("{what}, input"), &input_gradient, &measured);
}

fn compare(what: &str, computed: &[f64], measured: &[f64]) {
    let norm = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|number| number * number).sum::<f64>().sqrt();
    let off = norm(&mut computed.iter().zip(measured).map(|(a, b)| a - b));
    let size = norm(&mut measured.iter().copied()).max(1e-2);
    assert!(
        off <= 1e-7 * size,
        "{what}: the gradient is off by {:e} of its norm\n{computed:?}\n{measured:?}",
        off / size
    );
}
