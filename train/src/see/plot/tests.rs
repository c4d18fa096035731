use super::*;
use crate::see::{Chart, Figure, Picture, Sheet, Tones};
use crate::test_folder::TestFolder;
use crate::train::ConfusionMatrix;

/// Returns the pixels of a PNG file.
fn pixels(png: &[u8]) -> image::RgbImage {
    image::load_from_memory(png).unwrap().to_rgb8()
}

fn count(image: &image::RgbImage, colour: [u8; 3]) -> usize {
    image.pixels().filter(|pixel| pixel.0 == colour).count()
}

#[test]
fn the_extension_of_the_name_selects_the_format() {
    let folder = TestFolder::new("drawings");
    let chart = Chart::new("a & b").values("x < y", [1.0, 2.0]);
    let (png, svg) = (folder.path().join("chart.PNG"), folder.path().join("chart.svg"));
    chart.save(&png).unwrap();
    chart.save(&svg).unwrap();
    assert_eq!(u64::from(pixels(&std::fs::read(png).unwrap()).width()), 2 * chart.size().0);
    let text = std::fs::read_to_string(svg).unwrap();
    assert!(text.contains("a &amp; b") && text.contains("x &lt; y") && text.trim_end().ends_with("</svg>"), "{text}");
    for name in ["chart.jpg", "chart"] {
        let path = folder.path().join(name);
        assert!(matches!(chart.save(&path), Err(Error::Format { .. })));
        assert!(!path.exists());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing temporary is left");
}

#[test]
fn a_picture_on_a_sheet_has_its_colours_in_its_places() {
    let picture = Picture::new([2, 2, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]).unwrap();
    let image = pixels(&Sheet::new("").tones(Tones::Range(0.0, 1.0)).add(picture, "").to_png().unwrap());
    let field = 112 * 112;
    for colour in [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]] {
        assert_eq!(count(&image, colour), field, "{colour:?}");
    }
    let first =
        |colour: [u8; 3]| image.enumerate_pixels().find(|(.., pixel)| pixel.0 == colour).map(|(x, y, _)| (x, y));
    let (x, y) = first([255, 0, 0]).unwrap();
    assert_eq!(first([0, 255, 0]), Some((x + 112, y)));
    assert_eq!(first([0, 0, 255]), Some((x, y + 112)));
}

#[test]
fn text_is_drawn_without_fonts_of_the_system() {
    let dark = |title: &str| {
        let matrix = ConfusionChart::new(title, ConfusionMatrix::new(0));
        pixels(&matrix.to_png().unwrap()).pixels().filter(|pixel| pixel.0[0] < 128).count()
    };
    assert!(dark("MMMM") > dark("") + 100, "the title is there");
}

#[test]
fn curves_without_points_or_with_extreme_points_are_drawn() {
    let nasty = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 0.0, -1.0, 1.0];
    let mut charts = vec![Chart::new("empty"), Chart::new("").values("", nasty)];
    for a in nasty {
        for b in nasty {
            let chart =
                Chart::new("pair").curve("c", [(a, b), (b, a), (a, a)]).values("d", [b, 1.0 + f64::EPSILON * a, b]);
            charts.extend([chart.clone(), chart.logarithmic(), Chart::new("").at_least(a, b).values("", [b])]);
        }
    }
    for chart in charts {
        assert!(chart.to_svg().unwrap().contains("<svg"), "{chart:?}");
    }
    assert!(Figure::new(0, []).to_svg().is_ok());
}

#[test]
fn letters_keep_their_left_bearing_and_are_aligned_to_their_anchor() {
    // Returns the bounding box of the dark pixels of a text at (100, 100).
    let ink = |text: &str, across, down| {
        let mut pixels = vec![255; 3 * 200 * 200];
        let mut backend = BitMapBackend::with_buffer(&mut pixels, (200, 200));
        letters::draw(&mut backend, text, &anchored(30, across, down), 30.0, (100, 100)).unwrap();
        drop(backend);
        let dark = |index: usize| pixels[3 * index] < 128;
        let points = (0..200 * 200).filter(|&index| dark(index)).map(|index| (index % 200, index / 200));
        let (xs, ys): (Vec<_>, Vec<_>) = points.unzip();
        let range =
            |numbers: &[usize]| [numbers.iter().min(), numbers.iter().max()].map(|number| *number.unwrap() as i32);
        [range(&xs), range(&ys)]
    };
    let [[left, _], [top, bottom]] = ink("l", HPos::Left, VPos::Top);
    assert!((102..=103).contains(&left) && (99..=101).contains(&top), "{left} {top}");
    let [[first, last], middle] = ink("HIIH", HPos::Center, VPos::Center);
    for [from, to] in [[first, last], middle] {
        assert!((from + to - 200).abs() <= 2, "{from} {to}");
    }
    let [[_, right], [_, low]] = ink("lH", HPos::Right, VPos::Bottom);
    assert!((95..100).contains(&right) && (98..=100).contains(&low) && low < bottom, "{right} {low}");
}

/// Returns the texts of an SVG file.
fn words(drawing: &impl Drawing) -> Vec<String> {
    drawing.to_svg().unwrap().lines().filter(|line| !line.starts_with('<')).map(str::to_owned).collect()
}

#[test]
fn a_tick_at_zero_is_zero() {
    let words = words(&Chart::new("").values("", [-1.0, -0.3, -1e-5]));
    assert!(words.contains(&"0".to_owned()) && words.contains(&"-0.2".to_owned()), "{words:?}");
    assert!(!words.iter().any(|word| word.contains('e')), "{words:?}");
}

#[test]
fn a_title_wider_than_its_chart_widens_it() {
    let (short, long) =
        (Chart::new("loss").values("", [1.0, 2.0]), Chart::new("loss ".repeat(40)).values("", [1.0, 2.0]));
    assert!(long.size().0 > width_of(&"loss ".repeat(40), TITLE));
    assert!(short.size().0 < long.size().0);
}

#[test]
fn every_curve_has_a_line_in_its_colour() {
    let image = pixels(&Chart::new("").values("a", [1.0, 2.0]).values("b", [2.0, 1.0]).to_png().unwrap());
    for colour in [[0, 114, 178], [213, 94, 0]] {
        assert!(count(&image, colour) > 300, "{colour:?}");
    }
}

#[test]
fn a_drawing_that_is_too_large_is_refused() {
    let dot = Picture::new([1, 1, 1], &[0.0_f32]).unwrap();
    let sheet = Sheet::new("many").columns(usize::MAX).numbered(vec![dot; 100_000]);
    assert!(matches!(sheet.to_png(), Err(Error::Drawing { .. })));
}

#[test]
fn a_confusion_chart_shows_counts_and_names() {
    let mut matrix = ConfusionMatrix::new(2);
    for (actual, predicted) in [(0, 0), (0, 0), (0, 1), (1, 1)] {
        matrix.add(actual, predicted).unwrap();
    }
    let chart = ConfusionChart::new("pets", matrix);
    assert!(matches!(chart.clone().names(["cat"]), Err(Error::Length { expected: 2, found: 1, .. })));
    assert_eq!(
        words(&chart.names(["cat", "dog"]).unwrap()),
        ["pets", "predicted", "true", "cat", "cat", "dog", "dog", "2", "1", "1"]
    );
}
