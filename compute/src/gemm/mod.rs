//! Matrix products: a single entry point, [`gemm`], with this crate's own kernel, which allocates nothing.
//!
//! Other libraries compute products where [`library`] says so: the crate `matrixmultiply` those in double precision, with the feature of
//! that name, and any library with the C interface of BLAS all of them, with the feature `blas`. Products of a single row, and convolutions
//! with windows larger than a pixel, are always computed here.
//!
//! A product is split into tiles whose accumulators stay in registers: up to six rows, by two vectors with AVX2, by four with AVX-512. B is
//! read in place, or packed into the caller's scratch memory where its layout is unfavourable; A is copied there where it is used for many
//! columns. The instruction set is detected once for each product. Every element is summed in the order of k in any tile, so that results
//! do not depend on the other elements; a sum of more than [`DEPTH`] products is split into partial sums, which round less.

#![allow(unsafe_code)]

use core::ops::Range;

use crate::context::Context;
use crate::epilogue::Epilogue;
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::Isa;
pub use netwright_abi::Library;

#[cfg(any(feature = "matrixmultiply", feature = "blas"))]
mod external;
mod micro_kernel;
pub(crate) mod pack;
#[cfg(test)]
mod tests;
pub(crate) mod tile;
mod transposed;
mod vector_matrix;

use netwright_abi::spec::conv::WIDEST_TILE;
use tile::{PANEL, Product};

/// Products of a partial sum; rows of B that are packed at once.
pub const DEPTH: usize = netwright_abi::spec::conv::SHORT;

/// Rows of A that are copied at once.
pub(crate) const ROWS: usize = 48;

/// Columns from which on copying A pays: its rows, or its columns, may be so far apart that they map to the same set of the L1 cache or
/// each need a page of their own.
const COPIED_FROM: usize = 2 * WIDEST_TILE;

/// Rows of A from which on copying them pays, and packing a B whose contiguous rows are [far apart](FAR).
const PACKED_FROM: usize = 16;

/// Rows of A from which on packing B pays, where its rows are contiguous and not far apart: fewer rows read B from the L2 cache in less
/// time than packing takes.
const MANY: usize = 512;

/// The distance of rows of B, in elements, from which on a block of B maps to few sets of the L2 cache, and each of its rows is on another page.
const FAR: usize = 3072;

/// [`FAR`] for tiles narrower than the widest, which read one line or two of each row: a quarter faster with AVX2 at 512 elements.
const FAR_FOR_NARROW: usize = 320;

/// The maximum elements of a B that is assumed to be in a cache. A larger B comes from memory, which delivers contiguous elements faster, as packing
/// reads them.
const CACHED: usize = 1 << 20;

/// Returns the maximum rows of A whose product with `b` needs no scratch memory, for any number of columns.
pub(crate) fn rows_without_scratch<T>(b: &Matrix<'_, T>) -> usize {
    if b.stride[1] == 1 { PACKED_FROM - 1 } else { 1 }
}

/// A matrix in a slice, stored by rows or transposed.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    /// The distances between rows, and between columns, in elements.
    stride: [usize; 2],
    /// The same elements packed by [`pack`], or empty.
    packed: &'a [T],
}

impl<'a, T> Matrix<'a, T> {
    /// Returns a matrix of contiguous rows.
    ///
    /// # Panics
    /// Where `data` is shorter than `rows * columns`.
    pub fn rows(data: &'a [T], rows: usize, columns: usize) -> Self {
        Self::strided(data, [rows, columns], [columns, 1])
    }

    /// Returns the matrix whose element (i, j) is at index `i * stride[0] + j * stride[1]` of `data`.
    ///
    /// # Panics
    /// Where an element is outside `data`.
    pub fn strided(data: &'a [T], [rows, columns]: [usize; 2], stride: [usize; 2]) -> Self {
        let end = if rows == 0 || columns == 0 { 0 } else { (rows - 1) * stride[0] + (columns - 1) * stride[1] + 1 };
        assert!(end <= data.len(), "a matrix that ends at {end} in a slice of {}", data.len());
        Self { data, rows, columns, stride, packed: &[] }
    }

    /// Returns the matrix with its elements packed by [`pack`] to `packed`, for products whose B it is. Where `packed` is empty, the
    /// product packs B itself if necessary; it computes the same bits.
    ///
    /// # Panics
    /// Where `packed` has another length.
    pub fn with_packed(self, packed: &'a [T]) -> Self {
        assert!(packed.is_empty() || packed.len() == self.rows * self.columns, "length of the packed matrix");
        Self { packed, ..self }
    }

