//! Data for training: data sets in memory, and readers of files.
//!
//! ```no_run
//! use netwright_runtime::Tensor;
//! use netwright_train::data;
//! # fn main() -> Result<(), netwright_runtime::Error> {
//! let (train, test) = data::mnist("mnist")?;
//! let train: data::Dataset<Tensor<28, 28, 1>> = train.dataset()?;
//! let (train, validation) = train.split(0.1, 1)?;
//! # Ok(())
//! # }
//! ```

pub mod cifar;
pub mod csv;
mod dataset;
mod file;
#[cfg(feature = "images")]
pub mod folder;
pub mod idx;
mod images;
mod normalization;

pub use cifar::cifar10;
pub use dataset::{Batches, Dataset};
pub(crate) use dataset::{in_order_of, shuffled};
pub use idx::mnist;
pub use images::{Images, LabelledImages, resize};
pub use normalization::Normalization;
