//! Names that emitted code gives. None can meet a name of the user's: what is called from outside is imported where the code stands,
//! before what the user's module holds, items stand in a block of their own, and names of values are taken for new ones there, whatever
//! the user calls so, because `netwright_abi::locals` and `locals!` lie between.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Span};

use super::words::identifier;
use crate::graph::{Extent, Graph, TensorId, ValueId};
use crate::kernel_call::{Access, KernelCall, Spec};
use crate::program::{Program, Step, Training};

/// `wish`, or where the network is called so, that with a `_` behind it: for an item in the block, where the network is meant too.
pub(super) fn beside(network: &str, wish: &str) -> Ident {
    Ident::new(&format!("{wish}{}", if wish == network { "_" } else { "" }), Span::call_site())
}

/// The network's own name, as written: `r#type` too.
pub(super) fn of_network(name: &str, span: Span) -> Ident {
    identifier(name, span).unwrap_or_else(|| Ident::new("Unnamed", span))
}

/// What something in the passes is called: as a constant that says where it lies, and as a variable that borrows it.
#[derive(Clone, Debug)]
pub(super) struct Name {
    /// `CONV1`
    pub(super) constant: Ident,
    /// `conv1`
    pub(super) variable: Ident,
}

/// The names of all that the passes of a network touch, after the layers that make or own it.
#[derive(Debug)]
pub(super) struct Names {
    taken: BTreeSet<String>,
    /// How many values the graph has that predicting and training share.
    shared: usize,
    values: BTreeMap<(bool, ValueId), Name>,
    tensors: Vec<Name>,
    specs: BTreeMap<String, Ident>,
    /// The types that stand for some of them.
    types: BTreeMap<String, Ident>,
}

/// Functions and constants that emitted code uses by name.
const EMITTED: [&str; 10] = [
    "given",
    "disjoint",
    "computed",
    "gradient",
    "largest",
    "take",
    "take_mut",
    "PREDICT_SCRATCH",
    "BLOCKS_SCRATCH",
    "TRAIN_SCRATCH",
];

