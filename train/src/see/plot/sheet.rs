//! Drawing of sheets of pictures.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Rectangle, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

use super::paint::{Paint, Painted};
use super::{TEXT, TITLE, anchored, colour, upwards, width_of};
use crate::see::chart::short;
use crate::see::sheet::{Sheet, Tile};
use crate::see::tones::{Scale, Tones};

/// The approximate length of the longer side of a picture, in pixels.
const SIDE: u64 = 112;
/// The gap between pictures, and the margin around all of them.
const GAP: u64 = 14;
/// The width of the colour bar, and the gap between it and its numbers.
const BAR: u64 = 18;
const BESIDE: u64 = 6;
/// The height of the colour bar in pixels.
const BAR_LINES: u64 = 160;
/// The colour of the frame around each picture.
const FRAME: [u8; 3] = [204, 204, 204];

/// The positions and sizes of all parts of a sheet.
struct Layout {
    /// The height of the highest picture.
    picture_height: u64,
    cell_width: u64,
    cell_height: u64,
    left: u64,
    top: u64,
    columns: u64,
    rows: u64,
}

impl Layout {
    fn of(sheet: &Sheet) -> Self {
        let largest = |size: usize| sheet.tiles.iter().map(|tile| drawn_sizes(tile)[size]).max().unwrap_or(SIDE);
        let [picture_height, picture_width] = [0, 1].map(largest);
        let caption = sheet.tiles.iter().map(|tile| width_of(&tile.caption, TEXT)).max().unwrap_or(0);
        let caption_height = if caption > 0 { u64::from(TEXT) * 3 / 2 } else { 0 };
        let names = sheet.rows.iter().map(|name| width_of(name, TEXT)).max().unwrap_or(0);
        let count = sheet.tiles.len() as u64;
        let columns = (sheet.columns as u64).min(count).max(1);
        Self {
            picture_height,
            cell_width: picture_width.max(caption) + GAP,
            cell_height: picture_height + caption_height + GAP,
            left: GAP + if names > 0 { names + GAP } else { 0 },
            top: GAP + if sheet.title.is_empty() { 0 } else { u64::from(TITLE) * 3 / 2 },
            columns,
            rows: count.div_ceil(columns),
        }
    }

    fn width(&self) -> u64 {
        self.left + self.columns * self.cell_width
    }

    fn height(&self) -> u64 {
        self.top + self.rows * self.cell_height
    }
}

/// Returns the side of one element of a picture, so that the longer side of the picture is about `SIDE`.
fn pixel_size(tile: &Tile) -> u64 {
    let [height, width, _] = tile.picture.sizes();
    (SIDE / height.max(width) as u64).max(1)
}

/// Returns the height and the width of the picture in pixels of the drawing.
fn drawn_sizes(tile: &Tile) -> [u64; 2] {
    let [height, width, _] = tile.picture.sizes();
    [height, width].map(|size| size as u64 * pixel_size(tile))
}

impl Sheet {
    fn drawn_legend(&self) -> Option<Legend<'_>> {
        let ((_, scale), (_, meaning)) = self.shared_scale().zip(self.legend.as_ref())?;
        let Scale { least, most, .. } = scale;
        let numbers = [most, (least + most) / 2.0, least].map(|number| short(number.into()));
        Some(Legend { scale, numbers, meaning })
    }
}

impl Tile {
    /// Draws a picture centred over its caption, in a thin frame, which shows the border of white pixels.
    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        shared: Option<(Tones, Scale)>,
        (middle, bottom): (i32, i32),
    ) -> Painted<B> {
        let [height, width] = drawn_sizes(self).map(|size| size as i32);
        let (left, top) = (middle - width / 2, bottom - height);
        let frame = [(left - 1, top - 1), (left + width + 1, bottom + 1)];
        area.draw(&Rectangle::new(frame, colour(FRAME).filled()))?;
        let size = pixel_size(self) as i32;
        for (row, colours) in self.colours(shared).chunks(self.picture.sizes()[1]).enumerate() {
            let y = top + row as i32 * size;
            let mut x = left;
            // Neighbours of the same colour are one rectangle, since an SVG file has a line for each rectangle.
            for run in colours.chunk_by(|a, b| a == b) {
                let end = x + run.len() as i32 * size;
                area.draw(&Rectangle::new([(x, y), (end, y + size)], colour(run[0]).filled()))?;
                x = end;
            }
        }
        let below = (middle, bottom + 5);
        area.draw(&Text::new(self.caption.as_str(), below, anchored(TEXT, HPos::Center, VPos::Top)))
    }
}

