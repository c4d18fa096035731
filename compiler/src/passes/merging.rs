//! A graph in which nodes are merged into their predecessors or successors.

use crate::graph::{Epilogue, Graph, Node, ValueId};

/// The nodes by their original index. An entry is empty once its node was merged into a later one, and has several nodes where
/// preparations precede it.
pub(super) struct Merging {
    pub(super) graph: Graph,
    entries: Vec<Vec<Node>>,
    /// For each value, the index of the node that computes it.
    producers: Vec<Option<usize>>,
    /// For each value, the number of its readers; the output has one more.
    readers: Vec<usize>,
}

impl Merging {
    pub(super) fn new(mut graph: Graph) -> Self {
        let mut readers: Vec<usize> = graph.readers().iter().map(Vec::len).collect();
        readers[graph.output.0] += 1;
        let mut producers = vec![None; graph.values.len()];
        for (index, node) in graph.nodes.iter().enumerate() {
            producers[node.output.0] = Some(index);
        }
        let entries = std::mem::take(&mut graph.nodes).into_iter().map(|node| vec![node]).collect();
        Self { graph, entries, producers, readers }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The node at `index`, without its preparations.
    pub(super) fn node(&self, index: usize) -> Option<&Node> {
        self.entries[index].last()
    }

    /// The index of the node that computes `value`.
    pub(super) fn index_of(&self, value: ValueId) -> Option<usize> {
        self.producers[value.0]
    }

    /// The node that computes `value`, if `value` has a single reader.
    pub(super) fn only_read_once(&self, value: ValueId) -> Option<&Node> {
        let index = self.index_of(value).filter(|_| self.readers[value.0] == 1)?;
        self.node(index)
    }

    /// Merges the node at `index` into the epilogue of the node that computes `value`. The merged node is stored at `index`, so that
    /// all its operands are computed before it. `preparing` runs before the merged node.
    pub(super) fn merge(
        &mut self,
        value: ValueId,
        index: usize,
        preparing: Option<Node>,
        edit: impl FnOnce(&mut Epilogue),
    ) {
        let Some(from) = self.index_of(value) else { return };
        let (Some(mut node), Some(part)) = (self.entries[from].pop(), self.entries[index].pop()) else { return };
        edit(&mut node.epilogue);
        if node.layer != part.layer {
            node.epilogue.rows.push(node.layer);
        }
        (node.layer, node.output) = (part.layer, part.output);
        let mut before = std::mem::take(&mut self.entries[from]);
        for node in before.iter_mut().chain(&mut self.entries[index]) {
            node.layer = part.layer;
        }
        self.entries[index].append(&mut before);
        self.entries[index].extend(preparing);
        self.entries[index].push(node);
        self.producers[value.0] = None;
    }

    /// Fuses the node that computes `value`, the only input of the node at `index`, into that node.
    pub(super) fn absorb(&mut self, value: ValueId, index: usize) {
        let Some(from) = self.index_of(value) else { return };
        let (Some(before), Some(node)) = (self.entries[from].pop(), self.entries[index].last_mut()) else { return };
        node.before = Some(Box::new(before));
        self.producers[value.0] = None;
    }

    pub(super) fn finish(mut self) -> Graph {
        self.graph.nodes = self.entries.into_iter().flatten().collect();
        self.graph
    }
}
