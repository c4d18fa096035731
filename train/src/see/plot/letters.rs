//! Text in PNG files. The text of `plotters` ignores the left side bearing of letters, so that they are unevenly spaced.

use ab_glyph::{Font, FontRef, ScaleFont, point};
use dejavu::sans;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, DrawingBackend, DrawingErrorKind};

/// Draws a line of text, `size` pixels high, at its anchor, in the crate's own font.
pub(super) fn draw<B: DrawingBackend, S: BackendTextStyle>(
    backend: &mut B,
    text: &str,
    style: &S,
    size: f64,
    (left, top): BackendCoord,
) -> Result<(), DrawingErrorKind<B::ErrorType>> {
    let font =
        FontRef::try_from_slice(sans::regular()).map_err(|error| DrawingErrorKind::FontError(Box::new(error)))?;
    let font = font.as_scaled(size as f32);
    let mut letters = Vec::new();
    let (mut width, mut before) = (0.0, None);
    for letter in text.chars() {
        let id = font.glyph_id(letter);
        width += before.map_or(0.0, |before| font.kern(before, id));
        letters.push(id.with_scale_and_position(font.scale(), point(width, 0.0)));
        width += font.h_advance(id);
        before = Some(id);
    }
    let anchor = style.anchor();
    let across = match anchor.h_pos {
        HPos::Left => 0.0,
        HPos::Center => -width / 2.0,
        HPos::Right => -width,
    };
    // Text is aligned vertically by its capital letters and figures.
    let capital = font.outline_glyph(font.scaled_glyph('H')).map_or(0.0, |letter| -letter.px_bounds().min.y);
    let down = match anchor.v_pos {
        VPos::Top => capital,
        VPos::Center => capital / 2.0,
        VPos::Bottom => 0.0,
    };
    let (across, down) = (across.round() as i32, down.round() as i32);
    let BackendColor { alpha, rgb } = style.color();
    for letter in letters {
        let Some(outline) = font.outline_glyph(letter) else { continue };
        let corner = outline.px_bounds().min;
        let (x0, y0) = (across + corner.x as i32, down + corner.y as i32);
        let mut drawn = Ok(());
        outline.draw(|x, y, covered| {
            let (x, y) = style.transform().transform(x0 + x as i32, y0 + y as i32);
            if drawn.is_ok() && covered > 0.0 {
                let color = BackendColor { alpha: alpha * f64::from(covered), rgb };
                drawn = backend.draw_pixel((left + x, top + y), color);
            }
        });
        drawn?;
    }
    Ok(())
}
