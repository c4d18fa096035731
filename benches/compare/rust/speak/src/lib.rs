//! How an engine speaks with the comparison: the same lines as `engines/speak.py`.
//!
//! `PROGRAM MODEL predict|train BATCH THREADS ANSWERS` loads the model of a folder, writes its first answers to a file, says `ready`, and
//! then times its call as often as it is told `go SECONDS`, until there are no more lines.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What may go wrong: it ends the program, and stands in the table.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The learning rate of all training: small, so that weights and their speed stay what they are for thousands of steps.
pub const RATE: f64 = 1e-3;

/// Steps whose losses are compared.
pub const LOSSES: usize = 3;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Job {
    /// The folder of the model: `model.onnx`, `images.f32` with channels first, `labels.txt`.
    pub folder: PathBuf,
    /// Whether to train.
    pub trains: bool,
    /// Images of a call.
    pub batch: usize,
    /// Threads.
    pub threads: usize,
    answers: PathBuf,
}

impl Job {
    /// The job of the command line.
    pub fn from_arguments() -> Result<Self, Failure> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [folder, mode, batch, threads, answers] = &arguments[..] else {
            return Err("PROGRAM MODEL predict|train BATCH THREADS ANSWERS".into());
        };
        Ok(Self {
            folder: folder.into(),
            trains: mode == "train",
            batch: batch.parse()?,
            threads: threads.parse()?,
            answers: answers.into(),
        })
    }

    /// The name of the model.
    pub fn model(&self) -> &str {
        self.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// The file of the model.
    pub fn onnx(&self) -> PathBuf {
        self.folder.join("model.onnx")
    }

    /// The sizes of the images of a call, as the file has them: batch, channels, height, width; or batch, features.
    pub fn shape(&self) -> Result<Vec<usize>, Failure> {
        let facts = std::fs::read_to_string(self.folder.join("facts.json"))?;
        let sizes = facts.split("\"input\": [").nth(1).and_then(|rest| rest.split(']').next()).ok_or("no sizes")?;
        let sizes = sizes.split(',').map(|size| Ok(size.trim().parse()?));
        std::iter::once(Ok(self.batch)).chain(sizes).collect()
    }

    /// The images of a call, channels first.
    pub fn images(&self) -> Result<Vec<f32>, Failure> {
        let all = read(&self.folder.join("images.f32"))?;
        let count = std::fs::read_to_string(self.folder.join("labels.txt"))?.split_whitespace().count();
        Ok(all[..all.len() / count * self.batch].to_vec())
    }

    /// The labels of a call.
    pub fn labels(&self) -> Result<Vec<usize>, Failure> {
        let text = std::fs::read_to_string(self.folder.join("labels.txt"))?;
        text.split_whitespace().take(self.batch).map(|label| Ok(label.parse()?)).collect()
    }

    /// Serves until the lines end. `answers` are those of the first call, or the losses of the first steps.
    pub fn serve(&self, answers: &[f32], mut call: impl FnMut()) -> Result<(), Failure> {
        std::fs::write(&self.answers, answers.iter().flat_map(|answer| answer.to_le_bytes()).collect::<Vec<u8>>())?;
        say("ready")?;
        for line in std::io::stdin().lock().lines() {
            let line = line?;
            let long: f64 = line.strip_prefix("go ").ok_or("a line that is no `go`")?.parse()?;
            say(&measure(long, &mut call))?;
        }
        Ok(())
    }
}

/// The elements of a file.
pub fn read(file: &Path) -> Result<Vec<f32>, Failure> {
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Median and best seconds of a call, after one that warms up; one that takes the whole turn is measured itself, and alone.
fn measure(long: f64, call: &mut impl FnMut()) -> String {
    let start = Instant::now();
    call();
    let first = start.elapsed().as_secs_f64();
    if first >= long {
        return format!("{first:e} {first:e} 1");
    }
    let (start, mut times) = (Instant::now(), Vec::new());
    while times.len() < 3 || start.elapsed().as_secs_f64() < long {
        let turn = Instant::now();
        call();
        times.push(turn.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    format!("{:e} {:e} {}", times[(times.len() - 1) / 2], times[0], times.len())
}
