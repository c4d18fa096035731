//! Small networks written by hand, in the form of the macro's output, so that the tests of training do not need the compiler.
#![allow(dead_code)]

use netwright_runtime::context::Context;
use netwright_runtime::network::Network;
use netwright_runtime::tensor::Tensor;
use netwright_train::data::Dataset;
use netwright_train::loss::CrossEntropy;
use netwright_train::optim::Sgd;
use netwright_train::train::Trainer;

/// Declares a network of one hidden tanh layer (with dropout) and a softmax or sigmoid head, with plain loops.
macro_rules! mlp {
    ($name:ident, $scalar:ty, $input:ty, $shape:expr, $inputs:literal, $hidden:literal, $outputs:literal,
     $head:ident, $dropout:expr) => {
        #[derive(Clone, Debug)]
        pub(crate) struct $name(netwright_runtime::network::Weights<$scalar>);

        const _: () = {
            use netwright_runtime::Shape;
            use netwright_runtime::architecture::{Architecture, BufferSlot, GradientSeed, Memory, Pass};
            use netwright_runtime::head;
            use netwright_runtime::init::Init;
            use netwright_runtime::layer::{Axes, Layer, ParameterKind, ParameterTensor, WeightLayout};
            use netwright_runtime::network::{Network, Weights};
            use netwright_runtime::observer::Observer;
            use netwright_runtime::plan::Plan;
            use netwright_runtime::prediction_weights::PredictionWeights;

            const I: usize = $inputs;
            const H: usize = $hidden;
            const K: usize = $outputs;
            const IS_SOFTMAX: bool = matches!(stringify!($head).as_bytes(), b"Softmax");
            // Per image: hidden values, logits, answers, and their gradients.
            const LOGITS: usize = H;
            const ANSWERS: usize = H + K;
            const D_HIDDEN: usize = H + 2 * K;
            const D_LOGITS: usize = 2 * H + 2 * K;
            const D_ANSWERS: usize = 2 * H + 3 * K;
            const PER_IMAGE: usize = 2 * H + 4 * K;
            const B1: usize = I * H;
            const W2: usize = B1 + H;
            const B2: usize = W2 + H * K;

            const fn tensor(
                name: &'static str,
                kind: ParameterKind,
                shape: &'static [usize],
                offset: usize,
                len: usize,
                fan: [usize; 2],
            ) -> ParameterTensor {
                let init = if matches!(kind, ParameterKind::Weight) { Init::LecunNormal } else { Init::Constant(0.0) };
                ParameterTensor {
                    name,
                    kind,
                    shape,
                    offset,
                    len,
                    fan_in: fan[0],
                    fan_out: fan[1],
                    init,
                    layout: WeightLayout::of(Axes::Own),
                }
            }

            fn keeps(pass: &Pass, image: usize, unit: usize) -> bool {
                let mut x = pass.seed ^ pass.step.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                x ^= ((pass.first_image + image) as u64) << 20 | unit as u64;
                x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                ((x >> 40) as f64) / ((1u64 << 24) as f64) >= $dropout
            }

            fn dense(weights: &[$scalar], bias: &[$scalar], x: &[$scalar], y: &mut [$scalar]) {
                y.copy_from_slice(bias);
                for (x, row) in x.iter().zip(weights.chunks(y.len())) {
                    for (y, w) in y.iter_mut().zip(row) {
                        *y += x * w;
                    }
                }
            }

            fn head(values: &mut [$scalar]) {
                if IS_SOFTMAX {
                    let top = values.iter().fold(<$scalar>::NEG_INFINITY, |a, b| a.max(*b));
                    values.iter_mut().for_each(|v| *v = (*v - top).exp());
                    let sum: $scalar = values.iter().sum();
                    values.iter_mut().for_each(|v| *v /= sum);
                } else {
                    values.iter_mut().for_each(|v| *v = 1.0 / (1.0 + (-*v).exp()));
                }
            }

            impl Architecture for $name {
                type Scalar = $scalar;
                type Input = $input;
                type Output = [$scalar; K];
                type Head = head::$head;
                const NAME: &'static str = stringify!($name);
                const PARAMETERS: usize = B2 + K;
                const STATISTICS: usize = 0;
                const MACS: u64 = (I * H + H * K) as u64;
                const DEPTH: usize = 4;
                const INPUT: Shape = $shape;
                const OUTPUT: Shape = Shape::Flat(K);
                const LAYERS: &'static [Layer] = &[
                    Layer {
                        name: "dense1",
                        text: concat!("dense ", stringify!($hidden), " tanh"),
                        input: $shape,
                        output: Shape::Flat(H),
                        activation: Some(netwright_runtime::kernels::activation::Activation::Tanh),
                        tensors: &[
                            tensor("kernel", ParameterKind::Weight, &[I, H], 0, I * H, [I, H]),
                            tensor("bias", ParameterKind::Bias, &[H], B1, H, [I, H]),
                        ],
                        macs: (I * H) as u64,
                        frozen: false,
                        foreign: None,
                    },
                    Layer {
                        name: "head1",
                        text: concat!(stringify!($head), " ", stringify!($outputs)),
                        input: Shape::Flat(H),
                        output: Shape::Flat(K),
                        activation: None,
                        tensors: &[
                            tensor("kernel", ParameterKind::Weight, &[H, K], W2, H * K, [H, K]),
                            tensor("bias", ParameterKind::Bias, &[K], B2, K, [H, K]),
                        ],
                        macs: (H * K) as u64,
                        frozen: false,
                        foreign: None,
                    },
                ];
                const PLAN: Plan = Plan::from_text("");
                const BATCH_COUPLED: bool = false;
                const PREPARED: usize = 0;
                const NORMALISE_ONE_VALUE: &'static [usize] = &[];
                const PREDICTING: Memory = Memory { scratch: 0, fixed: 0, per_image: H };
                const TRAINING: Memory = Memory { scratch: 0, fixed: 0, per_image: PER_IMAGE };

                fn predict_pass<O: Observer<$scalar>>(
                    context: &Context<'_>,
                    weights: PredictionWeights<'_, $scalar>,
                    images: &[$scalar],
                    workspace: &mut [$scalar],
                    outputs: &mut [$scalar],
                    logits: &mut [$scalar],
                    observer: &mut O,
                ) {
                    let parameters = weights.parameters(0..Self::PARAMETERS);
                    for image in 0..context.batch {
                        let hidden = &mut workspace[image * H..][..H];
                        dense(&parameters[..B1], &parameters[B1..W2], &images[image * I..][..I], hidden);
                        hidden.iter_mut().for_each(|v| *v = v.tanh());
                        let answer = &mut outputs[image * K..][..K];
                        dense(&parameters[W2..B2], &parameters[B2..], hidden, answer);
                        if !logits.is_empty() {
                            logits[image * K..][..K].copy_from_slice(answer);
                        }
                        head(answer);
                    }
                    observer.computed(0, &mut workspace[..context.batch * H]);
                    observer.computed(1, outputs);
                }

                fn forward_pass<O: Observer<$scalar>>(
                    pass: &Pass,
                    parameters: &[$scalar],
                    _: &mut [$scalar],
                    _: &[$scalar],
                    images: &[$scalar],
                    workspace: &mut [$scalar],
                    observer: &mut O,
                ) {
                    let n = pass.batch;
                    let (hiddens, rest) = workspace.split_at_mut(n * H);
                    let (logits, answers) = rest.split_at_mut(n * K);
                    for image in 0..n {
                        let hidden = &mut hiddens[image * H..][..H];
                        dense(&parameters[..B1], &parameters[B1..W2], &images[image * I..][..I], hidden);
                        for (unit, v) in hidden.iter_mut().enumerate() {
                            let kept = if keeps(pass, image, unit) { 1.0 / (1.0 - $dropout) } else { 0.0 };
                            *v = v.tanh() * kept as $scalar;
                        }
                        let logits = &mut logits[image * K..][..K];
                        dense(&parameters[W2..B2], &parameters[B2..], hidden, logits);
                        let answer = &mut answers[image * K..][..K];
                        answer.copy_from_slice(logits);
                        head(answer);
                    }
                    observer.computed(0, hiddens);
                    observer.computed(1, &mut answers[..n * K]);
                }

                fn backward_pass<O: Observer<$scalar>>(
                    pass: &Pass,
                    seed: GradientSeed,
                    parameters: &[$scalar],
                    _: &[$scalar],
                    images: &[$scalar],
                    workspace: &mut [$scalar],
                    gradients: &mut [$scalar],
                    input_gradient: &mut [$scalar],
                    observer: &mut O,
                ) {
                    let n = pass.batch;
                    if seed == GradientSeed::Output {
                        observer.gradient(1, &mut workspace[n * D_ANSWERS..][..n * K]);
                    }
                    for image in 0..n {
                        if seed == GradientSeed::Output {
                            for k in 0..K {
                                let answer = |j: usize| workspace[n * ANSWERS + image * K + j];
                                let upstream = |j: usize| workspace[n * D_ANSWERS + image * K + j];
                                let slope = if IS_SOFTMAX {
                                    let dot: $scalar = (0..K).map(|j| answer(j) * upstream(j)).sum();
                                    answer(k) * (upstream(k) - dot)
                                } else {
                                    answer(k) * (1.0 - answer(k)) * upstream(k)
                                };
                                workspace[n * D_LOGITS + image * K + k] = slope;
                            }
                        }
                        for unit in 0..H {
                            let value = workspace[image * H + unit];
                            let mut sum = 0.0;
                            for k in 0..K {
                                let slope = workspace[n * D_LOGITS + image * K + k];
                                gradients[W2 + unit * K + k] += value * slope;
                                sum += parameters[W2 + unit * K + k] * slope;
                            }
                            let kept = if keeps(pass, image, unit) { 1.0 / (1.0 - $dropout) } else { 0.0 };
                            let kept = kept as $scalar;
                            let raw = if kept > 0.0 { value / kept } else { 0.0 };
                            workspace[n * D_HIDDEN + image * H + unit] = sum * kept * (1.0 - raw * raw);
                        }
                        for k in 0..K {
                            gradients[B2 + k] += workspace[n * D_LOGITS + image * K + k];
                        }
                        for unit in 0..H {
                            let slope = workspace[n * D_HIDDEN + image * H + unit];
                            gradients[B1 + unit] += slope;
                            for i in 0..I {
                                gradients[i * H + unit] += images[image * I + i] * slope;
                            }
                        }
                        if !input_gradient.is_empty() {
                            for i in 0..I {
                                input_gradient[image * I + i] = (0..H)
                                    .map(|unit| parameters[i * H + unit] * workspace[n * D_HIDDEN + image * H + unit])
                                    .sum();
                            }
                        }
                    }
                }

                const OUTPUT_SLOT: BufferSlot = BufferSlot { fixed: 0, offset: ANSWERS, len: K };
                const LOGITS_SLOT: BufferSlot = BufferSlot { fixed: 0, offset: LOGITS, len: K };
                const OUTPUT_GRADIENT_SLOT: BufferSlot = BufferSlot { fixed: 0, offset: D_ANSWERS, len: K };
                const LOGITS_GRADIENT_SLOT: BufferSlot = BufferSlot { fixed: 0, offset: D_LOGITS, len: K };
                const ACTIVATIONS: &'static [Option<BufferSlot>] = &[
                    Some(BufferSlot { fixed: 0, offset: 0, len: H }),
                    Some(BufferSlot { fixed: 0, offset: ANSWERS, len: K }),
                ];
            }

            impl Network for $name {
                fn from_weights(weights: Weights<$scalar>) -> Self {
                    Self(weights)
                }
                fn weights_ref(&self) -> &Weights<$scalar> {
                    &self.0
                }
                fn weights_mut(&mut self) -> &mut Weights<$scalar> {
                    &mut self.0
                }
            }
        };
    };
}

