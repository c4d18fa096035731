//! Values that a kernel changes in place, where what it changes lies elsewhere.

use core::ops::Range;

use crate::epilogue::HOT;

/// What is to be changed: what stands in its place, or as many elements elsewhere.
#[derive(Clone, Copy)]
pub(super) struct Source<'a, T>(&'a [T]);

impl<'a, T: Copy> Source<'a, T> {
    /// `source` is empty, or as long as `values`; `what` names the kernel.
    pub(super) fn new(source: &'a [T], values: &[T], what: &str) -> Self {
        assert!(source.is_empty() || source.len() == values.len(), "{what}: the source");
        Self(source)
    }

    /// What is to be changed, where it lies.
    pub(super) fn of<'s>(self, values: &'s [T]) -> &'s [T]
    where
        'a: 's,
    {
        if self.0.is_empty() { values } else { self.0 }
    }

    /// That of a range of the values, which has the same elements in the same order.
    pub(super) fn part(self, range: Range<usize>) -> Self {
        if self.0.is_empty() { self } else { Self(&self.0[range]) }
    }

    /// Whether it lies elsewhere: then it must be brought.
    pub(super) fn elsewhere(self) -> Option<&'a [T]> {
        (!self.0.is_empty()).then_some(self.0)
    }

    /// Brings it to its place.
    #[inline(always)]
    pub(super) fn bring(self, values: &mut [T]) {
        if !self.0.is_empty() {
            values.copy_from_slice(self.0);
        }
    }

    /// Brings it to its place in blocks of whole rows, each of which `change` is given, with the place where it starts, before it leaves
    /// the first cache; all at once, where it is there.
    pub(super) fn change(self, row: usize, values: &mut [T], change: &mut dyn FnMut(usize, &mut [T])) {
        let hot = HOT.div_ceil(row.max(1)) * row.max(1);
        let block = if self.0.is_empty() { values.len().max(1) } else { hot };
        for (n, values) in values.chunks_mut(block).enumerate() {
            let first = n * block;
            self.part(first..first + values.len()).bring(values);
            change(first, values);
        }
    }
}

#[cfg(test)]
mod tests {
    use netwright_abi::Activation;
    use netwright_abi::spec::{activation, batchnorm, dropout, scale, softmax};

    use crate::context::Context;
    use crate::context::tests::Turns;
    use crate::kernels::Kernels;
    use crate::kernels::check::{narrow, numbers};
    use crate::pass::{BackwardRule, Pass};
    use crate::random::Random;

    /// Holds a kernel that is given the source and the values to what it makes of values in their place, on one thread and on several.
    fn assert_same(batch: usize, len: usize, kernel: impl Fn(&Context<'_>, &[f32], &mut [f32])) {
        let source = narrow::<f32>(&numbers(&mut Random::new(batch as u64), batch * len));
        let mut right = source.clone();
        kernel(&Context::of(batch), &[], &mut right);
        for threads in [1, 3] {
            let turns = Turns(threads);
            let mut values = vec![f32::NAN; source.len()];
            kernel(&Context::on(batch, &turns), &source, &mut values);
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
            assert_eq!(bits(&values), bits(&right), "{threads} threads");
        }
    }

    #[test]
    fn what_lies_elsewhere_becomes_the_same_bits() {
        for (batch, len) in [(1, 7), (3, 5000), (2, 70_000)] {
            let by = narrow::<f32>(&numbers(&mut Random::new(9), batch * len));
            for activation in [Activation::Relu, Activation::Tanh, Activation::Gelu] {
                let spec = activation::Spec::new(activation, len);
                assert_same(batch, len, |context, source, values| {
                    f32::activation_forward(context, &spec, source, values);
                });
                for rule in [BackwardRule::Gradient, BackwardRule::Guided] {
                    let pass = Pass { rule, ..Pass::default() };
                    assert_same(batch, len, |context, source, dy| {
                        f32::activation_grad_from_input(context, &spec, &pass, &by, source, dy);
                    });
                    if activation.has_gradient_from_output() {
                        assert_same(batch, len, |context, source, dy| {
                            f32::activation_grad_from_output(context, &spec, &pass, &by, source, dy);
                        });
                    }
                }
            }
            let spec = scale::Spec { factor: 0.3, len };
            assert_same(batch, len, |context, source, values| f32::scale(context, &spec, source, values));
            for rate in [0.0, 0.4, 1.0] {
                let (spec, pass) = (dropout::Spec { rate, len, layer: 1 }, Pass { batch, ..Pass::default() });
                assert_same(batch, len, |context, source, values| {
                    f32::dropout_apply(context, &spec, &pass, source, values);
                });
            }
        }
        for (rows, classes) in [(2, 3), (900, 10), (1, 5000)] {
            let (batch, len) = (2, rows * classes);
            let spec = softmax::Spec { rows, classes };
            let y = narrow::<f32>(&numbers(&mut Random::new(9), batch * len));
            assert_same(batch, len, |context, source, values| f32::softmax_forward(context, &spec, source, values));
            assert_same(batch, len, |context, source, values| f32::logsoftmax_forward(context, &spec, source, values));
            assert_same(batch, len, |context, source, dy| f32::softmax_grad(context, &spec, &y, source, dy));
            assert_same(batch, len, |context, source, dy| f32::logsoftmax_grad(context, &spec, &y, source, dy));
        }
    }

    #[test]
    fn gradients_and_values_of_normalisations_do_too() {
        for (rows, channels) in [(700, 3), (130, 64), (300, 257), (9, 600)] {
            for activation in [None, Some(Activation::Relu), Some(Activation::Tanh)] {
                let (batch, len) = (2, rows * channels);
                let spec = batchnorm::Spec { rows, channels, epsilon: 1e-3, momentum: 0.9, activation };
                let of = |seed, len| narrow::<f32>(&numbers(&mut Random::new(seed), len));
                let (x, gamma, beta) = (of(3, batch * len), of(4, channels), of(5, channels));
                let (mean, inverse) = (of(6, channels), vec![1.25; channels]);
                assert_same(batch, len, |context, source, values| {
                    let [mean, variance] = [&mean, &inverse];
                    f32::batchnorm_predict_forward(context, &spec, &gamma, &beta, mean, variance, source, values);
                });
                if activation == Some(Activation::Tanh) {
                    continue;
                }
                for rule in [BackwardRule::Gradient, BackwardRule::Deconvnet] {
                    let pass = Pass { batch, rule, ..Pass::default() };
                    let slopes = |source: &[f32], context: &Context<'_>, dy: &mut [f32]| {
                        let [mut dgamma, mut dbeta] = [0, 1].map(|_| vec![0.0; channels]);
                        f32::batchnorm_grad(
                            context,
                            &spec,
                            &pass,
                            &x,
                            &gamma,
                            &beta,
                            &mean,
                            &inverse,
                            source,
                            dy,
                            &mut dgamma,
                            &mut dbeta,
                        );
                        [dgamma, dbeta]
                    };
                    assert_same(batch, len, |context, source, dy| _ = slopes(source, context, dy));
                    let dy = of(7, batch * len);
                    let elsewhere = slopes(&dy, &Context::of(batch), &mut vec![f32::NAN; dy.len()]);
                    assert_eq!(elsewhere, slopes(&[], &Context::of(batch), &mut dy.clone()));
                }
            }
        }
    }
}
