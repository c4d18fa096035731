//! Every value gets an address. A copy whose source nobody needs any more, or that nobody changes, is left out: both values share
//! one place. Places that are never alive together share memory.

use crate::graph::{Extent, ValueId};
use crate::kernel_call::{Access, KernelCall};
use crate::program::{Program, Step};

/// Offsets are multiples of this many numbers, so that values start at cache lines.
const ALIGNMENT: usize = 16;

/// Where each value of a program lies.
#[derive(Clone, Debug)]
pub struct Plan {
    /// By value; `None` for values that the program never touches.
    pub places: Vec<Option<Place>>,
    /// For each step, whether it is a copy that is left out.
    pub elided: Vec<bool>,
    /// Numbers in the fixed part.
    pub fixed: usize,
    /// Numbers for each image.
    pub per_image: usize,
    /// The largest sum of values alive at one moment, for each image: no plan can need less.
    pub lower_bound: usize,
    /// The sum of all values, for each image: what a plan without reuse would need.
    pub sum_of_values: usize,
}

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Among the images that the caller passes.
    Images,
    /// At this offset of the fixed part.
    Fixed(usize),
    /// At this offset of the part that grows with the batch.
    PerImage(usize),
}

/// A place under construction: values that share it, and when it is alive.
#[derive(Clone, Debug)]
struct Storage {
    members: Vec<ValueId>,
    extent: Extent,
    first: usize,
    last: usize,
    external: bool,
}

/// Plans the memory of a program.
#[must_use]
pub fn plan_memory(program: &Program) -> Plan {
    let touched: Vec<Vec<(ValueId, Access)>> = program.steps.iter().map(Step::values).collect();
    let (storages, elided) = share(program, &touched);
    let mut plan = Plan {
        places: vec![None; program.values.len()],
        elided,
        fixed: 0,
        per_image: 0,
        lower_bound: 0,
        sum_of_values: storages
            .iter()
            .filter(|storage| !storage.external)
            .map(|storage| per_image(storage.extent))
            .sum(),
    };
    plan.lower_bound = most_alive(&storages, program.steps.len());
    for storage in storages.iter().filter(|storage| storage.external) {
        for member in &storage.members {
            plan.places[member.0] = Some(Place::Images);
        }
    }
    let is_fixed = |storage: &&Storage| matches!(storage.extent, Extent::Fixed(_)) && !storage.external;
    let grows = |storage: &&Storage| matches!(storage.extent, Extent::PerImage(_)) && !storage.external;
    plan.fixed = place(storages.iter().filter(is_fixed).collect(), &mut plan.places, Place::Fixed);
    plan.per_image = place(storages.iter().filter(grows).collect(), &mut plan.places, Place::PerImage);
    plan
}

/// The largest sum, for each image, of what is alive at one step.
fn most_alive(storages: &[Storage], steps: usize) -> usize {
    let (mut born, mut dead) = (vec![0; steps + 1], vec![0; steps + 1]);
    for storage in storages.iter().filter(|storage| !storage.external) {
        born[storage.first] += per_image(storage.extent);
        dead[storage.last + 1] += per_image(storage.extent);
    }
    let alive = born.iter().zip(&dead).scan(0, |alive, (born, dead)| {
        *alive = *alive + born - dead;
        Some(*alive)
    });
    alive.max().unwrap_or(0)
}

fn per_image(extent: Extent) -> usize {
    match extent {
        Extent::PerImage(len) => len,
        Extent::Fixed(_) => 0,
    }
}

fn len(extent: Extent) -> usize {
    let (Extent::PerImage(len) | Extent::Fixed(len)) = extent;
    len.next_multiple_of(ALIGNMENT)
}

/// Gives each value a storage, and lets a copy's two values share one where nothing can tell the difference.
fn share(program: &Program, touched: &[Vec<(ValueId, Access)>]) -> (Vec<Storage>, Vec<bool>) {
    let mut storage_of: Vec<Option<usize>> = vec![None; program.values.len()];
    let mut storages: Vec<Storage> = Vec::new();
    for (step, values) in touched.iter().enumerate() {
        for &(value, _) in values {
            let index = *storage_of[value.0].get_or_insert_with(|| {
                storages.push(Storage {
                    members: vec![value],
                    extent: program.values[value.0].extent,
                    first: step,
                    last: step,
                    external: value == program.input,
                });
                storages.len() - 1
            });
            storages[index].last = step;
        }
    }
    let mut elided = vec![false; program.steps.len()];
    for (step, what) in program.steps.iter().enumerate() {
        let Some((from, to)) = as_copy(what) else { continue };
        let (Some(source), Some(target)) = (storage_of[from.0], storage_of[to.0]) else { continue };
        if source == target || storages[target].first < step || storages[target].members.len() > 1 {
            continue;
        }
        let changed_later = touched[step + 1..].iter().flatten().any(|&(value, access)| {
            access != Access::Read && (value == to || storages[source].members.contains(&value))
        });
        let needed_later = storages[source].last > step || storages[source].external;
        if needed_later && changed_later || storages[source].external && is_seen_outside(program, to) {
            continue;
        }
        let last = storages[target].last;
        storages[source].members.push(to);
        storages[source].last = storages[source].last.max(last);
        storages[target].members.clear();
        storage_of[to.0] = Some(source);
        elided[step] = true;
    }
    storages.retain(|storage| !storage.members.is_empty());
    (storages, elided)
}

/// Whether code outside the pass finds a value by its address in the workspace.
fn is_seen_outside(program: &Program, value: ValueId) -> bool {
    program.steps.iter().any(|step| match step {
        Step::Outside { values, .. } => values.iter().any(|(seen, _)| *seen == value),
        Step::Call(_) => false,
    })
}

fn as_copy(step: &Step) -> Option<(ValueId, ValueId)> {
    match step {
        Step::Call(call) => KernelCall::as_copy(call),
        Step::Outside { .. } => None,
    }
}

/// Places storages, the largest first, each in the smallest gap that it fits among those alive at the same time.
fn place(mut storages: Vec<&Storage>, places: &mut [Option<Place>], at: fn(usize) -> Place) -> usize {
    storages.sort_by_key(|storage| (std::cmp::Reverse(len(storage.extent)), storage.first));
    let mut placed: Vec<(&Storage, usize)> = Vec::new();
    let mut end = 0;
    for storage in storages {
        let mut neighbours: Vec<(usize, usize)> = placed
            .iter()
            .filter(|(other, _)| other.first <= storage.last && storage.first <= other.last)
            .map(|(other, offset)| (*offset, offset + len(other.extent)))
            .collect();
        neighbours.sort_unstable();
        let needed = len(storage.extent);
        let (mut free, mut best) = (0, None);
        for (start, stop) in neighbours {
            if start >= free + needed && best.is_none_or(|(gap, _)| start - free < gap) {
                best = Some((start - free, free));
            }
            free = free.max(stop);
        }
        let offset = best.map_or(free, |(_, offset)| offset);
        end = end.max(offset + needed);
        for member in &storage.members {
            places[member.0] = Some(at(offset));
        }
        placed.push((storage, offset));
    }
    end
}
