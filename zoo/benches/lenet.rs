//! Measures LeNet-5 in microseconds per image, in one run: predictions of a batch of 64, with channels last and with blocks of images in the vector
//! lanes; predictions of one image, as a whole and by layer; and training steps of plain gradient descent, on one thread and on two.
//!
//! `cargo bench -p netwright-zoo --features lenet5 --bench lenet`

use std::hint::black_box;
use std::time::Instant;

use netwright::loss::CrossEntropy;
use netwright::optim::Sgd;
use netwright::private::{Context, PredictionWeights};
use netwright::train::{GradientEngine, Update};
use netwright::{Architecture as _, Network as _, Observer, Pass, Tensor, Unobserved};
use netwright_zoo::LeNet5;

const BATCH: usize = 64;
/// The number of images that `predict_batch` processes at once in a network without blocks.
const TOGETHER: usize = 32;

/// Measures the time of each layer, which is the time since the previous layer was reported.
struct Clock {
    last: Instant,
    microseconds: [f64; LeNet5::<f32>::LAYERS.len()],
}

impl Observer<f32> for Clock {
    fn computed(&mut self, layer: usize, _values: &mut [f32]) {
        self.microseconds[layer] += self.last.elapsed().as_secs_f64() * 1e6;
        self.last = Instant::now();
    }
}

fn main() {
    let mut network = LeNet5::init(1);
    network.set_threads(1).expect("one thread");
    let mut images = vec![Tensor::<28, 28, 1>::zeros(); BATCH];
    for (image, tensor) in images.iter_mut().enumerate() {
        for (index, value) in tensor.as_mut_slice().iter_mut().enumerate() {
            *value = ((index + 97 * image) % 251) as f32 / 251.0 - 0.5;
        }
    }
    let elements: Vec<f32> = images.iter().flat_map(|image| image.as_slice()).copied().collect();
    let (mut answers, mut outputs) = (vec![[0.0; 10]; BATCH], vec![0.0; 10 * BATCH]);
    let mut workspace = vec![0.0; LeNet5::<f32>::PREDICTING.for_batch(TOGETHER)];
    let labels: Vec<usize> = (0..BATCH).map(|image| image % 10).collect();
    let mut trained = LeNet5::init(1);
    let mut engines = [1, 2].map(|threads| GradientEngine::<LeNet5>::new(BATCH, threads).expect("threads"));
    let mut descent = Sgd::new(1e-3).expect("a rate");
    let mut best = [f64::INFINITY; 5];
    for _ in 0..300 {
        let mut time = |which: usize, call: &mut dyn FnMut()| {
            let start = Instant::now();
            call();
            best[which] = best[which].min(start.elapsed().as_secs_f64() * 1e6 / BATCH as f64);
        };
        time(0, &mut || {
            for (images, outputs) in elements.chunks(784 * TOGETHER).zip(outputs.chunks_mut(10 * TOGETHER)) {
                let context = Context::of(TOGETHER);
                let (parameters, prepared) = (network.parameters(), network.prepared().elements());
                let images = black_box(images);
                LeNet5::<f32>::predict_pass(
                    &context,
                    PredictionWeights::all(parameters, &[], prepared),
                    images,
                    &mut workspace,
                    outputs,
                    &mut [],
                    &mut Unobserved,
                );
            }
        });
        time(1, &mut || network.predict_batch_into(black_box(&images), &mut answers));
        time(2, &mut || {
            for (image, answer) in images.iter().zip(&mut answers) {
                network.predict_into(black_box(image), answer);
            }
        });
        for (which, engine) in (3..).zip(&mut engines) {
            engine.install(|engine| {
                time(which, &mut || {
                    let update = Update { optimizer: &mut descent, rate: 1e-3 };
                    engine
                        .step(&mut trained, black_box(&images), &labels, &CrossEntropy::new(), Pass::default(), update)
                        .expect("a step");
                });
            });
        }
    }
    println!("microseconds an image, batch {BATCH}, one thread");
    println!("channels last        {:6.2}", best[0]);
    println!("images in the lanes  {:6.2}   {:.2} times as fast", best[1], best[0] / best[1]);
    println!("one image            {:6.2}", best[2]);
    let mut layers = [f64::INFINITY; LeNet5::<f32>::LAYERS.len()];
    for _ in 0..20_000 {
        let mut clock = Clock { last: Instant::now(), microseconds: [0.0; LeNet5::<f32>::LAYERS.len()] };
        network.predict_into_observed(black_box(&images[0]), &mut answers[0], &mut clock);
        layers.iter_mut().zip(clock.microseconds).for_each(|(best, time)| *best = best.min(time));
    }
    for (layer, time) in LeNet5::<f32>::LAYERS.iter().zip(layers).filter(|(_, time)| *time > 0.0) {
        println!("  {:18} {time:6.2}", layer.text);
    }
    println!("training step        {:6.2}", best[3]);
    println!("  on two threads     {:6.2}   {:.2} times as fast", best[4], best[3] / best[4]);
}
