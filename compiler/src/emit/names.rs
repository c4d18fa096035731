//! Names that emitted code gives. None can meet a name of the user's: what is called from outside is imported where the code stands,
//! before what the user's module holds, items stand in a block of their own, and names of values are taken for new ones there, whatever
//! the user calls so, because `netwright_abi::locals` and `locals!` lie between.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Span};

use super::words::identifier;
use crate::graph::{Extent, Graph, TensorId, ValueId};
use crate::kernel_call::{Constant, Data, KernelCall, Spec};
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
const EMITTED: [&str; 11] = [
    "given",
    "disjoint",
    "computed",
    "gradient",
    "largest",
    "unless_fused",
    "unless_observed",
    "slot",
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
            let wish = format!("{}_{}", graph.layers[tensor.layer.0].name, tensor.name);
            // What is borrowed in a variable is a statistic, or the gradient of a parameter.
            let of = if tensor.kind.is_trained() { "_gradient" } else { "" };
            let (constant, variable) = (names.free(&wish.to_uppercase()), format!("{wish}{of}").to_lowercase());
            let name = Name { constant, variable: names.free(&variable) };
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
        let name = self.free(&format!("{layer}_{}{}", spec.module, epilogue(spec)).to_uppercase());
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
            for (value, access) in step.values() {
                if !access.changes() || self.of_value(trains, value).is_some() {
                    continue;
                }
                let of = training.and_then(|training| training.gradients.get(&value));
                let wish = match (of, step) {
                    (Some(of), _) if *of == graph.input => "images_gradient".to_owned(),
                    // Before an operation changes the gradient of its output in place, that is copied, or the copy left out.
                    (Some(of), Step::Call(call)) if is_copy_of_same(training, call) => match self.of_value(trains, *of)
                    {
                        Some(of) => format!("{}_z_gradient", of.constant),
                        None => "gradient".to_owned(),
                    },
                    (Some(of), _) => match self.of_value(trains, *of) {
                        Some(of) => format!("{}_gradient", of.constant),
                        None => "gradient".to_owned(),
                    },
                    (None, Step::Call(call)) => {
                        let layer = &graph.layers[call.layer.0].name;
                        format!("{layer}_{}", result(call, value, program.values[value.0].extent, trains))
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
        Name { constant: self.free(&wish.to_uppercase()), variable: self.free(&wish.to_lowercase()) }
    }

    /// `wish`, or with a number behind it where that is no name, or another's: `dense1_gradient_2`. A layer in a block is called `block1.conv1`.
    fn free(&mut self, wish: &str) -> Ident {
        let wish = &*wish.replace('.', "_");
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

/// What a call writes that is no layer's output: what grows with the batch is on the way to that, and the rest is called as the table
/// of kernels calls it, `saved_mean`.
fn result(call: &KernelCall, value: ValueId, extent: Extent, trains: bool) -> &'static str {
    let place = call.operands.iter().position(|operand| operand.data == Data::Value(value));
    let operand = place.and_then(|place| call.kernel.operands().get(place)).copied();
    match (extent, operand) {
        (Extent::PerImage(_), _) if call.as_copy().is_some() => "input",
        (Extent::PerImage(_), _) | (_, None) => "z",
        (Extent::Prepared(_), Some("prepared")) if trains => "step_prepared",
        (_, Some(operand)) => operand,
    }
}

/// Whether a call copies the gradient of a value to where another gradient of it is computed.
fn is_copy_of_same(training: Option<&Training>, call: &KernelCall) -> bool {
    let of = |value| training.and_then(|training| training.gradients.get(&value));
    call.as_copy().is_some_and(|(from, to)| of(from).is_some() && of(from) == of(to))
}

/// What tells the sizes of a kernel with an epilogue from those of one without: `_add_relu`.
fn epilogue(spec: &Spec) -> String {
    let (accumulate, activation) = match spec.fields.iter().map(|(_, value)| value).next_back() {
        Some(Constant::Epilogue(epilogue)) => (epilogue.accumulate, epilogue.activation),
        Some(Constant::OptionalActivation(activation)) => (false, *activation),
        _ => (false, None),
    };
    let add = if accumulate { "_add" } else { "" };
    activation.map_or_else(|| add.to_owned(), |activation| format!("{add}_{}", activation.name()))
}
