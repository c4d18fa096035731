//! The tiles of a product: strips of rows, from left to right, each tile computed by the micro-kernel.

use super::DEPTH;
use super::micro_kernel::{NARROW_ROWS, TALLEST, Tile, compute, has_narrow, rows, widest};
use crate::epilogue::{Bounds, Epilogue, HOT};
use crate::kernels::elementary::Elementary;
use crate::simd::{Isa, Simd, WithSimd};

/// Columns of a panel of packed B, whose elements of a row are contiguous.
pub(crate) const PANEL: usize = netwright_abi::spec::conv::PANEL;

/// `C[rows × columns] = f(scale · Σ A·B + shift + C)`. The sum has three nested loops: a plain product has loops `[1, 1, k]`; a convolution
/// loops over the rows, the columns and the channels of its window.
///
/// Row `r` of A at step `(o, m, i)` is the element at `a + r·a_row + o·a_step[0] + m·a_step[1] + i·a_step[2]`. The columns of B are in
/// panels of [`PANEL`]: row `s = o·b_rows[0] + m·b_rows[1] + i·b_rows[2]` of panel `q` starts at `b + q·b_panel + s·width`, where `width`
/// is `b_width`, or `b_last` for the last panel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product<'a, T> {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) loops: [usize; 3],
    pub(crate) a: *const T,
    pub(crate) a_row: usize,
    pub(crate) a_step: [usize; 3],
    pub(crate) b: *const T,
    pub(crate) b_rows: [usize; 3],
    pub(crate) b_panel: usize,
    pub(crate) b_width: usize,
    pub(crate) b_last: usize,
    pub(crate) c: *mut T,
    pub(crate) c_row: usize,
    /// The epilogue, with an element for each column.
    pub(crate) epilogue: Epilogue<'a, T>,
}

/// Computes a product.
///
/// # Safety
/// Every element of A and B that the product addresses is valid for reads, and every element of C for reads and writes; A and B do not
/// overlap C.
pub(crate) unsafe fn run<T: Elementary>(isa: Isa, product: &Product<'_, T>) {
    // SAFETY: the caller guarantees the contract of `run_ahead`, which is the same.
    unsafe { run_ahead(isa, product, DEPTH, 0) }
}

/// [`run`] with partial sums of at most `depth` steps and prefetches of B: it prefetches as many elements of B as it reads, at a distance
/// of `ahead` elements. Where B comes from memory, the B of the next product arrives during this one, a little for each tile.
///
/// # Safety
/// As [`run`].
pub(crate) unsafe fn run_ahead<T: Elementary>(isa: Isa, product: &Product<'_, T>, depth: usize, ahead: usize) {
    isa.dispatch(Tiles { product, depth, ahead });
}

/// Returns the columns of the widest tile of an instruction set.
pub(crate) fn width<T: Elementary>(isa: Isa) -> usize {
    isa.dispatch::<T, _>(Width)
}

struct Width;

impl<T: Elementary> WithSimd<T> for Width {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, _: S) -> usize {
        const { widest::<T, S>() }
    }
}

/// A product that is split into tiles. Only [`run_ahead`] makes one, and its caller guarantees that the pointers are valid.
struct Tiles<'a, T> {
    product: &'a Product<'a, T>,
    depth: usize,
    ahead: usize,
}

