//! The mapping from the axes of a file's value to our memory. Files store channels first, our memory has channels last. A value that a
//! file flattens, reshapes or transposes is a view of the same memory, at no cost.

use crate::shape::Shape;

/// Elements with a constant stride.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The number of elements.
    pub(super) len: usize,
    /// The stride in elements.
    pub(super) stride: usize,
}

/// The axes of a value without the batch, in the file's order. Each axis consists of runs, slowest first, in the memory of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout(pub(super) Vec<Vec<Run>>);

fn run(len: usize, stride: usize) -> Vec<Run> {
    if len == 1 { Vec::new() } else { vec![Run { len, stride }] }
}

impl Layout {
    /// Channels first.
    pub(super) fn channels_first(shape: Shape) -> Self {
        match shape {
            Shape::Image { height, width, channels } => {
                Self(vec![run(channels, 1), run(height, width * channels), run(width, channels)])
            }
            Shape::Series { length, channels } => Self(vec![run(channels, 1), run(length, channels)]),
            Shape::Flat(features) => Self(vec![run(features, 1)]),
        }
    }

    /// Channels last: the file's order is the memory order.
    pub(super) fn channels_last(shape: Shape) -> Self {
        let Self(mut axes) = Self::channels_first(shape);
        axes.rotate_left(1);
        Self(axes)
    }

    /// Channels first or last with this number of axes; axes that a flat value lacks have size 1.
    pub(super) fn along_axes(shape: Shape, axes: usize, channels_last: bool) -> Self {
        let Self(mut all) = Self::channels_first(shape);
        all.resize(axes.max(all.len()), Vec::new());
        if channels_last {
            all.rotate_left(1);
        }
        Self(all)
    }

    /// The sizes of the axes.
    pub(super) fn sizes(&self) -> Vec<usize> {
        self.0.iter().map(|axis| size(axis)).collect()
    }

    /// The number of elements of one image.
    pub(super) fn len(&self) -> usize {
        self.sizes().iter().product()
    }

    /// A view of the same elements with axes of these sizes, in the same order; `None` if an axis would split a run.
    pub(super) fn reshaped(&self, sizes: &[usize]) -> Option<Self> {
        let mut runs = merged(self.0.iter().flatten().copied().collect()).into_iter();
        let mut rest: Option<Run> = None;
        let mut axes = Vec::new();
        for &size in sizes {
            let (mut axis, mut open) = (Vec::new(), size);
            while open > 1 {
                let next = rest.take().or_else(|| runs.next())?;
                if open.is_multiple_of(next.len) {
                    axis.push(next);
                    open /= next.len;
                } else if next.len.is_multiple_of(open) {
                    let inner = next.len / open;
                    axis.push(Run { len: open, stride: next.stride * inner });
                    rest = Some(Run { len: inner, stride: next.stride });
                    open = 1;
                } else {
                    return None;
                }
            }
            axes.push(merged(axis));
        }
        (rest.is_none() && runs.next().is_none()).then_some(Self(axes))
    }

    /// A view with the axes in another order.
    pub(super) fn transposed(&self, order: &[usize]) -> Option<Self> {
        order.iter().map(|&axis| self.0.get(axis).cloned()).collect::<Option<Vec<_>>>().map(Self)
    }
}

/// The number of elements along an axis.
pub(super) fn size(axis: &[Run]) -> usize {
    axis.iter().map(|run| run.len).product()
}

/// Merges adjacent runs that form one run.
fn merged(runs: Vec<Run>) -> Vec<Run> {
    let mut all: Vec<Run> = Vec::new();
    for run in runs {
        match all.last_mut() {
            Some(last) if last.stride == run.stride * run.len => *last = Run { len: last.len * run.len, ..run },
            _ => all.push(run),
        }
    }
    all
}

/// The runs that read an axis of a file's tensor, with stride `stride`, in the memory order of `axis`.
pub(super) fn along(axis: &[Run], stride: usize) -> Vec<Run> {
    let mut inner = size(axis);
    let mut runs: Vec<(usize, Run)> = Vec::new();
    for run in axis {
        inner /= run.len;
        runs.push((run.stride, Run { len: run.len, stride: stride * inner }));
    }
    runs.sort_by_key(|(memory, _)| std::cmp::Reverse(*memory));
    runs.into_iter().map(|(_, run)| run).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flattened_layout_reshaped_back_is_the_same() {
        let image = Layout::channels_first(Shape::Image { height: 4, width: 5, channels: 3 });
        let flat = image.reshaped(&[60]).expect("all elements");
        assert_eq!(flat.0[0].len(), 2, "height and width are one run behind another");
        assert_eq!(flat.reshaped(&[3, 4, 5]), Some(image.clone()));
        assert_eq!(flat.reshaped(&[4, 15]), None);
        assert_eq!(
            image.transposed(&[1, 2, 0]),
            Some(Layout::channels_last(Shape::Image { height: 4, width: 5, channels: 3 }))
        );
    }

    #[test]
    fn weights_after_a_flattened_image_are_read_in_memory_order() {
        let image = Layout::channels_first(Shape::Image { height: 1, width: 2, channels: 3 });
        let flat = image.reshaped(&[6]).expect("all elements");
        // Channel c of column x is element 2c + x in the file, and element 3x + c in memory.
        assert_eq!(along(&flat.0[0], 1), [Run { len: 2, stride: 1 }, Run { len: 3, stride: 2 }]);
    }
}
