//! HDF5, as far as Keras and h5py write it: <https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html>.
//!
//! Everything is read where it lies, field by field, and every length is held to the file before it is believed. What reading headers may take, in
//! steps and in memory, is a [`Budget`] of the file's length, so that links in a circle end as an error. Not read are the indexes of HDF5 1.10 for many chunks,
//! and links that lie in a heap of their own, which h5py writes only where it is asked for them.

mod attribute;
mod chunks;
mod dataset;
mod fields;
mod group;
mod header;
mod superblock;

use crate::budget::Budget;
use crate::trouble::Trouble;
use fields::{Fields, View};

pub(crate) use dataset::{DataSet, Visitor, walk};
pub(crate) use superblock::SIGNATURE;

/// An address that says that there is nothing.
const NOWHERE: u64 = u64::MAX;
