//! Kernels that work in place, or out of place from a source slice.

use core::ops::Range;

use crate::epilogue::HOT;

/// The input of a kernel that overwrites `values`: the values themselves, or a slice of the same length.
#[derive(Clone, Copy)]
pub(super) struct Source<'a, T>(&'a [T]);

impl<'a, T: Copy> Source<'a, T> {
    /// `source` is empty (in place), or as long as `values`; `what` names the kernel.
    pub(super) fn new(source: &'a [T], values: &[T], what: &str) -> Self {
        assert!(source.is_empty() || source.len() == values.len(), "{what}: the source");
        Self(source)
    }

    /// Returns the input elements.
    pub(super) fn of<'s>(self, values: &'s [T]) -> &'s [T]
    where
        'a: 's,
    {
        if self.0.is_empty() { values } else { self.0 }
    }

    /// Returns the source of a range of the values.
    pub(super) fn part(self, range: Range<usize>) -> Self {
        if self.0.is_empty() { self } else { Self(&self.0[range]) }
    }

    /// Returns the source slice where the kernel works out of place.
    pub(super) fn out_of_place(self) -> Option<&'a [T]> {
        (!self.0.is_empty()).then_some(self.0)
    }

    /// Copies the source into `values` where the kernel works out of place.
    #[inline(always)]
    pub(super) fn copy_to(self, values: &mut [T]) {
        if !self.0.is_empty() {
            values.copy_from_slice(self.0);
        }
    }

    /// Copies the source into `values` in blocks of whole rows, and calls `update` with the index of the first element and the values of
    /// each block while it is in the L1 cache. In place, the whole slice is one block.
    pub(super) fn update_blocks(self, row: usize, values: &mut [T], update: &mut dyn FnMut(usize, &mut [T])) {
        let hot = HOT.div_ceil(row.max(1)) * row.max(1);
        let block = if self.0.is_empty() { values.len().max(1) } else { hot };
        for (n, values) in values.chunks_mut(block).enumerate() {
            let first = n * block;
            self.part(first..first + values.len()).copy_to(values);
            update(first, values);
        }
    }
}

#[cfg(test)]
mod tests {
    use netwright_abi::Activation;
    use netwright_abi::spec::{activation, batchnorm, dropout, scale, softmax};

    use crate::context::Context;
    use crate::context::tests::SerialFork;
    use crate::kernels::Kernels;
    use crate::kernels::check::{narrow, random_elements};
    use crate::pass::{BackwardRule, Pass};
    use crate::random::Random;

    /// Asserts that a kernel out of place gives the same bits as in place, on one thread and on several.
    fn assert_same(batch: usize, len: usize, kernel: impl Fn(&Context<'_>, &[f32], &mut [f32])) {
        let source = narrow::<f32>(&random_elements(&mut Random::new(batch as u64), batch * len));
        let mut right = source.clone();
        kernel(&Context::of(batch), &[], &mut right);
        for threads in [1, 3] {
            let fork = SerialFork(threads);
            let mut values = vec![f32::NAN; source.len()];
            kernel(&Context::on(batch, &fork), &source, &mut values);
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
            assert_eq!(bits(&values), bits(&right), "{threads} threads");
        }
    }

    #[test]
    fn out_of_place_gives_the_bits_of_in_place() {
        for (batch, len) in [(1, 7), (3, 5000), (2, 70_000)] {
            let by = narrow::<f32>(&random_elements(&mut Random::new(9), batch * len));
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
            let y = narrow::<f32>(&random_elements(&mut Random::new(9), batch * len));
            assert_same(batch, len, |context, source, values| f32::softmax_forward(context, &spec, source, values));
            assert_same(batch, len, |context, source, values| f32::logsoftmax_forward(context, &spec, source, values));
            assert_same(batch, len, |context, source, dy| f32::softmax_grad(context, &spec, &y, source, dy));
            assert_same(batch, len, |context, source, dy| f32::logsoftmax_grad(context, &spec, &y, source, dy));
        }
    }

    #[test]
    fn normalisations_out_of_place_give_the_bits_of_in_place() {
        for (rows, channels) in [(700, 3), (130, 64), (300, 257), (9, 600)] {
            for activation in [None, Some(Activation::Relu), Some(Activation::Tanh)] {
                let (batch, len) = (2, rows * channels);
                let spec = batchnorm::Spec { rows, channels, epsilon: 1e-3, momentum: 0.9, activation };
                let of = |seed, len| narrow::<f32>(&random_elements(&mut Random::new(seed), len));
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
                    let out_of_place = slopes(&dy, &Context::of(batch), &mut vec![f32::NAN; dy.len()]);
                    assert_eq!(out_of_place, slopes(&[], &Context::of(batch), &mut dy.clone()));
                }
            }
        }
    }
}
