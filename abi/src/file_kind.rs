//! Detection of other programs' files by their first bytes, so that an error can name the kind of a wrong file.

use core::fmt;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileKind {
    what: &'static str,
    reader: Option<&'static str>,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl FileKind {
    /// An ONNX model.
    pub const ONNX: Self =
        Self::of_weights("an ONNX model (`.onnx`)", "`from_onnx` of a network that `network!` makes of it");
    const SAFETENSORS: Self = Self::of_weights("a safetensors file", "`Safetensors::read`");

    const fn new(what: &'static str) -> Self {
        Self { what, reader: None }
    }

    const fn of_weights(what: &'static str, reader: &'static str) -> Self {
        Self { what, reader: Some(reader) }
    }

    /// Returns the kind of file that begins with these bytes, where they determine it.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if let Some((_, kind)) = STARTS.iter().find(|(start, _)| bytes.starts_with(start)) {
            return Some(*kind);
        }
        match bytes {
            [0x80, 2..=5, ..] => {
                Some(Self::new("a Python pickle, as old versions of PyTorch write them (`.pt`, `.pth`)"))
            }
            [_, _, _, _, b'T', b'F', b'L', b'3', ..] => Some(Self::new("a TensorFlow Lite model (`.tflite`)")),
            // The length of the header, then the header, which begins with a brace.
            [_, _, _, 0..=5, 0, 0, 0, 0, b'{', ..] => Some(Self::SAFETENSORS),
            // Protocol buffers: field 1 with a small value, then field 2, or a later field of ONNX.
            [0x08, 1, 0x12, ..] => Some(Self::new("a TensorFlow SavedModel (`.pb`)")),
            [0x08, 3..=32, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42, ..] => Some(Self::ONNX),
            _ => text(bytes).map(Self::new),
        }
    }

    /// Returns the function that reads it, where it holds weights.
    pub const fn reader(self) -> Option<&'static str> {
        self.reader
    }
}

/// The kinds of files with fixed first bytes.
const STARTS: &[(&[u8], FileKind)] = &[
    (
        b"PK\x03\x04",
        FileKind::of_weights(
            "a zip archive, as PyTorch (`.pt`, `.pth`), Keras (`.keras`) and NumPy (`.npz`) write them",
            "`netwright_formats::open`",
        ),
    ),
    (b"\x93NUMPY", FileKind::new("a NumPy array (`.npy`); `numpy.savez` writes archives of them, with names")),
    (
        b"\x89HDF\r\n\x1a\n",
        FileKind::of_weights(
            "an HDF5 file, as Keras writes them (`.h5`)",
            "`netwright_formats::KerasFile`, by its feature `hdf5`,",
        ),
    ),
    (b"\x1f\x8b", FileKind::new("a gzip file")),
    (b"BZh", FileKind::new("a bzip2 file")),
    (b"\xfd7zXZ\0", FileKind::new("an xz file")),
    (b"\x28\xb5\x2f\xfd", FileKind::new("a zstd file")),
    (b"GGUF", FileKind::new("a GGUF file")),
    (b"\x89PNG\r\n\x1a\n", FileKind::new("a PNG picture")),
    (b"\xff\xd8\xff", FileKind::new("a JPEG picture")),
    (b"version https://git-lfs", FileKind::new("a pointer of Git LFS, whose file has not been fetched")),
    (b"%PDF-", FileKind::new("a PDF file")),
];

/// Recognises text: a web page that was saved instead of a file, or another text.
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
    extern crate std;

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
            let kind = FileKind::of(bytes).map(|kind| std::format!("{kind}")).unwrap_or_default();
            assert!(kind.contains(expected), "{kind:?} for {bytes:?}");
        }
        assert_eq!(FileKind::of(b""), None);
        assert_eq!(FileKind::of(&[7; 64]), None);
        assert_eq!(FileKind::of(&[64, 0, 0, 0, 0, 0, 0, 0, b'{', b'}']), Some(FileKind::SAFETENSORS));
        assert_eq!(FileKind::of(b"1234567,{"), Some(FileKind::new("a text")));
    }
}
