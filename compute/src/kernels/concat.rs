//! Concatenation along the channels.

use crate::context::Context;
use crate::scalar::Scalar;
pub use netwright_abi::spec::concat::Spec;

/// Writes one operand of the concatenation to its channels of the output, and leaves the other channels unchanged.
pub fn concat_write<T: Scalar>(context: &Context<'_>, spec: &Spec, part: &[T], whole: &mut [T]) {
    spec.check(context.batch, part, whole);
    if spec.part == 0 {
        return;
    }
    for (part, whole) in part.chunks_exact(spec.part).zip(whole.chunks_exact_mut(spec.whole)) {
        whole[spec.offset..spec.offset + spec.part].copy_from_slice(part);
    }
}

/// Writes one operand to its channels of the output, and zeros to the others: the gradient of [`concat_read`].
pub fn concat_spread<T: Scalar>(context: &Context<'_>, spec: &Spec, part: &[T], whole: &mut [T]) {
    whole.fill(T::ZERO);
    concat_write(context, spec, part, whole);
}

/// Reads the channels of one operand from the output: the gradient of [`concat_write`].
pub fn concat_read<T: Scalar>(context: &Context<'_>, spec: &Spec, whole: &[T], part: &mut [T]) {
    spec.check(context.batch, part, whole);
    if spec.part == 0 {
        return;
    }
    for (part, whole) in part.chunks_exact_mut(spec.part).zip(whole.chunks_exact(spec.whole)) {
        part.copy_from_slice(&whole[spec.offset..spec.offset + spec.part]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernels;

    #[test]
    fn a_part_goes_to_its_channels_and_comes_back() {
        let spec = Spec { rows: 2, part: 1, whole: 3, offset: 1 };
        let mut whole = [0.0; 12];
        f32::concat_write(&Context::of(2), &spec, &[1.0, 2.0, 3.0, 4.0], &mut whole);
        assert_eq!(whole, [0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 3.0, 0.0, 0.0, 4.0, 0.0]);
        let mut part = [0.0; 4];
        f32::concat_read(&Context::of(2), &spec, &whole, &mut part);
        assert_eq!(part, [1.0, 2.0, 3.0, 4.0]);
        let mut whole = [9.0; 12];
        f32::concat_spread(&Context::of(2), &spec, &part, &mut whole);
        assert_eq!(whole, [0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 3.0, 0.0, 0.0, 4.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "outside the whole")]
    fn a_part_outside_the_whole_is_refused() {
        f32::concat_read(&Context::of(1), &Spec { rows: 1, part: 2, whole: 3, offset: 2 }, &[0.0; 3], &mut [0.0; 2]);
    }
}
