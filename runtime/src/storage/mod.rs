//! Atomic replacement of files, and the file format of weights and checkpoints.

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

/// Writes a file under a temporary name in the same folder, flushes it to the disk, and renames it. If any of these steps fails, an older file
/// of that name stays unchanged. A symbolic link stays, and the file that it names is replaced.
///
/// # Errors
/// [`Error::Io`] where the system cannot write, and for a device, a pipe or a socket, which the new file would replace.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace_by(path, &|file| file.write_all(bytes))
}

/// Runs [`replace_file`] with bytes that `write` produces, so that they need not be in memory all at once.
pub(crate) fn replace_by(path: &Path, write: &dyn Fn(&mut File) -> std::io::Result<()>) -> Result<(), Error> {
    let target = target(path).map_err(Error::io(path, "write"))?;
    let temporary = temporary_name(&target);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        write(&mut file)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, &target)
    })();
    if let Err(source) = written {
        // The incomplete file is useless. If removing it fails too, the first error is the one to report.
        let _ = fs::remove_file(&temporary);
        return Err(Error::io(path, "write")(source));
    }
    sync_folder(&target).map_err(Error::io(path, "write"))
}

/// Returns the path of the file to replace: where `path` is a symbolic link to a file, the path of that file.
fn target(path: &Path) -> std::io::Result<PathBuf> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() && !found.is_dir() => {
            Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no regular file"))
        }
        Ok(_) if path.is_symlink() => fs::canonicalize(path),
        _ => Ok(path.to_path_buf()),
    }
}

/// Checks whether [`replace_file`] could write a file later, for results that are written only after hours. It creates the missing folders, and
/// writes and removes a temporary file in the folder; the file itself is not touched. If this fails, it removes the folders that it has
/// created.
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
/// [`Error::Io`] with the error of the operating system: the path is a folder, a parent is a file, there is no permission or no space.
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
    let temporary = temporary_name(&target(path).map_err(Error::io(path, "write"))?);
    let tried = fs::create_dir_all(folder).map_err(Error::io(folder, "create the folder")).and_then(|()| {
        let tried = File::create(&temporary).and_then(|mut file| file.write_all(b"netwright"));
        let gone = fs::remove_file(&temporary);
        tried.and(gone).map_err(Error::io(path, "write"))
    });
    if tried.is_err() {
        // From the innermost one outward: a folder that another program has filled in the meantime stays.
        missing.into_iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
    tried
}

/// Returns a temporary name: `weights.safetensors` → `.weights.safetensors.4711-0.tmp`.
fn temporary_name(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (process, number) = (std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed));
    path.with_file_name(format!(".{name}.{process}-{number}.tmp"))
}

/// Flushes the new name to the disk; only on Unix can a folder be opened for this.
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

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_stays_and_its_file_is_replaced() {
        let folder = TestFolder::new("replace_file_link");
        fs::create_dir(folder.path().join("runs")).unwrap();
        let (file, link) = (folder.path().join("runs/first"), folder.path().join("latest"));
        fs::write(&file, b"old").unwrap();
        std::os::unix::fs::symlink("runs/first", &link).unwrap();
        check_writable(&link).unwrap();
        replace_file(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path().join("runs")).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_an_error_and_stays() {
        use std::os::unix::fs::FileTypeExt;
        let folder = TestFolder::new("replace_file_socket");
        let path = folder.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        for refused in [check_writable(&path), replace_file(&path, b"new")] {
            let error = refused.unwrap_err();
            assert!(matches!(&error, Error::Io { path: named, action: "write", .. } if *named == path), "{error}");
            assert!(error.to_string().contains("it is no regular file"), "{error}");
        }
        assert!(fs::metadata(&path).unwrap().file_type().is_socket());
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
    fn a_file_that_could_not_be_written_is_an_error_and_leaves_nothing() {
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
