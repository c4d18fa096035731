//! Which values share one storage: the two of a copy, where nothing can tell the difference.

use crate::graph::{Extent, ValueId};
use crate::kernel_call::{Access, KernelCall};
use crate::program::{Outside, Program, Step};

/// Values that share one buffer slot, and when it is alive.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    pub(super) members: Vec<ValueId>,
    pub(super) extent: Extent,
    /// The first and the last step that touches it.
    pub(super) alive: [usize; 2],
    /// The last step that changes it.
    changed: usize,
    /// Whether it belongs to the caller.
    pub(super) external: bool,
}

/// Gives each value a storage; also tells for each step whether it is a copy that is left out.
pub(super) fn share(program: &Program) -> (Vec<Storage>, Vec<bool>) {
    let mut storage_of: Vec<Option<usize>> = vec![None; program.values.len()];
    let mut storages: Vec<Storage> = Vec::new();
    let mut seen_outside = vec![false; program.values.len()];
    for (index, step) in program.steps.iter().enumerate() {
        for (value, access) in step.values() {
            let storage = *storage_of[value.0].get_or_insert_with(|| {
                storages.push(Storage {
                    members: vec![value],
                    extent: program.values[value.0].extent,
                    alive: [index, index],
                    changed: 0,
                    external: value == program.input,
                });
                storages.len() - 1
            });
            storages[storage].alive[1] = index;
            if access != Access::Read {
                storages[storage].changed = index;
            }
            // The update finds images where they lie.
            seen_outside[value.0] |= matches!(step, Step::Outside { what, .. } if *what != Outside::Update);
        }
    }
    let mut elided = vec![false; program.steps.len()];
    for (index, step) in program.steps.iter().enumerate() {
        let Some((from, to)) = as_copy(step) else { continue };
        let (Some(from), Some(target)) = (storage_of[from.0], storage_of[to.0]) else { continue };
        if from == target || storages[target].alive[0] < index || storages[target].members.len() > 1 {
            continue;
        }
        let changed_later = storages[from].changed > index || storages[target].changed > index;
        let needed_later = storages[from].alive[1] > index || storages[from].external;
        if needed_later && changed_later || storages[from].external && seen_outside[to.0] {
            continue;
        }
        storages[from].members.push(to);
        storages[from].alive[1] = storages[from].alive[1].max(storages[target].alive[1]);
        storages[from].changed = storages[from].changed.max(storages[target].changed);
        storages[target].members.clear();
        storage_of[to.0] = Some(from);
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
