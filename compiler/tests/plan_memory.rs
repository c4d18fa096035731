//! Memory plans of programs: values with overlapping lifetimes do not overlap in memory, and copies are elided where no step can tell
//! the difference. Where a copy cannot be elided, an in-place kernel may read its source.

use netwright_abi::kernels::{self, KernelId};
use netwright_compiler::graph::{LayerId, Value, ValueId};
use netwright_compiler::kernel_call::{Access, Data, KernelCall, Operand, Spec, When};
use netwright_compiler::passes::{BufferSlot, MemoryPlan, Source, plan_memory};
use netwright_compiler::program::{Outside, Program, Step};
use netwright_compiler::shape::Shape;
use proptest::prelude::*;

fn call(kernel: KernelId, operands: &[(usize, Access)]) -> Step {
    let operands = operands.iter().map(|&(value, access)| Operand { data: Data::Value(ValueId(value)), access });
    Step::Call(KernelCall {
        kernel,
        spec: Spec { module: "copy", fields: Vec::new() },
        operands: operands.collect(),
        layer: LayerId(0),
        owner: None,
        rows: Vec::new(),
        why: "".into(),
        when: When::Always,
        constant_sizes: false,
        layout: Default::default(),
        fused: None,
    })
}

fn copy(from: usize, to: usize) -> Step {
    call(kernels::copy.id, &[(from, Access::Read), (to, Access::Write)])
}

/// A program whose values have these lengths; value 0 is the images, and the caller reads the last value.
fn program(lens: &[usize], mut steps: Vec<Step>) -> Program {
    let value = |&len: &usize| Value::of_images(Shape::Flat(len));
    let answer = ValueId(lens.len() - 1);
    steps.push(Step::Outside { what: Outside::Answer, values: vec![(answer, Access::Read)] });
    Program { values: lens.iter().map(value).collect(), steps, input: ValueId(0) }
}

fn slot(plan: &MemoryPlan, value: usize) -> Option<BufferSlot> {
    plan.slots[value]
}

#[test]
fn a_copy_is_elided_where_its_source_has_no_later_reader() {
    let steps = vec![
        call(kernels::maxpool_forward.id, &[(0, Access::Read), (1, Access::Write)]),
        copy(1, 2),
        call(kernels::activation_forward.id, &[(2, Access::Update)]),
    ];
    let plan = plan_memory(&program(&[64, 64, 64], steps));
    assert_eq!(plan.elided, [false, true, false, false]);
    assert_eq!(slot(&plan, 1), slot(&plan, 2));
    assert_eq!((plan.per_image, plan.lower_bound, plan.sum_of_values), (64, 64, 128));
}

#[test]
fn a_copy_stays_where_its_source_is_read_after_the_change() {
    let steps = vec![
        call(kernels::maxpool_forward.id, &[(0, Access::Read), (1, Access::Write)]),
        copy(1, 2),
        call(kernels::activation_forward.id, &[(2, Access::Update)]),
        call(kernels::add_assign.id, &[(1, Access::Read), (2, Access::Update)]),
    ];
    let plan = plan_memory(&program(&[64, 64, 64], steps));
    assert!(!plan.elided[1]);
    assert_ne!(slot(&plan, 1), slot(&plan, 2));
}

#[test]
fn a_copy_that_is_never_changed_is_elided_though_both_are_read() {
    let steps = vec![
        call(kernels::maxpool_forward.id, &[(0, Access::Read), (1, Access::Write)]),
        copy(1, 2),
        call(kernels::multiply_forward.id, &[(1, Access::Read), (2, Access::Read), (3, Access::Write)]),
    ];
    let plan = plan_memory(&program(&[64, 64, 64, 32], steps));
    assert!(plan.elided[1]);
    assert_eq!((plan.per_image, plan.lower_bound), (96, 96));
}

