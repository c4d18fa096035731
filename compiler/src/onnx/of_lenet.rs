//! The special layers of LeNet-5 (1998): a convolution with a connection table, and distances to patterns. ONNX has neither, and the
//! export writes them as several nodes (`operators.rs`).

use netwright_onnx::Node;

use super::attributes::{int, ints, pair, window};
use super::constant::Numbers;
use super::layout::Run;
use super::problem::Answer;
use super::reading::{Known, Reading, Value};
use super::weighted::Weighted;
use super::written;
use crate::builder::WeightOptions;
use crate::ops::{Conv, ConvTable, Distance, Op};
use crate::shape::Shape;

impl<'m> Reading<'m> {
    /// The only node that reads a value, possibly several times, if it is of this kind.
    fn reader(&self, name: &str, op: &str) -> Option<(usize, &'m Node<'m>)> {
        let [first, others @ ..] = self.readers_of(name) else { return None };
        let model = self.model;
        let node = model.graph.nodes.get(*first).filter(|node| node.op == op && node.domain.is_empty())?;
        (others.iter().all(|other| other == first) && !node.outputs.is_empty()).then_some((*first, node))
    }

    fn constant_at(&self, node: &Node<'m>, index: usize) -> Option<Numbers> {
        match self.known.get(node.inputs.get(index)?)? {
            Known::Constant(constant) => constant.numbers(),
            Known::Value(_) => None,
        }
    }

    /// Imports a convolution with a connection table: a gather of channels, a convolution of each channel, and a second convolution
    /// whose zeros and ones sum the channels of each filter.
    pub(super) fn connection_table(
        &mut self,
        node: &'m Node<'m>,
        value: &Value,
        channels: &[usize],
    ) -> Answer<Option<Known<'m>>> {
        let Some(apart) = self.reader(node.outputs[0], "Conv") else { return Ok(None) };
        let Some(sums) = self.reader(apart.1.outputs[0], "Conv") else { return Ok(None) };
        let Some(table) = self.table_of(channels, apart.1, sums.1) else { return Ok(None) };
        let kernel = self.weights(apart.1, 1, "filters")?;
        let [filters, _, tall, ref wide @ ..] = kernel.axes[..] else { return Ok(None) };
        let wide = wide.first().copied().unwrap_or(Run { len: 1, stride: 0 });
        let (x, [height, width, _]) = self.image(value)?;
        let size = [tall.len, wide.len];
        if ints(apart.1, "kernel_shape")
            .map(|shape| pair(shape, "kernel_shape"))
            .transpose()?
            .is_some_and(|said| said != size)
        {
            return Ok(None);
        }
        let window = window(apart.1, size, [height, width])?;
        let bias = match sums.1.inputs.get(2) {
            Some(_) => {
                let bias = self.weights(sums.1, 2, "bias")?;
                let axes = bias.axes.clone();
                Some((bias, axes))
            }
            None => None,
        };
        let conv = Conv {
            window,
            filters: table.len(),
            groups: 1,
            bias: bias.is_some(),
            kernel: "kernel",
            asked: None,
            exact: false,
        };
        let op = ConvTable { conv, table }.into();
        self.absorb(apart);
        self.absorb(sums);
        let axes = vec![tall, wide, filters];
        let id = self.weighted("conv", Weighted { op, kernel, axes, factors: [1.0; 2], bias }, x)?;
        Ok(Some(self.channels_first(id, value.layout.0.len())))
    }

    /// For each filter, its input channels.
    fn table_of(&self, channels: &[usize], apart: &Node<'m>, sums: &Node<'m>) -> Option<Vec<Vec<usize>>> {
        let plain = |node: &Node<'_>| {
            let all = |name, value| ints(node, name).is_none_or(|values| values.iter().all(|each| *each == value));
            all("strides", 1) && all("dilations", 1) && all("pads", 0)
        };
        let is_apart = int(apart, "group", 1) == channels.len() as i64 && apart.inputs.len() == 2;
        if !is_apart || !plain(sums) || int(sums, "group", 1) != 1 {
            return None;
        }
        let ones = self.constant_at(sums, 1)?;
        let [filters, count, window @ ..] = &ones.sizes[..] else { return None };
        if *count != channels.len() || window.iter().any(|size| *size != 1) {
            return None;
        }
        let sees = |filter: &[f64]| -> Option<Vec<usize>> {
            let seen =
                filter.iter().zip(channels).filter(|(one, _)| **one == 1.0).map(|(_, channel)| *channel).collect();
            filter.iter().all(|one| *one == 0.0 || *one == 1.0).then_some(seen)
        };
        let table = ones.values.chunks_exact(*count).map(sees).collect::<Option<Vec<_>>>()?;
        // The filters must be consecutive, in memory order.
        let in_order = table.iter().flatten().eq(channels);
        let owners =
            (0..*count).all(|at| ones.values.chunks_exact(*count).filter(|filter| filter[at] == 1.0).count() == 1);
        (in_order && owners && table.len() == *filters && table.iter().all(|list| !list.is_empty())).then_some(table)
    }

    /// Imports distances to patterns, the sums of (x − p)², starting from the node that adds the axis of the patterns.
    pub(super) fn distances(&mut self, node: &'m Node<'m>, value: &Value) -> Answer<Option<Known<'m>>> {
        let found = |reading: &Self| {
            let subtract = reading.reader(node.outputs.first()?, "Sub")?;
            let square = reading.reader(subtract.1.outputs[0], "Mul")?;
            let sum = reading.reader(square.1.outputs[0], "ReduceSum")?;
            let patterns = reading.constant_at(subtract.1, 1)?;
            let axes = reading.constant_at(sum.1, 1)?;
            let fits = square.1.inputs == [subtract.1.outputs[0]; 2]
                && int(sum.1, "keepdims", 1) == 0
                && axes.values == [2.0]
                && patterns.sizes.len() == 3
                && patterns.sizes[0] == 1
                && patterns.sizes[2] == value.layout.len();
            fits.then_some(([subtract, square, sum], patterns))
        };
        let is_row = value.layout.0.len() == 1 && value.layout.0[0].iter().all(|run| run.stride == 1);
        let Some((parts, Numbers { sizes, values })) = found(self).filter(|_| is_row) else { return Ok(None) };
        parts.into_iter().for_each(|part| self.absorb(part));
        let patterns: Vec<Vec<f64>> = values.chunks_exact(sizes[2]).map(<[f64]>::to_vec).collect();
        let x = self.shaped(value.id, Shape::Flat(sizes[2]))?;
        let op: Op = Distance { patterns }.into();
        let text = written::stage(&op, self.builder.shape(x)).unwrap_or_default();
        let id = self.row("distance", text, vec![op], &[x], WeightOptions::default())?;
        Ok(Some(self.channels_first(id, 1)))
    }
}
