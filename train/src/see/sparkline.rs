//! Sparklines: curves in one line of text.

/// Formats `values` in at most `width` characters, from the smallest (▁) to the largest (█); if there are more values than characters,
/// each character is the mean of neighbours. Values that are not finite are blank; a constant curve is in the middle.
///
/// ```
/// assert_eq!(netwright_train::see::sparkline(&[1.0, 2.0, 3.0, 8.0], 10), "▁▂▃█");
/// ```
pub fn sparkline(values: &[f64], width: usize) -> String {
    let points = means(values, width);
    let finite = points.iter().copied().filter(|value| value.is_finite());
    let range =
        finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)));
    bars(&points, range)
}

/// Formats a sparkline with a given range, ▁ for its start and █ for its end, so that curves can be compared.
pub(super) fn sparkline_between(values: &[f64], width: usize, range: (f64, f64)) -> String {
    bars(&means(values, width), range)
}

fn bars(points: &[f64], (least, most): (f64, f64)) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let bar = |value: &f64| match value {
        value if !value.is_finite() => ' ',
        _ if least == most => BARS[3],
        value => BARS[((value - least) / (most - least) * 7.0).round().clamp(0.0, 7.0) as usize],
    };
    points.iter().map(bar).collect()
}

/// Returns at most `width` means of neighbouring values, without values that are not finite.
fn means(values: &[f64], width: usize) -> Vec<f64> {
    let points = values.len().min(width);
    let mean = |point: usize| {
        let group = &values[point * values.len() / points..(point + 1) * values.len() / points];
        let finite = || group.iter().filter(|value| value.is_finite());
        finite().sum::<f64>() / finite().count() as f64
    };
    (0..points).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_its_height() {
        let values: Vec<f64> = (0..8).map(f64::from).collect();
        assert_eq!(sparkline(&values, 8), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[2.0, 2.0], 8), "▄▄");
        assert_eq!(sparkline(&[1.0, f64::NAN, 2.0, f64::INFINITY], 8), "▁ █ ");
        assert_eq!(sparkline(&[], 8), "");
        assert_eq!(sparkline(&[1.0], 0), "");
    }

    #[test]
    fn many_values_are_averaged() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(sparkline(&values, 8), "▁▂▃▄▅▆▇█");
        assert_eq!(means(&[1.0, 3.0, f64::NAN, 5.0], 2), [2.0, 5.0]);
    }
}
