//! Files that are whole or not there, and the format that weights and checkpoints are written in.

mod by_name;
mod contents;
mod half;
mod header;
pub mod json;
pub mod kind;
pub mod safetensors;
mod stream;

pub use contents::{Contents, Section};
pub use stream::Safetensors;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Writes a file under a temporary name in the same folder, makes sure that it is on the disk, and gives it its name. Whatever
/// stops this on the way leaves the file of that name as it was.
///
/// # Errors
/// [`Error::Io`] where the system refuses.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace_by(path, &|file| file.write_all(bytes))
}

/// [`replace_file`], where `write` writes the bytes, so that they need not be in memory together.
pub(crate) fn replace_by(path: &Path, write: &dyn Fn(&mut File) -> std::io::Result<()>) -> Result<(), Error> {
    let temporary = temporary_name(path);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        write(&mut file)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, path)
    })();
    if let Err(source) = written {
        // The file is incomplete and nobody's; if it cannot be removed either, the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        return Err(Error::io(path, "write")(source));
    }
    sync_folder(path).map_err(Error::io(path, "write"))
}

/// Tries whether a file could be written by [`replace_file`] later, for what is written only after hours: makes its folder, and those above
/// it, where they do not exist, and writes a file beside it, which goes at once. Nothing of the name itself is touched. Where this is
/// refused, folders that were made go too.
///
/// ```
/// # let folder = std::env::temp_dir().join(format!("netwright-writable-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// use netwright_runtime::storage::check_writable;
///
/// check_writable(folder.join("runs/today/weights.safetensors"))?; // the folders are there now, and empty
/// std::fs::write(folder.join("notes.txt"), "")?;
/// assert!(check_writable(folder.join("notes.txt/weights.safetensors")).is_err());
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Io`] with what the system says: the file's name is that of a folder, one above it is a file, there is no permission or no room.
pub fn check_writable(path: impl AsRef<Path>) -> Result<(), Error> {
    check_path(path.as_ref())
}

fn check_path(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Err(Error::io(path, "write")(std::io::ErrorKind::IsADirectory.into()));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    let temporary = temporary_name(path);
    let tried = fs::create_dir_all(folder).map_err(Error::io(folder, "create the folder")).and_then(|()| {
        let tried = File::create(&temporary).and_then(|mut file| file.write_all(b"netwright"));
        let gone = fs::remove_file(&temporary);
        tried.and(gone).map_err(Error::io(path, "write"))
    });
    if tried.is_err() {
        // From the innermost: a folder that something else has filled meanwhile stays.
        missing.into_iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
    tried
}

/// `weights.safetensors` → `.weights.safetensors.4711.tmp`.
fn temporary_name(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (process, number) = (std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed));
    path.with_file_name(format!(".{name}.{process}-{number}.tmp"))
}

/// Makes the new name itself last; only Unix lets a folder be opened for this.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    #[test]
    fn replaces_a_file_and_leaves_no_other() {
        let folder = TestFolder::new("replace_file");
        let path = folder.path().join("a");
        replace_file(&path, b"old").unwrap();
        replace_file(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_could_be_written_leaves_its_folder_and_nothing_in_it() {
        let folder = TestFolder::new("check_writable");
        let path = folder.path().join("a/b/weights");
        check_writable(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("a/b")).unwrap().count(), 0);
        fs::write(&path, b"old").unwrap();
        check_writable(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        check_writable("Cargo.toml").unwrap();
    }

    #[test]
    fn a_file_that_could_not_be_written_is_told_and_leaves_nothing() {
        let folder = TestFolder::new("check_writable_fails");
        folder.file("file", b"");
        fs::create_dir(folder.path().join("taken")).unwrap();
        let long = "a".repeat(300);
        for (name, action, named) in [
            ("file/weights", "create the folder", "file"),
            ("file/a/weights", "create the folder", "file/a"),
            ("taken", "write", "taken"),
            (&format!("new/{long}"), "write", &format!("new/{long}")),
            (&format!("new/er/{long}/weights"), "create the folder", &format!("new/er/{long}")),
        ] {
            let refused = check_writable(folder.path().join(name)).unwrap_err();
            let Error::Io { path, action: found, .. } = &refused else { panic!("{refused}") };
            assert_eq!((path, *found), (&folder.path().join(named), action), "{refused}");
        }
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["file", "taken"]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = TestFolder::new("replace_file_fails");
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), b"old").unwrap();
        let error = replace_file(&path, b"new").unwrap_err();
        assert!(matches!(&error, Error::Io { path: named, action: "write", .. } if *named == path), "{error}");
        assert_eq!(fs::read(path.join("inside")).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
