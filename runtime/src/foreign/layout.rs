//! The axes of a tensor in another library: its shape there, and the offset of each element.

use crate::Shape;
use crate::layer::{Axes, ParameterTensor};

/// The layout of a tensor in another library.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Theirs {
    /// Its shape, slowest axis first.
    pub(super) shape: Vec<usize>,
    /// For each of netwright's axes and each index along it, the contribution to an element's offset in the other library.
    offsets: Vec<Vec<usize>>,
}

impl Theirs {
    /// Returns the layout with channels before height and width, and outputs before inputs.
    pub(super) fn channels_first(tensor: &ParameterTensor, is_series: bool) -> Self {
        let (layout, sizes) = (tensor.layout, tensor.shape);
        let image = |shape: [usize; 4], strides: [usize; 4]| {
            let shape = if is_series { shape[..3].to_vec() } else { shape.to_vec() };
            Self { shape, offsets: sizes.iter().zip(strides).map(|(&size, stride)| steps(size, stride)).collect() }
        };
        match (layout.axes, sizes) {
            (Axes::Conv, &[height, width, inputs, filters]) => {
                let window = height * width;
                image([filters, inputs, height, width], [width, 1, window, inputs * window])
            }
            (Axes::Depthwise, &[height, width, channels, multiplier]) => {
                let window = height * width;
                image([channels * multiplier, 1, height, width], [width, 1, multiplier * window, window])
            }
            (Axes::Deconv, &[height, width, filters, inputs]) => {
                let window = height * width;
                image([inputs, filters, height, width], [width, 1, window, filters * window])
            }
            (Axes::Dense, &[inputs, outputs]) => Self {
                shape: vec![outputs, inputs],
                offsets: vec![
                    flattened_offsets(inputs, layout.inputs, 1),
                    flattened_offsets(outputs, layout.outputs, inputs),
                ],
            },
            (Axes::Channels, &[channels]) => {
                Self { shape: vec![channels], offsets: vec![flattened_offsets(channels, layout.outputs, 1)] }
            }
            _ => Self::as_ours(tensor, false),
        }
    }

    /// Returns the layout with the axes in netwright's order.
    pub(super) fn as_ours(tensor: &ParameterTensor, is_series: bool) -> Self {
        let sizes = tensor.shape;
        let stride = |axis: usize| sizes[axis + 1..].iter().product();
        let offsets = (0..sizes.len()).map(|axis| steps(sizes[axis], stride(axis))).collect();
        // A series has no axis of width, which is 1.
        let is_window = matches!(tensor.layout.axes, Axes::Conv | Axes::Depthwise | Axes::Deconv);
        let kept = |axis: usize| !(is_series && is_window && axis == 1);
        let shape = (0..sizes.len()).filter(|&axis| kept(axis)).map(|axis| sizes[axis]).collect();
        Self { shape, offsets }
    }

    /// Returns whether a file's shape fits. A vector of channels may have additional axes of length 1, as slopes have in Keras.
    pub(super) fn fits(&self, found: &[usize]) -> bool {
        let long = |shape: &[usize]| shape.iter().copied().filter(|&size| size != 1).collect::<Vec<_>>();
        self.shape == found || self.offsets.len() == 1 && long(&self.shape) == long(found)
    }

    /// Calls `row` for each innermost row of netwright's elements, in order, with its base offset and the offset of each element from it.
    pub(super) fn rows(&self, row: &mut dyn FnMut(usize, &[usize])) {
        let Some((last, outer)) = self.offsets.split_last() else { return };
        let mut at = vec![0; outer.len()];
        loop {
            row(outer.iter().zip(&at).map(|(offsets, &index)| offsets[index]).sum(), last);
            let Some(axis) = (0..outer.len()).rev().find(|&axis| at[axis] + 1 < outer[axis].len()) else { return };
            at[axis] += 1;
            at[axis + 1..].fill(0);
        }
    }
}

fn steps(size: usize, stride: usize) -> Vec<usize> {
    (0..size).map(|index| index * stride).collect()
}

