//! Shape arithmetic, and arithmetic with the indices of a batch's elements.

use netwright_onnx::{Attribute, Node};

use super::arrange::numbers;
use super::attributes::int;
use super::constant::{BATCH, Constant, Numbers, OF_BATCH, OfImages, sizes_text};
use super::problem::{Answer, Problem};
use super::reading::{Known, Reading, Value};

/// The maximum number of computed elements.
const MOST: usize = 1 << 16;

impl<'m> Reading<'m> {
    /// The elements of input `index`, if they are few and known.
    pub(super) fn small_constant(&self, node: &'m Node<'m>, index: usize, what: &str) -> Answer<Numbers> {
        let constant = self.constant(node, index, what)?.ok_or_else(|| Problem::new(format!("it has no {what}")))?;
        constant.numbers().ok_or_else(|| Problem::new(format!("its {what} are too many, or not in the file")))
    }

    pub(super) fn shape(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let sizes: Vec<f64> = match self.operand(node, 0)? {
            Some(Known::Value(value)) => {
                std::iter::once(BATCH).chain(value.layout.sizes().into_iter().map(|size| size as f64)).collect()
            }
            Some(Known::Constant(constant)) => constant.sizes().into_iter().map(|size| size as f64).collect(),
            None => return Err(Problem::new("it has no input")),
        };
        let rank = sizes.len() as i64;
        let position =
            |at: i64| usize::try_from(if at < 0 { at + rank } else { at }.clamp(0, rank)).unwrap_or_default();
        let (start, end) = (position(int(node, "start", 0)), position(int(node, "end", rank)));
        Ok(numbers(Numbers::row(sizes.get(start..end).unwrap_or_default().to_vec())))
    }

    pub(super) fn constant_of_shape(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let sizes = self.small_constant(node, 0, "sizes")?.values;
        let value = match node.attribute("value") {
            Some(Attribute::Tensor(tensor)) => tensor.elements()?.get(0).unwrap_or_default(),
            _ => 0.0,
        };
        if !sizes.iter().all(|size| *size >= 0.0) {
            return Err(Problem::new(format!("it is a constant of sizes {}", sizes_text(&sizes)))
                .help("what does not depend on what comes in has no axis for the batch here"));
        }
        let sizes: Vec<usize> = sizes.iter().map(|size| *size as usize).collect();
        let count =
            sizes.iter().try_fold(1_usize, |count, size| count.checked_mul(*size)).filter(|count| *count <= MOST);
        let count = count.ok_or_else(|| Problem::new("it is a constant of too many elements"))?;
        Ok(numbers(Numbers { sizes, values: vec![value; count] }))
    }

    /// Elements with a constant increment; for the batch, the indices of its images.
    pub(super) fn range(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let part = |index: usize, what: &str| -> Answer<f64> {
            let found = self.small_constant(node, index, what)?.values;
            if let [number] = found[..] {
                Ok(number)
            } else {
                Err(Problem::new(format!("its {what} is no single number")))
            }
        };
        let (start, limit, step) = (part(0, "start")?, part(1, "limit")?, part(2, "step")?);
        if limit == BATCH && start.is_finite() && step == 1.0 {
            if start != 0.0 {
                return Err(Problem::new("it counts some of the images"));
            }
            let first = Numbers::row(vec![0.0]);
            return Ok(Known::Constant(Constant::OfImages(OfImages { first, step })));
        }
        let count = ((limit - start) / step).ceil().max(0.0);
        if ![start, limit, step, count].iter().all(|number| number.is_finite()) || count > MOST as f64 {
            return Err(Problem::new(format!(
                "it counts from {} by {}",
                sizes_text(&[start, limit]),
                sizes_text(&[step])
            )));
        }
        Ok(numbers(Numbers::row((0..count as usize).map(|index| start + index as f64 * step).collect())))
    }

    /// The product of sizes.
    pub(super) fn product(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let sizes = self.small_constant(node, 0, "sizes")?.values;
        let product = sizes.iter().fold(1.0, |product, size| computed("Mul", product, *size));
        let sizes = if int(node, "keepdims", 1) == 0 { Vec::new() } else { vec![1] };
        Ok(numbers(Numbers { sizes, values: vec![product] }))
    }

