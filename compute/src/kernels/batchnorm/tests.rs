use netwright_abi::Activation;

use super::*;
use crate::context::{Context, tests::SerialFork};
use crate::kernels::Kernels;
use crate::kernels::check::{assert_close, assert_gradient, inner_product, narrow, random_elements, widen};
use crate::pass::BackwardRule;
use crate::random::Random;

const BATCH: usize = 3;
const MEASURED: Pass = Pass {
    batch: BATCH,
    seed: 0,
    step: 0,
    first_image: 0,
    frozen: false,
    frozen_statistics: false,
    frozen_layers: &[],
    fuses_update: false,
    rule: BackwardRule::Gradient,
    threads: crate::context::PassThreads::CALLER,
    isa: None,
};
const FROZEN: Pass = Pass { frozen: true, ..MEASURED };

struct Trained {
    y: Vec<f64>,
    mean: Vec<f64>,
    inverse_deviation: Vec<f64>,
    moving_mean: Vec<f64>,
    moving_variance: Vec<f64>,
}

fn train<T: Kernels>(spec: &Spec, x: &[f64], gamma: &[f64], beta: &[f64]) -> Trained {
    let moving = [vec![0.0; spec.channels], vec![1.0; spec.channels]];
    train_from::<T>(spec, &MEASURED, x, gamma, beta, moving)
}

fn train_from<T: Kernels>(
    spec: &Spec,
    pass: &Pass,
    x: &[f64],
    gamma: &[f64],
    beta: &[f64],
    moving: [Vec<f64>; 2],
) -> Trained {
    let mut y = vec![T::ZERO; x.len()];
    let [mut mean, mut inverse] = [(); 2].map(|()| vec![T::ZERO; spec.channels]);
    let [mut moving_mean, mut moving_variance] = moving.map(|values| narrow::<T>(&values));
    let (x, gamma, beta) = (narrow::<T>(x), narrow::<T>(gamma), narrow::<T>(beta));
    T::batchnorm_train_forward(
        &Context::of(BATCH),
        spec,
        pass,
        &x,
        &gamma,
        &beta,
        &mut moving_mean,
        &mut moving_variance,
        &mut y,
        &mut mean,
        &mut inverse,
    );
    Trained {
        y: widen(&y),
        mean: widen(&mean),
        inverse_deviation: widen(&inverse),
        moving_mean: widen(&moving_mean),
        moving_variance: widen(&moving_variance),
    }
}

fn gradients<T: Kernels>(spec: &Spec, x: &[f64], [gamma, beta]: [&[f64]; 2], dy: &[f64]) -> [Vec<f64>; 3] {
    let trained = train::<T>(spec, x, gamma, beta);
    let (mean, inverse) = (narrow::<T>(&trained.mean), narrow::<T>(&trained.inverse_deviation));
    let (x, mut dx) = (narrow::<T>(x), narrow::<T>(dy));
    let (mut dgamma, mut dbeta) = (vec![T::ZERO; gamma.len()], vec![T::ZERO; spec.channels]);
    T::batchnorm_grad(
        &Context::of(BATCH),
        spec,
        &MEASURED,
        &x,
        &narrow::<T>(gamma),
        &narrow::<T>(beta),
        &mean,
        &inverse,
        &[],
        &mut dx,
        &mut dgamma,
        &mut dbeta,
    );
    [widen(&dx), widen(&dgamma), widen(&dbeta)]
}

fn samples(seed: u64, spec: &Spec, affine: bool) -> [Vec<f64>; 4] {
    let mut random = Random::new(seed);
    let len = BATCH * spec.rows * spec.channels;
    let parameters = if affine { spec.channels } else { 0 };
    [len, len, parameters, parameters].map(|len| random_elements(&mut random, len))
}

/// Numbers of channels: several positions fit into the lanes, one does, or several channel blocks are needed.
const CHANNELS: [usize; 8] = [1, 3, 31, 33, 64, 130, 256, 300];

fn spec(channels: usize) -> Spec {
    Spec { rows: 70, channels, epsilon: 1e-3, momentum: 0.9, activation: None }
}

