use core::cell::Cell;
use std::vec::Vec;

use proptest::prelude::*;

use super::{InstructionSet, Isa, MissingInstructions, Portable, Simd, Vector, WithSimd};
use crate::kernels::check::shapes;

std::thread_local! {
    static FORCED: Cell<Option<Isa>> = const { Cell::new(None) };
}

/// The instruction set that [`Isa::detect`] returns on this thread instead of the processor's.
pub(super) fn forced_isa() -> Option<Isa> {
    FORCED.get()
}

/// Calls `run` as if the processor had this instruction set, and no wider one.
pub(crate) fn only<R>(isa: Isa, run: impl FnOnce() -> R) -> R {
    let before = FORCED.replace(Some(isa));
    let result = run();
    FORCED.set(before);
    result
}

/// Asserts that all instruction sets of this processor give the same bits.
pub(crate) fn assert_same_for_all_instruction_sets(run: impl Fn() -> Vec<f64>) {
    let bits = |isa| -> Vec<u64> { only(isa, || run().into_iter().map(f64::to_bits).collect()) };
    let portable = bits(Isa::Portable(Portable::new()));
    for isa in Isa::all().0 {
        assert!(portable == bits(isa), "{isa:?} differs");
    }
}

#[test]
fn every_instruction_set_is_tested_or_named() {
    let (tested, skipped) = Isa::all();
    assert!(tested.contains(&Isa::detect()), "what is detected is tested");
    std::println!("instruction sets tested: {tested:?}; not run, because this processor has not: {skipped:?}");
    assert_eq!(tested.len() + skipped.len(), 6);
}

#[test]
fn a_forced_instruction_set_is_restored_afterwards() {
    let before = Isa::detect();
    let portable = Isa::Portable(Portable::new());
    assert_eq!(only(portable, Isa::detect), portable);
    assert_eq!(Isa::detect(), before);
}

#[test]
fn an_instruction_set_that_the_processor_lacks_is_an_error_that_names_both() {
    let widest = Isa::detect().name();
    assert_eq!(Isa::of(InstructionSet::Portable), Ok(Isa::Portable(Portable::new())));
    assert_eq!(Isa::of(widest), Ok(Isa::detect()));
    let foreign = if cfg!(target_arch = "x86_64") { InstructionSet::Neon } else { InstructionSet::Avx512 };
    let error = Isa::of(foreign).expect_err("the instructions of another processor");
    assert_eq!(error, MissingInstructions { expected: foreign, found: widest });
    let sentence = std::format!("{error}");
    assert!(
        sentence.contains(&std::format!("{foreign}")) && sentence.contains(&std::format!("{widest}")),
        "{sentence}"
    );
    for name in [InstructionSet::Avx2, InstructionSet::Avx512, InstructionSet::Neon, InstructionSet::Wasm128] {
        assert!(Isa::of(name).is_ok_and(|isa| isa.name() == name) == Isa::all().0.iter().any(|isa| isa.name() == name));
    }
}

/// Every operation, on slices of any length: one result for each.
struct Operations<'a>([&'a [f32]; 3]);

impl WithSimd<f32> for Operations<'_> {
    type Output = Vec<Vec<f32>>;

    #[inline(always)]
    fn with_simd<S: Simd<f32>>(self, simd: S) -> Vec<Vec<f32>> {
        let mut results = Vec::new();
        let [a, b, c] = self.0;
        for ((a, b), c) in a.chunks(S::LANES).zip(b.chunks(S::LANES)).zip(c.chunks(S::LANES)) {
            let count = a.len();
            let [a, b, c] = [a, b, c].map(|x| if x.len() == S::LANES { simd.load(x) } else { simd.load_partial(x) });
            let all = [
                a + b,
                a - b,
                a * b,
                a / b,
                -a,
                a.at_least(b),
                a.at_most(b),
                a.where_less(b, c, a),
                a.magnitude(),
                a.keep_bits(0xffff_f000),
                a.map(|x| x * 3.0),
                simd.splat(1.5),
            ];
            if results.is_empty() {
                results = all.iter().map(|_| Vec::new()).collect();
            }
            for (result, vector) in results.iter_mut().zip(all) {
                let start = result.len();
                result.resize(start + count, f32::NAN);
                if count == S::LANES {
                    vector.store(&mut result[start..])
                } else {
                    vector.store_partial(&mut result[start..])
                }
            }
        }
        results
    }
}

