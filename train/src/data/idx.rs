//! The IDX format of MNIST and Fashion-MNIST (LeCun, Cortes and Burges), compressed by gzip or not.
//!
//! A file has four bytes for the element type and the number of dimensions, four big-endian bytes for each size, and the elements.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::file::Source;
use super::{Images, LabelledImages};
use crate::error::Error;

/// The largest number of bytes that a file may promise.
const LIMIT: u64 = 1 << 32;
/// The magic number of unsigned bytes in three dimensions.
const IMAGES: u32 = 0x0803;
/// The magic number of unsigned bytes in one dimension.
const LABELS: u32 = 0x0801;

/// Reads a file of images.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] for a file of another kind, [`Error::Truncated`], [`Error::TrailingBytes`],
/// [`Error::Oversized`] for one that promises more than 4 GiB, [`Error::Empty`].
pub fn read_images(path: impl AsRef<Path>) -> Result<Images, Error> {
    images(Source::open(path.as_ref())?)
}

/// Reads images from any reader; `origin` is its name in errors.
///
/// # Errors
/// As [`read_images`].
pub fn images_from(reader: impl Read + 'static, origin: &str) -> Result<Images, Error> {
    images(Source::from_reader(Box::new(reader), origin)?)
}

/// Reads a file of labels, each below `classes`.
///
/// # Errors
/// As [`read_images`], and [`Error::Label`] for a label outside the classes.
pub fn read_labels(path: impl AsRef<Path>, classes: usize) -> Result<Vec<usize>, Error> {
    labels(Source::open(path.as_ref())?, classes)
}

/// Reads labels from any reader; `origin` is its name in errors.
///
/// # Errors
/// As [`read_labels`].
pub fn labels_from(reader: impl Read + 'static, origin: &str, classes: usize) -> Result<Vec<usize>, Error> {
    labels(Source::from_reader(Box::new(reader), origin)?, classes)
}

/// Reads MNIST, or a set in the same format such as Fashion-MNIST, and returns `(train, test)`, from the four files of the usual names in
/// `folder`, compressed or not.
///
/// # Errors
/// As [`read_images`] and [`read_labels`]; [`Error::Count`] where images and labels differ in number.
pub fn mnist(folder: impl AsRef<Path>) -> Result<(LabelledImages, LabelledImages), Error> {
    let folder = folder.as_ref();
    let part = |name: &str| {
        let images = read_images(find(folder, &format!("{name}-images-idx3-ubyte")))?;
        let labels = read_labels(find(folder, &format!("{name}-labels-idx1-ubyte")), 10)?;
        LabelledImages::new(images, labels, 10)
    };
    Ok((part("train")?, part("t10k")?))
}

/// Returns the path of the file, or of the compressed one if only that exists.
fn find(folder: &Path, name: &str) -> PathBuf {
    let compressed = folder.join(format!("{name}.gz"));
    if !folder.join(name).exists() && compressed.exists() { compressed } else { folder.join(name) }
}

fn images(source: Source) -> Result<Images, Error> {
    let origin = source.origin.clone();
    let ([_, height, width], pixels) = read(source, IMAGES)?;
    Images::new(&origin, [height, width, 1], u8::MAX, pixels)
}

fn labels(source: Source, classes: usize) -> Result<Vec<usize>, Error> {
    let origin = source.origin.clone();
    let ([_], labels) = read(source, LABELS)?;
    let labels: Vec<usize> = labels.into_iter().map(usize::from).collect();
    super::dataset::check_labels(&labels, classes, &origin)?;
    Ok(labels)
}

/// Reads the sizes and the bytes of a file that starts with `magic`.
fn read<const D: usize>(mut source: Source, magic: u32) -> Result<([usize; D], Vec<u8>), Error> {
    let header_len = 4 + 4 * D as u64;
    let start = source.exactly(4, 0, header_len)?;
    let found = big_endian(&start);
    if found != magic {
        return Err(Error::Format { origin: source.origin, expected: kind(magic), found: kind(found) });
    }
    let sizes = source.exactly(header_len - 4, 4, header_len)?;
    let mut sizes = sizes.chunks_exact(4).map(big_endian);
    let sizes: [u32; D] = std::array::from_fn(|_| sizes.next().unwrap_or(0));
    let promised = sizes.iter().try_fold(1_u64, |product, &size| product.checked_mul(size.into()));
    let promised = promised.unwrap_or(u64::MAX);
    if promised > LIMIT {
        return Err(Error::Oversized { origin: source.origin, promised, limit: LIMIT });
    }
    if promised == 0 {
        return Err(Error::Empty { origin: source.origin });
    }
    let elements = source.exactly(promised, header_len, header_len + promised)?;
    source.end(header_len + promised)?;
    Ok((sizes.map(|size| size as usize), elements))
}

