//! The images of a batch.

/// Returns the images of an input, each with its image of the output. Where all windows read only padding, an image of the input has no
/// elements.
pub(crate) fn images<'a, T>(
    x: &'a [T],
    input_len: usize,
    y: &'a mut [T],
    output_len: usize,
) -> impl Iterator<Item = (&'a [T], &'a mut [T])> {
    y.chunks_exact_mut(output_len).enumerate().map(move |(image, y)| (&x[image * input_len..][..input_len], y))
}
