//! What emitted code calls besides kernels: regions of a workspace, views of weights. No interface for users.

pub use netwright_abi::{Epilogue, locals};

use core::ops::Range;

use crate::observer::Observer;
use crate::pass::Pass;
use crate::scalar::Precision;
use crate::tensor::Nested;

/// Borrows several regions of one buffer at the same time.
///
/// # Panics
/// Where the buffer is too short: the caller passed a workspace for fewer images.
#[inline(never)]
pub fn disjoint<T, const N: usize>(buffer: &mut [T], regions: [Range<usize>; N]) -> [&mut [T]; N] {
    match buffer.get_disjoint_mut(regions) {
        Ok(regions) => regions,
        Err(_) => panic!("the workspace or the weights are shorter than the network's `Architecture` says"),
    }
}

/// Shows an observer a value that has been computed for a layer.
#[inline(always)]
pub fn computed<T, O: Observer<T>>(observer: &mut O, layer: usize, workspace: &mut [T], range: Range<usize>) {
    if O::LOOKS {
        observer.computed(layer, &mut workspace[range]);
    }
}

/// Shows an observer the gradient of a layer's output.
#[inline(always)]
pub fn gradient<T, O: Observer<T>>(observer: &mut O, layer: usize, workspace: &mut [T], range: Range<usize>) {
    if O::LOOKS {
        observer.gradient(layer, &mut workspace[range]);
    }
}

/// A part of what was prepared of the weights, or nothing where nothing was.
pub fn given<T>(prepared: &[T], range: Range<usize>) -> &[T] {
    if prepared.is_empty() { &[] } else { &prepared[range] }
}

/// The gradient of weights, or nothing where a pass leaves it to the optimiser's update.
pub fn unless_fused<'g, T>(pass: &Pass<'_>, gradient: &'g mut [T]) -> &'g mut [T] {
    if pass.fuses_update { &mut [] } else { gradient }
}

/// What a kernel changes that lies elsewhere, or nothing where an observer looks: what it may have changed stands in its place.
pub fn unless_observed<'s, T, O: Observer<T>>(_observer: &O, source: &'s [T]) -> &'s [T] {
    if O::LOOKS { &[] } else { source }
}

/// The largest of some sizes, rounded up to whole cache lines.
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

/// Takes the next tensor off the front of `rest`.
pub fn take<'a, T: Precision, A: Nested<Element = T>>(rest: &mut &'a [T]) -> &'a A {
    let (front, back) = rest.split_at(A::LENGTH);
    *rest = back;
    // SAFETY: `front` has exactly the elements that `A` is made of, and lives as long as the reference.
    unsafe { &*front.as_ptr().cast::<A>() }
}

/// Takes the next tensor off the front of `rest`, to change.
pub fn take_mut<'a, T: Precision, A: Nested<Element = T>>(rest: &mut &'a mut [T]) -> &'a mut A {
    let (front, back) = core::mem::take(rest).split_at_mut(A::LENGTH);
    *rest = back;
    // SAFETY: `front` has exactly the elements that `A` is made of, is borrowed by nobody else, and lives as long as the
    // reference.
    unsafe { &mut *front.as_mut_ptr().cast::<A>() }
}

/// The parameters and statistics of a network.
#[cfg(feature = "std")]
pub fn buffers<N: crate::network::Network>(network: &N) -> [&[N::Scalar]; 2] {
    [network.parameters(), network.statistics()]
}

/// The parameters and statistics of a network, to change.
#[cfg(feature = "std")]
pub fn buffers_mut<N: crate::network::Network>(network: &mut N) -> [&mut [N::Scalar]; 2] {
    network.weights_mut().buffers_mut().into()
}

/// Stands for weights where there is no memory to own them: a network without `std` is used through
/// [`Predictor`](crate::predictor::Predictor).
///
/// It is there with `std` too: the facade may lack that feature where another crate of the graph has turned it on here.
#[derive(Clone, Copy, Debug)]
pub struct NoWeights<T>(core::marker::PhantomData<T>);

/// Never implemented: what `init` asks for where the feature `std` is off.
#[diagnostic::on_unimplemented(
    message = "training needs netwright's feature `std`",
    label = "this network can only predict",
    note = "turn the default features on, or predict with weights trained elsewhere: `netwright::Predictor`"
)]
pub trait FeatureStd<'a> {}

/// The body of what can never be called.
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
