//! Gradients of weights are sums over all positions. For large images they are computed strip by strip, and the sums of the strips are
//! added with compensation.

use netwright_abi::spec::Windowed;

use super::Spec;
use crate::kernels::parts::add_compensated;
use crate::scalar::Scalar;

/// Positions of a strip: sixteen partial sums, which a kernel adds in order.
const STRIP: usize = 4096;

/// Positions from which on an image is large: a few such images are more than a strip.
const LARGE: usize = STRIP / 4;

/// Returns the elements of scratch memory that [`in_strips`] needs besides the kernel's own: the sum of a strip, and the rounding errors.
pub(crate) const fn scratch(spec: &Spec) -> usize {
    if spec.output[0] * spec.output[1] > LARGE { 2 * spec.weights_len() } else { 0 }
}

/// The kernel that [`in_strips`] calls, behind `dyn`, so that `in_strips` is compiled once.
type Work<'a, T> = dyn FnMut(&Spec, &[T], &[T], &mut [T], &mut [T]) + 'a;

/// Adds to dw the gradients of all images that `work` computes strip by strip. `work` receives the sizes of a strip, its x and dy, the
/// slice that it adds to, and the rest of the scratch memory.
pub(crate) fn in_strips<T: Scalar>(
    spec: &Spec,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    scratch: &mut [T],
    work: &mut Work<'_, T>,
) {
    let [rows, columns, filters] = spec.output;
    let positions = rows * columns;
    let (own, rest) = scratch.split_at_mut(self::scratch(spec));
    if own.is_empty() || dy.len() <= STRIP * filters {
        return work(spec, x, dy, dw, rest);
    }
    let (sum, lost) = own.split_at_mut(dw.len());
    lost.fill(T::ZERO);
    let [row_in, row_out] = [spec.input_len() / spec.input[0], columns * filters];
    let [rows_at_once, images_at_once] = [(STRIP / columns).clamp(1, rows), (STRIP / positions).max(1)];
    let images = x.chunks(images_at_once * spec.input_len()).zip(dy.chunks(images_at_once * spec.output_len()));
    for (x, dy) in images {
        for first in (0..rows).step_by(rows_at_once) {
            let strip = first..(first + rows_at_once).min(rows);
            let (part, reached) = spec.of_rows(strip.clone());
            // Windows that read only padding contribute no gradient.
            if reached.is_empty() {
                continue;
            }
            sum.fill(T::ZERO);
            if rows_at_once == rows {
                work(spec, x, dy, sum, rest);
            } else {
                let (x, dy) =
                    (&x[reached.start * row_in..reached.end * row_in], &dy[strip.start * row_out..strip.end * row_out]);
                work(&part, x, dy, sum, rest);
            }
            add_compensated(dw, lost, sum);
        }
    }
    dw.iter_mut().zip(lost).for_each(|(dw, lost)| *dw += *lost);
}
