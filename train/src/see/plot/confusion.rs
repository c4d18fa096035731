//! Drawing of confusion matrices.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Rectangle, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{BLACK, Color, WHITE};

use super::paint::{Paint, Painted};
use super::{TEXT, TITLE, anchored, colour, upwards, width_of};
use crate::error::Error;
use crate::train::ConfusionMatrix;

/// The margin on all sides.
const GAP: u64 = 14;
/// The name of the column of answers that predict no class.
const NONE: &str = "none";

/// A drawing of a [`ConfusionMatrix`]: rows are true classes, columns predicted ones. The darkness of a field is its share of its row,
/// and its text is its count. Answers that predict no class have a last column, if there are any.
///
/// ```
/// use netwright_train::see::{ConfusionChart, Drawing};
/// use netwright_train::train::ConfusionMatrix;
/// let mut matrix = ConfusionMatrix::new(2);
/// matrix.add(0, 0)?;
/// matrix.add(1, 0)?;
/// let svg = ConfusionChart::new("cats and dogs", matrix).names(["cat", "dog"])?.to_svg()?;
/// assert!(svg.contains("predicted"));
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionChart {
    title: String,
    matrix: ConfusionMatrix,
    names: Vec<String>,
}

impl ConfusionChart {
    /// Creates a chart whose classes are named by their indices.
    pub fn new(title: impl Into<String>, matrix: ConfusionMatrix) -> Self {
        let names = (0..matrix.classes()).map(|class| class.to_string()).collect();
        Self { title: title.into(), matrix, names }
    }

    /// Sets the names of the classes, from class 0.
    ///
    /// # Errors
    /// [`Error::Length`] where the numbers of names and classes differ.
    pub fn names<C: Into<String>>(mut self, names: impl IntoIterator<Item = C>) -> Result<Self, Error> {
        self.names = names.into_iter().map(Into::into).collect();
        let (expected, found) = (self.matrix.classes(), self.names.len());
        if expected == found { Ok(self) } else { Err(Error::Length { what: "the names of classes", expected, found }) }
    }

    /// Returns the number of columns: one for each class, and one for answers that predict none.
    fn columns(&self) -> usize {
        self.matrix.classes() + usize::from(self.matrix.none() > 0)
    }

    /// Returns the count in a row and column.
    fn count(&self, actual: usize, column: usize) -> u64 {
        if column < self.matrix.classes() { self.matrix.count(actual, column) } else { self.matrix.none_of(actual) }
    }

    /// Returns the side of a field, with room for its count and for the name above it.
    fn field(&self) -> u64 {
        let rows = 0..self.matrix.classes();
        let counts = rows.flat_map(|actual| (0..self.columns()).map(move |column| self.count(actual, column)));
        let count = width_of(&counts.max().unwrap_or(0).to_string(), TEXT);
        count.max(self.names_width()).max(36) + 8
    }

    fn names_width(&self) -> u64 {
        let names = self.names.iter().map(String::as_str).chain((self.matrix.none() > 0).then_some(NONE));
        names.map(|name| width_of(name, TEXT)).max().unwrap_or(0)
    }

    /// Returns the corner of the first field.
    fn corner(&self) -> (u64, u64) {
        let line = u64::from(TEXT) * 3 / 2;
        let title = if self.title.is_empty() { 0 } else { u64::from(TITLE) * 3 / 2 };
        (GAP + line + self.names_width() + 8, GAP + title + 2 * line)
    }
}

impl Paint for ConfusionChart {
    fn title(&self) -> &str {
        &self.title
    }

    fn size(&self) -> (u64, u64) {
        let (left, top) = self.corner();
        let (across, down) = (self.field() * self.columns() as u64, self.field() * self.matrix.classes() as u64);
        let title = width_of(&self.title, TITLE) + 2 * GAP;
        ((left + across + GAP).max(title), top + down + GAP)
    }

    fn paint<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Painted<B> {
        let (left, top) = self.corner();
        let (left, top, field) = (left as i32, top as i32, self.field() as i32);
        let classes = self.matrix.classes();
        let middle = |class: usize| class as i32 * field + field / 2;
        let style = anchored(TITLE, HPos::Left, VPos::Top);
        area.draw(&Text::new(self.title.as_str(), (GAP as i32, GAP as i32 / 2), style))?;
        let fields = classes as i32 * field;
        let above = top - TEXT as i32 * 2;
        area.draw(&Text::new("predicted", (left + fields / 2, above), anchored(TEXT, HPos::Center, VPos::Center)))?;
        area.draw(&Text::new("true", (GAP as i32, top + fields / 2), upwards(TEXT)))?;
        for (class, name) in self.names.iter().enumerate() {
            let (row, column) = ((left - 6, top + middle(class)), (left + middle(class), top - 6));
            area.draw(&Text::new(name.as_str(), row, anchored(TEXT, HPos::Right, VPos::Center)))?;
            area.draw(&Text::new(name.as_str(), column, anchored(TEXT, HPos::Center, VPos::Bottom)))?;
        }
        if self.columns() > classes {
            let column = (left + middle(classes), top - 6);
            area.draw(&Text::new(NONE, column, anchored(TEXT, HPos::Center, VPos::Bottom)))?;
        }
        for actual in 0..classes {
            let row = self.matrix.actual(actual);
            for predicted in 0..self.columns() {
                let count = self.count(actual, predicted);
                let share = if row == 0 { 0.0 } else { count as f64 / row as f64 };
                let (x, y) = (left + predicted as i32 * field, top + actual as i32 * field);
                area.draw(&Rectangle::new([(x, y), (x + field, y + field)], colour(shade(share)).filled()))?;
                area.draw(&Rectangle::new([(x, y), (x + field, y + field)], BLACK.mix(0.15)))?;
                if count > 0 {
                    let ink = if share > 0.5 { &WHITE } else { &BLACK };
                    let style = anchored(TEXT, HPos::Center, VPos::Center).color(ink);
                    area.draw(&Text::new(count.to_string(), (x + field / 2, y + field / 2), style))?;
                }
            }
        }
        Ok(())
    }
}

/// Returns a colour from white for 0 to dark blue for 1. It uses the root of the share, so that the few errors of a good network are visible.
fn shade(share: f64) -> [u8; 3] {
    const ALL: [u8; 3] = [8, 81, 156];
    ALL.map(|full| (255.0 - (255.0 - f64::from(full)) * share.sqrt()).round() as u8)
}
