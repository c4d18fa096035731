//! The weights that predictions need: the tensors that they read unprepared, the tensors that each part of the preparation reads, and
//! a fingerprint of both.

use std::fmt::{self, Write as _};

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::Planned;
use super::constants::{calls, sizes};
use crate::graph::{Graph, TensorId};
use crate::kernel_call::{Access, Data, KernelCall};

/// `PREPARATION`, `KEPT` and `FINGERPRINT`.
pub(super) fn constants(planned: &Planned<'_>) -> TokenStream {
    let graph = planned.graph;
    let (preparing, prepare_plan) = &planned.preparing;
    let preparation: Vec<&KernelCall> = calls(&preparing.steps, &prepare_plan.elided).map(|(_, call)| call).collect();
    let predictions = || {
        let (predicting, plan) = &planned.predicting;
        let blocks = planned.blocks.iter().flat_map(|blocks| calls(&blocks.program.steps, &blocks.plan.elided));
        calls(&predicting.steps, &plan.elided).chain(blocks).map(|(_, call)| call)
    };
    let parts = preparation.iter().map(|call| {
        let [parameters, statistics] = both(graph, tensors([*call]));
        quote!(PreparationPart { parameters: #parameters, statistics: #statistics },)
    });
    let parts: Vec<TokenStream> = parts.collect();
    let parts = (!parts.is_empty()).then(|| quote!(const PREPARATION: &'static [PreparationPart] = &[#(#parts)*];));
    let kept = tensors(predictions());
    let [parameters, statistics] = both(graph, kept.clone());
    // Everything that determines which elements are read, and from which addresses.
    let mut fingerprint = Fingerprint::NEW;
    for call in preparation.iter().copied().chain(predictions()) {
        let KernelCall { kernel, spec, operands, .. } = call;
        fingerprint.add(&(kernel.name, spec, operands));
    }
    for tensor in &graph.tensors {
        fingerprint.add(&(tensor.offset, &tensor.shape, tensor.kind));
    }
    fingerprint.add(&(kept, prepare_plan.prepared, &prepare_plan.slots));
    let fingerprint = Literal::u64_unsuffixed(fingerprint.0);
    quote! {
        #parts
        const KEPT: KeptTensors = KeptTensors { parameters: #parameters, statistics: #statistics };
        const FINGERPRINT: u64 = #fingerprint;
    }
}

/// The tensors that some calls read, sorted.
fn tensors<'a>(calls: impl IntoIterator<Item = &'a KernelCall>) -> Vec<TensorId> {
    let operands = calls.into_iter().flat_map(|call| &call.operands);
    let tensors = operands.filter_map(|operand| match operand.data {
        Data::Tensor(id) if operand.access == Access::Read => Some(id),
        _ => None,
    });
    let mut tensors: Vec<TensorId> = tensors.collect();
    tensors.sort_unstable();
    tensors.dedup();
    tensors
}

/// The ranges of tensors among the parameters and among the statistics; adjacent ranges are merged.
fn both(graph: &Graph, tensors: Vec<TensorId>) -> [TokenStream; 2] {
    [true, false].map(|trained| {
        let tensors =
            tensors.iter().map(|id| &graph.tensors[id.0]).filter(|tensor| tensor.kind.is_trained() == trained);
        let mut ranges: Vec<[usize; 2]> = tensors.map(|tensor| [tensor.offset, tensor.offset + tensor.len()]).collect();
        ranges.sort_unstable();
        let mut joined: Vec<[usize; 2]> = Vec::new();
        for [start, end] in ranges {
            match joined.last_mut() {
                Some([_, last]) if *last == start => *last = end,
                _ => joined.push([start, end]),
            }
        }
        let joined = joined.into_iter().map(|stretch| {
            let stretch = sizes(&stretch);
            quote!([#(#stretch),*])
        });
        quote!(&[#(#joined),*])
    })
}

/// 64-bit FNV-1a over the `Debug` text of values.
struct Fingerprint(u64);

impl Fingerprint {
    const NEW: Self = Self(0xcbf2_9ce4_8422_2325);

    fn add(&mut self, value: &impl fmt::Debug) {
        // `write_str` never fails.
        let _ = write!(self, "{value:?};");
    }
}

impl fmt::Write for Fingerprint {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(())
    }
}
