//! The three passes as straight lines of kernel calls.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use netwright_abi::{Activation, Epilogue};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::Planned;
use crate::graph::{Graph, Head, LayerId, Role, TensorId, ValueId};
use crate::kernel_call::{Access, Constant, Data, KernelCall, Spec, When};
use crate::passes::{Place, Plan};
use crate::program::{Outside, Program, Step};

/// The distinct specs of a network: each becomes one constant, however many layers share it.
#[derive(Debug, Default)]
pub(super) struct Specs {
    /// In the order in which they are met.
    all: Vec<Spec>,
    /// The place of each, by all that it holds as text.
    places: HashMap<String, usize>,
}

impl Specs {
    pub(super) fn collect(planned: &Planned<'_>) -> Self {
        let (predicting, predict_plan) = &planned.predicting;
        let (training, train_plan) = &planned.training;
        let mut specs = Self::default();
        let (preparing, prepare_plan) = &planned.preparing;
        let calls = calls(&preparing.steps, prepare_plan)
            .chain(calls(&predicting.steps, predict_plan))
            .chain(calls(&training.program.steps, train_plan));
        for call in calls {
            if let Entry::Vacant(place) = specs.places.entry(key(&call.spec)) {
                place.insert(specs.all.len());
                specs.all.push(call.spec.clone());
            }
        }
        specs
    }

    fn name(&self, spec: &Spec) -> Ident {
        let index = self.places.get(&key(spec)).copied().unwrap_or(self.all.len());
        format_ident!("{}_{}", spec.module.to_uppercase(), index + 1)
    }

