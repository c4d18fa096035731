//! What kernels that work in place read elsewhere, where a copy before them cannot be left out: they bring it themselves, while they change it.

use super::share::Storage;
use crate::graph::ValueId;
use crate::kernel_call::Access;
use crate::program::{Outside, Program, Step};

/// Where a call reads what it changes in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The value it reads.
    pub value: ValueId,
    /// The step that copies that value to its place, for who looks there in between.
    pub copy: usize,
    /// Whether an observer may. For one that does, the copy is made, and the call changes what may have been changed there.
    pub is_observed: bool,
}

/// For each step, the source that it is given.
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
                    // Under another name, a value may be shown to an observer before it is changed.
                    let is_whole = *changed == to || is_observed;
                    let is_there = storages[from].external || storages[from].alive[1] >= index;
                    let fits = next.takes_source_for(*changed) && next.when == call.when && is_whole && is_there;
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
