//! Convolution for the constant sizes of a small layer, `conv_registers`: the accumulators of several positions of a row stay in registers,
//! with filters in the lanes.
//!
//! Windows and filters are read without copies, as by `conv_direct`, whose register tile serves any sizes. Here every distance is a
//! constant: all positions of a tile are addressed from the first, and the tile has as many positions as the row has and registers fit.
//! Where filters fill only one vector and there are many registers, a tile has positions of several rows ([`overlapping`]).

mod overlapping;

use self::overlapping::Rows;
use super::Spec;
use super::direct::conv_direct_forward;
use crate::configuration::{Configuration, may_be};
use crate::context::Context;
use crate::epilogue::{Bounds, Epilogue};
use crate::kernels::elementary::Elementary;
use crate::simd::{Isa, Simd, Vector, WithSimd, unrolled};

/// y = f(scale · (w ∗ x) + shift + y). Constant sizes are those of a small layer, which runs on one thread; other sizes run `conv_direct`,
/// which gives the same bits.
pub fn conv_registers_forward<T: Elementary, C: Configuration<Spec>>(
    context: &Context<'_>,
    configuration: C,
    x: &[T],
    w: &[T],
    scale: &[T],
    shift: &[T],
    y: &mut [T],
) {
    let spec = configuration.sizes();
    assert!(spec.has_inner_windows(), "windows whose sums stay in registers are short and inside the image");
    if const { C::CONSTANT.is_none() } {
        return conv_direct_forward(context, spec, x, w, scale, shift, y);
    }
    spec.check(context.batch, x.len(), w.len(), [scale.len(), shift.len()], y.len());
    forward(context.isa(), configuration, x, w, Epilogue::new(spec.epilogue, scale, shift), y);
}

/// The maximum positions and vectors of filters of a tile.
const MOST_POSITIONS: usize = 14;
const MOST_VECTORS: usize = 4;

/// Returns the positions and vectors of filters of a tile. Their accumulators leave registers for the vectors of weights, and for an input.
const fn tile_of<T: Elementary, S: Simd<T>>(spec: &Spec) -> [usize; 2] {
    let vectors = spec.output[2].div_ceil(S::LANES);
    let mut wide = if vectors < MOST_VECTORS { vectors } else { MOST_VECTORS };
    while !vectors.is_multiple_of(wide) {
        wide -= 1;
    }
    let fit = (S::REGISTERS - wide - 1) / wide;
    let fit = if fit < MOST_POSITIONS { fit } else { MOST_POSITIONS };
    let columns = spec.output[1];
    [columns.div_ceil(columns.div_ceil(fit)), wide]
}

/// Computes the forward pass. Lengths are checked, the sizes are constants, and they satisfy [`Spec::has_inner_windows`].
pub(super) fn forward<T: Elementary, C: Configuration<Spec>>(
    isa: Isa,
    configuration: C,
    x: &[T],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
) {
    isa.dispatch(Forward { configuration, x, w, epilogue, y });
}

struct Forward<'a, T, C> {
    configuration: C,
    x: &'a [T],
    w: &'a [T],
    epilogue: Epilogue<'a, T>,
    y: &'a mut [T],
}

impl<T: Elementary, C: Configuration<Spec>> WithSimd<T> for Forward<'_, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        // Few filters fill a larger share of a narrow vector.
        if may_be!(C, |spec| S::Half::LANES < S::LANES && spec.output[2] <= S::Half::LANES) {
            self.run(simd.half());
        } else {
            self.run(simd);
        }
    }
}

