//! Convolution, depthwise convolution, and transposed convolution.

use core::ops::Range;

use crate::Epilogue;

/// Elements of a cache line in single precision.
pub const LINE: usize = 16;

/// Columns of a panel of a packed matrix, such as the filters of a convolution: a line, so that narrow tiles read panels in order too. With
/// AVX2 a tile of 16 columns is up to a tenth slower where it reads half of each row of a panel of 32.
pub const PANEL: usize = LINE;

/// Columns of the widest register tile.
pub const WIDEST_TILE: usize = 4 * PANEL;

/// Lanes of the vectors of a grouped convolution.
pub const GROUP_LANES: usize = 8;

/// Channels of a group whose vectors are a tile of [`GroupTiles::Groups`].
pub const QUAD: usize = 4;

/// The register tiles in which the output channels of several groups are computed, and their filters packed: vectors of [`GROUP_LANES`]
/// lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupTiles {
    /// Three rows of four vectors with groups in the lanes: each vector is a channel.
    Groups,
    /// Six rows of two vectors with channels of one group in the lanes.
    Channels,
}

impl GroupTiles {
    /// Returns the tiles with fewer idle lanes for `channels` output channels per group. This alone decides, whatever the pass and the
    /// stride. Where both have as many, [`GroupTiles::Channels`] is faster, because it needs no transposition.
    pub const fn choose(groups: usize, channels: usize) -> Self {
        let in_groups = groups.next_multiple_of(GROUP_LANES) * Self::Groups.fill(channels);
        let in_channels = groups * Self::Channels.fill(channels);
        if in_channels <= in_groups { Self::Channels } else { Self::Groups }
    }

    /// Returns the channels of a group, padded to whole tiles.
    const fn fill(self, channels: usize) -> usize {
        match self {
            Self::Groups => channels.next_multiple_of(QUAD),
            Self::Channels => channels.next_multiple_of(2 * GROUP_LANES),
        }
    }

    /// Returns the groups of a lane block: those whose channels share vectors.
    pub const fn together(self) -> usize {
        match self {
            Self::Groups => GROUP_LANES,
            Self::Channels => 1,
        }
    }

    /// Returns the vectors of a tile.
    pub const fn vectors(self) -> usize {
        match self {
            Self::Groups => QUAD,
            Self::Channels => 2,
        }
    }

    /// Returns the elements of the tiles of a lane block.
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
    /// Returns the multiply-adds of a tile for each channel and filter.
    pub const fn points(self) -> usize {
        self.patch * self.patch
    }

    /// Returns the elements of the transforms of all filters of a layer.
    pub const fn filters_len(self, spec: &Spec) -> usize {
        self.points() * spec.input[2] * spec.group()[1]
    }

    /// Returns the tiles of a chunk of the gradient of the weights: as many as have transforms that fit into the
    /// last-level cache, within bounds.
    pub const fn tiles_of_weights(self, spec: &Spec) -> usize {
        let fit = LAST_CACHED / (self.points() * (spec.input[2] + spec.output[2]));
        if fit > MOST_TILES_OF_CHUNK {
            MOST_TILES_OF_CHUNK
        } else if fit < FEWEST_TILES_OF_CHUNK {
            FEWEST_TILES_OF_CHUNK
        } else {
            fit
        }
    }

    /// Whether it rounds no more than a plain sum.
    pub const fn is_fine(self) -> bool {
        self.patch == 4
    }
}

/// The maximum terms of a sum without partial sums.
pub const SHORT: usize = 256;

/// The maximum and minimum tiles of a chunk of the gradient of the weights. The products of a chunk are summed completely before the next
/// chunk begins.
const MOST_TILES_OF_CHUNK: usize = 128;
const FEWEST_TILES_OF_CHUNK: usize = 32;
/// The approximate elements in single precision that fit into a last-level cache.
pub const LAST_CACHED: usize = 4 << 20;

/// Elements of filters in the form F(4x4, 3x3) beyond which few tiles take longer to read them than to multiply by them.
const LARGE_FILTERS: usize = 1 << 20;
/// The maximum tiles of 4x4 outputs of an image that are few: in predictions, where each image reads the filters, and in training, where
/// the images of a micro-batch share one pass over them.
const FEW_TILES: usize = 16;
const FEW_TILES_IN_TRAINING: usize = 4;
/// The minimum tiles of 6x6 outputs, whose transformed filters are the largest.
const MANY_TILES: usize = 16;

spec! {
    /// The sizes of a convolution. Weights are `[window height, window width, input channels / groups, filters]`, those of a
    /// depthwise convolution `[window height, window width, channels, filters / channels]`.
    ///
    /// The forward pass is `y = f(scale · Σ a·w + shift)`, with a scale and a shift for each filter: a bias is a shift. Both may be empty.
    Spec {
        /// Height, width, channels of one input image.
        input: [usize; 3],
        /// Height, width, filters of one output image.
        output: [usize; 3],
        /// Height and width of a filter, in taps.
        window: [usize; 2],
        /// Input rows and columns between adjacent outputs.
        stride: [usize; 2],
        /// Zeros around the input: top, bottom, left, right.
        padding: [usize; 4],
        /// Input rows and columns between adjacent taps; 1 for an ordinary filter.
        dilation: [usize; 2],
        /// The number of groups of channels and filters, each computed separately; 1 for an ordinary convolution.
        groups: usize,
        /// The epilogue of the forward pass. The gradient of the input uses only whether it accumulates, where its kernel can do so.
        epilogue: Epilogue,
    }
}

