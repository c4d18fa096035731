//! Every value gets an address. A copy whose source nobody needs any more, or that nobody changes, is left out: both values share
//! one buffer slot. Where it cannot be left out, and a kernel that works in place follows, the kernel reads the source itself. Slots that are
//! never alive together share memory.

mod allocate;
mod share;
mod source;

use crate::graph::{Extent, ValueId};
use crate::program::Program;
use allocate::Allocation;
use share::{Storage, share};
pub use source::Source;
use source::sources;

/// Where each value of a program lies.
#[derive(Clone, Debug)]
pub struct MemoryPlan {
    /// By value; `None` for values that the program never touches.
    pub slots: Vec<Option<BufferSlot>>,
    /// For each step, whether it is a copy that is left out.
    pub elided: Vec<bool>,
    /// For each step, whether it is a copy that is left out where nobody observes the pass.
    pub for_observers: Vec<bool>,
    /// For each step, what its kernel changes where that does not lie in its place: the source of a copy that is left out.
    pub sources: Vec<Option<Source>>,
    /// Elements in the fixed part.
    pub fixed: usize,
    /// Elements for each image.
    pub per_image: usize,
    /// Elements that are prepared of the weights.
    pub prepared: usize,
    /// The largest sum of values alive at one moment, for each image: no plan can need less.
    pub lower_bound: usize,
    /// The sum of all values, for each image: what a plan without reuse would need.
    pub sum_of_values: usize,
}

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BufferSlot {
    /// Among the images that the caller passes.
    Images,
    /// At this offset of the fixed part.
    Fixed(usize),
    /// At this offset of the part that grows with the batch.
    PerImage(usize),
    /// At this offset of what was prepared of the weights.
    Prepared(usize),
}

/// Plans the memory of a program.
#[must_use]
pub fn plan_memory(program: &Program) -> MemoryPlan {
    let (storages, mut elided) = share(program);
    let sources = sources(program, &storages, &elided);
    let mut for_observers = vec![false; program.steps.len()];
    for &Source { copy, is_observed, .. } in sources.iter().flatten() {
        let left_out = if is_observed { &mut for_observers } else { &mut elided };
        left_out[copy] = true;
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
        lower_bound: allocate::most_alive(&allocations_of_images, program.steps.len(), |allocation| allocation.len),
        sum_of_values: program.values_of_images().map(|(_, len)| len).sum(),
    }
}

fn set(slots: &mut [Option<BufferSlot>], members: &[ValueId], slot: BufferSlot) {
    for member in members {
        slots[member.0] = Some(slot);
    }
}

/// What is prepared lies in the order of its values, each from a cache line on, whichever program asks: one writes it, the other reads
/// it. Returns the length of all.
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

/// Elements of a cache line.
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
