//! Images in a folder with a subfolder for each class, read by the `image` crate (feature `images`).

use std::fs;
use std::path::{Path, PathBuf};

use super::{Images, LabelledImages, resize};
use crate::error::Error;

/// The extensions of files that are read; others are ignored.
const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];

/// Labelled images, and the names of their classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFolder {
    /// The images with their labels.
    pub images: LabelledImages,
    /// The name of each class, which is that of its folder, in alphabetical order.
    pub classes: Vec<String>,
}

/// Reads the PNG and JPEG files of each subfolder of `folder`, resized to `[height, width, channels]`: grey for 1 channel,
/// red, green and blue for 3, with opacity for 4. Folders and files are sorted alphabetically; hidden ones, whose names begin with a
/// dot, are ignored.
///
/// # Errors
/// [`Error::Io`]; [`Error::Setting`] for sizes of 0 or other channels; [`Error::Format`] for a file that is not an image;
/// [`Error::Empty`] for a class without images; [`Error::Format`] where `folder` has no subfolders.
pub fn read(folder: impl AsRef<Path>, [height, width, channels]: [usize; 3]) -> Result<ImageFolder, Error> {
    let (folder, size) = (folder.as_ref(), [height, width, channels]);
    check(size)?;
    let (mut pixels, mut labels, mut classes) = (Vec::new(), Vec::new(), Vec::new());
    for class in sorted(folder)?.into_iter().filter(|path| path.is_dir()) {
        let before = labels.len();
        for path in sorted(&class)?.into_iter().filter(|path| is_image(path)) {
            pixels.extend(stretched(&path, size)?);
            labels.push(classes.len());
        }
        if labels.len() == before {
            return Err(Error::Empty { origin: class.display().to_string() });
        }
        classes.push(class.file_name().unwrap_or_default().to_string_lossy().into_owned());
    }
    if classes.is_empty() {
        let (expected, found) = ("a folder for each class, with its images", "none");
        let origin = folder.display().to_string();
        return Err(Error::Format { origin, expected: expected.to_owned(), found: found.to_owned() });
    }
    let images = Images::new(&folder.display().to_string(), size, u8::MAX, pixels)?;
    Ok(ImageFolder { images: LabelledImages::new(images, labels, classes.len())?, classes })
}

/// Reads one PNG or JPEG file, resized to `[height, width, channels]`, as [`read`] does.
///
/// # Errors
/// [`Error::Io`]; [`Error::Setting`] for sizes of 0 or other channels; [`Error::Format`] for a file that is not an image.
pub fn read_image(path: impl AsRef<Path>, size: [usize; 3]) -> Result<Images, Error> {
    let path = path.as_ref();
    check(size)?;
    Images::new(&path.display().to_string(), size, u8::MAX, stretched(path, size)?.collect())
}

fn check([height, width, channels]: [usize; 3]) -> Result<(), Error> {
    crate::error::count_setting("channels", channels, matches!(channels, 1 | 3 | 4), "1, 3 or 4")?;
    for (name, size) in [("height", height), ("width", width)] {
        crate::error::count_setting(name, size, size > 0, "at least 1")?;
    }
    Ok(())
}

