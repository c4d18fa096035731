//! Each node gets a kernel for each direction of a phase: of the candidates that its operation offers, the one that is estimated
//! fastest, or the one that needs the least memory, unless the text asks for another. Where a candidate reads prepared weights, their preparation comes with it.

use crate::cost;
use crate::graph::{Epilogue, Graph, Node, ValueId};
use crate::ops::{Pack, Phase, prepared};
use crate::selection::{Candidate, Direction, Objective, Selected};
use crate::shape::Shape;

/// Selects kernels, in the fused graph of a phase.
#[must_use]
pub fn select(mut graph: Graph, phase: Phase, objective: Objective) -> Graph {
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for mut node in std::mem::take(&mut graph.nodes) {
        let inputs: Vec<Shape> = node.inputs.iter().map(|&input| graph.shape(input)).collect();
        let output = graph.shape(node.output);
        for &direction in phase.directions() {
            let candidates = node.op.candidates(direction, &inputs, output);
            let Some((taken, selected)) = choose(direction, candidates, node.op.asked(), objective) else { continue };
            if let Some(pack) = taken.packing.and_then(|packing| node.op.packing(packing, &inputs, output)) {
                nodes.push(prepare(&mut graph, &mut node, pack));
            }
            node.selected.push(selected);
        }
        nodes.push(node);
    }
    graph.nodes = nodes;
    graph
}

/// The best of some candidates, with the reason; none where there is nothing to choose.
fn choose(
    direction: Direction,
    mut candidates: Vec<Candidate>,
    asked: Option<&'static str>,
    objective: Objective,
) -> Option<(Candidate, Selected)> {
    candidates.sort_by(|a, b| cost::nanoseconds(&a.work).total_cmp(&cost::nanoseconds(&b.work)));
    if objective == Objective::Memory {
        candidates.sort_by_key(|candidate| candidate.memory);
    }
    let asked = candidates.iter().position(|candidate| Some(candidate.name) == asked);
    let taken = *candidates.get(asked.unwrap_or(0))?;
    let other = candidates.iter().find(|candidate| candidate.name != taken.name);
    let by = |candidate: &Candidate| cost::text_of_time(cost::nanoseconds(&candidate.work));
    let mut why = match asked {
        Some(_) => format!("{}, as asked for: {} an image", taken.why, by(&taken)),
        None if objective == Objective::Memory => {
            format!("{}, for the least memory: {} an image", taken.why, by(&taken))
        }
        None => format!("{}: {} an image", taken.why, by(&taken)),
    };
    match other {
        Some(other) => why.push_str(&format!(", {} {}", other.name, by(other))),
        None => why.push_str(", and no other fits"),
    }
    Some((taken, Selected { direction, name: taken.name, why }))
}

/// The node that prepares the weights of `node`.
fn prepare(graph: &mut Graph, node: &mut Node, pack: Pack) -> Node {
    let output = ValueId(graph.values.len());
    graph.values.push(prepared(pack.len()));
    node.prepared = Some(output);
    Node {
        op: pack.into(),
        inputs: Vec::new(),
        output,
        saved: Vec::new(),
        tensors: node.tensors.clone(),
        layer: node.layer,
        selected: Vec::new(),
        epilogue: Epilogue::default(),
        prepared: None,
    }
}
