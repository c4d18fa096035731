//! Convolution, depthwise convolution, and transposed convolution.

use core::ops::Range;

use crate::Epilogue;

/// Filters that are packed side by side: two vectors of the widest instruction set.
pub const PANEL: usize = 32;

/// The last panel is filled up with zeros to a multiple of so many: a cache line of single precision.
pub const LINE: usize = 16;

/// Lanes of the vectors in which a convolution of several groups is computed.
pub const GROUP_LANES: usize = 8;

/// Channels of a group whose vectors make a tile of [`GroupTiles::Groups`].
pub const QUAD: usize = 4;

/// The register tiles in which the channels that come out of several groups are computed, and their filters packed: vectors of
/// [`GROUP_LANES`] lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupTiles {
    /// Three rows of four vectors, whose lanes are groups: each vector is a channel.
    Groups,
    /// Six rows of two vectors, whose lanes are channels of one group.
    Channels,
}

impl GroupTiles {
    /// Those in which fewer lanes are idle where `channels` channels of each group come out: that decides, whatever the pass and the
    /// stride. Where both have as many, channels are faster, for they need no transposition.
    pub const fn choose(groups: usize, channels: usize) -> Self {
        let in_groups = groups.next_multiple_of(GROUP_LANES) * Self::Groups.fill(channels);
        let in_channels = groups * Self::Channels.fill(channels);
        if in_channels <= in_groups { Self::Channels } else { Self::Groups }
    }

    /// The channels of a group when they are filled up to whole tiles.
    const fn fill(self, channels: usize) -> usize {
        match self {
            Self::Groups => channels.next_multiple_of(QUAD),
            Self::Channels => channels.next_multiple_of(2 * GROUP_LANES),
        }
    }

    /// Groups that stand in a part of what is computed.
    pub const fn together(self) -> usize {
        match self {
            Self::Groups => GROUP_LANES,
            Self::Channels => 1,
        }
    }

    /// Vectors of a tile.
    pub const fn vectors(self) -> usize {
        match self {
            Self::Groups => QUAD,
            Self::Channels => 2,
        }
    }

    /// Elements of the tiles of a part.
    #[allow(clippy::len_without_is_empty)]
    pub const fn len(self, channels: usize) -> usize {
        self.fill(channels) * self.together()
    }
}

/// A form of Winograd's minimal filtering F(m x m, r x r): a tile of m x m outputs depends on a patch of m + r - 1 inputs along each axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Winograd {
    /// Outputs of a tile along an axis.
    pub tile: usize,
    /// Inputs of a patch along an axis: 4, 6 or 8.
    pub patch: usize,
}

impl Winograd {
    /// Multiply-adds of a tile for each channel and filter.
    pub const fn points(self) -> usize {
        self.patch * self.patch
    }

    /// Elements of the transforms of all filters of a layer.
    pub const fn filters_len(self, spec: &Spec) -> usize {
        self.points() * spec.input[2] * spec.group()[1]
    }

    /// Tiles that the gradient of the weights takes together: as many as a cache holds the transforms of, up to a bound.
    pub const fn tiles_of_weights(self, spec: &Spec) -> usize {
        let fit = LAST_CACHED / (self.points() * (spec.input[2] + spec.output[2]));
        if fit > TILES_TOGETHER {
            TILES_TOGETHER
        } else if fit < FEWEST_TOGETHER {
            FEWEST_TOGETHER
        } else {
            fit
        }
    }

    /// Whether it rounds no more than a plain sum.
    pub const fn is_fine(self) -> bool {
        self.patch == 4
    }
}

/// Terms of a sum that is not taken in parts.
pub const SHORT: usize = 256;

/// The most and the fewest tiles that the gradient of the weights takes together, whose products are then summed to the end.
const TILES_TOGETHER: usize = 128;
const FEWEST_TOGETHER: usize = 32;
/// Elements of single precision that a last cache holds, about.
pub const LAST_CACHED: usize = 4 << 20;

/// Elements of transformed filters beyond which reading them for a few tiles takes longer than the products do.
const FEW_TILES: usize = 1 << 20;
/// The fewest tiles of 6x6 outputs: theirs are the largest transforms of filters.
const MANY_TILES: usize = 16;

