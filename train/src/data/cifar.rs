//! CIFAR-10 in its binary form (Krizhevsky, 2009): for each image a label, then planes of 32x32 bytes for red, green and blue.

use std::path::Path;

use super::file::Source;
use super::{Images, LabelledImages};
use crate::error::Error;

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const RECORD: usize = 1 + 3 * PLANE;
const LIMIT: u64 = 1 << 32;

/// Reads CIFAR-10 and returns `(train, test)`, from `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin` in `folder`.
///
/// # Errors
/// As [`read`].
pub fn cifar10(folder: impl AsRef<Path>) -> Result<(LabelledImages, LabelledImages), Error> {
    let folder = folder.as_ref();
    let batches: Vec<_> = (1..=5).map(|batch| folder.join(format!("data_batch_{batch}.bin"))).collect();
    Ok((read(&batches)?, read(&[folder.join("test_batch.bin")])?))
}

/// Reads files of CIFAR-10 and concatenates them. Each may be compressed by gzip.
///
/// # Errors
/// [`Error::Io`]; [`Error::Truncated`] where a file ends within an image, [`Error::Format`] for a gzip file that is damaged or truncated,
/// [`Error::Oversized`] beyond 4 GiB, [`Error::Label`] for a label above 9, [`Error::Empty`].
pub fn read(paths: &[impl AsRef<Path>]) -> Result<LabelledImages, Error> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for path in paths {
        let mut source = Source::open(path.as_ref())?;
        let origin = source.origin.clone();
        let bytes = source.bytes(LIMIT + 1)?;
        let found = bytes.len() as u64;
        if found > LIMIT {
            return Err(Error::Oversized { origin, promised: found, limit: LIMIT });
        }
        if bytes.is_empty() {
            return Err(Error::Empty { origin });
        }
        let (records, rest) = bytes.as_chunks::<RECORD>();
        if !rest.is_empty() {
            let expected = (records.len() as u64 + 1) * RECORD as u64;
            return Err(Error::Truncated { origin, expected, found });
        }
        for (sample, [label, planes @ ..]) in records.iter().enumerate() {
            if *label > 9 {
                return Err(Error::Label { origin, sample, label: usize::from(*label), classes: 10 });
            }
            labels.push(usize::from(*label));
            pixels.extend((0..PLANE).flat_map(|pixel| [0, 1, 2].map(|channel| planes[channel * PLANE + pixel])));
        }
    }
    let origin = paths.first().map_or_else(String::new, |path| path.as_ref().display().to_string());
    LabelledImages::new(Images::new(&origin, [SIDE, SIDE, 3], u8::MAX, pixels)?, labels, 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    fn record(label: u8) -> Vec<u8> {
        let mut record = vec![label];
        record.extend((0..3 * PLANE).map(|index| (index / PLANE * 100 + index % PLANE % 50) as u8));
        record
    }

    #[test]
    fn planes_become_pixels() {
        let folder = TestFolder::new("cifar");
        for batch in 1..=5 {
            folder.file(&format!("data_batch_{batch}.bin"), &record(batch));
        }
        folder.file("test_batch.bin", &record(9));
        let (train, test) = cifar10(folder.path()).unwrap();
        assert_eq!(train.labels(), [1, 2, 3, 4, 5]);
        assert_eq!(test.images().get(0).unwrap()[..6], [0, 100, 200, 1, 101, 201]);
    }

    #[test]
    fn damage_is_reported_with_the_file() {
        let folder = TestFolder::new("cifar_damage");
        let path = folder.file("a.bin", &[record(1), record(10)].concat());
        assert!(matches!(read(&[&path]), Err(Error::Label { sample: 1, label: 10, .. })));
        let path = folder.file("b.bin", &record(1)[..100]);
        assert!(matches!(read(&[&path]), Err(Error::Truncated { expected: 3073, found: 100, .. })));
        let path = folder.file("c.bin", &[]);
        assert!(matches!(read(&[&path]), Err(Error::Empty { .. })));
        let path = folder.file("d.bin", &[record(1), record(2)].concat()[..6145]);
        let error = read(&[&path]).unwrap_err().to_string();
        assert!(error.ends_with("d.bin: truncated: 6146 bytes were promised, 6145 are there"), "{error}");
        // All five files of a folder are required.
        let error = cifar10(folder.path()).unwrap_err();
        assert!(matches!(&error, Error::Io { path, .. } if path.ends_with("data_batch_1.bin")), "{error}");
    }

    #[test]
    fn a_gzip_file_that_is_cut_or_damaged_is_no_smaller_set() {
        let folder = TestFolder::new("cifar_gzip");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        (0..4).for_each(|label| std::io::Write::write_all(&mut gzip, &record(label)).unwrap());
        let whole = gzip.finish().unwrap();
        let path = folder.file("whole.bin.gz", &whole);
        let set = read(&[&path]).unwrap();
        assert_eq!(set.labels(), [0, 1, 2, 3]);
        for length in 2..whole.len() {
            let path = folder.file("cut.bin.gz", &whole[..length]);
            let error = read(&[&path]).unwrap_err();
            assert!(matches!(&error, Error::Format { origin, .. } if origin.ends_with("cut.bin.gz")), "{error}");
        }
        for index in 10..whole.len() {
            let mut damaged = whole.clone();
            damaged[index] ^= 0x10;
            // The last byte of the compressed data has padding bits without effect.
            if let Ok(found) = read(&[folder.file("damaged.bin.gz", &damaged)]) {
                assert_eq!(found.labels(), set.labels(), "byte {index}");
                let same = |image: usize| found.images().get(image) == set.images().get(image);
                assert!((0..4).all(same), "byte {index}");
            }
        }
    }
}
