//! The protocol between an engine and the comparison: the same lines as `engines/speak.py`.
//!
//! `PROGRAM MODEL predict|train BATCH THREADS ANSWERS` loads the model of a folder, writes its first outputs to a file, and prints `ready`. Then
//! it times its call for each line `go SECONDS` that it reads, until its standard input ends.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// An error. It ends the program, and its text is in the table.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The learning rate of all training: small, so that neither the weights nor the speed change noticeably in thousands of steps.
pub const RATE: f64 = 1e-3;

/// Number of steps whose losses are compared.
pub const LOSSES: usize = 3;

/// The job that the command line describes.
#[derive(Clone, Debug)]
pub struct Job {
    /// The folder of the model: `model.onnx`, `images.f32` with channels first, `labels.txt`.
    pub folder: PathBuf,
    /// Whether it trains.
    pub trains: bool,
    /// Number of images per call.
    pub batch: usize,
    /// Number of threads.
    pub threads: usize,
    answers: PathBuf,
}

impl Job {
    /// Parses the command line.
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

    /// Returns the name of the model.
    pub fn model(&self) -> &str {
        self.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Returns the file of the model.
    pub fn onnx(&self) -> PathBuf {
        self.folder.join("model.onnx")
    }

    /// Reads the sizes of the images of a call, in the order of the file: batch, channels, height, width; or batch, features.
    pub fn shape(&self) -> Result<Vec<usize>, Failure> {
        let facts = std::fs::read_to_string(self.folder.join("facts.json"))?;
        let sizes = facts.split("\"input\": [").nth(1).and_then(|rest| rest.split(']').next()).ok_or("no sizes")?;
        let sizes = sizes.split(',').map(|size| Ok(size.trim().parse()?));
        std::iter::once(Ok(self.batch)).chain(sizes).collect()
    }

    /// Reads the images of a call, channels first.
    pub fn images(&self) -> Result<Vec<f32>, Failure> {
        let all = read(&self.folder.join("images.f32"))?;
        let count = std::fs::read_to_string(self.folder.join("labels.txt"))?.split_whitespace().count();
        Ok(all[..all.len() / count * self.batch].to_vec())
    }

    /// Reads the labels of a call.
    pub fn labels(&self) -> Result<Vec<usize>, Failure> {
        let text = std::fs::read_to_string(self.folder.join("labels.txt"))?;
        text.split_whitespace().take(self.batch).map(|label| Ok(label.parse()?)).collect()
    }

    /// Serves until standard input ends. `answers` are the outputs of the first call, or the losses of the first steps.
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

/// Reads the elements of a file.
pub fn read(file: &Path) -> Result<Vec<f32>, Failure> {
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Returns the median and best seconds of a call, after one warm-up call. A warm-up call that takes the whole turn is the only one measured.
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