impl Spec {
    /// Returns the elements of one input image.
    pub const fn input_len(&self) -> usize {
        self.input[0] * self.input[1] * self.input[2]
    }

    /// Returns the elements of one output image.
    pub const fn output_len(&self) -> usize {
        self.output[0] * self.output[1] * self.output[2]
    }

    /// Returns the elements of the output after a max pool of 2x2 windows: a last odd row, and a last odd column, is left out.
    pub const fn pooled_len(&self) -> usize {
        self.output[0] / 2 * (self.output[1] / 2) * self.output[2]
    }

    /// Returns the elements of the filters in panels of [`PANEL`], the last padded with zeros.
    pub const fn packed_len(&self) -> usize {
        self.window[0] * self.window[1] * (self.input[2] / self.groups) * self.output[2].next_multiple_of(PANEL)
    }

    /// Returns the form of Winograd's algorithm that predicts, if there is one: for windows of 3x3 or 5x5 with stride and dilation 1, and
    /// whole cache lines of channels and filters in each group. It is F(4x4, 3x3); F(2x2, 3x3) for few tiles and large filters, where
    /// smaller transforms of filters save more than fewer multiply-adds; F(6x6, 3x3) for large images that its tiles nearly fill, if sums
    /// are short enough for its rounding; and F(2x2, 5x5).
    pub const fn winograd(&self) -> Option<Winograd> {
        self.winograd_for(FEW_TILES)
    }

    /// Returns the form that computes the gradient of the input as the convolution [`Spec::rotated`], if there is one.
    pub const fn winograd_of_inputs(&self) -> Option<Winograd> {
        self.rotated().winograd_for(FEW_TILES_IN_TRAINING)
    }

    const fn winograd_for(&self, few_tiles: usize) -> Option<Winograd> {
        let [channels, filters] = self.group();
        let plain = matches!((self.stride, self.dilation), ([1, 1], [1, 1]));
        if !plain || !channels.is_multiple_of(LINE) || !filters.is_multiple_of(LINE) {
            return None;
        }
        let tiles = self.output[0].div_ceil(4) * self.output[1].div_ceil(4);
        let large = self.output[0].div_ceil(6) * self.output[1].div_ceil(6);
        match self.window {
            [3, 3] if tiles <= few_tiles && 36 * self.input[2] * filters > LARGE_FILTERS => {
                Some(Winograd { tile: 2, patch: 4 })
            }
            [3, 3] if channels <= SHORT && large >= MANY_TILES && 64 * large <= 34 * tiles => {
                Some(Winograd { tile: 6, patch: 8 })
            }
            [3, 3] => Some(Winograd { tile: 4, patch: 6 }),
            [5, 5] => Some(Winograd { tile: 2, patch: 6 }),
            _ => None,
        }
    }

    /// Returns the form of the forward pass in training, where normalisations over small batches amplify rounding errors: the possible form
    /// that rounds least.
    pub const fn fine_winograd(&self) -> Option<Winograd> {
        match (self.winograd(), self.window) {
            (Some(_), [3, 3]) => Some(Winograd { tile: 2, patch: 4 }),
            (form, _) => form,
        }
    }

    /// Returns the form that computes the gradient of the weights, if there is one: F(4x4, 3x3), for windows of 3x3 in one group.
    pub const fn winograd_of_weights(&self) -> Option<Winograd> {
        match (self.winograd(), self.window, self.groups) {
            (Some(_), [3, 3], 1) => Some(Winograd { tile: 4, patch: 6 }),
            _ => None,
        }
    }

    /// Returns the convolution of the output gradient that is the gradient of the input, for stride 1: its filters are rotated and
    /// transposed. Where an image has more padding than a window less one, the new padding is negative and wraps around: that many rows or
    /// columns are left out. Only Winograd's kernels accept such a padding.
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

    /// Whether windows move by one column of the input, and their sums have at most [`SHORT`] terms: the requirements of pixels in the
    /// lanes.
    pub const fn has_short_windows(&self) -> bool {
        self.groups == 1 && self.stride[1] == 1 && self.window[0] * self.window[1] * self.input[2] <= SHORT
    }

    /// Whether windows are inside the image, in one group with contiguous rows, and their sums have at most [`SHORT`] terms: the
    /// requirements of accumulators in registers for constant sizes.
    pub const fn has_inner_windows(&self) -> bool {
        let [top, bottom, left, right] = self.padding;
        self.groups == 1
            && top + bottom + left + right == 0
            && self.dilation[1] == 1
            && self.window[0] * self.window[1] * self.input[2] <= SHORT
    }

