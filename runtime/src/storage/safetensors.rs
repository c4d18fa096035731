//! The safetensors format: eight bytes with the length of a header, a header of JSON, then the numbers of each tensor, little
//! end first. Other programs read and write it too.

use std::path::Path;

use super::header::{self, Entry};
use super::kind;
use crate::error::Error;
use crate::scalar::Scalar;

/// The header's longest length, as in the format's own implementation.
const LONGEST_HEADER: u64 = 100_000_000;
const CHECKSUM: &str = "crc32";
const NO_CHECKSUM: &str = "00000000";

/// Named tensors and named texts, on their way to a file.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    metadata: Vec<(String, String)>,
    entries: Vec<Entry>,
    data: Vec<u8>,
}

impl Writer {
    /// With nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text.
    pub fn metadata(&mut self, key: &str, value: &str) {
        self.metadata.push((key.to_owned(), value.to_owned()));
    }

    /// Adds a tensor of `f32` or `f64`.
    pub fn tensor<T: Scalar>(&mut self, name: &str, shape: &[usize], numbers: &[T]) {
        let start = self.data.len();
        if T::NAME == f32::NAME {
            self.data.extend(numbers.iter().flat_map(|number| (number.to_f64() as f32).to_le_bytes()));
        } else {
            self.data.extend(numbers.iter().flat_map(|number| number.to_f64().to_le_bytes()));
        }
        self.entry(name, T::NAME, shape, start);
    }

    /// Adds a row of whole numbers.
    pub fn integers(&mut self, name: &str, integers: &[u64]) {
        let start = self.data.len();
        self.data.extend(integers.iter().flat_map(|integer| integer.to_le_bytes()));
        self.entry(name, "U64", &[integers.len()], start);
    }

    fn entry(&mut self, name: &str, numbers: &str, shape: &[usize], start: usize) {
        let range = [start, self.data.len()];
        self.entries.push(Entry { name: name.to_owned(), numbers: numbers.to_owned(), shape: shape.to_vec(), range });
    }

    /// The whole file. It carries a checksum of all its bytes in the text `crc32`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{{\"__metadata__\":{{\"{CHECKSUM}\":\"");
        let checksum_at = 8 + text.len();
        text.push_str(NO_CHECKSUM);
        text.push('"');
        for (key, value) in &self.metadata {
            text.push(',');
            header::write_string(&mut text, key);
            text.push(':');
            header::write_string(&mut text, value);
        }
        text.push('}');
        for Entry { name, numbers, shape, range } in &self.entries {
            text.push(',');
            header::write_string(&mut text, name);
            text.push_str(&format!(":{{\"dtype\":\"{numbers}\",\"shape\":{shape:?},\"data_offsets\":{range:?}}}"));
        }
        text.push('}');
        // The numbers start at a multiple of eight bytes.
        text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend_from_slice(&self.data);
        let checksum = format!("{:08x}", crc32(&[&bytes]));
        bytes[checksum_at..checksum_at + checksum.len()].copy_from_slice(checksum.as_bytes());
        bytes
    }

    /// Writes the file, by [`replace_file`](super::replace_file).
    ///
    /// # Errors
    /// [`Error::Io`] where the system refuses.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        super::replace_file(path, &self.to_bytes())
    }
}

/// A file read and checked: its tensors lie within it, do not overlap, and are as long as their shapes say.
#[derive(Debug)]
pub struct Reader {
    origin: String,
    metadata: Vec<(String, String)>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
    data: usize,
    checked: bool,
}

/// One tensor of a file.
#[derive(Clone, Copy, Debug)]
pub struct View<'f> {
    /// Its name.
    pub name: &'f str,
    /// Its kind of number: `F32`.
    pub numbers: &'f str,
    /// Its shape.
    pub shape: &'f [usize],
    bytes: &'f [u8],
}

impl View<'_> {
    /// The numbers of a tensor of F32 or F64, converted where `T` is the other; `None` for other kinds.
    pub fn scalars<T: Scalar>(&self) -> Option<Vec<T>> {
        match self.numbers {
            "F32" => Some(
                self.bytes.as_chunks().0.iter().map(|&bytes| T::from_f64(f32::from_le_bytes(bytes).into())).collect(),
            ),
            "F64" => {
                Some(self.bytes.as_chunks().0.iter().map(|&bytes| T::from_f64(f64::from_le_bytes(bytes))).collect())
            }
            _ => None,
        }
    }

    /// The whole numbers of a tensor of U64; `None` for other kinds.
    pub fn integers(&self) -> Option<Vec<u64>> {
        (self.numbers == "U64")
            .then(|| self.bytes.as_chunks().0.iter().map(|&bytes| u64::from_le_bytes(bytes)).collect())
    }
}

