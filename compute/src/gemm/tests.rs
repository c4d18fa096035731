use std::vec::Vec;

use proptest::prelude::*;

use netwright_abi::Activation;

use super::{Matrix, gemm, gemm_at, library, pack, scratch};
use crate::epilogue::{self, Epilogue};
use crate::kernels::check::shapes;
use crate::kernels::elementary::Elementary;
use crate::scalar::Scalar;
use crate::simd::Isa;

/// Returns pseudo-random elements that both types represent exactly.
fn elements<T: Scalar>(count: usize, seed: usize) -> Vec<T> {
    (0..count).map(|i| T::from_f64((((i + seed) as u64 * 2_654_435_761) >> 7) as u8 as f64 / 64.0 - 2.0)).collect()
}

fn expected<T: Elementary>(a: Matrix<'_, T>, b: Matrix<'_, T>, epilogue: Epilogue<'_, T>, c: &mut [T], c_row: usize) {
    let Epilogue { scale, shift, accumulate, activation } = epilogue;
    for i in 0..a.rows {
        let sum = |j: usize| {
            let product = |k: usize| {
                a.data[i * a.stride[0] + k * a.stride[1]].to_f64() * b.data[k * b.stride[0] + j * b.stride[1]].to_f64()
            };
            T::from_f64((0..a.columns).map(product).sum())
        };
        let sums: Vec<T> = (0..b.columns).map(sum).collect();
        let epilogue = netwright_abi::Epilogue { accumulate, activation };
        epilogue::reference(epilogue, &sums, scale, shift, &mut c[i * c_row..][..b.columns], b.columns);
    }
}

fn agrees<T: Elementary>(
    [m, k, n]: [usize; 3],
    flipped: [bool; 2],
    [accumulate, scaled, shifted]: [bool; 3],
    activation: Option<Activation>,
    gap: usize,
) {
    let (a, b) = (elements::<T>(m * k, 1), elements::<T>(k * n, 2));
    let [a_flipped, b_flipped] = flipped;
    let each_column = |given: bool, seed| elements::<T>(if given { n } else { 0 }, seed);
    let (scale, shift) = (each_column(scaled, 6), each_column(shifted, 3));
    let epilogue = Epilogue { scale: &scale, shift: &shift, accumulate, activation };
    let a = if a_flipped { Matrix::rows(&a, k, m).transposed() } else { Matrix::rows(&a, m, k) };
    let b = if b_flipped { Matrix::rows(&b, n, k).transposed() } else { Matrix::rows(&b, k, n) };
    let c_row = n + gap;
    let before = elements::<T>(m * c_row, 4);
    let mut right = before.clone();
    expected(a, b, epilogue, &mut right, c_row);
    // Double precision has portable code only.
    let (all, _) = Isa::all();
    for &isa in if T::NAME == "F32" { &all[..] } else { &all[..1] } {
        let mut c = before.clone();
        // The contents of scratch memory must not matter, and its length must suffice.
        let mut scratch = std::vec![T::from_f64(f64::NAN); scratch(k, n)];
        gemm_at(isa, a, b, epilogue, &mut c, c_row, &mut scratch);
        same(isa, [m, k, n], &c, &right);
    }
    let (mut c, mut scratch) = (before, std::vec![T::from_f64(f64::NAN); scratch(k, n)]);
    gemm(Isa::detect(), a, b, epilogue, &mut c, c_row, &mut scratch);
    same(library::<T>(), [m, k, n], &c, &right);
}

/// Asserts that a product is close to the expected one; `by` names the library or instruction set.
#[track_caller]
fn same<T: Scalar>(by: impl core::fmt::Debug, [m, k, n]: [usize; 3], c: &[T], right: &[T]) {
    let tolerance = if T::NAME == "F32" { 1e-5 } else { 1e-13 } * (2 * k + 2) as f64;
    for (index, (c, right)) in c.iter().zip(right).enumerate() {
        let error = (c.to_f64() - right.to_f64()).abs();
        assert!(error <= tolerance, "{by:?} {m}x{k}x{n} at {index}: {c} for {right}");
    }
}

proptest! {
    #![proptest_config(shapes(200))]

    #[test]
    fn products_agree_with_the_definition_on_every_instruction_set(
        m in 1usize..34, k in 0usize..40, n in 1usize..80, flips in any::<[bool; 2]>(), each in any::<[bool; 2]>(),
        epilogue in epilogue::tests::epilogues(), gap in 0usize..3,
    ) {
        let ends = [epilogue.accumulate, each[0], each[1]];
        agrees::<f32>([m, k, n], flips, ends, epilogue.activation, gap);
        agrees::<f64>([m, k, n], flips, ends, epilogue.activation, gap);
    }
}

#[test]
fn blocks_of_depth_and_columns_agree_with_the_definition() {
    agrees::<f64>([1100, 5, 130], [false, true], [false, true, true], Some(Activation::Tanh), 3);
    agrees::<f64>([1100, 5, 130], [true, false], [true, false, true], Some(Activation::Relu), 0);
    for b_flipped in [false, true] {
        agrees::<f32>([70, 1100, 150], [false, b_flipped], [false, true, true], Some(Activation::Tanh), 0);
        agrees::<f64>([70, 1100, 150], [true, b_flipped], [true, true, true], None, 1);
        agrees::<f32>([1, 2100, 600], [false, b_flipped], [false, false, true], Some(Activation::Relu), 0);
        agrees::<f32>([1, 2100, 600], [false, b_flipped], [true, true, true], Some(Activation::Sigmoid), 0);
    }
}

