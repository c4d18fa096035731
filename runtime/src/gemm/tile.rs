//! The register tile: the one inner loop of matrix products and convolutions.

use super::DEPTH;
#[cfg(target_arch = "x86_64")]
use super::vector::V256;
use super::vector::{Level, Plain, Vector};
use crate::scalar::Scalar;

/// Columns of B that lie together when B is packed.
pub(crate) const PANEL: usize = netwright_abi::spec::conv::PANEL;

/// `C[rows × columns] = start + scale · Σ A·B + shift`, or `floor` where that is larger. The sum walks over three nested loops: a
/// plain product has loops `[1, 1, k]`; a convolution walks over the rows, the columns and the channels of its window.
///
/// Row `r` of A at step `(o, m, i)` is the number at `a + r·a_row + o·a_step[0] + m·a_step[1] + i·a_step[2]`. The columns
/// of B lie in panels of [`PANEL`]: row `s = o·b_rows[0] + m·b_rows[1] + i·b_rows[2]` of panel `q` starts at
/// `b + q·b_panel + s·width`, where `width` is `b_width`, but for the last panel `b_last`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product<T> {
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
    /// Whether C is added to what stands in its place.
    pub(crate) accumulate: bool,
    /// What becomes of the sums before they are stored; [`Ending::none`] leaves them alone.
    pub(crate) ending: Ending<T>,
}

/// What becomes of sums while they are in registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending<T> {
    /// A factor for each column; none: 1.
    pub(crate) scale: Option<*const T>,
    /// A summand for each column; none: 0.
    pub(crate) shift: Option<*const T>,
    /// The least that is stored.
    pub(crate) floor: T,
}

/// A part of a [`Product`] that fits in registers; `b`, `c` and the ending are moved to its columns.
struct Tile<T> {
    loops: [usize; 3],
    a: *const T,
    a_row: usize,
    a_step: [usize; 3],
    b: *const T,
    b_step: [usize; 3],
    c: *mut T,
    c_row: usize,
    accumulate: bool,
    ending: Ending<T>,
    /// Columns in the last vector.
    partial: usize,
}

impl<T: Scalar> Ending<T> {
    /// Sums as they are.
    pub(crate) fn none() -> Self {
        Self { scale: None, shift: None, floor: T::from_f64(f64::NEG_INFINITY) }
    }

    /// That of the columns from `column` on.
    fn from(self, column: usize) -> Self {
        let from = |numbers: Option<*const T>| numbers.map(|numbers| numbers.wrapping_add(column));
        Self { scale: from(self.scale), shift: from(self.shift), floor: self.floor }
    }
}

/// # Safety
/// As [`compute`].
#[inline(always)]
unsafe fn load<T: Scalar, V: Vector<T>>(from: *const T, partial: bool, mask: V::Mask) -> V {
    // SAFETY: the caller's promise.
    unsafe { if partial { V::load_masked(from, mask) } else { V::load(from) } }
}

/// Adds `from` to `to`.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn add_to<T: Scalar, V: Vector<T>, const R: usize, const N: usize>(to: &mut [[V; N]; R], from: &[[V; N]; R]) {
    for (to, &from) in to.as_flattened_mut().iter_mut().zip(from.as_flattened()) {
        // SAFETY: the caller's promise.
        *to = unsafe { to.add(from) };
    }
}

/// Computes `R` rows of `N` vectors; with `PARTIAL`, the last vector has `tile.partial` columns.
///
/// # Safety
/// Every number that the tile names is in memory that the caller may read (C: write), and the processor has the
/// instructions of `V`.
#[inline(always)]
unsafe fn compute<T: Scalar, V: Vector<T>, const R: usize, const N: usize, const PARTIAL: bool>(tile: &Tile<T>) {
    // SAFETY: the caller's promise; masks keep the last vector inside the row.
    unsafe {
        let mask = V::mask(tile.partial);
        let mut sums = [[V::splat(T::ZERO); N]; R];
        // Two short chains of additions round less than a long one.
        let (mut parts, mut summed, mut cut) = (sums, 0, false);
        let (a_row, [_, _, a_inner], [_, _, b_inner]) = (tile.a_row, tile.a_step, tile.b_step);
        for outer in 0..tile.loops[0] {
            for middle in 0..tile.loops[1] {
                let mut a = tile.a.add(outer * tile.a_step[0] + middle * tile.a_step[1]);
                let mut b = tile.b.add(outer * tile.b_step[0] + middle * tile.b_step[1]);
                let mut left = tile.loops[2];
                while left > 0 {
                    if summed == DEPTH {
                        add_to(&mut parts, &sums);
                        (sums, summed, cut) = ([[V::splat(T::ZERO); N]; R], 0, true);
                    }
                    let steps = left.min(DEPTH - summed);
                    for _ in 0..steps {
                        let mut columns = [V::splat(T::ZERO); N];
                        for (j, column) in columns.iter_mut().enumerate() {
                            *column = load::<T, V>(b.add(j * V::LANES), PARTIAL && j == N - 1, mask);
                        }
                        for (i, sums) in sums.iter_mut().enumerate() {
                            let row = V::splat(*a.add(i * a_row));
                            for (sum, &column) in sums.iter_mut().zip(&columns) {
                                *sum = row.multiply_add(column, *sum);
                            }
                        }
                        a = a.wrapping_add(a_inner);
                        b = b.wrapping_add(b_inner);
                    }
                    (left, summed) = (left - steps, summed + steps);
                }
            }
        }
        if cut {
            add_to(&mut sums, &parts);
        }
        let Ending { scale, shift, floor } = tile.ending;
        let (mut scales, mut shifts) = ([V::splat(T::ONE); N], [V::splat(T::ZERO); N]);
        for j in 0..N {
            if let Some(scale) = scale {
                scales[j] = load::<T, V>(scale.add(j * V::LANES), PARTIAL && j == N - 1, mask);
            }
            if let Some(shift) = shift {
                shifts[j] = load::<T, V>(shift.add(j * V::LANES), PARTIAL && j == N - 1, mask);
            }
        }
        let floor = V::splat(floor);
        for (i, sums) in sums.iter().enumerate() {
            for (j, &sum) in sums.iter().enumerate() {
                let c = tile.c.add(i * tile.c_row + j * V::LANES);
                let mut sum = sum.multiply_add(scales[j], shifts[j]);
                if tile.accumulate {
                    sum = sum.add(load::<T, V>(c, PARTIAL && j == N - 1, mask));
                }
                let sum = sum.at_least(floor);
                if PARTIAL && j == N - 1 { sum.store_masked(c, mask) } else { sum.store(c) }
            }
        }
    }
}

