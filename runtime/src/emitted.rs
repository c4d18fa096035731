//! Functions that emitted code calls besides kernels: regions of a workspace, views of weights. No interface for users.

pub use netwright_abi::{Epilogue, locals};

use core::ops::Range;

use crate::observer::Observer;
use crate::pass::Pass;
use crate::scalar::Precision;
use crate::tensor::Nested;

/// Borrows several disjoint regions of one buffer at the same time.
///
/// # Panics
/// If the buffer is too short: the caller passed a workspace for fewer images.
#[inline(never)]
pub fn disjoint<T, const N: usize>(buffer: &mut [T], regions: [Range<usize>; N]) -> [&mut [T]; N] {
    match buffer.get_disjoint_mut(regions) {
        Ok(regions) => regions,
        Err(_) => panic!("the workspace or the weights are shorter than the network's `Architecture` says"),
    }
}

/// Passes a value that was computed for a layer to an observer.
#[inline(always)]
pub fn computed<T, O: Observer<T>>(observer: &mut O, layer: usize, workspace: &mut [T], range: Range<usize>) {
    if O::LOOKS {
        observer.computed(layer, &mut workspace[range]);
    }
}

/// Passes the gradient of a layer's output to an observer.
#[inline(always)]
pub fn gradient<T, O: Observer<T>>(observer: &mut O, layer: usize, workspace: &mut [T], range: Range<usize>) {
    if O::LOOKS {
        observer.gradient(layer, &mut workspace[range]);
    }
}

/// Returns a range of the prepared weights, or an empty slice where none were prepared.
pub fn given<T>(prepared: &[T], range: Range<usize>) -> &[T] {
    if prepared.is_empty() { &[] } else { &prepared[range] }
}

/// Returns the gradient of weights, or an empty slice where a pass leaves it to the optimiser's update.
pub fn unless_fused<'g, T>(pass: &Pass<'_>, gradient: &'g mut [T]) -> &'g mut [T] {
    if pass.fuses_update { &mut [] } else { gradient }
}

/// Returns the source that an update kernel reads instead of its own operand, or an empty slice where an observer looks: the kernel
/// then reads its operand, which holds the copy that the observer may have changed.
pub fn unless_observed<'s, T, O: Observer<T>>(_observer: &O, source: &'s [T]) -> &'s [T] {
    if O::LOOKS { &[] } else { source }
}

/// Returns the largest of some sizes, rounded up to whole cache lines.
pub const fn largest(sizes: &[usize]) -> usize {
    let (mut most, mut index) = (0, 0);
    while index < sizes.len() {
        if sizes[index] > most {
            most = sizes[index];
        }
        index += 1;
    }
    most.next_multiple_of(16)
}

/// Splits the next tensor off the front of `rest`.
pub fn take<'a, T: Precision, A: Nested<Element = T>>(rest: &mut &'a [T]) -> &'a A {
    let (front, back) = rest.split_at(A::LENGTH);
    *rest = back;
    // SAFETY: `front` has exactly `A::LENGTH` elements, and `Nested` promises that `A` consists of so many, without padding and aligned as one.
    // The result borrows from the same slice for the same lifetime.
    unsafe { &*front.as_ptr().cast::<A>() }
}

/// Splits the next tensor off the front of `rest`, mutable.
pub fn take_mut<'a, T: Precision, A: Nested<Element = T>>(rest: &mut &'a mut [T]) -> &'a mut A {
    let (front, back) = core::mem::take(rest).split_at_mut(A::LENGTH);
    *rest = back;
    // SAFETY: as in `take`; `front` was split off the mutable slice, so no other reference reaches its elements.
    unsafe { &mut *front.as_mut_ptr().cast::<A>() }
}

/// Returns the parameters and statistics of a network.
#[cfg(feature = "std")]
pub fn buffers<N: crate::network::Network>(network: &N) -> [&[N::Scalar]; 2] {
    [network.parameters(), network.statistics()]
}

/// Returns the parameters and statistics of a network, mutable.
#[cfg(feature = "std")]
pub fn buffers_mut<N: crate::network::Network>(network: &mut N) -> [&mut [N::Scalar]; 2] {
    network.weights_mut().buffers_mut().into()
}

/// The type that replaces weights where there is no memory to own them: a network without `std` is used through
/// [`Predictor`](crate::predictor::Predictor).
///
/// It also exists with `std`: the facade may lack that feature although another crate of the dependency graph has enabled it here.
#[derive(Clone, Copy, Debug)]
pub struct NoWeights<T>(core::marker::PhantomData<T>);

/// A trait without implementations: `init` requires it where the feature `std` is off.
#[diagnostic::on_unimplemented(
    message = "training needs netwright's feature `std`",
    label = "this network can only predict",
    note = "turn the default features on, or predict with weights trained elsewhere: `netwright::Predictor`"
)]
pub trait FeatureStd<'a> {}

/// The body of functions that can never be called.
pub fn needs_std<N>(_seed: u64) -> N {
    unreachable!("`FeatureStd` is never implemented")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_take_tensors_in_order() {
        let elements = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
        let mut rest = &elements[..];
        let matrix: &[[f32; 3]; 2] = take(&mut rest);
        let vector: &[f32; 1] = take(&mut rest);
        assert_eq!((matrix, vector), (&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], &[7.0]));
    }

    #[test]
    fn views_to_change_do_not_overlap() {
        let mut elements = [0.0_f64; 5];
        let mut rest = &mut elements[..];
        let front: &mut [[f64; 2]; 2] = take_mut(&mut rest);
        let back: &mut [f64; 1] = take_mut(&mut rest);
        front[1][0] = 1.0;
        back[0] = 2.0;
        assert_eq!(elements, [0.0, 0.0, 1.0, 0.0, 2.0]);
    }
}