    /// Returns some of the columns.
    ///
    /// # Panics
    /// Where there are fewer.
    pub fn columns(self, columns: Range<usize>) -> Self {
        assert!(columns.end <= self.columns, "columns {columns:?} of {}", self.columns);
        let data = &self.data[(columns.start * self.stride[1]).min(self.data.len())..];
        Self { data, columns: columns.len(), packed: &[], ..self }
    }

    /// Returns some of the rows.
    #[cfg(any(feature = "matrixmultiply", feature = "blas"))]
    fn some_rows(self, rows: Range<usize>) -> Self {
        let data = &self.data[(rows.start * self.stride[0]).min(self.data.len())..];
        Self { data, rows: rows.len(), packed: &[], ..self }
    }

    /// Returns the transposed matrix; no element is moved.
    pub fn transposed(self) -> Self {
        let [row, column] = self.stride;
        Self { rows: self.columns, columns: self.rows, stride: [column, row], packed: &[], ..self }
    }
}

/// Returns the library that computes products of an element type.
pub fn library<T: Scalar>() -> Library {
    let is_double = size_of::<T>() == size_of::<f64>();
    Library::of_products(is_double, cfg!(feature = "matrixmultiply"), cfg!(feature = "blas"))
}

/// Returns the elements of scratch memory that [`gemm`] needs for a product with `k` columns of A and `n` columns of B.
pub const fn scratch(k: usize, n: usize) -> usize {
    let depth = if k < DEPTH { k } else { DEPTH };
    pack::group_len(depth, n) + if n < COPIED_FROM { 0 } else { (depth + pack::GAP) * ROWS }
}

/// Packs a matrix panel by panel as [`gemm`] packs its B, for all products with it: see [`Matrix::with_packed`]. Nothing is written where
/// another library multiplies, which reads B in place.
///
/// # Panics
/// Where the length of `to` is not that of the matrix.
pub fn pack<T: Scalar>(context: &Context<'_>, b: Matrix<'_, T>, to: &mut [T]) {
    assert_eq!(to.len(), b.rows * b.columns, "length of the packed matrix");
    if library::<T>() == Library::Netwright {
        pack_own(context, b, to);
    }
}

/// [`pack`] for this crate's own products.
#[inline(never)]
fn pack_own<T: Scalar>(context: &Context<'_>, b: Matrix<'_, T>, to: &mut [T]) {
    for first in (0..b.rows).step_by(DEPTH) {
        let depth = DEPTH.min(b.rows - first);
        let to = &mut to[first * b.columns..][..depth * b.columns];
        pack::all_panels(context, depth, to, &|column, columns, to| {
            let rest = &b.data[first * b.stride[0] + column * b.stride[1]..];
            pack::panels(rest, b.stride, depth, columns, to);
        });
    }
}

/// Computes `C = f(scale · A·B + shift + C)` with the epilogue's operands for each column. C is stored by rows, which are `c_row` elements
/// apart.
///
/// # Panics
/// Where the sizes do not agree, C ends outside its slice, or `scratch` is shorter than [`scratch`] says.
#[inline(never)]
pub fn gemm<T: Elementary>(
    isa: Isa,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    epilogue: Epilogue<'_, T>,
    c: &mut [T],
    c_row: usize,
    scratch: &mut [T],
) {
    assert_eq!(a.columns, b.rows, "columns of A and rows of B");
    epilogue.check(b.columns);
    if a.rows == 0 || b.columns == 0 {
        return;
    }
    assert!(c_row >= b.columns && c.len() >= (a.rows - 1) * c_row + b.columns, "C is shorter than the product");
    #[cfg(feature = "matrixmultiply")]
    if library::<T>() == Library::MatrixMultiply
        && external::gemm(isa, external::matrixmultiply, a, b, epilogue, c, c_row, scratch)
    {
        return;
    }
    #[cfg(feature = "blas")]
    if library::<T>() == Library::Blas
        && a.rows > 1
        && external::gemm(isa, external::blas, a, b, epilogue, c, c_row, scratch)
    {
        return;
    }
    // Nothing was packed where another library is to multiply.
    let packed = if library::<T>() == Library::Netwright { b.packed } else { &[] };
    gemm_at(isa, a, Matrix { packed, ..b }, epilogue, c, c_row, scratch);
}

