//! The elements of a tensor of any data type, read one by one without a copy.

use std::borrow::Cow;
use std::fmt;

use crate::Error;
use crate::model::Tensor;
use crate::wire::{Field, Fields, varint};

/// The data type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum DataType {
    Float,
    Uint8,
    Int8,
    Int32,
    Int64,
    Bool,
    Float16,
    Double,
    BFloat16,
    /// Another type, with its number in `onnx.proto`.
    Other(i64),
}

impl DataType {
    /// The type with this number.
    pub(crate) fn of(number: i64) -> Self {
        match number {
            1 => Self::Float,
            2 => Self::Uint8,
            3 => Self::Int8,
            6 => Self::Int32,
            7 => Self::Int64,
            9 => Self::Bool,
            10 => Self::Float16,
            11 => Self::Double,
            16 => Self::BFloat16,
            other => Self::Other(other),
        }
    }

    /// The size of an element in bytes.
    pub(crate) fn size(self) -> Option<usize> {
        Some(match self {
            Self::Uint8 | Self::Int8 | Self::Bool => 1,
            Self::Float16 | Self::BFloat16 => 2,
            Self::Float | Self::Int32 => 4,
            Self::Int64 | Self::Double => 8,
            Self::Other(_) => return None,
        })
    }

    /// Whether the elements are floating-point values.
    pub fn is_float(self) -> bool {
        matches!(self, Self::Float | Self::Float16 | Self::Double | Self::BFloat16)
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(number) => write!(f, "data type {number}"),
            known => write!(f, "{known:?}"),
        }
    }
}

/// The elements of a tensor.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    kind: DataType,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Elements<'a> {
    /// The elements of a tensor with these bytes.
    pub(crate) fn of(tensor: &Tensor<'_>, bytes: Cow<'a, [u8]>) -> Result<Self, Error> {
        let wrong = |problem| Error::Tensor { tensor: tensor.name.to_owned(), problem };
        let size = tensor.kind.size().ok_or_else(|| wrong(format!("holds {}, which is not read", tensor.kind)))?;
        if bytes.len() != size * tensor.len() {
            let expected = size * tensor.len();
            return Err(wrong(format!("holds {} bytes, where its sizes say {expected}", bytes.len())));
        }
        Ok(Self { kind: tensor.kind, bytes })
    }

    /// The elements in the message of a tensor. Elements whose encoding differs from their representation in memory are converted, to
    /// at most `most` bytes.
    pub(crate) fn inside(tensor: &Tensor<'a>, message: &'a [u8], most: usize) -> Result<Self, Error> {
        const WHAT: &str = "a tensor";
        let wrong = |problem: String| Error::Tensor { tensor: tensor.name.to_owned(), problem };
        if tensor.is_external {
            return Err(wrong("lies in a file of its own, beside the model".to_owned()));
        }
        let size = tensor.kind.size().unwrap_or(1);
        let len = size * tensor.len();
        if len > most {
            return Err(wrong(format!("has sizes of {len} bytes, more than the whole file")));
        }
        let append = |bytes: &mut Cow<'a, [u8]>, more: &[u8]| {
            if bytes.len() + more.len() > len {
                return Err(wrong("has more elements than its sizes say".to_owned()));
            }
            if let Cow::Borrowed(first) = *bytes {
                // Allocate once for all following elements.
                let mut all = Vec::with_capacity(len);
                all.extend_from_slice(first);
                *bytes = all.into();
            }
            bytes.to_mut().extend_from_slice(more);
            Ok(())
        };
        let push = |bytes: &mut Cow<'a, [u8]>, more: &'a [u8]| {
            if !bytes.is_empty() {
                return append(bytes, more);
            }
            *bytes = more.into();
            Ok(())
        };
        let mut bytes: Cow<'a, [u8]> = Cow::Borrowed(&[]);
        for field in Fields::of(message, WHAT) {
            match field? {
                (9, field) => push(&mut bytes, field.bytes(WHAT)?)?,
                (4, Field::Bytes(packed)) if tensor.kind == DataType::Float => push(&mut bytes, packed)?,
                (10, Field::Bytes(packed)) if tensor.kind == DataType::Double => push(&mut bytes, packed)?,
                (4, Field::Fixed32(one)) => append(&mut bytes, &one)?,
                (10, Field::Fixed64(one)) => append(&mut bytes, &one)?,
                (5 | 7 | 11, Field::Varint(one)) => append(&mut bytes, &one.to_le_bytes()[..size])?,
                (5 | 7 | 11, Field::Bytes(mut packed)) => {
                    while let Some(one) = varint(&mut packed) {
                        append(&mut bytes, &one.to_le_bytes()[..size])?;
                    }
                }
                _ => {}
            }
        }
        Self::of(tensor, bytes)
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.kind.size().unwrap_or(1)
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The element at `index` as `f64`; `None` after the last.
    pub fn get(&self, index: usize) -> Option<f64> {
        fn chunk<const N: usize>(bytes: &[u8], index: usize) -> Option<[u8; N]> {
            bytes.get(index.checked_mul(N)?..)?.first_chunk().copied()
        }
        let bytes = &self.bytes;
        Some(match self.kind {
            DataType::Float => f64::from(f32::from_le_bytes(chunk(bytes, index)?)),
            DataType::Double => f64::from_le_bytes(chunk(bytes, index)?),
            DataType::Uint8 | DataType::Bool => f64::from(*bytes.get(index)?),
            DataType::Int8 => f64::from(bytes.get(index)?.cast_signed()),
            DataType::Int32 => f64::from(i32::from_le_bytes(chunk(bytes, index)?)),
            DataType::Int64 => i64::from_le_bytes(chunk(bytes, index)?) as f64,
            DataType::BFloat16 => {
                let [low, high] = chunk(bytes, index)?;
                f64::from(f32::from_le_bytes([0, 0, low, high]))
            }
            DataType::Float16 => half(u16::from_le_bytes(chunk(bytes, index)?)),
            DataType::Other(_) => return None,
        })
    }

    /// All elements as integers.
    pub fn integers(&self) -> Vec<i64> {
        match self.kind {
            DataType::Int64 => {
                self.bytes.chunks_exact(8).filter_map(|bytes| bytes.try_into().ok()).map(i64::from_le_bytes).collect()
            }
            _ => (0..self.len()).filter_map(|index| self.get(index)).map(|value| value as i64).collect(),
        }
    }
}