impl Reader {
    /// Reads a file and checks it.
    ///
    /// # Errors
    /// [`Error::Io`]; and those of [`Self::from_bytes`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(Error::io(path, "read"))?;
        Self::from_bytes(bytes, &path.display().to_string())
    }

    /// Checks the bytes of a file; `origin` names them in errors.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::TrailingBytes`], [`Error::Format`] for a header that does not make sense,
    /// [`Error::Checksum`] where the file carries one and it is another.
    pub fn from_bytes(bytes: Vec<u8>, origin: &str) -> Result<Self, Error> {
        let found = bytes.len() as u64;
        let truncated = |expected: u64| Error::Truncated { origin: origin.to_owned(), expected, found };
        let format = |found: String| Error::Format {
            origin: origin.to_owned(),
            expected: "a safetensors file".to_owned(),
            found,
        };
        // Behind its length, the header begins with a brace.
        if bytes.get(8) != Some(&b'{')
            && let Some(kind) = kind::of(&bytes)
        {
            return Err(format(kind.to_owned()));
        }
        let (length, _) = bytes.split_first_chunk::<8>().ok_or_else(|| truncated(8))?;
        let length = u64::from_le_bytes(*length);
        if length > LONGEST_HEADER {
            return Err(format(format!("a header of {length} bytes")));
        }
        let data = 8 + length as usize;
        let text = bytes.get(8..data).ok_or_else(|| truncated(data as u64))?;
        let text = std::str::from_utf8(text).map_err(|_| format("a header that is not UTF-8".to_owned()))?;
        let parsed = header::parse(text).map_err(|malformed| {
            format(format!("a header whose byte {} should be {}", malformed.at, malformed.expected))
        })?;
        let end = check_ranges(&parsed.entries).map_err(format)?;
        let expected = (data as u64).saturating_add(end as u64);
        if found < expected {
            return Err(truncated(expected));
        }
        if found > expected {
            return Err(Error::TrailingBytes { origin: origin.to_owned(), expected });
        }
        let checked = check_checksum(&bytes, text, &parsed.metadata).map_err(|(expected, found)| Error::Checksum {
            origin: origin.to_owned(),
            expected,
            found,
        })?;
        let (metadata, entries) = (parsed.metadata, parsed.entries);
        Ok(Self { origin: origin.to_owned(), metadata, entries, bytes, data, checked })
    }

    /// The name it has in errors.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether the file carried a checksum (and so passed it).
    pub fn has_checksum(&self) -> bool {
        self.checked
    }

    /// A text of the file.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
    }

    /// All tensors, in the header's order.
    pub fn tensors(&self) -> impl Iterator<Item = View<'_>> {
        self.entries.iter().map(|entry| self.view(entry))
    }

    /// The tensor of this name.
    pub fn tensor(&self, name: &str) -> Option<View<'_>> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| self.view(entry))
    }

    fn view<'f>(&'f self, entry: &'f Entry) -> View<'f> {
        let [start, end] = entry.range;
        View {
            name: &entry.name,
            numbers: &entry.numbers,
            shape: &entry.shape,
            bytes: &self.bytes[self.data + start..self.data + end],
        }
    }
}

/// The bytes of one number; 0 for a kind that is not read here, whose size is taken from its range.
fn size(numbers: &str) -> usize {
    match numbers {
        "F64" | "I64" | "U64" => 8,
        "F32" | "I32" | "U32" => 4,
        "F16" | "BF16" | "I16" | "U16" => 2,
        "I8" | "U8" | "BOOL" => 1,
        _ => 0,
    }
}

/// Each range as long as its shape says, one behind the other without gaps; returns the end of the last.
fn check_ranges(entries: &[Entry]) -> Result<usize, String> {
    let mut order: Vec<&Entry> = entries.iter().collect();
    order.sort_by_key(|entry| entry.range);
    let mut end = 0;
    for entry in &order {
        let Entry { name, numbers, shape, range } = entry;
        if range[0] != end || range[1] < range[0] {
            return Err(format!("`{name}` at bytes {range:?}, where {end} was next"));
        }
        end = range[1];
        let len = shape.iter().try_fold(size(numbers), |len, &size| len.checked_mul(size));
        if size(numbers) != 0 && len != Some(range[1] - range[0]) {
            return Err(format!("`{name}` of {numbers} {shape:?} in {} bytes", range[1] - range[0]));
        }
    }
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("two tensors `{}`", pair[0])),
        None => Ok(end),
    }
}

/// Whether there is a checksum, or the two that differ: written and computed.
fn check_checksum(bytes: &[u8], text: &str, metadata: &[(String, String)]) -> Result<bool, (String, String)> {
    let Some((_, written)) = metadata.iter().find(|(key, _)| key == CHECKSUM) else { return Ok(false) };
    // Where it stands as this crate writes it; another program may have moved it.
    let place = text.find(&format!("\"{CHECKSUM}\":\"{written}\"")).map(|at| 8 + at + CHECKSUM.len() + 4);
    let found = match place {
        Some(at) => crc32(&[&bytes[..at], NO_CHECKSUM.as_bytes(), &bytes[at + written.len()..]]),
        None => crc32(&[bytes]),
    };
    let found = format!("{found:08x}");
    if *written == found { Ok(true) } else { Err((written.clone(), found)) }
}

