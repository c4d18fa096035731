//! Sheets of pictures.

use core::fmt;

use super::picture::Picture;
#[cfg(feature = "plots")]
use super::tones::Scale;
use super::tones::Tones;

/// One picture of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Tile {
    /// The picture.
    pub picture: Picture,
    /// The text below it; may be empty.
    pub caption: String,
    /// Its colours.
    pub tones: Tones,
}

/// Pictures in rows, each with its caption. `{}` prints them as characters; with the feature `plots` it can be saved as PNG or SVG.
///
/// ```
/// use netwright_train::see::{Picture, Sheet, Tones};
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
    /// Creates an empty sheet of eight columns.
    pub fn new(title: impl Into<String>) -> Self {
        let (tiles, rows) = (Vec::new(), Vec::new());
        Self { title: title.into(), columns: 8, tones: Tones::Own, tiles, rows, legend: None }
    }

    /// Sets the number of columns; 0 counts as 1.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns.max(1);
        self
    }

    /// Sets the colours of the pictures that are added after this call.
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

    /// Adds pictures with their indices, from 0, as captions.
    pub fn numbered(self, pictures: impl IntoIterator<Item = Picture>) -> Self {
        let first = self.tiles.len();
        self.extend(pictures.into_iter().enumerate().map(|(number, picture)| (picture, (first + number).to_string())))
    }

    /// Sets the texts on the left of the rows, from the first row on.
    pub fn row_names<C: Into<String>>(mut self, names: impl IntoIterator<Item = C>) -> Self {
        self.rows = names.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a legend: a colour bar of these tones with its values and `meaning`, with the unit. With [`Tones::Own`] and
    /// [`Tones::Signed`], all pictures of these tones use a common range, so that the bar is valid for each of them.
    pub fn legend(mut self, tones: Tones, meaning: impl Into<String>) -> Self {
        self.legend = Some((tones, meaning.into()));
        self
    }

    /// Returns the pictures in order.
    pub fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    /// Returns the tones of the legend, and their common scale for all pictures with these tones; for all pictures if none has them.
    #[cfg(feature = "plots")]
    pub(super) fn shared_scale(&self) -> Option<(Tones, Scale)> {
        let tones = self.legend.as_ref()?.0;
        let range = |fits: &dyn Fn(&Tile) -> bool| {
            let ranges = self.tiles.iter().filter(|tile| fits(tile)).map(|tile| tile.picture.shown().range());
            ranges.reduce(|(least, most), (low, high)| (low.min(least), high.max(most)))
        };
        let range = range(&|tile| tile.tones == tones).or_else(|| range(&|_| true));
        Some((tones, tones.scale(range.unwrap_or((0.0, 1.0)))))
    }
}

/// The number of characters in a line; a wider row of pictures is broken.
const LINE: usize = 100;

impl Sheet {
    /// Returns the number of pictures per line in a terminal, so that lines are not too long.
    fn side_by_side(tiles: &[Tile]) -> usize {
        let widest = tiles.iter().map(Tile::columns).max().unwrap_or(0);
        let most = ((LINE + GAP) / (widest + GAP)).max(1);
        tiles.len().div_ceil(tiles.len().div_ceil(most))
    }
}

impl Tile {
    /// Returns its colours, on the scale of the legend if it has the legend's tones.
    #[cfg(feature = "plots")]
    pub(super) fn colours(&self, shared: Option<(Tones, Scale)>) -> Vec<[u8; 3]> {
        match shared {
            Some((tones, scale)) if tones == self.tones => self.picture.colours_by(scale),
            _ => self.picture.colours(self.tones),
        }
    }

    /// Returns its width in a terminal in characters.
    fn columns(&self) -> usize {
        self.picture.characters().max(self.caption.chars().count())
    }
}

/// The number of characters between two pictures.
const GAP: usize = 2;

/// Prints the pictures in rows, as characters, with captions below; a row wider than 100 characters is broken.
impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.title.is_empty() {
            writeln!(f, "{}", self.title)?;
        }
        for (row, tiles) in self.tiles.chunks(self.columns).enumerate() {
            if let Some(name) = self.rows.get(row) {
                writeln!(f, "{name}")?;
            }
            tiles.chunks(Self::side_by_side(tiles)).try_for_each(|tiles| write_beside(f, tiles))?;
        }
        Ok(())
    }
}

/// Prints pictures side by side, and their captions below.
fn write_beside(f: &mut fmt::Formatter<'_>, tiles: &[Tile]) -> fmt::Result {
    let mut line = |cells: &mut dyn Iterator<Item = (&Tile, &str)>| {
        let cells = cells.map(|(tile, text)| format!("{text:<width$}", width = tile.columns() + GAP));
        writeln!(f, "{}", cells.collect::<String>().trim_end())
    };
    let shades: Vec<Vec<String>> = tiles.iter().map(|tile| tile.picture.shades()).collect();
    for row in 0..shades.iter().map(Vec::len).max().unwrap_or(0) {
        let cells = shades.iter().map(|shades| shades.get(row).map_or("", String::as_str));
        line(&mut tiles.iter().zip(cells))?;
    }
    if tiles.iter().any(|tile| !tile.caption.is_empty()) {
        line(&mut tiles.iter().map(|tile| (tile, tile.caption.as_str())))?;
    }
    Ok(())
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
        assert_eq!(sheet.to_string(), "three\n  ██   ██\n  ██   ██\nright  left\n  ██\n██\n");
        assert_eq!(sheet.tiles().len(), 3);
    }

    #[test]
    fn a_row_that_is_too_wide_for_a_terminal_goes_on_below() {
        let wide = |_| Picture::new([2, 28, 1], &[1.0; 56]).unwrap();
        let sheet = Sheet::new("").columns(5).numbered((0..10).map(wide)).row_names(["first", "second"]);
        let text = sheet.to_string();
        let captions =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).filter(|line| line[0].len() < 2);
        assert_eq!(
            captions.collect::<Vec<_>>(),
            [vec!["0", "1", "2"], vec!["3", "4"], vec!["5", "6", "7"], vec!["8", "9"]]
        );
        assert!(text.lines().all(|line| line.chars().count() <= LINE));
        assert_eq!(text.lines().filter(|line| ["first", "second"].contains(line)).count(), 2);
    }

    #[cfg(feature = "plots")]
    #[test]
    fn the_colours_of_a_legend_hold_for_every_picture_of_its_tones() {
        let picture = |numbers: [f32; 2]| Picture::new([1, 1, 2], &numbers).unwrap();
        let sheet = Sheet::new("").tones(Tones::Own).add(picture([9.0, 9.0]), "another").tones(Tones::Signed);
        let sheet = sheet.add(picture([0.0, 2.0]), "small").add(picture([-6.0, 2.0]), "large");
        let small = |sheet: &Sheet| sheet.tiles()[1].colours(sheet.shared_scale())[0];
        assert_eq!(small(&sheet), Tones::Signed.scale((-1.0, 1.0)).colour(1.0), "as deep as it can be");
        let with_legend = sheet.legend(Tones::Signed, "weight");
        let (_, scale) = with_legend.shared_scale().unwrap();
        assert_eq!((scale.least, scale.most), (-2.0, 2.0), "of the means that are shown");
        assert_eq!(small(&with_legend), Tones::Signed.scale((-2.0, 2.0)).colour(1.0));
    }
}