const SPOT: netwright_runtime::Shape = netwright_runtime::Shape::Image { height: 6, width: 6, channels: 1 };
const GATE: netwright_runtime::Shape = netwright_runtime::Shape::Flat(2);

mlp!(Spot, f32, Tensor<6, 6, 1>, SPOT, 36, 12, 3, Softmax, 0.0);
mlp!(SpotDropout, f32, Tensor<6, 6, 1>, SPOT, 36, 12, 3, Softmax, 0.25);
mlp!(SpotExact, f64, Tensor<6, 6, 1, f64>, SPOT, 36, 12, 3, Softmax, 0.0);
mlp!(Gate, f32, [f32; 2], GATE, 2, 3, 1, Sigmoid, 0.0);

/// Returns `count` images of a bright spot in the left, middle or right third (the label), with noise, drawn from a seed.
pub(crate) fn spots(count: usize, seed: u64) -> (Vec<Tensor<6, 6, 1>>, Vec<usize>) {
    let mut state = seed.wrapping_mul(2) + 1;
    let mut draw = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    (0..count)
        .map(|i| {
            let label = i % 3;
            let row = (draw() * 6.0) as usize % 6;
            let column = label * 2 + (draw() * 2.0) as usize % 2;
            let mut image = Tensor::from_fn(|_, _, _| draw() * 0.15);
            image[[row, column, 0]] = 1.0;
            (image, label)
        })
        .unzip()
}

/// Images of bright spots, and the thirds that contain them.
pub(crate) type Spots = Dataset<Tensor<6, 6, 1>>;

/// Returns [`spots`] as a data set.
pub(crate) fn data(count: usize, seed: u64) -> Spots {
    let (images, labels) = spots(count, seed);
    Dataset::new(images, labels).unwrap()
}

/// Returns all parameters, to compare bit by bit.
pub(crate) fn bits(network: &impl Network<Scalar = f32>) -> Vec<u32> {
    network.parameters().iter().map(|number| number.to_bits()).collect()
}

/// Creates a trainer with two short epochs.
pub(crate) fn quick<'c>() -> Trainer<'c, Spot, usize, CrossEntropy, Sgd> {
    Trainer::new()
        .epochs(2)
        .unwrap()
        .batch(16)
        .unwrap()
        .threads(1)
        .unwrap()
        .loss(CrossEntropy::new())
        .optimizer(Sgd::new(0.1).unwrap())
}
