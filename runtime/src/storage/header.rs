//! The header of a safetensors file: the element type, shape and byte range of each tensor, and metadata texts.

use std::fmt;

use super::by_name::ByName;
use super::json::{Json, quoted};
use crate::order::sorted_places;

/// The key under which the header stores all texts.
const TEXTS: &str = "__metadata__";

/// An element type, as the format names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dtype {
    name: &'static str,
    bits: usize,
}

macro_rules! dtypes {
    ($($constant:ident $name:literal $bits:literal $about:literal;)*) => {
        impl Dtype {
            $(#[doc = $about] pub const $constant: Self = Self { name: $name, bits: $bits };)*

            const ALL: &[Self] = &[$(Self::$constant),*];
        }
    };
}

dtypes! {
    BOOL "BOOL" 8 "True or false.";
    F4 "F4" 4 "Floating point of 4 bits (OCP microscaling formats).";
    F6_E2M3 "F6_E2M3" 6 "Floating point of 6 bits, 3 of them for the fraction (OCP microscaling formats).";
    F6_E3M2 "F6_E3M2" 6 "Floating point of 6 bits, 2 of them for the fraction (OCP microscaling formats).";
    F8_E5M2 "F8_E5M2" 8 "Floating point of 8 bits, 2 of them for the fraction (Micikevicius et al., 2022).";
    F8_E4M3 "F8_E4M3" 8 "Floating point of 8 bits, 3 of them for the fraction (Micikevicius et al., 2022).";
    F8_E8M0 "F8_E8M0" 8 "A power of two (OCP microscaling formats).";
    F8_E4M3FNUZ "F8_E4M3FNUZ" 8 "Floating point of 8 bits without infinities, 3 of them for the fraction (Noune et al., 2022).";
    F8_E5M2FNUZ "F8_E5M2FNUZ" 8 "Floating point of 8 bits without infinities, 2 of them for the fraction (Noune et al., 2022).";
    U8 "U8" 8 "Whole numbers from 0, 8 bits.";
    I8 "I8" 8 "Whole numbers, 8 bits.";
    U16 "U16" 16 "Whole numbers from 0, 16 bits.";
    I16 "I16" 16 "Whole numbers, 16 bits.";
    U32 "U32" 32 "Whole numbers from 0, 32 bits.";
    I32 "I32" 32 "Whole numbers, 32 bits.";
    U64 "U64" 64 "Whole numbers from 0, 64 bits.";
    I64 "I64" 64 "Whole numbers, 64 bits.";
    F16 "F16" 16 "Half precision.";
    BF16 "BF16" 16 "The upper half of single precision.";
    F32 "F32" 32 "Single precision.";
    F64 "F64" 64 "Double precision.";
    C64 "C64" 64 "Complex, both parts in single precision.";
}

impl Dtype {
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|dtype| dtype.name == name)
    }
}

impl Dtype {
    /// Returns the number of bits of an element.
    pub(crate) fn bits(self) -> usize {
        self.bits
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The header's entry for one tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    /// The byte range, relative to the end of the header.
    pub(super) bytes: [usize; 2],
}

/// The prefix of netwright's keys, so that they do not collide with those of other programs.
pub(super) const OWN: &str = "netwright.";

/// The entries of all tensors and the metadata texts of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) texts: ByName<String>,
    pub(super) entries: ByName<Entry>,
}

impl Header {
    /// Returns one of netwright's texts; `key` is without [`OWN`].
    pub(super) fn own_text(&self, key: &str) -> Option<&str> {
        self.texts.get(&format!("{OWN}{key}")).map(String::as_str)
    }

    /// Returns the header as JSON, padded so that the data behind it starts at a multiple of eight bytes.
    pub(super) fn to_text(&self) -> String {
        let texts = self.texts.iter().map(|(key, text)| format!("{}:{}", quoted(key), quoted(text)));
        let texts = format!("{{{}}}", texts.collect::<Vec<_>>().join(","));
        let entries = self.entries.iter().map(|(name, Entry { dtype, shape, bytes: [start, end] })| {
            let (name, shape) = (quoted(name), listed(shape));
            format!("{name}:{{\"data_offsets\":[{start},{end}],\"dtype\":\"{dtype}\",\"shape\":{shape}}}")
        });
        let mut values: Vec<String> = entries.collect();
        // Entries are sorted by name, and the texts are sorted among them by their key.
        let (Ok(index) | Err(index)) = self.entries.position(TEXTS);
        values.insert(index, format!("{}:{texts}", quoted(TEXTS)));
        let mut text = format!("{{{}}}", values.join(","));
        text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
        text
    }