    pub(super) fn constants(&self, root: &TokenStream) -> TokenStream {
        self.all
            .iter()
            .map(|spec| {
                let (name, module) = (self.name(spec), format_ident!("{}", spec.module));
                let fields = spec.fields.iter().map(|(name, value)| {
                    let (name, value) = (format_ident!("{name}"), constant(value, root));
                    quote!(#name: #value)
                });
                quote! {
                    const #name: #root::private::kernels::#module::Spec =
                        #root::private::kernels::#module::Spec { #(#fields),* };
                }
            })
            .collect()
    }

    /// The most scratch memory that any call of a program wants.
    pub(super) fn scratch(&self, steps: &[Step], root: &TokenStream) -> TokenStream {
        let mut known: HashSet<(&str, Ident)> = HashSet::new();
        let sizes = steps.iter().filter_map(|step| {
            let Step::Call(KernelCall { kernel, spec, .. }) = step else { return None };
            let name = self.name(spec);
            if !kernel.has_scratch || !known.insert((kernel.name, name.clone())) {
                return None;
            }
            let (module, function) = (format_ident!("{}", kernel.module), format_ident!("{}_scratch", kernel.name));
            Some(quote!(#root::private::kernels::#module::#function(&#name)))
        });
        quote!(#root::private::largest(&[#(#sizes),*]))
    }
}

/// Specs of one content have one key; `Debug` writes floating-point numbers to the last bit.
fn key(spec: &Spec) -> String {
    format!("{spec:?}")
}

fn constant(constant: &Constant, root: &TokenStream) -> TokenStream {
    match *constant {
        Constant::Size(size) => quote!(#size),
        Constant::Sizes(ref sizes) => quote!([#(#sizes),*]),
        Constant::Pairs(ref pairs) => {
            let pairs = pairs.iter().map(|[first, second]| quote!([#first, #second]));
            quote!(&[#(#pairs),*])
        }
        Constant::Reals(ref values) => quote!(&[#(#values),*]),
        Constant::OptionalSize(None) => quote!(#root::private::core::option::Option::None),
        Constant::OptionalSize(Some(size)) => quote!(#root::private::core::option::Option::Some(#size)),
        Constant::Key(key) => quote!(#key),
        Constant::Real(value) => quote!(#value),
        Constant::Activation(function) => activation(function, root),
        Constant::OptionalActivation(function) => optional_activation(function, root),
        Constant::Epilogue(Epilogue { accumulate, activation }) => {
            let activation = optional_activation(activation, root);
            quote!(#root::private::Epilogue { accumulate: #accumulate, activation: #activation })
        }
    }
}

/// A variant of an enum of the shared vocabulary, with its constant where it has one.
pub(super) fn variant((name, constant): (&str, Option<f64>)) -> TokenStream {
    let name = format_ident!("{name}");
    let constant = constant.map(|value| quote!((#value)));
    quote!(#name #constant)
}

fn activation(function: Activation, root: &TokenStream) -> TokenStream {
    let variant = variant(function.parts());
    quote!(#root::private::Activation::#variant)
}

pub(super) fn optional_activation(function: Option<Activation>, root: &TokenStream) -> TokenStream {
    match function {
        Some(function) => {
            let activation = activation(function, root);
            quote!(#root::private::core::option::Option::Some(#activation))
        }
        None => quote!(#root::private::core::option::Option::None),
    }
}

fn calls<'a>(steps: &'a [Step], plan: &'a Plan) -> impl Iterator<Item = &'a KernelCall> {
    steps.iter().zip(&plan.elided).filter_map(|(step, elided)| match step {
        Step::Call(call) if !elided => Some(call),
        _ => None,
    })
}

/// `predict_pass`, `forward_pass` and `backward_pass`.
pub(super) fn functions(planned: &Planned<'_>, specs: &Specs, root: &TokenStream) -> TokenStream {
    let graph = &planned.lowered.graph;
    let (predicting, predict_plan) = &planned.predicting;
    let (training, train_plan) = &planned.training;
    let (preparing, prepare_plan) = &planned.preparing;
    let (owners, statistics_change) = (owners(graph), false);
    let predict = Writer {
        graph,
        owners: &owners,
        program: predicting,
        plan: predict_plan,
        specs,
        root,
        statistics_change,
        preparing: false,
    };
    let train = Writer { program: &training.program, plan: train_plan, statistics_change: true, ..predict };
    let prepare = Writer { program: preparing, plan: prepare_plan, preparing: true, ..predict };
    let preparation = prepare.forward(0..preparing.steps.len());
    let prediction = predict.forward(0..predicting.steps.len());
    let answer = predict.copy_out(graph.output, &quote!(outputs));
    let answer_as_logits = (graph.head() == Head::Linear).then(|| {
        quote!(if !logits.is_empty() {
            logits.copy_from_slice(outputs);
        })
    });
    let forward = train.forward(0..training.loss);
    let backward = train.backward(training.loss..training.program.steps.len());
    let input_gradient = match training.input_gradient {
        Some(gradient) => train.copy_out(gradient, &quote!(input_gradient)),
        None => quote!(input_gradient.fill(T::ZERO);),
    };
    quote! {
        fn prepare(parameters: &[T], statistics: &[T], prepared: &mut [T]) {
            let context = &#root::private::Context::of(0);
            let _ = (context, parameters, statistics, &prepared);
            #preparation
        }

        fn predict_pass<O: #root::private::Observer<T>>(
            context: &#root::private::Context<'_>,
            parameters: &[T],
            statistics: &[T],
            prepared: &[T],
            images: &[T],
            workspace: &mut [T],
            outputs: &mut [T],
            logits: &mut [T],
            observer: &mut O,
        ) {
            let (scratch, workspace) = workspace.split_at_mut(PREDICT_SCRATCH * context.threads());
            let _ = (context, parameters, statistics, prepared, images, &scratch, &workspace, &logits, &observer);
            #prediction
            #answer
            #answer_as_logits
        }

        fn forward_pass<O: #root::private::Observer<T>>(
            pass: &#root::private::Pass,
            parameters: &[T],
            statistics: &mut [T],
            images: &[T],
            workspace: &mut [T],
            observer: &mut O,
        ) {
            let context = &pass.context();
            let (scratch, workspace) = workspace.split_at_mut(TRAIN_SCRATCH * context.threads());
            let _ = (context, parameters, &statistics, images, &scratch, &workspace, &observer);
            #forward
        }

        fn backward_pass<O: #root::private::Observer<T>>(
            pass: &#root::private::Pass,
            seed: #root::private::GradientSeed,
            parameters: &[T],
            images: &[T],
            workspace: &mut [T],
            gradients: &mut [T],
            input_gradient: &mut [T],
            observer: &mut O,
        ) {
            let context = &pass.context();
            let (scratch, workspace) = workspace.split_at_mut(TRAIN_SCRATCH * context.threads());
            let _ = (context, seed, parameters, images, &scratch, &workspace, &gradients, &observer);
            #backward
            if !input_gradient.is_empty() {
                #input_gradient
            }
        }
    }
}

/// For each value of the graph that a node computes, the row whose it is. Where a kernel does the work of several rows, it is the
/// one that the value is the output of.
fn owners(graph: &Graph) -> Vec<Option<usize>> {
    let mut owners = vec![None; graph.values.len()];
    for (index, layer) in graph.layers.iter().enumerate().rev() {
        owners[layer.output.0] = Some(index);
    }
    for node in &graph.nodes {
        let owner = &mut owners[node.output.0];
        if owner.is_none() || graph.layers[node.layer.0].output == node.output {
            *owner = Some(node.layer.0);
        }
    }
    owners
}

#[derive(Clone, Copy)]
struct Writer<'a> {
    graph: &'a Graph,
    owners: &'a [Option<usize>],
    program: &'a Program,
    plan: &'a Plan,
    specs: &'a Specs,
    root: &'a TokenStream,
    statistics_change: bool,
    /// Whether what is prepared is written.
    preparing: bool,
}

impl Writer<'_> {
    /// Calls of kernels, and after each what an observer may see: also after a copy that is left out. Before the head's, the logits are
    /// copied for who wants them.
    fn forward(&self, steps: std::ops::Range<usize>) -> TokenStream {
        let elided = &self.plan.elided[steps.clone()];
        let written = |(step, elided): (&Step, &bool)| {
            let call = match step {
                Step::Call(call) => call,
                Step::Outside { what: Outside::Logits, values } => {
                    let copies = values.iter().map(|(value, _)| self.copy_out(*value, &quote!(logits)));
                    return quote!(if !logits.is_empty() { #(#copies)* });
                }
                Step::Outside { .. } => return TokenStream::new(),
            };
            let statement = (!elided).then(|| self.call(call));
            let values = call.values().filter(|(_, access)| *access != Access::Read && !self.preparing);
            let seen: TokenStream = values.filter_map(|(value, _)| self.computed(value)).collect();
            quote!(#statement #seen)
        };
        self.program.steps[steps].iter().zip(elided).map(written).collect()
    }

    /// Tells an observer that a value of a layer has been computed.
    fn computed(&self, value: ValueId) -> Option<TokenStream> {
        let root = self.root;
        let owner = (*self.owners.get(value.0)?)?;
        let Some(Address::Workspace(range)) = self.address(value) else { return None };
        Some(quote!(#root::private::computed(observer, #owner, workspace, #range);))
    }

    /// Calls of kernels; before those of a layer an observer may see the gradient of its output.
    fn backward(&self, steps: std::ops::Range<usize>) -> TokenStream {
        let root = self.root;
        let elided = &self.plan.elided[steps.clone()];
        let written = |(step, elided): (&Step, &bool)| match step {
            Step::Call(call) if !elided => {
                let (statement, layer) = (self.call(call), call.layer.0);
                quote!(#statement #root::private::Observer::propagated(observer, #layer);)
            }
            Step::Outside { what: Outside::LayerGradient(LayerId(layer), when), values } => {
                let ranges = values.iter().filter_map(|(value, _)| self.range(*value));
                let seen = quote!(#(#root::private::gradient(observer, #layer, workspace, #ranges);)*);
                self.guarded(*when, &seen)
            }
            _ => TokenStream::new(),
        };
        self.program.steps[steps].iter().zip(elided).map(written).collect()
    }

    fn call(&self, call: &KernelCall) -> TokenStream {
        let root = self.root;
        let mut regions = Regions::default();
        let operands: Vec<TokenStream> =
            call.operands.iter().map(|operand| self.operand(operand.data, operand.access, &mut regions)).collect();
        let pass = call.kernel.takes_pass.then(|| self.pass(call)).into_iter();
        let scratch = call.kernel.has_scratch.then(|| quote!(scratch)).into_iter();
        let bindings = regions.bindings(root);
        let kernel = format_ident!("{}", call.kernel.name);
        let spec = self.specs.name(&call.spec);
        let operands = pass.chain(operands).chain(scratch);
        let statement = quote! {
            #bindings
            <T as #root::private::Kernels>::#kernel(context, &#spec, #(#operands),*);
        };
        let statement = self.unless_frozen(call, statement);
        self.guarded(call.when, &statement)
    }

    /// The pass as a kernel is told it.
    fn pass(&self, call: &KernelCall) -> TokenStream {
        match call.owner {
            Some(LayerId(row)) if self.graph.layers[row].frozen => quote!(&pass.in_frozen_layer()),
            Some(LayerId(row)) => quote!(&pass.in_layer(#row)),
            None => quote!(pass),
        }
    }

    /// A call that changes gradients of weights alone is not made where a pass freezes the layers that have them.
    fn unless_frozen(&self, call: &KernelCall, statement: TokenStream) -> TokenStream {
        let mut rows = Vec::new();
        for operand in call.operands.iter().filter(|operand| operand.access != Access::Read) {
            match operand.data {
                Data::Gradient(tensor) => rows.push(self.graph.tensors[tensor.0].layer.0),
                Data::Absent => {}
                _ => return statement,
            }
        }
        rows.dedup();
        if rows.is_empty() { statement } else { quote!(if #(pass.trains(#rows))||* { #statement }) }
    }

    fn guarded(&self, when: When, statement: &TokenStream) -> TokenStream {
        let root = self.root;
        match when {
            When::Always => quote!({ #statement }),
            When::InputGradientWanted => quote!(if !input_gradient.is_empty() { #statement }),
            When::SeededAtOutput => {
                quote!(if #root::private::core::matches!(seed, #root::private::GradientSeed::Output) { #statement })
            }
        }
    }

    fn operand(&self, data: Data, access: Access, regions: &mut Regions) -> TokenStream {
        match data {
            Data::Absent if access == Access::Read => quote!(&[]),
            Data::Absent => quote!(&mut []),
            Data::Value(value) => match self.address(value) {
                None | Some(Address::Images) => quote!(images),
                Some(Address::Workspace(range)) => regions.bind(Buffer::Workspace, range),
                Some(Address::Prepared(range)) if self.preparing => regions.bind(Buffer::Prepared, range),
                Some(Address::Prepared(range)) => quote!(&prepared[#range]),
            },
            Data::Tensor(tensor) => {
                let range = self.tensor_range(tensor);
                match self.graph.tensors[tensor.0].role {
                    Role::Statistic if self.statistics_change => regions.bind(Buffer::Statistics, range),
                    Role::Statistic => quote!(&statistics[#range]),
                    _ => quote!(&parameters[#range]),
                }
            }
            Data::Gradient(tensor) => regions.bind(Buffer::Gradients, self.tensor_range(tensor)),
        }
    }

    fn tensor_range(&self, tensor: TensorId) -> TokenStream {
        let tensor = &self.graph.tensors[tensor.0];
        let (start, end) =
            (Literal::usize_unsuffixed(tensor.offset), Literal::usize_unsuffixed(tensor.offset + tensor.len()));
        quote!(#start..#end)
    }

    /// Where a value lies; nowhere, where the program never touches it.
    fn address(&self, value: ValueId) -> Option<Address> {
        let (root, len, fixed) = (self.root, self.program.values[value.0].extent.len(), self.plan.fixed);
        let range = |offset: usize| {
            let end = offset + len;
            quote!(#offset..#end)
        };
        Some(match self.plan.places[value.0]? {
            Place::Images => Address::Images,
            Place::Fixed(offset) => Address::Workspace(range(offset)),
            Place::PerImage(offset) => {
                Address::Workspace(quote!(#root::private::region(#fixed, context.batch, #offset, #len)))
            }
            Place::Prepared(offset) => Address::Prepared(range(offset)),
        })
    }

    /// The range of a value in the workspace after its scratch, where it lies there.
    fn range(&self, value: ValueId) -> Option<TokenStream> {
        match self.address(value)? {
            Address::Workspace(range) => Some(range),
            Address::Images | Address::Prepared(_) => None,
        }
    }

    /// Copies a value to a slice of the caller.
    fn copy_out(&self, value: ValueId, to: &TokenStream) -> TokenStream {
        match self.range(value) {
            Some(range) => quote!(#to.copy_from_slice(&workspace[#range]);),
            None => quote!(#to.copy_from_slice(images);),
        }
    }
}

/// Where a value lies.
enum Address {
    /// Among the images.
    Images,
    /// In this range of the workspace after its scratch.
    Workspace(TokenStream),
    /// In this range of what was prepared of the weights.
    Prepared(TokenStream),
}

/// Which buffer an operand is borrowed from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Buffer {
    Workspace,
    Gradients,
    Statistics,
    Prepared,
}

impl Buffer {
    fn name(self) -> Ident {
        match self {
            Self::Workspace => format_ident!("workspace"),
            Self::Gradients => format_ident!("gradients"),
            Self::Statistics => format_ident!("statistics"),
            Self::Prepared => format_ident!("prepared"),
        }
    }
}

/// The regions that one call borrows from each buffer at the same time.
#[derive(Default)]
struct Regions(Vec<(Buffer, String, TokenStream, Ident)>);

impl Regions {
    fn bind(&mut self, buffer: Buffer, range: TokenStream) -> TokenStream {
        let text = range.to_string();
        if let Some((.., name)) = self.0.iter().find(|(known, other, ..)| *known == buffer && *other == text) {
            return quote!(#name);
        }
        let name = format_ident!("v{}", self.0.len());
        self.0.push((buffer, text, range, name.clone()));
        quote!(#name)
    }

    fn bindings(&self, root: &TokenStream) -> TokenStream {
        [Buffer::Workspace, Buffer::Gradients, Buffer::Statistics, Buffer::Prepared]
            .into_iter()
            .filter_map(|buffer| {
                let bound: Vec<_> = self.0.iter().filter(|(known, ..)| *known == buffer).collect();
                if bound.is_empty() {
                    return None;
                }
                let names = bound.iter().map(|(.., name)| name);
                let ranges = bound.iter().map(|(_, _, range, _)| range);
                let buffer = buffer.name();
                Some(quote!(let [#(#names),*] = #root::private::disjoint(#buffer, [#(#ranges),*]);))
            })
            .collect()
    }
}
