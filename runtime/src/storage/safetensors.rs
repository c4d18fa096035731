//! The safetensors format: eight bytes with the length of a header, a header in JSON, then the elements of each tensor,
//! little-endian. Other programs read and write it too.

use std::path::Path;

use netwright_abi::FileKind;

use super::by_name::ByName;
pub use super::header::Dtype;
use super::header::{Entry, Header, OWN, listed};
use super::json::quoted;
use super::{half, kind};
use crate::error::Error;
use crate::scalar::{Precision, Scalar};

/// The largest length of a header, as in the reference implementation of the format.
pub(super) const MAX_HEADER_LEN: u64 = 100_000_000;
const CHECKSUM: &str = "netwright.crc32";

/// A writer that collects named tensors and named texts for a file.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    header: Header,
    data: Vec<u8>,
}

impl Writer {
    /// Creates an empty writer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text under the key `netwright.` followed by `key`.
    pub fn metadata(&mut self, key: &str, value: &str) {
        self.header.texts.insert(format!("{OWN}{key}"), value.to_owned());
    }

    /// Adds a text under a key of another program: `format`.
    pub fn text(&mut self, key: &str, value: &str) {
        self.header.texts.insert(key.to_owned(), value.to_owned());
    }

    /// Adds a scalar integer, a tensor without axes.
    pub fn count(&mut self, name: &str, count: i64) {
        self.entry(name, Dtype::I64, &[], count.to_le_bytes().into_iter());
    }

    /// Adds a tensor of `f32` or `f64`.
    #[inline(never)]
    pub fn tensor<T: Precision>(&mut self, name: &str, shape: &[usize], elements: &[T]) {
        if T::NAME == f32::NAME {
            let bytes = elements.iter().flat_map(|element| (element.to_f64() as f32).to_le_bytes());
            self.entry(name, Dtype::F32, shape, bytes);
        } else {
            self.entry(name, Dtype::F64, shape, elements.iter().flat_map(|element| element.to_f64().to_le_bytes()));
        }
    }

    /// Adds a vector of integers.
    pub fn integers(&mut self, name: &str, integers: &[u64]) {
        let bytes = integers.iter().flat_map(|integer| integer.to_le_bytes());
        self.entry(name, Dtype::U64, &[integers.len()], bytes);
    }

    fn entry(&mut self, name: &str, dtype: Dtype, shape: &[usize], bytes: impl Iterator<Item = u8>) {
        let start = self.data.len();
        self.data.extend(bytes);
        let entry = Entry { dtype, shape: shape.to_vec(), bytes: [start, self.data.len()] };
        self.header.entries.insert(name.to_owned(), entry);
    }

    /// Returns the bytes of the file: the same tensors and texts give the same bytes. It contains a [`Checksum`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let checksum = checksum(texts(&self.header.texts), views(&self.header.entries, &self.data));
        let mut header = self.header.clone();
        header.texts.insert(CHECKSUM.to_owned(), checksum);
        let text = header.to_text();
        [&(text.len() as u64).to_le_bytes(), text.as_bytes(), &self.data].concat()
    }

    /// Writes the file by [`replace_file`](super::replace_file).
    ///
    /// # Errors
    /// [`Error::Io`] where the system cannot write.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        super::replace_file(path.as_ref(), &self.to_bytes())
    }
}

/// The state of a file's checksum: the CRC-32 of the names, types, shapes and bytes of all tensors and of netwright's texts, each sorted by
/// name. The order of tensors in the file, the white space of its header and the texts of other programs do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// There is no checksum: another program wrote the file.
    None,
    /// The contents are those that were written.
    Matches,
    /// Tensors have changed since they were written: by another program, or by damage.
    Differs {
        /// The checksum in the file.
        expected: String,
        /// The checksum of its contents.
        found: String,
    },
}

/// A file in memory, read and checked: its tensors are inside it, do not overlap, and are as long as their shapes say.
#[derive(Debug)]
pub struct WeightFile {
    origin: String,
    header: Header,
    bytes: Vec<u8>,
    data: usize,
}

