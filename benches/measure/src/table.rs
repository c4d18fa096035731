//! Rows of a benchmark, with arithmetic and bytes beside each time.

use std::fmt;

/// The measurement of one kernel.
#[derive(Clone, Debug)]
pub struct Row {
    /// The name.
    pub name: String,
    /// The seconds of one call.
    pub seconds: f64,
    /// Multiply-adds of one call by the plain algorithm. Winograd's algorithm needs fewer, and can exceed the peak.
    pub macs: f64,
    /// The minimum bytes that one call reads and writes: inputs, weights and outputs once.
    pub bytes: f64,
}

/// A table that prints each row at once.
#[derive(Debug)]
pub struct Table {
    peak: f64,
}

impl Table {
    /// Measures the peak of the machine on `threads` threads, prints it, and returns a table that relates its rows to it.
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

/// Seconds, printed in a suitable unit.
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
