use netwright_abi::Epilogue;

use super::{Spec, reference};
use crate::configuration::Configuration;
use crate::context::{Context, tests::SerialFork};
use crate::epilogue::tests::kinds;
use crate::kernels::Kernels;
use crate::kernels::check::{
    assert_close, assert_gradient, assert_same_for_constants, distinct_elements, inner_product, narrow,
    random_elements, widen,
};
use crate::random::Random;

fn max<T: Kernels>(batch: usize, spec: &Spec, x: &[f64]) -> Vec<f64> {
    let mut y = vec![T::from_f64(f64::NAN); batch * spec.output_len()];
    T::maxpool_forward(&Context::of(batch), spec, &narrow::<T>(x), &[], &[], &mut y);
    widen(&y)
}

fn max_gradient<T: Kernels>(batch: usize, spec: &Spec, x: &[f64], dy: &[f64]) -> Vec<f64> {
    let mut dx = vec![T::from_f64(f64::NAN); x.len()];
    let y = narrow::<T>(&max::<T>(batch, spec, x));
    T::maxpool_grad(&Context::of(batch), spec, &narrow::<T>(x), &y, &narrow::<T>(dy), &mut dx);
    widen(&dx)
}

fn average<T: Kernels>(batch: usize, spec: &Spec, x: &[f64]) -> Vec<f64> {
    let mut y = vec![T::from_f64(f64::NAN); batch * spec.output_len()];
    T::avgpool_forward(&Context::of(batch), spec, &narrow::<T>(x), &[], &[], &mut y);
    widen(&y)
}

fn average_gradient<T: Kernels>(batch: usize, spec: &Spec, dy: &[f64]) -> Vec<f64> {
    let mut dx = vec![T::from_f64(f64::NAN); batch * spec.input_len()];
    T::avgpool_grad(&Context::of(batch), spec, &narrow::<T>(dy), &mut dx);
    widen(&dx)
}

/// Returns random sizes that fit: any window and stride, padding even wider than the window, channels for all lane counts.
fn any_spec(random: &mut Random, channels: usize) -> Spec {
    let mut below = |n| random.below(n) as usize;
    let (mut input, mut output, mut window, mut stride, mut padding) =
        ([0, 0, channels], [0, 0, channels], [0; 2], [0; 2], [0; 4]);
    for axis in 0..2 {
        window[axis] = 1 + below(4);
        stride[axis] = 1 + below(3);
        input[axis] = 1 + below(7);
        padding[2 * axis] = below(4);
        padding[2 * axis + 1] = below(4);
        let padded = input[axis] + padding[2 * axis] + padding[2 * axis + 1];
        window[axis] = window[axis].min(padded);
        output[axis] = (padded - window[axis]) / stride[axis] + 1;
    }
    Spec { input, output, window, stride, padding, epilogue: Epilogue::NONE }
}

const CHANNELS: [usize; 12] = [1, 2, 3, 4, 5, 6, 8, 12, 16, 33, 40, 64];

#[test]
fn fast_loops_agree_with_slide_39_over_random_shapes() {
    let mut random = Random::new(1);
    for round in 0..240 {
        let (batch, spec) = (1 + round % 3, any_spec(&mut random, CHANNELS[round % CHANNELS.len()]));
        // Few different values, so that there are ties.
        let x: Vec<f64> = (0..batch * spec.input_len()).map(|_| random.below(7) as f64 - 8.0).collect();
        let dy = random_elements(&mut random, batch * spec.output_len());
        let mut y = vec![0.0; batch * spec.output_len()];
        let mut dx = vec![0.0; batch * spec.input_len()];
        reference::maxpool_forward(batch, &spec, &x, &mut y);
        assert_eq!(max::<f64>(batch, &spec, &x), y, "{spec:?}");
        assert_eq!(max::<f32>(batch, &spec, &x), y, "{spec:?}");
        reference::maxpool_grad(batch, &spec, &x, &y, &dy, &mut dx);
        assert_eq!(max_gradient::<f64>(batch, &spec, &x, &dy), dx, "{spec:?}");
        assert_eq!(max_gradient::<f32>(batch, &spec, &x, &dy), dx, "{spec:?}");
        reference::avgpool_forward(batch, &spec, &x, &mut y);
        assert_close(&average::<f64>(batch, &spec, &x), &y, 1e-14);
        assert_close(&average::<f32>(batch, &spec, &x), &y, 1e-6);
        reference::avgpool_grad(batch, &spec, &dy, &mut dx);
        assert_close(&average_gradient::<f64>(batch, &spec, &dy), &dx, 1e-13);
        assert_close(&average_gradient::<f32>(batch, &spec, &dy), &dx, 1e-5);
    }
}

