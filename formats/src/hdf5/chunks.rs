//! Chunked storage: blocks of one size that cover a data set, each compressed separately.

use std::borrow::Cow;
use std::io::Read as _;

use flate2::bufread::ZlibDecoder;

use super::{Budget, Fields, ReadError, UNDEFINED, View};

/// The locations of a data set's chunks, and their filters.
pub(crate) struct Chunks {
    /// The sizes of a chunk along each axis of the data set.
    sizes: Vec<usize>,
    /// The size of an element in bytes.
    size: usize,
    filters: Vec<Filter>,
    index: Index,
}

enum Index {
    /// A single chunk.
    One(Stored),
    /// A B-tree of chunks by their first element.
    Tree(u64),
}

/// A chunk in the file.
#[derive(Clone, Copy)]
struct Stored {
    address: u64,
    len: usize,
    /// A bit for each filter that was skipped.
    mask: u32,
}

/// Called with the index of each chunk's first element, and the chunk.
type Callback<'s> = &'s mut dyn FnMut(&[usize], Stored) -> Result<(), ReadError>;

/// A filter that was applied to a chunk.
#[derive(Clone, Copy)]
pub(super) enum Filter {
    Deflate,
    /// Stores the first bytes of all elements first, then the second bytes, and so on; with the size of an element.
    Shuffle(usize),
    /// Appends a checksum of four bytes.
    Checksum,
}

/// The largest ratio of decompressed to compressed bytes in DEFLATE.
const MAX_DEFLATE_RATIO: usize = 1032;

impl Filter {
    /// Reads the filters of a data set, in the order of writing.
    pub(super) fn list(mut fields: Fields<'_>) -> Result<Vec<Self>, ReadError> {
        let (version, count) = (fields.byte()?, fields.byte()?);
        fields.take(if version == 1 { 6 } else { 0 })?;
        let mut filters = Vec::new();
        for _ in 0..count {
            let id = fields.number(2)?;
            let name = if version == 1 || id >= 256 { fields.count(2)? } else { 0 };
            fields.take(2)?;
            let values = fields.count(2)?;
            fields.take(name)?;
            let mut values = fields.take(4 * values + if version == 1 { values % 2 * 4 } else { 0 })?;
            filters.push(match id {
                1 => Self::Deflate,
                2 => Self::Shuffle(values.count(4)?),
                3 => Self::Checksum,
                _ => return Err(format!("is packed by filter {id}, and deflate, shuffle and fletcher32 are read").into()),
            });
        }
        Ok(filters)
    }

    /// Undoes the filter; the result has at most `most` bytes.
    fn undo<'f>(self, bytes: Cow<'f, [u8]>, most: usize) -> Result<Cow<'f, [u8]>, ReadError> {
        match self {
            Self::Deflate => {
                let mut unpacked = Vec::new();
                let read = ZlibDecoder::new(&bytes[..]).take(most as u64 + 1).read_to_end(&mut unpacked);
                read.map_err(|error| format!("has packed bytes that are none: {error}"))?;
                if unpacked.len() > most {
                    return Err(format!("unpacks to more than the {most} bytes that it says").into());
                }
                Ok(unpacked.into())
            }
            Self::Shuffle(size) => {
                let count = bytes.len().checked_div(size).ok_or("is shuffled by elements of no bytes")?;
                let mut whole = bytes.to_vec();
                for (index, byte) in bytes[..count * size].iter().enumerate() {
                    whole[index % count * size + index / count] = *byte;
                }
                Ok(whole.into())
            }
            Self::Checksum => {
                let (data, found) = bytes.split_last_chunk::<4>().ok_or("has no checksum")?;
                if u32::from_le_bytes(*found) != fletcher32(data) {
                    return Err("has another checksum than it says".into());
                }
                let len = data.len();
                Ok(match bytes {
                    Cow::Borrowed(bytes) => bytes[..len].into(),
                    Cow::Owned(mut bytes) => {
                        bytes.truncate(len);
                        bytes.into()
                    }
                })
            }
        }
    }
}

/// Returns the length of the file.
fn len_of(view: &View<'_>) -> usize {
    usize::try_from(view.contents.len()).unwrap_or(usize::MAX)
}

/// Computes the Fletcher checksum over big-endian words of two bytes.
fn fletcher32(bytes: &[u8]) -> u32 {
    let (mut sum, mut sums) = (0_u32, 0_u32);
    for pair in bytes.chunks(2) {
        let word = u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&low| u32::from(low));
        // Modulo 65535, where 0 is represented by 65535 unless all words are 0.
        sum = folded(sum + word);
        sums = folded(sums + sum);
    }
    sums << 16 | sum
}

fn folded(sum: u32) -> u32 {
    (sum & 0xffff) + (sum >> 16)
}

