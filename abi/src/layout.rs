//! How the elements of a value lie in memory.

/// Images of a block of [`Layout::ImagesInLanes`]: the lanes of the widest vector of single precision, and a cache line.
pub const LANES: usize = 16;

/// How the elements of a value lie in memory, for a whole batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `[images][height][width][channels]`: images one after the other, channels innermost.
    #[default]
    ChannelsLast,
    /// `[blocks][height][width][channels][images]`: blocks of [`LANES`] images, which lie side by side for each element. The last
    /// block is filled up with images of zeros.
    ///
    /// What treats all channels alike can take a block for one image of [`LANES`] times as many channels.
    ImagesInLanes,
}

impl Layout {
    /// Images that lie in one another's midst: a value is cut between them alone.
    pub const fn images(self) -> usize {
        match self {
            Self::ChannelsLast => 1,
            Self::ImagesInLanes => LANES,
        }
    }

    /// Elements of a value of `len` elements an image for `batch` images, with those that fill up the last block.
    pub const fn elements(self, batch: usize, len: usize) -> usize {
        batch.next_multiple_of(self.images()) * len
    }
}