/// Returns the bytes of an image at another size.
fn stretched(path: &Path, [height, width, channels]: [usize; 3]) -> Result<impl Iterator<Item = u8>, Error> {
    let (image, size) = decode(path, channels)?;
    let mut stretched = vec![0.0; height * width * channels];
    resize(&image, size, &mut stretched, [height, width], channels);
    Ok(stretched.into_iter().map(|value: f32| value.round() as u8))
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(Error::io(folder, "read"))?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(Error::io(folder, "read"))?;
    // Some systems store `._1.png`, which is not an image, beside `1.png`.
    paths.retain(|path| !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")));
    paths.sort();
    Ok(paths)
}

fn is_image(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    path.is_file() && ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Returns the bytes of an image as elements, and its height and width.
fn decode(path: &Path, channels: usize) -> Result<(Vec<f32>, [usize; 2]), Error> {
    let bytes = fs::read(path).map_err(Error::io(path, "read"))?;
    let image = image::load_from_memory(&bytes).map_err(|error| Error::Format {
        origin: path.display().to_string(),
        expected: "a PNG or JPEG image".to_owned(),
        found: format!("a file that is none ({error})"),
    })?;
    let size = [image.height() as usize, image.width() as usize];
    let bytes = match channels {
        1 => image.into_luma8().into_raw(),
        3 => image.into_rgb8().into_raw(),
        _ => image.into_rgba8().into_raw(),
    };
    Ok((bytes.into_iter().map(f32::from).collect(), size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    fn picture(path: PathBuf, size: u32, colour: [u8; 3]) {
        image::RgbImage::from_pixel(size, size, image::Rgb(colour)).save(path).unwrap();
    }

    #[test]
    fn folders_are_classes_in_alphabetical_order_and_sizes_become_one() {
        let folder = TestFolder::new("folder");
        for class in ["b", "a"] {
            fs::create_dir(folder.path().join(class)).unwrap();
        }
        picture(folder.path().join("b/1.png"), 3, [10, 20, 30]);
        picture(folder.path().join("a/2.PNG"), 5, [40, 50, 60]);
        picture(folder.path().join("a/1.png"), 2, [70, 80, 90]);
        folder.file("a/notes.txt", b"not an image");
        folder.file("a/._1.png", b"not an image");
        fs::create_dir(folder.path().join(".thumbnails")).unwrap();
        let set = read(folder.path(), [2, 2, 3]).unwrap();
        assert_eq!(set.classes, ["a", "b"]);
        assert_eq!(set.images.labels(), [0, 0, 1]);
        assert_eq!(set.images.images().get(0).unwrap(), [70, 80, 90].repeat(4));
        assert_eq!(set.images.images().get(2).unwrap(), [10, 20, 30].repeat(4));
        let one = read_image(folder.path().join("b/1.png"), [2, 2, 3]).unwrap();
        assert_eq!((one.len(), one.get(0).unwrap()), (1, &[10, 20, 30].repeat(4)[..]));
        assert_eq!(read(folder.path(), [2, 2, 1]).unwrap().images.images().shape().to_string(), "2x2x1");
    }

    #[test]
    fn what_is_no_image_is_named() {
        let folder = TestFolder::new("folder_errors");
        fs::create_dir(folder.path().join("a")).unwrap();
        assert!(matches!(read(folder.path(), [2, 2, 1]), Err(Error::Empty { origin }) if origin.ends_with('a')));
        let flat = read(folder.path().join("a"), [2, 2, 1]).unwrap_err().to_string();
        assert!(flat.ends_with("expected a folder for each class, with its images, found none"), "{flat}");
        folder.file("a/1.png", b"no image");
        assert!(
            matches!(read(folder.path(), [2, 2, 1]), Err(Error::Format { origin, .. }) if origin.ends_with("1.png"))
        );
        assert!(matches!(read(folder.path(), [2, 2, 2]), Err(Error::Setting { setting: "channels", .. })));
        assert!(matches!(read_image(folder.path().join("a/1.png"), [2, 2, 1]), Err(Error::Format { .. })));
        assert!(matches!(read_image(folder.path().join("a/2.png"), [2, 2, 1]), Err(Error::Io { .. })));
        assert!(matches!(read(folder.path().join("none"), [2, 2, 1]), Err(Error::Io { .. })));
    }
    #[test]
    fn an_image_that_is_cut_short_is_named_and_no_part_of_a_set() {
        let folder = TestFolder::new("folder_cut");
        fs::create_dir(folder.path().join("a")).unwrap();
        picture(folder.path().join("a/1.png"), 9, [10, 20, 30]);
        picture(folder.path().join("whole.png"), 9, [40, 50, 60]);
        picture(folder.path().join("whole.jpg"), 9, [40, 50, 60]);
        for (name, kept) in [("whole.png", 60), ("whole.jpg", 300)] {
            let whole = fs::read(folder.path().join(name)).unwrap();
            assert!(kept < whole.len());
            let cut = folder.file(&format!("a/{name}"), &whole[..kept]);
            match read(folder.path(), [9, 9, 3]) {
                Err(Error::Format { origin, expected, .. }) => {
                    assert!(origin.ends_with(name), "{origin}");
                    assert_eq!(expected, "a PNG or JPEG image");
                }
                other => panic!("{name}: {other:?}"),
            }
            fs::remove_file(cut).unwrap();
        }
        assert_eq!(read(folder.path(), [9, 9, 3]).unwrap().images.labels(), [0]);
    }
}
