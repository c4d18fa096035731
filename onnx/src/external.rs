//! Weights in files beside the model.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path, PathBuf};

use crate::model::Tensor;
use crate::{Elements, Error};

/// The elements of a tensor, from the model's file or from one beside it, in `folder`; without a folder nothing else is read.
///
/// # Errors
/// [`Error::Tensor`], and [`Error::External`] where the file cannot be read, is too short, or lies outside of `folder`.
pub fn elements<'a>(tensor: &Tensor<'a>, folder: Option<&Path>) -> Result<Elements<'a>, Error> {
    match folder {
        Some(folder) if tensor.is_external => Elements::of(tensor, beside(tensor, folder)?.into()),
        _ => tensor.elements(),
    }
}

fn beside(tensor: &Tensor<'_>, folder: &Path) -> Result<Vec<u8>, Error> {
    let place = tensor.place()?;
    let location = PathBuf::from(place.location);
    let wrong =
        |problem: String| Error::External { tensor: tensor.name.to_owned(), location: location.clone(), problem };
    let is_inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if place.location.is_empty() || !location.components().all(is_inside) {
        return Err(wrong("which is not in the model's folder".to_owned()));
    }
    let refused = |error: std::io::Error| wrong(format!("which cannot be read: {error}"));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let folder = folder.canonicalize().map_err(refused)?;
    // A link may lead elsewhere.
    let path = folder.join(&location).canonicalize().map_err(refused)?;
    if !path.starts_with(&folder) {
        return Err(wrong("which is not in the model's folder".to_owned()));
    }
    let mut file = File::open(path).map_err(refused)?;
    let there = file.metadata().map_err(refused)?.len();
    let expected = tensor.kind.size().and_then(|size| size.checked_mul(tensor.len()));
    let expected = expected.ok_or_else(|| wrong(format!("as {}, which is not read", tensor.kind)))?;
    if place.length.is_some_and(|length| length != expected as u64) {
        return Err(wrong(format!("with {} bytes, where its sizes say {expected}", place.length.unwrap_or_default())));
    }
    if place.offset.checked_add(expected as u64).is_none_or(|end| end > there) {
        return Err(wrong(format!("which has {there} bytes: too few for {expected} from byte {} on", place.offset)));
    }
    let mut bytes = vec![0; expected];
    file.seek(SeekFrom::Start(place.offset)).and_then(|_| file.read_exact(&mut bytes)).map_err(refused)?;
    Ok(bytes)
}
