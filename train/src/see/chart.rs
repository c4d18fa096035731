//! Charts of curves.

use core::fmt;

use super::sparkline::sparkline_between;

/// A named curve of points `(x, y)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Its name in the legend.
    pub name: String,
    /// Its points, in the order in which they are connected. Points that are not finite, or
    /// beyond 1e100, interrupt the line.
    pub points: Vec<(f64, f64)>,
    /// Whether only the points are drawn, without a line.
    pub scattered: bool,
    /// The index of its colour; by default, its index among the curves.
    pub colour: usize,
}

/// Curves in one frame. `{}` prints a sparkline for each curve, all with the same scale; with the feature `plots` it can be saved as PNG or SVG.
///
/// ```
/// use netwright_train::see::Chart;
/// let chart = Chart::new("the NOT gate")
///     .axes("step", "loss")
///     .curve("squared", (0..100).map(|step| (f64::from(step), 1.0 - f64::from(step) / 500.0)))
///     .curve("cross-entropy", (0..100).map(|step| (f64::from(step), 1.0 / f64::from(step + 1))));
/// println!("{chart}");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    pub(super) title: String,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) logarithmic: bool,
    pub(super) from: Option<f64>,
    pub(super) to: Option<f64>,
    pub(super) curves: Vec<Curve>,
}

impl Chart {
    /// Creates an empty chart.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Sets the labels of the axes, with units: `("epoch", "time (s)")`.
    pub fn axes(mut self, x: impl Into<String>, y: impl Into<String>) -> Self {
        (self.x, self.y) = (x.into(), y.into());
        self
    }

    /// Makes the y axis logarithmic: equal ratios have equal distances. Points that are not positive are not drawn. (A linear
    /// axis spans at least 1e-10; smaller ranges need a logarithmic one.)
    pub fn logarithmic(mut self) -> Self {
        self.logarithmic = true;
        self
    }

    /// Sets a range of y that the frame always shows; it is extended to contain the curves.
    pub fn at_least(mut self, from: f64, to: f64) -> Self {
        let bound = |bound: f64| (bound.abs() < MAX_MAGNITUDE).then_some(bound);
        (self.from, self.to) = (bound(from), bound(to));
        self
    }

    /// Adds a curve.
    pub fn curve(self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let (points, colour) = (points.into_iter().collect(), self.curves.len());
        self.with_curve(Curve { name: name.into(), points, scattered: false, colour })
    }

    /// Adds points without a line.
    pub fn points(self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let (points, colour) = (points.into_iter().collect(), self.curves.len());
        self.with_curve(Curve { name: name.into(), points, scattered: true, colour })
    }

    /// Adds a curve with all its settings.
    pub fn with_curve(mut self, curve: Curve) -> Self {
        self.curves.push(curve);
        self
    }

    /// Adds a curve through values at x = 0, 1, 2 …
    pub fn values(self, name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        self.curve(name, values.into_iter().enumerate().map(|(x, y)| (x as f64, y)))
    }

    /// Returns the curves in order.
    pub fn curves(&self) -> &[Curve] {
        &self.curves
    }

    /// Returns whether a point can be drawn.
    pub(super) fn shows(&self, (x, y): (f64, f64)) -> bool {
        let fits = |number: f64| number.abs() < MAX_MAGNITUDE;
        fits(x) && fits(y) && (!self.logarithmic || y > 1.0 / MAX_MAGNITUDE)
    }

    /// Returns the range of x and the range of y over all points that can be drawn.
    pub fn extent(&self) -> Option<[(f64, f64); 2]> {
        let points = self.curves.iter().flat_map(|curve| &curve.points).filter(|point| self.shows(**point));
        points.fold(None, |extent, &(x, y)| match extent {
            None => Some([(x, x), (y, y)]),
            Some([(left, right), (low, high)]) => Some([(left.min(x), right.max(x)), (low.min(y), high.max(y))]),
        })
    }
}

impl Chart {
    /// Returns the ranges of the axes: those of the points, extended by [`Chart::at_least`] as far as the axis can show it.
    pub(super) fn frame(&self) -> Option<[(f64, f64); 2]> {
        let [x, (low, high)] = self.extent()?;
        let fits = |bound: &f64| !self.logarithmic || *bound > 1.0 / MAX_MAGNITUDE;
        let from = self.from.filter(fits).map_or(low, |from| from.min(low));
        Some([x, (from, self.to.filter(fits).map_or(high, |to| to.max(high)))])
    }
}

