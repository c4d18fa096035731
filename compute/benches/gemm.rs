//! Products of matrices beside the crate `matrixmultiply` in the same run: GFLOP/s on one thread, and the ratio.
//!
//! `cargo bench -p netwright-compute --features std --bench gemm`
//!
//! Each line times both in turn, several rounds, and keeps the best of each, so that neither profits from a quieter moment.

mod timing;

use std::hint::black_box;

use netwright_compute::epilogue::Epilogue;
use netwright_compute::gemm::{Matrix, gemm, scratch};
use timing::best;

/// Which operand is stored transposed.
#[derive(Clone, Copy, PartialEq)]
enum Flip {
    Neither,
    /// As for the gradient of weights.
    A,
    /// As for the gradient of inputs.
    B,
}

fn compare(name: &str, [m, k, n]: [usize; 3], flip: Flip) {
    let numbers = |count: usize| (0..count).map(|i| (i % 251) as f32 / 251.0 - 0.5).collect::<Vec<_>>();
    let (a, b) = (numbers(m * k), numbers(k * n));
    let (mut c, mut memory) = (vec![0.0f32; m * n], vec![0.0; scratch(k, n)]);
    let mut theirs = c.clone();
    let mut ours = || {
        let left = if flip == Flip::A { Matrix::rows(&a, k, m).transposed() } else { Matrix::rows(&a, m, k) };
        let right = if flip == Flip::B { Matrix::rows(&b, n, k).transposed() } else { Matrix::rows(&b, k, n) };
        gemm(black_box(left), black_box(right), Epilogue::NONE, black_box(&mut c), n, &mut memory);
    };
    let mut theirs = || {
        let left = if flip == Flip::A { [1, m] } else { [k, 1] }.map(usize::cast_signed);
        let right = if flip == Flip::B { [1, k] } else { [n, 1] }.map(usize::cast_signed);
        let c = black_box(&mut theirs);
        // SAFETY: the three matrices have the sizes and strides of their vectors.
        unsafe {
            matrixmultiply::sgemm(
                m,
                k,
                n,
                1.0,
                a.as_ptr(),
                left[0],
                left[1],
                b.as_ptr(),
                right[0],
                right[1],
                0.0,
                c.as_mut_ptr(),
                n.cast_signed(),
                1,
            );
        }
    };
    let seconds = best([&mut ours, &mut theirs]);
    let flops = 2.0 * (m * k * n) as f64;
    let [ours, theirs] = seconds.map(|seconds| flops / seconds / 1e9);
    println!("{name:28} {m:5} x {k:5} x {n:5}  {ours:6.1} GFLOP/s  {theirs:6.1}  ratio {:.2}", ours / theirs);
}

fn main() {
    println!("{:28} {:5}   {:5}   {:5}  {:>14}  {:>6}", "", "m", "k", "n", "ours", "matrixmultiply");
    compare("one tile, in the first cache", [14, 200, 32], Flip::Neither);
    compare("ResNet 3x3x64 at 56", [3136, 576, 64], Flip::Neither);
    compare("ResNet 3x3x128 at 28", [784, 1152, 128], Flip::Neither);
    compare("ResNet 3x3x512 at 7", [49, 4608, 512], Flip::Neither);
    compare("LeNet conv1", [784, 25, 6], Flip::Neither);
    compare("LeNet conv2", [100, 150, 16], Flip::Neither);
    compare("LeNet dense1, batch 64", [64, 400, 120], Flip::Neither);
    compare("  its gradient of inputs", [64, 120, 400], Flip::B);
    compare("  its gradient of weights", [400, 64, 120], Flip::A);
    compare("square", [1024, 1024, 1024], Flip::Neither);
    compare("square, A transposed", [1024, 1024, 1024], Flip::A);
    compare("square, B transposed", [1024, 1024, 1024], Flip::B);
    compare("one image, dense", [1, 4096, 4096], Flip::Neither);
    compare("one image, dense gradient", [1, 4096, 4096], Flip::B);
}
