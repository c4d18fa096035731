//! Printing of a graph in the language as a user would write it: branches in braces, taps for values that are read again later, blocks
//! for repeated structure.

use std::collections::{BTreeMap, BTreeSet};

use super::blocks::with_blocks;
use super::problem::{Answer, Problem};
use super::stage::Stage;
use crate::graph::{Graph, LayerId, ValueId};

/// A row of the table: a word, and the words that extend it.
struct Row {
    inputs: Vec<ValueId>,
    text: String,
}

/// A graph that is being printed.
struct Printing<'g> {
    graph: &'g Graph,
    /// The row with each value as its output.
    rows: BTreeMap<ValueId, Row>,
    /// The immediate dominator of each value: the nearest value that is on all paths to it.
    dominator: BTreeMap<ValueId, ValueId>,
    /// The number of rows that read each value.
    reads: BTreeMap<ValueId, usize>,
    /// For each value, the previous value in its sequence of stages.
    steps: BTreeMap<ValueId, ValueId>,
    taps: BTreeMap<ValueId, String>,
    named: usize,
}

/// Prints the network in the language, with the name `name`.
///
/// # Errors
/// If values are read again in a way that neither branches nor taps express.
pub fn printed(graph: &Graph, name: &str) -> Answer<String> {
    let mut printing = Printing::of(graph);
    let stages = printing.stages_between(graph.input, graph.output)?;
    Ok(with_blocks(name, &graph.shape(graph.input).to_string(), &stages))
}

impl<'g> Printing<'g> {
    fn of(graph: &'g Graph) -> Self {
        let mut printing = Self {
            graph,
            rows: BTreeMap::new(),
            dominator: BTreeMap::new(),
            reads: BTreeMap::from([(graph.output, 1)]),
            steps: BTreeMap::new(),
            taps: BTreeMap::new(),
            named: 0,
        };
        // Known concatenations: each may be the first operand of a longer one, as in a DenseNet.
        let mut joined: BTreeMap<Vec<ValueId>, ValueId> = BTreeMap::new();
        let mut from = 0;
        while let Some(first) = graph.nodes.get(from) {
            let layer = first.layer;
            let count = graph.nodes[from..].iter().take_while(|node| node.layer == layer).count();
            let mut inputs = first.inputs.clone();
            let output = graph.nodes[from + count - 1].output;
            let text = printing.text(layer);
            if text == CONCAT {
                let begins = inputs.split_last().and_then(|(last, begins)| Some(vec![*joined.get(begins)?, *last]));
                joined.insert(std::mem::replace(&mut inputs, begins.unwrap_or(first.inputs.clone())), output);
            }
            inputs.iter().for_each(|input| *printing.reads.entry(*input).or_default() += 1);
            let dominator = inputs
                .iter()
                .copied()
                .reduce(|one, other| printing.common_dominator(one, other))
                .unwrap_or(graph.input);
            printing.dominator.insert(output, dominator);
            printing.rows.insert(output, Row { inputs, text });
            from += count;
        }
        printing.group_forks();
        let steps = printing.rows.iter().map(|(output, row)| {
            let start = printing.dominator[output];
            let last = row.inputs.iter().copied().max().unwrap_or(start);
            (*output, if row.inputs.len() == 1 || printing.are_apart(start, &row.inputs) { start } else { last })
        });
        printing.steps = steps.collect();
        printing
    }

    /// In concatenations, groups adjacent operands that branch off after the others into a concatenation in a branch of their own.
    fn group_forks(&mut self) {
        let concats = self.rows.iter().filter(|(_, row)| row.text == CONCAT && row.inputs.len() > 2);
        let concats: Vec<(ValueId, Vec<ValueId>)> =
            concats.map(|(output, row)| (*output, row.inputs.clone())).collect();
        let mut free = self.graph.values.len();
        for (output, inputs) in concats {
            let start = self.dominator[&output];
            if self.are_apart(start, &inputs) {
                continue;
            }
            let mut groups: Vec<(ValueId, Vec<ValueId>)> = Vec::new();
            for input in &inputs {
                let shared =
                    groups.last().map(|(fork, _)| self.common_dominator(*fork, *input)).filter(|fork| *fork != start);
                match (shared, groups.last_mut()) {
                    (Some(shared), Some((fork, members))) => {
                        *fork = shared;
                        members.push(*input);
                    }
                    _ => groups.push((*input, vec![*input])),
                }
            }
            let mut gathered = Vec::new();
            for (fork, members) in groups {
                if let [single] = members[..] {
                    gathered.push(single);
                    continue;
                }
                let together = ValueId(free);
                free += 1;
                self.dominator.insert(together, fork);
                self.reads.insert(together, 1);
                self.rows.insert(together, Row { inputs: members, text: CONCAT.to_owned() });
                gathered.push(together);
            }
            let is_branched = gathered.len() > 1 && self.are_apart(start, &gathered);
            if let (true, Some(row)) = (is_branched, self.rows.get_mut(&output)) {
                row.inputs = gathered;
            } else {
                self.rows.retain(|value, _| value.0 < self.graph.values.len() || !gathered.contains(value));
            }
        }
    }

    fn text(&self, layer: LayerId) -> String {
        self.graph.layers[layer.0].text.clone()
    }

