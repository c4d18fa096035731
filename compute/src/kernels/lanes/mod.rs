//! Kernels of [`Layout::ImagesInLanes`](netwright_abi::Layout::ImagesInLanes): blocks of images whose elements lie side by side, so that
//! vectors are full whatever the number of channels.
//!
//! Kernels called `blocks` read and write images one after the other and lay a block of them in the lanes at a time, in scratch memory.
//! The others are given how many blocks there are as their batch. What treats all channels alike needs none of its own: it is called with
//! [`LANES`] times as many channels.

#![allow(unsafe_code)]

mod conv;
mod conv_blocks;
mod dense;
mod grad_weights;
#[cfg(test)]
mod tests;
mod tile;

pub use conv::conv_lanes_forward;
pub use conv_blocks::{
    conv_blocks_forward, conv_blocks_forward_scratch, conv_blocks_grad_input, conv_blocks_grad_input_scratch,
    conv_blocks_grad_weights, conv_blocks_grad_weights_scratch,
};
pub use dense::dense_lanes_forward;
use netwright_abi::LANES;

/// The blocks of a value of `len` elements an image.
fn blocks<T>(value: &[T], len: usize) -> impl Iterator<Item = &[T]> {
    value.chunks_exact(len * LANES)
}
