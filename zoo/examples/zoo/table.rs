//! The table of slide 31, from constants of the networks' types.

use netwright::Architecture;

/// A network's row in the table.
pub(crate) struct Row {
    name: &'static str,
    parameters: usize,
    depth: usize,
    lecture: Option<usize>,
    macs: u64,
    workspace: usize,
    input: String,
}

impl Row {
    /// Creates the row of `N`; `lecture` is the depth that the lecture gives.
    pub(crate) fn of<N: Architecture>(lecture: Option<usize>) -> Self {
        Self {
            name: N::NAME,
            parameters: N::PARAMETERS + N::STATISTICS,
            depth: N::DEPTH,
            lecture,
            macs: N::MACS,
            workspace: size_of::<N::Scalar>() * N::PREDICTING.for_batch(1),
            input: N::INPUT.to_string(),
        }
    }
}

/// Formats the table.
pub(crate) fn of(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<18} {:>10} {:>11} {:>12} {:>6} {:>8} {:>15} {:>11}\n",
        "network", "input", "size", "parameters", "depth", "lecture", "multiply-adds", "workspace"
    );
    for row in rows {
        let lecture = row.lecture.map_or("-".to_owned(), |depth| depth.to_string());
        text += &format!(
            "{:<18} {:>10} {:>11} {:>12} {:>6} {:>8} {:>15} {:>11}\n",
            row.name,
            row.input,
            bytes(4 * row.parameters),
            grouped(row.parameters as u64),
            row.depth,
            lecture,
            grouped(row.macs),
            bytes(row.workspace),
        );
    }
    text + "\nParameters include batch normalisation's statistics, size is 4 bytes for each, workspace is what predicting one image takes besides.\n\
        Depth counts every word on the longest way and the input; the lecture's counts differ where Keras makes one layer of two words.\n"
}

fn bytes(bytes: usize) -> String {
    match bytes {
        0..1_048_576 => format!("{:.1} KB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MB", bytes as f64 / 1_048_576.0),
    }
}

/// Formats 61706 as `61,706`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let ends = (1..=digits.len()).filter(|end| (digits.len() - end).is_multiple_of(3));
    let mut start = 0;
    let groups: Vec<&str> = ends.map(|end| &digits[std::mem::replace(&mut start, end)..end]).collect();
    groups.join(",")
}
