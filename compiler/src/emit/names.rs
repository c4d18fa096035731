//! The names in emitted code. None conflicts with a name of the user: functions and types are imported in the block of the code, where
//! imports take precedence over the user's module; items are in a block of their own; and variables are always new bindings, even if
//! the user has a constant of the same name, because `netwright_abi::locals` and `locals!` shadow it.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Span};

use super::words::identifier;
use crate::graph::{Extent, Graph, TensorId, ValueId};
use crate::kernel_call::{Constant, Data, KernelCall, Spec};
use crate::program::{Program, Step, Training};

/// `preferred`, with a `_` appended if the network has that name: for an item in the block, in which the network's name is used too.
pub(super) fn unlike(network: &str, preferred: &str) -> Ident {
    Ident::new(&format!("{preferred}{}", if preferred == network { "_" } else { "" }), Span::call_site())
}

/// The network's own name as written, including `r#type`.
pub(super) fn of_network(name: &str, span: Span) -> Ident {
    identifier(name, span).unwrap_or_else(|| Ident::new("Unnamed", span))
}

/// The names of a value or tensor in the passes: the constant with its address, and the variable that borrows it.
#[derive(Clone, Debug)]
pub(super) struct Name {
    /// `CONV1`
    pub(super) constant: Ident,
    /// `conv1`
    pub(super) variable: Ident,
}

/// The names of all values and tensors of a network, derived from the layers that compute or own them.
#[derive(Debug)]
pub(super) struct Names {
    taken: BTreeSet<String>,
    /// The number of graph values, which have the same names in predictions and training.
    shared: usize,
    values: BTreeMap<(bool, ValueId), Name>,
    tensors: Vec<Name>,
    specs: BTreeMap<String, Ident>,
    /// The types with some of these sizes as constants.
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
            let preferred = format!("{}_{}", graph.layers[tensor.layer.0].name, tensor.name);
            // A variable borrows a statistic, or the gradient of a parameter.
            let of = if tensor.kind.is_trained() { "_gradient" } else { "" };
            let (constant, variable) =
                (names.unique(&preferred.to_uppercase()), format!("{preferred}{of}").to_lowercase());
            let name = Name { constant, variable: names.unique(&variable) };
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

    /// The names of a value of a prediction or of a training step.
    pub(super) fn of_value(&self, trains: bool, value: ValueId) -> Option<&Name> {
        self.values.get(&self.key(trains, value))
    }

    fn key(&self, trains: bool, value: ValueId) -> (bool, ValueId) {
        (trains && value.0 >= self.shared, value)
    }

    /// The names of a tensor.
    pub(super) fn of_tensor(&self, tensor: TensorId) -> &Name {
        &self.tensors[tensor.0]
    }

    /// The constant with the sizes of a kernel, named after the first layer with these sizes. Also returns whether the name is new.
    pub(super) fn of_spec(&mut self, spec: &Spec, layer: &str) -> (Ident, bool) {
        let key = key(spec);
        if let Some(name) = self.specs.get(&key) {
            return (name.clone(), false);
        }
        let name = self.unique(&format!("{layer}_{}{}", spec.module, epilogue(spec)).to_uppercase());
        self.specs.insert(key, name.clone());
        (name, true)
    }

    /// The constant for `spec`, if it has a name.
    pub(super) fn known_spec(&self, spec: &Spec) -> Option<&Ident> {
        self.specs.get(&key(spec))
    }

