//! Noisy pictures of discs, squares and triangles, with the class of every pixel.

use netwright::Error;
use netwright::prelude::*;
use netwright::random::Random;

pub(crate) const SIDE: usize = 32;
pub(crate) const CLASSES: [&str; 4] = ["nothing", "disc", "square", "triangle"];

/// Pictures with a class for each pixel, row by row.
pub(crate) type Shapes = Dataset<Tensor<SIDE, SIDE, 1>, Vec<u8>>;

/// Creates `count` pictures of two or three shapes; later shapes cover earlier ones.
pub(crate) fn shapes(count: usize, seed: u64) -> Result<Shapes, Error> {
    let mut random = Random::new(seed);
    Dataset::from_pairs((0..count).map(|_| picture(&mut random)))
}

struct Shape {
    class: u8,
    middle: [f64; 2],
    size: f64,
    ink: f64,
}

impl Shape {
    fn draw(random: &mut Random) -> Self {
        let class = 1 + random.below(3) as u8;
        let mut between = |least: f64, most: f64| least + (most - least) * random.uniform();
        let side = SIDE as f64;
        let middle = [between(6.0, side - 6.0), between(6.0, side - 6.0)];
        Self { class, middle, size: between(4.0, 8.0), ink: between(0.5, 1.0) }
    }

    fn covers(&self, row: usize, column: usize) -> bool {
        let [down, right] = [row as f64 - self.middle[0], column as f64 - self.middle[1]];
        match self.class {
            1 => down * down + right * right <= self.size * self.size,
            2 => down.abs().max(right.abs()) <= 0.85 * self.size,
            _ => down.abs() <= self.size && 2.0 * right.abs() <= self.size + down,
        }
    }
}

fn picture(random: &mut Random) -> (Tensor<SIDE, SIDE, 1>, Vec<u8>) {
    let count = 2 + random.below(2);
    let shapes: Vec<Shape> = (0..count).map(|_| Shape::draw(random)).collect();
    let (mut picture, mut labels) = (Tensor::zeros(), vec![0; SIDE * SIDE]);
    for (pixel, label) in labels.iter_mut().enumerate() {
        let (row, column) = (pixel / SIDE, pixel % SIDE);
        let seen = shapes.iter().rev().find(|shape| shape.covers(row, column));
        *label = seen.map_or(0, |shape| shape.class);
        let ink = seen.map_or(0.15, |shape| shape.ink);
        picture[[row, column, 0]] = (ink + 0.12 * random.normal()) as f32;
    }
    (picture, labels)
}
