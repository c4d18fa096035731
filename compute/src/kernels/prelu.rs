//! Parametric ReLU (slide 11): the slope below 0 is trained.

use super::activation::rectify;
use super::channel_sums::{ChannelBlock, LANES, in_parts};
use super::elementary::Elementary;
use super::reduce;
use crate::context::Context;
use crate::epilogue::{ElementEpilogue, Epilogue};
use crate::pass::Pass;
use crate::scalar::Scalar;
use crate::simd::vectorised;
pub use netwright_abi::spec::prelu::Spec;

/// z = a x where x < 0, else x; y = f(z + y).
pub fn prelu_forward<T: Elementary>(context: &Context<'_>, spec: &Spec, x: &[T], slopes: &[T], y: &mut [T]) {
    assert_eq!(x.len(), context.batch * spec.len, "prelu: the inputs");
    assert_eq!(slopes.len(), spec.slopes, "prelu: the slopes");
    assert_eq!(y.len(), context.batch * spec.len, "prelu: the outputs");
    let (isa, epilogue) = (context.isa(), Epilogue::new(spec.epilogue, &[], &[]));
    epilogue.in_parts(isa, spec.slopes, y, |first, y| {
        forward(isa, &x[first..][..y.len()], slopes, epilogue.of_element(), y)
    });
}

/// ∂ℓ/∂x = ∂ℓ/∂z · (a where x < 0, else 1), which overwrites `dy`; ∂ℓ/∂a += Σ ∂ℓ/∂z · x over x < 0, unless `dslopes` is empty.
pub fn prelu_grad<T: Scalar>(
    context: &Context<'_>,
    spec: &Spec,
    pass: &Pass,
    x: &[T],
    slopes: &[T],
    dy: &mut [T],
    dslopes: &mut [T],
) {
    assert_eq!(x.len(), context.batch * spec.len, "prelu: the inputs");
    assert_eq!(slopes.len(), spec.slopes, "prelu: the slopes");
    assert_eq!(dy.len(), context.batch * spec.len, "prelu: the gradient");
    assert!(dslopes.is_empty() || dslopes.len() == spec.slopes, "prelu: the gradient of the slopes");
    if !rectify(pass.rule, dy) {
        gradient(context.isa(), x, slopes, dy, dslopes);
    }
}

vectorised! {
    fn forward<T: Scalar>(x: &[T], slopes: &[T], end: ElementEpilogue<T>, y: &mut [T]) {
        match *slopes {
            [] => {}
            [slope] => {
                for (&x, y) in x.iter().zip(y) {
                    end.store(if x < T::ZERO { slope * x } else { x }, y);
                }
            }
            _ => {
                for (x, y) in x.chunks_exact(slopes.len()).zip(y.chunks_exact_mut(slopes.len())) {
                    for ((&x, &slope), y) in x.iter().zip(slopes).zip(y) {
                        end.store(if x < T::ZERO { slope * x } else { x }, y);
                    }
                }
            }
        }
    }
}

/// Elements whose terms are buffered while the gradient of a single slope is summed.
const BLOCK: usize = 64;

