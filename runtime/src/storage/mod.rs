//! Files that are whole or not there, and the format that weights and checkpoints are written in.

mod half;
pub(crate) mod kind;
pub mod safetensors;

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
    let temporary = temporary_name(path);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
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
