//! Measures how time and memory of predictions and training grow with the batch, the image size, the width and the depth of a network, and how
//! the time shrinks with threads, beside the operation count. Prints a table, and writes a chart to the file in the first argument.
//!
//! `cargo run --release --manifest-path benches/compare/rust/Cargo.toml --target-dir target/compare/build -p growth -- docs/growth.svg`

mod networks;

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use chart::{Curve, Panel, panels};
use networks::*;
use netwright::loss::{CrossEntropy, Loss};
use netwright::memory::values_from;
use netwright::optim::{Optimizer, Sgd};
use netwright::train::GradientEngine;
use netwright::{Network, Pass};
use netwright_measure::table::Time;
use speak::{Failure, RATE};

/// The measurements of a network at one size.
struct Point {
    at: usize,
    macs: f64,
    predict: f64,
    train: f64,
    /// Megabytes of weights, prepared weights and workspace.
    predict_memory: f64,
    /// Megabytes of weights, gradients and workspace.
    train_memory: f64,
}

/// Returns the best time of at least three calls, after one warm-up call.
fn time(mut call: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    call()?;
    let (start, mut best, mut calls) = (Instant::now(), f64::INFINITY, 0);
    while calls < 3 || start.elapsed().as_secs_f64() < 0.25 {
        let turn = Instant::now();
        call()?;
        best = best.min(turn.elapsed().as_secs_f64());
        calls += 1;
    }
    Ok(best)
}

/// Measures a network.
fn point<N: Network<Scalar = f32>>(at: usize, batch: usize, threads: usize) -> Result<Point, Failure>
where
    CrossEntropy: Loss<N::Head, usize>,
{
    let mut network = N::init(1);
    network.set_threads(threads)?;
    let elements = (0..batch * N::INPUT.len()).map(|index| (index % 251) as f32 / 251.0 - 0.5).collect();
    let images: Vec<N::Input> = values_from(elements)?;
    let mut answers = network.predict_batch(&images);
    let predict = time(|| {
        network.predict_batch_into(black_box(&images), &mut answers);
        Ok(())
    })?;
    let labels: Vec<usize> = (0..batch).map(|image| image % 10).collect();
    let mut engine = GradientEngine::<N>::new(batch, threads)?;
    let mut optimizer = Sgd::new(RATE)?;
    let train = time(|| {
        engine.gradient(&mut network, &images, &labels, &CrossEntropy, Pass::default())?;
        optimizer.step(RATE, N::LAYERS, network.parameters_mut(), engine.gradients().as_slice())?;
        Ok(())
    })?;
    let megabytes = |elements: usize| (4 * elements) as f64 / 1e6;
    // A prediction computes at most 32 images at a time.
    let workspace = N::PREDICTING.for_threads(batch.min(32), threads);
    Ok(Point {
        at,
        macs: (N::MACS * batch as u64) as f64,
        predict,
        train,
        predict_memory: megabytes(N::PARAMETERS + N::PREPARED + workspace),
        train_memory: megabytes(2 * N::PARAMETERS + N::TRAINING.for_threads(batch, threads)),
    })
}

/// Prints the rows of the size that grows, and returns its panel of the chart.
fn shown(title: &str, peak: impl Fn(usize) -> f64, points: &[Point]) -> Panel {
    for point in points {
        let speed = |seconds: f64, passes: f64| 2e-9 * passes * point.macs / seconds;
        let share = |speed: f64| 100.0 * speed / peak(point.at);
        let [forward, step] = [speed(point.predict, 1.0), speed(point.train, 3.0)];
        println!(
            "| {title} | {} | {:.4} | {} | {forward:.0} | {:.0} % | {:.1} | {} | {step:.0} | {:.0} % | {:.1} |",
            point.at,
            point.macs / 1e9,
            Time(point.predict),
            share(forward),
            point.predict_memory,
            Time(point.train),
            share(step),
            point.train_memory,
        );
    }
    let curve = |name: &str, value: &dyn Fn(&Point) -> f64| Curve {
        name: name.to_owned(),
        points: points.iter().map(|point| (point.at as f64, value(point))).collect(),
    };
    Panel {
        title: title.to_owned(),
        curves: vec![
            curve("GMAC", &|point| point.macs / 1e9),
            curve("predicting, ms", &|point| 1e3 * point.predict),
            curve("training step, ms", &|point| 1e3 * point.train),
            curve("memory predicting, MB", &|point| point.predict_memory),
            curve("memory training, MB", &|point| point.train_memory),
        ],
    }
}

fn main() -> Result<(), Failure> {
    let most = std::thread::available_parallelism()?.get();
    let counts: Vec<usize> =
        std::iter::successors(Some(1), |count| Some(2 * count)).take_while(|count| *count <= most).collect();
    let peaks: Vec<f64> = counts.iter().map(|count| netwright_measure::peak(*count)).collect();
    println!("Peak, measured: {:.0} GFLOP/s on one thread.\n", peaks[0]);
    println!(
        "| what grows | to | GMAC | predicting | GFLOP/s | of peak | MB | training step | GFLOP/s | of peak | MB |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let one = |_: usize| peaks[0];
    let batches = [1, 2, 4, 8, 16, 32].map(|batch| point::<Base>(batch, batch, 1));
    let sizes = [
        point::<Size14>(14, 1, 1),
        point::<Size28>(28, 1, 1),
        point::<Base>(56, 1, 1),
        point::<Size112>(112, 1, 1),
        point::<Size224>(224, 1, 1),
    ];
    let widths = [
        point::<Width16>(16, 1, 1),
        point::<Width32>(32, 1, 1),
        point::<Base>(64, 1, 1),
        point::<Width128>(128, 1, 1),
        point::<Width256>(256, 1, 1),
    ];
    let depths = [
        point::<Depth1>(2, 1, 1),
        point::<Depth2>(3, 1, 1),
        point::<Base>(5, 1, 1),
        point::<Depth8>(9, 1, 1),
        point::<Depth16>(17, 1, 1),
    ];
    let threads: Vec<_> = counts.iter().map(|count| point::<Base>(*count, 8, *count)).collect();
    let mut drawn = Vec::new();
    for (title, points) in [
        ("images of a batch", Vec::from(batches)),
        ("pixels along a side", Vec::from(sizes)),
        ("channels of a layer", Vec::from(widths)),
        ("layers with weights", Vec::from(depths)),
    ] {
        drawn.push(shown(title, one, &points.into_iter().collect::<Result<Vec<_>, _>>()?));
    }
    let threads = threads.into_iter().collect::<Result<Vec<_>, _>>()?;
    let of_threads =
        |count: usize| counts.iter().position(|known| *known == count).map_or(peaks[0], |index| peaks[index]);
    drawn.push(shown("threads (batch 8)", of_threads, &threads));
    if let Some(file) = std::env::args().nth(1) {
        panels(Path::new(&file), "How cost grows", &drawn)?;
    }
    Ok(())
}