impl Names {
    /// Names for tensors, and for the values of the programs of a prediction and of a training step of one network.
    pub(super) fn new<'p>(
        graph: &Graph,
        predictions: impl IntoIterator<Item = &'p Program>,
        training: &Training,
    ) -> Self {
        let mut names = Self {
            taken: netwright_abi::locals::NAMES.iter().chain(&EMITTED).map(|&name| name.to_owned()).collect(),
            shared: graph.values.len(),
            values: BTreeMap::new(),
            tensors: Vec::new(),
            specs: BTreeMap::new(),
            types: BTreeMap::new(),
        };
        for tensor in &graph.tensors {
            let name = names.give(&format!("{}_{}", graph.layers[tensor.layer.0].name, tensor.name));
            names.tensors.push(name);
        }
        for layer in graph.layers.iter().rev() {
            names.value(false, layer.output, &layer.name);
        }
        for program in predictions {
            names.program(program, graph, None);
        }
        names.program(&training.prepare, graph, Some(training));
        names.program(&training.program, graph, Some(training));
        names
    }

    /// Where a value of a prediction or of a training step lies, and the variable that borrows it.
    pub(super) fn of_value(&self, trains: bool, value: ValueId) -> Option<&Name> {
        self.values.get(&self.key(trains, value))
    }

    fn key(&self, trains: bool, value: ValueId) -> (bool, ValueId) {
        (trains && value.0 >= self.shared, value)
    }

    /// Where a tensor lies among the parameters or the statistics.
    pub(super) fn of_tensor(&self, tensor: TensorId) -> &Name {
        &self.tensors[tensor.0]
    }

    /// The constant with the sizes of a kernel; those of one content have one, after the first layer that has them. Whether the name is
    /// a new one.
    pub(super) fn of_spec(&mut self, spec: &Spec, layer: &str) -> (Ident, bool) {
        let key = key(spec);
        if let Some(name) = self.specs.get(&key) {
            return (name.clone(), false);
        }
        let name = self.free(&format!("{layer}_{}", spec.module).to_uppercase());
        self.specs.insert(key, name.clone());
        (name, true)
    }

    /// That constant, once it has a name.
    pub(super) fn known_spec(&self, spec: &Spec) -> Option<&Ident> {
        self.specs.get(&key(spec))
    }

    /// The type that stands for the sizes of a kernel, where they are constants. Whether the name is a new one.
    pub(super) fn of_type(&mut self, spec: &Spec, layer: &str) -> (Ident, bool) {
        let key = key(spec);
        if let Some(name) = self.types.get(&key) {
            return (name.clone(), false);
        }
        let words = layer.split(['.', '_']).chain([spec.module]);
        let capitalised = words.map(|word| {
            let mut letters = word.chars();
            letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
        });
        let name = self.free(&capitalised.collect::<String>());
        self.types.insert(key, name.clone());
        (name, true)
    }

    /// That type, once it has a name.
    pub(super) fn known_type(&self, spec: &Spec) -> Option<&Ident> {
        self.types.get(&key(spec))
    }

    /// The variables of the passes.
    pub(super) fn variables(&self) -> impl Iterator<Item = &Ident> {
        self.tensors.iter().chain(self.values.values()).map(|name| &name.variable)
    }

    /// The values of a program, unless they have names: `conv1` for a layer's output, `dense1_input` for a copy, `softmax1_z` for what a
    /// layer computes on the way, `conv1_gradient` for a gradient.
    fn program(&mut self, program: &Program, graph: &Graph, training: Option<&Training>) {
        let trains = training.is_some();
        for step in &program.steps {
            for (place, (value, access)) in step.values().into_iter().enumerate() {
                if access == Access::Read || self.of_value(trains, value).is_some() {
                    continue;
                }
                let of = training.and_then(|training| training.gradients.get(&value));
                let wish = match (of, step) {
                    (Some(of), _) if *of == graph.input => "input_gradient".to_owned(),
                    (Some(of), _) => match self.of_value(trains, *of) {
                        Some(of) => format!("{}_gradient", of.constant),
                        None => "gradient".to_owned(),
                    },
                    (None, Step::Call(call)) => {
                        let layer = &graph.layers[call.layer.0].name;
                        format!("{layer}_{}", result(call, place, program.values[value.0].extent))
                    }
                    (None, Step::Outside { .. }) => "value".to_owned(),
                };
                self.value(trains, value, &wish);
            }
        }
    }

    fn value(&mut self, trains: bool, value: ValueId, wish: &str) {
        let key = self.key(trains, value);
        if !self.values.contains_key(&key) {
            let name = self.give(wish);
            self.values.insert(key, name);
        }
    }

    fn give(&mut self, wish: &str) -> Name {
        let wish = wish.replace('.', "_");
        Name { constant: self.free(&wish.to_uppercase()), variable: self.free(&wish.to_lowercase()) }
    }

    /// `wish`, or with a number behind it where that is no name, or another's: `dense1_gradient_2`.
    fn free(&mut self, wish: &str) -> Ident {
        // A letter may have none for the other case that a name can have.
        let wish = if netwright_grammar::is_name(wish) { wish } else { "layer" };
        let mut name = wish.to_owned();
        for number in 2.. {
            if let Some(free) = identifier(&name, Span::call_site()).filter(|_| !self.taken.contains(&name)) {
                self.taken.insert(name);
                return free;
            }
            name = format!("{wish}_{number}");
        }
        unreachable!("one of all numbers is free")
    }
}

/// Specs of one content have one key; `Debug` writes floating-point numbers to the last bit.
fn key(spec: &Spec) -> String {
    format!("{spec:?}")
}

/// What a call writes that is no layer's output, at a place among the values it touches.
fn result(call: &KernelCall, place: usize, extent: Extent) -> &'static str {
    match extent {
        Extent::Fixed(_) => "saved",
        Extent::Prepared(_) if call.values().count() == 1 => "prepared",
        Extent::Prepared(_) if place == 0 => "scale",
        Extent::Prepared(_) => "shift",
        Extent::PerImage(_) if call.as_copy().is_some() => "input",
        Extent::PerImage(_) => "z",
    }
}
