//! HDF5, as far as Keras and h5py use it: <https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html>.
//!
//! Everything is read in place, field by field, and every length is checked against the file before it is used. The steps and the memory for reading
//! headers are limited by a [`Budget`] of the file's length, so that cyclic links end in an error. Not supported are the indexes of HDF5 1.10 for
//! many chunks, and links in a heap of their own, which h5py writes only on request.

mod attribute;
mod chunks;
mod dataset;
mod fields;
mod group;
mod header;
mod superblock;

use crate::budget::Budget;
use crate::read_error::ReadError;
use fields::{Fields, View};

pub(crate) use dataset::{DataSet, Visitor, traverse};
pub(crate) use superblock::SIGNATURE;

/// The undefined address.
const UNDEFINED: u64 = u64::MAX;
