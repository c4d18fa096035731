//! The two filters of slides 24 and 25, as networks and as plain loops.

use netwright::prelude::*;
use netwright::see::{self, Picture};

netwright::network! {
    /// Both filters side by side: channel 0 finds black-white vertical edges, channel 1 black L shapes.
    pub Patch(2x2x1) { conv 2x2x2 relu }
    /// The same filters on an image.
    pub Image(8x16x1) { conv 2x2x2 relu }
    /// One filter with stride 1 (slide 23).
    pub Slide(3x4x1) { conv 2x2x1 nobias }
    /// The same filter with stride 2.
    pub Stride(3x4x1) { conv 2x2x1 stride 2 nobias }
    /// The same filter with zero padding, so that the output is as large as the input.
    pub Padding(3x4x1) { conv 2x2x1 same nobias }
}

/// The filter K of slide 23, row by row.
pub(crate) const SLIDING: [f32; 4] = [1.0, 2.0, 3.0, 4.0];

/// A small image I for it: 0 to 11.
pub(crate) fn small() -> Tensor<3, 4, 1> {
    Tensor::from_fn(|y, x, _| (4 * y + x) as f32)
}

/// Computes S = I * K with a network of one filter.
pub(crate) fn slid<N>() -> Result<Picture, netwright::Error>
where
    N: Network<Scalar = f32, Input = Tensor<3, 4, 1>>,
{
    let mut network = N::init(0);
    network.parameters_mut().copy_from_slice(&SLIDING);
    see::activations(&network, &small(), "conv1")
}

/// The rows of weights and the bias of each filter.
pub(crate) const FILTERS: [([[f32; 2]; 2], f32); 2] =
    [([[-1.0, 1.0], [-1.0, 1.0]], -1.0), ([[-1.0, 1.0], [-1.0, -1.0]], 0.0)];

/// The weights of both filters as kernel[y][x][channel][filter].
fn kernel() -> [[[[f32; 2]; 1]; 2]; 2] {
    std::array::from_fn(|y| std::array::from_fn(|x| [FILTERS.map(|(rows, _)| rows[y][x])]))
}

fn biases() -> [f32; 2] {
    FILTERS.map(|(_, bias)| bias)
}

/// The network for one 2x2 patch, with the filters of the slides.
pub(crate) fn patch() -> Patch {
    let mut network = Patch::init(0);
    let layers = network.layers_mut();
    (*layers.conv1.kernel, *layers.conv1.bias) = (kernel(), biases());
    network
}

/// The network for an image, with the filters of the slides.
pub(crate) fn image() -> Image {
    let mut network = Image::init(0);
    let layers = network.layers_mut();
    (*layers.conv1.kernel, *layers.conv1.bias) = (kernel(), biases());
    network
}

/// All 16 patches of black (0) and white (1).
pub(crate) fn patches() -> impl Iterator<Item = Tensor<2, 2, 1>> {
    (0..16_u32).map(|bits| Tensor::from_fn(|y, x, _| (bits >> (3 - 2 * y - x) & 1) as f32))
}

/// Computes S(y, x) = Σₘ Σₙ I(y + m, x + n) K(m, n) + b (slide 22), rectified, with loops.
pub(crate) fn by_loops<const H: usize, const W: usize>(
    image: &Tensor<H, W, 1>,
    filter: usize,
    [y, x]: [usize; 2],
) -> f32 {
    let (rows, bias) = FILTERS[filter];
    let mut sum = bias;
    for (m, row) in rows.iter().enumerate() {
        for (n, weight) in row.iter().enumerate() {
            sum += image[[y + m, x + n, 0]] * weight;
        }
    }
    sum.max(0.0)
}

/// Black and white shapes: a white block, a black L in white, a single white pixel.
pub(crate) fn shapes() -> Tensor<8, 16, 1> {
    const ROWS: [&str; 8] = [
        "................",
        "..####....##....",
        "..####....##....",
        "..####....##..#.",
        "..####..........",
        "....####..######",
        "....####..######",
        "................",
    ];
    Tensor::from_fn(|y, x, _| f32::from(u8::from(ROWS[y].as_bytes()[x] == b'#')))
}