/// Returns the offsets of the elements of a vector that consists of flattened images, which the other library flattens channels first.
fn flattened_offsets(len: usize, parts: &[Shape], stride: usize) -> Vec<usize> {
    if parts.is_empty() {
        return steps(len, stride);
    }
    let mut offsets = Vec::with_capacity(len);
    for part in parts {
        let (start, positions, channels) = (offsets.len(), part.positions(), part.channels());
        offsets.extend((0..part.len()).map(|index| {
            let (position, channel) = (index / channels, index % channels);
            (start + channel * positions + position) * stride
        }));
    }
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::Init;
    use crate::layer::{ParameterKind, WeightLayout};

    fn tensor(axes: Axes, shape: &'static [usize], inputs: &'static [Shape]) -> ParameterTensor {
        let layout = WeightLayout { inputs, ..WeightLayout::of(axes) };
        let (kind, init) = (ParameterKind::Weight, Init::Constant(0.0));
        let len = shape.iter().product();
        ParameterTensor { name: "kernel", kind, shape, offset: 0, len, fan_in: 1, fan_out: 1, init, layout }
    }

    /// Returns the offset in the other library of each element, in order.
    fn offsets_of(theirs: &Theirs) -> Vec<usize> {
        let mut offsets = Vec::new();
        theirs.rows(&mut |base, last| offsets.extend(last.iter().map(|offset| base + offset)));
        offsets
    }

    /// The expected indices follow from the other library's documentation: for each index there, the index here.
    #[test]
    fn every_layout_is_a_change_of_axes() {
        let index =
            |sizes: &[usize], at: &[usize]| sizes.iter().zip(at).fold(0, |offset, (size, at)| offset * size + at);
        for (axes, shape, there, order) in [
            (Axes::Conv, &[2_usize, 3, 4, 5][..], [5_usize, 4, 2, 3], [3, 2, 0, 1]),
            (Axes::Deconv, &[2, 3, 4, 5], [5, 4, 2, 3], [3, 2, 0, 1]),
        ] {
            let theirs = Theirs::channels_first(&tensor(axes, shape.to_vec().leak(), &[]), false);
            assert_eq!(theirs.shape, there);
            let mut expected = Vec::new();
            for (a, b) in (0..shape[0]).flat_map(|a| (0..shape[1]).map(move |b| (a, b))) {
                for (c, d) in (0..shape[2]).flat_map(|c| (0..shape[3]).map(move |d| (c, d))) {
                    expected.push(index(&there, &order.map(|axis: usize| [a, b, c, d][axis])));
                }
            }
            assert_eq!(offsets_of(&theirs), expected, "{axes:?}");
        }
        // [channels * multiplier, 1, height, width]
        let theirs = Theirs::channels_first(&tensor(Axes::Depthwise, &[1, 2, 2, 3], &[]), false);
        assert_eq!(theirs.shape, [6, 1, 1, 2]);
        assert_eq!(offsets_of(&theirs), [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]);
    }

    #[test]
    fn a_dense_layer_behind_a_flattened_image_has_its_inputs_channel_by_channel_there() {
        let image = const { &[Shape::image([1, 2, 3]), Shape::Flat(1)] };
        let theirs = Theirs::channels_first(&tensor(Axes::Dense, &[7, 2], image), false);
        assert_eq!(theirs.shape, [2, 7]);
        // Pixel 0 with channels 0, 1, 2, then pixel 1: there, channel 0 with pixels 0, 1, then channel 1.
        let inputs = [0, 2, 4, 1, 3, 5, 6];
        assert_eq!(offsets_of(&theirs), inputs.map(|input| [input, input + 7]).concat());
    }

    #[test]
    fn a_series_has_no_width_there() {
        let first = Theirs::channels_first(&tensor(Axes::Conv, &[3, 1, 2, 4], &[]), true);
        assert_eq!(first.shape, [4, 2, 3]);
        assert_eq!(Theirs::as_ours(&tensor(Axes::Conv, &[3, 1, 2, 4], &[]), true).shape, [3, 2, 4]);
    }

    #[test]
    fn slopes_may_have_axes_of_length_1_beside() {
        let theirs = Theirs::as_ours(&tensor(Axes::Channels, &[5], &[]), false);
        assert!(theirs.fits(&[5]) && theirs.fits(&[1, 1, 5]) && !theirs.fits(&[5, 5]) && !theirs.fits(&[4]));
        let kernel = Theirs::as_ours(&tensor(Axes::Dense, &[5, 1], &[]), false);
        assert!(kernel.fits(&[5, 1]) && !kernel.fits(&[1, 5]));
    }
}