/// The value of a half-precision number.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let value = match exponent {
        0 => fraction * 2.0_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2.0_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -value } else { value }
}

/// The location of a tensor's elements in an external file.
#[derive(Debug)]
pub(crate) struct ExternalData<'a> {
    pub(crate) location: &'a str,
    pub(crate) offset: u64,
    pub(crate) length: Option<u64>,
}

impl<'a> ExternalData<'a> {
    pub(crate) fn read(tensor: &str, message: &'a [u8]) -> Result<Self, Error> {
        const WHAT: &str = "the place of a tensor";
        let wrong = |problem: &str| Error::Tensor { tensor: tensor.to_owned(), problem: problem.to_owned() };
        let mut place = Self { location: "", offset: 0, length: None };
        for field in Fields::of(message, WHAT) {
            let (13, field) = field? else { continue };
            let (mut key, mut value) = ("", "");
            for field in Fields::of(field.bytes(WHAT)?, WHAT) {
                match field? {
                    (1, field) => key = field.text(WHAT)?,
                    (2, field) => value = field.text(WHAT)?,
                    _ => {}
                }
            }
            let number = || value.parse().map_err(|_| wrong("says where it lies in a number that is none"));
            match key {
                "location" => place.location = value,
                "offset" => place.offset = number()?,
                "length" => place.length = Some(number()?),
                _ => {}
            }
        }
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn half_precision_is_widened_exactly() {
        for (bits, value) in
            [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 2.0_f64.powi(-24)), (0x7c00, f64::INFINITY)]
        {
            assert_eq!(half(bits), value);
        }
        assert!(half(0x7e00).is_nan());
    }
}
