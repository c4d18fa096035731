//! Drawing with several pixels per unit, so that text and lines of a PNG file are sharp.

use plotters::prelude::DrawingBackend;
use plotters::style::{FontDesc, TextStyle};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind};

use super::letters;

/// A backend that enlarges all coordinates and sizes by a factor.
pub(super) struct Enlarged<B> {
    pub(super) backend: B,
    pub(super) factor: u32,
}

/// A style with wider lines.
struct Wide<'a, S>(&'a S, u32);

impl<S: BackendStyle> BackendStyle for Wide<'_, S> {
    fn color(&self) -> BackendColor {
        self.0.color()
    }

    fn stroke_width(&self) -> u32 {
        self.0.stroke_width() * self.1
    }
}

impl<B> Enlarged<B> {
    fn point(&self, (x, y): BackendCoord) -> BackendCoord {
        (x * self.factor as i32, y * self.factor as i32)
    }

    fn text<'s, S: BackendTextStyle>(&self, style: &'s S) -> TextStyle<'s> {
        let font = FontDesc::new(style.family(), style.size() * f64::from(self.factor), style.style());
        TextStyle { font: font.transform(style.transform()), color: style.color(), pos: style.anchor() }
    }
}

type Drawn<B> = Result<(), DrawingErrorKind<<B as DrawingBackend>::ErrorType>>;

impl<B: DrawingBackend> DrawingBackend for Enlarged<B> {
    type ErrorType = B::ErrorType;

    fn get_size(&self) -> (u32, u32) {
        let (width, height) = self.backend.get_size();
        (width / self.factor, height / self.factor)
    }

    fn ensure_prepared(&mut self) -> Drawn<B> {
        self.backend.ensure_prepared()
    }

    fn present(&mut self) -> Drawn<B> {
        self.backend.present()
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn<B> {
        self.draw_rect((x, y), (x + 1, y + 1), &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn<B> {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn<B> {
        let (upper_left, bottom_right) = (self.point(upper_left), self.point(bottom_right));
        self.backend.draw_rect(upper_left, bottom_right, &Wide(style, self.factor), fill)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn<B> {
        let path: Vec<_> = path.into_iter().map(|point| self.point(point)).collect();
        self.backend.draw_path(path, &Wide(style, self.factor))
    }

    fn draw_circle<S: BackendStyle>(&mut self, center: BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn<B> {
        let center = self.point(center);
        self.backend.draw_circle(center, radius * self.factor, &Wide(style, self.factor), fill)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vertices: I,
        style: &S,
    ) -> Drawn<B> {
        let vertices: Vec<_> = vertices.into_iter().map(|point| self.point(point)).collect();
        self.backend.fill_polygon(vertices, style)
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, pos: BackendCoord) -> Drawn<B> {
        let (size, pos) = (style.size() * f64::from(self.factor), self.point(pos));
        letters::draw(&mut self.backend, text, style, size, pos)
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Self::ErrorType>> {
        let (width, height) = self.backend.estimate_text_size(text, &self.text(style))?;
        Ok((width.div_ceil(self.factor), height.div_ceil(self.factor)))
    }
}
