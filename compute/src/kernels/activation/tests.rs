use super::*;
use crate::context::Context;
use crate::kernels::Kernels;
use crate::kernels::check::{assert_close, assert_gradient, inner_product, narrow, random_elements, widen};
use crate::random::Random;

/// All functions: those without a constant once, the others with several constants.
macro_rules! declare {
    (@of $name:ident) => { [Activation::$name].as_slice() };
    (@of $name:ident $constant:ident) => { [Activation::$name(0.2), Activation::$name(0.5)].as_slice() };
    (@of $name:ident $lowest:ident $highest:ident) => {
        [Activation::$name(-0.5, 2.0), Activation::$name(f64::NEG_INFINITY, 0.5), Activation::$name(-1.5, f64::INFINITY)]
            .as_slice()
    };
    ($($(#[$docs:meta])* $name:ident $(($($constant:ident: $real:ty),+))?: $($fact:expr),+;)*) => {
        fn all() -> Vec<Activation> {
            [$(declare!(@of $name $($($constant)+)?)),*].concat()
        }
    };
}
netwright_abi::for_each_activation!(declare);

fn forward_of<T: Kernels>(activation: Activation, z: &[f64]) -> Vec<f64> {
    let mut values = narrow::<T>(z);
    T::activation_forward(&Context::of(1), &Spec::new(activation, z.len()), &[], &mut values);
    widen(&values)
}

fn gradient_from_input<T: Kernels>(activation: Activation, z: &[f64], dy: &[f64]) -> Vec<f64> {
    let mut dz = narrow::<T>(dy);
    T::activation_grad_from_input(
        &Context::of(1),
        &Spec::new(activation, z.len()),
        &Pass::default(),
        &narrow::<T>(z),
        &[],
        &mut dz,
    );
    widen(&dz)
}

fn gradient_from_output<T: Kernels>(activation: Activation, z: &[f64], dy: &[f64]) -> Vec<f64> {
    let (spec, mut y, mut dz) = (Spec::new(activation, z.len()), narrow::<T>(z), narrow::<T>(dy));
    T::activation_forward(&Context::of(1), &spec, &[], &mut y);
    T::activation_grad_from_output(&Context::of(1), &spec, &Pass::default(), &y, &[], &mut dz);
    widen(&dz)
}

/// Pre-activations on both sides of all kinks, and gradients.
fn samples(len: usize) -> (Vec<f64>, Vec<f64>) {
    let mut random = Random::new(7);
    let z = random_elements(&mut random, len)
        .into_iter()
        .map(|z| 5.0 * z)
        .filter(|z| (z.abs() - 3.0).abs() > 0.01)
        .collect();
    let dy = random_elements(&mut random, len);
    let z: Vec<f64> = z;
    let dy = dy[..z.len()].to_vec();
    (z, dy)
}

#[test]
fn fast_loops_agree_with_the_definitions() {
    let (z, dy) = samples(333);
    for activation in all() {
        let values: Vec<f64> = z.iter().map(|&z| definition(activation, z)).collect();
        let slopes: Vec<f64> = z.iter().zip(&dy).map(|(&z, dy)| dy * derivative(activation, z)).collect();
        assert_close(&forward_of::<f64>(activation, &z), &values, 1e-13);
        assert_close(&forward_of::<f32>(activation, &z), &values, 1e-6);
        assert_close(&gradient_from_input::<f64>(activation, &z, &dy), &slopes, 1e-13);
        assert_close(&gradient_from_input::<f32>(activation, &z, &dy), &slopes, 4e-6);
        if activation.has_gradient_from_output() {
            assert_close(&gradient_from_output::<f64>(activation, &z, &dy), &slopes, 1e-12);
            assert_close(&gradient_from_output::<f32>(activation, &z, &dy), &slopes, 1e-5);
        }
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let (z, dy) = samples(60);
    for activation in all() {
        let loss = |z: &[f64]| inner_product(&forward_of::<f64>(activation, z), &dy);
        assert_gradient(&z, &gradient_from_input::<f64>(activation, &z, &dy), loss);
        if activation.has_gradient_from_output() {
            assert_gradient(&z, &gradient_from_output::<f64>(activation, &z, &dy), loss);
        }
    }
}

#[test]
fn extreme_inputs_neither_overflow_nor_become_nan() {
    for activation in all() {
        for z in [-3e38, -1e5, -100.0, 100.0, 1e5, 3e38] {
            let (y, slope) =
                (forward_of::<f32>(activation, &[z])[0], gradient_from_input::<f32>(activation, &[z], &[1.0])[0]);
            assert!(y.is_finite() || y > 0.0, "{activation:?}({z}) = {y}");
            let steepest = if activation == Activation::Exp { f64::INFINITY } else { 1.1 };
            assert!((-1e-30..=steepest).contains(&slope), "{activation:?}'({z}) = {slope}");
            assert_eq!(forward_of::<f64>(activation, &[z])[0].signum(), definition(activation, z).signum());
        }
    }
}

#[test]
fn a_nan_is_never_hidden() {
    for activation in all() {
        assert!(forward_of::<f32>(activation, &[f64::NAN])[0].is_nan(), "{activation:?}");
        assert!(forward_of::<f64>(activation, &[f64::NAN])[0].is_nan(), "{activation:?}");
    }
}

#[test]
fn kinks_take_the_side_of_the_lecture() {
    assert_eq!(gradient_from_input::<f64>(Activation::Relu, &[0.0], &[1.0]), [0.0]);
    assert_eq!(gradient_from_output::<f64>(Activation::Relu, &[0.0], &[1.0]), [0.0]);
    assert_eq!(gradient_from_input::<f64>(Activation::LeakyRelu(0.001), &[0.0], &[1.0]), [1.0]);
    assert_eq!(gradient_from_output::<f64>(Activation::LeakyRelu(0.001), &[0.0], &[1.0]), [1.0]);
}

#[test]
fn a_dead_relu_stops_an_infinite_gradient() {
    assert_eq!(gradient_from_input::<f32>(Activation::Relu, &[-1.0], &[f64::INFINITY]), [0.0]);
    assert_eq!(gradient_from_output::<f32>(Activation::Relu, &[-1.0], &[f64::NAN]), [0.0]);
}

#[test]
#[should_panic(expected = "Gelu")]
fn gelu_has_no_gradient_from_its_output() {
    gradient_from_output::<f64>(Activation::Gelu, &[1.0], &[1.0]);
}

#[test]
fn all_instruction_sets_agree_to_the_last_bit_but_on_tanh() {
    use crate::simd::tests::assert_same_for_all_instruction_sets;
    let (z, dy) = samples(301);
    for activation in all() {
        // `Tanh` uses fused multiply-adds where there are any; the tests of `elementary` bound its error.
        if activation != Activation::Tanh {
            assert_same_for_all_instruction_sets(|| forward_of::<f32>(activation, &z));
        }
        assert_same_for_all_instruction_sets(|| gradient_from_input::<f32>(activation, &z, &dy));
    }
}

#[test]
fn rules_of_the_deconvnet_stop_negative_gradients() {
    let (y, dy) = ([0.0_f32, 2.0, 0.0, 2.0], [1.0_f32, 1.0, -1.0, -1.0]);
    use crate::kernels::Kernels;
    let back = |rule| {
        let mut dz = dy;
        let pass = Pass { rule, ..Pass::default() };
        f32::activation_grad_from_output(&Context::of(1), &Spec::new(Activation::Relu, 4), &pass, &y, &[], &mut dz);
        dz
    };
    assert_eq!(back(BackwardRule::Gradient), [0.0, 1.0, 0.0, -1.0]);
    assert_eq!(back(BackwardRule::Deconvnet), [1.0, 1.0, 0.0, 0.0]);
    assert_eq!(back(BackwardRule::Guided), [0.0, 1.0, 0.0, 0.0]);
}