impl<T: Elementary, C: Configuration<Spec>> Forward<'_, T, C> {
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { configuration, x, w, epilogue, y } = self;
        let spec = configuration.sizes();
        let [_, columns, filters] = spec.output;
        assert!(
            spec.has_inner_windows() && w.len() == spec.weights_len(),
            "windows inside the image, and their filters"
        );
        epilogue.check(filters);
        let [tall, wide] = const { tile::<T, S, C>() };
        let (vectors, row_len) = (filters.div_ceil(S::LANES), columns * filters);
        let bounds = epilogue.bounds();
        for (x, y) in x.chunks_exact(spec.input_len()).zip(y.chunks_exact_mut(spec.output_len())) {
            if let Some([tall, _]) = const { overlapping::tile::<T, S, C>() } {
                epilogue.in_parts(simd.isa(), tall * row_len, y, |first, y| {
                    for (part, y) in y.chunks_mut(tall * row_len).enumerate() {
                        let x = &x[(first / row_len + part * tall) * spec.stride[0] * spec.rows_len()[0]..];
                        simd.call(Rows { configuration, x, w, epilogue, bounds, y });
                    }
                });
                continue;
            }
            epilogue.in_parts(simd.isa(), row_len, y, |first, y| {
                for (row, y) in y.chunks_exact_mut(row_len).enumerate() {
                    let x = &x[(first / row_len + row) * spec.stride[0] * spec.rows_len()[0]..];
                    for vector in (0..vectors).step_by(wide) {
                        for column in (0..columns).step_by(tall) {
                            let tile = Tile { spec, x, w, epilogue, bounds, column, vector, y: &mut *y };
                            macro_rules! tiles {
                                ($($p:literal)*) => {
                                    match (tall.min(columns - column), wide) {
                                        $(
                                            ($p, 1) if const { has_tile::<T, S, C>($p, 1) } => tile.compute::<S, $p, 1>(simd),
                                            ($p, 2) if const { has_tile::<T, S, C>($p, 2) } => tile.compute::<S, $p, 2>(simd),
                                            ($p, 3) if const { has_tile::<T, S, C>($p, 3) } => tile.compute::<S, $p, 3>(simd),
                                            ($p, 4) if const { has_tile::<T, S, C>($p, 4) } => tile.compute::<S, $p, 4>(simd),
                                        )*
                                        _ => unreachable!("a row is cut into tiles"),
                                    }
                                };
                            }
                            tiles!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
                        }
                    }
                }
            });
        }
    }
}

/// [`tile_of`] constant sizes.
const fn tile<T: Elementary, S: Simd<T>, C: Configuration<Spec>>() -> [usize; 2] {
    match C::CONSTANT {
        Some(spec) => tile_of::<T, S>(&spec),
        None => [1, 1],
    }
}

/// Whether rows have tiles of `positions` positions and `vectors` vectors; the last tile of a row may have fewer positions.
const fn has_tile<T: Elementary, S: Simd<T>, C: Configuration<Spec>>(positions: usize, vectors: usize) -> bool {
    match C::CONSTANT {
        Some(spec) => {
            let [tall, wide] = tile_of::<T, S>(&spec);
            vectors == wide && (positions == tall || positions == spec.output[1] % tall)
        }
        None => false,
    }
}

/// A tile of a row of outputs; its windows start in the first row of `x`.
struct Tile<'a, 'y, T> {
    spec: &'a Spec,
    x: &'a [T],
    w: &'a [T],
    epilogue: Epilogue<'a, T>,
    bounds: Bounds<T>,
    column: usize,
    vector: usize,
    y: &'y mut [T],
}