impl Chunks {
    /// Reads a layout message of this version; `None` if no chunk has been written.
    pub(super) fn read(
        mut fields: Fields<'_>,
        version: u8,
        shape: &[usize],
        size: usize,
        filters: Vec<Filter>,
    ) -> Result<Option<Self>, ReadError> {
        let flags = if version == 4 { fields.byte()? } else { 0 };
        let rank = usize::from(fields.byte()?);
        let address = if version == 3 { fields.address()? } else { UNDEFINED };
        let width = if version == 3 { 4 } else { usize::from(fields.byte()?) };
        // The last size is that of an element, in bytes.
        if rank != shape.len() + 1 || shape.is_empty() || !(1..=8).contains(&width) {
            return Err(format!("has chunks of {rank} sizes for sizes {shape:?}").into());
        }
        let sizes = (1..rank).map(|_| fields.count(width)).collect::<Result<Vec<usize>, ReadError>>()?;
        if fields.count(width)? != size || sizes.contains(&0) {
            return Err("has chunks of elements of another size".into());
        }
        let len = sizes.iter().try_fold(size, |len, &size| len.checked_mul(size)).ok_or("has sizes that overflow")?;
        let index = if version == 3 {
            Index::Tree(address)
        } else {
            match fields.byte()? {
                1 => {
                    let is_packed = flags & 2 != 0;
                    let packed = if is_packed {
                        (fields.count(fields.view.length)?, fields.number(4)? as u32)
                    } else {
                        (len, 0)
                    };
                    Index::One(Stored { address: fields.address()?, len: packed.0, mask: packed.1 })
                }
                kind => {
                    return Err(format!(
                        "has many chunks in an index of HDF5 1.10 (its kind {kind}), which is not read here: let h5py write it without `libver`"
                    ).into());
                }
            }
        };
        let is_written = !matches!(index, Index::Tree(UNDEFINED) | Index::One(Stored { address: UNDEFINED, .. }));
        Ok(is_written.then_some(Self { sizes, size, filters, index }))
    }

    /// Calls `visit` for each chunk.
    fn each<'f>(&self, view: &View<'f>, visit: Callback<'_>) -> Result<(), ReadError> {
        match self.index {
            Index::One(stored) => visit(&vec![0; self.sizes.len()], stored),
            Index::Tree(address) => {
                let mut budget = Budget::of(len_of(view));
                self.below(view, address, None, &mut budget, visit)
            }
        }
    }

    fn below<'f>(
        &self,
        view: &View<'f>,
        address: u64,
        expected: Option<u8>,
        budget: &mut Budget,
        visit: Callback<'_>,
    ) -> Result<(), ReadError> {
        let key = 8 + 8 * (self.sizes.len() + 1);
        let node = view.node(address, 1, expected, key, budget)?;
        let mut fields = node.entries;
        for _ in 0..node.count {
            let (len, mask) = (fields.count(4)?, fields.number(4)? as u32);
            let first = self.sizes.iter().map(|_| fields.count(8)).collect::<Result<Vec<usize>, ReadError>>()?;
            fields.take(8)?;
            let child = fields.address()?;
            match node.level.checked_sub(1) {
                Some(below) => self.below(view, child, Some(below), budget, visit)?,
                None => visit(&first, Stored { address: child, len, mask })?,
            }
        }
        Ok(())
    }

    /// Returns the elements of a data set of these sizes, in order.
    pub(super) fn elements(&self, view: &View<'_>, shape: &[usize]) -> Result<Vec<u8>, ReadError> {
        let total = shape.iter().product::<usize>() * self.size;
        let chunk = self.sizes.iter().product::<usize>() * self.size;
        // No more is allocated than the bytes in the file can decompress to.
        let (mut count, mut stored) = (0_usize, 0_usize);
        self.each(view, &mut |_, found| {
            view.part(found.address, found.len)?;
            (count, stored) = (count + 1, stored.saturating_add(found.len));
            Ok(())
        })?;
        let most =
            if self.filters.iter().any(|filter| matches!(filter, Filter::Deflate)) { MAX_DEFLATE_RATIO } else { 1 };
        let expected: usize = shape.iter().zip(&self.sizes).map(|(len, size)| len.div_ceil(*size)).product();
        if count != expected {
            return Err(format!("has {count} chunks where its sizes want {expected}").into());
        }
        if total > stored.saturating_mul(most) || chunk > total.max(len_of(view)) {
            return Err(format!("has {stored} bytes for sizes {shape:?}").into());
        }
        let mut whole = vec![0; total];
        self.each(view, &mut |first, found| {
            let bytes = self.unpacked(view, found, chunk)?;
            let fits = |((&first, &size), &len): ((&usize, &usize), &usize)| first < len && first % size == 0;
            if !first.iter().zip(&self.sizes).zip(shape).all(fits) {
                return Err("has a chunk outside of its sizes".into());
            }
            self.put(&bytes, first, shape, &mut whole);
            Ok(())
        })?;
        Ok(whole)
    }

    fn unpacked<'f>(&self, view: &View<'f>, stored: Stored, len: usize) -> Result<Cow<'f, [u8]>, ReadError> {
        let mut bytes = view.part(stored.address, stored.len)?.bytes()?;
        // Each filter may add a checksum of four bytes.
        let most = len + 4 * self.filters.len();
        for (number, filter) in self.filters.iter().enumerate().rev() {
            if stored.mask.checked_shr(number as u32).is_none_or(|mask| mask & 1 == 0) {
                bytes = filter.undo(bytes, most)?;
            }
        }
        if bytes.len() != len {
            return Err(format!("has a chunk of {} bytes where {len} are expected", bytes.len()).into());
        }
        Ok(bytes)
    }

    /// Copies the part of a chunk that is inside the data set, row by row of the last axis.
    fn put(&self, bytes: &[u8], first: &[usize], shape: &[usize], whole: &mut [u8]) {
        let last = self.sizes.len() - 1;
        let row = self.sizes[last] * self.size;
        let len = self.sizes[last].min(shape[last] - first[last]) * self.size;
        for (number, bytes) in bytes.chunks_exact(row).enumerate() {
            let (mut rest, mut offset, mut stride, mut is_inside) = (number, first[last], shape[last], true);
            for axis in (0..last).rev() {
                let index = first[axis] + rest % self.sizes[axis];
                rest /= self.sizes[axis];
                is_inside &= index < shape[axis];
                offset += index * stride;
                stride *= shape[axis];
            }
            if is_inside {
                whole[offset * self.size..][..len].copy_from_slice(&bytes[..len]);
            }
        }
    }
}