    /// The dominators of `value`, the nearest first.
    fn dominators(&self, value: ValueId) -> impl Iterator<Item = ValueId> + '_ {
        std::iter::successors(Some(value), |value| self.dominator.get(value).copied())
    }

    fn common_dominator(&self, one: ValueId, other: ValueId) -> ValueId {
        let ways: BTreeSet<ValueId> = self.dominators(one).collect();
        self.dominators(other).find(|value| ways.contains(value)).unwrap_or(self.graph.input)
    }

    /// The values computed between two values, without the first.
    fn region(&self, from: ValueId, to: ValueId) -> BTreeSet<ValueId> {
        let (mut region, mut open) = (BTreeSet::new(), vec![to]);
        while let Some(value) = open.pop() {
            if value != from && region.insert(value) {
                open.extend(self.rows.get(&value).iter().flat_map(|row| row.inputs.iter().copied()));
            }
        }
        region
    }

    /// Whether the branches from `start` to these values are disjoint, and no other row reads a value inside them.
    fn are_apart(&self, start: ValueId, ends: &[ValueId]) -> bool {
        let mut all = BTreeSet::new();
        ends.iter().all(|end| {
            let region = self.region(start, *end);
            let inside = |value: &ValueId| {
                let readers = region.iter().filter_map(|output| self.rows.get(output));
                let inside = readers.flat_map(|row| &row.inputs).filter(|input| *input == value).count();
                inside + usize::from(value == end) == self.reads[value]
            };
            region.iter().all(|value| inside(value) && all.insert(*value))
        })
    }

    /// The stages from a value to another one that it dominates.
    fn stages_between(&mut self, from: ValueId, to: ValueId) -> Answer<Vec<Stage>> {
        let mut stages: Vec<Stage> = Vec::new();
        let mut value = to;
        loop {
            if let Some(name) = self.taps.remove(&value) {
                stages.push(Stage::words(format!("tap {name}")));
            }
            if value == from {
                break;
            }
            let Some(Row { inputs, text }) = self.rows.get(&value) else {
                return Err(Problem::new("a value is read that nothing computes"));
            };
            let (inputs, text) = (inputs.clone(), text.clone());
            if let [input] = inputs[..] {
                // Modifying words belong to the stage of their layer if nothing else reads the value between.
                let applies =
                    is_applied(&text) && self.reads[&input] == 1 && !self.taps.contains_key(&input) && input != from;
                match stages.last_mut() {
                    Some(last) if last.head.starts_with(APPLIED) && last.branches.is_empty() => {
                        last.head = format!("{text} {}", &last.head[APPLIED.len()..]);
                    }
                    _ => stages.push(Stage::words(&text)),
                }
                if applies && let Some(last) = stages.last_mut() {
                    last.head = format!("{APPLIED}{}", last.head);
                }
                value = input;
                continue;
            }
            let (word, behind) = text.split_once(' ').map_or((text.as_str(), ""), |(word, behind)| (word, behind));
            let start = self.dominator[&value];
            let applied = match stages.last() {
                Some(last) if last.head.starts_with(APPLIED) => {
                    stages.pop().map(|last| last.head[APPLIED.len()..].to_owned())
                }
                _ => None,
            };
            let tail: String = [behind.to_owned(), applied.unwrap_or_default()]
                .into_iter()
                .filter(|words| !words.is_empty())
                .map(|words| format!(" {words}"))
                .collect();
            if self.steps[&value] == start && self.are_apart(start, &inputs) {
                let branches =
                    inputs.iter().map(|input| self.stages_between(start, *input)).collect::<Answer<Vec<_>>>()?;
                stages.push(joined(word, branches, tail));
                value = start;
                continue;
            }
            // Values on the path of the last operand are taps.
            let last = inputs.iter().copied().max().unwrap_or(value);
            let way: BTreeSet<ValueId> =
                std::iter::successors(Some(last), |value| self.steps.get(value).copied()).collect();
            if !inputs.iter().all(|input| way.contains(input)) {
                return Err(Problem::new(
                    "values are read again in a way that neither branches nor taps of the language say",
                )
                .help("it compiles as it is: `network! { pub Model = onnx \"model.onnx\"; }`"));
            }
            let mut head = word.to_owned();
            for input in &inputs {
                head += &if *input == last { " { }".to_owned() } else { format!(" {}", self.tap(*input)) };
            }
            stages.push(Stage { head, branches: Vec::new(), tail });
            value = last;
        }
        stages.reverse();
        for stage in &mut stages {
            if let Some(words) = stage.head.strip_prefix(APPLIED) {
                stage.head = words.to_owned();
            }
        }
        Ok(stages)
    }

    fn tap(&mut self, value: ValueId) -> String {
        if let Some(name) = self.taps.get(&value) {
            return name.clone();
        }
        self.named += 1;
        let name = format!("kept{}", self.named);
        self.taps.insert(value, name.clone());
        name
    }
}

/// The word for concatenation.
const CONCAT: &str = "concat";

/// Marks words that are prepended to the stage of their layer later.
const APPLIED: &str = "\u{1}";

/// Whether a row's word may follow another layer's words in a stage.
fn is_applied(text: &str) -> bool {
    let word = text.split(' ').next().unwrap_or_default();
    matches!(
        word,
        "bn" | "layernorm" | "lrn" | "prelu" | "dropout" | "softmax" | "logsoftmax" | "scale" | "shuffle" | "flatten"
    )
}

/// A join with its branches; a sum with the stage's input is written as `residual`.
fn joined(word: &str, mut branches: Vec<Vec<Stage>>, tail: String) -> Stage {
    if word == "add" && branches.len() == 2 && branches.iter().filter(|branch| branch.is_empty()).count() == 1 {
        branches.retain(|branch| !branch.is_empty());
        return Stage { head: "residual".to_owned(), branches, tail };
    }
    Stage { head: word.to_owned(), branches, tail }
}
