//! What the two pools make of a few numbers in a row.

use netwright::prelude::*;

netwright::network! {
    /// The largest of four neighbours.
    pub Largest(1x16x1) { maxpool 1x4 }
    /// The mean of four neighbours.
    pub Mean(1x16x1) { avgpool 1x4 }
}

/// A row of activations with ones from `first` on, `width` of them.
fn strip(first: usize, width: usize) -> Tensor<1, 16, 1> {
    Tensor::from_fn(|_, x, _| f32::from(u8::from((first..first + width).contains(&x))))
}

/// What max and average pooling give for a strip of ones.
pub(crate) fn pooled(first: usize, width: usize) -> [[f32; 4]; 2] {
    let strip = strip(first, width);
    let (largest, mean) = (Largest::init(0).predict(&strip), Mean::init(0).predict(&strip));
    [largest, mean].map(|pooled| std::array::from_fn(|x| pooled[[0, x, 0]]))
}

/// How many of the places where a strip can lie max and average pooling tell apart: `[places, by max, by average]`.
pub(crate) fn told_apart(width: usize) -> [usize; 3] {
    let places: Vec<[[f32; 4]; 2]> = (0..=16 - width).map(|first| pooled(first, width)).collect();
    let different = |pool: usize| {
        let mut seen: Vec<[f32; 4]> = Vec::new();
        for place in &places {
            if !seen.contains(&place[pool]) {
                seen.push(place[pool]);
            }
        }
        seen.len()
    };
    [places.len(), different(0), different(1)]
}