/// The operations that fuse or reorder: multiply-add and the sum of lanes.
struct Products<'a>(&'a [f32], &'a [f32]);

impl WithSimd<f32> for Products<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd<f32>>(self, simd: S) -> f32 {
        let mut sums = simd.splat(0.0);
        for (a, b) in self.0.chunks(S::LANES).zip(self.1.chunks(S::LANES)) {
            sums = simd.load_partial(a).multiply_add(simd.load_partial(b), sums);
        }
        sums.sum()
    }
}

/// The quotients of a vector.
struct Quotients<'a>(&'a [f32], &'a [f32]);

impl WithSimd<f32> for Quotients<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd<f32>>(self, simd: S) -> Vec<f32> {
        let mut quotients = std::vec![0.0; S::LANES];
        simd.load(self.0).quotient(simd.load(self.1)).store(&mut quotients);
        quotients
    }
}

/// A matrix of rows of four: loaded as columns, doubled and stored again; and its columns.
struct Columns<'a>(&'a [f32], usize);

impl WithSimd<f32> for Columns<'_> {
    type Output = (Vec<f32>, Vec<f32>);

    #[inline(always)]
    fn with_simd<S: Simd<f32>>(self, simd: S) -> (Vec<f32>, Vec<f32>) {
        let Self(matrix, row) = self;
        assert!(matrix.len() >= S::LANES * row);
        let mut written = std::vec![0.0; matrix.len()];
        let mut columns = std::vec![0.0; 4 * S::LANES];
        // SAFETY: `matrix` and `written` have `S::LANES * row` elements, and `row` is at least four.
        let vectors = unsafe { simd.load_columns(matrix.as_ptr(), row) };
        for (vector, column) in vectors.iter().zip(columns.chunks_exact_mut(S::LANES)) {
            vector.store(column);
        }
        // SAFETY: as above.
        unsafe { Vector::store_columns(vectors.map(|x| x + x), written.as_mut_ptr(), row) };
        (columns, written)
    }
}

/// The first lanes of a slice, with one lane of each block broadcast to the block.
struct Spread<'a>(&'a [f32], usize, usize);

impl WithSimd<f32> for Spread<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd<f32>>(self, simd: S) -> Vec<f32> {
        let Self(lanes, width, lane) = self;
        let mut spread = std::vec![0.0; S::LANES];
        simd.load(lanes).spread(width.min(S::LANES), lane % S::LANES).store(&mut spread);
        spread
    }
}

#[test]
fn each_lane_of_a_block_is_broadcast_to_the_block() {
    let lanes: Vec<f32> = (0..16).map(|lane| lane as f32).collect();
    for (width, lane) in [1, 2, 4, 8, 16].into_iter().flat_map(|width| (0..width).map(move |lane| (width, lane))) {
        for isa in Isa::all().0 {
            let spread = isa.dispatch(Spread(&lanes, width, lane));
            let (width, lane) = (width.min(spread.len()), lane % spread.len());
            for (n, &found) in spread.iter().enumerate() {
                assert_eq!(found, (n / width * width + lane) as f32, "{isa:?}: {width}, {lane}");
            }
        }
    }
}

fn bits(elements: &[Vec<f32>]) -> Vec<Vec<u32>> {
    elements.iter().map(|x| x.iter().map(|x| if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }).collect()).collect()
}