#[test]
fn windows_without_overlap_share_their_gradients_on_any_number_of_threads() {
    let mut random = Random::new(5);
    for (round, channels) in CHANNELS.into_iter().chain([7, 15, 17, 31]).cycle().take(96).enumerate() {
        let window = [1 + round % 3, 1 + round / 3 % 4];
        let [rows, columns] = window.map(|_| 1 + random.below(4) as usize);
        // Rows and columns outside all windows have a gradient of 0.
        let [below, right_of] = window.map(|size| random.below(size as u64) as usize);
        let spec = Spec {
            input: [rows * window[0] + below, columns * window[1] + right_of, channels],
            output: [rows, columns, channels],
            window,
            stride: window,
            padding: [0; 4],
            epilogue: Epilogue::NONE,
        };
        let batch = 1 + round % 4;
        let dy = random_elements(&mut random, batch * spec.output_len());
        let mut right = vec![0.0; batch * spec.input_len()];
        reference::avgpool_grad(batch, &spec, &dy, &mut right);
        assert_close(&average_gradient::<f64>(batch, &spec, &dy), &right, 1e-14);
        crate::simd::tests::assert_same_for_all_instruction_sets(|| average_gradient::<f32>(batch, &spec, &dy));
        let fork = SerialFork(3);
        let mut dx = vec![f32::NAN; right.len()];
        f32::avgpool_grad(&Context::on(batch, &fork), &spec, &narrow(&dy), &mut dx);
        assert_close(&widen(&dx), &right, 1e-6);
    }
}

