//! Splitting and reordering of channels.

use netwright_onnx::Node;

use super::attributes::{axis, int, ints};
use super::constant::{Constant, Numbers, sizes_text};
use super::layout::{Layout, Run};
use super::problem::{Answer, Problem};
use super::reading::{Known, Reading, Value};
use crate::ops::{Shuffle, Slice};
use crate::shape::Shape;

impl<'m> Reading<'m> {
    /// Whether this axis of the file, not counting the batch, is the channel axis of a value.
    pub(super) fn has_channels_along(&self, value: &Value, position: usize) -> bool {
        let channels = self.builder.shape(value.id).channels();
        channels > 1 && value.layout.0.get(position).is_some_and(|axis| *axis == [Run { len: channels, stride: 1 }])
    }

    /// A range of channels of a value whose channel axis this is; `None` if it is another axis.
    pub(super) fn channels_of(
        &mut self,
        value: &Value,
        position: usize,
        [first, count]: [usize; 2],
    ) -> Answer<Option<Known<'m>>> {
        if !self.has_channels_along(value, position) {
            return Ok(None);
        }
        if count == 0 {
            return Err(Problem::new("it takes no channels at all"));
        }
        if [first, count] == [0, self.builder.shape(value.id).channels()] {
            return Ok(Some(Known::Value(value.clone())));
        }
        let axes = value.layout.0.len();
        let id = self.simple_layer("slice", Slice { first, count }.into(), value.id)?;
        let layout = Layout::along_axes(self.builder.shape(id), axes, position > 0 && position + 1 == axes);
        Ok(Some(Known::Value(Value { id, layout })))
    }

    /// Splits a value along an axis; other nodes read each part by its name.
    pub(super) fn split(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let operand = self.operand(node, 0)?.ok_or_else(|| Problem::new("it has no input"))?;
        let (sizes, batch) = match &operand {
            Known::Value(value) => (value.layout.sizes(), 1),
            Known::Constant(constant) => (constant.sizes(), 0),
        };
        let Some(position) = axis(int(node, "axis", 0), sizes.len() + batch)?.checked_sub(batch) else {
            return Err(Problem::new("it takes the batch apart"));
        };
        let parts = self.parts(node, sizes[position])?;
        let mut start = 0;
        for (output, count) in node.outputs.iter().zip(parts) {
            let first = start;
            start += count;
            if output.is_empty() || !self.is_read(output) {
                continue;
            }
            let known = match &operand {
                Known::Value(value) => self.part(value, position, [first, count])?,
                Known::Constant(constant) => {
                    let row = constant.numbers().filter(|numbers| numbers.sizes.len() == 1);
                    let row = row.ok_or_else(|| {
                        Problem::new("it takes weights apart").help("let the exporter fold constants")
                    })?;
                    let values = row.values.get(first..first + count).unwrap_or_default().to_vec();
                    Known::Constant(Constant::Numbers(Numbers::row(values)))
                }
            };
            self.known.insert(output, known);
        }
        self.known.get(node.outputs.first().copied().unwrap_or_default()).cloned().map_or(Ok(operand), Ok)
    }

    /// A range of a value along one axis: of channels, rows or columns.
    fn part(&mut self, value: &Value, position: usize, [first, count]: [usize; 2]) -> Answer<Known<'m>> {
        if let Some(channels) = self.channels_of(value, position, [first, count])? {
            return Ok(channels);
        }
        let size = value.layout.sizes()[position];
        let mut pads = vec![[0; 2]; value.layout.0.len() + 1];
        pads[position + 1] = [-(first as i64), (first + count) as i64 - size as i64];
        self.padded(value, &pads)
    }

    /// The sizes of a `Split`'s parts.
    fn parts(&self, node: &'m Node<'m>, size: usize) -> Answer<Vec<usize>> {
        let given: Option<Vec<f64>> = match self.constant(node, 1, "sizes")? {
            Some(sizes) => {
                Some(sizes.whole().ok_or_else(|| Problem::new("the sizes of its parts are not in the file"))?)
            }
            None => ints(node, "split").map(|sizes| sizes.iter().map(|size| *size as f64).collect()),
        };
        let Some(given) = given else {
            let count = usize::try_from(int(node, "num_outputs", node.outputs.len() as i64)).unwrap_or_default();
            if count == 0 || count > size {
                return Err(Problem::new(format!("it makes {count} parts of {size}")));
            }
            // All of equal size, except the last, which may be smaller.
            let each = size.div_ceil(count);
            return Ok((0..count).map(|part| each.min(size.saturating_sub(part * each))).collect());
        };
        let fits =
            given.iter().all(|part| (1.0..=size as f64).contains(part)) && given.iter().sum::<f64>() == size as f64;
        if !fits || given.len() < node.outputs.len() {
            return Err(Problem::new(format!("its parts {} are not those of {size}", sizes_text(&given))));
        }
        Ok(given.into_iter().map(|part| part as usize).collect())
    }

    /// Emits a `shuffle` for a value whose channels the file reordered by reshaping to groups, transposing and reshaping back.
    pub(super) fn with_channels_in_order(&mut self, value: Value) -> Answer<Value> {
        let shape = self.builder.shape(value.id);
        if matches!(shape, Shape::Flat(_)) {
            return Ok(value);
        }
        let found = value
            .layout
            .0
            .iter()
            .enumerate()
            .find_map(|(position, axis)| Some((position, shuffled(axis, shape.channels())?)));
        let Some((position, groups)) = found else { return Ok(value) };
        let id = self.simple_layer("shuffle", Shuffle { groups }.into(), value.id)?;
        let mut layout = value.layout;
        layout.0[position] = vec![Run { len: shape.channels(), stride: 1 }];
        Ok(Value { id, layout })
    }

    /// Reorders a flat value by a `shuffle` where the file's order differs from the memory order by groups; `None` for other
    /// differences.
    pub(super) fn row_in_order(&mut self, value: &Value) -> Answer<Option<Value>> {
        let [axis] = value.layout.0.as_slice() else { return Ok(None) };
        let len = value.layout.len();
        let Some(groups) = shuffled(axis, len) else { return Ok(None) };
        let row = self.shaped(value.id, Shape::Flat(len))?;
        let id = self.simple_layer("shuffle", Shuffle { groups }.into(), row)?;
        Ok(Some(Value { id, layout: Layout::channels_first(Shape::Flat(len)) }))
    }
}

/// The number of groups if the axis interleaves groups: the first element of each, then the second of each, and so on.
fn shuffled(axis: &[Run], len: usize) -> Option<usize> {
    match axis {
        [each, groups] if each.stride == 1 && groups.stride == each.len && each.len * groups.len == len => {
            Some(groups.len)
        }
        _ => None,
    }
}