#[test]
fn outputs_and_statistics_are_their_definitions() {
    for channels in CHANNELS {
        let spec = spec(channels);
        let [x, _, gamma, beta] = samples(1, &spec, true);
        let count = (BATCH * spec.rows) as f64;
        let channel = |c: usize| x.iter().skip(c).step_by(channels);
        let mean: Vec<f64> = (0..channels).map(|c| channel(c).sum::<f64>() / count).collect();
        let variance: Vec<f64> =
            (0..channels).map(|c| channel(c).map(|x| (x - mean[c]).powi(2)).sum::<f64>() / count).collect();
        let y: Vec<f64> = x
            .iter()
            .enumerate()
            .map(|(i, x)| (i % channels, x))
            .map(|(c, x)| gamma[c] * (x - mean[c]) / (variance[c] + 1e-3).sqrt() + beta[c])
            .collect();
        for (trained, tolerance) in
            [(train::<f64>(&spec, &x, &gamma, &beta), 1e-12), (train::<f32>(&spec, &x, &gamma, &beta), 1e-5)]
        {
            assert_close(&trained.y, &y, tolerance);
            assert_close(&trained.mean, &mean, tolerance);
            let inverse: Vec<f64> = variance.iter().map(|v| 1.0 / (v + 1e-3).sqrt()).collect();
            assert_close(&trained.inverse_deviation, &inverse, tolerance);
            let moved: Vec<f64> = mean.iter().map(|m| 0.1 * m).collect();
            assert_close(&trained.moving_mean, &moved, tolerance);
            let moved: Vec<f64> = variance.iter().map(|v| 0.9 + 0.1 * v).collect();
            assert_close(&trained.moving_variance, &moved, tolerance);
        }
    }
}

#[test]
fn predicting_uses_the_moving_statistics() {
    for channels in CHANNELS {
        let spec = spec(channels);
        let [x, _, gamma, beta] = samples(2, &spec, true);
        let mean = random_elements(&mut Random::new(3), channels);
        let variance: Vec<f64> = random_elements(&mut Random::new(4), channels).into_iter().map(|v| 1.5 + v).collect();
        let mut values = x.clone();
        f64::batchnorm_predict_forward(&Context::of(BATCH), &spec, &gamma, &beta, &mean, &variance, &[], &mut values);
        let expected: Vec<f64> = x
            .iter()
            .enumerate()
            .map(|(i, x)| (i % channels, x))
            .map(|(c, x)| gamma[c] * (x - mean[c]) / (variance[c] + 1e-3).sqrt() + beta[c])
            .collect();
        assert_close(&values, &expected, 1e-13);
        let mut values = narrow::<f32>(&x);
        let [gamma, beta, mean, variance] = [gamma, beta, mean, variance].map(|values| narrow::<f32>(&values));
        f32::batchnorm_predict_forward(&Context::of(BATCH), &spec, &gamma, &beta, &mean, &variance, &[], &mut values);
        assert_close(&widen(&values), &expected, 1e-5);
    }
}

#[test]
fn after_a_layer_it_folds_into_a_scale_and_a_shift() {
    for (channels, affine, bias) in [(1, true, true), (33, true, false), (130, false, true), (6, false, false)] {
        let spec = spec(channels);
        let [x, _, gamma, beta] = samples(7, &spec, affine);
        let bias = random_elements(&mut Random::new(8), if bias { channels } else { 0 });
        let mean = random_elements(&mut Random::new(3), channels);
        let variance: Vec<f64> = random_elements(&mut Random::new(4), channels).into_iter().map(|v| 1.5 + v).collect();
        let biased = |(index, x): (usize, &f64)| x + bias.get(index % channels).unwrap_or(&0.0);
        let mut expected: Vec<f64> = x.iter().enumerate().map(biased).collect();
        f64::batchnorm_predict_forward(&Context::of(BATCH), &spec, &gamma, &beta, &mean, &variance, &[], &mut expected);
        let (mut scale, mut shift) = (vec![0.0; channels], vec![0.0; channels]);
        f64::batchnorm_fold(&Context::of(BATCH), &spec, &gamma, &beta, &mean, &variance, &bias, &mut scale, &mut shift);
        let folded = |(index, x): (usize, &f64)| x * scale[index % channels] + shift[index % channels];
        assert_close(&x.iter().enumerate().map(folded).collect::<Vec<f64>>(), &expected, 1e-13);
    }
}