/// One tensor of a file.
#[derive(Clone, Copy, Debug)]
pub struct View<'f> {
    /// Its name.
    pub name: &'f str,
    /// Its element type.
    pub dtype: Dtype,
    /// Its shape.
    pub shape: &'f [usize],
    bytes: &'f [u8],
}

impl Dtype {
    /// Returns whether it is a floating-point type that [`Dtype::scalars`] reads: F16, BF16, F32, F64.
    pub fn is_floating(self) -> bool {
        matches!(self, Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64)
    }

    /// Returns the floating-point elements in `bytes`, little-endian, rounded where `T` is narrower; `None` for other types.
    pub fn scalars<T: Precision>(self, bytes: &[u8]) -> Option<Vec<T>> {
        fn each<T: Precision, const SIZE: usize>(bytes: &[u8], number: impl Fn([u8; SIZE]) -> f64) -> Option<Vec<T>> {
            Some(bytes.as_chunks().0.iter().map(|&bytes| T::from_f64(number(bytes))).collect())
        }
        match self {
            Dtype::F16 => each(bytes, |bytes| half::f16(u16::from_le_bytes(bytes))),
            Dtype::BF16 => each(bytes, |bytes| half::bf16(u16::from_le_bytes(bytes))),
            Dtype::F32 => each(bytes, |bytes| f32::from_le_bytes(bytes).into()),
            Dtype::F64 => each(bytes, f64::from_le_bytes),
            _ => None,
        }
    }

    /// Writes the floating-point elements at the indices `base + further` of `bytes` to `elements`, rounded where `T` is narrower. For another
    /// type, and for indices out of range, nothing is written.
    pub(crate) fn gather<T: Precision>(self, bytes: &[u8], base: usize, further: &[usize], elements: &mut [T]) {
        fn each<T: Precision, const SIZE: usize>(
            (bytes, base, further): (&[u8], usize, &[usize]),
            elements: &mut [T],
            number: impl Fn([u8; SIZE]) -> f64,
        ) {
            let all = bytes.as_chunks().0;
            for (element, further) in elements.iter_mut().zip(further) {
                if let Some(&bytes) = all.get(base + further) {
                    *element = T::from_f64(number(bytes));
                }
            }
        }
        let indices = (bytes, base, further);
        match self {
            Dtype::F16 => each(indices, elements, |bytes| half::f16(u16::from_le_bytes(bytes))),
            Dtype::BF16 => each(indices, elements, |bytes| half::bf16(u16::from_le_bytes(bytes))),
            Dtype::F32 => each(indices, elements, |bytes| f32::from_le_bytes(bytes).into()),
            Dtype::F64 => each(indices, elements, f64::from_le_bytes),
            _ => {}
        }
    }
}

impl<'f> View<'f> {
    /// Returns its bytes as the file has them, little-endian.
    pub fn bytes(&self) -> &'f [u8] {
        self.bytes
    }

    /// Returns whether it has a floating-point type that [`View::scalars`] reads: F16, BF16, F32, F64.
    pub fn is_readable(&self) -> bool {
        self.dtype.is_floating()
    }

    /// Returns its floating-point elements, rounded where `T` is narrower; `None` for other types.
    pub fn scalars<T: Precision>(&self) -> Option<Vec<T>> {
        self.dtype.scalars(self.bytes)
    }

    /// Returns the elements of a tensor of type U64; `None` for other types.
    pub fn integers(&self) -> Option<Vec<u64>> {
        (self.dtype == Dtype::U64)
            .then(|| self.bytes.as_chunks().0.iter().map(|&bytes| u64::from_le_bytes(bytes)).collect())
    }
}

