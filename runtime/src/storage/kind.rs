//! Descriptions of files that are not of the expected kind.

pub use netwright_abi::FileKind;

/// Describes a file of `len` bytes by its first bytes: its kind if that is known, else its length.
pub fn found(beginning: &[u8], len: u64) -> String {
    match (len, FileKind::of(beginning)) {
        (0, _) => "an empty file".to_owned(),
        (_, Some(kind)) => match kind.reader() {
            Some(reader) => format!("{kind}, which {reader} reads"),
            None => kind.to_string(),
        },
        (1, None) => "a file of 1 byte".to_owned(),
        (len, None) => format!("another file, of {len} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_kind_is_described_with_its_reader() {
        assert_eq!(found(b"", 0), "an empty file");
        assert_eq!(found(b"P", 1), "a file of 1 byte");
        assert_eq!(found(&[7; 64], 64), "another file, of 64 bytes");
        assert!(
            found(b"\x89HDF\r\n\x1a\n", 8)
                .ends_with("which `netwright_formats::KerasFile`, by its feature `hdf5`, reads")
        );
    }
}
