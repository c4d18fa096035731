//! The epilogue of a kernel, applied to a value z before it leaves the L1 cache: `y = f(scale · z + shift + y)`, with a scale and a shift
//! for each channel, the previous contents of y where the epilogue accumulates, and an activation f.
//!
//! Every kernel that stores a value applies one. Scale, shift, sum and activations that only clamp act on registers. Another activation is
//! a call over the few rows that have just been stored: a register tile for each function would cost every user build time, and
//! accumulators that are passed to a function leave their registers anyway.

use netwright_abi::Activation;

#[cfg(test)]
use crate::kernels::activation;
use crate::kernels::activation::{at_least, at_most};
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::{Isa, Simd, Vector};

/// Elements that are stored before an activation is applied to them: a quarter of an L1 cache.
pub(crate) const HOT: usize = 2048;

/// [`netwright_abi::Epilogue`] with its operands.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a, T> {
    /// A factor for each channel; empty: 1.
    pub scale: &'a [T],
    /// A summand for each channel; empty: 0.
    pub shift: &'a [T],
    /// Whether the previous contents of y are added.
    pub accumulate: bool,
    /// The function applied last.
    pub activation: Option<Activation>,
}

impl<'a, T> Epilogue<'a, T> {
    /// The identity.
    pub const NONE: Self = Self { scale: &[], shift: &[], accumulate: false, activation: None };

    /// The value is added to the previous contents of the output.
    pub const ACCUMULATE: Self = Self { accumulate: true, ..Self::NONE };

    /// Returns an epilogue with its operands: one element for each channel, or none.
    pub fn new(epilogue: netwright_abi::Epilogue, scale: &'a [T], shift: &'a [T]) -> Self {
        let netwright_abi::Epilogue { accumulate, activation } = epilogue;
        Self { scale, shift, accumulate, activation }
    }

    /// Returns the epilogue of `count` channels from `first` on.
    pub(crate) fn channels(self, first: usize, count: usize) -> Self {
        let part = |each: &'a [T]| if each.is_empty() { each } else { &each[first..first + count] };
        Self { scale: part(self.scale), shift: part(self.shift), ..self }
    }

    /// Panics unless scale and shift are empty or have an element for each channel.
    #[track_caller]
    pub(crate) fn check(&self, channels: usize) {
        for each in [self.scale, self.shift] {
            assert!(each.is_empty() || each.len() == channels, "a scale and a shift for each channel, or none");
        }
    }

    /// Returns the epilogue of a partial sum: the shift is applied to the first one, the activation to the last.
    pub(crate) fn of_part(self, is_first: bool, is_last: bool) -> Self {
        Self {
            shift: if is_first { self.shift } else { &[] },
            accumulate: !is_first || self.accumulate,
            activation: self.activation.filter(|_| is_last),
            ..self
        }
    }

    /// Whether sums are stored unchanged, apart from adding the previous contents of the output.
    pub(crate) fn leaves_sums(&self) -> bool {
        self.scale.is_empty() && self.shift.is_empty() && self.activation.is_none()
    }

    /// Returns the epilogue unless it is the identity: a kernel checks this once, before its loops.
    pub(crate) fn unless_none(&self) -> Option<&Self> {
        (self.accumulate || !self.leaves_sums()).then_some(self)
    }

    /// Returns the part of the epilogue that acts on registers.
    pub(crate) fn in_registers(self) -> Self {
        Self { activation: self.activation.filter(|_| self.activation_after_bounds().is_none()), ..self }
    }

    /// Returns the activation, unless [`Epilogue::bounds`] is all of it.
    pub(crate) fn activation_after_bounds(&self) -> Option<Activation> {
        self.activation.filter(|activation| activation.bounds().is_none())
    }
}

/// The minimum and maximum of the stored values, of an element or of the lanes of a vector. NaN is stored unchanged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds<V> {
    floor: V,
    ceiling: V,
}