    /// Returns the elements of the filters' transforms; 0 where [`Spec::winograd`] has no form for them.
    pub const fn winograd_len(&self) -> usize {
        match self.winograd() {
            Some(form) => form.filters_len(self),
            None => 0,
        }
    }

    /// Returns the same for [`Spec::winograd_of_inputs`].
    pub const fn winograd_of_inputs_len(&self) -> usize {
        match self.winograd_of_inputs() {
            Some(form) => form.filters_len(&self.rotated()),
            None => 0,
        }
    }

    /// Returns the same for [`Spec::fine_winograd`].
    pub const fn fine_winograd_len(&self) -> usize {
        match self.fine_winograd() {
            Some(form) => form.filters_len(self),
            None => 0,
        }
    }

    /// Returns the elements of the filters in [`GroupTiles`], padded with zeros to whole tiles; `is_rotated` selects those for the gradient
    /// of the input.
    pub const fn grouped_len(&self, is_rotated: bool) -> usize {
        let [channels, filters] = self.group();
        let [inner, outer] = if is_rotated { [filters, channels] } else { [channels, filters] };
        if !is_rotated && self.groups_in_lines() {
            return self.weights_len();
        }
        let tiles = GroupTiles::choose(self.groups, outer);
        self.window[0] * self.window[1] * inner * tiles.len(outer) * self.groups.div_ceil(tiles.together())
    }

    /// Adjacent positions that a kernel for [groups in lines](Self::groups_in_lines) computes at once.
    pub const POSITIONS_IN_LINES: usize = 7;

    /// Whether a kernel reads the groups in their stored layout, in the forward pass: cache lines of filters belong to one group, or to
    /// several whole groups with as many channels as filters, and windows of three columns move by one or two columns, over at least as
    /// many positions as are computed at once.
    pub const fn groups_in_lines(&self) -> bool {
        let [channels, filters] = self.group();
        let is_in_lines = filters.is_multiple_of(LINE) || channels == filters && (filters == 4 || filters == 8);
        is_in_lines
            && self.output[2].is_multiple_of(LINE)
            && self.window[1] == 3
            && self.dilation[1] == 1
            && matches!(self.stride[1], 1 | 2)
            && self.output[1] >= Self::POSITIONS_IN_LINES
    }

    /// Returns the elements of all filters.
    pub const fn weights_len(&self) -> usize {
        self.window[0] * self.window[1] * (self.input[2] / self.groups) * self.output[2]
    }

    /// Returns the convolution of the output gradient that is the gradient of the input, with filters that are rotated by 180° and whose
    /// channels are the filters of this one: for stride 1, and padding less than the extent of the dilated window.
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

    /// Whether there are training kernels in blocks of images in the lanes: for one group and more than one tap, where there is a
    /// [transposed](Spec::transposed) convolution.
    pub const fn in_blocks(&self) -> bool {
        self.groups == 1 && self.window[0] * self.window[1] > 1 && self.transposed().is_some()
    }

    /// Returns the row (axis 0) or column (axis 1) of the input that tap `tap` of output `position` reads, or `None` in the padding.
    pub fn source(&self, axis: usize, position: usize, tap: usize) -> Option<usize> {
        let before = self.padding[2 * axis];
        (position * self.stride[axis] + tap * self.dilation[axis])
            .checked_sub(before)
            .filter(|&source| source < self.input[axis])
    }

    /// Returns the taps of output `position` that are inside the input along an axis.
    pub fn taps_inside(&self, axis: usize, position: usize) -> Range<usize> {
        let (start, dilation) = (position * self.stride[axis], self.dilation[axis]);
        let before = self.padding[2 * axis];
        let first = before.saturating_sub(start).div_ceil(dilation).min(self.window[axis]);
        let end = (self.input[axis] + before).saturating_sub(start).div_ceil(dilation).min(self.window[axis]);
        first..end.max(first)
    }

    /// Returns the output positions for which tap `tap` is inside the input along an axis.
    pub fn positions_inside(&self, axis: usize, tap: usize) -> Range<usize> {
        let (offset, stride) = (tap * self.dilation[axis], self.stride[axis]);
        let before = self.padding[2 * axis];
        let first = before.saturating_sub(offset).div_ceil(stride).min(self.output[axis]);
        let end = (self.input[axis] + before).saturating_sub(offset).div_ceil(stride).min(self.output[axis]);
        first..end.max(first)
    }

    /// Returns the elements of one row of an input image and of an output image.
    pub const fn rows_len(&self) -> [usize; 2] {
        [self.input[1] * self.input[2], self.output[1] * self.output[2]]
    }

    /// Whether each pixel is convolved separately: the layer is one matrix product.
    pub const fn is_pointwise(&self) -> bool {
        matches!((self.groups, self.window, self.stride), (1, [1, 1], [1, 1]))
            && self.output[0] == self.input[0]
            && self.output[1] == self.input[1]
            && self.padding[0] == 0
            && self.padding[2] == 0
    }

    /// Returns the channels and filters of a group.
    pub const fn group(&self) -> [usize; 2] {
        [self.input[2] / self.groups, self.output[2] / self.groups]
    }

    /// Panics unless every operand has the length that these sizes require: a violation is a bug of the code emitter.
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
