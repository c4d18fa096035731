//! Files of prepared weights, which are usable in place: a header, then the tensors that predictions read unchanged, then the prepared weights.
//! `core` alone.
//!
//! | bytes | contents |
//! |---|---|
//! | 0..16 | `netwright/weight`: the kind of file |
//! | 16..20 | the version of this format, 1 |
//! | 20..24 | the version of the packed layout |
//! | 24..28 | the size of an element in bytes |
//! | 28..32 | the CRC-32 of all that follows the header |
//! | 32..40 | the fingerprint: [`Architecture::FINGERPRINT`] |
//! | 40..64 | the numbers of parameters, statistics and prepared elements |
//! | 64..128 | the network's name, padded with zeros |
//! | 128.. | the elements of each of the three, each padded with zeros to a multiple of 64 bytes |
//!
//! Numbers are little-endian.

use core::fmt;

use crate::architecture::Architecture;
use crate::prediction_weights::PredictionWeights;
use crate::predictor::LengthError;
use crate::scalar::Precision;
use crate::tensor::elements_in;
use netwright_compute::packed_layout::packed_layout;

const KIND: &[u8; 16] = b"netwright/weight";
const VERSION: u32 = 1;
/// The size of the header in bytes.
pub(crate) const HEADER: usize = 128;
const NAME: usize = 64;

/// The reason why a file of prepared weights cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PredictionFileError {
    /// A file of another kind.
    #[error("no file of prepared weights, as `OwnedPredictor::save` writes it")]
    Kind,
    /// A file in another version of the format.
    #[error("a file of prepared weights of version {found}; version {expected} is read")]
    Version {
        /// The supported version.
        expected: u32,
        /// The file's version.
        found: u32,
    },
    /// Weights of a network of another name.
    #[error("the weights of {found}, where those of {expected} were expected")]
    Network {
        /// The network that should predict.
        expected: &'static str,
        /// The network that was saved.
        found: NetworkName,
    },
    /// Weights of a network of this name with other layers or other kernels.
    #[error(
        "weights prepared for {network} with other layers or other kernels: its text, a feature or the version of netwright has changed \
         since; prepare them anew"
    )]
    Plan {
        /// The network.
        network: &'static str,
    },
    /// Weights in another packed layout than the kernels read.
    #[error(
        "weights packed in the layout {found}, where kernels read the layout {expected}: the version of netwright, or who multiplies \
         matrices, has changed since; prepare them anew"
    )]
    Layout {
        /// The layout that the kernels read.
        expected: u32,
        /// The file's layout.
        found: u32,
    },
    /// Elements of another size.
    #[error("elements of {found} bytes, where {expected} were expected")]
    Element {
        /// The size of the network's elements in bytes.
        expected: u32,
        /// The size of the file's elements in bytes.
        found: u32,
    },
    /// A file that is too short or too long.
    #[error("{found} bytes, where {expected} were expected")]
    Length {
        /// The length according to the header, in bytes.
        expected: u64,
        /// The length of the file.
        found: u64,
    },
    /// Damaged elements.
    #[error("damaged: the checksum of its elements is {found:08x}, the file says {expected:08x}")]
    Checksum {
        /// The checksum written in the file.
        expected: u32,
        /// The checksum of its elements.
        found: u32,
    },
    /// Borrowed bytes that are not aligned as elements must be.
    #[error("the bytes do not start at a multiple of {expected}, as elements must")]
    Alignment {
        /// The alignment that is needed, in bytes.
        expected: usize,
    },
    /// A big-endian processor.
    #[error("the file has the little end of numbers first, the processor the big end")]
    ByteOrder,
    /// A workspace that is too short.
    #[error(transparent)]
    Workspace(#[from] LengthError),
}

/// Writes the same sentence as `Display`, since `main` prints errors by `Debug`.
impl fmt::Debug for PredictionFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name of a network in a file: its first 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NetworkName([u8; NAME]);

impl NetworkName {
    fn of(name: &str) -> Self {
        let mut bytes = [0; NAME];
        let len = (0..=NAME.min(name.len())).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
        bytes[..len].copy_from_slice(&name.as_bytes()[..len]);
        Self(bytes)
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.0.iter().position(|byte| *byte == 0).unwrap_or(NAME);
        f.write_str(core::str::from_utf8(&self.0[..len]).unwrap_or("a network whose name is none"))
    }
}

impl fmt::Debug for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The header that a file of a network must have.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    name: &'static str,
    fingerprint: u64,
    layout: u32,
    element: usize,
    lens: [usize; 3],
}

