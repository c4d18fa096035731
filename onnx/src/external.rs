//! Weights in external files.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path, PathBuf};

use crate::model::Tensor;
use crate::{Elements, Error};

/// The elements of a tensor, from the model's file or from an external file in `folder`; without a folder, no external file is read.
///
/// # Errors
/// [`Error::Tensor`]; [`Error::External`] if the file cannot be read, is too short, or is outside of `folder`.
pub fn elements<'a>(tensor: &Tensor<'a>, folder: Option<&Path>) -> Result<Elements<'a>, Error> {
    match folder {
        Some(folder) if tensor.is_external => Elements::of(tensor, read_external(tensor, folder)?.into()),
        _ => tensor.elements(),
    }
}

/// The elements of a tensor, from the model's file or from one of `files`, which have the names that the model uses.
///
/// # Errors
/// [`Error::Tensor`]; [`Error::External`] if the file is missing or too short.
pub fn held<'a>(tensor: &Tensor<'a>, files: &[(&str, &'a [u8])]) -> Result<Elements<'a>, Error> {
    if !tensor.is_external || files.is_empty() {
        return tensor.elements();
    }
    let (location, start, len) = location_of(tensor)?;
    let wrong = |problem: String| wrong(tensor, &location, problem);
    let named = files.iter().find(|(name, _)| Path::new(name) == location);
    let (_, bytes) = named.ok_or_else(|| wrong("which is not among the files beside it".to_owned()))?;
    let first = usize::try_from(start).unwrap_or(usize::MAX);
    let part = first.checked_add(len).and_then(|end| bytes.get(first..end));
    Elements::of(tensor, part.ok_or_else(|| wrong(too_short(bytes.len() as u64, start, len)))?.into())
}

/// The external file of a tensor, as its name in the model and its path in `folder`; `None` for a tensor in the model's own file.
///
/// # Errors
/// [`Error::External`] if the file does not exist, is too short, or is outside of `folder`.
pub fn file(tensor: &Tensor<'_>, folder: &Path) -> Result<Option<(PathBuf, PathBuf)>, Error> {
    if !tensor.is_external {
        return Ok(None);
    }
    let (location, start, len) = location_of(tensor)?;
    let path = path_in(tensor, &location, folder)?;
    open(tensor, &location, &path, start, len)?;
    Ok(Some((location, path)))
}

/// Checks that the external file of a tensor has a name inside the model's folder.
///
/// # Errors
/// [`Error::External`] if it does not.
pub fn check(tensor: &Tensor<'_>) -> Result<(), Error> {
    if tensor.is_external { location_of(tensor).map(|_| ()) } else { Ok(()) }
}

fn wrong(tensor: &Tensor<'_>, location: &Path, problem: String) -> Error {
    Error::External { tensor: tensor.name.to_owned(), location: location.to_owned(), problem }
}

const OUTSIDE: &str = "which is not in the model's folder";

fn too_short(file_len: u64, start: u64, len: usize) -> String {
    format!("which has {file_len} bytes: too few for {len} from byte {start} on")
}

/// The name of a tensor's file, the offset of its elements there, and their number of bytes.
fn location_of(tensor: &Tensor<'_>) -> Result<(PathBuf, u64, usize), Error> {
    let data = tensor.external_data()?;
    let location = PathBuf::from(data.location);
    let wrong = |problem: String| wrong(tensor, &location, problem);
    let is_inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if data.location.is_empty() || !location.components().all(is_inside) {
        return Err(wrong(OUTSIDE.to_owned()));
    }
    let expected = tensor.kind.size().and_then(|size| size.checked_mul(tensor.len()));
    let expected = expected.ok_or_else(|| wrong(format!("as {}, which is not read", tensor.kind)))?;
    if data.length.is_some_and(|length| length != expected as u64) {
        return Err(wrong(format!("with {} bytes, where its sizes say {expected}", data.length.unwrap_or_default())));
    }
    Ok((location, data.offset, expected))
}

/// The path of a file in `folder`.
fn path_in(tensor: &Tensor<'_>, location: &Path, folder: &Path) -> Result<PathBuf, Error> {
    let refused = |error: std::io::Error| wrong(tensor, location, format!("which cannot be read: {error}"));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let folder = folder.canonicalize().map_err(refused)?;
    // A symbolic link may lead outside.
    let path = folder.join(location).canonicalize().map_err(refused)?;
    if path.starts_with(&folder) { Ok(path) } else { Err(wrong(tensor, location, OUTSIDE.to_owned())) }
}

/// Opens a file and checks that it contains these bytes.
fn open(tensor: &Tensor<'_>, location: &Path, path: &Path, start: u64, len: usize) -> Result<File, Error> {
    let refused = |error: std::io::Error| wrong(tensor, location, format!("which cannot be read: {error}"));
    let file = File::open(path).map_err(refused)?;
    let file_len = file.metadata().map_err(refused)?.len();
    if start.checked_add(len as u64).is_none_or(|end| end > file_len) {
        return Err(wrong(tensor, location, too_short(file_len, start, len)));
    }
    Ok(file)
}

fn read_external(tensor: &Tensor<'_>, folder: &Path) -> Result<Vec<u8>, Error> {
    let (location, start, len) = location_of(tensor)?;
    let path = path_in(tensor, &location, folder)?;
    let mut file = open(tensor, &location, &path, start, len)?;
    let mut bytes = vec![0; len];
    let read = file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut bytes));
    read.map_err(|error| wrong(tensor, &location, format!("which cannot be read: {error}")))?;
    Ok(bytes)
}
