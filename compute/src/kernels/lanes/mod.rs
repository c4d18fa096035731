//! Kernels of [`Layout::ImagesInLanes`](netwright_abi::Layout::ImagesInLanes): blocks of images whose elements lie side by side, so that
//! vectors are full whatever the number of channels.
//!
//! A kernel is given how many blocks there are as its batch. What treats all channels alike needs none of its own: it is called with
//! [`LANES`] times as many channels.

#![allow(unsafe_code)]

mod conv;
mod dense;
#[cfg(test)]
mod tests;
mod tile;

pub use conv::conv_lanes_forward;
pub use dense::dense_lanes_forward;
use netwright_abi::LANES;

/// The blocks of a value of `len` elements an image.
fn blocks<T>(value: &[T], len: usize) -> impl Iterator<Item = &[T]> {
    value.chunks_exact(len * LANES)
}
