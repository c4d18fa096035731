//! The gradient of a small network three times: by the slides' equations, by finite differences, and by the library.

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

/// The gradient with respect to one tensor.
#[derive(Clone, Debug)]
pub(crate) struct Slopes {
    pub(crate) what: &'static str,
    pub(crate) by_hand: Vec<f64>,
    pub(crate) by_differences: Vec<f64>,
    pub(crate) by_library: Vec<f64>,
}

impl Slopes {
    /// The place of the largest number.
    pub(crate) fn largest(&self) -> usize {
        let sizes = self.by_library.iter().map(|number| number.abs()).enumerate();
        sizes.max_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(0, |(place, _)| place)
    }

    /// The largest distance of any number from the library's: of those by hand, and of those by differences.
    pub(crate) fn distances(&self) -> [f64; 2] {
        [&self.by_hand, &self.by_differences].map(|numbers| {
            let distances = numbers.iter().zip(&self.by_library).map(|(a, b)| (a - b).abs());
            distances.fold(0.0, f64::max)
        })
    }
}

/// What the pool of the network sees, makes of it, and sends back.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    pub(crate) before: Tensor<4, 4, 2, f64>,
    pub(crate) after: Pooled,
    /// ∂s/∂a
    pub(crate) slope: Tensor<4, 4, 2, f64>,
}

/// The three computations side by side.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) slopes: Vec<Slopes>,
    pub(crate) pool: Pool,
    /// The largest distance between the answers of the equations and those of the library.
    pub(crate) forward: f64,
}

/// The gradients of ℓ = Σ c·s, a sum of the network's answers s with random shares c.
pub(crate) fn compare(seed: u64) -> Result<Comparison, Error> {
    let mut random = Random::new(seed);
    let mut network: Small<f64> = Network::init(seed);
    let image: Image = Tensor::from_fn(|_, _, _| random.normal());
    let shares: Pooled = Tensor::from_fn(|_, _, _| random.normal());
    let (hand, pool) = by_equations(&network, &image, &shares);
    let differences = by_differences(&mut network, &image, &shares);
    let library = by_library(&mut network, &image, &shares)?;
    let tensors = Small::<f64>::LAYERS.iter().flat_map(|layer| layer.tensors);
    let parameters = tensors.zip(["first kernel", "first bias", "second kernel", "second bias"]);
    let ranges = parameters.map(|(tensor, what)| (what, tensor.offset..tensor.offset + tensor.len));
    let rest = Small::<f64>::PARAMETERS..library.len();
    let slopes = ranges.chain([("image", rest)]).map(|(what, range)| Slopes {
        what,
        by_hand: hand[range.clone()].to_vec(),
        by_differences: differences[range.clone()].to_vec(),
        by_library: library[range].to_vec(),
    });
    let answer = network.predict(&image);
    let distances = pool.after.as_slice().iter().zip(answer.as_slice()).map(|(a, b)| (a - b).abs());
    Ok(Comparison { slopes: slopes.collect(), forward: distances.fold(0.0, f64::max), pool })
}

/// Forward, and backward layer by layer: parameters in their order, then the image.
fn by_equations(network: &Small<f64>, image: &Image, shares: &Pooled) -> (Vec<f64>, Pool) {
    let layers = network.layers();
    let (w1, b1) = (layers.first.kernel, layers.first.bias);
    let (w2, b2) = (layers.second.kernel, layers.second.bias);
    let z1: Tensor<5, 5, 3, f64> = by_hand::convolve(image, w1, b1);
    let a1: Tensor<5, 5, 3, f64> = Tensor::from_fn(|i, j, f| z1[[i, j, f]].tanh());
    let z2: Tensor<4, 4, 2, f64> = by_hand::convolve(&a1, w2, b2);

    let dz2 = by_hand::slope_of_pooled(&z2, shares);
    let dw2: by_hand::Kernel<2, 2, 3, 2> = by_hand::slope_of_kernel(&a1, &dz2);
    let da1: Tensor<5, 5, 3, f64> = by_hand::slope_of_input(&dz2, w2);
    // ∂ℓ/∂z = f′(z) ∂ℓ/∂a, with tanh′(z) = 1 − tanh²(z)
    let dz1: Tensor<5, 5, 3, f64> = Tensor::from_fn(|i, j, f| (1.0 - a1[[i, j, f]].powi(2)) * da1[[i, j, f]]);
    let dw1: by_hand::Kernel<3, 3, 2, 3> = by_hand::slope_of_kernel(image, &dz1);
    let dx: Image = by_hand::slope_of_input(&dz1, w1);

    let mut slopes = dw1.as_flattened().as_flattened().as_flattened().to_vec();
    slopes.extend(by_hand::slope_of_bias(&dz1));
    slopes.extend(dw2.as_flattened().as_flattened().as_flattened());
    slopes.extend(by_hand::slope_of_bias(&dz2));
    slopes.extend(dx.as_slice());
    let ones = by_hand::slope_of_pooled(&z2, &Pooled::from_fn(|_, _, _| 1.0));
    (slopes, Pool { before: z2, after: by_hand::pool(&z2), slope: ones })
}

/// ℓ by the library's prediction.
fn loss(network: &Small<f64>, image: &Image, shares: &Pooled) -> f64 {
    network.predict(image).as_slice().iter().zip(shares.as_slice()).map(|(s, c)| s * c).sum()
}

/// (ℓ(w + h) − ℓ(w − h)) / 2h for each number.
fn by_differences(network: &mut Small<f64>, image: &Image, shares: &Pooled) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let mut slopes = Vec::new();
    for index in 0..Small::<f64>::PARAMETERS {
        let kept = network.parameters()[index];
        let [more, less] = [STEP, -STEP].map(|step| {
            network.parameters_mut()[index] = kept + step;
            loss(network, image, shares)
        });
        network.parameters_mut()[index] = kept;
        slopes.push((more - less) / (2.0 * STEP));
    }
    for index in 0..Image::LEN {
        let [more, less] = [STEP, -STEP].map(|step| {
            let mut image = *image;
            image.as_mut_slice()[index] += step;
            loss(network, &image, shares)
        });
        slopes.push((more - less) / (2.0 * STEP));
    }
    slopes
}

/// The passes that `network!` wrote.
fn by_library(network: &mut Small<f64>, image: &Image, shares: &Pooled) -> Result<Vec<f64>, Error> {
    let (mut workspace, mut gradients) = (Small::<f64>::workspace(1), Small::<f64>::gradients());
    let (pass, images) = (Pass::default(), [*image]);
    let mut input = vec![0.0; Image::LEN];
    network.forward(pass, &images, &mut workspace)?;
    workspace.output_gradient_mut().copy_from_slice(shares.as_slice());
    network.backward_to_input(pass, GradientSeed::Output, &images, &mut workspace, &mut gradients, &mut input)?;
    Ok([gradients.as_slice(), &input].concat())
}
