//! Max and average pooling of a row of activations.

use netwright::prelude::*;

netwright::network! {
    /// The maximum of four neighbours.
    pub Largest(1x16x1) { maxpool 1x4 }
    /// The mean of four neighbours.
    pub Mean(1x16x1) { avgpool 1x4 }
}

/// Returns a row of zeros with `width` ones from index `first` on.
fn strip(first: usize, width: usize) -> Tensor<1, 16, 1> {
    Tensor::from_fn(|_, x, _| f32::from(u8::from((first..first + width).contains(&x))))
}

/// Returns the outputs of max and average pooling for a strip of ones.
pub(crate) fn pooled(first: usize, width: usize) -> [[f32; 4]; 2] {
    let strip = strip(first, width);
    let (largest, mean) = (Largest::init(0).predict(&strip), Mean::init(0).predict(&strip));
    [largest, mean].map(|pooled| std::array::from_fn(|x| pooled[[0, x, 0]]))
}

/// Counts the positions of a strip, and how many of them have distinct outputs: `[positions, with max pooling, with average pooling]`.
pub(crate) fn told_apart(width: usize) -> [usize; 3] {
    let outputs: Vec<[[f32; 4]; 2]> = (0..=16 - width).map(|first| pooled(first, width)).collect();
    let different = |pool: usize| {
        let mut seen: Vec<[f32; 4]> = Vec::new();
        for output in &outputs {
            if !seen.contains(&output[pool]) {
                seen.push(output[pool]);
            }
        }
        seen.len()
    };
    [outputs.len(), different(0), different(1)]
}