impl WeightFile {
    /// Reads a file and checks it.
    ///
    /// # Errors
    /// [`Error::Io`]; and those of [`Self::from_bytes`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(Error::io(path, "read"))?;
        Self::from_bytes(bytes, &path.display().to_string())
    }

    /// Checks the bytes of a file; `origin` is its name in errors.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::TrailingBytes`], [`Error::Format`] for an invalid header.
    pub fn from_bytes(bytes: Vec<u8>, origin: &str) -> Result<Self, Error> {
        let (header, data) = located(&bytes, bytes.len() as u64, origin)?;
        Ok(Self { origin: origin.to_owned(), header, bytes, data })
    }

    /// Returns its name in errors.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Computes the checksum and compares it with the one in the file.
    pub fn checksum(&self) -> Checksum {
        let Some(expected) = self.header.texts.get(CHECKSUM) else { return Checksum::None };
        let found = checksum(texts(&self.header.texts), self.tensors());
        if *expected == found { Checksum::Matches } else { Checksum::Differs { expected: expected.clone(), found } }
    }

    /// Returns one of netwright's texts: see [`Writer::metadata`].
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.header.own_text(key)
    }

    /// Returns all tensors, sorted by name.
    pub fn tensors(&self) -> impl Iterator<Item = View<'_>> {
        views(&self.header.entries, &self.bytes[self.data..])
    }

    /// Returns the tensor of this name.
    pub fn tensor(&self, name: &str) -> Option<View<'_>> {
        let (name, info) = self.header.entries.pair(name)?;
        Some(view(name, info, &self.bytes[self.data..]))
    }
}

/// Parses the header at the start of a file of `found` bytes, and returns it with the offset of the data.
pub(super) fn located(bytes: &[u8], found: u64, origin: &str) -> Result<(Header, usize), Error> {
    let truncated = |expected: u64| Error::Truncated { origin: origin.to_owned(), expected, found };
    let format =
        |found: String| Error::Format { origin: origin.to_owned(), expected: "a safetensors file".to_owned(), found };
    // After its length, the header begins with a brace.
    if bytes.get(8) != Some(&b'{') && (bytes.len() < 8 || FileKind::of(bytes).is_some()) {
        return Err(format(kind::found(bytes, found)));
    }
    let (length, _) = bytes.split_first_chunk::<8>().ok_or_else(|| truncated(8))?;
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER_LEN {
        return Err(format(format!("a header of {length} bytes")));
    }
    let data = 8 + length as usize;
    let text = bytes.get(8..data).ok_or_else(|| truncated(data as u64))?;
    let header = Header::parse(text).map_err(|reason| format(format!("a header that is none: {reason}")))?;
    let expected = (data as u64).saturating_add(header.data_len() as u64);
    if found < expected {
        return Err(truncated(expected));
    }
    if found > expected {
        return Err(Error::TrailingBytes { origin: origin.to_owned(), expected });
    }
    Ok((header, data))
}

fn views<'f>(entries: &'f ByName<Entry>, data: &'f [u8]) -> impl Iterator<Item = View<'f>> {
    entries.iter().map(move |(name, info)| view(name, info, data))
}

fn view<'f>(name: &'f str, info: &'f Entry, data: &'f [u8]) -> View<'f> {
    let [start, end] = info.bytes;
    View { name, dtype: info.dtype, shape: &info.shape, bytes: &data[start..end] }
}

/// Returns the texts that the checksum covers.
fn texts(texts: &ByName<String>) -> impl Iterator<Item = (&str, &str)> {
    let own = texts.iter().filter(|(key, _)| key.starts_with(OWN) && *key != CHECKSUM);
    own.map(|(key, value)| (key, value.as_str()))
}