#[test]
fn activations_act_on_the_normalised_values() {
    for activation in [Activation::Relu, Activation::Tanh, Activation::LeakyRelu(0.3)] {
        let plain = spec(33);
        let spec = Spec { activation: Some(activation), ..plain };
        let [x, _, gamma, beta] = samples(9, &spec, true);
        let activated = |values: &[f64]| -> Vec<f64> {
            values.iter().map(|&value| super::super::activation::definition(activation, value)).collect()
        };
        let trained = train::<f64>(&spec, &x, &gamma, &beta).y;
        assert_close(&trained, &activated(&train::<f64>(&plain, &x, &gamma, &beta).y), 1e-13);
        let predicted = |spec: &Spec| {
            let mut values = x.clone();
            f64::batchnorm_predict_forward(
                &Context::of(BATCH),
                spec,
                &gamma,
                &beta,
                &gamma,
                &[1.0; 33],
                &[],
                &mut values,
            );
            values
        };
        assert_close(&predicted(&spec), &activated(&predicted(&plain)), 1e-13);
    }
}

/// Exactly at the bounds, because the outputs are recomputed with the bits of the forward pass.
#[test]
fn the_gradient_stops_where_an_activation_bounds_the_output() {
    for (channels, activation) in
        [(33, Activation::Relu), (300, Activation::Relu), (7, Activation::Relu6), (64, Activation::Clip(-0.5, 0.75))]
    {
        let plain = spec(channels);
        let spec = Spec { activation: Some(activation), ..plain };
        let [x, dy, gamma, beta] = samples(11, &spec, true);
        let [lowest, highest] = activation.bounds().expect("it only bounds").map(|end| end as f32 as f64);
        let y = train::<f32>(&plain, &x, &gamma, &beta).y;
        let is_inside = |y: f64| y > lowest && y < highest;
        assert!(
            y.iter().any(|&y| is_inside(y)) && y.iter().any(|&y| !is_inside(y)),
            "{activation:?} bounds some outputs"
        );
        let held: Vec<f64> = y.iter().zip(&dy).map(|(&y, &dy)| if is_inside(y) { dy } else { 0.0 }).collect();
        let affine = [&gamma[..], &beta];
        assert_eq!(gradients::<f32>(&spec, &x, affine, &dy), gradients::<f32>(&plain, &x, affine, &held));
    }
}