impl<T: Elementary> Tile<'_, '_, T> {
    /// y\[j′,f′] = f(scale\[f′] · Σ a·w + shift\[f′]) of `P` positions and `N` vectors of filters   (slide 37)
    #[expect(clippy::needless_range_loop, reason = "iterators take longer to build")]
    #[inline(always)]
    fn compute<S: Simd<T>, const P: usize, const N: usize>(self, simd: S) {
        let Self { spec, x, w, epilogue, bounds, column, vector, y } = self;
        let ([_, width, channels], [_, columns, filters]) = (spec.input, spec.output);
        let (down, along, step) = (spec.window[0], spec.window[1] * channels, spec.stride[1] * channels);
        let (filter, first) = (vector * S::LANES, column * step);
        let (below, last) = (spec.dilation[0] * width * channels, first + (P - 1) * step + along);
        assert!((down - 1) * below + last <= x.len() && column + P <= columns && y.len() == columns * filters);
        assert!(w.len() == down * along * filters && filter + (N - 1) * S::LANES < filters, "filters of a tile");
        let count = (filters - filter - (N - 1) * S::LANES).min(S::LANES);
        let (is_partial, mask) = (count < S::LANES, simd.mask(count));
        let zero = simd.splat(T::ZERO);
        let mut sums = [[zero; N]; P];
        // SAFETY: the assertions above check that the windows of the tile end inside `x`, and that each of their weights has `filters`
        // filters: all vectors are whole but the last, whose mask selects the remaining filters. A position of `y` has as many filters, as
        // have the scale and the shift, which the epilogue has checked.
        unsafe {
            for i in 0..down {
                let x = x.as_ptr().add(i * below + first);
                let w = w.as_ptr().add(i * along * filters + filter);
                for k in 0..along {
                    let mut rows = [zero; N];
                    for n in 0..N {
                        rows[n] = simd.load_edge(w.add(k * filters + n * S::LANES), n == N - 1 && is_partial, mask);
                    }
                    for p in 0..P {
                        let pixel = simd.splat(*x.add(p * step + k));
                        for n in 0..N {
                            sums[p][n] = pixel.multiply_add(rows[n], sums[p][n]);
                        }
                    }
                }
            }
            unrolled!(n < N, {
                let first = filter + n * S::LANES;
                let end = VectorEpilogue::new(simd, &epilogue, bounds, first, n == N - 1 && is_partial, mask);
                for p in 0..P {
                    end.store(simd, sums[p][n], y.as_mut_ptr().add((column + p) * filters + first));
                }
            });
        }
    }
}

/// The epilogue of a vector of filters.
#[derive(Clone, Copy)]
struct VectorEpilogue<V, M> {
    scale: V,
    shift: V,
    accumulate: bool,
    bounds: Bounds<V>,
    /// Whether the mask selects only some of the lanes.
    is_partial: bool,
    mask: M,
}

impl<V, M: Copy> VectorEpilogue<V, M> {
    /// Loads the epilogue of the filters from `first` on.
    ///
    /// # Safety
    /// A scale and a shift that are not empty have an element for each of the selected filters.
    #[inline(always)]
    unsafe fn new<T: Elementary, S: Simd<T, Vector = V>>(
        simd: S,
        epilogue: &Epilogue<'_, T>,
        bounds: Bounds<T>,
        first: usize,
        is_partial: bool,
        mask: M,
    ) -> Self
    where
        V: Vector<T, Mask = M>,
    {
        let each = |each: &[T], default: T| match each.is_empty() {
            true => simd.splat(default),
            // SAFETY: the caller guarantees the selected elements of each operand.
            false => unsafe { simd.load_edge(each.as_ptr().add(first), is_partial, mask) },
        };
        let (scale, shift) = (each(epilogue.scale, T::ONE), each(epilogue.shift, T::ZERO));
        Self { scale, shift, accumulate: epilogue.accumulate, bounds: bounds.splat(simd), is_partial, mask }
    }

    /// Stores f(scale · sum + shift), or f(scale · sum + shift + previous contents) where the epilogue accumulates.
    ///
    /// # Safety
    /// `to` is valid for reads and writes of the selected filters.
    #[inline(always)]
    unsafe fn store<T: Elementary, S: Simd<T, Vector = V>>(&self, simd: S, sum: V, to: *mut T)
    where
        V: Vector<T, Mask = M>,
    {
        let Self { scale, shift, accumulate, bounds, is_partial, mask } = *self;
        let mut sum = sum.multiply_add(scale, shift);
        // SAFETY: the caller guarantees that `to` is valid for the selected filters.
        unsafe {
            if accumulate {
                sum = sum + simd.load_edge(to, is_partial, mask);
            }
            let sum = bounds.clamp_vector(sum);
            if is_partial { sum.store_masked(to, mask) } else { sum.store_at(to) }
        }
    }
}
