//! Decides which values share one storage: source and destination of a copy, where no step can tell the difference.

use std::cmp::Reverse;

use crate::graph::{Extent, ValueId};
use crate::kernel_call::KernelCall;
use crate::program::{Outside, Program, Step};

/// Values that share one buffer slot, and their lifetime.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    pub(super) members: Vec<ValueId>,
    pub(super) extent: Extent,
    /// The first and the last step that access it.
    pub(super) alive: [usize; 2],
    /// The steps that access it, in order, except elided copies; each with whether it writes.
    touched: Vec<(usize, bool)>,
    /// Whether it is the caller's memory.
    pub(super) external: bool,
}

impl Storage {
    /// The first step after `step` that writes to it.
    fn changed_after(&self, step: usize) -> Option<usize> {
        self.touched.iter().find(|(index, changes)| *changes && *index > step).map(|(index, _)| *index)
    }

    /// Whether a step after `step` writes to it, and the same or a later step accesses `other`.
    fn conflicts_with(&self, other: &Self, step: usize) -> bool {
        let touched_last =
            if other.external { Some(usize::MAX) } else { other.touched.last().map(|(index, _)| *index) };
        self.changed_after(step).is_some_and(|changed| touched_last >= Some(changed))
    }
}

/// Assigns a storage to each value; also returns for each step whether it is an elided copy.
pub(super) fn share(program: &Program) -> (Vec<Storage>, Vec<bool>) {
    let mut storage_of: Vec<Option<usize>> = vec![None; program.values.len()];
    let mut storages: Vec<Storage> = Vec::new();
    let mut seen_outside = vec![false; program.values.len()];
    let mut copies = Vec::new();
    for (index, step) in program.steps.iter().enumerate() {
        for (value, access) in step.values() {
            let storage = *storage_of[value.0].get_or_insert_with(|| {
                storages.push(Storage {
                    members: vec![value],
                    extent: program.values[value.0].extent,
                    alive: [index, index],
                    touched: Vec::new(),
                    external: value == program.input,
                });
                storages.len() - 1
            });
            storages[storage].alive[1] = index;
            storages[storage].touched.push((index, access.changes()));
            // The update reads images from the caller's memory, so it does not require the copy.
            seen_outside[value.0] |= matches!(step, Step::Outside { what, .. } if *what != Outside::Update);
        }
        copies.extend(as_copy(step).map(|(from, to)| (index, from, to)));
    }
    // Of several copies of one value, prefer the one whose destination is written last: by then, the source of the others has no
    // readers left.
    copies.sort_by_cached_key(|&(index, _, to)| {
        let changed = storage_of[to.0].and_then(|target| storages[target].changed_after(index));
        Reverse(changed.unwrap_or(usize::MAX))
    });
    let mut elided = vec![false; program.steps.len()];
    for (index, from, to) in copies {
        let (Some(from), Some(target)) = (storage_of[from.0], storage_of[to.0]) else { continue };
        if from == target || storages[target].alive[0] < index {
            continue;
        }
        let (source, copied) = (&storages[from], &storages[target]);
        let is_seen = source.external && copied.members.iter().any(|member| seen_outside[member.0]);
        if is_seen || source.conflicts_with(copied, index) || copied.conflicts_with(source, index) {
            continue;
        }
        let Storage { members, alive, touched, .. } = storages[target].clone();
        storages[target].members.clear();
        let source = &mut storages[from];
        source.alive[1] = source.alive[1].max(alive[1]);
        source.touched.extend(touched);
        source.touched.retain(|(step, _)| *step != index);
        source.touched.sort_unstable();
        members.iter().for_each(|member| storage_of[member.0] = Some(from));
        source.members.extend(members);
        elided[index] = true;
    }
    storages.retain(|storage| !storage.members.is_empty());
    (storages, elided)
}

fn as_copy(step: &Step) -> Option<(ValueId, ValueId)> {
    match step {
        Step::Call(call) => KernelCall::as_copy(call),
        Step::Outside { .. } => None,
    }
}