    /// The concatenation of vectors.
    pub(super) fn concat_constants(&mut self, node: &'m Node<'m>) -> Answer<Known<'m>> {
        let mut values = Vec::new();
        for index in 0..node.inputs.len() {
            let part = self.small_constant(node, index, "parts")?;
            if part.sizes.len() > 1 {
                return Err(Problem::new("it puts tables of constants side by side"));
            }
            values.extend(part.values);
        }
        Ok(numbers(Numbers::row(values)))
    }

    /// Arithmetic between constants.
    pub(super) fn fold_constants(
        &self,
        node: &Node<'_>,
        left: Constant<'m>,
        right: Constant<'m>,
    ) -> Answer<Constant<'m>> {
        let step = match (&left, &right, node.op) {
            (Constant::OfImages(left), Constant::OfImages(right), "Add") => Some(left.step + right.step),
            (Constant::OfImages(left), Constant::OfImages(right), "Sub") => Some(left.step - right.step),
            (Constant::OfImages(left), _, "Add" | "Sub") => Some(left.step),
            (_, Constant::OfImages(right), "Add") => Some(right.step),
            (_, Constant::OfImages(right), "Sub") => Some(-right.step),
            (Constant::OfImages(images), by, op @ ("Mul" | "Div")) | (by, Constant::OfImages(images), op @ "Mul") => {
                Some(computed(op, images.step, by.single().unwrap_or(OF_BATCH))).filter(|step| step.is_finite())
            }
            (Constant::OfImages(_), ..) | (_, Constant::OfImages(_), _) => None,
            _ => Some(0.0),
        };
        let step = step.ok_or_else(|| Problem::new("it computes with the numbers of images"))?;
        let images = [&left, &right].into_iter().find(|side| matches!(side, Constant::OfImages(_)));
        let rank = images.map(|images| images.sizes().len());
        let first = |side: Constant<'m>| match side {
            Constant::OfImages(OfImages { first, .. }) => Some(first),
            other => other.numbers(),
        };
        let (Some(left), Some(right)) = (first(left), first(right)) else {
            return Err(Problem::new("it computes with weights before anything comes in")
                .help("let the exporter fold constants"));
        };
        let both = left.with(&right, &|left, right| computed(node.op, left, right));
        let both = both.ok_or_else(|| {
            let [left, right] = [&left, &right].map(|side| &side.sizes);
            Problem::new(format!("it computes with constants of sizes {left:?} and {right:?}"))
        })?;
        match rank {
            None => Ok(Constant::Numbers(both)),
            // The batch must remain the first axis.
            Some(rank) if rank == both.sizes.len() && both.sizes[0] == 1 => {
                Ok(Constant::OfImages(OfImages { first: both, step }))
            }
            Some(_) => Err(Problem::new("it puts another axis before that of the batch")),
        }
    }

    /// Whether a reshape flattens the whole batch only for a `Gather` by element indices, as PyTorch's `as_strided` does.
    pub(super) fn flattens_batch(&mut self, node: &'m Node<'m>, target: &[f64]) -> bool {
        let is_row = matches!(target, [size] if *size == -1.0 || *size == BATCH || size.is_nan());
        let is_gathered = self.only_reader(node.outputs[0]).is_some_and(|(_, next)| {
            next.op == "Gather" && next.inputs[0] == node.outputs[0] && int(next, "axis", 0) == 0
        });
        let is_one = is_row && is_gathered;
        if is_one {
            self.flattened_batches.insert(node.outputs[0]);
        }
        is_one
    }

    /// Splits a flattened batch into images again, if the indices are in order, with axes of these sizes.
    pub(super) fn unflattened_batch(&mut self, node: &'m Node<'m>, value: Value) -> Answer<Known<'m>> {
        let indices = match self.constant(node, 1, "indices")? {
            Some(Constant::Weights(weights)) => weights.numbers_in(self.folder).map(Constant::Numbers),
            other => other,
        };
        let len = value.layout.len();
        let in_order = |numbers: &Numbers, images: usize| {
            let numbered = numbers.values.iter().enumerate().all(|(position, index)| position as f64 == *index);
            numbered && numbers.sizes.first() == Some(&images) && numbers.values.len() == images * len
        };
        let sizes = match indices {
            Some(Constant::OfImages(OfImages { first, step })) if step == len as f64 && in_order(&first, 1) => {
                first.sizes
            }
            Some(Constant::Numbers(all)) if self.batch.is_some_and(|images| in_order(&all, images)) => all.sizes,
            _ => {
                return Err(Problem::new(
                    "it takes elements of a batch by their numbers, in another order than theirs",
                )
                .help("each image is taken as it is: export the model without `as_strided`"));
            }
        };
        self.reshaped_value(value, &sizes[1..])
    }
}

/// Arithmetic in which an operand may be the size of the batch. The result is then that size, a number where it cancels, or unknown.
fn computed(op: &str, left: f64, right: f64) -> f64 {
    match (op, left, right) {
        ("Add", BATCH, 0.0) | ("Sub", BATCH, 0.0) | ("Mul" | "Div", BATCH, 1.0) => BATCH,
        ("Add", 0.0, BATCH) | ("Mul", 1.0, BATCH) => BATCH,
        ("Sub", BATCH, BATCH) | ("Mul", BATCH, 0.0) | ("Mul", 0.0, BATCH) => 0.0,
        ("Div", BATCH, BATCH) => 1.0,
        (_, BATCH, _) | (_, _, BATCH) => OF_BATCH,
        ("Add", ..) => left + right,
        ("Sub", ..) => left - right,
        ("Mul", ..) => left * right,
        _ => left / right,
    }
}

impl Numbers {
    /// Combines elementwise with broadcasting. `None` if the axes do not fit, or if there are too many elements.
    fn with(&self, other: &Self, compute: &dyn Fn(f64, f64) -> f64) -> Option<Self> {
        let rank = self.sizes.len().max(other.sizes.len());
        let size = |of: &Self, axis: usize| (axis + of.sizes.len()).checked_sub(rank).map_or(1, |axis| of.sizes[axis]);
        let common = |axis| match (size(self, axis), size(other, axis)) {
            (1, size) | (size, 1) => Some(size),
            (one, another) => (one == another).then_some(one),
        };
        let sizes = (0..rank).map(common).collect::<Option<Vec<_>>>()?;
        let count =
            sizes.iter().try_fold(1_usize, |count, size| count.checked_mul(*size)).filter(|count| *count <= MOST)?;
        let position = |of: &Self, mut index: usize| {
            let (mut position, mut stride) = (0, 1);
            for axis in (0..rank).rev() {
                let (at, own) = (index % sizes[axis], size(of, axis));
                position += if own == 1 { 0 } else { at * stride };
                (index, stride) = (index / sizes[axis], stride * own);
            }
            of.values.get(position).copied()
        };
        let value = |index| Some(compute(position(self, index)?, position(other, index)?));
        Some(Self { values: (0..count).map(value).collect::<Option<Vec<_>>>()?, sizes })
    }
}
