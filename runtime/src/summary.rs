//! The table of a network's layers as text.

use core::fmt;

use crate::architecture::Architecture;
use crate::layer::Layer;

/// The assumed width of a terminal that does not report its width.
const DEFAULT_WIDTH: usize = 100;
/// The smallest width to which a text column is shortened.
const MIN_COLUMN_WIDTH: usize = 8;

const BOLD: &str = "\u{1b}[1m";
const FAINT: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";

/// The table of a network's layers: names, text, output shapes, trained parameters and multiply-adds, with the sums at the end. `{}` of a network
/// prints the same table.
///
/// ```
/// use netwright_runtime::{Architecture, summary::Summary};
///
/// fn show<N: Architecture>() {
///     println!("{}", Summary::of::<N>().for_terminal());
/// }
/// ```
///
/// By default it has no colours and no limit on its width, so that it suits files as well.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    network: &'static str,
    input: crate::Shape,
    layers: &'static [Layer],
    parameters: usize,
    trainable: usize,
    statistics: usize,
    macs: u64,
    /// The bytes of the weights, and of the workspace for one image.
    bytes: [usize; 2],
    width: Option<usize>,
    colours: bool,
}

impl Summary {
    /// Creates the table of a network's type.
    pub fn of<N: Architecture>() -> Self {
        let size = size_of::<N::Scalar>();
        Self {
            network: N::NAME,
            input: N::INPUT,
            layers: N::LAYERS,
            parameters: N::PARAMETERS,
            trainable: N::TRAINABLE,
            statistics: N::STATISTICS,
            macs: N::MACS,
            bytes: [size * (N::PARAMETERS + N::STATISTICS), size * N::PREDICTING.for_batch(1)],
            width: None,
            colours: false,
        }
    }

    /// Limits the width to `width` characters, as far as the numbers allow: names are shortened at the beginning and texts at the end, marked
    /// by `…`.
    pub fn width(mut self, width: usize) -> Self {
        self.width = Some(width);
        self
    }

    /// Prints the header and the sums bold, and layers without weights faint.
    pub fn colours(mut self, colours: bool) -> Self {
        self.colours = colours;
        self
    }

    /// Adapts the table to standard output. If that is a terminal, the table has colours, unless the variable `NO_COLOR` is set, and the width
    /// of the variable `COLUMNS`, or 100; otherwise nothing changes.
    pub fn for_terminal(self) -> Self {
        use std::io::IsTerminal;
        if !std::io::stdout().is_terminal() {
            return self;
        }
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let columns = set("COLUMNS").and_then(|columns| columns.parse().ok()).unwrap_or(DEFAULT_WIDTH);
        self.width(columns).colours(set("NO_COLOR").is_none())
    }

    /// Returns the cells of a row: name, text, output shape, parameters, multiply-adds.
    fn row(layer: &Layer) -> [String; 5] {
        let number = |number: u64| if number == 0 { String::new() } else { grouped(number) };
        let output = layer.output.to_string();
        [layer.name.into(), layer.text.into(), output, number(layer.parameters() as u64), number(layer.macs)]
    }
}

/// Prints a header, a line for each layer, and the sums.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["layer", "", "output", "parameters", "multiply-adds"].map(str::to_owned);
        let rows: Vec<[String; 5]> = self.layers.iter().map(Self::row).collect();
        let sums = [String::new(), String::new(), String::new(), grouped(self.parameters as u64), grouped(self.macs)];
        let all = rows.iter().chain([&head, &sums]);
        let mut widths = [0; 5];
        for row in all {
            widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
        }
        let gaps = 2 * (widths.len() - 1);
        let excess = |widths: &[usize; 5]| {
            self.width.map_or(0, |most| (widths.iter().sum::<usize>() + gaps).saturating_sub(most))
        };
        // Texts are shortened first, since they can be read in the source; names cannot.
        for column in [1, 0] {
            let least = MIN_COLUMN_WIDTH.min(widths[column]);
            widths[column] = widths[column].saturating_sub(excess(&widths)).max(least);
        }
        let mut line = |row: &[String; 5], style: &str| {
            let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
                let cell = if column == 0 { end_of(cell, width) } else { start_of(cell, width) };
                if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            let text = cells.collect::<Vec<_>>().join("  ");
            match text.trim_end() {
                text if self.colours && !style.is_empty() => writeln!(f, "{style}{text}{PLAIN}"),
                text => writeln!(f, "{text}"),
            }
        };
        line(&head, BOLD)?;
        for (row, layer) in rows.iter().zip(self.layers) {
            line(row, if layer.tensors.is_empty() { FAINT } else { "" })?;
        }
        line(&sums, BOLD)?;
        let statistics = match self.statistics {
            0 => String::new(),
            count => format!(" and {} statistics", grouped(count as u64)),
        };
        let trained = match self.parameters - self.trainable {
            0 => String::new(),
            frozen => format!(" ({} trained, {} frozen)", grouped(self.trainable as u64), grouped(frozen as u64)),
        };
        let [weights, workspace] = self.bytes.map(bytes);
        let Self { network, input, .. } = self;
        write!(
            f,
            "{network} takes {input}: {weights} of parameters{trained}{statistics}, {workspace} of workspace for one image"
        )
    }
}

/// Returns the beginning of a text that is too long.
fn start_of(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Returns the end of a text that is too long: the ends of names distinguish neighbouring layers.
fn end_of(text: &str, width: usize) -> String {
    let skipped = text.chars().count().saturating_sub(width);
    if skipped == 0 {
        return text.to_owned();
    }
    core::iter::once('…').chain(text.chars().skip(skipped + 1)).collect()
}

/// Formats 61706 as `61,706`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = (digits.len() - 1) % 3 + 1;
    let rest = digits.as_bytes()[first..].chunks(3).map(|group| String::from_utf8_lossy(group));
    core::iter::once(digits[..first].into()).chain(rest).collect::<Vec<_>>().join(",")
}

fn bytes(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_texts_are_cut() {
        assert_eq!([0, 999, 1000, 61_706, 1_234_567].map(grouped), ["0", "999", "1,000", "61,706", "1,234,567"]);
        assert_eq!([start_of("conv1", 5), start_of("conv12", 5), start_of("größer", 4)], ["conv1", "conv…", "grö…"]);
        assert_eq!([end_of("a.conv1", 7), end_of("a.conv1", 6), end_of("größer", 3)], ["a.conv1", "…conv1", "…er"]);
        assert_eq!([bytes(16), bytes(1536), bytes(3 << 20)], ["16 bytes", "1.5 KiB", "3.0 MiB"]);
    }
}