impl<T: Scalar> Bounds<T> {
    /// Returns infinite bounds.
    pub(crate) fn none() -> Self {
        Self { floor: T::from_f64(f64::NEG_INFINITY), ceiling: T::from_f64(f64::INFINITY) }
    }

    /// Clamps z to the bounds.
    #[inline(always)]
    pub(crate) fn clamp(self, z: T) -> T {
        at_most(at_least(z, self.floor), self.ceiling)
    }
}

impl<T: Elementary> Bounds<T> {
    /// Broadcasts the bounds to every lane.
    #[inline(always)]
    pub(crate) fn splat<S: Simd<T>>(self, simd: S) -> Bounds<S::Vector> {
        Bounds { floor: simd.splat(self.floor), ceiling: simd.splat(self.ceiling) }
    }
}

impl<V> Bounds<V> {
    /// Clamps each lane of z to the bounds.
    #[inline(always)]
    pub(crate) fn clamp_vector<T: Elementary>(self, z: V) -> V
    where
        V: Vector<T>,
    {
        z.at_least(self.floor).at_most(self.ceiling)
    }
}

impl<T: Elementary> Epilogue<'_, T> {
    /// Returns the bounds of the stored values: for an activation that only clamps, they are all of it; otherwise they are infinite.
    #[inline]
    pub(crate) fn bounds(&self) -> Bounds<T> {
        let [floor, ceiling] =
            self.activation.and_then(Activation::bounds).unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
        Bounds { floor: T::from_f64(floor), ceiling: T::from_f64(ceiling) }
    }

    /// Stores `scale · z + shift + y`, clamped, for a few channels from `first` on; [`Epilogue::finish`] does the rest.
    #[inline(always)]
    pub(crate) fn store(&self, first: usize, z: &mut [T], y: &mut [T]) {
        if !self.scale.is_empty() {
            z.iter_mut().zip(&self.scale[first..]).for_each(|(z, &scale)| *z *= scale);
        }
        if !self.shift.is_empty() {
            z.iter_mut().zip(&self.shift[first..]).for_each(|(z, &shift)| *z += shift);
        }
        if self.accumulate {
            z.iter_mut().zip(&*y).for_each(|(z, &y)| *z += y);
        }
        let bounds = self.bounds();
        z.iter().zip(y).for_each(|(&z, y)| *y = bounds.clamp(z));
    }

    /// [`Epilogue::store`] for a constant number of channels in registers: every length is known, so that they stay there.
    #[inline(always)]
    pub(crate) fn store_lanes<const LANES: usize>(&self, first: usize, mut z: [T; LANES], y: &mut [T]) {
        let Some(y) = y.first_chunk_mut::<LANES>() else { return };
        let lanes = |each: &[T]| each.get(first..).and_then(|each| each.first_chunk::<LANES>()).copied();
        if let Some(scale) = lanes(self.scale) {
            z.iter_mut().zip(scale).for_each(|(z, scale)| *z *= scale);
        }
        if let Some(shift) = lanes(self.shift) {
            z.iter_mut().zip(shift).for_each(|(z, shift)| *z += shift);
        }
        if self.accumulate {
            z.iter_mut().zip(*y).for_each(|(z, y)| *z += y);
        }
        if self.activation.is_some() {
            let bounds = self.bounds();
            z.iter_mut().for_each(|z| *z = bounds.clamp(*z));
        }
        *y = z;
    }

    /// Calls `store` with blocks of y, which are whole rows of `row` elements, and the index of their first element, and applies the rest
    /// of the activation to each block while it is in the L1 cache. `store` applies [`Epilogue::of_element`] to each element.
    #[inline(always)]
    pub(crate) fn in_parts(&self, isa: Isa, row: usize, y: &mut [T], mut store: impl FnMut(usize, &mut [T])) {
        let whole = self.activation_after_bounds().is_none();
        let at_once = if whole { y.len() } else { HOT.div_ceil(row.max(1)) * row };
        for (n, y) in y.chunks_mut(at_once.max(1)).enumerate() {
            store(n * at_once, y);
            self.finish(isa, y);
        }
    }

    /// Returns the epilogue of an element, for plain loops, without scale and shift.
    #[inline(always)]
    pub(crate) fn of_element(&self) -> ElementEpilogue<T> {
        ElementEpilogue { accumulate: self.accumulate, bounds: self.bounds() }
    }

    /// [`Epilogue::store`] for a vector of channels, as many as y has.
    #[inline(always)]
    pub(crate) fn store_vector<S: Simd<T>>(&self, simd: S, first: usize, mut z: S::Vector, y: &mut [T]) {
        let channels = y.len().min(S::LANES);
        if !self.scale.is_empty() {
            z = z * simd.load_partial(&self.scale[first..][..channels]);
        }
        if !self.shift.is_empty() {
            z = z + simd.load_partial(&self.shift[first..][..channels]);
        }
        if self.accumulate {
            z = z + simd.load_partial(y);
        }
        self.bounds().splat(simd).clamp_vector(z).store_partial(y);
    }

    /// Applies the activation, unless the bounds are all of it, to elements that have just been stored.
    #[inline(always)]
    pub(crate) fn finish(&self, isa: Isa, values: &mut [T]) {
        if let Some(activation) = self.activation_after_bounds() {
            T::activate(isa, activation, values);
        }
    }

    /// Applies the epilogue to the value 0 of all channels; `y` has whole rows of channels.
    pub(crate) fn of_zero(&self, isa: Isa, channels: usize, y: &mut [T]) {
        if self.leaves_sums() {
            if !self.accumulate {
                y.fill(T::ZERO);
            }
            return;
        }
        for y in y.chunks_exact_mut(channels) {
            for (channel, y) in y.iter_mut().enumerate() {
                self.store(channel, &mut [T::ZERO], core::slice::from_mut(y));
            }
            self.finish(isa, y);
        }
    }

    /// Applies the epilogue to sums that another library has stored, in place, in rows of channels, a few at a time. The sums already
    /// include the previous contents of the output.
    #[cfg(any(feature = "matrixmultiply", feature = "blas"))]
    #[inline(never)]
    pub(crate) fn apply(&self, isa: Isa, channels: usize, sums: &mut [T]) {
        if self.leaves_sums() {
            return;
        }
        let bounds = self.bounds();
        for sums in sums.chunks_mut(HOT.div_ceil(channels.max(1)) * channels.max(1)) {
            for z in sums.chunks_exact_mut(channels) {
                z.iter_mut().zip(self.scale).for_each(|(z, &scale)| *z *= scale);
                z.iter_mut().zip(self.shift).for_each(|(z, &shift)| *z += shift);
                z.iter_mut().for_each(|z| *z = bounds.clamp(*z));
            }
            self.finish(isa, sums);
        }
    }
}