    /// Parses a header, and checks that tensors are contiguous and as long as their shapes say.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let header = Json::parse(text)?;
        let mut parsed = Self::default();
        for (name, value) in header.as_object().ok_or("no object")?.iter() {
            if name == TEXTS {
                let texts = value.as_object().ok_or("its texts are no object")?;
                for (key, text) in texts.iter() {
                    let text = text.as_text().ok_or_else(|| format!("the text `{key}` is none"))?;
                    parsed.texts.insert(key.to_owned(), text.to_owned());
                }
            } else {
                let entry = Entry::parse(value).map_err(|reason| format!("the tensor `{name}` {reason}"))?;
                parsed.entries.insert(name.to_owned(), entry);
            }
        }
        parsed.check()?;
        Ok(parsed)
    }

    /// Returns the end of the last tensor, relative to the end of the header.
    pub(super) fn data_len(&self) -> usize {
        self.entries.iter().map(|(_, entry)| entry.bytes[1]).max().unwrap_or(0)
    }

    /// Refuses tensors that overlap, and gaps between tensors.
    fn check(&self) -> Result<(), String> {
        let ranges: Vec<([usize; 2], &str)> = self.entries.iter().map(|(name, entry)| (entry.bytes, name)).collect();
        let mut end = 0;
        for index in sorted_places(ranges.len(), &|one, other| ranges[one].cmp(&ranges[other])) {
            let ([start, next], name) = ranges[index];
            if start != end {
                return Err(format!("the tensor `{name}` starts at byte {start}, where the one before ends at {end}"));
            }
            end = next;
        }
        Ok(())
    }
}

/// Formats integers as a JSON array.
pub(super) fn listed(numbers: &[usize]) -> String {
    format!("[{}]", numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(","))
}

impl Entry {
    fn parse(value: &Json) -> Result<Self, String> {
        let sizes = |key: &str| -> Option<Vec<usize>> {
            let sizes = value.get(key)?.as_array()?.iter();
            sizes.map(|size| size.as_whole().and_then(|size| usize::try_from(size).ok())).collect()
        };
        let name = value.get("dtype").and_then(Json::as_text).ok_or("has no dtype")?;
        let dtype = Dtype::named(name).ok_or_else(|| format!("has the unknown dtype `{name}`"))?;
        let shape = sizes("shape").ok_or("has no shape of whole numbers")?;
        let bytes: [usize; 2] =
            sizes("data_offsets").and_then(|offsets| offsets.try_into().ok()).ok_or("has no start and end")?;
        let elements = shape.iter().try_fold(1_usize, |len, &size| len.checked_mul(size));
        let bits = elements.and_then(|elements| elements.checked_mul(dtype.bits));
        let [start, end] = bytes;
        match bits {
            Some(bits) if bits % 8 == 0 && end.checked_sub(start) == Some(bits / 8) => Ok(Self { dtype, shape, bytes }),
            _ => Err(format!("of {shape:?} {dtype} lies from byte {start} to {end}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_the_name_and_size_of_the_reference_implementation() {
        for dtype in Dtype::ALL {
            let theirs: ::safetensors::Dtype = serde_json::from_value(dtype.name.into()).unwrap();
            assert_eq!((theirs.bitsize(), theirs.to_string()), (dtype.bits, dtype.to_string()));
            // Eight elements of any type fill whole bytes.
            let data = vec![0; dtype.bits];
            let view = ::safetensors::tensor::TensorView::new(theirs, vec![2, 4], &data).unwrap();
            let file = ::safetensors::serialize([("a", view)], None).unwrap();
            let header = Header::parse(file[8..file.len() - data.len()].trim_ascii()).unwrap();
            assert_eq!(
                header.entries.get("a"),
                Some(&Entry { dtype: *dtype, shape: vec![2, 4], bytes: [0, dtype.bits] })
            );
        }
    }

    #[test]
    fn a_header_that_makes_no_sense_says_which_tensor() {
        for (header, reason) in [
            (r#"{"a":{"dtype":"F32"}}"#, "the tensor `a` has no shape of whole numbers"),
            (r#"{"a":{"dtype":"F31","shape":[]}}"#, "the tensor `a` has the unknown dtype `F31`"),
            (
                r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
                "the tensor `a` of [2] F32 lies from byte 0 to 4",
            ),
            (
                r#"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}"#,
                "the tensor `a` of [3] F4 lies from byte 0 to 2",
            ),
            (
                r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#,
                "the tensor `b` starts at byte 1, where the one before ends at 2",
            ),
            (r#"{"__metadata__":{"a":1}}"#, "the text `a` is none"),
        ] {
            assert_eq!(Header::parse(header.as_bytes()).unwrap_err(), reason);
        }
    }
}