#[test]
fn a_sum_is_computed_in_place_of_its_last_used_term() {
    let steps = vec![
        call(kernels::maxpool_forward.id, &[(0, Access::Read), (1, Access::Write)]),
        call(kernels::maxpool_forward.id, &[(1, Access::Read), (2, Access::Write)]),
        copy(2, 3),
        call(kernels::add_assign.id, &[(1, Access::Read), (3, Access::Update)]),
    ];
    let plan = plan_memory(&program(&[64; 4], steps));
    assert!(plan.elided[2]);
    assert_eq!((plan.per_image, plan.lower_bound, plan.sum_of_values), (128, 128, 192));
}

#[test]
fn images_are_read_from_the_callers_memory_and_never_changed() {
    let steps = vec![copy(0, 1), call(kernels::activation_forward.id, &[(1, Access::Update)])];
    let plan = plan_memory(&program(&[64, 64], steps));
    assert_eq!((slot(&plan, 0), plan.elided[0]), (Some(BufferSlot::Images), false));
    let plan = plan_memory(&program(
        &[64, 64, 16],
        vec![copy(0, 1), call(kernels::maxpool_forward.id, &[(1, Access::Read), (2, Access::Write)])],
    ));
    assert_eq!((slot(&plan, 1), plan.elided[0]), (Some(BufferSlot::Images), true));
}

/// A kernel that updates `value` in place, or reads it from elsewhere.
fn change(value: usize) -> Step {
    let Step::Call(mut call) = call(kernels::scale.id, &[(value, Access::Update)]) else { unreachable!() };
    call.operands.insert(0, Operand { data: Data::Absent, access: Access::Source });
    Step::Call(call)
}

fn observed(value: usize) -> Step {
    let what = Outside::LayerGradient(LayerId(0), When::Always);
    Step::Outside { what, values: vec![(ValueId(value), Access::Update)] }
}

#[test]
fn a_kernel_that_works_in_place_reads_a_value_that_is_needed_later() {
    let before = call(kernels::maxpool_forward.id, &[(0, Access::Read), (1, Access::Write)]);
    let after = call(kernels::add_assign.id, &[(1, Access::Read), (2, Access::Update)]);
    let plan = plan_memory(&program(&[64; 3], vec![before.clone(), copy(1, 2), change(2), after.clone()]));
    assert_eq!(plan.sources[2], Some(Source { value: ValueId(1), copy: 1, is_observed: false }));
    assert!(plan.elided[1] && slot(&plan, 1) != slot(&plan, 2));

    let steps = vec![before.clone(), copy(1, 2), observed(2), change(2), after.clone()];
    let plan = plan_memory(&program(&[64; 3], steps));
    assert_eq!(plan.sources[3], Some(Source { value: ValueId(1), copy: 1, is_observed: true }));
    assert!(!plan.elided[1] && plan.for_observers[1]);

    let steps = vec![before, copy(1, 2), change(1), change(2), after];
    let plan = plan_memory(&program(&[64; 3], steps));
    assert!(plan.sources.iter().all(Option::is_none) && !plan.elided[1], "its source has changed by then");
}

#[test]
fn small_values_are_not_padded_to_cache_lines() {
    let steps = vec![
        call(kernels::maxpool_forward.id, &[(0, Access::Read), (1, Access::Write)]),
        call(kernels::maxpool_forward.id, &[(1, Access::Read), (2, Access::Write)]),
    ];
    let plan = plan_memory(&program(&[81, 98, 18], steps));
    assert_eq!((plan.lower_bound, plan.per_image), (116, 118));
}