impl<T: Elementary> WithSimd<T> for Tiles<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self { product, depth, ahead } = self;
        let Product { columns: all, b_width, b_last, .. } = *product;
        // Rows are divided evenly: 15 into three times 5, not into 6, 6 and 3; except where A is transposed and the product has a single
        // vector of columns.
        let is_narrow = const { has_narrow::<T, S>() } && product.a_row == 1 && all <= S::LANES && ahead == 0;
        let cuts = product.rows.div_ceil(const { rows::<T, S>() });
        // Each tile prefetches an equal share of the columns ahead in each step.
        let width = const { widest::<T, S>() };
        let (share, steps) =
            if ahead == 0 { (0, 1) } else { (width.div_ceil(cuts), product.loops.iter().product::<usize>().max(1)) };
        // The columns of panels of equal width: a tile may span several of them.
        let equal_width = if b_last == b_width { all } else { (all - 1) / PANEL * PANEL };
        let bounds = product.epilogue.activation.filter(|activation| activation.bounds().is_some());
        let bounds = bounds.map(|_| product.epilogue.bounds());
        let is_stored = product.epilogue.activation_after_bounds().is_none();
        let mut strip = Strip { product, depth, ahead, share, steps, equal_width, bounds, row: 0, cut: 0 };
        let mut finished = 0;
        while strip.row < product.rows {
            let left = product.rows - strip.row;
            let rows = if is_narrow && left >= NARROW_ROWS {
                NARROW_ROWS
            } else {
                left.div_ceil(left.div_ceil(const { rows::<T, S>() }))
            };
            match rows {
                1 => simd.call(Rows::<T, 1>(&strip)),
                2 => simd.call(Rows::<T, 2>(&strip)),
                3 => simd.call(Rows::<T, 3>(&strip)),
                4 => simd.call(Rows::<T, 4>(&strip)),
                5 => simd.call(Rows::<T, 5>(&strip)),
                6 => simd.call(Rows::<T, 6>(&strip)),
                NARROW_ROWS => simd.call(Narrow(&strip)),
                _ => unreachable!("rows are cut into tiles"),
            }
            strip.row += rows;
            strip.cut += 1;
            let stored = strip.row - finished;
            if !is_stored && (strip.row == product.rows || stored * product.columns >= HOT) {
                // SAFETY: these rows of C have just been stored by the tiles above.
                unsafe { finish(simd.isa(), product, finished, stored) };
                finished = strip.row;
            }
        }
    }
}

/// Applies the activation to rows of C, where the bounds are not all of it.
///
/// # Safety
/// The rows of C are valid for reads and writes.
#[inline(never)]
unsafe fn finish<T: Elementary>(isa: Isa, product: &Product<'_, T>, first: usize, rows: usize) {
    let Product { columns, c, c_row, .. } = *product;
    let (rows, columns) = if c_row == columns { (1, rows * columns) } else { (rows, columns) };
    for row in 0..rows {
        // SAFETY: the caller guarantees that the rows are valid; contiguous rows are one slice.
        let stored = unsafe { core::slice::from_raw_parts_mut(c.add(first * c_row + row * c_row), columns) };
        product.epilogue.finish(isa, stored);
    }
}

/// The unit of rows that are divided into whole tiles: two of the tallest.
pub(crate) const TILE_ROWS: usize = 2 * TALLEST;

/// The tiles of some rows of C, from left to right.
struct Strip<'a, T> {
    product: &'a Product<'a, T>,
    depth: usize,
    ahead: usize,
    /// The elements of B that a tile prefetches in each step, and its steps.
    share: usize,
    steps: usize,
    /// The columns of panels of equal width: a tile may span several of them.
    equal_width: usize,
    bounds: Option<Bounds<T>>,
    /// The first row, and the number of strips above.
    row: usize,
    cut: usize,
}

