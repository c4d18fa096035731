//! Predicts one image with a network and measures the time of each layer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use netwright::layer::Layer;
use netwright::{Network, Observer, Output, Sample, SaveWeights, Shape};

use super::Arguments;
use super::table::grouped;

pub(crate) type Error = Box<dyn std::error::Error>;

/// Measures the time between the reports of layers, and shows the progress of the pass in a bar.
struct Stopwatch {
    layers: &'static [Layer],
    times: Vec<Duration>,
    since: Instant,
    bar: ProgressBar,
}

impl Stopwatch {
    fn new(layers: &'static [Layer], bar: &ProgressBar) -> Self {
        bar.set_position(0);
        Self { layers, times: vec![Duration::ZERO; layers.len()], since: Instant::now(), bar: bar.clone() }
    }
}

impl<T> Observer<T> for Stopwatch {
    fn computed(&mut self, layer: usize, _: &mut [T]) {
        self.times[layer] += self.since.elapsed();
        self.bar.set_position(layer as u64 + 1);
        self.bar.set_message(self.layers[layer].name);
        // The time for the bar belongs to no layer.
        self.since = Instant::now();
    }
}

pub(crate) fn run<N>(arguments: &Arguments) -> Result<(), Error>
where
    N: Network<Scalar = f32>,
    N::Input: Output<f32>,
{
    let image = image::<N>(arguments)?;
    let network = match &arguments.weights {
        Some(path) => N::from_file(path)?,
        None => N::init(1),
    };
    let bar = ProgressBar::new(N::LAYERS.len() as u64)
        .with_style(ProgressStyle::with_template("[{bar:40}] {pos}/{len} layers  {msg}")?.progress_chars("=> "));
    let (mut times, mut whole) = (vec![Duration::MAX; N::LAYERS.len()], Duration::MAX);
    let mut answer = N::Output::zeros();
    for _ in 0..arguments.times {
        let mut stopwatch = Stopwatch::new(N::LAYERS, &bar);
        answer = network.predict_observed(&image, &mut stopwatch);
        times.iter_mut().zip(&stopwatch.times).for_each(|(best, time)| *best = (*best).min(*time));
        let start = Instant::now();
        network.predict(&image);
        whole = whole.min(start.elapsed());
    }
    bar.finish_and_clear();

    print!("{}", by_layer(N::LAYERS, &times, arguments.slowest));
    print!("\n{}", by_word(N::LAYERS, &times));
    let speed = N::MACS as f64 / whole.as_secs_f64() / 1e9;
    println!("\n{}: one image in {:.2} ms, {speed:.1} thousand million multiply-adds in a second", N::NAME, ms(whole));
    let mut ranked: Vec<(usize, f32)> = answer.elements().iter().copied().enumerate().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let best: Vec<String> = ranked.iter().take(5).map(|(class, p)| format!("{class} ({:.1} %)", 100.0 * p)).collect();
    let meaning = if arguments.weights.is_none() { "; with random weights it means nothing" } else { "" };
    println!("the most probable classes: {}{meaning}", best.join(", "));
    Ok(())
}

fn ms(time: Duration) -> f64 {
    1e3 * time.as_secs_f64()
}

/// Formats a line for each of the slowest layers, in the order in which they run.
fn by_layer(layers: &[Layer], times: &[Duration], most: usize) -> String {
    let sum: Duration = times.iter().sum();
    let mut slowest: Vec<usize> = (0..layers.len()).collect();
    slowest.sort_by_key(|&layer| std::cmp::Reverse(times[layer]));
    slowest.truncate(most);
    slowest.sort_unstable();
    let mut text = format!(
        "{:<40} {:>12} {:>14} {:>9} {:>7} {:>8}\n",
        format!("the {} slowest of {} layers", slowest.len(), layers.len()),
        "output",
        "multiply-adds",
        "ms",
        "share",
        "GMAC/s"
    );
    for layer in slowest {
        let (entry, time) = (&layers[layer], times[layer]);
        let speed = match entry.macs {
            0 => String::new(),
            macs => format!("{:.1}", macs as f64 / time.as_secs_f64() / 1e9),
        };
        text += &format!(
            "{:<40} {:>12} {:>14} {:>9.3} {:>5.1} % {:>8}\n",
            entry.name,
            entry.output.to_string(),
            grouped(entry.macs),
            ms(time),
            100.0 * time.as_secs_f64() / sum.as_secs_f64(),
            speed
        );
    }
    text
}

/// Formats the total time of all layers of each word of the language.
fn by_word(layers: &[Layer], times: &[Duration]) -> String {
    let mut words: BTreeMap<&str, (usize, Duration)> = BTreeMap::new();
    for (layer, time) in layers.iter().zip(times) {
        let own = layer.name.rsplit('.').next().unwrap_or(layer.name);
        let word = words.entry(own.trim_end_matches(|letter: char| letter.is_ascii_digit())).or_default();
        *word = (word.0 + 1, word.1 + *time);
    }
    let mut words: Vec<_> = words.into_iter().collect();
    words.sort_by_key(|(_, (_, time))| std::cmp::Reverse(*time));
    let lines = words.iter().map(|(word, (count, time))| format!("{count:>4} x {word:<16} {:>9.3} ms\n", ms(*time)));
    lines.collect()
}

/// Reads the image file, or creates a synthetic image of waves.
fn image<N>(arguments: &Arguments) -> Result<N::Input, Error>
where
    N: Network<Scalar = f32>,
    N::Input: Output<f32>,
{
    let Shape::Image { height, width, channels } = N::INPUT else { return Err("this network reads no images".into()) };
    let mut image = N::Input::zeros();
    match &arguments.image {
        Some(path) => {
            let bytes = read(path, [height, width, channels])?;
            image.elements_mut().iter_mut().zip(bytes).for_each(|(value, byte)| *value = f32::from(byte) / 255.0);
        }
        None => {
            for (index, value) in image.elements_mut().iter_mut().enumerate() {
                let (row, column, channel) = (index / channels / width, index / channels % width, index % channels);
                let wave = (row as f32 * 0.11 + channel as f32).sin() * (column as f32 * 0.07 - channel as f32).cos();
                *value = 0.5 + 0.5 * wave;
            }
        }
    }
    Ok(image)
}

#[cfg(feature = "images")]
fn read(path: &std::path::Path, size: [usize; 3]) -> Result<Vec<u8>, Error> {
    let images = netwright::data::folder::read_image(path, size)?;
    Ok(images.get(0).unwrap_or_default().to_vec())
}

#[cfg(not(feature = "images"))]
fn read(path: &std::path::Path, _: [usize; 3]) -> Result<Vec<u8>, Error> {
    Err(format!("{} cannot be read: turn on the feature `images`", path.display()).into())
}