/// Writes, for one instruction set, the functions that cut a product into tiles of at most the given rows.
macro_rules! level {
    ($name:ident, $(#[$feature:meta])?, $vector:ty, $rows:literal, [$($row:literal)*]) => {
        mod $name {
            use super::*;

            $(#[$feature])?
            unsafe fn tile<T: Scalar, const R: usize>(tile: &Tile<T>, columns: usize) {
                type Wide<T> = $vector;
                type Half<T> = <Wide<T> as Vector<T>>::Half;
                let lanes = <Wide<T> as Vector<T>>::LANES;
                // SAFETY: this function has the instructions; `run` cuts tiles that fit.
                unsafe {
                    if columns == 2 * lanes {
                        compute::<T, Wide<T>, R, 2, false>(tile)
                    } else if columns > lanes {
                        compute::<T, Wide<T>, R, 2, true>(tile)
                    } else if columns == lanes {
                        compute::<T, Wide<T>, R, 1, false>(tile)
                    } else if columns > <Half<T> as Vector<T>>::LANES {
                        compute::<T, Wide<T>, R, 1, true>(tile)
                    } else {
                        compute::<T, Half<T>, R, 1, true>(tile)
                    }
                }
            }

            /// The last vector of a tile with this many columns: how many of its lanes are used.
            fn partial<T: Scalar>(columns: usize) -> usize {
                type Wide<T> = $vector;
                let lanes = <Wide<T> as Vector<T>>::LANES;
                if columns > lanes { columns - lanes } else { columns }
            }

            $(#[$feature])?
            pub(super) unsafe fn run<T: Scalar>(product: &Product<T>) {
                type Wide<T> = $vector;
                let width = 2 * <Wide<T> as Vector<T>>::LANES;
                // Rows are cut evenly: 15 into 8 and 7, not into 14 and 1.
                let cuts = product.rows.div_ceil($rows);
                let mut row = 0;
                for cut in 0..cuts {
                    let rows = (product.rows - row).div_ceil(cuts - cut);
                    let mut column = 0;
                    while column < product.columns {
                        let (panel, within) = (column / PANEL, column % PANEL);
                        let panel_columns = (product.columns - panel * PANEL).min(PANEL);
                        let columns = (panel_columns - within).min(width);
                        let b_width =
                            if (panel + 1) * PANEL >= product.columns { product.b_last } else { product.b_width };
                        // SAFETY: offsets of parts of the product stay in what the product names.
                        unsafe {
                            let part = Tile {
                                loops: product.loops,
                                a: product.a.add(row * product.a_row),
                                a_row: product.a_row,
                                a_step: product.a_step,
                                b: product.b.add(panel * product.b_panel + within),
                                b_step: product.b_rows.map(|rows| rows * b_width),
                                c: product.c.add(row * product.c_row + column),
                                c_row: product.c_row,
                                accumulate: product.accumulate,
                                ending: product.ending.from(column),
                                partial: partial::<T>(columns),
                            };
                            match rows {
                                $( $row => tile::<T, $row>(&part, columns), )*
                                _ => unreachable!("rows are cut into tiles"),
                            }
                        }
                        column += columns;
                    }
                    row += rows;
                }
            }
        }
    };
}

level!(baseline, , Plain<T>, 4, [1 2 3 4]);
#[cfg(target_arch = "x86_64")]
level!(avx2, #[target_feature(enable = "avx2,fma")], V256<T>, 6, [1 2 3 4 5 6]);

/// Computes a product.
///
/// # Safety
/// Every number that the product names lies in memory that the caller may read, C in memory that it may write and that A
/// and B do not overlap; the level was detected.
pub(crate) unsafe fn run<T: Scalar>(level: Level, product: &Product<T>) {
    #[cfg(target_arch = "x86_64")]
    if T::VECTORISED && level == Level::Avx2 {
        // SAFETY: the caller's promise.
        return unsafe { avx2::run(product) };
    }
    let _ = level;
    // SAFETY: the caller's promise.
    unsafe { baseline::run(product) }
}
