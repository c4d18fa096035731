//! The passes as straight-line code of kernel calls.

use std::collections::BTreeMap;

use netwright_abi::Layout;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens as _, format_ident, quote};

use super::constants::{calls, in_workspace, scratch, size, sizes, slots};
use super::function::{Start, function, split, variable};
use super::names::{Name, Names};
use super::regions::{Buffer, Regions};
use super::{InBlocks, Planned};
use crate::graph::{Graph, Head, LayerId, ParameterKind, TensorId, ValueId};
use crate::kernel_call::{Access, Data, KernelCall, Operand, When};
use crate::passes::{BufferSlot, MemoryPlan, Source};
use crate::program::{Outside, Program, Step};

/// `prepare_part`, `predict_pass`, `forward_pass` and `backward_pass`; where needed also `prepare_step` and `predict_blocks`.
pub(super) fn functions(planned: &Planned<'_>, names: &Names, root: &TokenStream) -> TokenStream {
    let graph = planned.graph;
    let (predicting, predict_plan) = &planned.predicting;
    let (training, train_plan) = &planned.training;
    let (preparing, prepare_plan) = &planned.preparing;
    let owners = owners(graph);
    let owners = owners.as_slice();
    let predict =
        Writer { graph, owners, program: predicting, plan: predict_plan, names, root, pass: PassKind::Predict };
    let train = Writer { program: &training.program, plan: train_plan, pass: PassKind::Train, ..predict };
    let prepare = Writer { program: preparing, plan: prepare_plan, pass: PassKind::Prepare, ..predict };
    let preparation = prepare.parts();
    let step = &training.prepare;
    let prepare_step = Writer { program: step, plan: &planned.preparing_step, pass: PassKind::PrepareStep, ..predict };
    let prepare_step = (!step.steps.is_empty()).then(|| {
        let parameters =
            [("context", quote!(&Context<'_>)), ("parameters", quote!(&[T])), ("prepared", quote!(&mut [T]))];
        function(&quote!(fn prepare_step), &parameters, vec![], prepare_step.forward(step.steps.len()))
    });
    let slots = slots(predicting, predict_plan, names, false, in_workspace);
    let prediction = predict.forward(predicting.steps.len());
    let answer = predict.copy_out(graph.output, &quote!(outputs));
    let answer_as_logits = predict.answer_as_logits();
    let forward = train.forward(training.loss);
    let backward = train.backward(training.loss..training.program.steps.len());
    let input_gradient = match training.input_gradient {
        Some(gradient) => train.copy_out(gradient, &quote!(input_gradient)),
        None => quote!(input_gradient.fill(T::ZERO);),
    };
    let blocks = planned.blocks.as_ref().map(|blocks| predict.blocks(blocks));
    let context = || variable("context", quote!(&pass.context()));
    let functions = [
        function(
            &quote!(fn prepare_part),
            &[
                ("part", quote!(usize)),
                ("parameters", quote!(Tensors<'_, T>)),
                ("statistics", quote!(Tensors<'_, T>)),
                ("prepared", quote!(&mut [T])),
            ],
            vec![variable("context", quote!(&Context::of(0)))],
            preparation,
        ),
        function(
            &quote!(fn predict_pass<O: Observer<T>>),
            &[
                ("context", quote!(&Context<'_>)),
                ("weights", quote!(PredictionWeights<'_, T>)),
                ("images", quote!(&[T])),
                ("workspace", quote!(&mut [T])),
                ("outputs", quote!(&mut [T])),
                ("logits", quote!(&mut [T])),
                ("observer", quote!(&mut O)),
            ],
            predict.memory().into_iter().chain([variable("batch", quote!(context.batch))]).collect(),
            quote!(#slots #prediction #answer #answer_as_logits),
        ),
        function(
            &quote!(fn forward_pass<O: Observer<T>>),
            &[
                ("pass", quote!(&Pass)),
                ("parameters", quote!(&[T])),
                ("statistics", quote!(&mut [T])),
                ("prepared", quote!(&[T])),
                ("images", quote!(&[T])),
                ("workspace", quote!(&mut [T])),
                ("observer", quote!(&mut O)),
            ],
            [context()].into_iter().chain(train.memory()).chain([variable("batch", quote!(pass.batch))]).collect(),
            forward,
        ),
        function(
            &quote!(fn backward_pass<O: Observer<T>>),
            &[
                ("pass", quote!(&Pass)),
                ("seed", quote!(GradientSeed)),
                ("parameters", quote!(&[T])),
                ("prepared", quote!(&[T])),
                ("images", quote!(&[T])),
                ("workspace", quote!(&mut [T])),
                ("gradients", quote!(&mut [T])),
                ("input_gradient", quote!(&mut [T])),
                ("observer", quote!(&mut O)),
            ],
            [context()].into_iter().chain(train.memory()).chain([variable("batch", quote!(pass.batch))]).collect(),
            quote! {
                #backward
                if !input_gradient.is_empty() {
                    #input_gradient
                }
            },
        ),
    ];
    functions.into_iter().chain(prepare_step).chain(blocks).collect()
}

/// For each value that a node computes, the row it belongs to. Where a kernel computes several rows, this is the row whose output the
/// value is.
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

/// The pass that is emitted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PassKind {
    Prepare,
    /// The preparation of weights for all passes of a training step.
    PrepareStep,
    Predict,
    /// A prediction of whole blocks of images; the last block may contain more images than the caller passes.
    PredictBlocks,
    Train,
}

impl PassKind {
    /// Whether it belongs to a training step, whose gradients and other additional values have names of their own.
    fn trains(self) -> bool {
        matches!(self, Self::Train | Self::PrepareStep)
    }

    /// Whether it prepares weights; such passes are never observed.
    fn prepares(self) -> bool {
        matches!(self, Self::Prepare | Self::PrepareStep)
    }
}

#[derive(Clone, Copy)]
struct Writer<'a> {
    graph: &'a Graph,
    owners: &'a [Option<usize>],
    program: &'a Program,
    plan: &'a MemoryPlan,
    names: &'a Names,
    root: &'a TokenStream,
    pass: PassKind,
}

impl<'a> Writer<'a> {
    /// `predict_blocks`, which is never observed.
    fn blocks(&self, InBlocks { graph, program, plan, .. }: &InBlocks) -> TokenStream {
        let writer = Writer { graph, owners: &[], program, plan, pass: PassKind::PredictBlocks, ..*self };
        let slots = slots(program, plan, self.names, false, in_workspace);
        let prediction = writer.forward(program.steps.len());
        let answer = writer.copy_out(graph.output, &quote!(outputs));
        let answer_as_logits = writer.answer_as_logits();
        function(
            &quote!(fn predict_blocks),
            &[
                ("context", quote!(&Context<'_>)),
                ("weights", quote!(PredictionWeights<'_, T>)),
                ("images", quote!(&[T])),
                ("workspace", quote!(&mut [T])),
                ("outputs", quote!(&mut [T])),
                ("logits", quote!(&mut [T])),
            ],
            writer
                .memory()
                .into_iter()
                .chain([
                    variable("blocks", quote!(&context.of_blocks())),
                    variable("context", quote!(&context.in_whole_blocks())),
                    variable("batch", quote!(context.batch)),
                ])
                .collect(),
            quote!(#slots #prediction #answer #answer_as_logits),
        )
    }

    /// Splits the workspace into scratch memory for each thread and values, where a kernel needs scratch memory.
    fn memory(&self) -> Option<Start> {
        let scratch = match self.pass {
            PassKind::Predict => quote!(PREDICT_SCRATCH),
            PassKind::PredictBlocks => quote!(BLOCKS_SCRATCH),
            PassKind::Train => quote!(TRAIN_SCRATCH),
            PassKind::Prepare | PassKind::PrepareStep => return None,
        };
        self::scratch(self.program, self.names).map(|_| split(&quote!(#scratch * context.threads())))
    }

    /// Copies the output to the logits, where the network has no head.
    fn answer_as_logits(&self) -> Option<TokenStream> {
        (self.graph.head() == Head::Linear).then(|| {
            quote!(if !logits.is_empty() {
                logits.copy_from_slice(outputs);
            })
        })
    }

    /// Emits the first `steps` steps: kernel calls, each followed by the observation of values that it writes last; an elided copy is
    /// observed too. Before the head, the logits are copied for callers that request them.
    fn forward(&self, steps: usize) -> TokenStream {
        let steps = &self.program.steps[..steps];
        let mut last = BTreeMap::new();
        for (index, step) in steps.iter().enumerate() {
            last.extend(changed(step).map(|value| (value, index)));
        }
        let written = |(index, (step, elided)): (usize, (&Step, &bool))| {
            let call = match step {
                Step::Call(call) => call,
                Step::Outside { what: Outside::Logits, values } => {
                    let copies = values.iter().map(|(value, _)| self.copy_out(*value, &quote!(logits)));
                    return quote!(if !logits.is_empty() { #(#copies)* });
                }
                Step::Outside { .. } => return TokenStream::new(),
            };
            let statement = (!elided).then(|| self.call(index, call));
            let whole = changed(step).filter(|value| last.get(value) == Some(&index) && !self.pass.prepares());
            let seen: TokenStream = whole.filter_map(|value| self.computed(value)).collect();
            quote!(#statement #seen)
        };
        steps.iter().zip(&self.plan.elided).enumerate().map(written).collect()
    }

    /// The body of `prepare_part`: one call per part.
    fn parts(&self) -> TokenStream {
        let calls = calls(&self.program.steps, &self.plan.elided).enumerate().map(|(part, (index, call))| {
            let (part, statement) = (size(part), self.call(index, call));
            quote!(#part => { #statement })
        });
        let calls: Vec<TokenStream> = calls.collect();
        if calls.is_empty() { TokenStream::new() } else { quote!(match part { #(#calls)* _ => {} }) }
    }

    /// Reports the value of a layer to the observer.
    fn computed(&self, value: ValueId) -> Option<TokenStream> {
        let owner = size((*self.owners.get(value.0)?)?);
        let range = self.range(value)?;
        Some(quote!(computed(observer, #owner, workspace, #range);))
    }

    /// Emits kernel calls of the backward pass. An observer sees the gradient of a layer's output before the calls of that layer.
    /// Consecutive calls with the same condition share one block.
    fn backward(&self, steps: std::ops::Range<usize>) -> TokenStream {
        let mut statements: Vec<(When, TokenStream)> = Vec::new();
        let mut write = |when: When, statement: TokenStream| match statements.last_mut() {
            Some((last, block)) if *last == when => block.extend(statement),
            _ => statements.push((when, statement)),
        };
        let has_run = |layer: LayerId| {
            let layer = size(layer.0);
            quote!(Observer::propagated(observer, #layer);)
        };
        let mut running: Option<LayerId> = None;
        for (index, step) in self.program.steps[..steps.end].iter().enumerate().skip(steps.start) {
            match step {
                Step::Call(call) if !self.plan.elided[index] => {
                    if let Some(layer) = running.replace(call.layer).filter(|layer| *layer != call.layer) {
                        write(When::Always, has_run(layer));
                    }
                    write(call.when, self.statement(index, call));
                }
                Step::Outside { what: Outside::LayerGradient(LayerId(layer), when), values } => {
                    let layer = size(*layer);
                    let ranges = values.iter().filter_map(|(value, _)| self.range(*value));
                    let seen = quote!(#(gradient(observer, #layer, workspace, #ranges);)*);
                    if !seen.is_empty() {
                        running.take().into_iter().for_each(|layer| write(When::Always, has_run(layer)));
                        write(*when, seen);
                    }
                }
                _ => {}
            }
        }
        running.into_iter().for_each(|layer| write(When::Always, has_run(layer)));
        statements.into_iter().map(|(when, statement)| guarded(when, statement)).collect()
    }

    /// The call of a step, guarded by its condition.
    fn call(&self, step: usize, call: &KernelCall) -> TokenStream {
        guarded(call.when, self.statement(step, call))
    }

    /// The call of a step, without its condition.
    fn statement(&self, step: usize, call: &KernelCall) -> TokenStream {
        let mut regions = Regions::default();
        let fused = call.fused.map(|fused| Data::Gradient(fused.weights));
        let operand = |&Operand { data, access }: &Operand| match self.plan.sources[step] {
            Some(Source { value, is_observed, .. }) if access == Access::Source => {
                let source = self.operand(Data::Value(value), access, &mut regions);
                if is_observed { quote!(unless_observed(observer, #source)) } else { source }
            }
            _ => {
                let tokens = self.operand(data, access, &mut regions);
                if fused == Some(data) { quote!(unless_fused(pass, #tokens)) } else { tokens }
            }
        };
        let operands: Vec<TokenStream> = call.operands.iter().map(operand).collect();
        let pass = call.kernel.takes_pass.then(|| self.pass(call)).into_iter();
        let scratch = call.kernel.has_scratch.then(|| quote!(scratch)).into_iter();
        let bindings = regions.bindings();
        let kernel = format_ident!("{}", call.kernel.name);
        let sizes = self.names.known_spec(&call.spec);
        let context = match call.layout {
            Layout::ChannelsLast => quote!(context),
            Layout::ImagesInLanes => quote!(blocks),
        };
        let operands: Vec<TokenStream> = pass.chain(operands).chain(scratch).collect();
        let called = match self.names.known_type(&call.spec).filter(|_| call.constant_sizes) {
            Some(name) => {
                let module = format_ident!("{}", call.kernel.module);
                let root = self.root;
                quote!(#root::private::compiled_for!(#name, #module::#kernel(#context, &#sizes, #(#operands),*));)
            }
            None => quote!(<T as Kernels>::#kernel(#context, &#sizes, #(#operands),*);),
        };
        let called = self.unless_frozen(call, quote!(#bindings #called));
        if self.plan.for_observers[step] { quote!(if <O as Observer<T>>::LOOKS { #called }) } else { called }
    }

    /// The pass as a kernel's argument.
    fn pass(&self, call: &KernelCall) -> TokenStream {
        match call.owner {
            Some(LayerId(row)) if self.graph.layers[row].frozen => quote!(&pass.in_frozen_layer()),
            Some(LayerId(row)) => {
                let row = size(row);
                quote!(&pass.in_layer(#row))
            }
            None => quote!(pass),
        }
    }

    /// Skips a call that only updates gradients of weights where the pass freezes the layers that own them.
    fn unless_frozen(&self, call: &KernelCall, statement: TokenStream) -> TokenStream {
        let mut rows = Vec::new();
        for operand in call.operands.iter().filter(|operand| operand.access.changes()) {
            match operand.data {
                Data::Gradient(tensor) => rows.push(self.graph.tensors[tensor.0].layer.0),
                Data::Absent => {}
                _ => return statement,
            }
        }
        rows.dedup();
        let rows: Vec<Literal> = sizes(&rows).collect();
        if rows.is_empty() { statement } else { quote!(if #(pass.trains(#rows))||* { #statement }) }
    }

    fn operand(&self, data: Data, access: Access, regions: &mut Regions<'a>) -> TokenStream {
        let tensor = |id: TensorId| {
            let (Name { constant, variable }, tensor) = (self.names.of_tensor(id), &self.graph.tensors[id.0]);
            (constant.to_token_stream(), variable, (BufferSlot::Fixed(tensor.offset), tensor.len()), tensor.kind)
        };
        match data {
            Data::Absent if !access.changes() => quote!(&[]),
            Data::Absent => quote!(&mut []),
            Data::Value(value) => match (self.address(value), self.pass) {
                (
                    Some(Address { buffer: Buffer::Prepared, range, .. }),
                    PassKind::Predict | PassKind::PredictBlocks,
                ) => {
                    quote!(weights.prepared(#range))
                }
                (Some(Address { buffer: Buffer::Prepared, range, .. }), PassKind::Train) => {
                    quote!(given(prepared, #range))
                }
                (Some(Address { buffer, at, range, variable }), _) => regions.bind(buffer, at, range, variable),
                (None, _) => quote!(images),
            },
            Data::Tensor(id) => match (tensor(id), self.pass) {
                ((range, variable, at, ParameterKind::Statistic), PassKind::Train) => {
                    regions.bind(Buffer::Statistics, at, range, variable)
                }
                ((range, _, _, kind), PassKind::Predict | PassKind::PredictBlocks) => match kind {
                    ParameterKind::Statistic => quote!(weights.statistics(#range)),
                    _ => quote!(weights.parameters(#range)),
                },
                ((range, _, _, kind), PassKind::Prepare) => match kind {
                    ParameterKind::Statistic => quote!(statistics.at(#range)),
                    _ => quote!(parameters.at(#range)),
                },
                ((range, ..), _) => quote!(&parameters[#range]),
            },
            Data::Gradient(id) => {
                let (range, variable, at, _) = tensor(id);
                regions.bind(Buffer::Gradients, at, range, variable)
            }
        }
    }

    /// The address of a value; `None` where it is in the caller's images or the program never accesses it.
    fn address(&self, value: ValueId) -> Option<Address<'a>> {
        let Name { constant, variable } = self.names.of_value(self.pass.trains(), value)?;
        let slot = self.plan.slots[value.0]?;
        let (buffer, range) = match slot {
            BufferSlot::Images => return None,
            BufferSlot::Fixed(_) => (Buffer::Workspace, quote!(#constant)),
            BufferSlot::PerImage(_) => (Buffer::Workspace, quote!(#constant.range(batch))),
            BufferSlot::Prepared(_) => (Buffer::Prepared, quote!(#constant)),
        };
        Some(Address { buffer, at: (slot, self.program.values[value.0].extent.len()), range, variable })
    }

    /// The range of a value in the workspace after the scratch memory; `None` if it is elsewhere.
    fn range(&self, value: ValueId) -> Option<TokenStream> {
        self.address(value).filter(|address| address.buffer == Buffer::Workspace).map(|address| address.range)
    }

    /// Copies a value to the caller's slice.
    fn copy_out(&self, value: ValueId, to: &TokenStream) -> TokenStream {
        match self.range(value) {
            Some(range) if self.pass == PassKind::PredictBlocks => {
                quote!(#to.copy_from_slice(&workspace[#range][..#to.len()]);)
            }
            Some(range) => quote!(#to.copy_from_slice(&workspace[#range]);),
            None => quote!(#to.copy_from_slice(images);),
        }
    }
}

/// The values that a step writes.
fn changed(step: &Step) -> impl Iterator<Item = ValueId> {
    step.values().into_iter().filter(|(_, access)| access.changes()).map(|(value, _)| value)
}

/// The statement, guarded by its condition.
fn guarded(when: When, statement: TokenStream) -> TokenStream {
    match when {
        When::Always => statement,
        When::InputGradientWanted => quote!(if !input_gradient.is_empty() { #statement }),
        When::SeededAtOutput => quote!(if seed == GradientSeed::Output { #statement }),
    }
}

/// The address of a value, and the variable that borrows it.
struct Address<'n> {
    buffer: Buffer,
    at: (BufferSlot, usize),
    range: TokenStream,
    variable: &'n Ident,
}
