//! A graph while nodes become parts of the nodes before or behind them.

use crate::graph::{Epilogue, Graph, Node, ValueId};

/// The nodes at their places; a place is empty once its node has become a part of a later one.
pub(super) struct Merging {
    pub(super) graph: Graph,
    places: Vec<Vec<Node>>,
    /// For each value, the place of the node that computes it.
    producers: Vec<Option<usize>>,
    /// For each value, how many nodes read it; the answer is read once more.
    readers: Vec<usize>,
}

impl Merging {
    pub(super) fn new(mut graph: Graph) -> Self {
        let mut readers: Vec<usize> = graph.readers().iter().map(Vec::len).collect();
        readers[graph.output.0] += 1;
        let mut producers = vec![None; graph.values.len()];
        for (place, node) in graph.nodes.iter().enumerate() {
            producers[node.output.0] = Some(place);
        }
        let places = std::mem::take(&mut graph.nodes).into_iter().map(|node| vec![node]).collect();
        Self { graph, places, producers, readers }
    }

    pub(super) fn places(&self) -> usize {
        self.places.len()
    }

    /// The node that computes something at `place`.
    pub(super) fn node(&self, place: usize) -> Option<&Node> {
        self.places[place].last()
    }

    /// The place of the node that computes `value`.
    pub(super) fn place_of(&self, value: ValueId) -> Option<usize> {
        self.producers[value.0]
    }

    /// The node that computes `value`, if only one node reads that.
    pub(super) fn only_read_once(&self, value: ValueId) -> Option<&Node> {
        let place = self.place_of(value).filter(|_| self.readers[value.0] == 1)?;
        self.node(place)
    }

    /// The node at `place` becomes a part of the epilogue of the node that computes `value`; that moves to `place`, so that all it reads
    /// is computed before. `preparing` runs first.
    pub(super) fn merge(
        &mut self,
        value: ValueId,
        place: usize,
        preparing: Option<Node>,
        end: impl FnOnce(&mut Epilogue),
    ) {
        let Some(from) = self.place_of(value) else { return };
        let (Some(mut node), Some(part)) = (self.places[from].pop(), self.places[place].pop()) else { return };
        end(&mut node.epilogue);
        if node.layer != part.layer {
            node.epilogue.rows.push(node.layer);
        }
        (node.layer, node.output) = (part.layer, part.output);
        let mut before = std::mem::take(&mut self.places[from]);
        for node in before.iter_mut().chain(&mut self.places[place]) {
            node.layer = part.layer;
        }
        self.places[place].append(&mut before);
        self.places[place].extend(preparing);
        self.places[place].push(node);
        self.producers[value.0] = None;
    }

    /// The kernel of the node at `place` computes `value` itself, its only input, which another node has computed so far.
    pub(super) fn absorb(&mut self, value: ValueId, place: usize) {
        let Some(from) = self.place_of(value) else { return };
        let (Some(before), Some(node)) = (self.places[from].pop(), self.places[place].last_mut()) else { return };
        node.before = Some(Box::new(before));
        self.producers[value.0] = None;
    }

    pub(super) fn finish(mut self) -> Graph {
        self.graph.nodes = self.places.into_iter().flatten().collect();
        self.graph
    }
}