/// Whether the rows of A are copied even for few columns: they are contiguous, and their distance is a multiple of half a page, so that
/// they map to few sets of the L1 cache.
fn is_aliased<T>(a: &Matrix<'_, T>) -> bool {
    a.rows >= PACKED_FROM && a.stride[1] == 1 && (a.stride[0] * size_of::<T>()).is_multiple_of(2048)
}

/// [`gemm`] by this crate's own kernel; sizes are checked.
#[inline(never)]
#[allow(clippy::too_many_arguments)]
fn gemm_at<T: Elementary>(
    isa: Isa,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    epilogue: Epilogue<'_, T>,
    c: &mut [T],
    c_row: usize,
    scratch: &mut [T],
) {
    if a.rows == 1 && (b.stride[1] == 1 || b.stride[0] == 1) && a.stride[1] == 1 {
        return vector_matrix::multiply(isa, &a.data[..a.columns], b, epilogue, &mut c[..b.columns]);
    }
    if epilogue.unless_none().is_none() && transposed::multiply(isa, a, b, c, c_row, scratch) {
        return;
    }
    let is_packed = !b.packed.is_empty();
    let far = if tile::width::<T>(isa) < WIDEST_TILE { FAR_FOR_NARROW } else { FAR };
    let is_near = b.stride[0] < far && b.rows * b.columns <= CACHED;
    let many = if is_near { MANY } else { PACKED_FROM };
    let pack = is_packed || b.stride[1] != 1 || (a.rows >= many && b.columns > WIDEST_TILE);
    let room = (DEPTH.min(b.rows) + pack::GAP) * ROWS;
    let copy =
        a.rows >= PACKED_FROM && b.columns >= COPIED_FROM || is_aliased(&a) && is_packed && scratch.len() >= room;
    // Rows are divided evenly, into whole tiles: 49 into 36 and 13, not into 48 and 1.
    let rows_at_once =
        if copy { a.rows.div_ceil(a.rows.div_ceil(ROWS)).next_multiple_of(tile::TILE_ROWS) } else { a.rows };
    let mut first = 0;
    loop {
        let depth = DEPTH.min(b.rows - first);
        let epilogue = epilogue.of_part(first == 0, first + depth >= b.rows);
        let at_once = pack::group::<T>(depth, b.columns);
        let (panels, copied) = scratch.split_at_mut(if pack && !is_packed { depth * at_once } else { 0 });
        for column in (0..b.columns).step_by(at_once) {
            let columns = at_once.min(b.columns - column);
            let rest = &b.data[(first * b.stride[0] + column * b.stride[1]).min(b.data.len())..];
            let (b, b_panel, b_width, b_last) = if pack {
                let panels = if is_packed {
                    &b.packed[first * b.columns + depth * column..][..depth * columns]
                } else {
                    pack::panels(rest, b.stride, depth, columns, panels);
                    &*panels
                };
                (panels.as_ptr(), depth * PANEL, PANEL, (columns - 1) % PANEL + 1)
            } else {
                (rest.as_ptr(), PANEL, b.stride[0], b.stride[0])
            };
            for row in (0..a.rows).step_by(rows_at_once) {
                let rows = rows_at_once.min(a.rows - row);
                let rest = &a.data[(row * a.stride[0] + first * a.stride[1]).min(a.data.len())..];
                let (a, stride) = if copy {
                    let stride = pack::copy(rest, a.stride, [rows, depth], copied);
                    (copied.as_ptr(), stride)
                } else {
                    (rest.as_ptr(), a.stride)
                };
                // SAFETY: `Matrix` checked its elements and `gemm` those of C. `panels` and `copy` wrote all of B and A to scratch memory,
                // or B is packed in a slice of its length. The epilogue has an element for each column. C is borrowed mutably, so that A
                // and B do not overlap it.
                unsafe {
                    let product = Product {
                        rows,
                        columns,
                        loops: [1, 1, depth],
                        a,
                        a_row: stride[0],
                        a_step: [0, 0, stride[1]],
                        b,
                        b_rows: [0, 0, 1],
                        b_panel,
                        b_width,
                        b_last,
                        c: c.as_mut_ptr().add(row * c_row + column),
                        c_row,
                        epilogue: epilogue.channels(column, columns),
                    };
                    tile::run(isa, &product);
                }
            }
        }
        first += depth;
        if first >= b.rows {
            return;
        }
    }
}
