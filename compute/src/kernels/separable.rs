//! Separable convolution (Chollet, 2017): a depthwise convolution, then a 1x1 convolution that mixes the channels. Bands of rows of the
//! depthwise output stay in the L2 cache until the 1x1 convolution has read them, and are stored nowhere else.

use super::conv::conv_packed_forward;
use super::depthwise;
use super::elementary::Elementary;
use super::images::images;
use crate::cache;
use crate::context::Context;
use netwright_abi::spec::Windowed as _;
pub use netwright_abi::spec::separable::Spec;

/// Returns the elements of scratch memory that [`separable_forward`] needs per thread, whatever the batch.
pub const fn separable_forward_scratch(spec: &Spec) -> usize {
    spec.band_len()
}

/// h = f₁(scale₁ · (w₁ ∗ x) + shift₁) with the depthwise weights w₁, then y = f₂(scale₂ · (w₂ ∗ h) + shift₂ + y) with the packed filters w₂
/// of the 1x1 convolution.
#[allow(clippy::too_many_arguments)]
pub fn separable_forward<T: Elementary>(
    context: &Context<'_>,
    spec: &Spec,
    x: &[T],
    depthwise: &[T],
    depthwise_scale: &[T],
    depthwise_shift: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    assert_eq!(y.len(), context.batch * spec.pointwise().output_len(), "separable: length of the output");
    spec.depthwise().check(
        context.batch,
        x.len(),
        depthwise.len(),
        [depthwise_scale.len(), depthwise_shift.len()],
        context.batch * spec.depthwise().output_len(),
    );
    let alone = context.alone();
    context.split_windows(spec, x, y, scratch, &|spec, x, y, scratch| {
        let ([row_in, between], [_, row_out]) = (spec.depthwise().rows_len(), spec.pointwise().rows_len());
        let at_once = (scratch.len().min(cache::l2_bytes() / 2 / size_of::<T>()) / between).max(1);
        for (x, y) in images(x, spec.depthwise().input_len(), y, spec.pointwise().output_len()) {
            // Blocks of equal numbers of rows.
            let rows = spec.output[0].div_ceil(spec.output[0].div_ceil(at_once));
            for (block, y) in y.chunks_mut(rows * row_out).enumerate() {
                let first = block * rows;
                let (part, reached) = spec.of_rows(first..first + y.len() / row_out);
                let [of_channels, of_filters] = [part.depthwise(), part.pointwise()];
                let (x, band) =
                    (&x[reached.start * row_in..reached.end * row_in], &mut scratch[..of_channels.output_len()]);
                depthwise::forward(
                    context.isa(),
                    &of_channels,
                    x,
                    depthwise,
                    depthwise_scale,
                    depthwise_shift,
                    band,
                    &mut [],
                );
                conv_packed_forward(&alone, &of_filters, band, w, scale, shift, y, &mut []);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use netwright_abi::Epilogue;
    use proptest::prelude::*;

    use super::*;
    use crate::context::tests::SerialFork;
    use crate::epilogue::tests::epilogues;
    use crate::kernels::check::{self, narrow, shapes};
    use crate::kernels::conv::conv_pack;
    use crate::random::Random;
    use crate::simd::Isa;

    /// The operands of a separable convolution, and the previous contents of its output.
    struct Operands<T> {
        x: Vec<T>,
        depthwise: [Vec<T>; 3],
        packed: Vec<T>,
        pointwise: [Vec<T>; 2],
        y: Vec<T>,
    }

    impl<T: Elementary> Operands<T> {
        fn new(spec: &Spec, batch: usize, has_each: bool) -> Self {
            let mut random = Random::new(7);
            let mut elements = |len| narrow::<T>(&check::random_elements(&mut random, len));
            let (of_channels, of_filters) = (spec.depthwise(), spec.pointwise());
            let (channels, filters) = if has_each { (spec.input[2], spec.output[2]) } else { (0, 0) };
            let mut packed = std::vec![T::ZERO; of_filters.packed_len()];
            conv_pack(&Context::of(1), &of_filters, &elements(of_filters.weights_len()), &mut packed);
            Self {
                x: elements(batch * of_channels.input_len()),
                depthwise: [of_channels.weights_len(), channels, channels].map(&mut elements),
                packed,
                pointwise: [filters, filters].map(&mut elements),
                y: elements(batch * of_filters.output_len()),
            }
        }

        /// Runs the fused kernel with scratch memory for `rows` rows of the depthwise output.
        fn separable(&self, context: &Context<'_>, spec: &Spec, rows: usize) -> Vec<T> {
            let (mut y, [w, dscale, dshift], [scale, shift]) = (self.y.clone(), &self.depthwise, &self.pointwise);
            let row = spec.depthwise().rows_len()[1];
            let mut scratch = std::vec![T::from_f64(f64::NAN); context.threads() * rows * row];
            separable_forward(
                context,
                spec,
                &self.x,
                w,
                dscale,
                dshift,
                &self.packed,
                scale,
                shift,
                &mut y,
                &mut scratch,
            );
            y
        }

        /// Runs one convolution after the other.
        fn in_turn(&self, context: &Context<'_>, spec: &Spec) -> Vec<T> {
            let (mut y, [w, dscale, dshift], [scale, shift]) = (self.y.clone(), &self.depthwise, &self.pointwise);
            let mut between = std::vec![T::from_f64(f64::NAN); context.batch * spec.depthwise().output_len()];
            depthwise::depthwise_forward(context, &spec.depthwise(), &self.x, w, dscale, dshift, &mut between, &mut []);
            conv_packed_forward(context, &spec.pointwise(), &between, &self.packed, scale, shift, &mut y, &mut []);
            y
        }
    }

    proptest! {
        #![proptest_config(shapes(120))]

        #[test]
        fn it_has_the_bits_of_two_convolutions_in_turn(
            [height, width, channels] in [1usize..12, 1usize..12, 1usize..70], window in [1usize..4, 1usize..4], stride in [1usize..3, 1usize..3],
            padding in [0usize..3, 0usize..3, 0usize..3, 0usize..3], dilation in [1usize..3, 1usize..3], filters in 1usize..80, rows in 1usize..5,
            batch in 1usize..4, epilogues in (epilogues(), epilogues()), has_each in any::<bool>(), threads in 1usize..5,
        ) {
            let [tall, wide] = [0, 1].map(|axis| (window[axis] - 1) * dilation[axis] + 1);
            let (padded, covered) = ([height + padding[0] + padding[1], width + padding[2] + padding[3]], [tall, wide]);
            prop_assume!(padded[0] >= tall && padded[1] >= wide);
            let output = [0, 1].map(|axis| (padded[axis] - covered[axis]) / stride[axis] + 1);
            let spec = Spec {
                input: [height, width, channels],
                output: [output[0], output[1], filters],
                window,
                stride,
                padding,
                dilation,
                between: Epilogue { accumulate: false, ..epilogues.0 },
                epilogue: epilogues.1,
            };
            let fork = SerialFork(threads);
            for isa in Isa::all().0 {
                let context = Context::on(batch, &fork).with_isa(isa);
                let (single, double) = (Operands::<f32>::new(&spec, batch, has_each), Operands::<f64>::new(&spec, batch, has_each));
                prop_assert_eq!(single.separable(&context, &spec, rows), single.in_turn(&context, &spec));
                prop_assert_eq!(double.separable(&context, &spec, rows), double.in_turn(&context, &spec));
            }
        }
    }
}
