//! The passes between the typed graph and code emission: one pure function per file, in this order.
//!
//! | pass | effect |
//! |---|---|
//! | [`initial_weights`] | every weight has an initialisation |
//! | [`fold`] | prediction: a node that scales and shifts channels is part of the layer before it |
//! | [`fuse`] | activations, and in predictions sums, are part of the kernel before them |
//! | [`expand`] | a layer with a connection table is an ordinary layer, preceded by a node that computes all of its weights |
//! | [`select`] | every node has a kernel for each direction of its phase; weights are prepared for kernels that read them prepared |
//! | [`assign_layouts`] | prediction of blocks of images, where it pays off: every value has a layout, and nodes convert between layouts |
//! | [`fuse_pools`] | prediction, one image at a time: pools are part of the kernel before them where the selected one supports it |
//! | [`fuse_depthwise`] | prediction, one image at a time: depthwise convolutions are part of the kernel after them where it supports that |
//! | [`predict`] | the calls that prepare weights, and the calls that predict |
//! | [`fix_sizes`] | prediction: kernels of small layers are compiled with constant sizes |
//! | [`differentiate`] | the calls of a training step, forward and backward |
//! | [`plan_memory`] | every value of a program has an address |

mod assign_layouts;
mod differentiate;
mod expand;
mod fix_sizes;
mod fold;
mod fuse;
mod fuse_depthwise;
mod fuse_pools;
mod initial_weights;
mod merging;
mod plan_memory;
mod predict;
mod select;

pub use assign_layouts::{ImageBlocks, assign_layouts};
pub use differentiate::differentiate;
pub use expand::expand;
pub use fix_sizes::fix_sizes;
pub use fold::fold;
pub use fuse::fuse;
pub use fuse_depthwise::fuse_depthwise;
pub use fuse_pools::fuse_pools;
pub use initial_weights::initial_weights;
pub use plan_memory::{BufferSlot, MemoryPlan, Source, plan_memory};
pub use predict::predict;
pub use select::select;
