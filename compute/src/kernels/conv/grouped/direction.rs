//! The differences between the three passes.

use super::lane_layout::LaneLayout;
use super::{GroupRange, Sizes, Spec, forward, grad_input, grad_weights, reached};
use crate::epilogue::Epilogue;
use crate::kernels::elementary::Elementary;
use crate::simd::Simd;

/// A pass with its operands; lengths are checked. Each pass is a function of its own, because one large function takes longer to build than
/// three.
pub(super) trait Direction<T: Elementary> {
    /// Returns the output channels of a group.
    fn columns(sizes: Sizes) -> usize;

    /// Runs before the first range of groups.
    fn start(&mut self, _spec: &Spec) {}

    /// Computes a range of groups, in register tiles of `R` rows and `C` vectors.
    fn compute<S: Simd<T>, A: LaneLayout<T, S>, const R: usize, const C: usize>(
        &mut self,
        simd: S,
        spec: &Spec,
        range: GroupRange,
        scratch: &mut [T],
    );
}

/// y from x, the weights with their packed filters or none, and the epilogue.
pub(super) struct Forward<'a, T> {
    pub(super) x: &'a [T],
    pub(super) w: [&'a [T]; 2],
    pub(super) epilogue: Epilogue<'a, T>,
    pub(super) y: &'a mut [T],
}

impl<T: Elementary> Direction<T> for Forward<'_, T> {
    fn columns(sizes: Sizes) -> usize {
        sizes.outer
    }

    #[inline(always)]
    fn compute<S: Simd<T>, A: LaneLayout<T, S>, const R: usize, const C: usize>(
        &mut self,
        simd: S,
        spec: &Spec,
        range: GroupRange,
        scratch: &mut [T],
    ) {
        forward::<T, S, A, R, C>(simd, spec, range, self.x, self.w, self.epilogue, self.y, scratch);
    }
}

/// dx from dy, and the weights with their packed filters or none.
pub(super) struct GradInput<'a, T> {
    pub(super) dy: &'a [T],
    pub(super) w: [&'a [T]; 2],
    pub(super) dx: &'a mut [T],
}

impl<T: Elementary> Direction<T> for GradInput<'_, T> {
    fn columns(sizes: Sizes) -> usize {
        sizes.inner
    }

    fn start(&mut self, spec: &Spec) {
        if !reached(spec) {
            self.dx.fill(T::ZERO);
        }
    }

    #[inline(always)]
    fn compute<S: Simd<T>, A: LaneLayout<T, S>, const R: usize, const C: usize>(
        &mut self,
        simd: S,
        spec: &Spec,
        range: GroupRange,
        scratch: &mut [T],
    ) {
        grad_input::<T, S, A, R, C>(simd, spec, range, self.dy, self.w, self.dx, scratch);
    }
}

/// dw += ∂ℓ/∂w from x and dy.
pub(super) struct GradWeights<'a, T> {
    pub(super) x: &'a [T],
    pub(super) dy: &'a [T],
    pub(super) dw: &'a mut [T],
}

impl<T: Elementary> Direction<T> for GradWeights<'_, T> {
    fn columns(sizes: Sizes) -> usize {
        sizes.outer
    }

    #[inline(always)]
    fn compute<S: Simd<T>, A: LaneLayout<T, S>, const R: usize, const C: usize>(
        &mut self,
        simd: S,
        spec: &Spec,
        range: GroupRange,
        scratch: &mut [T],
    ) {
        grad_weights::<T, S, A, R, C>(simd, spec, range, self.x, self.dy, self.dw, scratch);
    }
}
