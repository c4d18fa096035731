//! What predictions read of the weights, as a file that is read where it lies: a header, then tensors that are kept, then what was prepared.
//! `core` alone.
//!
//! | bytes | what |
//! |---|---|
//! | 0..16 | `netwright/weight`: what kind of file it is |
//! | 16..20 | the version of this format, 1 |
//! | 20..24 | the layout of packed weights |
//! | 24..28 | the bytes of an element |
//! | 28..32 | CRC-32 of all that follows the header |
//! | 32..40 | the fingerprint: [`Architecture::FINGERPRINT`] |
//! | 40..64 | how many parameters, statistics and prepared elements there are |
//! | 64..128 | the network's name, filled up with zeros |
//! | 128.. | the elements of each of the three, each filled up with zeros to a multiple of 64 bytes |
//!
//! Numbers have the little end first.

use core::fmt;

use crate::architecture::Architecture;
use crate::prediction_weights::PredictionWeights;
use crate::predictor::LengthError;
use crate::scalar::Precision;
use crate::tensor::elements_in;
use netwright_compute::packed_layout::packed_layout;

const KIND: &[u8; 16] = b"netwright/weight";
const VERSION: u32 = 1;
/// The bytes of the header.
pub(crate) const HEADER: usize = 128;
const NAME: usize = 64;

/// A file of prepared weights that is not read.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PredictionFileError {
    /// Another kind of file.
    #[error("no file of prepared weights, as `OwnedPredictor::save` writes it")]
    Kind,
    /// A file of another version of the format.
    #[error("a file of prepared weights of version {found}; version {expected} is read")]
    Version {
        /// The version that is read.
        expected: u32,
        /// The file's.
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
    /// Weights of a network of this name that has other layers or other kernels.
    #[error(
        "weights prepared for {network} with other layers or other kernels: its text, a feature or the version of netwright has changed \
         since; prepare them anew"
    )]
    Plan {
        /// The network.
        network: &'static str,
    },
    /// Weights packed as other kernels read them.
    #[error(
        "weights packed in the layout {found}, where kernels read the layout {expected}: the version of netwright, or who multiplies \
         matrices, has changed since; prepare them anew"
    )]
    Layout {
        /// The layout that is read.
        expected: u32,
        /// The file's.
        found: u32,
    },
    /// Elements of another kind.
    #[error("elements of {found} bytes, where {expected} were expected")]
    Element {
        /// The bytes of an element of the network.
        expected: u32,
        /// Those of the file's.
        found: u32,
    },
    /// A file that is cut short, or goes on.
    #[error("{found} bytes, where {expected} were expected")]
    Length {
        /// Its bytes by the header.
        expected: u64,
        /// The bytes there are.
        found: u64,
    },
    /// Bytes that were damaged.
    #[error("damaged: the checksum of its elements is {found:08x}, the file says {expected:08x}")]
    Checksum {
        /// The checksum written in the file.
        expected: u32,
        /// That of its elements.
        found: u32,
    },
    /// Bytes to be borrowed that do not lie where elements can.
    #[error("the bytes do not start at a multiple of {expected}, as elements must")]
    Alignment {
        /// What the address must be a multiple of.
        expected: usize,
    },
    /// A processor with the big end first.
    #[error("the file has the little end of numbers first, the processor the big end")]
    ByteOrder,
    /// A workspace that is too short.
    #[error(transparent)]
    Workspace(#[from] LengthError),
}

/// The sentence, which `main` prints by it.
impl fmt::Debug for PredictionFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name of a network in a file, the first 64 bytes of it.
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

/// What a file of a network must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    name: &'static str,
    fingerprint: u64,
    layout: u32,
    element: usize,
    lens: [usize; 3],
}

impl Expected {
    /// Of a network.
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

    /// The bytes of each of the three groups of elements, without what fills them up.
    fn bytes(&self) -> [usize; 3] {
        self.lens.map(|len| len * self.element)
    }

    /// The bytes of a whole file.
    pub(crate) fn len(&self) -> usize {
        HEADER + self.bytes().into_iter().map(|bytes| bytes.next_multiple_of(64)).sum::<usize>()
    }

    /// The header of a file with this checksum.
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

    /// Checks the first bytes of a file of `total` bytes, and returns the checksum that they promise.
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

/// The weights in the bytes of a file, where they lie.
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
