//! The structure of a file: everything except large weights.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};

use crate::wire::varint;

/// The maximum size of elements that are read, in bytes: larger elements are weights, not shapes.
const MAX_ELEMENT_BYTES: u64 = 1 << 19;

/// The path of fields to elements: the raw data of an initializer of the graph.
const ELEMENTS_PATH: [u64; 3] = [7, 5, 9];

/// The bytes of a file for reading its nodes and the shapes of its weights. The elements of large weights are replaced by zeros: they
/// are not read, and their zero pages take no physical memory.
///
/// # Errors
/// Errors of the operating system.
pub fn structure(file: &mut File) -> io::Result<Vec<u8>> {
    let len = file.metadata()?.len();
    let whole = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; whole];
    let mut reading = Reading { file, bytes: &mut bytes };
    reading.message(0..len, &ELEMENTS_PATH)?;
    Ok(bytes)
}

struct Reading<'r> {
    file: &'r mut File,
    bytes: &'r mut [u8],
}

type Range = std::ops::Range<u64>;

impl Reading<'_> {
    /// Reads the fields of a message, except large data at this path of fields.
    fn message(&mut self, all: Range, path: &[u64]) -> io::Result<()> {
        let Range { start: mut at, end } = all;
        while at < end {
            // The key of a field, of at most ten bytes, and its value or length.
            let head = self.read(at..end.min(at + 20))?;
            let mut rest = head;
            let offset = |rest: &[u8]| at + (head.len() - rest.len()) as u64;
            let key = varint(&mut rest);
            let start = offset(rest);
            let value = varint(&mut rest);
            let (start, len) = match (key.map(|key| key & 7), value) {
                (Some(0), Some(_)) => (offset(rest), 0),
                (Some(1), _) => (start, 8),
                (Some(2), Some(len)) => (offset(rest), len),
                (Some(5), _) => (start, 4),
                // This is no model; the parser will report that.
                _ => (at, end - at),
            };
            at = start.saturating_add(len).min(end);
            match path {
                [next, further @ ..] if key == Some(next << 3 | 2) && at - start > MAX_ELEMENT_BYTES => {
                    if !further.is_empty() {
                        self.message(start..at, further)?;
                    }
                }
                _ => drop(self.read(start..at)?),
            }
        }
        Ok(())
    }

    fn read(&mut self, part: Range) -> io::Result<&[u8]> {
        self.file.seek(SeekFrom::Start(part.start))?;
        let bytes = &mut self.bytes[part.start as usize..part.end as usize];
        self.file.read_exact(bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Model;
    use crate::write::{self, Message};

    fn file(name: &str, bytes: &[u8]) -> (std::path::PathBuf, File) {
        let path = std::env::temp_dir().join(format!("netwright-structure-{name}-{}", std::process::id()));
        std::fs::write(&path, bytes).expect("a file");
        let file = File::open(&path).expect("it was written");
        (path, file)
    }

    #[test]
    fn everything_is_read_except_large_weights() {
        let large = vec![7; MAX_ELEMENT_BYTES as usize + 4];
        let mut graph = Message::new();
        graph.message(write::NODE, &write::node("n", "Gemm", &["x", "w"], &["y"], &[]));
        graph.message(write::INITIALIZER, &write::raw("w", &[large.len() / 4], &large));
        graph.message(write::INITIALIZER, &write::raw("b", &[2], &[1, 2, 3, 4, 5, 6, 7, 8]));
        graph.message(write::INPUT, &write::value("x", &[3])).message(write::OUTPUT, &write::value("y", &[1]));
        let mut model = write::model(17);
        model.message(write::GRAPH, &graph);
        let whole = model.into_bytes();
        let (path, mut opened) = file("whole", &whole);
        let read = structure(&mut opened).expect("it is there");
        assert_eq!(read.len(), whole.len());
        let differing = read.iter().zip(&whole).filter(|(read, whole)| read != whole).count();
        assert!((MAX_ELEMENT_BYTES as usize - 20..=large.len()).contains(&differing), "{differing}");
        let [read, whole] = [&read, &whole].map(|bytes| Model::read(bytes).expect("a model"));
        assert_eq!(format!("{:?}", read.graph.nodes), format!("{:?}", whole.graph.nodes));
        for (read, whole) in read.graph.initializers.iter().zip(whole.graph.initializers.iter()) {
            assert_eq!((read.name, &read.dims), (whole.name, &whole.dims));
            assert!(read.elements().is_ok());
        }
        assert_eq!(
            read.graph.initializers[1].elements().expect("few").get(1),
            whole.graph.initializers[1].elements().expect("few").get(1)
        );
        let _ = std::fs::remove_file(path);
    }

    #[test]
    fn a_file_that_is_no_model_is_read_unchanged() {
        let text = b"no model, but a text that is long enough for a few fields".repeat(40_000);
        for bytes in [&b""[..], b"\x3a", &[0x3a, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3], &[0xff; 64], &text] {
            let (path, mut opened) = file(&format!("none{}", bytes.len()), bytes);
            assert_eq!(structure(&mut opened).expect("it is there"), bytes);
            let _ = std::fs::remove_file(path);
        }
    }
}
