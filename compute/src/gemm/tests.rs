use std::vec::Vec;

use proptest::prelude::*;

use super::{Epilogue, Matrix, Onto, gemm, gemm_at, scratch};
use crate::scalar::Scalar;
use crate::simd::Isa;

/// Numbers that look random and are exact in both types.
fn numbers<T: Scalar>(count: usize, seed: usize) -> Vec<T> {
    (0..count).map(|i| T::from_f64((((i + seed) * 2_654_435_761) >> 7) as u8 as f64 / 64.0 - 2.0)).collect()
}

fn expected<T: Scalar>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    onto: Onto,
    epilogue: Epilogue<'_, T>,
    c: &mut [T],
    c_row: usize,
) {
    for i in 0..a.rows {
        for j in 0..b.columns {
            let sum: f64 = (0..a.columns)
                .map(|k| {
                    a.data[i * a.stride[0] + k * a.stride[1]].to_f64()
                        * b.data[k * b.stride[0] + j * b.stride[1]].to_f64()
                })
                .sum();
            let c = &mut c[i * c_row + j];
            let start = if onto == Onto::Itself { c.to_f64() } else { 0.0 };
            let each = |numbers: &[T], default: f64| numbers.get(j).map_or(default, |number| number.to_f64());
            let sum = each(epilogue.scale, 1.0) * sum + each(epilogue.shift, 0.0);
            *c = T::from_f64((start + sum).max(epilogue.floor.to_f64()));
        }
    }
}

fn agrees<T: Scalar>([m, k, n]: [usize; 3], flipped: [bool; 2], ends: [bool; 4], gap: usize) {
    let (a, b) = (numbers::<T>(m * k, 1), numbers::<T>(k * n, 2));
    let ([a_flipped, b_flipped], [onto, scaled, shifted, rectified]) = (flipped, ends);
    let each_column = |given: bool, seed| numbers::<T>(if given { n } else { 0 }, seed);
    let (scale, shift) = (each_column(scaled, 6), each_column(shifted, 3));
    let floor = if rectified { T::ZERO } else { Epilogue::none().floor };
    let epilogue = Epilogue { scale: &scale, shift: &shift, floor };
    let a = if a_flipped { Matrix::rows(&a, k, m).transposed() } else { Matrix::rows(&a, m, k) };
    let b = if b_flipped { Matrix::rows(&b, n, k).transposed() } else { Matrix::rows(&b, k, n) };
    let onto = if onto { Onto::Itself } else { Onto::Zero };
    let c_row = n + gap;
    let before = numbers::<T>(m * c_row, 4);
    let mut right = before.clone();
    expected(a, b, onto, epilogue, &mut right, c_row);
    let tolerance = if T::NAME == "F32" { 1e-5 } else { 1e-13 } * (2 * k + 2) as f64;
    for isa in Isa::all().0 {
        let mut c = before.clone();
        // Garbage in the scratch memory must not matter, and its size must be enough.
        let mut scratch = std::vec![T::from_f64(f64::NAN); scratch(k, n)];
        gemm_at(isa, a, b, onto, epilogue, &mut c, c_row, &mut scratch);
        for (place, (c, right)) in c.iter().zip(&right).enumerate() {
            let error = (c.to_f64() - right.to_f64()).abs();
            assert!(error <= tolerance, "{isa:?} {m}x{k}x{n} at {place}: {c} for {right}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_level_agrees_with_the_definition(
        m in 1usize..34, k in 0usize..40, n in 1usize..80, flips in any::<[bool; 2]>(), ends in any::<[bool; 4]>(), gap in 0usize..3,
    ) {
        agrees::<f32>([m, k, n], flips, ends, gap);
        agrees::<f64>([m, k, n], flips, ends, gap);
    }
}

#[test]
fn blocks_of_depth_and_columns_agree_with_the_definition() {
    for b_flipped in [false, true] {
        agrees::<f32>([70, 1100, 150], [false, b_flipped], [false, true, true, true], 0);
        agrees::<f64>([70, 1100, 150], [true, b_flipped], [true, true, true, false], 1);
        agrees::<f32>([1, 2100, 600], [false, b_flipped], [false, false, true, true], 0);
        agrees::<f32>([1, 2100, 600], [false, b_flipped], [true, true, true, true], 0);
    }
}

#[test]
fn a_row_gets_the_same_bits_alone_and_among_others() {
    let (m, k, n) = (70, 1500, 100);
    let (a, b) = (numbers::<f32>(m * k, 5), numbers::<f32>(k * n, 6));
    let (scale, shift) = (numbers::<f32>(n, 7), numbers::<f32>(n, 8));
    let epilogue = Epilogue { scale: &scale, shift: &shift, floor: 0.0 };
    let mut memory = std::vec![0.0; scratch(k, n)];
    let mut together = std::vec![0.0; m * n];
    let b = Matrix::rows(&b, k, n);
    gemm(Matrix::rows(&a, m, k), b, Onto::Zero, epilogue, &mut together, n, &mut memory);
    for (a, together) in a.chunks(k).zip(together.chunks(n)) {
        let mut alone = std::vec![0.0; n];
        gemm(Matrix::rows(a, 1, k), b, Onto::Zero, epilogue, &mut alone, n, &mut memory);
        assert_eq!(alone, together);
    }
}

#[test]
fn tiny_products_ask_for_tiny_scratch() {
    assert_eq!(scratch(25, 6), 150);
    assert!(scratch(25_088, 4096) <= 160 * 1024);
}

#[test]
#[should_panic(expected = "columns of A and rows of B")]
fn sizes_that_do_not_meet_are_refused() {
    let numbers = [0.0f32; 16];
    let (a, b) = (Matrix::rows(&numbers, 2, 3), Matrix::rows(&numbers, 4, 2));
    gemm(a, b, Onto::Zero, Epilogue::none(), &mut [0.0; 4], 2, &mut []);
}