vectorised! {
    fn gradient<T: Scalar>(x: &[T], slopes: &[T], dy: &mut [T], dslopes: &mut [T]) {
        match *slopes {
            [] => {}
            [slope] => {
                let (mut terms, mut sum) = ([T::ZERO; BLOCK], 0.0);
                for (x, dy) in x.chunks(BLOCK).zip(dy.chunks_mut(BLOCK)) {
                    for ((&x, dy), term) in x.iter().zip(dy.iter_mut()).zip(&mut terms) {
                        *term = if x < T::ZERO { *dy * x } else { T::ZERO };
                        *dy *= if x < T::ZERO { slope } else { T::ONE };
                    }
                    sum += reduce::sum(&terms[..x.len()]).to_f64();
                }
                if let Some(dslope) = dslopes.first_mut() {
                    *dslope += T::from_f64(sum);
                }
            }
            _ => {
                for channel_block in ChannelBlock::all(slopes.len()) {
                    let slopes = channel_block.broadcast(|channel| slopes[channel]);
                    let [sums] = in_parts(&channel_block, x.len(), |range, [part]: &mut [[T; LANES]; 1]| {
                        let elements = x[range.clone()].iter().zip(&mut dy[range]);
                        for ((&x, dy), (part, &slope)) in elements.zip(part.iter_mut().zip(&slopes)) {
                            *part += if x < T::ZERO { *dy * x } else { T::ZERO };
                            *dy *= if x < T::ZERO { slope } else { T::ONE };
                        }
                    });
                    for (channel, sum) in channel_block.fold(sums) {
                        if let Some(dslope) = dslopes.get_mut(channel) {
                            *dslope += T::from_f64(sum);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epilogue::tests::assert_applies_epilogue;
    use crate::kernels::Kernels;
    use crate::kernels::check::{assert_close, assert_gradient, inner_product, narrow, random_elements, widen};
    use crate::random::Random;
    use netwright_abi::Epilogue as Kind;

    fn output<T: Kernels>(spec: &Spec, x: &[f64], slopes: &[f64]) -> Vec<f64> {
        let mut y = vec![T::ZERO; x.len()];
        T::prelu_forward(&Context::of(x.len() / spec.len), spec, &narrow::<T>(x), &narrow::<T>(slopes), &mut y);
        widen(&y)
    }

    fn gradients<T: Kernels>(spec: &Spec, x: &[f64], slopes: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (mut dx, mut dslopes) = (narrow::<T>(dy), vec![T::ONE; slopes.len()]);
        let batch = x.len() / spec.len;
        T::prelu_grad(
            &Context::of(batch),
            spec,
            &Pass::default(),
            &narrow::<T>(x),
            &narrow::<T>(slopes),
            &mut dx,
            &mut dslopes,
        );
        (widen(&dx), dslopes.iter().map(|&sum| (sum - T::ONE).to_f64()).collect())
    }

    #[test]
    fn gradients_are_those_of_finite_differences_and_add_up() {
        let mut random = Random::new(1);
        for slopes in [1, 3, 20] {
            let spec = Spec { len: 60, slopes, epilogue: Kind::NONE };
            let (x, dy) = (random_elements(&mut random, 180), random_elements(&mut random, 180));
            let slopes = random_elements(&mut random, slopes);
            let (dx, dslopes) = gradients::<f64>(&spec, &x, &slopes, &dy);
            assert_gradient(&x, &dx, |x| inner_product(&output::<f64>(&spec, x, &slopes), &dy));
            assert_gradient(&slopes, &dslopes, |slopes| inner_product(&output::<f64>(&spec, &x, slopes), &dy));
            let (dx32, dslopes32) = gradients::<f32>(&spec, &x, &slopes, &dy);
            assert_close(&dx32, &dx, 1e-6);
            assert_close(&dslopes32, &dslopes, 1e-5);
            assert_close(&output::<f32>(&spec, &x, &slopes), &output::<f64>(&spec, &x, &slopes), 1e-6);
        }
    }

    #[test]
    fn slopes_apply_below_0_by_channel() {
        let spec = Spec { len: 4, slopes: 2, epilogue: Kind::NONE };
        assert_eq!(output::<f32>(&spec, &[-1.0, -1.0, 2.0, 0.0], &[0.5, 0.25]), [-0.5, -0.25, 2.0, 0.0]);
    }

    #[test]
    fn it_applies_every_epilogue() {
        for (len, slopes) in [(60, 1), (60, 3), (5000, 1), (5000, 50)] {
            let (x, a) = (random_elements(&mut Random::new(4), 2 * len), random_elements(&mut Random::new(5), slopes));
            let ends = |epilogue, y: &mut [f32]| {
                let spec = Spec { len, slopes, epilogue };
                f32::prelu_forward(&Context::of(2), &spec, &narrow(&x), &narrow(&a), y);
            };
            assert_applies_epilogue(2 * len, ends);
        }
    }
}
