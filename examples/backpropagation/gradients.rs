//! Computes the gradient of a small network in three ways: by the slides' equations, by finite differences, and by the library.

use netwright::prelude::*;
use netwright::random::Random;
use netwright::{Architecture, Error, GradientSeed, Pass};

use crate::by_hand;

netwright::network! {
    /// Two convolutions with an activation between them, and a pool.
    pub Small(7x7x2) {
        conv 3x3x3 tanh as first;
        conv 2x2x2 as second;
        maxpool 2
    }
}

type Image = Tensor<7, 7, 2, f64>;
type Pooled = Tensor<2, 2, 2, f64>;

/// The gradient with respect to one tensor, computed in three ways.
#[derive(Clone, Debug)]
pub(crate) struct TensorGradient {
    pub(crate) what: &'static str,
    pub(crate) by_hand: Vec<f64>,
    pub(crate) by_differences: Vec<f64>,
    pub(crate) by_library: Vec<f64>,
}

impl TensorGradient {
    /// Returns the index of the element with the largest magnitude.
    pub(crate) fn largest(&self) -> usize {
        let sizes = self.by_library.iter().map(|number| number.abs()).enumerate();
        sizes.max_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(0, |(index, _)| index)
    }

    /// Returns the largest difference of an element from the library's: that of the equations, and that of finite differences.
    pub(crate) fn distances(&self) -> [f64; 2] {
        [&self.by_hand, &self.by_differences].map(|numbers| {
            let distances = numbers.iter().zip(&self.by_library).map(|(a, b)| (a - b).abs());
            distances.fold(0.0, f64::max)
        })
    }
}

/// The input, the output and the gradient of the network's max pooling.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    pub(crate) before: Tensor<4, 4, 2, f64>,
    pub(crate) after: Pooled,
    /// ∂s/∂a
    pub(crate) gradient: Tensor<4, 4, 2, f64>,
}

/// The gradients of all tensors, and the pooling layer's values.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) gradients: Vec<TensorGradient>,
    pub(crate) pool: Pool,
    /// The largest difference between the outputs by the equations and those by the library.
    pub(crate) forward: f64,
}

/// Computes the gradients of ℓ = Σ c·s, a sum of the network's outputs s with random coefficients c.
pub(crate) fn compare(seed: u64) -> Result<Comparison, Error> {
    let mut random = Random::new(seed);
    let mut network: Small<f64> = Network::init(seed);
    let image: Image = Tensor::from_fn(|_, _, _| random.normal());
    let coefficients: Pooled = Tensor::from_fn(|_, _, _| random.normal());
    let (hand, pool) = by_equations(&network, &image, &coefficients);
    let differences = by_differences(&mut network, &image, &coefficients);
    let library = by_library(&mut network, &image, &coefficients)?;
    let tensors = Small::<f64>::LAYERS.iter().flat_map(|layer| layer.tensors);
    let parameters = tensors.zip(["first kernel", "first bias", "second kernel", "second bias"]);
    let ranges = parameters.map(|(tensor, what)| (what, tensor.offset..tensor.offset + tensor.len));
    let rest = Small::<f64>::PARAMETERS..library.len();
    let gradients = ranges.chain([("image", rest)]).map(|(what, range)| TensorGradient {
        what,
        by_hand: hand[range.clone()].to_vec(),
        by_differences: differences[range.clone()].to_vec(),
        by_library: library[range].to_vec(),
    });
    let answer = network.predict(&image);
    let distances = pool.after.as_slice().iter().zip(answer.as_slice()).map(|(a, b)| (a - b).abs());
    Ok(Comparison { gradients: gradients.collect(), forward: distances.fold(0.0, f64::max), pool })
}

/// Computes both passes layer by layer. Returns the gradients of the parameters, in the order of the network, and then of the image.
fn by_equations(network: &Small<f64>, image: &Image, coefficients: &Pooled) -> (Vec<f64>, Pool) {
    let layers = network.layers();
    let (w1, b1) = (layers.first.kernel, layers.first.bias);
    let (w2, b2) = (layers.second.kernel, layers.second.bias);
    let z1: Tensor<5, 5, 3, f64> = by_hand::convolve(image, w1, b1);
    let a1: Tensor<5, 5, 3, f64> = Tensor::from_fn(|i, j, f| z1[[i, j, f]].tanh());
    let z2: Tensor<4, 4, 2, f64> = by_hand::convolve(&a1, w2, b2);

    let dz2 = by_hand::max_pool_gradient(&z2, coefficients);
    let dw2: by_hand::Kernel<2, 2, 3, 2> = by_hand::kernel_gradient(&a1, &dz2);
    let da1: Tensor<5, 5, 3, f64> = by_hand::input_gradient(&dz2, w2);
    // ∂ℓ/∂z = f′(z) ∂ℓ/∂a, with tanh′(z) = 1 − tanh²(z)
    let dz1: Tensor<5, 5, 3, f64> = Tensor::from_fn(|i, j, f| (1.0 - a1[[i, j, f]].powi(2)) * da1[[i, j, f]]);
    let dw1: by_hand::Kernel<3, 3, 2, 3> = by_hand::kernel_gradient(image, &dz1);
    let dx: Image = by_hand::input_gradient(&dz1, w1);

    let mut gradients = dw1.as_flattened().as_flattened().as_flattened().to_vec();
    gradients.extend(by_hand::bias_gradient(&dz1));
    gradients.extend(dw2.as_flattened().as_flattened().as_flattened());
    gradients.extend(by_hand::bias_gradient(&dz2));
    gradients.extend(dx.as_slice());
    let ones = by_hand::max_pool_gradient(&z2, &Pooled::from_fn(|_, _, _| 1.0));
    (gradients, Pool { before: z2, after: by_hand::pool(&z2), gradient: ones })
}

/// Returns ℓ of the library's prediction.
fn loss(network: &Small<f64>, image: &Image, coefficients: &Pooled) -> f64 {
    network.predict(image).as_slice().iter().zip(coefficients.as_slice()).map(|(s, c)| s * c).sum()
}

/// Returns (ℓ(w + h) − ℓ(w − h)) / 2h for each parameter and each pixel.
fn by_differences(network: &mut Small<f64>, image: &Image, coefficients: &Pooled) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let mut gradients = Vec::new();
    for index in 0..Small::<f64>::PARAMETERS {
        let kept = network.parameters()[index];
        let [more, less] = [STEP, -STEP].map(|step| {
            network.parameters_mut()[index] = kept + step;
            loss(network, image, coefficients)
        });
        network.parameters_mut()[index] = kept;
        gradients.push((more - less) / (2.0 * STEP));
    }
    for index in 0..Image::LEN {
        let [more, less] = [STEP, -STEP].map(|step| {
            let mut image = *image;
            image.as_mut_slice()[index] += step;
            loss(network, &image, coefficients)
        });
        gradients.push((more - less) / (2.0 * STEP));
    }
    gradients
}

/// Computes the gradients with the passes that `network!` generates.
fn by_library(network: &mut Small<f64>, image: &Image, coefficients: &Pooled) -> Result<Vec<f64>, Error> {
    let (mut workspace, mut gradients) = (Small::<f64>::workspace(1), Small::<f64>::gradients());
    let (pass, images) = (Pass::default(), [*image]);
    let mut input = vec![0.0; Image::LEN];
    network.forward(pass, &images, &mut workspace)?;
    workspace.output_gradient_mut().copy_from_slice(coefficients.as_slice());
    network.backward_to_input(pass, GradientSeed::Output, &images, &mut workspace, &mut gradients, &mut input)?;
    Ok([gradients.as_slice(), &input].concat())
}
