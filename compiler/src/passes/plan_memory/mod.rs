//! Assigns an address to every value. A copy is elided where its source has no later reader, or where neither value is changed later:
//! both values share one buffer slot. Where a copy cannot be elided and an in-place kernel follows, that kernel reads the source
//! itself. Slots with disjoint lifetimes share memory.

mod allocate;
mod share;
mod source;

use crate::graph::{Extent, ValueId};
use crate::program::Program;
use allocate::Allocation;
use share::{Storage, share};
pub use source::Source;
use source::sources;

/// The addresses of a program's values.
#[derive(Clone, Debug)]
pub struct MemoryPlan {
    /// By value; `None` for values that the program never accesses.
    pub slots: Vec<Option<BufferSlot>>,
    /// For each step, whether it is an elided copy.
    pub elided: Vec<bool>,
    /// For each step, whether it is a copy that only observed passes make.
    pub for_observers: Vec<bool>,
    /// For each step, the value from which its kernel reads what it updates: the source of an elided copy before it.
    pub sources: Vec<Option<Source>>,
    /// The number of elements that do not depend on the batch.
    pub fixed: usize,
    /// The number of elements per image.
    pub per_image: usize,
    /// The number of prepared elements.
    pub prepared: usize,
    /// The largest sum of values alive at one step, per image: a lower bound for any plan.
    pub lower_bound: usize,
    /// The sum of all values, per image: the size of a plan without reuse.
    pub sum_of_values: usize,
}

/// The address of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BufferSlot {
    /// In the images that the caller passes.
    Images,
    /// At this offset of the memory that does not depend on the batch.
    Fixed(usize),
    /// At this offset of the memory that grows with the batch.
    PerImage(usize),
    /// At this offset of the prepared weights.
    Prepared(usize),
}

/// Plans the memory of a program.
#[must_use]
pub fn plan_memory(program: &Program) -> MemoryPlan {
    let (storages, mut elided) = share(program);
    let sources = sources(program, &storages, &elided);
    let mut for_observers = vec![false; program.steps.len()];
    for &Source { copy, is_observed, .. } in sources.iter().flatten() {
        let flags = if is_observed { &mut for_observers } else { &mut elided };
        flags[copy] = true;
    }
    let mut slots = vec![None; program.values.len()];
    for storage in storages.iter().filter(|storage| storage.external) {
        set(&mut slots, &storage.members, BufferSlot::Images);
    }
    let of = |len: fn(Extent) -> Option<usize>| -> (Vec<&Storage>, Vec<Allocation>) {
        let own = storages.iter().filter(|storage| !storage.external);
        own.filter_map(|storage| Some((storage, Allocation { len: len(storage.extent)?, alive: storage.alive })))
            .unzip()
    };
    let (fixed_storages, fixed_allocations) = of(fixed_len);
    let (storages_of_images, allocations_of_images) = of(per_image_len);
    let prepared = slots_of_prepared(program, &mut slots);
    let (fixed_offsets, fixed) = allocate::allocate(&fixed_allocations, program.steps.len());
    let (offsets, per_image) = allocate::allocate(&allocations_of_images, program.steps.len());
    for (storage, offset) in fixed_storages.iter().zip(fixed_offsets) {
        set(&mut slots, &storage.members, BufferSlot::Fixed(offset));
    }
    for (storage, offset) in storages_of_images.iter().zip(offsets) {
        set(&mut slots, &storage.members, BufferSlot::PerImage(offset));
    }
    MemoryPlan {
        slots,
        elided,
        for_observers,
        sources,
        fixed,
        per_image,
        prepared,
        lower_bound: allocate::peak(&allocations_of_images, program.steps.len(), |allocation| allocation.len),
        sum_of_values: program.values_of_images().map(|(_, len)| len).sum(),
    }
}

fn set(slots: &mut [Option<BufferSlot>], members: &[ValueId], slot: BufferSlot) {
    for member in members {
        slots[member.0] = Some(slot);
    }
}

/// Assigns slots to prepared values in the order of values, each aligned to a cache line. The order is independent of the program,
/// since one program writes the values and another reads them. Returns the total length.
fn slots_of_prepared(program: &Program, slots: &mut [Option<BufferSlot>]) -> usize {
    let mut end = 0_usize;
    for (value, slot) in program.values.iter().zip(slots) {
        if let Extent::Prepared(len) = value.extent {
            *slot = Some(BufferSlot::Prepared(end));
            end += len.next_multiple_of(LINE);
        }
    }
    end
}

/// The elements of a cache line.
const LINE: usize = 16;

fn fixed_len(extent: Extent) -> Option<usize> {
    match extent {
        Extent::Fixed(len) => Some(len),
        Extent::PerImage(_) | Extent::Prepared(_) => None,
    }
}

fn per_image_len(extent: Extent) -> Option<usize> {
    match extent {
        Extent::PerImage(len) => Some(len),
        Extent::Fixed(_) | Extent::Prepared(_) => None,
    }
}