fn big_endian(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u32::from(byte))
}

/// Describes a magic number.
fn kind(magic: u32) -> String {
    match magic {
        IMAGES => format!("IDX images ({IMAGES:#010x})"),
        LABELS => format!("IDX labels ({LABELS:#010x})"),
        other => match crate::storage::kind::FileKind::of(&other.to_be_bytes()) {
            Some(kind) => kind.to_string(),
            None => format!("a file that starts with {other:#010x}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::test_folder::TestFolder;

    fn idx(magic: u32, sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
        let mut file = magic.to_be_bytes().to_vec();
        sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
        file.extend_from_slice(bytes);
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: Vec<u8>) -> Result<Images, Error> {
        images_from(std::io::Cursor::new(bytes), "the file")
    }

    #[test]
    fn reads_images_compressed_or_not() {
        let file = idx(IMAGES, &[2, 2, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        for bytes in [gzip(&file), file] {
            let images = read(bytes).unwrap();
            assert_eq!(images.shape().to_string(), "2x3x1");
            assert_eq!(images.get(1).unwrap(), [7, 8, 9, 10, 11, 12]);
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_truncated() {
        let file = idx(IMAGES, &[2, 2, 2], &[9; 8]);
        for length in 0..file.len() {
            let error = read(file[..length].to_vec()).unwrap_err();
            assert!(matches!(&error, Error::Truncated { origin, .. } if origin == "the file"), "{length}: {error}");
        }
        let compressed = gzip(&file);
        for length in 0..compressed.len() {
            assert!(read(compressed[..length].to_vec()).is_err(), "{length}");
        }
    }

    #[test]
    fn a_file_of_another_kind_is_named() {
        let labels = idx(LABELS, &[2], &[0, 1]);
        let message = read(labels).unwrap_err().to_string();
        assert!(message.contains("expected IDX images") && message.contains("found IDX labels"), "{message}");
        assert!(matches!(read(b"\x89PNG....".to_vec()), Err(Error::Format { .. })));
    }

    #[test]
    fn a_file_that_promises_too_much_or_goes_on_is_refused() {
        let file = idx(IMAGES, &[u32::MAX, u32::MAX, u32::MAX], &[]);
        assert!(matches!(read(file), Err(Error::Oversized { .. })));
        assert!(matches!(read(idx(IMAGES, &[60_000, 28, 28], &[0; 9])), Err(Error::Truncated { .. })));
        assert!(matches!(read(idx(IMAGES, &[1, 2, 2], &[0; 5])), Err(Error::TrailingBytes { expected: 20, .. })));
        assert!(matches!(read(idx(IMAGES, &[0, 28, 28], &[])), Err(Error::Empty { .. })));
    }

    #[test]
    fn a_label_outside_the_classes_names_its_sample() {
        let file = idx(LABELS, &[3], &[0, 9, 10]);
        let error = labels_from(std::io::Cursor::new(file), "labels", 10).unwrap_err();
        assert!(matches!(error, Error::Label { sample: 2, label: 10, classes: 10, .. }), "{error}");
    }

    #[test]
    fn mnist_finds_its_four_files_and_counts_them() {
        let folder = TestFolder::new("mnist");
        folder.file("train-images-idx3-ubyte.gz", &gzip(&idx(IMAGES, &[2, 1, 1], &[0, 255])));
        folder.file("train-labels-idx1-ubyte", &idx(LABELS, &[2], &[3, 4]));
        folder.file("t10k-images-idx3-ubyte", &idx(IMAGES, &[1, 1, 1], &[0]));
        let labels = folder.file("t10k-labels-idx1-ubyte.gz", &gzip(&idx(LABELS, &[1], &[5])));
        let (train, test) = mnist(folder.path()).unwrap();
        assert_eq!((train.labels(), test.labels()), (&[3, 4][..], &[5][..]));
        std::fs::write(labels, gzip(&idx(LABELS, &[2], &[5, 6]))).unwrap();
        assert!(matches!(mnist(folder.path()), Err(Error::Count { inputs: 1, targets: 2, .. })));
        let error = mnist(folder.path().join("elsewhere")).unwrap_err().to_string();
        assert!(error.contains("train-images-idx3-ubyte"), "{error}");
    }
}
