//! What predictions read of the weights: tensors as they lie, and what was prepared of the others.

use core::ops::Range;

/// Tensors that lie together among the parameters, or among the statistics: where they start, and where they end.
pub type Stretch = [usize; 2];

/// Parameters or statistics: all of them, or some tensors, contiguous.
#[derive(Clone, Copy)]
pub struct Tensors<'a, T> {
    elements: &'a [T],
    /// Where the tensors lie among all, in the order in which they lie here; `None` where all are here.
    held: Option<&'a [Stretch]>,
}

impl<'a, T> Tensors<'a, T> {
    /// All of them.
    pub const fn all(elements: &'a [T]) -> Self {
        Self { elements, held: None }
    }

    /// Those at the stretches `held` of all, contiguous.
    pub const fn some(elements: &'a [T], held: &'a [Stretch]) -> Self {
        Self { elements, held: Some(held) }
    }

    /// A tensor by its range among all.
    ///
    /// # Panics
    /// Where it is not here: the caller passed fewer than the network's `Architecture` says.
    pub fn at(&self, range: Range<usize>) -> &'a [T] {
        let Some(held) = self.held else { return &self.elements[range] };
        let mut before = 0;
        for &[first, end] in held {
            if first <= range.start && range.end <= end {
                let start = before + range.start - first;
                return &self.elements[start..start + range.len()];
            }
            before += end - first;
        }
        panic!("a tensor is read that the network's `Architecture` does not name");
    }
}

impl<T> core::fmt::Debug for Tensors<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Tensors of {} elements", self.elements.len())
    }
}

/// The weights of a prediction, all of them or those that it reads.
#[derive(Clone, Copy, Debug)]
pub struct PredictionWeights<'a, T> {
    parameters: Tensors<'a, T>,
    statistics: Tensors<'a, T>,
    prepared: &'a [T],
}

impl<'a, T> PredictionWeights<'a, T> {
    /// All parameters and statistics, and what [`Architecture::prepare`](crate::Architecture::prepare) has made of them.
    pub const fn all(parameters: &'a [T], statistics: &'a [T], prepared: &'a [T]) -> Self {
        Self { parameters: Tensors::all(parameters), statistics: Tensors::all(statistics), prepared }
    }

    /// Those parameters and statistics that a prediction reads, `kept`, and what was prepared.
    pub const fn kept(kept: &'a KeptTensors, parameters: &'a [T], statistics: &'a [T], prepared: &'a [T]) -> Self {
        let parameters = Tensors::some(parameters, kept.parameters);
        Self { parameters, statistics: Tensors::some(statistics, kept.statistics), prepared }
    }

    /// A tensor of parameters by its range among all.
    pub fn parameters(&self, range: Range<usize>) -> &'a [T] {
        self.parameters.at(range)
    }

    /// A tensor of statistics by its range among all.
    pub fn statistics(&self, range: Range<usize>) -> &'a [T] {
        self.statistics.at(range)
    }

    /// A part of what was prepared.
    pub fn prepared(&self, range: Range<usize>) -> &'a [T] {
        &self.prepared[range]
    }
}

/// The tensors that predictions read as they lie; what they read of the others was prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptTensors {
    /// Where they lie among the parameters, in order, neighbours joined.
    pub parameters: &'static [Stretch],
    /// Where they lie among the statistics.
    pub statistics: &'static [Stretch],
}

impl KeptTensors {
    /// How many parameters and statistics they have.
    pub const fn lens(&self) -> [usize; 2] {
        [len(self.parameters), len(self.statistics)]
    }
}

/// The elements in some stretches.
pub(crate) const fn len(stretches: &[Stretch]) -> usize {
    let (mut sum, mut index) = (0, 0);
    while index < stretches.len() {
        sum += stretches[index][1] - stretches[index][0];
        index += 1;
    }
    sum
}

/// A part of [`Architecture::prepare`](crate::Architecture::prepare): the tensors that it reads, neighbours joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreparationPart {
    /// Among the parameters.
    pub parameters: &'static [Stretch],
    /// Among the statistics.
    pub statistics: &'static [Stretch],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_is_found_wherever_it_lies() {
        let all: [f32; 10] = core::array::from_fn(|place| place as f32);
        let held = [[1, 3], [5, 9]];
        let some = [1.0, 2.0, 5.0, 6.0, 7.0, 8.0];
        let [all, some] = [Tensors::all(&all), Tensors::some(&some, &held)];
        for range in [1..3, 2..3, 5..9, 6..8, 5..5] {
            assert_eq!(all.at(range.clone()), some.at(range));
        }
        assert_eq!(len(&held), 6);
    }
}
