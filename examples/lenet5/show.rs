//! Digits as text in a terminal.

use netwright::prelude::*;
use netwright::see::{Picture, Sheet};
use netwright::train::predicted_class;

/// Draws the first `count` digits side by side, with the network's prediction below each.
pub(crate) fn digits(set: &Dataset<Tensor<28, 28, 1>>, answers: &[[f32; 10]], count: usize) -> Sheet {
    let shown = set.iter().zip(answers).take(count).map(|((image, label), answer)| {
        let read = predicted_class(answer).map(|digit| format!("{digit} ({:.1} %)", 100.0 * answer[digit]));
        (Picture::from(image), format!("{}, it is {label}", read.as_deref().unwrap_or("no digit")))
    });
    Sheet::new("").columns(count).extend(shown)
}