spec! {
    /// The sizes of a convolution. Weights are `[window height, window width, input channels / groups, filters]`, those of a
    /// depthwise convolution `[window height, window width, channels, filters / channels]`.
    ///
    /// Forward, `y = f(scale · Σ a·w + shift)`, with a scale and a shift for each filter: a bias is a shift. Both may be empty.
    Spec {
        /// Height, width, channels of one input image.
        input: [usize; 3],
        /// Height, width, filters of one output image.
        output: [usize; 3],
        /// Height and width of a filter, in taps.
        window: [usize; 2],
        /// Steps from one output to the next, in input rows and columns.
        stride: [usize; 2],
        /// Zeros around the input: top, bottom, left, right.
        padding: [usize; 4],
        /// Steps from one tap to the next, in input rows and columns; 1 for an ordinary filter.
        dilation: [usize; 2],
        /// Channels and filters fall into this many groups that do not meet; 1 for an ordinary convolution.
        groups: usize,
        /// What becomes of the output on the way forward; of the gradient of the input, whether it is added to what stands in its place, where
        /// its kernel can do so.
        epilogue: Epilogue,
    }
}

impl Spec {
    /// Elements of one input image.
    pub const fn input_len(&self) -> usize {
        self.input[0] * self.input[1] * self.input[2]
    }

    /// Elements of one output image.
    pub const fn output_len(&self) -> usize {
        self.output[0] * self.output[1] * self.output[2]
    }

    /// Elements of the largest of each window of 2x2 outputs: the last row, and the last column, is left out where their number is odd.
    pub const fn pooled_len(&self) -> usize {
        self.output[0] / 2 * (self.output[1] / 2) * self.output[2]
    }

    /// Elements of the filters in panels of [`PANEL`], the last filled up with zeros to whole cache lines.
    pub const fn packed_len(&self) -> usize {
        self.window[0] * self.window[1] * (self.input[2] / self.groups) * self.output[2].next_multiple_of(LINE)
    }

    /// The form of Winograd's algorithm that computes it, where one does: windows of 3x3 or 5x5 without steps, and whole cache lines of
    /// channels and filters in each group. It is F(4x4, 3x3); F(2x2, 3x3) for so few tiles that fewer transforms of filters are worth
    /// more than fewer multiply-adds; F(6x6, 3x3) for large images that its tiles nearly fill, where sums are short enough for what it
    /// rounds; and F(2x2, 5x5).
    pub const fn winograd(&self) -> Option<Winograd> {
        let [channels, filters] = self.group();
        let plain = matches!((self.stride, self.dilation), ([1, 1], [1, 1]));
        if !plain || !channels.is_multiple_of(LINE) || !filters.is_multiple_of(LINE) {
            return None;
        }
        let tiles = self.output[0].div_ceil(4) * self.output[1].div_ceil(4);
        let large = self.output[0].div_ceil(6) * self.output[1].div_ceil(6);
        match self.window {
            [3, 3] if tiles <= 4 && 36 * self.input[2] * filters > FEW_TILES => Some(Winograd { tile: 2, patch: 4 }),
            [3, 3] if channels <= SHORT && large >= MANY_TILES && 64 * large <= 34 * tiles => {
                Some(Winograd { tile: 6, patch: 8 })
            }
            [3, 3] => Some(Winograd { tile: 4, patch: 6 }),
            [5, 5] => Some(Winograd { tile: 2, patch: 6 }),
            _ => None,
        }
    }

    /// The form that computes it forward in training, where normalisations over small batches magnify what is rounded: of those that fit,
    /// the one that rounds least.
    pub const fn fine_winograd(&self) -> Option<Winograd> {
        match (self.winograd(), self.window) {
            (Some(_), [3, 3]) => Some(Winograd { tile: 2, patch: 4 }),
            (form, _) => form,
        }
    }

    /// The form that computes the gradient of the weights, where one does: F(4x4, 3x3), for windows of 3x3 in one group.
    pub const fn winograd_of_weights(&self) -> Option<Winograd> {
        match (self.winograd(), self.window, self.groups) {
            (Some(_), [3, 3], 1) => Some(Winograd { tile: 4, patch: 6 }),
            _ => None,
        }
    }