    /// The type with the sizes of a kernel as constants. Also returns whether the name is new.
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
        let name = self.unique(&capitalised.collect::<String>());
        self.types.insert(key, name.clone());
        (name, true)
    }

    /// The type for `spec`, if it has a name.
    pub(super) fn known_type(&self, spec: &Spec) -> Option<&Ident> {
        self.types.get(&key(spec))
    }

    /// The variables of all passes.
    pub(super) fn variables(&self) -> impl Iterator<Item = &Ident> {
        self.tensors.iter().chain(self.values.values()).map(|name| &name.variable)
    }

    /// Names the values of a program that have no names yet: `conv1` for a layer's output, `dense1_input` for a copy, `softmax1_z` for
    /// an intermediate value of a layer, `conv1_gradient` for a gradient.
    fn program(&mut self, program: &Program, graph: &Graph, training: Option<&Training>) {
        let trains = training.is_some();
        for step in &program.steps {
            for (value, access) in step.values() {
                if !access.changes() || self.of_value(trains, value).is_some() {
                    continue;
                }
                let of = training.and_then(|training| training.gradients.get(&value));
                let preferred = match (of, step) {
                    (Some(of), _) if *of == graph.input => "images_gradient".to_owned(),
                    // An operation that updates the gradient of its output in place is preceded by a copy of that gradient, which may
                    // be elided.
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
                self.value(trains, value, &preferred);
            }
        }
    }

    fn value(&mut self, trains: bool, value: ValueId, preferred: &str) {
        let key = self.key(trains, value);
        if !self.values.contains_key(&key) {
            let name = self.name_both(preferred);
            self.values.insert(key, name);
        }
    }

    fn name_both(&mut self, preferred: &str) -> Name {
        Name { constant: self.unique(&preferred.to_uppercase()), variable: self.unique(&preferred.to_lowercase()) }
    }

    /// Reserves `preferred`, with a number appended if it is no identifier or in use: `dense1_gradient_2`. A layer in a block is called
    /// `block1.conv1`.
    fn unique(&mut self, preferred: &str) -> Ident {
        let preferred = &*preferred.replace('.', "_");
        // Converting the case of a letter may yield a character that identifiers cannot contain.
        let preferred = if netwright_grammar::is_name(preferred) { preferred } else { "layer" };
        let mut name = preferred.to_owned();
        for number in 2.. {
            if let Some(free) = identifier(&name, Span::call_site()).filter(|_| !self.taken.contains(&name)) {
                self.taken.insert(name);
                return free;
            }
            name = format!("{preferred}_{number}");
        }
        unreachable!("one of all numbers is free")
    }
}

/// A key that equal specs share; `Debug` prints floating-point values exactly.
fn key(spec: &Spec) -> String {
    format!("{spec:?}")
}

/// The name of a call's result that is no layer's output: `input` or `z` for a value that grows with the batch, otherwise the
/// operand's name in the table of kernels, such as `saved_mean`.
fn result(call: &KernelCall, value: ValueId, extent: Extent, trains: bool) -> &'static str {
    let index = call.operands.iter().position(|operand| operand.data == Data::Value(value));
    let operand = index.and_then(|index| call.kernel.operands().get(index)).copied();
    match (extent, operand) {
        (Extent::PerImage(_), _) if call.as_copy().is_some() => "input",
        (Extent::PerImage(_), _) | (_, None) => "z",
        (Extent::Prepared(_), Some("prepared")) if trains => "step_prepared",
        (_, Some(operand)) => operand,
    }
}

/// Whether a call copies a gradient of a value to another gradient of the same value.
fn is_copy_of_same(training: Option<&Training>, call: &KernelCall) -> bool {
    let of = |value| training.and_then(|training| training.gradients.get(&value));
    call.as_copy().is_some_and(|(from, to)| of(from).is_some() && of(from) == of(to))
}

/// The suffix for specs with an epilogue: `_add_relu`.
fn epilogue(spec: &Spec) -> String {
    let (accumulate, activation) = match spec.fields.iter().map(|(_, value)| value).next_back() {
        Some(Constant::Epilogue(epilogue)) => (epilogue.accumulate, epilogue.activation),
        Some(Constant::OptionalActivation(activation)) => (false, *activation),
        _ => (false, None),
    };
    let add = if accumulate { "_add" } else { "" };
    activation.map_or_else(|| add.to_owned(), |activation| format!("{add}_{}", activation.name()))
}