impl Expected {
    /// Returns the header of a network.
    pub(crate) fn of<N: Architecture>() -> Self {
        let [parameters, statistics] = N::KEPT.lens();
        Self {
            name: N::NAME,
            fingerprint: N::FINGERPRINT,
            layout: packed_layout::<N::Scalar>(),
            element: size_of::<N::Scalar>(),
            lens: [parameters, statistics, N::PREPARED],
        }
    }

    /// Returns the size in bytes of each of the three groups of elements, without padding.
    fn bytes(&self) -> [usize; 3] {
        self.lens.map(|len| len * self.element)
    }

    /// Returns the size in bytes of a whole file.
    pub(crate) fn len(&self) -> usize {
        HEADER + self.bytes().into_iter().map(|bytes| bytes.next_multiple_of(64)).sum::<usize>()
    }

    /// Returns the header of a file with this checksum.
    #[cfg(feature = "std")]
    pub(crate) fn header(&self, checksum: u32) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        let mut rest = &mut header[..];
        let mut put = |bytes: &[u8]| {
            let (front, back) = core::mem::take(&mut rest).split_at_mut(bytes.len());
            front.copy_from_slice(bytes);
            rest = back;
        };
        put(KIND);
        [VERSION, self.layout, self.element as u32, checksum].iter().for_each(|number| put(&number.to_le_bytes()));
        put(&self.fingerprint.to_le_bytes());
        self.lens.iter().for_each(|len| put(&(*len as u64).to_le_bytes()));
        put(&NetworkName::of(self.name).0);
        header
    }

    /// Checks the first bytes of a file of `total` bytes, and returns the checksum in its header.
    pub(crate) fn check(&self, start: &[u8], total: u64) -> Result<u32, PredictionFileError> {
        use PredictionFileError as E;
        if !start.starts_with(KIND) {
            return Err(E::Kind);
        }
        let short = E::Length { expected: HEADER as u64, found: total };
        let number =
            |at: usize| start.get(at..at + 4).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_le_bytes(*bytes));
        let long =
            |at: usize| start.get(at..at + 8).and_then(<[u8]>::first_chunk).map(|bytes| u64::from_le_bytes(*bytes));
        let version = number(16).ok_or(short)?;
        if version != VERSION {
            return Err(E::Version { expected: VERSION, found: version });
        }
        let header: &[u8; HEADER] = start.first_chunk().ok_or(short)?;
        let mut name = [0; NAME];
        name.copy_from_slice(&header[HEADER - NAME..]);
        if NetworkName(name) != NetworkName::of(self.name) {
            return Err(E::Network { expected: self.name, found: NetworkName(name) });
        }
        let (layout, element) = (number(20).ok_or(short)?, number(24).ok_or(short)?);
        if element != self.element as u32 {
            return Err(E::Element { expected: self.element as u32, found: element });
        }
        if layout != self.layout {
            return Err(E::Layout { expected: self.layout, found: layout });
        }
        let lens = [40, 48, 56].map(long);
        if long(32) != Some(self.fingerprint) || lens != self.lens.map(|len| Some(len as u64)) {
            return Err(E::Plan { network: self.name });
        }
        if total != self.len() as u64 {
            return Err(E::Length { expected: self.len() as u64, found: total });
        }
        if cfg!(target_endian = "big") {
            return Err(E::ByteOrder);
        }
        number(28).ok_or(short)
    }
}

/// Borrows the weights in the bytes of a file.
pub(crate) fn borrow<N: Architecture>(bytes: &[u8]) -> Result<PredictionWeights<'_, N::Scalar>, PredictionFileError> {
    let expected = Expected::of::<N>();
    let [parameters, statistics, prepared] = borrow_groups(&expected, bytes)?;
    Ok(PredictionWeights::kept(&N::KEPT, parameters, statistics, prepared))
}

fn borrow_groups<'b, T: Precision>(expected: &Expected, bytes: &'b [u8]) -> Result<[&'b [T]; 3], PredictionFileError> {
    expected.check(bytes, bytes.len() as u64)?;
    let mut rest = &bytes[HEADER..];
    let mut groups = [&[][..]; 3];
    for (group, len) in groups.iter_mut().zip(expected.bytes()) {
        let elements = elements_in(&rest[..len]);
        *group = elements.ok_or(PredictionFileError::Alignment { expected: align_of::<T>() })?;
        rest = &rest[len.next_multiple_of(64)..];
    }
    Ok(groups)
}
