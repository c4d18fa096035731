//! Access to the attributes of a node.

use netwright_onnx::{Attribute, Node};

use super::problem::{Answer, Problem};
use crate::shape::{LARGEST_VALUE, Padding, Window};

/// An integer attribute, or `usual` without it.
pub(super) fn int(node: &Node<'_>, name: &str, usual: i64) -> i64 {
    match node.attribute(name) {
        Some(Attribute::Int(value)) => *value,
        _ => usual,
    }
}

/// A floating-point attribute, or `usual` without it. The result is the decimal that was rounded to the file's `f32`: 0.1, and not the
/// nearest `f32`.
pub(super) fn float(node: &Node<'_>, name: &str, usual: f64) -> f64 {
    match node.attribute(name) {
        Some(Attribute::Float(value)) => decimal(*value),
        _ => usual,
    }
}

/// The shortest decimal that rounds to this value.
pub(super) fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

/// A string attribute.
pub(super) fn text<'m>(node: &'m Node<'_>, name: &str) -> Option<&'m str> {
    match node.attribute(name) {
        Some(Attribute::Text(text)) => std::str::from_utf8(text).ok(),
        _ => None,
    }
}

/// An attribute of integers.
pub(super) fn ints<'m>(node: &'m Node<'_>, name: &str) -> Option<&'m [i64]> {
    match node.attribute(name) {
        Some(Attribute::Ints(values)) => Some(values),
        _ => None,
    }
}

/// The index of an axis; negative axes count from the last.
pub(super) fn axis(axis: i64, rank: usize) -> Answer<usize> {
    let counted = if axis < 0 { axis + rank as i64 } else { axis };
    let found = usize::try_from(counted).ok().filter(|axis| *axis < rank);
    found.ok_or_else(|| Problem::new(format!("its axis {axis} is none of {rank}")))
}

/// The values that are valid sizes: not negative, and at most the largest size of a value.
fn sizes(values: &[i64]) -> Vec<usize> {
    let size = |value: &i64| usize::try_from(*value).ok().filter(|size| *size as u64 <= LARGEST_VALUE);
    values.iter().filter_map(size).collect()
}

/// Values for height and width; for a series the length and 1.
pub(super) fn pair(values: &[i64], what: &str) -> Answer<[usize; 2]> {
    let sizes = sizes(values);
    match sizes.as_slice() {
        [height, width] if values.len() == 2 => Ok([*height, *width]),
        [length] if values.len() == 1 => Ok([*length, 1]),
        _ => Err(Problem::new(format!("its {what} {values:?} are not those of an image or a series"))),
    }
}

fn counts(node: &Node<'_>, name: &str) -> Answer<[usize; 2]> {
    let values = ints(node, name).map_or(Ok([1, 1]), |values| pair(values, name))?;
    match values {
        [0, _] | [_, 0] => Err(Problem::new(format!("its {name} hold a 0"))),
        values => Ok(values),
    }
}

/// Top, bottom, left, right, from a file's order of all starts and then all ends.
pub(super) fn sides(values: &[i64]) -> Answer<[usize; 4]> {
    let sizes = sizes(values);
    match sizes.as_slice() {
        [top, left, bottom, right] if values.len() == 4 => Ok([*top, *bottom, *left, *right]),
        [before, behind] if values.len() == 2 => Ok([*before, *behind, 0, 0]),
        _ => Err(Problem::new(format!("its pads {values:?} are not those of an image or a series"))),
    }
}

/// The window of a node, applied to an image of these sizes.
pub(super) fn window(node: &Node<'_>, size: [usize; 2], image: [usize; 2]) -> Answer<Window> {
    let (stride, dilation) = (counts(node, "strides")?, counts(node, "dilations")?);
    let window = |padding| Window { size, stride, dilation, padding };
    let padding = match text(node, "auto_pad") {
        Some("SAME_UPPER") => return Ok(window(Padding::Same)),
        Some("SAME_LOWER") => {
            let laid = window(Padding::Same).lay(image).map_or([0; 4], |laid| laid.padding);
            [laid[1], laid[0], laid[3], laid[2]]
        }
        Some("VALID") => [0; 4],
        None | Some("NOTSET" | "") => ints(node, "pads").map_or(Ok([0; 4]), sides)?,
        Some(other) => {
            return Err(Problem::new(format!("its auto_pad `{other}` is not one of ONNX's"))
                .help("it is NOTSET, SAME_UPPER, SAME_LOWER or VALID"));
        }
    };
    Ok(with_same(window(Padding::Explicit(padding)), image))
}

/// Replaces explicit padding by `same` where both are equal.
pub(super) fn with_same(window: Window, image: [usize; 2]) -> Window {
    let same = Window { padding: Padding::Same, ..window };
    let is_padded = window.padding != Padding::Explicit([0; 4]);
    if is_padded && same.lay(image) == window.lay(image) { same } else { window }
}