    /// Where there are no steps, the convolution of the gradient of the output that is the gradient of the input: its filters are rotated
    /// and transposed. Where an image was padded by more than a window less one, it is padded by less than nothing, which wraps around: so
    /// many rows or columns are left out. Only Winograd's kernels are given such a padding.
    pub const fn rotated(&self) -> Self {
        let ([top, bottom, left, right], [tall, wide]) = (self.padding, self.window);
        let padding = [
            (tall - 1).wrapping_sub(top),
            (tall - 1).wrapping_sub(bottom),
            (wide - 1).wrapping_sub(left),
            (wide - 1).wrapping_sub(right),
        ];
        Self { input: self.output, output: self.input, padding, epilogue: Epilogue::NONE, ..*self }
    }

    /// Whether windows move by one column of the input, and their sums are of at most [`SHORT`] terms: what pixels in the lanes ask for.
    pub const fn has_short_windows(&self) -> bool {
        self.groups == 1 && self.stride[1] == 1 && self.window[0] * self.window[1] * self.input[2] <= SHORT
    }

    /// Whether windows lie inside the image, those of one group with contiguous rows, and their sums are of at most [`SHORT`] terms: what sums in
    /// registers ask for where sizes are constants.
    pub const fn has_inner_windows(&self) -> bool {
        let [top, bottom, left, right] = self.padding;
        self.groups == 1
            && top + bottom + left + right == 0
            && self.dilation[1] == 1
            && self.window[0] * self.window[1] * self.input[2] <= SHORT
    }

    /// Elements of the filters' transforms: none where [`Spec::winograd`] has no form for them.
    pub const fn winograd_len(&self) -> usize {
        match self.winograd() {
            Some(form) => form.filters_len(self),
            None => 0,
        }
    }

    /// The same of [`Spec::fine_winograd`].
    pub const fn fine_winograd_len(&self) -> usize {
        match self.fine_winograd() {
            Some(form) => form.filters_len(self),
            None => 0,
        }
    }

    /// Elements of the filters in [`GroupTiles`], the last tiles filled up with zeros; `is_rotated` is those for the gradient of the input.
    pub const fn grouped_len(&self, is_rotated: bool) -> usize {
        let [channels, filters] = self.group();
        let [inner, outer] = if is_rotated { [filters, channels] } else { [channels, filters] };
        if !is_rotated && self.groups_in_lines() {
            return self.weights_len();
        }
        let tiles = GroupTiles::choose(self.groups, outer);
        self.window[0] * self.window[1] * inner * tiles.len(outer) * self.groups.div_ceil(tiles.together())
    }

    /// Positions side by side that a kernel computes at once which reads [groups in lines](Self::groups_in_lines).
    pub const POSITIONS_IN_LINES: usize = 7;

    /// Whether a kernel reads the groups as they lie, forward: cache lines of filters belong to one group, or to several whole ones that have as
    /// many channels as filters, and windows of three columns move by one or two, over no fewer positions than are computed at once.
    pub const fn groups_in_lines(&self) -> bool {
        let [channels, filters] = self.group();
        let lies_well = filters.is_multiple_of(LINE) || channels == filters && (filters == 4 || filters == 8);
        lies_well
            && self.output[2].is_multiple_of(LINE)
            && self.window[1] == 3
            && self.dilation[1] == 1
            && matches!(self.stride[1], 1 | 2)
            && self.output[1] >= Self::POSITIONS_IN_LINES
    }

    /// Elements of all filters.
    pub const fn weights_len(&self) -> usize {
        self.window[0] * self.window[1] * (self.input[2] / self.groups) * self.output[2]
    }

    /// The convolution of the output's gradient that is the gradient of the input, by filters that are rotated by half a circle and whose
    /// channels are the filters of this one: where windows make no steps, and begin and end in the input.
    pub const fn transposed(&self) -> Option<Self> {
        let reach = [(self.window[0] - 1) * self.dilation[0], (self.window[1] - 1) * self.dilation[1]];
        let [top, bottom, left, right] = self.padding;
        let is_inside = top <= reach[0] && bottom <= reach[0] && left <= reach[1] && right <= reach[1];
        if self.stride[0] != 1 || self.stride[1] != 1 || !is_inside {
            return None;
        }
        let padding = [reach[0] - top, reach[0] - bottom, reach[1] - left, reach[1] - right];
        Some(Self { input: self.output, output: self.input, padding, epilogue: Epilogue::NONE, ..*self })
    }

