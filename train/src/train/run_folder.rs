//! The metrics of a run on disk.

use core::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::callback::{Callback, EpochReport, RunReport};
use super::history::History;
use crate::error::Error;
use crate::network::Network;
use crate::storage::{check_writable, replace_file};

/// A folder with the epochs of a run as `metrics.csv` and `metrics.jsonl`, which are rewritten after each epoch. Pass it to
/// [`Trainer::callback`](super::Trainer::callback), or call [`RunFolder::write`] with the history in a training loop of your own. A resumed
/// run also writes the epochs before the interruption.
///
/// ```no_run
/// use netwright_train::train::{Checkpoints, History, RunFolder};
///
/// # fn history() -> History { History::default() }
/// let folder = RunFolder::new("runs/lenet")?;
/// let checkpoints = Checkpoints::new(folder.file("last.checkpoint"));
/// folder.write(&history())?;
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Creates the folder, and its parents, where they do not exist.
    ///
    /// # Errors
    /// [`Error::Io`] where the system cannot create it.
    pub fn new(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        std::fs::create_dir_all(&path).map_err(Error::io(&path, "create the folder"))?;
        Ok(Self { path })
    }

    /// Returns the path of a file in the folder, such as a checkpoint: `folder.file("last.checkpoint")`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Rewrites `metrics.csv` and `metrics.jsonl`, for a training loop of your own.
    ///
    /// # Errors
    /// [`Error::Io`] where the system cannot write; the previous files stay intact then.
    pub fn write(&self, history: &History) -> Result<(), Error> {
        let [csv, json_lines] = self.metrics();
        replace_file(&csv, history.to_csv().as_bytes())?;
        replace_file(&json_lines, history.to_json_lines().as_bytes())
    }

    fn metrics(&self) -> [PathBuf; 2] {
        ["metrics.csv", "metrics.jsonl"].map(|name| self.file(name))
    }
}

impl<N: Network> Callback<N> for RunFolder {
    fn reads_gradients(&self) -> bool {
        false
    }

    /// Checks that the files can be written.
    fn on_start(&mut self, _: &RunReport) -> Result<(), Error> {
        self.metrics().iter().try_for_each(check_writable)
    }

    fn on_epoch(&mut self, epoch: &EpochReport<'_, N>) -> Result<ControlFlow<()>, Error> {
        self.write(epoch.history)?;
        Ok(ControlFlow::Continue(()))
    }
}
