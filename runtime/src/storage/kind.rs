//! Files of other programs, known by their first bytes: whoever hands in the wrong one hears which it is.

use std::fmt;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    what: &'static str,
    reader: Option<&'static str>,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl Kind {
    const fn new(what: &'static str) -> Self {
        Self { what, reader: None }
    }

    const fn of_weights(what: &'static str, reader: &'static str) -> Self {
        Self { what, reader: Some(reader) }
    }

    /// What it is, and of weights what reads them.
    pub fn with_reader(self) -> String {
        match self.reader {
            Some(reader) => format!("{}, which {reader} reads", self.what),
            None => self.what.to_owned(),
        }
    }
}

const SAFETENSORS: Kind = Kind::of_weights("a safetensors file", "`Safetensors::read`");
const ONNX: Kind = Kind::of_weights("an ONNX model (`.onnx`)", "`from_onnx` of a network that `network!` makes of it");

/// What starts with so and so many bytes.
const STARTS: &[(&[u8], Kind)] = &[
    (
        b"PK\x03\x04",
        Kind::of_weights(
            "a zip archive, as PyTorch (`.pt`, `.pth`), Keras (`.keras`) and NumPy (`.npz`) write them",
            "`netwright_formats::open`",
        ),
    ),
    (b"\x93NUMPY", Kind::new("a NumPy array (`.npy`); `numpy.savez` writes archives of them, with names")),
    (
        b"\x89HDF\r\n\x1a\n",
        Kind::of_weights(
            "an HDF5 file, as Keras writes them (`.h5`)",
            "`netwright_formats::KerasFile`, by its feature `hdf5`,",
        ),
    ),
    (b"\x1f\x8b", Kind::new("a gzip file")),
    (b"BZh", Kind::new("a bzip2 file")),
    (b"\xfd7zXZ\0", Kind::new("an xz file")),
    (b"\x28\xb5\x2f\xfd", Kind::new("a zstd file")),
    (b"GGUF", Kind::new("a GGUF file")),
    (b"\x89PNG\r\n\x1a\n", Kind::new("a PNG picture")),
    (b"\xff\xd8\xff", Kind::new("a JPEG picture")),
    (b"version https://git-lfs", Kind::new("a pointer of Git LFS, whose file has not been fetched")),
    (b"%PDF-", Kind::new("a PDF file")),
];

/// What kind of file the bytes begin, where that can be told.
pub fn of(bytes: &[u8]) -> Option<Kind> {
    if let Some((_, kind)) = STARTS.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Some(*kind);
    }
    match bytes {
        [0x80, 2..=5, ..] => Some(Kind::new("a Python pickle, as old versions of PyTorch write them (`.pt`, `.pth`)")),
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => Some(Kind::new("a TensorFlow Lite model (`.tflite`)")),
        // A length of the header, which begins with a brace.
        [_, _, _, 0..=5, 0, 0, 0, 0, b'{', ..] => Some(SAFETENSORS),
        // Protocol buffers: the field 1, a small number, and the field 2, or a later one of ONNX.
        [0x08, 1, 0x12, ..] => Some(Kind::new("a TensorFlow SavedModel (`.pb`)")),
        [0x08, 3..=32, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42, ..] => Some(ONNX),
        _ => text(bytes).map(Kind::new),
    }
}

/// What is found where a file of one kind is expected and `len` bytes begin with these: its kind, or how long it is.
pub fn found(beginning: &[u8], len: u64) -> String {
    match (len, of(beginning)) {
        (0, _) => "an empty file".to_owned(),
        (_, Some(kind)) => kind.with_reader(),
        (1, None) => "a file of 1 byte".to_owned(),
        (len, None) => format!("another file, of {len} bytes"),
    }
}

/// A page of the web that was saved in a file's place, or another text.
fn text(bytes: &[u8]) -> Option<&'static str> {
    let start = bytes.trim_ascii_start();
    let is = |tag: &[u8]| start.get(..tag.len()).is_some_and(|found| found.eq_ignore_ascii_case(tag));
    if is(b"<!doctype") || is(b"<html") || is(b"<?xml") {
        return Some("a page of HTML or XML");
    }
    let is_text =
        bytes.len() > 8 && bytes.iter().take(512).all(|&byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~'));
    is_text.then_some("a text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_programs_are_known_by_their_first_bytes() {
        let cases: &[(&[u8], &str)] = &[
            (b"PK\x03\x04\0\0\x08\x08\0\0\0\0", "PyTorch"),
            (b"\x93NUMPY\x01\0v\0{'descr': '<f4'", "NumPy"),
            (b"\x89HDF\r\n\x1a\n\0\0\0", "HDF5"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9", "pickle"),
            (b"\x80\x04\x95\x0b\0\0\0", "pickle"),
            (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0", "ONNX"),
            (b"\x08\x0a:\xef\x01\n\x0b", "ONNX"),
            (b"\x08\x01\x12\xd1\xa6\x02", "SavedModel"),
            (b"\x1c\0\0\0TFL3\x14\0", "Lite"),
            (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
            (b"\n<!DOCTYPE html><html>", "HTML"),
            (b"0.1, 0.2, 0.3\n", "a text"),
        ];
        for (bytes, expected) in cases {
            let kind = of(bytes).map(|kind| kind.to_string()).unwrap_or_default();
            assert!(kind.contains(expected), "{kind:?} for {bytes:?}");
        }
        assert_eq!(of(b""), None);
        assert_eq!(of(&[7; 64]), None);
        assert_eq!(of(&[64, 0, 0, 0, 0, 0, 0, 0, b'{', b'}']), Some(SAFETENSORS));
        assert_eq!(of(b"1234567,{"), Some(Kind::new("a text")));
    }

    #[test]
    fn what_is_found_says_who_reads_it() {
        assert_eq!(found(b"", 0), "an empty file");
        assert_eq!(found(b"P", 1), "a file of 1 byte");
        assert_eq!(found(&[7; 64], 64), "another file, of 64 bytes");
        assert!(
            found(b"\x89HDF\r\n\x1a\n", 8)
                .ends_with("which `netwright_formats::KerasFile`, by its feature `hdf5`, reads")
        );
    }
}
