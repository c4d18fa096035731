//! Rows of a benchmark, with arithmetic and bytes beside each time.

use std::fmt;

/// One thing that was timed.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// Of one call.
    pub seconds: f64,
    /// Multiply-adds of one call, of the plain algorithm: Winograd's does with fewer, and can be ahead of the peak.
    pub macs: f64,
    /// Bytes that one call has to read and write at least: inputs, weights and outputs once.
    pub bytes: f64,
}

/// A table that prints itself: a row as soon as it is there.
#[derive(Debug)]
pub struct Table {
    peak: f64,
}

impl Table {
    /// A table beside what the machine can do on `threads` threads, which is measured here and printed above the table.
    pub fn new(threads: usize) -> Self {
        let peak = crate::peak(threads);
        println!(
            "peak of {threads} thread(s), measured: {peak:.1} GFLOP/s; memory, one thread: {:.1} GB/s",
            crate::memory()
        );
        println!(
            "{:<44} {:>12} {:>10} {:>10} {:>8} {:>7} {:>7}",
            "", "time", "MMAC", "MB", "GFLOP/s", "of peak", "GB/s"
        );
        Self { peak }
    }

    /// Prints a row.
    pub fn row(&self, row: &Row) {
        println!("{}", self.line(row));
    }

    fn line(&self, row: &Row) -> String {
        let gflops = 2.0 * row.macs / row.seconds / 1e9;
        format!(
            "{:<44} {:>12} {:>10.3} {:>10.3} {:>8.1} {:>6.0}% {:>7.1}",
            row.name,
            Time(row.seconds).to_string(),
            row.macs / 1e6,
            row.bytes / 1e6,
            gflops,
            100.0 * gflops / self.peak,
            row.bytes / row.seconds / 1e9,
        )
    }
}

/// Seconds, in the unit that suits them.
#[derive(Clone, Copy, Debug)]
pub struct Time(pub f64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds if seconds < 1e-6 => write!(f, "{:.1} ns", 1e9 * seconds),
            seconds if seconds < 1e-3 => write!(f, "{:.2} µs", 1e6 * seconds),
            seconds if seconds < 1.0 => write!(f, "{:.2} ms", 1e3 * seconds),
            seconds => write!(f, "{seconds:.2} s"),
        }
    }
}
