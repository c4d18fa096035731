//! Pictures side by side.

use core::fmt;

use super::picture::Picture;
use super::tones::Tones;

/// One picture of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Tile {
    /// What it shows.
    pub picture: Picture,
    /// What stands below it; may be empty.
    pub caption: String,
    /// Its colours.
    pub tones: Tones,
}

/// Pictures in rows, each with its caption. It displays as characters; with the feature `plots` it is saved as PNG or SVG.
///
/// ```
/// use netwright_runtime::see::{Picture, Sheet, Tones};
/// let edge = Picture::new([2, 2, 1], &[-1.0, 1.0, -1.0, 1.0])?;
/// let corner = Picture::new([2, 2, 1], &[-1.0, 1.0, -1.0, -1.0])?;
/// let sheet = Sheet::new("filters").tones(Tones::Signed).add(edge, "edge").add(corner, "corner");
/// println!("{sheet}");
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    pub(super) title: String,
    pub(super) columns: usize,
    pub(super) tones: Tones,
    pub(super) tiles: Vec<Tile>,
    pub(super) rows: Vec<String>,
    pub(super) legend: Option<(Tones, String)>,
}

impl Sheet {
    /// An empty sheet of eight columns.
    pub fn new(title: impl Into<String>) -> Self {
        let (tiles, rows) = (Vec::new(), Vec::new());
        Self { title: title.into(), columns: 8, tones: Tones::Own, tiles, rows, legend: None }
    }

    /// How many pictures stand side by side; 0 counts as 1.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns.max(1);
        self
    }

    /// The colours of the pictures that are added from here on.
    pub fn tones(mut self, tones: Tones) -> Self {
        self.tones = tones;
        self
    }

    /// Adds a picture.
    pub fn add(mut self, picture: Picture, caption: impl Into<String>) -> Self {
        self.tiles.push(Tile { picture, caption: caption.into(), tones: self.tones });
        self
    }

    /// Adds pictures with captions.
    pub fn extend<C: Into<String>>(self, pictures: impl IntoIterator<Item = (Picture, C)>) -> Self {
        pictures.into_iter().fold(self, |sheet, (picture, caption)| sheet.add(picture, caption))
    }

    /// Adds pictures captioned by their number, from 0.
    pub fn numbered(self, pictures: impl IntoIterator<Item = Picture>) -> Self {
        let first = self.tiles.len();
        self.extend(pictures.into_iter().enumerate().map(|(number, picture)| (picture, (first + number).to_string())))
    }

    /// What stands on the left of each row, from the first.
    pub fn row_names<C: Into<String>>(mut self, names: impl IntoIterator<Item = C>) -> Self {
        self.rows = names.into_iter().map(Into::into).collect();
        self
    }

    /// Shows what the colours mean: a bar of these tones with its numbers and `meaning`, with the unit. The range is that of the
    /// tones; for [`Tones::Own`] and [`Tones::Signed`], of all pictures together.
    pub fn legend(mut self, tones: Tones, meaning: impl Into<String>) -> Self {
        self.legend = Some((tones, meaning.into()));
        self
    }

    /// The pictures, in their order.
    pub fn tiles(&self) -> &[Tile] {
        &self.tiles
    }
}

/// The pictures in their rows, as characters, with captions below.
impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.title.is_empty() {
            writeln!(f, "{}", self.title)?;
        }
        for (row, tiles) in self.tiles.chunks(self.columns).enumerate() {
            if let Some(name) = self.rows.get(row) {
                writeln!(f, "{name}")?;
            }
            let shades: Vec<Vec<String>> = tiles.iter().map(|tile| tile.picture.shades().collect()).collect();
            let width = |tile: &Tile| tile.picture.sizes()[1].max(tile.caption.chars().count());
            let lines = shades.iter().map(Vec::len).max().unwrap_or(0);
            for line in 0..lines {
                let mut text = String::new();
                for (tile, shades) in tiles.iter().zip(&shades) {
                    let shown = shades.get(line).map_or("", String::as_str);
                    text += &format!("{shown:<width$}  ", width = width(tile));
                }
                writeln!(f, "{}", text.trim_end())?;
            }
            if tiles.iter().any(|tile| !tile.caption.is_empty()) {
                let captions = tiles.iter().map(|tile| format!("{:<width$}  ", tile.caption, width = width(tile)));
                writeln!(f, "{}", captions.collect::<String>().trim_end())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_stand_side_by_side_over_their_captions() {
        let picture = |numbers: [f32; 4]| Picture::new([2, 2, 1], &numbers).unwrap();
        let sheet = Sheet::new("three")
            .columns(2)
            .add(picture([0.0, 1.0, 0.0, 1.0]), "right")
            .add(picture([1.0, 0.0, 1.0, 0.0]), "left")
            .add(picture([0.0, 1.0, 1.0, 0.0]), "");
        assert_eq!(sheet.to_string(), "three\n █     █\nright  left\n▒▒\n");
        assert_eq!(sheet.tiles().len(), 3);
    }
}
