//! Measures predictions and training steps of the zoo's networks: time, GFLOP/s, and the share of the machine's peak, which is measured
//! first.
//!
//! `cargo bench -p netwright-zoo --features all --bench networks -- --threads 2 LeNet5 ResNet50`; without names it
//! measures all networks, without `--threads` on one thread. With `--layers` the layers of each prediction follow it.

use std::hint::black_box;
use std::time::Instant;

use netwright::loss::{CrossEntropy, Loss};
use netwright::memory::values_from;
use netwright::optim::Sgd;
use netwright::train::{GradientEngine, Update};
use netwright::{Error, Network, Observer, Pass};
use netwright_measure::{Row, Table};
use netwright_zoo::{AlexNet, InceptionResNetV2, InceptionV3, LeNet5, ResNeXt50, ResNet50, Vgg16, Xception};

/// The options of the command line, and the table.
struct Bench {
    threads: usize,
    layers: bool,
    names: Vec<String>,
    table: Table,
}

/// Returns the best time of a few calls, after one that warms up.
fn best(mut call: impl FnMut()) -> f64 {
    call();
    let (start, mut best, mut calls) = (Instant::now(), f64::INFINITY, 0);
    while calls < 3 || start.elapsed().as_secs_f64() < 0.4 {
        let turn = Instant::now();
        call();
        best = best.min(turn.elapsed().as_secs_f64());
        calls += 1;
    }
    best
}

/// Measures the time of each layer, which is the time since the previous layer was reported.
struct Clock {
    last: Instant,
    seconds: Vec<f64>,
}

impl Observer<f32> for Clock {
    fn computed(&mut self, layer: usize, _values: &mut [f32]) {
        self.seconds[layer] += self.last.elapsed().as_secs_f64();
        self.last = Instant::now();
    }
}

impl Bench {
    /// Measures predictions of one image and of `batch` images, and a training step of `step` images unless `step` is 0.
    fn network<N: Network<Scalar = f32>>(&self, batch: usize, step: usize) -> Result<(), Error>
    where
        CrossEntropy: Loss<N::Head, usize>,
    {
        if !self.names.is_empty() && !self.names.iter().any(|name| name == N::NAME) {
            return Ok(());
        }
        let mut network = N::init(1);
        network.set_threads(self.threads)?;
        let most = batch.max(step);
        let elements = (0..most * N::INPUT.len()).map(|index| (index % 251) as f32 / 251.0 - 0.5).collect();
        let images: Vec<N::Input> = values_from(elements).expect("whole images");
        let weights = N::PARAMETERS + N::STATISTICS;
        let bytes = |images: usize| (4 * (weights + images * (N::INPUT.len() + N::OUTPUT.len()))) as f64;
        for count in if batch > 1 { vec![1, batch] } else { vec![1] } {
            let mut answers = network.predict_batch(&images[..count]);
            let seconds = best(|| network.predict_batch_into(black_box(&images[..count]), &mut answers));
            let name = format!("{}, {count} image(s)", N::NAME);
            self.table.row(&Row { name, seconds, macs: (N::MACS * count as u64) as f64, bytes: bytes(count) });
        }
        if self.layers {
            self.layers_of(&network, &images[0]);
        }
        if step > 0 {
            let labels: Vec<usize> = (0..step).map(|image| image % N::OUTPUT.len()).collect();
            let mut engine = GradientEngine::<N>::new(step, self.threads)?;
            let mut optimizer = Sgd::new(1e-3)?;
            let seconds = best(|| {
                let images = black_box(&images[..step]);
                let update = Update { optimizer: &mut optimizer, rate: 1e-3 };
                engine.step(&mut network, images, &labels, &CrossEntropy, Pass::default(), update).expect("a step");
            });
            let name = format!("{}, training step of {step}", N::NAME);
            let macs = (3 * N::MACS * step as u64) as f64;
            // Beside the reads of a forward pass, a step writes and reads the gradients and writes the weights.
            self.table.row(&Row { name, seconds, macs, bytes: bytes(step) + (12 * weights) as f64 });
        }
        Ok(())
    }

    /// Measures the layers of a prediction of one image, on one thread. The time of a layer that the plan merges into a later one is counted there.
    fn layers_of<N: Network<Scalar = f32>>(&self, network: &N, image: &N::Input) {
        let mut least = vec![f64::INFINITY; N::LAYERS.len()];
        let mut answer = network.predict_batch(std::slice::from_ref(image));
        for _ in 0..10 {
            let mut clock = Clock { last: Instant::now(), seconds: vec![0.0; N::LAYERS.len()] };
            network.predict_into_observed(black_box(image), &mut answer[0], &mut clock);
            least.iter_mut().zip(clock.seconds).for_each(|(least, seconds)| *least = least.min(seconds));
        }
        let mut macs = 0;
        for (layer, seconds) in N::LAYERS.iter().zip(least) {
            macs += layer.macs;
            if seconds == 0.0 {
                continue;
            }
            let elements = layer.input.len() + layer.output.len() + layer.parameters();
            let name = format!("  {} {} -> {}", layer.text, layer.input, layer.output);
            self.table.row(&Row { name, seconds, macs: macs as f64, bytes: (4 * elements) as f64 });
            macs = 0;
        }
    }
}

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (mut threads, mut layers, mut names) = (1, false, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--threads" => threads = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(1),
            "--layers" => layers = true,
            _ => names.push(argument),
        }
    }
    let bench = Bench { threads, layers, names, table: Table::new(threads) };
    bench.network::<LeNet5<f32>>(64, 64)?;
    bench.network::<AlexNet<f32>>(8, 8)?;
    bench.network::<Vgg16<f32>>(1, 0)?;
    bench.network::<ResNet50<f32>>(8, 8)?;
    bench.network::<InceptionV3<f32>>(1, 0)?;
    bench.network::<Xception<f32>>(1, 0)?;
    bench.network::<ResNeXt50<f32>>(1, 0)?;
    bench.network::<InceptionResNetV2<f32>>(1, 0)
}
