//! Where the weights of a network stand in a file.

/// Where the elements of one tensor of a network come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source<'a> {
    /// A tensor of the file.
    Tensor {
        /// Its name there.
        name: &'a str,
        /// Its sizes there.
        dims: &'a [usize],
        /// How it is walked in the order of the network's elements: lengths and distances, slowest first.
        axes: &'a [[usize; 2]],
        /// What becomes of an element.
        change: Change,
    },
    /// The same number for all.
    Filled(f64),
}

/// What becomes of an element of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// It is multiplied.
    Times(f64),
    /// One is divided by it.
    Reciprocal,
}

impl Change {
    /// The element that a network has for that of the file.
    pub fn of(self, element: f64) -> f64 {
        match self {
            Self::Times(factor) => element * factor,
            Self::Reciprocal => 1.0 / element,
        }
    }
}

/// The places that `axes` lead through, in order.
pub fn places(axes: &[[usize; 2]]) -> impl Iterator<Item = usize> + '_ {
    let count: usize = axes.iter().map(|[len, _]| len).product();
    (0..count).map(|mut index| {
        let mut place = 0;
        for [len, stride] in axes.iter().rev() {
            place += index % len * stride;
            index /= len;
        }
        place
    })
}
