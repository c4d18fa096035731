//! Selects a kernel for each node and each direction of a phase: of the candidates that the operation offers, the one with the least
//! estimated time, or with the least memory, unless the text requests a particular one. A node that prepares weights is added for a
//! candidate that reads them prepared.

use crate::cost;
use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Pack, Phase, prepared};
use crate::selection::{Candidate, Direction, Objective, Selected};
use crate::shape::Shape;

/// Selects kernels in the fused graph of a phase.
#[must_use]
pub fn select(mut graph: Graph, phase: Phase, objective: Objective) -> Graph {
    let passes = if phase == Phase::Training { graph.passes_of_a_step() } else { 1 };
    let trained = graph.trained_values();
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for mut node in std::mem::take(&mut graph.nodes) {
        let inputs: Vec<Shape> = node.inputs.iter().map(|&input| graph.shape(input)).collect();
        let output = graph.shape(node.output);
        for &direction in phase.directions() {
            let mut candidates = node.op.candidates(direction, &inputs, output);
            if phase == Phase::Training {
                // The gradient of a value that depends on no trained weights is computed only where the gradient of the images is
                // requested.
                let is_computed = direction != Direction::InputGradient
                    || node.inputs.iter().any(|input| trained.get(input.0).is_some_and(|trained| *trained));
                // Weights that each pass expands exist only within that pass.
                once_a_step(&mut candidates, passes, is_computed && graph.expanded_weights(&node).is_none());
            }
            let Some((chosen, mut selected)) = choose(direction, candidates, node.op.asked(), objective) else {
                continue;
            };
            if let Some(pack) = chosen.packing {
                nodes.push(prepare(&mut graph, &node, pack, &mut selected));
            }
            node.selected.push(selected);
        }
        nodes.push(node);
    }
    graph.nodes = nodes;
    graph
}

/// Adjusts candidates of a training pass whose weights are prepared once for `passes` passes; removes them where there is a single
/// pass, or where most steps skip the call.
fn once_a_step(candidates: &mut Vec<Candidate>, passes: usize, is_prepared: bool) {
    candidates.retain(|candidate| candidate.packing.is_none() || passes > 1 && is_prepared);
    for candidate in candidates {
        if let Some(pack) = candidate.packing {
            candidate.work = candidate.work.prepared_for(passes, pack.len);
        }
    }
}

/// The best candidate, with the reason; `None` where there are no candidates.
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
    let chosen = *candidates.get(asked.unwrap_or(0))?;
    let other = candidates.iter().find(|candidate| candidate.name != chosen.name);
    let time = |candidate: &Candidate| cost::text_of_time(cost::nanoseconds(&candidate.work));
    let once = if chosen.packing.is_some() && direction != Direction::Predicting {
        ", weights packed once a step"
    } else {
        ""
    };
    let reason = match asked {
        Some(_) => ", as asked for",
        None if objective == Objective::Memory => ", for the least memory",
        None => "",
    };
    let mut why = format!("{}{once}{reason}: {} an image", chosen.why, time(&chosen));
    match other {
        Some(other) => why.push_str(&format!(", {} {}", other.name, time(other))),
        None => why.push_str(", and no other fits"),
    }
    Some((chosen, Selected { direction, name: chosen.name, why, prepared: None }))
}

/// The node that prepares the weights of `node` for the selected kernel.
fn prepare(graph: &mut Graph, node: &Node, pack: Pack, selected: &mut Selected) -> Node {
    let output = ValueId(graph.values.len());
    graph.values.push(prepared(pack.len));
    selected.prepared = Some(output);
    let inputs = graph.expanded_weights(node).into_iter().collect();
    Node::new(pack.into(), inputs, output, node.tensors.clone(), node.layer)
}
