//! The weights that predictions read: some tensors unchanged, and prepared weights instead of the others.

use core::ops::Range;

/// A range of neighbouring tensors among the parameters, or among the statistics: its start and its end.
pub type Stretch = [usize; 2];

/// Parameters or statistics: all of them, or some tensors, contiguous.
#[derive(Clone, Copy)]
pub struct Tensors<'a, T> {
    elements: &'a [T],
    /// The ranges of the stored tensors among all, in the order in which they are stored; `None` if all are stored.
    held: Option<&'a [Stretch]>,
}

impl<'a, T> Tensors<'a, T> {
    /// Wraps all parameters, or all statistics.
    pub const fn all(elements: &'a [T]) -> Self {
        Self { elements, held: None }
    }

    /// Wraps the tensors in the ranges `held`, stored contiguously.
    pub const fn some(elements: &'a [T], held: &'a [Stretch]) -> Self {
        Self { elements, held: Some(held) }
    }

    /// Returns a tensor by its range among all.
    ///
    /// # Panics
    /// If the tensor is not stored: the caller passed fewer tensors than the network's `Architecture` declares.
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

/// The weights of a prediction: all of them, or those that it reads.
#[derive(Clone, Copy, Debug)]
pub struct PredictionWeights<'a, T> {
    parameters: Tensors<'a, T>,
    statistics: Tensors<'a, T>,
    prepared: &'a [T],
}

impl<'a, T> PredictionWeights<'a, T> {
    /// Combines all parameters and statistics with the output of [`Architecture::prepare`](crate::Architecture::prepare).
    pub const fn all(parameters: &'a [T], statistics: &'a [T], prepared: &'a [T]) -> Self {
        Self { parameters: Tensors::all(parameters), statistics: Tensors::all(statistics), prepared }
    }

    /// Combines the parameters and statistics that predictions read unchanged, `kept`, with the prepared weights.
    pub const fn kept(kept: &'a KeptTensors, parameters: &'a [T], statistics: &'a [T], prepared: &'a [T]) -> Self {
        let parameters = Tensors::some(parameters, kept.parameters);
        Self { parameters, statistics: Tensors::some(statistics, kept.statistics), prepared }
    }

    /// Returns a tensor of parameters by its range among all.
    pub fn parameters(&self, range: Range<usize>) -> &'a [T] {
        self.parameters.at(range)
    }

    /// Returns a tensor of statistics by its range among all.
    pub fn statistics(&self, range: Range<usize>) -> &'a [T] {
        self.statistics.at(range)
    }

    /// Returns a range of the prepared weights.
    pub fn prepared(&self, range: Range<usize>) -> &'a [T] {
        &self.prepared[range]
    }
}

/// The tensors that predictions read unchanged; instead of the others they read prepared weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptTensors {
    /// Their ranges among the parameters, in order, with neighbours joined.
    pub parameters: &'static [Stretch],
    /// Their ranges among the statistics.
    pub statistics: &'static [Stretch],
}

impl KeptTensors {
    /// Returns the number of parameters and of statistics they contain.
    pub const fn lens(&self) -> [usize; 2] {
        [len(self.parameters), len(self.statistics)]
    }
}

/// Returns the number of elements in some ranges.
pub(crate) const fn len(ranges: &[Stretch]) -> usize {
    let (mut sum, mut index) = (0, 0);
    while index < ranges.len() {
        sum += ranges[index][1] - ranges[index][0];
        index += 1;
    }
    sum
}

/// A part of [`Architecture::prepare`](crate::Architecture::prepare): the ranges of the tensors that it reads, neighbours joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreparationPart {
    /// Ranges of parameters.
    pub parameters: &'static [Stretch],
    /// Ranges of statistics.
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
