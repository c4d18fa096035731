//! The layouts of a value in memory.

/// The images of a block of [`Layout::ImagesInLanes`]: the lanes of the widest vector in single precision, which is a cache line.
pub const LANES: usize = 16;

/// The layout of a value in memory, for a whole batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `[images][height][width][channels]`: contiguous images, channels innermost.
    #[default]
    ChannelsLast,
    /// `[blocks][height][width][channels][images]`: blocks of [`LANES`] images, whose elements of the same index are contiguous. The last
    /// block is padded with images of zeros.
    ///
    /// A kernel that treats all channels alike computes a block as one image of [`LANES`] times as many channels.
    ImagesInLanes,
}

impl Layout {
    /// Returns the images that are interleaved: a value is split only between such blocks.
    pub const fn images(self) -> usize {
        match self {
            Self::ChannelsLast => 1,
            Self::ImagesInLanes => LANES,
        }
    }

    /// Returns the elements of a value of `len` elements per image for `batch` images, including the padding of the last block.
    pub const fn elements(self, batch: usize, len: usize) -> usize {
        batch.next_multiple_of(self.images()) * len
    }
}
