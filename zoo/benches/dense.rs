//! Training steps of networks with large dense layers: the whole gradient followed by the update, in turn with
//! steps that fuse the two.
//!
//! `cargo bench -p netwright-zoo --features alexnet --bench dense -- --threads 2 Mlp`; without names it
//! measures all networks.

use std::time::Instant;

use netwright::head::Softmax;
use netwright::loss::CrossEntropy;
use netwright::memory::values_from;
use netwright::optim::{Adam, Optimizer, Sgd};
use netwright::train::{GradientEngine, Update};
use netwright::{Error, Network, Pass};
use netwright_measure::{Row, Table};
use netwright_zoo::AlexNet;

netwright::network! {
    /// The perceptron of the comparison.
    pub Mlp(784) { dense 512 relu; dense 256 relu; softmax 10 }
}

const RATE: f64 = 1e-3;

/// Measures both kinds of step with `batch` images, for an optimiser that reads and writes `moved` elements for each parameter.
fn steps<N, O>(
    table: &Table,
    threads: usize,
    batch: usize,
    moved: usize,
    by: &str,
    make: fn() -> Result<O, Error>,
) -> Result<(), Error>
where
    N: Network<Scalar = f32, Head = Softmax>,
    O: Optimizer<f32>,
{
    let elements = (0..batch * N::INPUT.len()).map(|index| (index % 251) as f32 / 251.0 - 0.5).collect();
    let images: Vec<N::Input> = values_from(elements).expect("whole images");
    let labels: Vec<usize> = (0..batch).map(|image| image * 7 % N::OUTPUT.len()).collect();
    let (mut network, mut optimizer, loss) = (N::init(1), make()?, CrossEntropy::new());
    let mut engine = GradientEngine::<N>::new(batch, threads)?;
    let (start, mut best, mut rounds) = (Instant::now(), [f64::INFINITY; 2], 0);
    engine.install(|engine| -> Result<(), Error> {
        while rounds < 3 || start.elapsed().as_secs_f64() < 2.0 {
            let turn = Instant::now();
            engine.gradient(&mut network, &images, &labels, &loss, Pass::default())?;
            optimizer.step(RATE, N::LAYERS, network.parameters_mut(), engine.gradients().as_slice())?;
            best[0] = best[0].min(turn.elapsed().as_secs_f64());
            // The first fused step after a stored gradient has to set it to 0.
            for _ in 0..3 {
                let turn = Instant::now();
                let update = Update { optimizer: &mut optimizer, rate: RATE };
                engine.step(&mut network, &images, &labels, &loss, Pass::default(), update)?;
                best[1] = best[1].min(turn.elapsed().as_secs_f64());
            }
            rounds += 1;
        }
        Ok(())
    })?;
    for (kind, seconds) in ["stored", "fused"].into_iter().zip(best) {
        let name = format!("{} of {batch}, {}, {kind}", N::NAME, by);
        // Both passes read the weights.
        let bytes = (4 * (2 + moved) * N::PARAMETERS) as f64;
        table.row(&Row { name, seconds, macs: (3 * N::MACS * batch as u64) as f64, bytes });
    }
    Ok(())
}

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (mut threads, mut names) = (1, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--threads" => threads = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(1),
            _ => names.push(argument),
        }
    }
    let table = Table::new(threads);
    let is_asked = |name: &str| names.is_empty() || names.iter().any(|asked| asked == name);
    if is_asked(Mlp::NAME) {
        steps::<Mlp, _>(&table, threads, 64, 2, "Sgd", || Sgd::new(RATE))?;
        steps::<Mlp, _>(&table, threads, 64, 4, "momentum", || Sgd::new(RATE)?.momentum(0.9))?;
        steps::<Mlp, _>(&table, threads, 64, 6, "Adam", || Adam::new(RATE))?;
    }
    if is_asked(AlexNet::NAME) {
        steps::<AlexNet, _>(&table, threads, 8, 2, "Sgd", || Sgd::new(RATE))?;
    }
    Ok(())
}