/// The epilogue of an element in a plain loop: the sum with the previous contents of the output, and bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ElementEpilogue<T> {
    accumulate: bool,
    bounds: Bounds<T>,
}

impl<T: Scalar> ElementEpilogue<T> {
    /// Stores `z + y`, clamped.
    #[inline(always)]
    pub(crate) fn store(&self, z: T, y: &mut T) {
        let sum = if self.accumulate { z + *y } else { z };
        *y = self.bounds.clamp(sum);
    }
}

/// The reference of the epilogue, for rows of channels.
#[cfg(test)]
pub(crate) fn reference<T: Elementary>(
    epilogue: netwright_abi::Epilogue,
    z: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
    channels: usize,
) {
    for (index, (y, &z)) in y.iter_mut().zip(z).enumerate() {
        let channel = |each: &[T], default: T| each.get(index % channels).copied().unwrap_or(default);
        let before = if epilogue.accumulate { *y } else { T::ZERO };
        *y = channel(scale, T::ONE) * z + channel(shift, T::ZERO) + before;
        if let Some(activation) = epilogue.activation {
            *y = activation::definition(activation, *y);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::simd::tests::only;
    use netwright_abi::Epilogue as Kind;
    use proptest::prelude::*;

    /// Returns epilogues of all kinds.
    pub(crate) fn kinds() -> impl Iterator<Item = Kind> + Clone {
        let activations = [
            None,
            Some(Activation::Relu),
            Some(Activation::LeakyRelu(0.25)),
            Some(Activation::Tanh),
            Some(Activation::HardSigmoid(0.2)),
            Some(Activation::Relu6),
            Some(Activation::Clip(-0.5, 0.25)),
        ];
        [false, true]
            .into_iter()
            .flat_map(move |accumulate| activations.map(|activation| Kind { accumulate, activation }))
    }

    /// A strategy for one of [`kinds`].
    pub(crate) fn epilogues() -> impl Strategy<Value = Kind> {
        prop::sample::select(kinds().collect::<std::vec::Vec<_>>())
    }

    /// Asserts that a kernel applies its epilogue as the reference does, except for scale and shift, on every instruction set. The kernel
    /// receives its epilogue and `len` elements of y.
    pub(crate) fn assert_applies_epilogue<T: Elementary>(len: usize, kernel: impl Fn(Kind, &mut [T])) {
        let elements = |seed: usize| -> Vec<T> {
            (0..len).map(|index| T::from_f64(((index * 7919 + seed) % 1009) as f64 / 504.5 - 1.0)).collect()
        };
        for isa in Isa::all().0 {
            let mut z = elements(3);
            only(isa, || kernel(Kind::NONE, &mut z));
            for kind in kinds() {
                let (mut y, mut expected) = (elements(1), elements(1));
                only(isa, || kernel(kind, &mut y));
                reference(kind, &z, &[], &[], &mut expected, 1);
                let tolerance = if T::NAME == "F32" { 1e-6 } else { 1e-14 };
                for (index, (&y, &expected)) in y.iter().zip(&expected).enumerate() {
                    let error = (y - expected).to_f64().abs();
                    assert!(
                        error <= tolerance * (1.0 + expected.to_f64().abs()),
                        "{kind:?} at {index}: {y} for {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn activations_that_clamp_are_bounds_and_propagate_nan() {
        let nan = f32::NAN;
        let of = |activation| Epilogue { activation: Some(activation), ..Epilogue::<f32>::NONE };
        assert_eq!(of(Activation::Tanh).bounds(), Bounds::none());
        for (activation, ends) in [
            (Activation::Relu, [0.0, 9.0]),
            (Activation::Relu6, [0.0, 6.0]),
            (Activation::Clip(-1.0, 2.0), [-1.0, 2.0]),
            (Activation::Clip(f64::NEG_INFINITY, 2.0), [-2.0, 2.0]),
        ] {
            let epilogue = of(activation);
            assert_eq!(epilogue.activation_after_bounds(), None);
            let (mut c, mut y) = ([0.0; 3], [0.0; 3]);
            let z = [-2.0, 9.0, nan];
            epilogue.store(0, &mut z.clone(), &mut y);
            let (a, b) = (crate::gemm::Matrix::rows(&z, 3, 1), crate::gemm::Matrix::rows(&[1.0], 1, 1));
            crate::gemm::gemm(Isa::detect(), a, b, epilogue, &mut c, 1, &mut [0.0; 1]);
            for y in [c, y] {
                assert!(y[..2] == ends && y[2].is_nan(), "{activation:?}: {y:?}");
            }
        }
    }

    #[test]
    fn few_elements_become_the_same_bits_as_many() {
        let z: Vec<f32> = (0..200).map(|index| (index as f32 - 90.0) / 16.0).collect();
        for activation in [Activation::Tanh, Activation::Sigmoid, Activation::Gelu, Activation::Softplus] {
            let epilogue = Epilogue { activation: Some(activation), ..Epilogue::NONE };
            let mut together = z.clone();
            activation::forward(Isa::detect(), activation, &mut together);
            for len in [1, 7, 31, 32, 33, 100] {
                let mut few = z.clone();
                few.chunks_mut(len).for_each(|few| epilogue.finish(Isa::detect(), few));
                assert_eq!(few, together, "{activation:?} of {len}");
            }
        }
    }
}
