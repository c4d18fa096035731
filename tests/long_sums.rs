//! Sums over large images: every layer on constant images of 512x512, forward and backward, in `f32` against `f64`. One accumulator
//! over a quarter of a million equal values is off by a thousandth or more.

use netwright::memory::zeros;
use netwright::{GradientSeed, Network, Output, Pass, Sample, Tensor, network};

/// The value of every pixel, and the gradient of every output.
const TENTH: f32 = 0.1;

/// Returns outputs, gradients of the parameters and gradients of the images, all as `f64`.
fn run<N>() -> [Vec<f64>; 3]
where
    N: Network,
    N::Input: Output<N::Scalar>,
{
    use netwright::Scalar;
    let number = |value: f32| N::Scalar::from_f64(f64::from(value));
    let mut network = N::init(1);
    network.parameters_mut().fill(number(0.05));
    let mut images = zeros::<N::Input>(1);
    N::Input::many_mut(&mut images).fill(number(TENTH));
    let (mut workspace, mut gradients) = (N::workspace(1), N::gradients());
    let pass = Pass { seed: 1, ..Pass::default() };
    let answers = N::Output::many(network.forward(pass, &images, &mut workspace).expect("one image fits")).to_vec();
    workspace.output_gradient_mut().fill(number(TENTH));
    let mut slopes = vec![N::Scalar::ZERO; N::Input::LEN];
    network
        .backward_to_input(pass, GradientSeed::Output, &images, &mut workspace, &mut gradients, &mut slopes)
        .expect("the image of the forward pass");
    [answers.as_slice(), gradients.as_slice(), &slopes].map(|numbers| numbers.iter().map(|x| x.to_f64()).collect())
}

/// Compares both precisions: within `TOLERANCE` of the largest value, plus the rounding error where all terms cancel.
fn compare<S, D>(name: &str)
where
    S: Network<Scalar = f32, Input: Output<f32>>,
    D: Network<Scalar = f64, Input: Output<f64>>,
{
    /// The error of a chain of sixteen partial sums, each at most half an ε of their total.
    const TOLERANCE: f64 = 3e-6;
    for ((what, found), expected) in
        ["answers", "gradients", "gradients of images"].iter().zip(run::<S>()).zip(run::<D>())
    {
        let largest = expected.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        let off = found.iter().zip(&expected).fold(0.0_f64, |off, (a, b)| off.max((a - b).abs()));
        let cancelled = 1e-7 * f64::from(TENTH) * (512 * 512) as f64;
        // A dense layer adds all its partial sums in sequence.
        let chain = if name == "dense" && *what == "answers" { 8.0 } else { 1.0 };
        let allowed = chain * TOLERANCE * largest + if *what == "gradients" { cancelled } else { 1e-6 };
        assert!(off <= allowed, "{name}: the {what} are off by {off:e}, the largest is {largest}");
    }
}

macro_rules! long_sums {
    ($($name:ident $network:ident($($shape:tt)*) { $($layers:tt)* })*) => {
        network! { $( $network($($shape)*) { $($layers)* } )* }
        $(
            #[test]
            fn $name() {
                compare::<$network<f32>, $network<f64>>(stringify!($name));
            }
        )*
    };
}

long_sums! {
    convolution Convolution(512x512x2) { conv 3x3x2 same; conv 5x5x2 stride 2 }
    pointwise Pointwise(512x512x2) { conv 1x1x20; conv 1x1x2 }
    grouped Grouped(512x512x8) { conv 3x3x8 same groups 2 }
    depthwise Depthwise(512x512x2) { dwconv 3x3 same; sepconv 3x3x2 same }
    transposed Transposed(512x512x1) { deconv 2x2x1 stride 2; conv 2x2x1 stride 2 }
    connected Connected(512x512x3) { conv 3x3x2 connect (0, 1) (1, 2) }
    subsampled Subsampled(512x512x2) { subsample 2; subsample 32 }
    averages Averages(512x512x3) { avgpool 3 stride 1 same; avgpool 32; avgpool 16 }
    largest Largest(512x512x2) { maxpool 2; maxpool 64 }
    global Global(512x512x16) { globalavgpool; dense 3 tanh; dense 2 sigmoid }
    dense Dense(512x512x1) { dense 3 }
    classes Classes(512x512x1) { flatten; softmax }
    pixels Pixels(512x512x2) { conv 1x1x2 softmax }
    distances Distances(512x512x1) { flatten; dense 4 tanh; distance 2 }
    normalised Normalised(512x512x3) { bn; conv 1x1x3 bn relu }
    by_position ByPosition(512x512x3) { layernorm; lrn }
    slopes Slopes(512x512x3) { scale -1; prelu; prelu }
    products Products(512x512x3) { mul { } { globalavgpool; dense 3 sigmoid } }
    branches Branches(512x512x2) { add { conv 1x1x2 } { }; concat { } { conv 1x1x1 }; zeropad 1; crop 1; dropout 0.5 }
    enlarged Enlarged(16x16x2) { upsample 32; conv 1x1x2; maxpool 2; upsample 2 }
    activations Activations(512x512x1) { elu; silu; gelu; softplus; tanh; sigmoid; leaky_relu 0.1; conv 1x1x1 }
}

network! { Million(1000x1000x1) { globalavgpool } }

#[test]
fn the_mean_of_a_million_tenths_is_a_tenth() {
    let [mean] =
        Million::init(1).predict(&Tensor::<1000, 1000, 1>::boxed_from(vec![TENTH; 1_000_000]).expect("as many"));
    assert!((mean - TENTH).abs() <= 4.0 * f32::EPSILON * TENTH, "{mean}");
}
