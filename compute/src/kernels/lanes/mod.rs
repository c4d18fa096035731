//! Kernels of the layout [`Layout::ImagesInLanes`](netwright_abi::Layout::ImagesInLanes): blocks of [`LANES`] images with the images in the
//! lanes, so that vectors are full whatever the number of channels.
//!
//! Kernels named `blocks` read and write contiguous images and transpose one block at a time in scratch memory. The batch of the others is
//! the number of blocks. A kernel that treats all channels alike has no variant here: it is called with [`LANES`] times as many channels.

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

/// Returns the blocks of a value with `len` elements per image.
fn blocks<T>(value: &[T], len: usize) -> impl Iterator<Item = &[T]> {
    value.chunks_exact(len * LANES)
}