    /// Whether there are kernels that lay blocks of images in the lanes while training: of one group and more than one tap, where there
    /// is a [transposed](Spec::transposed) convolution.
    pub const fn in_blocks(&self) -> bool {
        self.groups == 1 && self.window[0] * self.window[1] > 1 && self.transposed().is_some()
    }

    /// The row (axis 0) or column (axis 1) of the input that tap `tap` of output `position` reads, or `None` in the padding.
    pub fn source(&self, axis: usize, position: usize, tap: usize) -> Option<usize> {
        let before = self.padding[2 * axis];
        (position * self.stride[axis] + tap * self.dilation[axis])
            .checked_sub(before)
            .filter(|&source| source < self.input[axis])
    }

    /// The taps of output `position` that lie inside the input along an axis.
    pub fn taps_inside(&self, axis: usize, position: usize) -> Range<usize> {
        let (start, dilation) = (position * self.stride[axis], self.dilation[axis]);
        let before = self.padding[2 * axis];
        let first = before.saturating_sub(start).div_ceil(dilation).min(self.window[axis]);
        let end = (self.input[axis] + before).saturating_sub(start).div_ceil(dilation).min(self.window[axis]);
        first..end.max(first)
    }

    /// The output positions for which tap `tap` lies inside the input along an axis.
    pub fn positions_inside(&self, axis: usize, tap: usize) -> Range<usize> {
        let (offset, stride) = (tap * self.dilation[axis], self.stride[axis]);
        let before = self.padding[2 * axis];
        let first = before.saturating_sub(offset).div_ceil(stride).min(self.output[axis]);
        let end = (self.input[axis] + before).saturating_sub(offset).div_ceil(stride).min(self.output[axis]);
        first..end.max(first)
    }

    /// Elements of one row of an input image and of an output image.
    pub const fn rows_len(&self) -> [usize; 2] {
        [self.input[1] * self.input[2], self.output[1] * self.output[2]]
    }

    /// Whether each pixel is convolved by itself: the layer is one product of matrices.
    pub const fn is_pointwise(&self) -> bool {
        matches!((self.groups, self.window, self.stride), (1, [1, 1], [1, 1]))
            && self.output[0] == self.input[0]
            && self.output[1] == self.input[1]
            && self.padding[0] == 0
            && self.padding[2] == 0
    }

    /// Channels and filters of a group.
    pub const fn group(&self) -> [usize; 2] {
        [self.input[2] / self.groups, self.output[2] / self.groups]
    }

    /// Panics where an operand has not the length that these sizes ask for: a bug of whoever emitted the call.
    #[track_caller]
    pub fn check(&self, batch: usize, input: usize, weights: usize, each_filter: [usize; 2], output: usize) {
        assert!(
            self.groups > 0 && self.input[2].is_multiple_of(self.groups) && self.output[2].is_multiple_of(self.groups),
            "channels and filters must fall into whole groups"
        );
        assert!(self.input_len() > 0 && self.weights_len() > 0 && self.output_len() > 0, "sizes are at least 1");
        assert!(self.stride[0] > 0 && self.stride[1] > 0, "a stride is at least 1");
        assert!(self.dilation[0] > 0 && self.dilation[1] > 0, "a dilation is at least 1");
        assert_eq!(input, batch * self.input_len(), "length of the input");
        assert_eq!(weights, self.weights_len(), "length of the weights");
        assert!(each_filter.iter().all(|&len| len == 0 || len == self.output[2]), "a number for each filter, or none");
        assert_eq!(output, batch * self.output_len(), "length of the output");
    }
}

windowed!(Spec, |spec| (spec.window[0] - 1) * spec.dilation[0] + 1, |spec| spec.window[0]
    * spec.window[1]
    * (spec.input[2] / spec.groups)
    * spec.output[2]);
