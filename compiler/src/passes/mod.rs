//! What happens between the typed graph and the emission: one pure function per file, in this order.
//!
//! | pass | what holds after it |
//! |---|---|
//! | [`initial_weights`] | every weight knows how it starts |
//! | [`fold`] | predicting: what scales and shifts channels is done by the layer before it |
//! | [`fuse`] | activations, and predicting also sums, are done by the kernel before them |
//! | [`expand`] | what has its weights from a table is an ordinary layer, behind a node that computes all of its weights |
//! | [`select`] | every node has a kernel for each direction of its phase; weights are prepared for those that read them so |
//! | [`assign_layouts`] | predicting blocks of images, where it pays: every value has a layout, and what turns one into another is a node |
//! | [`fuse_pools`] | predicting, images one by one: pools are done by the kernel before them where the selected one can |
//! | [`fuse_depthwise`] | predicting, images one by one: depthwise convolutions are done by the kernel behind them where the selected one can |
//! | [`predict`] | the calls that prepare, and those that predict |
//! | [`fix_sizes`] | predicting: kernels of small layers are compiled for their sizes alone |
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