/// Guided back-propagation stops the gradient of inactive units and negative gradients; the deconvnet stops negative gradients only.
#[test]
fn backward_rules_act_on_the_gradient_of_a_rectified_output() {
    let plain = spec(33);
    let spec = Spec { activation: Some(Activation::Relu), ..plain };
    let [x, dy, gamma, beta] = samples(12, &spec, true);
    let y = train::<f64>(&plain, &x, &gamma, &beta).y;
    let ruled = |spec: &Spec, rule, dy: &[f64]| {
        let trained = train::<f64>(spec, &x, &gamma, &beta);
        let (mut dx, pass) = (dy.to_vec(), Pass { rule, ..MEASURED });
        let (mean, inverse) = (&trained.mean, &trained.inverse_deviation);
        let context = Context::of(BATCH);
        f64::batchnorm_grad(&context, spec, &pass, &x, &gamma, &beta, mean, inverse, &[], &mut dx, &mut [], &mut []);
        dx
    };
    let held = |stops: &dyn Fn(f64, f64) -> bool| -> Vec<f64> {
        y.iter().zip(&dy).map(|(&y, &dy)| if stops(y, dy) { 0.0 } else { dy }).collect()
    };
    for (rule, held) in [
        (BackwardRule::Guided, held(&|y, dy| y <= 0.0 || dy <= 0.0)),
        (BackwardRule::Deconvnet, held(&|_, dy| dy <= 0.0)),
    ] {
        assert_eq!(ruled(&spec, rule, &dy), ruled(&plain, BackwardRule::Gradient, &held), "{rule:?}");
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for (channels, affine) in [(1, true), (3, true), (40, true), (70, true), (3, false)] {
        let spec = Spec { rows: 3, ..spec(channels) };
        let [x, dy, gamma, beta] = samples(5, &spec, affine);
        let [dx, dgamma, dbeta] = gradients::<f64>(&spec, &x, [&gamma, &beta], &dy);
        assert_gradient(&x, &dx, |x| inner_product(&train::<f64>(&spec, x, &gamma, &beta).y, &dy));
        assert_gradient(&gamma, &dgamma, |gamma| inner_product(&train::<f64>(&spec, &x, gamma, &beta).y, &dy));
        if affine {
            assert_gradient(&beta, &dbeta, |beta| inner_product(&train::<f64>(&spec, &x, &gamma, beta).y, &dy));
        }
        let [dx32, dgamma32, dbeta32] = gradients::<f32>(&spec, &x, [&gamma, &beta], &dy);
        assert_close(&dx32, &dx, 5e-5);
        assert_close(&dgamma32, &dgamma, 1e-5);
        assert_close(&dbeta32, &dbeta, 1e-5);
    }
}

#[test]
fn a_frozen_pass_predicts_and_has_the_gradient_of_that() {
    for channels in [1, 3, 40, 70] {
        let spec = Spec { rows: 3, ..spec(channels) };
        let [x, dy, gamma, beta] = samples(7, &spec, true);
        let mean = random_elements(&mut Random::new(8), channels);
        let variance: Vec<f64> = random_elements(&mut Random::new(9), channels).into_iter().map(|v| 1.5 + v).collect();
        let moving = [mean.clone(), variance.clone()];
        let trained = train_from::<f64>(&spec, &FROZEN, &x, &gamma, &beta, moving.clone());
        let mut predicted = x.clone();
        f64::batchnorm_predict_forward(
            &Context::of(BATCH),
            &spec,
            &gamma,
            &beta,
            &mean,
            &variance,
            &[],
            &mut predicted,
        );
        assert_close(&trained.y, &predicted, 1e-13);
        assert_eq!([trained.moving_mean, trained.moving_variance], moving, "they stay as they are");
        let (mut dx, mut dgamma, mut dbeta) = (dy.clone(), vec![0.0; channels], vec![0.0; channels]);
        let saved = (&trained.mean, &trained.inverse_deviation);
        f64::batchnorm_grad(
            &Context::of(BATCH),
            &spec,
            &FROZEN,
            &x,
            &gamma,
            &beta,
            saved.0,
            saved.1,
            &[],
            &mut dx,
            &mut dgamma,
            &mut dbeta,
        );
        let loss = |x: &[f64], gamma: &[f64], beta: &[f64]| {
            inner_product(&train_from::<f64>(&spec, &FROZEN, x, gamma, beta, moving.clone()).y, &dy)
        };
        assert_gradient(&x, &dx, |x| loss(x, &gamma, &beta));
        assert_gradient(&gamma, &dgamma, |gamma| loss(&x, gamma, &beta));
        assert_gradient(&beta, &dbeta, |beta| loss(&x, &gamma, beta));
    }
}

#[test]
fn a_large_mean_does_not_spoil_the_variance() {
    let spec = Spec { rows: 20_000, channels: 2, epsilon: 0.0, momentum: 0.0, activation: None };
    let x: Vec<f64> = (0..BATCH * 20_000 * 2).map(|i| 1000.0 + (i / 2 % 2) as f64).collect();
    let trained = train::<f32>(&spec, &x, &[], &[]);
    assert_close(&trained.moving_mean, &[1000.5; 2], 1e-6);
    assert_close(&trained.moving_variance, &[0.25; 2], 1e-5);
}

#[test]
fn all_instruction_sets_agree_to_the_last_bit() {
    use crate::simd::tests::assert_same_for_all_instruction_sets;
    for channels in CHANNELS {
        let spec = spec(channels);
        let [x, dy, gamma, beta] = samples(6, &spec, true);
        assert_same_for_all_instruction_sets(|| train::<f32>(&spec, &x, &gamma, &beta).y);
        assert_same_for_all_instruction_sets(|| gradients::<f32>(&spec, &x, [&gamma, &beta], &dy).concat());
    }
}

/// Runs the forward pass on `threads` threads, and returns the outputs, the saved and the moving statistics.
fn forward_on_threads(threads: usize, spec: &Spec, x: &[f32]) -> [Vec<f32>; 5] {
    let fork = SerialFork(threads);
    let mut y = vec![0.0; x.len()];
    let [mut mean, mut inverse, mut moving_mean, mut moving_variance] = [(); 4].map(|()| vec![0.0; spec.channels]);
    f32::batchnorm_train_forward(
        &Context::on(BATCH, &fork),
        spec,
        &MEASURED,
        x,
        &[],
        &[],
        &mut moving_mean,
        &mut moving_variance,
        &mut y,
        &mut mean,
        &mut inverse,
    );
    [y, mean, inverse, moving_mean, moving_variance]
}

/// Runs the forward pass and the gradient on `threads` threads, and returns outputs, gradients and statistics.
fn on_threads(threads: usize, spec: &Spec, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let fork = SerialFork(threads);
    let context = Context::on(BATCH, &fork);
    let [y, mean, inverse, moving_mean, moving_variance] = forward_on_threads(threads, spec, x);
    let mut dx = dy.to_vec();
    let [mut dgamma, mut dbeta] = [(); 2].map(|()| vec![0.0; spec.channels]);
    f32::batchnorm_grad(&context, spec, &MEASURED, x, &[], &[], &mean, &inverse, &[], &mut dx, &mut dgamma, &mut dbeta);
    [y, dx, mean, inverse, moving_mean, moving_variance, dgamma, dbeta].concat()
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for (channels, rows) in [(5, 50_000), (64, 3_000), (300, 700)] {
        let spec = Spec { rows, ..spec(channels) };
        let [x, dy, ..] = samples(8, &spec, false).map(|values| narrow::<f32>(&values));
        let one = on_threads(1, &spec, &x, &dy);
        for threads in [2, 3, 7] {
            assert!(on_threads(threads, &spec, &x, &dy) == one, "{channels} channels, {threads} threads");
        }
    }
}

/// Parts that end within the lanes of several positions, before an activation that is a call over a few of them.
#[test]
fn an_activation_acts_on_the_parts_of_threads() {
    let spec = Spec { rows: 515, activation: Some(Activation::Tanh), ..spec(32) };
    let [x, ..] = samples(9, &spec, false).map(|values| narrow::<f32>(&values));
    let one = forward_on_threads(1, &spec, &x);
    assert!([2, 3, 7].into_iter().all(|threads| forward_on_threads(threads, &spec, &x) == one));
}

/// The first positions are unlike the others, and the last ones do not fill the lanes.
#[test]
fn a_variance_does_not_depend_on_which_positions_come_first() {
    let spec = Spec { rows: 3_333, epsilon: 0.0, momentum: 0.0, ..spec(3) };
    let count = BATCH * spec.rows;
    let x: Vec<f64> = (0..3 * count).map(|i| if i < 1500 { 1000.0 } else { (i / 3 % 2) as f64 }).collect();
    let (mean, squares) = x.iter().step_by(3).fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    let mean = mean / count as f64;
    let variance = squares / count as f64 - mean * mean;
    let trained = train::<f32>(&spec, &x, &[], &[]);
    // The rounding of one partial sum, which has 128 terms.
    let rounding = 64.0 * f64::from(f32::EPSILON);
    assert_close(&trained.moving_mean, &[mean; 3], rounding);
    assert_close(&trained.moving_variance, &[variance; 3], rounding);
}
