//! Numbers along the axes of an input: height and width of an image, or the length of a series.

use netwright_grammar::Diagnostic;

use crate::graph::ValueId;
use crate::lower::Lowering;
use crate::shape::Shape;
use crate::words::{Numbers, Use};

/// The axes that a window moves along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axes {
    /// Height and width.
    Two,
    /// The length of a series, which is the height of an image of width 1.
    One,
}

impl Axes {
    /// The axes of a value.
    pub(super) fn of(lowering: &Lowering<'_>, input: ValueId) -> Self {
        if matches!(lowering.shape(input), Shape::Series { .. }) { Self::One } else { Self::Two }
    }

    /// One number for both axes, or height x width; for a series a single number.
    pub(super) fn pair(self, numbers: &Numbers, what: &str, form: &str) -> Result<[usize; 2], Diagnostic> {
        match (self, numbers.numbers.as_slice()) {
            (Self::Two, _) => numbers.pair(what, form),
            (Self::One, [length]) => Ok([length.count(what)?, 1]),
            (Self::One, [length, ..]) => Err(one_axis(numbers, what).help(format!(
                "write one number: `{} {}`",
                form.split(' ').next().unwrap_or_default(),
                length.value
            ))),
            (Self::One, []) => numbers.pair(what, form),
        }
    }

    /// Top, bottom, left and right from one, two or four numbers; for a series before and after from one or two. Diagnostics call the
    /// numbers `what`.
    pub(super) fn sides(self, numbers: &Numbers, what: &str) -> Result<[usize; 4], Diagnostic> {
        match (self, numbers.numbers.as_slice()) {
            (Self::Two, _) => sides(numbers, what),
            (Self::One, [both]) => both.whole(what).map(|both| [both, both, 0, 0]),
            (Self::One, [before, behind]) => Ok([before.whole(what)?, behind.whole(what)?, 0, 0]),
            (Self::One, _) => {
                Err(one_axis(numbers, what).help("write `1` for both ends, or `1x2` for before x behind"))
            }
        }
    }

    /// The window and the filters of a convolution: height x width x filters; for a series length x filters.
    pub(super) fn window_and_filters(
        self,
        layer: &Use,
        lowering: &Lowering<'_>,
        input: ValueId,
    ) -> Result<([usize; 2], usize), Diagnostic> {
        let numbers = layer.numbers()?;
        let (word, shape) = (layer.word.name, lowering.shape(input));
        match (self, numbers.numbers.as_slice()) {
            (Self::Two, [height, width, filters]) => {
                let size = [height.count("the window's height")?, width.count("the window's width")?];
                Ok((size, filters.count("the number of filters")?))
            }
            (Self::One, [length, filters]) => {
                Ok(([length.count("the window's length")?, 1], filters.count("the number of filters")?))
            }
            (Self::One, [length, _, filters]) => {
                let mut help = format!("write length x filters: `{word} {}x{}`", length.value, filters.value);
                if let Shape::Series { length: height, channels: width } = shape
                    && width > 1
                    && input == lowering.input()
                {
                    help.push_str(&format!("; if grey images come in, declare the input as `{height}x{width}x1`"));
                }
                let message =
                    format!("a window of two axes, and what comes in is a series: {shape}, length x channels");
                Err(lowering.diagnostic(layer, &message).help(help))
            }
            (Self::Two, [_, _]) if matches!(shape, Shape::Flat(_)) => {
                let message =
                    format!("it needs a series or an image, and its input is flat: {shape} features in a row");
                Err(lowering.diagnostic(layer, &message).help(format!(
                    "turn the features into a series of length x channels, `reshape {shape}x1`, or declare the input so"
                )))
            }
            (Self::One, [_]) => Err(Diagnostic::new(
                layer.written.to(numbers.span),
                format!("`{word}` needs a window and a number of filters"),
            )
            .help(format!("what comes in is a series: write length x filters, `{word} 3x16`"))),
            _ => Err(not_window_and_filters(layer)),
        }
    }
}

fn one_axis(numbers: &Numbers, what: &str) -> Diagnostic {
    let message = format!("what comes in is a series, and has one axis: {what} has no second number");
    Diagnostic::new(numbers.span, message)
}

/// Top, bottom, left and right from one number, two or four.
fn sides(numbers: &Numbers, what: &str) -> Result<[usize; 4], Diagnostic> {
    let sizes = numbers.numbers.iter().map(|number| number.whole(what)).collect::<Result<Vec<_>, _>>()?;
    match sizes.as_slice() {
        [all] => Ok([*all; 4]),
        [vertical, horizontal] => Ok([*vertical, *vertical, *horizontal, *horizontal]),
        [top, bottom, left, right] => Ok([*top, *bottom, *left, *right]),
        more => {
            Err(Diagnostic::new(numbers.span, format!("{what} takes one, two or four numbers, not {}", more.len()))
                .help(
                    "write `1` for all sides, `1x2` for rows and columns, or `1x2x0x3` for top x bottom x left x right",
                ))
        }
    }
}

/// The diagnostic for numbers of a convolution that are not height x width x filters.
fn not_window_and_filters(layer: &Use) -> Diagnostic {
    let (word, Some(numbers)) = (layer.word.name, &layer.argument) else {
        return layer.incomplete();
    };
    let span = layer.written.to(numbers.span);
    let written: Vec<String> = numbers.numbers.iter().map(|number| number.value.to_string()).collect();
    match written.as_slice() {
        [one] => Diagnostic::new(span, format!("`{word}` needs a window and a number of filters"))
            .help(format!("write height x width x filters: `{word} 3x3x{one}` for {one} filters of 3x3")),
        [height, width] => {
            Diagnostic::new(span, format!("`{word} {height}x{width}` has a window but no number of filters"))
                .help(format!("add the filters as the third number: `{word} {height}x{width}x16`"))
        }
        [height, width, _, filters] => {
            Diagnostic::new(span, format!("`{word}` takes three numbers, not 4")).help(format!(
                "write height x width x filters, `{word} {height}x{width}x{filters}`: the input's channels are known"
            ))
        }
        more => Diagnostic::new(span, format!("`{word}` takes three numbers, not {}", more.len()))
            .help(format!("write height x width x filters, `{word} 3x3x16`: the input's channels are known")),
    }
}