fn crc32(parts: &[&[u8]]) -> u32 {
    let mut checksum = flate2::Crc::new();
    parts.iter().for_each(|part| checksum.update(part));
    checksum.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut writer = Writer::new();
        writer.metadata("network", "Toy \"1\"");
        writer.tensor("dense1.kernel", &[2, 3], &[1.0_f32, -2.5, 3.0, f32::MIN_POSITIVE, 0.1, -0.0]);
        writer.tensor("dense1.bias", &[1], &[0.1_f64]);
        writer.integers("counters", &[u64::MAX, 7]);
        writer.to_bytes()
    }

    #[test]
    fn what_is_written_is_read_back_to_the_bit() {
        let reader = Reader::from_bytes(sample(), "sample").unwrap();
        assert!(reader.has_checksum());
        assert_eq!(reader.metadata("network"), Some("Toy \"1\""));
        let kernel = reader.tensor("dense1.kernel").unwrap();
        assert_eq!((kernel.numbers, kernel.shape), ("F32", &[2, 3][..]));
        let bits: Vec<u32> = kernel.scalars::<f32>().unwrap().iter().map(|number| number.to_bits()).collect();
        assert_eq!(bits, [1.0_f32, -2.5, 3.0, f32::MIN_POSITIVE, 0.1, -0.0].map(f32::to_bits));
        assert_eq!(reader.tensor("dense1.bias").unwrap().scalars::<f64>().unwrap(), [0.1]);
        assert_eq!(reader.tensor("counters").unwrap().integers().unwrap(), [u64::MAX, 7]);
    }

    #[test]
    fn the_reference_implementation_reads_it() {
        let bytes = sample();
        let file = ::safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let kernel = file.tensor("dense1.kernel").unwrap();
        assert_eq!((kernel.dtype(), kernel.shape()), (::safetensors::Dtype::F32, &[2, 3][..]));
        assert_eq!(kernel.data()[4..8], (-2.5_f32).to_le_bytes());
        assert_eq!(file.len(), 3);
    }

    #[test]
    fn it_reads_what_the_reference_implementation_writes() {
        let numbers: Vec<u8> = [1.5_f32, -2.0].iter().flat_map(|number| number.to_le_bytes()).collect();
        let view = ::safetensors::tensor::TensorView::new(::safetensors::Dtype::F32, vec![2, 1], &numbers).unwrap();
        let metadata = [("network".to_owned(), "Toy".to_owned())].into();
        let bytes = ::safetensors::serialize([("a.b", view)], Some(metadata)).unwrap();
        let reader = Reader::from_bytes(bytes, "theirs").unwrap();
        assert!(!reader.has_checksum());
        assert_eq!(reader.metadata("network"), Some("Toy"));
        assert_eq!(reader.tensor("a.b").unwrap().scalars::<f32>().unwrap(), [1.5, -2.0]);
    }

    #[test]
    fn a_file_cut_anywhere_or_with_bytes_added_is_refused() {
        let bytes = sample();
        for length in 0..bytes.len() {
            assert!(Reader::from_bytes(bytes[..length].to_vec(), "cut").is_err(), "{length}");
        }
        let longer = [&bytes[..], b"x"].concat();
        assert!(matches!(Reader::from_bytes(longer, "long"), Err(Error::TrailingBytes { .. })));
    }

    #[test]
    fn one_changed_byte_is_an_error_or_costs_the_checksum() {
        let bytes = sample();
        for place in 0..bytes.len() {
            for change in [1, 0x20, 0x80] {
                let mut damaged = bytes.clone();
                damaged[place] ^= change;
                let read = Reader::from_bytes(damaged, "damaged");
                assert!(read.map_or(true, |reader| !reader.has_checksum()), "byte {place} ^ {change}");
            }
        }
    }

    #[test]
    fn ranges_that_overlap_or_leave_the_file_are_refused() {
        for header in [
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
            r#"{"a":{"dtype":"F32","shape":[18446744073709551615,4],"data_offsets":[0,4]}}"#,
            r#"{"a":{"dtype":"F32","shape":[0],"data_offsets":[4,0]}}"#,
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        ] {
            let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend_from_slice(header.as_bytes());
            bytes.extend_from_slice(&[0; 8]);
            assert!(matches!(Reader::from_bytes(bytes, "bad"), Err(Error::Format { .. })), "{header}");
        }
        let enormous = u64::MAX.to_le_bytes().to_vec();
        assert!(matches!(Reader::from_bytes(enormous, "bad"), Err(Error::Format { .. })));
    }

    #[test]
    fn a_file_of_another_program_is_called_by_its_kind() {
        let zip = b"PK\x03\x04\0\0\x08\x08\0\0\0\0archive/data.pkl".to_vec();
        let error = Reader::from_bytes(zip, "net.pt").unwrap_err();
        let Error::Format { expected, found, .. } = &error else { panic!("{error}") };
        assert_eq!(expected, "a safetensors file");
        assert!(found.starts_with("a zip archive, as PyTorch"), "{found}");
        // Of a file that is too short for a header too.
        assert!(matches!(Reader::from_bytes(b"\x1f\x8b".to_vec(), "a.gz"), Err(Error::Format { .. })));
    }
}
