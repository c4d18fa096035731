//! The channel shuffle, which mixes the channels of the groups of a grouped convolution.

use crate::context::Context;
use crate::scalar::Scalar;
pub use netwright_abi::spec::shuffle::Spec;

/// Moves channel i of group g, at g E + i for E channels per group, to i G + g for G groups: it transposes the matrix `[group][channel]`
/// (Zhang et al., 2018). Its inverse, which is its gradient, is the shuffle of E groups of G channels.
pub fn shuffle<T: Scalar>(context: &Context<'_>, spec: &Spec, x: &[T], y: &mut [T]) {
    let (groups, each) = (spec.groups, spec.each);
    let channels = groups * each;
    assert_eq!(x.len(), context.batch * spec.rows * channels, "shuffle: the input");
    assert_eq!(y.len(), x.len(), "shuffle: the output");
    if channels == 0 {
        return;
    }
    for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
        for (channel, y) in y.chunks_exact_mut(groups).enumerate() {
            for (y, x) in y.iter_mut().zip(x[channel..].iter().step_by(each)) {
                *y = *x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernels;

    #[test]
    fn channels_of_all_groups_are_interleaved() {
        let mut y = [0.0; 12];
        f32::shuffle(
            &Context::of(1),
            &Spec { rows: 2, groups: 2, each: 3 },
            &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0],
            &mut y,
        );
        assert_eq!(y, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0, 10.0, 13.0, 11.0, 14.0, 12.0, 15.0]);
    }

    #[test]
    fn with_groups_and_channels_exchanged_it_is_undone() {
        for [groups, each] in [[1, 1], [1, 7], [7, 1], [2, 3], [4, 29], [16, 16]] {
            let x: Vec<f64> = (0..6 * groups * each).map(|index| index as f64).collect();
            let (mut y, mut back) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            f64::shuffle(&Context::of(3), &Spec { rows: 2, groups, each }, &x, &mut y);
            f64::shuffle(&Context::of(3), &Spec { rows: 2, groups: each, each: groups }, &y, &mut back);
            assert_eq!(back, x);
        }
    }

    #[test]
    #[should_panic(expected = "shuffle: the input")]
    fn a_wrong_length_is_refused() {
        f32::shuffle(&Context::of(1), &Spec { rows: 1, groups: 2, each: 2 }, &[0.0; 3], &mut [0.0; 4]);
    }
}