fn checksum<'f>(texts: impl Iterator<Item = (&'f str, &'f str)>, tensors: impl Iterator<Item = View<'f>>) -> String {
    let mut checksum = crc32fast::Hasher::new();
    for (key, value) in texts {
        checksum.update(format!("[{},{}]", quoted(key), quoted(value)).as_bytes());
    }
    for View { name, dtype, shape, bytes } in tensors {
        checksum.update(format!("[{},\"{dtype}\",{}]", quoted(name), listed(shape)).as_bytes());
        checksum.update(bytes);
    }
    format!("{:08x}", checksum.finalize())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Vec<u8> {
        let mut writer = Writer::new();
        writer.metadata("network", "Toy \"1\"");
        writer.tensor("dense1.kernel", &[2, 3], &[1.0_f32, -2.5, 3.0, f32::MIN_POSITIVE, 0.1, -0.0]);
        writer.tensor("dense1.bias", &[1], &[0.1_f64]);
        writer.integers("counters", &[u64::MAX, 7]);
        writer.to_bytes()
    }

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
    }

    #[test]
    fn what_is_written_is_read_back_to_the_bit() {
        assert_eq!(sample(), sample());
        let reader = WeightFile::from_bytes(sample(), "sample").unwrap();
        assert_eq!(reader.checksum(), Checksum::Matches);
        assert_eq!(reader.metadata("network"), Some("Toy \"1\""));
        let kernel = reader.tensor("dense1.kernel").unwrap();
        assert_eq!((kernel.dtype, kernel.shape), (Dtype::F32, &[2, 3][..]));
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
        let reader = WeightFile::from_bytes(bytes, "theirs").unwrap();
        assert_eq!(reader.checksum(), Checksum::None);
        assert_eq!(reader.metadata("network"), None, "it is not our text");
        assert_eq!(reader.tensor("a.b").unwrap().scalars::<f32>().unwrap(), [1.5, -2.0]);
    }

    #[test]
    fn a_file_that_another_program_has_rewritten_keeps_its_checksum_while_its_tensors_are_the_same() {
        let bytes = sample();
        let ours = ::safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let (_, header) = ::safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let mut texts = header.metadata().clone().unwrap();
        texts.insert("format".to_owned(), "pt".to_owned());
        let written = ::safetensors::serialize(ours.tensors(), Some(texts.clone())).unwrap();
        assert_ne!(written, bytes);
        assert_eq!(WeightFile::from_bytes(written, "rewritten").unwrap().checksum(), Checksum::Matches);

        let ten = 10.0_f64.to_le_bytes();
        let bias = ::safetensors::tensor::TensorView::new(::safetensors::Dtype::F64, vec![1], &ten).unwrap();
        let changed = ours.tensors().into_iter().filter(|(name, _)| name != "dense1.bias");
        let changed = changed.chain([("dense1.bias".to_owned(), bias)]);
        let written = ::safetensors::serialize(changed, Some(texts)).unwrap();
        let reader = WeightFile::from_bytes(written, "changed").unwrap();
        assert!(matches!(reader.checksum(), Checksum::Differs { .. }));
        assert_eq!(reader.tensor("dense1.bias").unwrap().scalars::<f64>().unwrap(), [10.0]);
    }

    #[test]
    fn headers_in_any_spacing_and_order_with_fields_of_others_are_read() {
        let header = r#"{ "w" : {"shape": [ 2 ,1], "data_offsets":[1,5],"dtype":"F16","scale":[1,{"a":null}]},
            "__metadata__":{"a":"\u0041\n\ud83d\ude00"}, "flag":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]}}   "#;
        let reader = WeightFile::from_bytes(file(header, &[1, 0x00, 0x3c, 0x00, 0xc0]), "spaced").unwrap();
        assert_eq!(reader.tensor("w").unwrap().scalars::<f32>().unwrap(), [1.0, -2.0]);
        let flag = reader.tensor("flag").unwrap();
        assert!(!flag.is_readable() && flag.scalars::<f32>().is_none() && flag.shape.is_empty());
    }

    #[test]
    fn every_kind_of_floating_point_number_is_read() {
        for (kind, bytes) in [("F16", &[0x00, 0x3e][..]), ("BF16", &[0xc0, 0x3f]), ("F32", &[0, 0, 0xc0, 0x3f])] {
            let header = format!(r#"{{"a":{{"dtype":"{kind}","shape":[1],"data_offsets":[0,{}]}}}}"#, bytes.len());
            let reader = WeightFile::from_bytes(file(&header, bytes), "kinds").unwrap();
            assert_eq!(reader.tensor("a").unwrap().scalars::<f64>().unwrap(), [1.5], "{kind}");
        }
    }

    #[test]
    fn a_file_cut_anywhere_or_with_bytes_added_is_refused() {
        let bytes = sample();
        for length in 0..bytes.len() {
            assert!(WeightFile::from_bytes(bytes[..length].to_vec(), "cut").is_err(), "{length}");
        }
        let longer = [&bytes[..], b"x"].concat();
        assert!(matches!(WeightFile::from_bytes(longer, "long"), Err(Error::TrailingBytes { .. })));
    }

    #[test]
    fn one_changed_byte_is_an_error_or_shows_in_the_checksum() {
        let bytes = sample();
        for index in 0..bytes.len() {
            for change in [1, 0x20, 0x80] {
                let mut damaged = bytes.clone();
                damaged[index] ^= change;
                let read = WeightFile::from_bytes(damaged, "damaged");
                assert!(read.is_ok_and(|file| file.checksum() == Checksum::Matches).eq(&false), "{index} ^ {change}");
            }
        }
    }

    #[test]
    fn headers_that_make_no_sense_are_refused() {
        for header in [
            "",
            "[]",
            "{\"a\":1}",
            "{} {}",
            &"[".repeat(100_000),
            &format!("{{\"a\":{}", "{\"a\":".repeat(100_000)),
            r#"{"a":{"dtype":"F32"}}"#,
            r#"{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}"#,
            r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
            r#"{"a":{"dtype":"F32","shape":[99999999999999999999999],"data_offsets":[0,4]}}"#,
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
            r#"{"a":{"dtype":"F32","shape":[18446744073709551615,4],"data_offsets":[0,4]}}"#,
            r#"{"a":{"dtype":"F32","shape":[0],"data_offsets":[4,0]}}"#,
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        ] {
            let refused = WeightFile::from_bytes(file(header, &[0; 8]), "bad");
            assert!(matches!(refused, Err(Error::Format { .. })), "{}", &header[..header.len().min(90)]);
        }
        let enormous = u64::MAX.to_le_bytes().to_vec();
        assert!(matches!(WeightFile::from_bytes(enormous, "bad"), Err(Error::Format { .. })));
    }

    #[test]
    fn a_file_of_another_program_is_called_by_its_kind() {
        let zip = b"PK\x03\x04\0\0\x08\x08\0\0\0\0archive/data.pkl".to_vec();
        let error = WeightFile::from_bytes(zip, "net.pt").unwrap_err();
        let Error::Format { expected, found, .. } = &error else { panic!("{error}") };
        assert_eq!(expected, "a safetensors file");
        assert!(found.starts_with("a zip archive, as PyTorch"), "{found}");
        // Also for a file that is too short for a header.
        assert!(matches!(WeightFile::from_bytes(b"\x1f\x8b".to_vec(), "a.gz"), Err(Error::Format { .. })));
        for (bytes, expected) in [
            (&b""[..], "a: expected a safetensors file, found an empty file"),
            (b"{", "a: expected a safetensors file, found a file of 1 byte"),
            (b"\0\0\0\0\0\0\0", "a: expected a safetensors file, found another file, of 7 bytes"),
        ] {
            assert_eq!(WeightFile::from_bytes(bytes.to_vec(), "a").unwrap_err().to_string(), expected);
        }
    }

    /// The sum of the header's length and the end of the tensors overflows.
    #[test]
    fn sizes_that_overflow_are_a_file_cut_short() {
        let size = usize::MAX / 8;
        let entry = |i| {
            let offsets = [i * size, (i + 1) * size];
            format!(r#""t{i}":{{"dtype":"U8","shape":[{size}],"data_offsets":{offsets:?}}}"#)
        };
        let header = format!("{{{}}}", [0, 1, 2, 3, 4, 5, 6, 7].map(entry).join(","));
        let refused = WeightFile::from_bytes(file(&header, &[]), "bad");
        assert!(matches!(refused, Err(Error::Truncated { expected: u64::MAX, .. })), "{refused:?}");
    }

    proptest! {
        /// A file that is accepted can be traversed, and its tensors are inside it.
        #[test]
        fn no_bytes_panic(start in 0_usize..400, spoilt in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut bytes = sample();
            let start = start % bytes.len();
            let end = (start + spoilt.len()).min(bytes.len());
            bytes.splice(start..end, spoilt);
            if let Ok(file) = WeightFile::from_bytes(bytes.clone(), "spoilt") {
                let read: usize = file.tensors().map(|view| view.bytes.len()).sum();
                prop_assert!(read < bytes.len());
                file.tensors().for_each(|view| drop((view.scalars::<f32>(), view.integers())));
                file.checksum();
            }
        }

        #[test]
        fn no_header_panics(header in "[\\[\\]{}:,\"a_0-9FU ]{0,60}", data in prop::collection::vec(any::<u8>(), 0..9)) {
            let _ = WeightFile::from_bytes(file(&header, &data), "made up");
        }
    }
}
