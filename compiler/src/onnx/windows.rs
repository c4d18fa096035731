//! Import of pools, padding and upsampling.

use netwright_onnx::Node;

use super::attributes::{axis, int, ints, pair, text, window, with_same};
use super::constant::{Constant, sizes_text};
use super::layout::Layout;
use super::problem::{Answer, Problem};
use super::reading::{Known, Order, Reading, Value};
use super::written;
use crate::builder::WeightOptions;
use crate::graph::ValueId;
use crate::ops::{Crop, Op, Pool, PoolKind, Reshape, Upsample, ZeroPad};
use crate::shape::{Padding, Shape, Window};

impl<'m> Reading<'m> {
    fn windowed(&mut self, word: &str, op: Op, x: ValueId) -> Answer<ValueId> {
        let text = written::stage(&op, self.builder.shape(x)).unwrap_or_else(|| word.to_owned());
        self.row(word, text, vec![op], &[x], WeightOptions::default())
    }

    pub(super) fn pool(&mut self, node: &'m Node<'m>, kind: PoolKind) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        let (x, [height, width, _]) = self.image(&value)?;
        let shape = ints(node, "kernel_shape").ok_or_else(|| Problem::new("it has no kernel_shape"))?;
        let size = pair(shape, "kernel_shape")?;
        if size.contains(&0) {
            return Err(Problem::new("its window is empty"));
        }
        let mut window = window(node, size, [height, width])?;
        if window.dilation != [1, 1] {
            return Err(Problem::new("its window is dilated, which that of a pool here is not"));
        }
        let mut x = x;
        let padding = window.lay([height, width]).map_or([0; 4], |laid| laid.padding);
        let counts_padding = kind == PoolKind::Average && int(node, "count_include_pad", 0) != 0;
        let mut image = [height, width];
        if counts_padding && padding != [0; 4] {
            // Padding that counts in the mean becomes explicit zeros.
            x = self.windowed("zeropad", ZeroPad(padding).into(), x)?;
            image = [height + padding[0] + padding[1], width + padding[2] + padding[3]];
            window.padding = Padding::Explicit([0; 4]);
        }
        if int(node, "ceil_mode", 0) != 0 {
            window = rounded_up(window, image, counts_padding.then_some(padding));
        }
        let (word, op) = (if kind == PoolKind::Max { "maxpool" } else { "avgpool" }, Pool { kind, window });
        let id = self.windowed(word, op.into(), x)?;
        Ok(self.channels_first(id, value.layout.0.len()))
    }

    /// Imports a pool over the whole image, with one element per channel.
    pub(super) fn global_pool(&mut self, node: &'m Node<'m>, kind: PoolKind) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        self.over_the_image(&value, kind, true)
    }

    pub(super) fn reduce(&mut self, node: &'m Node<'m>, kind: PoolKind) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        if let Some(normalised) = self.layer_norm_pattern(node, &value)? {
            return Ok(normalised);
        }
        let rank = value.layout.0.len() + 1;
        let given = match self.constant(node, 1, "axes")? {
            Some(axes) => axes.whole().unwrap_or_default().into_iter().map(|axis| axis as i64).collect(),
            None => ints(node, "axes").map(<[i64]>::to_vec).unwrap_or_default(),
        };
        let mut axes = given.into_iter().map(|given| axis(given, rank)).collect::<Answer<Vec<usize>>>()?;
        axes.sort_unstable();
        let spatial: Vec<usize> = match self.order(&value) {
            Some(Order::ChannelsLast) => (1..rank - 1).collect(),
            _ => (2..rank).collect(),
        };
        if axes != spatial || spatial.is_empty() {
            return Err(Problem::new(format!("it reduces the axes {axes:?}, and here that is done over whole images"))
                .help("reduce over height and width together"));
        }
        let keeps = int(node, "keepdims", 1) != 0;
        self.over_the_image(&value, kind, keeps)
    }

    fn over_the_image(&mut self, value: &Value, kind: PoolKind, keeps: bool) -> Answer<Known<'m>> {
        let last = self.order(value) == Some(Order::ChannelsLast);
        let shape = self.builder.shape(value.id);
        let is_row = matches!(shape, Shape::Flat(_)) && value.layout.0[1..].iter().all(Vec::is_empty);
        let id = if is_row {
            value.id
        } else {
            let (x, image) = if last {
                (value.id, shape.as_image().image_sizes())
            } else {
                let (x, sizes) = self.image(value)?;
                (x, Some(sizes))
            };
            let [height, width, _] = image.ok_or_else(|| Problem::new("what comes in is no image"))?;
            let size = [height, width];
            let window = Window { size, stride: size, dilation: [1, 1], padding: Padding::Explicit([0; 4]) };
            let word = if kind == PoolKind::Max { "globalmaxpool" } else { "globalavgpool" };
            let ops = vec![Pool { kind, window }.into(), Reshape { to: None }.into()];
            self.row(word, word.to_owned(), ops, &[x], WeightOptions::default())?
        };
        let mut layout = Layout::channels_first(self.builder.shape(id));
        if keeps {
            layout.0.resize(value.layout.0.len(), Vec::new());
            if last {
                layout.0.rotate_left(1);
            }
        }
        Ok(Known::Value(Value { id, layout }))
    }

    pub(super) fn pad(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        if text(node, "mode").is_some_and(|mode| mode != "constant") {
            return Err(Problem::new(format!(
                "its mode is {}, and zeros alone are put around images",
                text(node, "mode").unwrap_or_default()
            ))
            .help("pad with zeros, mode `constant`"));
        }
        let filler = match self.constant(node, 2, "filling")? {
            Some(filler) => filler.single().unwrap_or(f64::NAN),
            None => super::attributes::float(node, "value", 0.0),
        };
        if filler != 0.0 {
            return Err(Problem::new(format!("it pads with {filler}, and zeros alone are put around images")));
        }
        let pads: Vec<i64> = match self.constant(node, 1, "pads")? {
            Some(pads) => pads.whole().unwrap_or_default().into_iter().map(|pad| pad as i64).collect(),
            None => ints(node, "pads").map(<[i64]>::to_vec).unwrap_or_default(),
        };
        let rank = value.layout.0.len() + 1;
        let axes: Vec<usize> = match self.constant(node, 3, "axes")? {
            Some(axes) => axes
                .whole()
                .unwrap_or_default()
                .into_iter()
                .map(|given| axis(given as i64, rank))
                .collect::<Answer<_>>()?,
            None => (0..rank).collect(),
        };
        if pads.len() != 2 * axes.len() {
            return Err(Problem::new(format!("it has {} pads for {} axes", pads.len(), axes.len())));
        }
        let mut all = vec![[0; 2]; rank];
        for (index, axis) in axes.iter().enumerate() {
            all[*axis] = [pads[index], pads[index + axes.len()]];
        }
        self.padded(&value, &all)
    }

    /// Pads the axes of an image with zeros, or crops them where a pad is negative.
    pub(super) fn padded(&mut self, value: &Value, pads: &[[i64; 2]]) -> Answer<Known<'m>> {
        if pads.iter().flatten().any(|pad| pad.unsigned_abs() > crate::shape::LARGEST_VALUE) {
            return Err(Problem::new("it pads by more than any image may be large"));
        }
        if pads.iter().all(|pads| *pads == [0, 0]) {
            return Ok(Known::Value(value.clone()));
        }
        let order = self.order(value).ok_or_else(|| {
            Problem::new("it pads or cuts what is no image here, or one whose channels were put in another order")
        })?;
        let spatial = match order {
            Order::ChannelsFirst => &pads[2..],
            Order::ChannelsLast => &pads[1..pads.len() - 1],
        };
        let others: i64 = pads.iter().flatten().map(|pad| pad.abs()).sum();
        let here: i64 = spatial.iter().flatten().map(|pad| pad.abs()).sum();
        if others != here {
            return Err(Problem::new(
                "it pads or cuts the channels or the batch, and here that is done to height and width alone",
            )
            .help("channels are taken apart by convolutions alone here"));
        }
        let second = spatial.get(1).copied().unwrap_or_default();
        let sides = [spatial[0][0], spatial[0][1], second[0], second[1]];
        let part = |sign: i64| sides.map(|side| usize::try_from(side * sign).unwrap_or_default());
        let (more, less) = (part(1), part(-1));
        let mut id = value.id;
        if less != [0; 4] {
            id = self.windowed("crop", Crop(less).into(), id)?;
        }
        if more != [0; 4] {
            id = self.windowed("zeropad", ZeroPad(more).into(), id)?;
        }
        let layout = match order {
            Order::ChannelsFirst => Layout::channels_first(self.builder.shape(id)),
            Order::ChannelsLast => Layout::channels_last(self.builder.shape(id)),
        };
        Ok(Known::Value(Value { id, layout }))
    }

    pub(super) fn resize(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let value = self.value(node, 0)?;
        if text(node, "mode").is_some_and(|mode| mode != "nearest") {
            return Err(Problem::new(format!("its mode is {}", text(node, "mode").unwrap_or_default())).help(
                "images are enlarged by whole factors here, each pixel to a block of equal ones: mode `nearest`",
            ));
        }
        let order = self.order(&value).ok_or_else(|| Problem::new("what comes in is no image"))?;
        let sizes = value.layout.sizes();
        let is_upsample = node.op == "Upsample";
        let (scales, targets) = match is_upsample || self.model.opset < 11 {
            true => (self.constant(node, 1, "scales")?, None),
            false => (self.constant(node, 2, "scales")?, self.constant(node, 3, "sizes")?),
        };
        let numbers =
            |constant: Option<Constant<'m>>| constant.and_then(|constant| constant.whole()).unwrap_or_default();
        let (mut factors, targets) = (numbers(scales), numbers(targets));
        if factors.is_empty() && targets.len() == sizes.len() + 1 {
            let by = targets[1..].iter().zip(&sizes).map(|(to, from)| to / *from as f64);
            factors = std::iter::once(1.0).chain(by).collect();
        }
        let whole = factors.len() == sizes.len() + 1
            && factors.iter().all(|factor| (1.0..=65536.0).contains(factor) && factor.fract() == 0.0);
        if !whole {
            return Err(Problem::new(format!(
                "it enlarges by {}, and only whole factors are supported",
                sizes_text(&factors)
            )));
        }
        let factors: Vec<usize> = factors.iter().map(|factor| *factor as usize).collect();
        let coordinates = text(node, "coordinate_transformation_mode").unwrap_or("half_pixel");
        let rounding = text(node, "nearest_mode").unwrap_or("round_prefer_floor");
        let largest = factors.iter().copied().max().unwrap_or(1);
        let repeats = is_upsample
            || match (coordinates, rounding) {
                ("asymmetric", "floor") => true,
                (
                    "half_pixel" | "pytorch_half_pixel" | "half_pixel_symmetric",
                    "round_prefer_floor" | "round_prefer_ceil",
                ) => true,
                ("asymmetric", "round_prefer_floor") => largest <= 2,
                _ => false,
            };
        if !repeats {
            return Err(Problem::new(format!(
                "its pixels are chosen by {coordinates} and {rounding}, which is no repeating of each"
            ))
            .help("export with `asymmetric` and `floor`"));
        }
        let (of_channels, spatial) = match order {
            Order::ChannelsFirst => (factors[1], &factors[2..]),
            Order::ChannelsLast => (factors[factors.len() - 1], &factors[1..factors.len() - 1]),
        };
        if factors[0] != 1 || of_channels != 1 {
            return Err(Problem::new("it enlarges the channels or the batch"));
        }
        let factor = [spatial[0], spatial.get(1).copied().unwrap_or(1)];
        let id = self.windowed("upsample", Upsample(factor).into(), value.id)?;
        let layout = match order {
            Order::ChannelsFirst => Layout::channels_first(self.builder.shape(id)),
            Order::ChannelsLast => Layout::channels_last(self.builder.shape(id)),
        };
        Ok(Known::Value(Value { id, layout }))
    }
}

/// Extends the padding so that the last windows that start inside the image are included (`ceil_mode`). `counted` is the padding that
/// was already added explicitly.
fn rounded_up(window: Window, image: [usize; 2], counted: Option<[usize; 4]>) -> Window {
    let Some(laid) = window.lay(image) else { return window };
    let mut padding = laid.padding;
    for axis in 0..2 {
        let (before, after) = (padding[2 * axis], padding[2 * axis + 1]);
        let padded = image[axis] + before + after;
        let (size, stride) = (window.size[axis], window.stride[axis]);
        let mut steps = padded.saturating_sub(size).div_ceil(stride) + 1;
        // The end of the image, where its trailing padding starts.
        let end = before + image[axis] - counted.map_or(0, |counted| counted[2 * axis + 1]);
        if (steps - 1) * stride >= end {
            steps -= 1;
        }
        padding[2 * axis + 1] += ((steps - 1) * stride + size).saturating_sub(padded);
    }
    with_same(Window { padding: Padding::Explicit(padding), ..window }, image)
}