/// The colour bar with its values and its meaning.
struct Legend<'s> {
    scale: Scale,
    /// The values at the top, in the middle and at the bottom of the bar.
    numbers: [String; 3],
    meaning: &'s str,
}

impl Legend<'_> {
    /// Returns the distance from the bar to the middle of its meaning.
    fn reach(&self) -> u64 {
        let numbers = self.numbers.iter().map(|number| width_of(number, TEXT)).max().unwrap_or(0);
        BAR + BESIDE + numbers + 2 * BESIDE + u64::from(TEXT) / 2
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>, layout: &Layout) -> Painted<B> {
        let Scale { least, most, .. } = self.scale;
        let (left, bar) = (layout.width() as i32, BAR as i32);
        let (top, bottom) = (layout.top as i32, legend_bottom(layout) as i32);
        for y in top..bottom {
            let share = (bottom - 1 - y) as f32 / (bottom - 1 - top).max(1) as f32;
            let shown = colour(self.scale.colour(least + (most - least) * share));
            area.draw(&Rectangle::new([(left, y), (left + bar, y + 1)], shown.filled()))?;
        }
        for (y, number) in [top, (top + bottom) / 2, bottom].into_iter().zip(&self.numbers) {
            let style = anchored(TEXT, HPos::Left, VPos::Center);
            area.draw(&Text::new(number.as_str(), (left + bar + BESIDE as i32, y), style))?;
        }
        let right = left + self.reach() as i32;
        area.draw(&Text::new(self.meaning, (right, (top + bottom) / 2), upwards(TEXT)))
    }
}

fn legend_bottom(layout: &Layout) -> u64 {
    layout.height().min(layout.top + BAR_LINES).max(layout.top + layout.picture_height.max(BAR_LINES / 2))
}

impl Paint for Sheet {
    fn title(&self) -> &str {
        &self.title
    }

    fn size(&self) -> (u64, u64) {
        let layout = Layout::of(self);
        let title = width_of(&self.title, TITLE) + 2 * GAP;
        match self.drawn_legend() {
            None => (layout.width().max(title), layout.height()),
            Some(legend) => {
                let width = layout.width() + legend.reach() + u64::from(TEXT) / 2 + GAP;
                let meaning = layout.top + width_of(legend.meaning, TEXT) + GAP;
                (width.max(title), layout.height().max(legend_bottom(&layout) + GAP).max(meaning))
            }
        }
    }

    fn paint<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Painted<B> {
        let layout = Layout::of(self);
        if !self.title.is_empty() {
            let style = anchored(TITLE, HPos::Left, VPos::Top);
            area.draw(&Text::new(self.title.as_str(), (GAP as i32, GAP as i32 / 2), style))?;
        }
        let shared = self.shared_scale();
        for (index, tile) in self.tiles.iter().enumerate() {
            let (row, column) = (index as u64 / layout.columns, index as u64 % layout.columns);
            let middle = layout.left + column * layout.cell_width + (layout.cell_width - GAP) / 2;
            let bottom = layout.top + row * layout.cell_height + layout.picture_height;
            tile.draw(area, shared, (middle as i32, bottom as i32))?;
        }
        for (row, name) in self.rows.iter().enumerate().take(layout.rows as usize) {
            let y = layout.top + row as u64 * layout.cell_height + layout.picture_height / 2;
            let style = anchored(TEXT, HPos::Right, VPos::Center);
            area.draw(&Text::new(name.as_str(), ((layout.left - GAP / 2) as i32, y as i32), style))?;
        }
        self.drawn_legend().map_or(Ok(()), |legend| legend.draw(area, &layout))
    }
}