/// Programs in which each step reads some of the earlier values and computes one more, or updates a copy of one, which an observer may
/// have changed before.
fn programs() -> impl Strategy<Value = Program> {
    let step = (1_usize..400, any::<[prop::sample::Index; 3]>(), any::<[bool; 4]>());
    prop::collection::vec(step, 1..60).prop_map(|choices| {
        let mut lens = vec![48];
        let mut steps = Vec::new();
        for (len, reads, [is_copy, changes, takes_source, is_observed]) in choices {
            let reads: Vec<usize> = reads.iter().map(|read| read.index(lens.len())).collect();
            let own = lens.len();
            if is_copy {
                lens.push(lens[reads[0]]);
                steps.push(copy(reads[0], own));
                if is_observed {
                    steps.push(observed(own));
                }
                if changes && takes_source {
                    steps.push(change(own));
                } else if changes {
                    steps.push(call(kernels::scale.id, &[(own, Access::Update)]));
                }
            } else {
                lens.push(len);
                let mut operands: Vec<(usize, Access)> = reads.iter().map(|&read| (read, Access::Read)).collect();
                operands.push((own, Access::Write));
                steps.push(call(kernels::maxpool_forward.id, &operands));
            }
        }
        program(&lens, steps)
    })
}

/// Interprets a program by value names or by addresses. The content of each value is a number that identifies everything computed into
/// it. An observer changes the values that it sees.
fn run(program: &Program, plan: Option<&MemoryPlan>, is_observed: bool) -> u64 {
    let mix = |a: u64, b: u64| {
        (a ^ b.wrapping_mul(0x9E37_79B9_7F4A_7C15)).rotate_left(23).wrapping_mul(0xBF58_476D_1CE4_E5B9)
    };
    let len = |value: ValueId| program.values[value.0].shape.len();
    let images = len(program.input);
    let range = |value: ValueId| match plan {
        None => {
            let before: usize = program.values[..value.0].iter().map(|value| value.shape.len()).sum();
            before..before + len(value)
        }
        Some(plan) => match plan.slots[value.0] {
            Some(BufferSlot::PerImage(offset)) => images + offset..images + offset + len(value),
            Some(BufferSlot::Images) => 0..images,
            _ => unreachable!("every value of these programs grows with the images"),
        },
    };
    let total: usize = program.values.iter().map(|value| value.shape.len()).sum();
    let mut memory: Vec<u64> = (0..total.max(images + plan.map_or(0, |plan| plan.per_image)) as u64).collect();
    for (index, step) in program.steps.iter().enumerate() {
        match step {
            Step::Outside { what: Outside::LayerGradient(..), values } => {
                for number in memory[range(values[0].0)].iter_mut().filter(|_| is_observed) {
                    *number = mix(*number, index as u64);
                }
            }
            Step::Outside { values, .. } => {
                return memory[range(values[0].0)].iter().fold(0, |sum, &number| mix(sum, number));
            }
            Step::Call(call) if call.kernel == kernels::copy.id => {
                let is_left_out = |plan: &MemoryPlan| plan.elided[index] || !is_observed && plan.for_observers[index];
                if !plan.is_some_and(is_left_out) {
                    let (from, to) = call.as_copy().expect("it is one");
                    memory.copy_within(range(from), range(to).start);
                }
            }
            Step::Call(call) => {
                let source =
                    plan.and_then(|plan| plan.sources[index]).filter(|source| !(is_observed && source.is_observed));
                let source_of = |(value, access)| match source {
                    Some(source) if access == Access::Update => (source.value, access),
                    _ => (value, access),
                };
                let read = call.values().filter(|(_, access)| *access != Access::Write).map(source_of);
                let sum = read.fold(index as u64, |sum, (value, _)| {
                    memory[range(value)].iter().fold(sum, |sum, &number| mix(sum, number))
                });
                for (value, _) in call.values().filter(|(_, access)| *access != Access::Read) {
                    for (place, number) in memory[range(value)].iter_mut().enumerate() {
                        *number = mix(sum, place as u64);
                    }
                }
            }
        }
    }
    unreachable!("the caller takes the answer")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_changes_no_answer(program in programs()) {
        let plan = plan_memory(&program);
        prop_assert!(plan.lower_bound <= plan.per_image && plan.per_image <= 2 * plan.lower_bound.max(16));
        for is_observed in [false, true] {
            prop_assert_eq!(run(&program, Some(&plan), is_observed), run(&program, None, is_observed));
        }
        let again = plan_memory(&program);
        prop_assert_eq!(plan.slots, again.slots, "a plan depends on the program alone");
    }
}