#[test]
fn a_row_gets_the_same_bits_alone_and_among_others() {
    // A linked library does not guarantee this.
    if !cfg!(feature = "blas") {
        rows_are_the_same_alone_and_among_others::<f32>();
        rows_are_the_same_alone_and_among_others::<f64>();
    }
}

fn rows_are_the_same_alone_and_among_others<T: Elementary>() {
    let (m, k, n) = (70, 1500, 100);
    let (a, b) = (elements::<T>(m * k, 5), elements::<T>(k * n, 6));
    let (scale, shift) = (elements::<T>(n, 7), elements::<T>(n, 8));
    let epilogue = Epilogue { scale: &scale, shift: &shift, accumulate: false, activation: Some(Activation::Tanh) };
    let mut memory = std::vec![T::ZERO; scratch(k, n)];
    let mut together = std::vec![T::ZERO; m * n];
    let b = Matrix::rows(&b, k, n);
    gemm(Isa::detect(), Matrix::rows(&a, m, k), b, epilogue, &mut together, n, &mut memory);
    for (a, together) in a.chunks(k).zip(together.chunks(n)) {
        let mut alone = std::vec![T::ZERO; n];
        gemm(Isa::detect(), Matrix::rows(a, 1, k), b, epilogue, &mut alone, n, &mut memory);
        assert_eq!(alone, together);
    }
}

/// Long and short sums, more and fewer columns than a vector has lanes, on every instruction set.
#[test]
fn a_row_times_a_transposed_matrix_gets_the_bits_of_rows() {
    for [m, k, n] in [[5, 1030, 130], [2, 257, 16], [3, 3, 40], [4, 300, 9], [6, 7, 33]] {
        let (a, b) = (elements::<f32>(m * k, 1), elements::<f32>(k * n, 2));
        let b = Matrix::rows(&b, n, k).transposed();
        for isa in Isa::all().0 {
            let product = |a: &[f32], m: usize| {
                let (mut c, mut scratch) = (std::vec![0.5; m * n], std::vec![f32::NAN; scratch(k, n)]);
                gemm(isa, Matrix::rows(a, m, k), b, Epilogue::ACCUMULATE, &mut c, n, &mut scratch);
                c
            };
            let alone: Vec<f32> = a.chunks(k).flat_map(|row| product(row, 1)).collect();
            assert!(alone == product(&a, m), "{isa:?} {m}x{k}x{n}");
        }
    }
}

#[test]
fn a_transposed_matrix_times_few_rows_gives_the_bits_of_a_packed_one() {
    for [m, k, n] in [[2, 300, 128], [33, 1030, 200], [8, 1024, 130], [100, 512, 256], [128, 40, 131]] {
        let (a, b) = (elements::<f32>(m * k, 1), elements::<f32>(k * n, 2));
        let (a, b) = (Matrix::rows(&a, m, k), Matrix::rows(&b, n, k).transposed());
        let mut packed = std::vec![f32::NAN; k * n];
        super::pack_own(&crate::context::Context::of(1), b, &mut packed);
        let c_row = n + 3;
        for isa in Isa::all().0 {
            let result = |b: Matrix<'_, f32>| {
                let (mut c, mut scratch) = (std::vec![0.5; m * c_row], std::vec![f32::NAN; scratch(k, n)]);
                gemm_at(isa, a, b, Epilogue::NONE, &mut c, c_row, &mut scratch);
                c.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            assert!(result(b) == result(b.with_packed(&packed)), "{isa:?} {m}x{k}x{n}");
        }
    }
}

/// From few rows, which read B in place, to many rows, which pack it.
#[test]
fn rows_get_the_same_bits_among_few_and_many() {
    let (k, n) = (300, 140);
    let (a, b) = (elements::<f32>(520 * k, 1), elements::<f32>(k * n, 2));
    let product = |m: usize| {
        let (mut c, mut scratch) = (std::vec![0.0; m * n], std::vec![f32::NAN; scratch(k, n)]);
        gemm(Isa::detect(), Matrix::rows(&a, m, k), Matrix::rows(&b, k, n), Epilogue::NONE, &mut c, n, &mut scratch);
        c
    };
    let all = product(520);
    for m in [3, 15, 16, 49, 511] {
        assert!(product(m) == all[..m * n], "{m} rows");
    }
}

#[test]
fn tiny_products_need_little_scratch() {
    assert_eq!(scratch(25, 6), 150);
    assert!(scratch(25_088, 4096) <= 160 * 1024);
}

#[test]
#[should_panic(expected = "columns of A and rows of B")]
fn sizes_that_do_not_agree_are_refused() {
    let elements = [0.0f32; 16];
    let (a, b) = (Matrix::rows(&elements, 2, 3), Matrix::rows(&elements, 4, 2));
    gemm(Isa::detect(), a, b, Epilogue::NONE, &mut [0.0; 4], 2, &mut []);
}

/// A tile narrower than the unit would leave most of the widest vectors' accumulators unused.
#[test]
fn deep_matrices_are_packed_a_whole_unit_at_a_time() {
    assert_eq!([256, 4608, 1 << 20].map(|depth| pack::columns_of(128 * 1024, depth, 1000)), [512, 32, 32]);
    assert_eq!(pack::columns_of(128 * 1024, 1 << 20, 10), 10);
}