fn element() -> impl Strategy<Value = f32> {
    prop_oneof![
        8 => -100.0f32..100.0,
        1 => prop::sample::select(std::vec![0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e-40, f32::MAX])
    ]
}

proptest! {
    #![proptest_config(shapes(200))]

    #[test]
    fn every_operation_gives_the_same_bits_on_every_instruction_set(
        elements in prop::collection::vec((element(), element(), element()), 1..70),
    ) {
        let column = |of: fn(&(f32, f32, f32)) -> f32| -> Vec<f32> { elements.iter().map(of).collect() };
        let (a, b, c) = (column(|x| x.0), column(|x| x.1), column(|x| x.2));
        let scalar: Vec<Vec<f32>> = std::vec![
            elements.iter().map(|x| x.0 + x.1).collect(),
            elements.iter().map(|x| x.0 - x.1).collect(),
            elements.iter().map(|x| x.0 * x.1).collect(),
            elements.iter().map(|x| x.0 / x.1).collect(),
            elements.iter().map(|x| -x.0).collect(),
            elements.iter().map(|x| if x.0 < x.1 { x.1 } else { x.0 }).collect(),
            elements.iter().map(|x| if x.1 < x.0 { x.1 } else { x.0 }).collect(),
            elements.iter().map(|x| if x.0 < x.1 { x.2 } else { x.0 }).collect(),
            elements.iter().map(|x| x.0.abs()).collect(),
            elements.iter().map(|x| f32::from_bits(x.0.to_bits() & 0xffff_f000)).collect(),
            elements.iter().map(|x| x.0 * 3.0).collect(),
            elements.iter().map(|_| 1.5).collect(),
        ];
        for isa in Isa::all().0 {
            let all = isa.dispatch(Operations([&a, &b, &c]));
            prop_assert_eq!(bits(&all), bits(&scalar), "{:?}", isa);
        }
    }

    #[test]
    fn a_quotient_is_within_a_unit_in_the_last_place_on_every_instruction_set(
        elements in prop::collection::vec((-1e15f32..1e15, 1e-15f32..1e15), 16..17),
    ) {
        let (a, b): (Vec<f32>, Vec<f32>) = elements.iter().copied().unzip();
        for isa in Isa::all().0 {
            for ((found, a), b) in isa.dispatch(Quotients(&a, &b)).into_iter().zip(&a).zip(&b) {
                let exact = a / b;
                prop_assert!(found.to_bits().abs_diff(exact.to_bits()) <= 1, "{:?}: {} / {} is {}", isa, a, b, found);
            }
        }
    }

    #[test]
    fn sums_of_products_agree_on_every_instruction_set(
        elements in prop::collection::vec((-10.0f32..10.0, -10.0f32..10.0), 1..200),
    ) {
        let (a, b): (Vec<f32>, Vec<f32>) = elements.iter().copied().unzip();
        let truth: f64 = elements.iter().map(|&(a, b)| f64::from(a) * f64::from(b)).sum();
        for isa in Isa::all().0 {
            let sum = isa.dispatch(Products(&a, &b));
            prop_assert!((f64::from(sum) - truth).abs() < 1e-2, "{:?}: {} for {}", isa, sum, truth);
        }
    }

    #[test]
    fn rows_of_four_become_columns_and_rows_again(gap in 0usize..5, elements in prop::collection::vec(-9.0f32..9.0, 160)) {
        let row = 4 + gap;
        for isa in Isa::all().0 {
            let (columns, written) = isa.dispatch(Columns(&elements, row));
            let lanes = columns.len() / 4;
            for (i, j) in (0..lanes).flat_map(|i| (0..4).map(move |j| (i, j))) {
                prop_assert_eq!(columns[j * lanes + i], elements[i * row + j], "{:?}", isa);
                prop_assert_eq!(written[i * row + j], 2.0 * elements[i * row + j], "{:?}", isa);
            }
        }
    }
}