#[test]
fn every_epilogue_is_that_of_the_reference_on_any_number_of_threads() {
    type Forward = fn(&Context<'_>, &Spec, &[f32], &[f32], &[f32], &mut [f32]);
    type Reference = fn(usize, &Spec, &[f64], &mut [f64]);
    let pools: [(Forward, Reference); 2] = [
        (f32::maxpool_forward, reference::maxpool_forward::<f64>),
        (f32::avgpool_forward, reference::avgpool_forward::<f64>),
    ];
    let mut random = Random::new(4);
    for (round, (epilogue, channels)) in kinds().flat_map(|kind| CHANNELS.map(|channels| (kind, channels))).enumerate()
    {
        let (batch, spec) = (1 + round % 2, Spec { epilogue, ..any_spec(&mut random, channels) });
        let x = random_elements(&mut random, batch * spec.input_len());
        let [scale, shift] =
            [round % 3 > 0, round % 5 > 0].map(|given| random_elements(&mut random, if given { channels } else { 0 }));
        for (pool, reference) in pools {
            let mut z = vec![0.0; batch * spec.output_len()];
            reference(batch, &spec, &x, &mut z);
            let before =
                if epilogue.accumulate { random_elements(&mut random, z.len()) } else { vec![f64::NAN; z.len()] };
            let mut right = before.clone();
            crate::epilogue::reference(epilogue, &z, &scale, &shift, &mut right, channels);
            for threads in [1, 3] {
                let mut y = narrow(&before);
                let fork = SerialFork(threads);
                pool(&Context::on(batch, &fork), &spec, &narrow(&x), &narrow(&scale), &narrow(&shift), &mut y);
                assert_close(&widen(&y), &right, 1e-5);
            }
        }
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let mut random = Random::new(2);
    for channels in [1, 6, 8] {
        let spec = any_spec(&mut random, channels);
        let x = distinct_elements(&mut random, 2 * spec.input_len());
        let dy = random_elements(&mut random, 2 * spec.output_len());
        let finite = |y: Vec<f64>| y.into_iter().map(|y| if y.is_finite() { y } else { 0.0 }).collect::<Vec<_>>();
        assert_gradient(&x, &max_gradient::<f64>(2, &spec, &x, &dy), |x| {
            inner_product(&finite(max::<f64>(2, &spec, x)), &dy)
        });
        assert_gradient(&x, &average_gradient::<f64>(2, &spec, &dy), |x| {
            inner_product(&average::<f64>(2, &spec, x), &dy)
        });
    }
}

/// 3x3 windows over a 3x3 image with one row and column of padding on each side.
const PADDED: Spec = Spec {
    input: [3, 3, 1],
    output: [3, 3, 1],
    window: [3, 3],
    stride: [1, 1],
    padding: [1, 1, 1, 1],
    epilogue: Epilogue::NONE,
};

#[test]
fn padding_is_never_the_maximum_of_negative_elements() {
    let x = [-9.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0, -8.0, -1.0];
    assert_eq!(max::<f32>(1, &PADDED, &x), [-2.0, -2.0, -2.0, -2.0, -1.0, -1.0, -4.0, -1.0, -1.0]);
}

#[test]
fn padding_does_not_count_in_the_mean() {
    assert_close(&average::<f64>(1, &PADDED, &[2.0; 9]), &[2.0; 9], 1e-15);
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
    assert_eq!(average::<f64>(1, &PADDED, &x)[0], 3.0);
}

#[test]
fn the_first_of_equal_maxima_gets_the_gradient() {
    for channels in CHANNELS {
        let spec = Spec {
            input: [2, 2, channels],
            output: [1, 1, channels],
            window: [2, 2],
            stride: [2, 2],
            padding: [0; 4],
            epilogue: Epilogue::NONE,
        };
        for (index, other) in
            (0..4).flat_map(|index| [4.0, f64::INFINITY, f64::NEG_INFINITY].map(|other| (index, other)))
        {
            let mut x = vec![other; 4 * channels];
            let channel = index * 7 % channels;
            x[index * channels + channel] = f64::NAN;
            crate::simd::tests::assert_same_for_all_instruction_sets(|| {
                max::<f32>(1, &spec, &x).iter().map(|y| f64::from(u8::from(y.is_nan()))).collect()
            });
            for (y, found) in (0..).zip(max::<f32>(1, &spec, &x)) {
                assert!(if y == channel { found.is_nan() } else { found == other }, "{index} {other} {y}: {found}");
            }
        }
    }
}

#[test]
#[should_panic(expected = "pool: the output")]
fn a_wrong_length_is_refused() {
    f32::maxpool_forward(&Context::of(1), &PADDED, &[0.0; 9], &[], &[], &mut [0.0; 8]);
}

#[test]
fn all_instruction_sets_agree_to_the_last_bit() {
    use crate::simd::tests::assert_same_for_all_instruction_sets;
    let mut random = Random::new(3);
    for channels in CHANNELS {
        let spec = any_spec(&mut random, channels);
        let x = random_elements(&mut random, 2 * spec.input_len());
        let dy = random_elements(&mut random, 2 * spec.output_len());
        assert_same_for_all_instruction_sets(|| max::<f32>(2, &spec, &x));
        assert_same_for_all_instruction_sets(|| max_gradient::<f32>(2, &spec, &x, &dy));
        assert_same_for_all_instruction_sets(|| average::<f32>(2, &spec, &x));
        assert_same_for_all_instruction_sets(|| average_gradient::<f32>(2, &spec, &dy));
    }
}

#[test]
fn constant_sizes_give_the_bits_of_sizes_known_at_run_time() {
    const PLAIN: Spec = Spec {
        input: [10, 12, 6],
        output: [5, 6, 6],
        window: [2, 2],
        stride: [2, 2],
        padding: [0; 4],
        epilogue: Epilogue { accumulate: false, activation: Some(netwright_abi::Activation::Tanh) },
    };
    fn both(configuration: impl Configuration<Spec>) -> [Vec<f32>; 2] {
        let spec = configuration.sizes();
        let x = narrow::<f32>(&random_elements(&mut Random::new(1), 2 * spec.input_len()));
        let context = Context::of(2);
        let mut y = [0, 1].map(|_| narrow::<f32>(&random_elements(&mut Random::new(2), 2 * spec.output_len())));
        super::avgpool_forward(&context, configuration, &x, &[], &[], &mut y[0]);
        super::maxpool_forward(&context, configuration, &x, &[], &[], &mut y[1]);
        y
    }
    assert_same_for_constants!(PLAIN, |sizes| both(sizes));
    assert_same_for_constants!(Spec { input: [10, 12, 17], output: [5, 6, 17], ..PLAIN }, |sizes| both(sizes));
    assert_same_for_constants!(Spec { input: [10, 12, 32], output: [5, 6, 32], ..PLAIN }, |sizes| both(sizes));
    // Windows that extend into the padding, and one that covers a large image.
    const PADDED: Spec = Spec { window: [3, 3], padding: [1; 4], ..PLAIN };
    assert_same_for_constants!(PADDED, |sizes| both(sizes));
    const WHOLE: Spec = Spec { input: [20, 20, 4], output: [1, 1, 4], window: [20, 20], ..PLAIN };
    assert_same_for_constants!(Spec { epilogue: Epilogue { accumulate: true, activation: None }, ..WHOLE }, |sizes| {
        both(sizes)
    });
}
