//! The text of operations in the language, for the table of layers and for printed networks.

use crate::layers;
use crate::ops::{ConvTable, Op, PoolKind};
use crate::shape::{Padding, Shape, Window};

/// The stage for an operation on an input of this shape; `None` if the operation has no word of its own.
pub(super) fn stage(op: &Op, input: Shape) -> Option<String> {
    let is_series = matches!(input, Shape::Series { .. });
    let axes = |sizes: [usize; 2]| if is_series { sizes[0].to_string() } else { format!("{}x{}", sizes[0], sizes[1]) };
    let both = |sizes: [usize; 2]| if sizes[0] == sizes[1] && !is_series { sizes[0].to_string() } else { axes(sizes) };
    let sides = |sides: [usize; 4]| match sides {
        [before, behind, ..] if is_series => match before == behind {
            true => before.to_string(),
            false => format!("{before}x{behind}"),
        },
        [top, bottom, left, right] if top == bottom && left == right => match top == left {
            true => top.to_string(),
            false => format!("{top}x{left}"),
        },
        [top, bottom, left, right] => format!("{top}x{bottom}x{left}x{right}"),
    };
    let around = |window: &Window, usual: [usize; 2]| {
        let mut text = String::new();
        let one = if is_series { [window.stride[0], usual[1]] } else { window.stride };
        if one != usual {
            text += &format!(" stride {}", both(window.stride));
        }
        if window.dilation != [1, 1] {
            text += &format!(" dilate {}", both(window.dilation));
        }
        match window.padding {
            Padding::Same => text += " same",
            Padding::Explicit([0, 0, 0, 0]) => {}
            Padding::Explicit(padding) => text += &format!(" pad {}", sides(padding)),
        }
        text
    };
    let bias = |bias: bool| if bias { "" } else { " nobias" };
    Some(match op {
        Op::Conv(conv) => {
            let groups = if conv.groups == 1 { String::new() } else { format!(" groups {}", conv.groups) };
            let exact = if conv.exact { " exact" } else { "" };
            let (size, around) = (axes(conv.window.size), around(&conv.window, [1, 1]));
            format!("conv {size}x{}{around}{groups}{exact}{}", conv.filters, bias(conv.bias))
        }
        Op::Depthwise(conv) => {
            let multiplier =
                if conv.multiplier == 1 { String::new() } else { format!(" multiplier {}", conv.multiplier) };
            let (size, around) = (axes(conv.window.size), around(&conv.window, [1, 1]));
            format!("dwconv {size}{around}{multiplier}{}", bias(conv.bias))
        }
        Op::ConvTable(ConvTable { conv, table }) => {
            let (size, around) = (axes(conv.window.size), around(&conv.window, [1, 1]));
            let lists: String = table.iter().map(|list| format!(" {}", list_of(list))).collect();
            format!("conv {size}x{}{around} connect{lists}{}", table.len(), bias(conv.bias))
        }
        Op::Distance(distance) => {
            let lists: String = distance.patterns.iter().map(|list| format!(" {}", list_of(list))).collect();
            format!("distance {} to{lists}", distance.patterns.len())
        }
        Op::Deconv(conv) => {
            let (size, around) = (axes(conv.window.size), around(&conv.window, [1, 1]));
            format!("deconv {size}x{}{around}{}", conv.filters, bias(conv.bias))
        }
        Op::Dense(dense) => format!("dense {}{}", dense.outputs, bias(dense.bias)),
        Op::Pool(pool) => {
            let word = if pool.kind == PoolKind::Max { "maxpool" } else { "avgpool" };
            format!("{word} {}{}", both(pool.window.size), around(&pool.window, pool.window.size))
        }
        Op::Activation(function) => layers::activation_text(function.0),
        Op::BatchNorm(norm) => {
            let mut text = "bn".to_owned();
            if norm.epsilon != 1e-3 {
                text += &format!(" eps {}", norm.epsilon);
            }
            if norm.momentum != 0.99 {
                text += &format!(" momentum {}", norm.momentum);
            }
            text + if norm.scale { "" } else { " noscale" } + if norm.center { "" } else { " nocenter" }
        }
        Op::LayerNorm(norm) => {
            let epsilon = if norm.epsilon == 1e-3 { String::new() } else { format!(" eps {}", norm.epsilon) };
            let (scale, center) =
                (if norm.scale { "" } else { " noscale" }, if norm.center { "" } else { " nocenter" });
            format!("layernorm{epsilon}{scale}{center}")
        }
        Op::Lrn(lrn) => format!("lrn size {} alpha {} beta {} k {}", lrn.size, lrn.alpha, lrn.beta, lrn.k),
        Op::Dropout(dropout) => format!("dropout {}", dropout.rate),
        Op::Scale(scale) => format!("scale {}", scale.factor),
        Op::Softmax(_) => "softmax".to_owned(),
        Op::LogSoftmax(_) => "logsoftmax".to_owned(),
        Op::Slice(slice) if slice.first == 0 => format!("slice {}", slice.count),
        Op::Slice(slice) => format!("slice {} at {}", slice.count, slice.first),
        Op::Shuffle(shuffle) => format!("shuffle {}", shuffle.groups),
        Op::Prelu(prelu) => {
            let shared = if prelu.shared { " shared" } else { "" };
            let start = if prelu.start == 0.25 { String::new() } else { format!(" {}", prelu.start) };
            format!("prelu{start}{shared}")
        }
        Op::Reshape(reshape) => match reshape.to {
            None => "flatten".to_owned(),
            Some(shape) => format!("reshape {shape}"),
        },
        Op::Upsample(upsample) => format!("upsample {}", both(upsample.0)),
        Op::ZeroPad(pad) => format!("zeropad {}", sides(pad.0)),
        Op::Crop(crop) => format!("crop {}", sides(crop.0)),
        // Joins are written around stages; the other operations occur in no file, or only after passes.
        Op::Add(_)
        | Op::Concat(_)
        | Op::Multiply(_)
        | Op::Subsample(_)
        | Op::Expand(_)
        | Op::Fold(_)
        | Op::Pack(_)
        | Op::Relayout(_) => {
            return None;
        }
    })
}

/// `(0, 1, 2)`
fn list_of<T: std::fmt::Display>(numbers: &[T]) -> String {
    let numbers: Vec<String> = numbers.iter().map(T::to_string).collect();
    format!("({})", numbers.join(", "))
}
