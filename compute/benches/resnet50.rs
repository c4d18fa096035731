//! The convolutions of ResNet-50 in a training step, each shape and direction separately: milliseconds for a batch and the share of the
//! peak measured in the same run, on one thread and on two.
//!
//! `cargo bench -p netwright-compute --features std --bench resnet50`, where a number after `--` replaces the batch of 8.

use std::time::Instant;

use netwright_compute::context::{Context, Fork};
use netwright_compute::kernels::Kernels;
use netwright_compute::kernels::conv::{
    conv_gemm_forward_scratch, conv_gemm_grad_input_scratch, conv_gemm_grad_weights_scratch,
};
use netwright_measure::{convolution, elements};

/// Two threads, one of which is started for each part of the work: this costs little compared with a convolution of a batch.
struct Two;

impl Fork for Two {
    fn threads(&self) -> usize {
        2
    }

    fn join(&self, left: &mut (dyn FnMut() + Send), right: &mut (dyn FnMut() + Send)) {
        std::thread::scope(|scope| {
            scope.spawn(left);
            right();
        });
    }
}

/// Inputs along an axis, window, stride, channels, filters, and the number of such layers.
const LAYERS: [[usize; 6]; 20] = [
    [224, 7, 2, 3, 64, 1],
    [56, 1, 1, 64, 64, 1],
    [56, 3, 1, 64, 64, 3],
    [56, 1, 1, 64, 256, 4],
    [56, 1, 1, 256, 64, 2],
    [56, 1, 2, 256, 128, 1],
    [56, 1, 2, 256, 512, 1],
    [28, 3, 1, 128, 128, 4],
    [28, 1, 1, 128, 512, 4],
    [28, 1, 1, 512, 128, 3],
    [28, 1, 2, 512, 256, 1],
    [28, 1, 2, 512, 1024, 1],
    [14, 3, 1, 256, 256, 6],
    [14, 1, 1, 256, 1024, 6],
    [14, 1, 1, 1024, 256, 5],
    [14, 1, 2, 1024, 512, 1],
    [14, 1, 2, 1024, 2048, 1],
    [7, 3, 1, 512, 512, 3],
    [7, 1, 1, 512, 2048, 3],
    [7, 1, 1, 2048, 512, 2],
];

/// Returns the best time of each call in milliseconds: all calls are timed in turn.
fn best<const N: usize>(mut calls: [&mut dyn FnMut(&Context<'_>); N], batch: usize) -> [[f64; 2]; N] {
    let mut times = [[f64::INFINITY; 2]; N];
    for _ in 0..3 {
        for (call, times) in calls.iter_mut().zip(&mut times) {
            for (context, time) in [Context::of(batch), Context::on(batch, &Two)].iter().zip(times) {
                let start = Instant::now();
                call(context);
                *time = time.min(start.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    times
}

fn main() {
    let batch = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(8);
    let gflops = netwright_measure::peak(1);
    // Multiply-adds per millisecond.
    let peak = gflops * 1e6 / 2.0;
    println!(
        "batch {batch}, peak {gflops:.0} GFLOP/s a thread; milliseconds (share of the peak) on one thread, on two"
    );
    println!("{:28} {:^25} {:^25} {:^25}", "layer", "forward", "gradient of input", "of weights");
    let mut sums = [[0.0; 2]; 4];
    for layer in LAYERS {
        let [size, window, stride, channels, filters, count] = layer;
        let spec = convolution(size, window, stride, channels, filters);
        let (x, w) = (elements(batch * spec.input_len()), elements(spec.weights_len()));
        let (mut y, dy) = (vec![0.0; batch * spec.output_len()], elements(batch * spec.output_len()));
        let (mut dx, mut dw) = (x.clone(), w.clone());
        let [mut forward, mut input, mut weights] = [
            conv_gemm_forward_scratch(&spec),
            conv_gemm_grad_input_scratch(&spec),
            conv_gemm_grad_weights_scratch(&spec),
        ]
        .map(|scratch| vec![0.0f32; 2 * scratch]);
        let times = best(
            [
                &mut |context| f32::conv_gemm_forward(context, &spec, &x, &w, &[], &[], &[], &mut y, &mut forward),
                &mut |context| f32::conv_gemm_grad_input(context, &spec, &dy, &w, &[], &mut dx, &mut input),
                &mut |context| f32::conv_gemm_grad_weights(context, &spec, &x, &dy, &mut dw, &mut [], &mut weights),
            ],
            batch,
        );
        let macs = (batch * spec.output_len() * spec.weights_len() / filters) as f64;
        print!("{:28}", format!("{window}x{window}x{channels}-{filters} /{stride} @{size}, {count} times"));
        for (n, time) in times.iter().enumerate() {
            let share = |threads: usize| 100.0 * macs / (time[threads - 1] * peak * threads as f64);
            print!(" {:6.1} {:3.0}% {:6.1} {:3.0}% ", time[0], share(1), time[1], share(2));
            if n != 1 || channels != 3 {
                (0..2).for_each(|threads| sums[n][threads] += count as f64 * time[threads]);
                sums[3][0] += count as f64 * macs / peak * f64::from(u8::from(n == 0 || n == 2 || channels != 3));
            }
        }
        println!();
    }
    println!(
        "{:28} {:6.1}      {:6.1}       {:6.1}      {:6.1}       {:6.1}      {:6.1}",
        "together", sums[0][0], sums[0][1], sums[1][0], sums[1][1], sums[2][0], sums[2][1]
    );
    println!("at the peak {:.1} on one thread, {:.1} on two", sums[3][0], sums[3][0] / 2.0);
}
