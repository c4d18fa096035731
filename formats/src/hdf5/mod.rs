//! HDF5, as far as Keras and h5py write it: <https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html>.
//!
//! Everything is read where it lies, and every length is held to the file before it is believed. What reading headers may take, in steps and in
//! memory, is a [`Budget`] of the file's length, so that links in a circle end as an error. Not read are the indexes of HDF5 1.10 for many chunks,
//! and links that lie in a heap of their own, which h5py writes only where it is asked for them.

mod attribute;
mod chunks;
mod dataset;
mod group;
mod header;
mod superblock;

use crate::budget::Budget;

pub(crate) use dataset::{DataSet, Visitor, walk};
pub(crate) use superblock::SIGNATURE;

/// The bytes of a file, and how wide its addresses and lengths are.
#[derive(Clone, Copy)]
pub(crate) struct View<'f> {
    bytes: &'f [u8],
    /// Bytes of an address.
    address: usize,
    /// Bytes of a length.
    length: usize,
}

/// An address that says that there is nothing.
const NOWHERE: u64 = u64::MAX;

impl<'f> View<'f> {
    /// The bytes of a part.
    fn part(&self, place: u64, len: usize) -> Result<&'f [u8], String> {
        let part = usize::try_from(place).ok().and_then(|start| self.bytes.get(start..start.checked_add(len)?));
        part.ok_or_else(|| format!("{len} bytes at {place}, outside of its {} bytes", self.bytes.len()))
    }

    /// A part that begins with these four letters.
    fn signed(&self, place: u64, len: usize, signature: [u8; 4]) -> Result<Fields<'f>, String> {
        let part = self.part(place, len.max(4))?;
        if part[..4] != signature {
            return Err(format!("no {} at {place}", signature.escape_ascii()));
        }
        Ok(self.fields(&part[4..]))
    }

    /// To be read from its start.
    fn fields(&self, bytes: &'f [u8]) -> Fields<'f> {
        Fields { bytes, address: self.address, length: self.length }
    }
}

/// Bytes that are read field by field, little end first.
#[derive(Clone)]
struct Fields<'f> {
    bytes: &'f [u8],
    address: usize,
    length: usize,
}

impl<'f> Fields<'f> {
    fn take(&mut self, len: usize) -> Result<&'f [u8], String> {
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or("a header that ends early")?;
        self.bytes = rest;
        Ok(taken)
    }

    /// A number of at most eight bytes.
    fn number(&mut self, len: usize) -> Result<u64, String> {
        let bytes = self.take(len)?;
        Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    /// A number that counts bytes or elements in memory.
    fn count(&mut self, len: usize) -> Result<usize, String> {
        usize::try_from(self.number(len)?).map_err(|_| "a size that overflows".to_owned())
    }

    /// Where something lies, or [`NOWHERE`].
    fn place(&mut self) -> Result<u64, String> {
        let place = self.number(self.address)?;
        let nowhere = NOWHERE >> (64 - 8 * self.address);
        Ok(if place == nowhere { NOWHERE } else { place })
    }

    fn len(&mut self) -> Result<u64, String> {
        self.number(self.length)
    }
}
