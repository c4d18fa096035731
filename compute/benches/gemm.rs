//! Matrix products compared with the crate `matrixmultiply` in the same run: GFLOP/s on one thread, the share of the processor's peak in
//! single precision, which is measured first, and the ratio.
//!
//! `cargo bench -p netwright-compute --features std --bench gemm`
//!
//! Each line times both in turn, several rounds, and keeps the best of each, so that neither profits from a quieter moment.

use std::hint::black_box;

use netwright_compute::epilogue::Epilogue;
use netwright_compute::gemm::{Matrix, gemm, scratch};
use netwright_compute::kernels::elementary::Elementary;
use netwright_compute::simd::Isa;
use netwright_measure::best;

/// The operand that is stored transposed.
#[derive(Clone, Copy, PartialEq)]
enum Flip {
    Neither,
    /// As for the gradient of weights.
    A,
    /// As for the gradient of inputs.
    B,
}

/// The crate's function for a type: sizes, A, B and C, each matrix with the strides between rows and between columns.
type Theirs<T> =
    unsafe fn(usize, usize, usize, T, *const T, isize, isize, *const T, isize, isize, T, *mut T, isize, isize);

fn compare<T: Elementary>(peak: f64, name: &str, [m, k, n]: [usize; 3], flip: Flip, function: Theirs<T>) {
    let elements = |count: usize| (0..count).map(|i| T::from_f64((i % 251) as f64 / 251.0 - 0.5)).collect::<Vec<T>>();
    let (a, b) = (elements(m * k), elements(k * n));
    let (mut c, mut memory) = (vec![T::ZERO; m * n], vec![T::ZERO; scratch(k, n)]);
    let mut theirs = c.clone();
    let mut ours = || {
        let left = if flip == Flip::A { Matrix::rows(&a, k, m).transposed() } else { Matrix::rows(&a, m, k) };
        let right = if flip == Flip::B { Matrix::rows(&b, n, k).transposed() } else { Matrix::rows(&b, k, n) };
        gemm(Isa::detect(), black_box(left), black_box(right), Epilogue::NONE, black_box(&mut c), n, &mut memory);
    };
    let mut theirs = || {
        let left = if flip == Flip::A { [1, m] } else { [k, 1] }.map(usize::cast_signed);
        let right = if flip == Flip::B { [1, k] } else { [n, 1] }.map(usize::cast_signed);
        let c = black_box(&mut theirs);
        // SAFETY: the three matrices have the sizes and strides of their vectors.
        unsafe {
            function(
                m,
                k,
                n,
                T::ONE,
                a.as_ptr(),
                left[0],
                left[1],
                b.as_ptr(),
                right[0],
                right[1],
                T::ZERO,
                c.as_mut_ptr(),
                n.cast_signed(),
                1,
            );
        }
    };
    let seconds = best([&mut ours, &mut theirs]);
    let flops = 2.0 * (m * k * n) as f64;
    let [ours, theirs] = seconds.map(|seconds| flops / seconds / 1e9);
    let share = 100.0 * ours / peak;
    println!(
        "{name:32} {m:5} x {k:5} x {n:5}  {ours:6.1} GFLOP/s  {share:3.0} %  {theirs:6.1}  ratio {:.2}",
        ours / theirs
    );
}

fn main() {
    let peak = netwright_measure::peak(1);
    println!("peak, measured: {peak:.1} GFLOP/s");
    println!("{:32} {:5}   {:5}   {:5}  {:>14}  {:>5}  {:>6}", "", "m", "k", "n", "ours", "peak", "matrixmultiply");
    let single = |name, sizes, flip| compare::<f32>(peak, name, sizes, flip, matrixmultiply::sgemm);
    let double = |name, sizes, flip| compare::<f64>(peak, name, sizes, flip, matrixmultiply::dgemm);
    single("one tile, in the first cache", [14, 200, 32], Flip::Neither);
    single("ResNet 3x3x64 at 56", [3136, 576, 64], Flip::Neither);
    single("ResNet 3x3x128 at 28", [784, 1152, 128], Flip::Neither);
    single("ResNet 3x3x512 at 7", [49, 4608, 512], Flip::Neither);
    single("LeNet conv1", [784, 25, 6], Flip::Neither);
    single("LeNet conv2", [100, 150, 16], Flip::Neither);
    single("LeNet dense1, batch 64", [64, 400, 120], Flip::Neither);
    single("  its gradient of inputs", [64, 120, 400], Flip::B);
    single("  its gradient of weights", [400, 64, 120], Flip::A);
    single("square", [1024, 1024, 1024], Flip::Neither);
    single("square, A transposed", [1024, 1024, 1024], Flip::A);
    single("square, B transposed", [1024, 1024, 1024], Flip::B);
    single("dense, batch 64", [64, 784, 512], Flip::Neither);
    single("  its gradient of inputs", [64, 512, 784], Flip::B);
    single("  its gradient of weights", [784, 64, 512], Flip::A);
    single("one image, dense", [1, 4096, 4096], Flip::Neither);
    single("one image, dense gradient", [1, 4096, 4096], Flip::B);
    single("one image, VGG-16's first dense", [1, 25_088, 4096], Flip::Neither);
    println!("bytes of B of a product of one row, a second: half of its FLOP/s, times four\ndouble precision");
    double("one tile, in the first cache", [14, 200, 32], Flip::Neither);
    double("XOR", [4, 2, 2], Flip::Neither);
    double("LeNet conv1", [784, 25, 6], Flip::Neither);
    double("LeNet dense2, batch 8", [8, 120, 84], Flip::Neither);
    double("LeNet dense3, batch 64", [64, 84, 10], Flip::Neither);
    double("LeNet dense1, batch 64", [64, 400, 120], Flip::Neither);
    double("  its gradient of inputs", [64, 120, 400], Flip::B);
    double("  its gradient of weights", [400, 64, 120], Flip::A);
    double("square", [1024, 1024, 1024], Flip::Neither);
    double("one image, dense", [1, 4096, 4096], Flip::Neither);
    double("one image, LeNet dense1", [1, 400, 120], Flip::Neither);
}
