//! In-place kernels that read their input from elsewhere, where the copy before them cannot be elided: they copy the source while they
//! update it.

use super::share::Storage;
use crate::graph::ValueId;
use crate::kernel_call::Access;
use crate::program::{Outside, Program, Step};

/// The value from which an in-place call reads what it updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The value.
    pub value: ValueId,
    /// The step that copies the value to the call's output, needed only if an observer reads it in between.
    pub copy: usize,
    /// Whether an observer may read the copy. In an observed pass the copy is made, and the call updates what the observer may have
    /// changed.
    pub is_observed: bool,
}

/// For each step, the source that its call reads.
pub(super) fn sources(program: &Program, storages: &[Storage], elided: &[bool]) -> Vec<Option<Source>> {
    let mut storage_of = vec![None; program.values.len()];
    for (index, storage) in storages.iter().enumerate() {
        storage.members.iter().for_each(|member| storage_of[member.0] = Some(index));
    }
    let mut sources = vec![None; program.steps.len()];
    for (copy, step) in program.steps.iter().enumerate().filter(|(step, _)| !elided[*step]) {
        let Step::Call(call) = step else { continue };
        let Some((value, to)) = call.as_copy() else { continue };
        let (Some(from), Some(target)) = (storage_of[value.0], storage_of[to.0]) else { continue };
        let mut is_observed = false;
        let mut reader = None;
        for (index, step) in program.steps.iter().enumerate().skip(copy + 1).filter(|(step, _)| !elided[*step]) {
            let touched = step.values().into_iter();
            let [of_source, of_target] = [from, target].map(|storage| {
                let touched = touched.clone().filter(|(value, _)| storage_of[value.0] == Some(storage));
                touched.collect::<Vec<(ValueId, Access)>>()
            });
            if of_source.iter().any(|(_, access)| access.changes()) {
                break;
            }
            match (step, &of_target[..]) {
                (Step::Outside { what: Outside::LayerGradient(..), .. }, touched) => is_observed |= !touched.is_empty(),
                (Step::Call(_), []) => {}
                (Step::Call(next), [(changed, _)]) => {
                    // A destination with another name may be shown to an observer before it is updated.
                    let is_current = *changed == to || is_observed;
                    let is_alive = storages[from].external || storages[from].alive[1] >= index;
                    let fits = next.takes_source_for(*changed) && next.when == call.when && is_current && is_alive;
                    reader = fits.then_some(index);
                    break;
                }
                _ => break,
            }
        }
        if let Some(reader) = reader {
            sources[reader] = Some(Source { value, copy, is_observed });
        }
    }
    sources
}
