//! Drawings as PNG and SVG files, by `plotters` and `image`.

mod chart;
mod confusion;
mod enlarged;
mod letters;
mod sheet;

use std::path::Path;
use std::sync::Once;

use image::ImageEncoder;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::prelude::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    BLACK, FontFamily, FontStyle, FontTransform, IntoFont, RGBColor, TextStyle, WHITE, register_font,
};

use crate::error::Error;
use crate::storage::replace_file;

pub use confusion::ConfusionChart;
use enlarged::Enlarged;
use paint::Paint;

/// The font of all drawings, which is part of the program, so that no fonts need to be installed. A viewer of SVG without this font uses
/// its own sans-serif font.
const FONT: &str = "DejaVu Sans, sans-serif";
/// The height of titles, in pixels.
const TITLE: u32 = 20;
/// The height of all other text, in pixels.
const TEXT: u32 = 15;
/// The number of pixels of a PNG file, in each direction, per pixel of the drawing.
const SHARPNESS: u32 = 2;
/// The largest number of pixels of a drawing: a PNG takes twelve bytes for each while it is created.
const MAX_PIXELS: u64 = 1 << 25;

mod paint {
    use super::*;

    pub(super) type Painted<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

    /// A type that can draw itself.
    pub trait Paint {
        /// Returns its title, which names it in errors.
        fn title(&self) -> &str;
        /// Returns its width and height in pixels.
        fn size(&self) -> (u64, u64);
        /// Draws on a white area of that size.
        fn paint<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Painted<B>;
    }
}

/// A type that can be saved as a picture: [`Chart`](super::Chart), [`Figure`](super::Figure), [`Sheet`](super::Sheet),
/// [`ConfusionChart`].
pub trait Drawing: Paint {
    /// Writes a PNG or SVG file, by the extension of its name, under a temporary name first.
    ///
    /// # Errors
    /// [`Error::Format`] for another extension, [`Error::Drawing`] for a drawing that is too large, [`Error::Io`] where the system
    /// cannot write.
    fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        match extension.as_deref() {
            Some("png") => replace_file(path, &self.to_png()?),
            Some("svg") => replace_file(path, self.to_svg()?.as_bytes()),
            _ => Err(Error::Format {
                origin: path.display().to_string(),
                expected: "a name that ends in .png or .svg".to_owned(),
                found: extension.map_or("none of them".to_owned(), |extension| format!(".{extension}")),
            }),
        }
    }

    /// Returns the bytes of a PNG file, with two pixels in each direction per pixel of the drawing, so that text is sharp.
    ///
    /// # Errors
    /// [`Error::Drawing`] for a drawing that is too large.
    fn to_png(&self) -> Result<Vec<u8>, Error> {
        let (width, height) = checked_size(self)?;
        let (width, height) = (width * SHARPNESS, height * SHARPNESS);
        let mut pixels = vec![0; 3 * width as usize * height as usize];
        let backend = BitMapBackend::with_buffer(&mut pixels, (width, height));
        draw(self, Enlarged { backend, factor: SHARPNESS })?;
        let mut file = Vec::new();
        image::codecs::png::PngEncoder::new(&mut file)
            .write_image(&pixels, width, height, image::ExtendedColorType::Rgb8)
            .map_err(|error| failed(self, &error))?;
        Ok(file)
    }

    /// Returns the text of an SVG file.
    ///
    /// # Errors
    /// [`Error::Drawing`] for a drawing that is too large.
    fn to_svg(&self) -> Result<String, Error> {
        let mut text = String::new();
        draw(self, SVGBackend::with_string(&mut text, checked_size(self)?))?;
        Ok(text)
    }
}

impl<P: Paint> Drawing for P {}

fn checked_size(drawing: &(impl Paint + ?Sized)) -> Result<(u32, u32), Error> {
    let (width, height) = drawing.size();
    let pixels = width.saturating_mul(height);
    match (u32::try_from(width), u32::try_from(height)) {
        (Ok(width), Ok(height)) if pixels <= MAX_PIXELS => Ok((width, height)),
        _ => {
            let problem = format!("it would have {width} x {height} pixels; at most {MAX_PIXELS} are drawn");
            Err(Error::Drawing { title: drawing.title().to_owned(), problem })
        }
    }
}

fn failed(drawing: &(impl Paint + ?Sized), error: &dyn core::fmt::Display) -> Error {
    Error::Drawing { title: drawing.title().to_owned(), problem: error.to_string() }
}

fn draw<B: DrawingBackend>(drawing: &(impl Paint + ?Sized), backend: B) -> Result<(), Error> {
    register();
    let area = backend.into_drawing_area();
    let draw = || {
        area.fill(&WHITE)?;
        drawing.paint(&area)?;
        area.present()
    };
    draw().map_err(|error| failed(drawing, &error))
}

/// Registers the font with `plotters`.
fn register() {
    static REGISTERED: Once = Once::new();
    // The font is part of the crate, so registration cannot fail.
    REGISTERED.call_once(|| drop(register_font(FONT, FontStyle::Normal, dejavu::sans::regular())));
}

fn text(height: u32) -> TextStyle<'static> {
    (FontFamily::Name(FONT), height as i32).into_font().color(&BLACK)
}

/// Returns the style of text that starts, ends or is centred at a point.
fn anchored(height: u32, across: HPos, down: VPos) -> TextStyle<'static> {
    text(height).pos(Pos::new(across, down))
}

/// Returns the style of text that reads from bottom to top, centred at a point.
fn upwards(height: u32) -> TextStyle<'static> {
    let font = (FontFamily::Name(FONT), height as i32).into_font().transform(FontTransform::Rotate270);
    font.color(&BLACK).pos(Pos::new(HPos::Center, VPos::Center))
}

/// Returns the width of a text in pixels.
fn width_of(words: &str, height: u32) -> u64 {
    register();
    let wide = || words.chars().count() as u64 * u64::from(height);
    text(height).font.box_size(words).map_or_else(|_| wide(), |(width, _)| width.into())
}

fn colour([red, green, blue]: [u8; 3]) -> RGBColor {
    RGBColor(red, green, blue)
}

#[cfg(test)]
mod tests;
