//! Copies of blocks of B into panels, in which the columns of a row are contiguous.

use netwright_abi::spec::conv::WIDEST_TILE;

use super::tile::PANEL;
use crate::cache;
use crate::context::Context;

/// The maximum elements of B that are packed at once, for which there is scratch memory.
const PACKED: usize = 128 * 1024;

/// The unit of columns that are packed together, or shared by threads: whole panels, and half of the widest tile.
pub(crate) const UNIT: usize = WIDEST_TILE / 2;
const _: () = assert!(UNIT.is_multiple_of(PANEL));

/// Returns the columns of a matrix with `depth` rows and `columns` columns that are packed at once, with at most `most` elements: whole
/// units, at least one.
pub(crate) const fn columns_of(most: usize, depth: usize, columns: usize) -> usize {
    let fit = most / if depth == 0 { 1 } else { depth } / UNIT * UNIT;
    let fit = if fit == 0 { UNIT } else { fit };
    if fit < columns { fit } else { columns }
}

/// Returns the columns of a matrix with `depth` rows and `columns` columns that are packed at once: they fill half of the L2 cache of this
/// processor.
pub(crate) fn group<T>(depth: usize, columns: usize) -> usize {
    columns_of(PACKED.min(cache::l2_bytes() / 2 / size_of::<T>()), depth, columns)
}

/// Returns the maximum elements that [`panels`] writes for such columns.
pub(crate) const fn group_len(depth: usize, columns: usize) -> usize {
    depth * columns_of(PACKED, depth, columns)
}

/// Packs all columns of a matrix with `depth` rows into panels, on the context's threads: `panels` receives the first column of a block,
/// the number of columns, and the memory to write.
pub(crate) fn all_panels<T: Send>(
    context: &Context<'_>,
    depth: usize,
    to: &mut [T],
    panels: &(impl Fn(usize, usize, &mut [T]) + Sync),
) {
    context.split_elements(to, depth * PANEL, &|start, to| {
        let at_once = group_len(depth, to.len() / depth).max(1);
        for (part, to) in to.chunks_mut(at_once).enumerate() {
            panels((start + part * at_once) / depth, to.len() / depth, to);
        }
    });
}

/// Copies `depth` rows of the `columns` columns at the start of `from` into panels, row by row of each panel. `stride` is the distance
/// between rows, and between columns.
pub(crate) fn panels<T: Copy>(from: &[T], stride: [usize; 2], depth: usize, columns: usize, to: &mut [T]) {
    rows_of_panels(from, stride, [depth, 0, depth], columns, to);
}

/// Copies `rows` rows to the rows from `first` on of panels that have `depth` rows.
pub(crate) fn rows_of_panels<T: Copy>(
    from: &[T],
    [row, column]: [usize; 2],
    [depth, first, rows]: [usize; 3],
    columns: usize,
    to: &mut [T],
) {
    if column == 1 {
        // Row by row, so that each page of B is visited once.
        for k in 0..rows {
            let from = &from[k * row..][..columns];
            let (whole, rest) = from.as_chunks::<PANEL>();
            for (panel, from) in whole.iter().enumerate() {
                let offset = (panel * depth + first + k) * PANEL;
                if let Some(to) = to[offset..].first_chunk_mut() {
                    *to = *from;
                }
            }
            let offset = whole.len() * PANEL * depth + (first + k) * rest.len();
            copy_few(rest, &mut to[offset..]);
        }
        return;
    }
    for done in (0..columns).step_by(PANEL) {
        let width = PANEL.min(columns - done);
        let panel = &mut to[done * depth + first * width..][..rows * width];
        transpose(&from[done * column..], [row, column], rows, width, panel);
    }
}

/// Copies so few elements that a call of `memcpy` would cost more.
fn copy_few<T: Copy>(from: &[T], to: &mut [T]) {
    let (from, rest) = from.as_chunks::<4>();
    let (to, last) = to.split_at_mut(from.len() * 4);
    for (to, from) in to.as_chunks_mut::<4>().0.iter_mut().zip(from) {
        *to = *from;
    }
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
}

/// Unused elements between copied rows, so that they do not all map to the same few sets of the L1 cache.
pub(crate) const GAP: usize = 16;

/// Copies `rows` rows and `depth` columns at the start of a matrix in their order in memory, and returns the strides of the copy.
pub(crate) fn copy<T: Copy>(
    from: &[T],
    [row, column]: [usize; 2],
    [rows, depth]: [usize; 2],
    to: &mut [T],
) -> [usize; 2] {
    let (lines, len, line, stride) =
        if column == 1 { (rows, depth, row, [depth + GAP, 1]) } else { (depth, rows, column, [1, rows]) };
    let apart = if column == 1 { depth + GAP } else { rows };
    for (n, to) in to.chunks_mut(apart).enumerate().take(lines) {
        let to = &mut to[..len];
        let from = &from[n * line..];
        if column == 1 {
            to.copy_from_slice(&from[..len]);
        } else if row == 1 {
            copy_few(&from[..len], to);
        } else {
            for (to, &from) in to.iter_mut().zip(from.iter().step_by(row)) {
                *to = from;
            }
        }
    }
    stride
}

/// Packs a panel whose columns are not contiguous, by blocks of rows, so that source and destination stay in the L1 cache.
fn transpose<T: Copy>(from: &[T], [row, column]: [usize; 2], depth: usize, width: usize, panel: &mut [T]) {
    const ROWS: usize = 16;
    let mut start = 0;
    while start < depth {
        let rows = ROWS.min(depth - start);
        let block = &mut panel[start * width..][..rows * width];
        let from = &from[start * row..];
        let fours = if row == 1 && rows == ROWS { width / 4 * 4 } else { 0 };
        for j in (0..fours).step_by(4) {
            let columns = [0, 1, 2, 3].map(|n| &from[(j + n) * column..][..ROWS]);
            let [a, b, c, d] = columns.map(|column| column.as_chunks::<4>().0);
            for (((a, b), (c, d)), block) in a.iter().zip(b).zip(c.iter().zip(d)).zip(block.chunks_exact_mut(4 * width))
            {
                for n in 0..4 {
                    block[n * width + j..][..4].copy_from_slice(&[a[n], b[n], c[n], d[n]]);
                }
            }
        }
        for j in fours..width {
            for (to, from) in block[j..].iter_mut().step_by(width).zip(from[j * column..].iter().step_by(row)) {
                *to = *from;
            }
        }
        start += rows;
    }
}
