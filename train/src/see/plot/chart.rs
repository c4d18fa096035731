//! Drawing of charts.

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::prelude::{DrawingBackend, IntoLogRange};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{BLACK, Color, RGBColor};

use super::paint::{Paint, Painted};
use super::{TEXT, TITLE, anchored, colour, text, width_of};
use crate::see::chart::{Chart, Curve, Figure, short};
use crate::see::tones::Tones;

/// The size of the frame of one chart in pixels, without its legend.
const WIDTH: u64 = 560;
const HEIGHT: u64 = 360;
const MARGIN: u64 = 10;
/// The gap between the charts of a figure, and between a frame and its legend.
const GAP: u64 = 16;
/// The length of the line in a legend's entry.
const KEY: i32 = 24;

/// Seven colours that are distinguishable, also with colour vision deficiency (Okabe and Ito, 2008), black last.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

impl Paint for Chart {
    fn title(&self) -> &str {
        &self.title
    }

    fn size(&self) -> (u64, u64) {
        (self.frame_width() + self.legend_width(), HEIGHT.max(self.legend_height()))
    }

    fn paint<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Painted<B> {
        let (frame, legend) = area.split_horizontally(self.frame_width() as i32);
        let [x, y] = self.frame().unwrap_or([(0.0, 1.0), (1.0, 1.0)]);
        let x = widened(x);
        let mut builder = ChartBuilder::on(&frame);
        builder.margin(MARGIN as i32).x_label_area_size(46).y_label_area_size(72);
        if !self.title.is_empty() {
            builder.caption(&self.title, text(TITLE));
        }
        if self.logarithmic {
            let low = 10_f64.powf(y.0.log10().floor()) * 0.999;
            let high = 10_f64.powf(y.1.log10().ceil()).max(10.0 * low);
            self.curves_in(builder.build_cartesian_2d(x.0..x.1, (low..high).log_scale())?, |decade| {
                format!("{decade:.0e}")
            })?;
        } else {
            let (low, high) = widened(y);
            let margin = (high - low) * 0.03;
            let frame = builder.build_cartesian_2d(x.0..x.1, low - margin..high + margin)?;
            self.curves_in(frame, |y| short(zeroed(y, high - low)))?;
        }
        self.legend_on(&legend)
    }
}

impl Chart {
    fn curves_in<B, Y>(
        &self,
        mut frame: ChartContext<'_, B, Cartesian2d<plotters::coord::types::RangedCoordf64, Y>>,
        label: impl Fn(f64) -> String,
    ) -> Painted<B>
    where
        B: DrawingBackend,
        Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let points = self.curves.iter().flat_map(|curve| &curve.points);
        let whole = points.clone().all(|(x, _)| x.fract() == 0.0);
        let steps = self.extent().map_or(1.0, |[(left, right), _]| right - left);
        frame
            .configure_mesh()
            .x_desc(&self.x)
            .y_desc(&self.y)
            .x_labels(if whole { (steps as usize).clamp(1, 9) + 1 } else { 10 })
            .y_labels(8)
            .max_light_lines(0)
            .bold_line_style(BLACK.mix(0.12))
            .label_style(text(TEXT))
            .axis_desc_style(text(TEXT))
            .x_label_formatter(&|x| short(zeroed(*x, steps)))
            .y_label_formatter(&|y| label(*y))
            .draw()?;
        for curve in &self.curves {
            let style = self.colour_of(curve).stroke_width(2);
            for segment in curve.points.split(|point| !self.shows(*point)).filter(|segment| !segment.is_empty()) {
                if !curve.scattered {
                    frame.draw_series([PathElement::new(segment, style)])?;
                }
                if curve.scattered || segment.len() == 1 {
                    frame.draw_series(segment.iter().map(|&point| Circle::new(point, 3, style.filled())))?;
                }
            }
        }
        Ok(())
    }

    /// Returns the colour of a curve. Up to seven curves have colours of their own; more are assumed to be ordered, such as layers.
    fn colour_of(&self, curve: &Curve) -> RGBColor {
        let last = self.curves.iter().map(|curve| curve.colour).max().unwrap_or(0);
        match COLOURS.get(curve.colour) {
            Some(&own) if last < COLOURS.len() => own,
            // The yellow end of the scale is too bright for a line on white.
            _ => colour(Tones::Heat(0.0, 1.15).scale((0.0, 1.0)).colour(curve.colour as f32 / last as f32)),
        }
    }

    /// Returns the width of the frame: the same for all charts, unless the title is wider.
    fn frame_width(&self) -> u64 {
        WIDTH.max(width_of(&self.title, TITLE) + 2 * MARGIN)
    }

    /// Returns whether there is a legend: a single curve without a name needs none.
    fn has_legend(&self) -> bool {
        self.curves.iter().any(|curve| !curve.name.is_empty())
    }

    fn legend_width(&self) -> u64 {
        let widest = self.curves.iter().map(|curve| width_of(&curve.name, TEXT)).max().unwrap_or(0);
        if self.has_legend() { KEY as u64 + 2 * GAP + widest } else { 0 }
    }

    fn legend_height(&self) -> u64 {
        2 * GAP + u64::from(TITLE) + self.curves.len() as u64 * line_height()
    }

    fn legend_on<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Painted<B> {
        if !self.has_legend() {
            return Ok(());
        }
        let top = (GAP + u64::from(TITLE) + line_height() / 2) as i32;
        for (index, curve) in self.curves.iter().enumerate() {
            let y = top + index as i32 * line_height() as i32;
            let colour = self.colour_of(curve);
            if curve.scattered {
                area.draw(&Circle::new((KEY / 2, y), 3, colour.filled()))?;
            } else {
                area.draw(&Rectangle::new([(0, y - 1), (KEY, y + 2)], colour.filled()))?;
            }
            area.draw(&Text::new(curve.name.as_str(), (KEY + 8, y), anchored(TEXT, HPos::Left, VPos::Center)))?;
        }
        Ok(())
    }
}