/// Larger numbers are not drawn, so that the span of a frame stays finite.
const MAX_MAGNITUDE: f64 = 1e100;

/// The width of a sparkline in characters.
const WIDTH: usize = 40;

/// Prints for each curve its name, a sparkline, and its first and last value.
impl fmt::Display for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.title.is_empty() {
            writeln!(f, "{}", self.title)?;
        }
        let names = self.curves.iter().map(|curve| curve.name.chars().count()).max().unwrap_or(0);
        let on_axis = |y: f64| if self.logarithmic { y.ln() } else { y };
        let (low, high) = self.frame().map_or((0.0, 0.0), |[_, y]| y);
        for curve in &self.curves {
            let height = |&point: &(f64, f64)| if self.shows(point) { on_axis(point.1) } else { f64::NAN };
            let heights: Vec<f64> = curve.points.iter().map(height).collect();
            let course = sparkline_between(&heights, WIDTH, (on_axis(low), on_axis(high)));
            let end = |point: Option<&(f64, f64)>| point.map_or("-".to_owned(), |(_, y)| short(*y));
            let (first, last) = (end(curve.points.first()), end(curve.points.last()));
            let gap = WIDTH.min(self.curves.iter().map(|curve| curve.points.len()).max().unwrap_or(0));
            writeln!(f, "{:<names$}  {course:<gap$}  {first} → {last}", curve.name)?;
        }
        Ok(())
    }
}

/// Formats a number in a few characters.
pub(super) fn short(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || !number.is_finite() {
        format!("{number}")
    } else if (1e-3..1e5).contains(&size) {
        let digits = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
        let text = format!("{number:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    } else {
        format!("{number:.1e}")
    }
}

/// Charts in a grid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    pub(super) charts: Vec<Chart>,
    pub(super) columns: usize,
}

impl Figure {
    /// Arranges charts in `columns` columns; 0 counts as 1.
    pub fn new(columns: usize, charts: impl IntoIterator<Item = Chart>) -> Self {
        Self { charts: charts.into_iter().collect(), columns: columns.max(1) }
    }

    /// Returns the charts in order.
    pub fn charts(&self) -> &[Chart] {
        &self.charts
    }
}

/// Prints the sparklines of each chart.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.charts.iter().try_for_each(|chart| chart.fmt(f))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_in_the_terminal_has_a_line_for_each_curve() {
        let chart =
            Chart::new("loss").curve("train", [(1.0, 2.0), (2.0, 1.0), (3.0, 0.5)]).values("test", [4.0, f64::NAN]);
        assert_eq!(chart.to_string(), "loss\ntrain  ▄▂▁  2 → 0.5\ntest   █    4 → NaN\n");
    }

    #[test]
    fn sparklines_of_one_chart_can_be_compared() {
        let chart = Chart::new("").values("falls", [8.0, 1.0]).values("stays", [1.2, 1.0]);
        assert_eq!(chart.to_string(), "falls  █▁  8 → 1\nstays  ▁▁  1.2 → 1\n");
        let share = Chart::new("").at_least(0.0, 100.0).values("dead", [10.0, 20.0, 100.0]);
        assert_eq!(share.to_string(), "dead  ▂▂█  10 → 100\n");
        let norms = Chart::new("").logarithmic().at_least(0.0, 1.0).values("norm", [1e-7, 1e-4, 1.0]);
        assert_eq!(norms.to_string(), "norm  ▁▄█  1.0e-7 → 1\n");
    }

    #[test]
    fn a_logarithmic_axis_shows_positive_numbers_alone() {
        let chart = Chart::new("").logarithmic().values("norm", [100.0, 10.0, 0.0, 1.0]);
        assert_eq!(chart.extent(), Some([(0.0, 3.0), (1.0, 100.0)]));
        assert_eq!(chart.to_string(), "norm  █▅ ▁  100 → 1\n");
        assert_eq!(Chart::new("").values("nothing", []).extent(), None);
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, 1.0, -0.25, 0.123456, 61706.0, 1e-7, 2.5e9, f64::NAN];
        assert_eq!(numbers.map(short), ["0", "1", "-0.25", "0.1235", "61706", "1.0e-7", "2.5e9", "NaN"]);
    }
}
