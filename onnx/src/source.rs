//! The sources of a network's weights in a file.

/// The source of one tensor of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source<'a> {
    /// A tensor of the file.
    Tensor {
        /// Its name in the file.
        name: &'a str,
        /// Its sizes in the file.
        dims: &'a [usize],
        /// The traversal of the tensor in the order of the network's elements: lengths and strides, slowest first.
        axes: &'a [[usize; 2]],
        /// The change applied to each element.
        change: Change,
    },
    /// One value for all elements.
    Filled(f64),
}

/// A change of an element of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// Multiplication by a factor.
    Times(f64),
    /// The reciprocal.
    Reciprocal,
}

impl Change {
    /// The network's element for an element of the file.
    pub fn of(self, element: f64) -> f64 {
        match self {
            Self::Times(factor) => element * factor,
            Self::Reciprocal => 1.0 / element,
        }
    }
}

/// The offsets of a traversal along `axes`, in order.
pub fn places(axes: &[[usize; 2]]) -> impl Iterator<Item = usize> + '_ {
    let count: usize = axes.iter().map(|[len, _]| len).product();
    (0..count).map(|mut index| {
        let mut offset = 0;
        for [len, stride] in axes.iter().rev() {
            offset += index % len * stride;
            index /= len;
        }
        offset
    })
}