fn line_height() -> u64 {
    u64::from(TEXT) * 3 / 2
}

/// Rounds a tick near 0 to 0, on an axis of this span: plotters adds up steps, and misses 0 by rounding.
fn zeroed(tick: f64, span: f64) -> f64 {
    if tick.abs() < span * 1e-9 { 0.0 } else { tick }
}

/// Widens a range so that there is room for ticks: plotters adds up steps that must not vanish beside the values.
fn widened((low, high): (f64, f64)) -> (f64, f64) {
    let least = (low.abs().max(high.abs()) * 1e-6).max(1e-10);
    match high - low {
        span if span >= least => (low, high),
        _ if low == high => (low - (low.abs() * 0.5).max(0.5), high + (low.abs() * 0.5).max(0.5)),
        _ => (low - least, high + least),
    }
}

impl Figure {
    /// Returns the width of each column and the height of each row.
    fn cells(&self) -> (Vec<u64>, Vec<u64>) {
        let (mut widths, mut heights) = (vec![0; self.columns.min(self.charts.len().max(1))], Vec::new());
        for row in self.charts.chunks(widths.len()) {
            let mut height = 0;
            for (chart, column) in row.iter().zip(&mut widths) {
                let (chart_width, chart_height) = chart.size();
                *column = chart_width.max(*column);
                height = chart_height.max(height);
            }
            heights.push(height);
        }
        (widths, heights)
    }
}

impl Paint for Figure {
    fn title(&self) -> &str {
        self.charts.first().map_or("", |chart| &chart.title)
    }

    fn size(&self) -> (u64, u64) {
        let total = |sizes: Vec<u64>| (sizes.iter().map(|size| size + GAP).sum::<u64>()).max(2 * GAP);
        let (widths, heights) = self.cells();
        (total(widths), total(heights))
    }

    fn paint<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Painted<B> {
        let (widths, heights) = self.cells();
        let mut y = 0;
        for (row, height) in self.charts.chunks(widths.len()).zip(heights) {
            let mut x = 0;
            for (chart, width) in row.iter().zip(&widths) {
                let (chart_width, chart_height) = chart.size();
                chart.paint(&area.clone().shrink((x as u32, y as u32), (chart_width as u32, chart_height as u32)))?;
                x += width + GAP;
            }
            y += height + GAP;
        }
        Ok(())
    }
}