impl<T: Elementary> Strip<'_, T> {
    /// Returns the tile that starts at a column.
    ///
    /// # Safety
    /// As [`run`], for the product of the strip.
    #[inline(always)]
    unsafe fn tile<S: Simd<T>>(&self, column: usize) -> Tile<T> {
        let Self { product, share, steps, row, .. } = *self;
        let Product { columns: all, b_panel, b_width, b_last, .. } = *product;
        let Epilogue { scale, shift, accumulate, .. } = product.epilogue;
        let width = const { widest::<T, S>() };
        let (panel, within) = (column / PANEL, column % PANEL);
        let left = if self.equal_width > column { self.equal_width } else { all } - column;
        let columns = left.min(if left > width - S::LANES { width } else { 2 * S::LANES });
        // Where masked accesses are slow, a partial vector is a tile of its own: fewer tiles are compiled.
        let is_partial = const { !S::FREE_MASKS } && columns > S::LANES && columns < 2 * S::LANES;
        let b_width = if (panel + 1) * PANEL >= all { b_last } else { b_width };
        let from_panel = within + self.cut * share;
        let prefetched = (panel + from_panel / PANEL) * b_panel + from_panel % PANEL * steps;
        // SAFETY: the offsets of a tile stay within the elements that the product addresses.
        unsafe {
            Tile {
                loops: product.loops,
                depth: self.depth,
                a: product.a.add(row * product.a_row),
                a_row: product.a_row,
                a_step: product.a_step,
                b: product.b.add(panel * b_panel + within),
                b_panel,
                b_step: product.b_rows.map(|rows| rows * b_width),
                ahead: product.b.wrapping_add(self.ahead).wrapping_add(prefetched),
                share,
                c: product.c.add(row * product.c_row + column),
                c_row: product.c_row,
                scale: (!scale.is_empty()).then(|| scale.as_ptr().wrapping_add(column)),
                shift: (!shift.is_empty()).then(|| shift.as_ptr().wrapping_add(column)),
                accumulate,
                bounds: self.bounds,
                columns: if is_partial { S::LANES } else { columns },
            }
        }
    }
}

/// A strip of `R` rows. Only [`Tiles`] makes one.
struct Rows<'a, T, const R: usize>(&'a Strip<'a, T>);

impl<T: Elementary, const R: usize> WithSimd<T> for Rows<'_, T, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        // The constant condition keeps tiles that are never used from being compiled.
        if const { R > rows::<T, S>() } {
            unreachable!("rows are cut into tiles");
        } else {
            let (Self(strip), lanes, mut column) = (self, S::LANES, 0);
            while column < strip.product.columns {
                // SAFETY: the caller of `run` guarantees that the memory is valid; the columns are those of the tile.
                unsafe {
                    let tile = &strip.tile::<S>(column);
                    if const { widest::<T, S>() > 2 * S::LANES } && tile.columns > 3 * lanes {
                        compute::<T, S, R, 4, true, false>(simd, tile);
                    } else if const { !S::FREE_MASKS } && tile.columns > lanes {
                        compute::<T, S, R, 2, false, false>(simd, tile);
                    } else if const { S::FREE_MASKS } && tile.columns > lanes {
                        compute::<T, S, R, 2, true, false>(simd, tile);
                    } else if const { !S::FREE_MASKS } && tile.columns == lanes {
                        compute::<T, S, R, 1, false, false>(simd, tile);
                    } else if const { S::Half::LANES < S::LANES } && tile.columns <= S::Half::LANES {
                        compute::<T, S::Half, R, 1, true, false>(simd.half(), tile);
                    } else {
                        compute::<T, S, R, 1, true, false>(simd, tile);
                    }
                    column += tile.columns;
                }
            }
        }
    }
}

/// A strip of [`NARROW_ROWS`] rows and a single vector. Only [`Tiles`] makes one.
struct Narrow<'a, T>(&'a Strip<'a, T>);

impl<T: Elementary> WithSimd<T> for Narrow<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd<T>>(self, simd: S) {
        let Self(strip) = self;
        if const { !has_narrow::<T, S>() } {
            unreachable!("rows are cut into tiles");
        } else {
            // SAFETY: the caller of `run` guarantees that the memory is valid; the product is no wider than a vector, and its rows of A are
            // contiguous.
            unsafe {
                let tile = &strip.tile::<S>(0);
                if const { S::Half::LANES < S::LANES && has_narrow::<T, S::Half>() } && tile.columns <= S::Half::LANES {
                    compute::<T, S::Half, NARROW_ROWS, 1, true, true>(simd.half(), tile);
                } else {
                    compute::<T, S, NARROW_ROWS, 1, true, true>(simd, tile);
                }
            }
        }
    }
}
