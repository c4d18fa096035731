//! The documentation that an editor shows for each word of the text. rust-analyzer maps a word to every emitted token with its span,
//! and shows the documentation of each. Each word is therefore emitted as a path to its documentation in the facade's `words`, and
//! again as an item that documents the result of the word in this network.
//!
//! To complete a word, rust-analyzer expands the macro again with a placeholder word at the cursor, and looks up the same position in
//! the first expansion. The first tokens therefore do not depend on shapes, and contain a path of the same kind wherever a word may be
//! typed.

mod expected;
mod facts;

use std::collections::BTreeMap;

use netwright_grammar::{Atom, AtomKind, Block, Body, Expression, ExpressionKind, File, Item, Name, Span as Bytes};

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use self::expected::{Asks, Names, Owner, expected};
use super::Context;
use crate::layers::{self, NETWORK, SHARED, STRUCTURE_NAMES};
use crate::lower::{Lowered, Made};
use crate::words::{Argument, OptionWord, RustName, rust_name};

/// The words of a file, as items for an editor.
pub(crate) fn words(file: &File, networks: &[Lowered<'_>], context: &Context<'_>) -> TokenStream {
    let mut made = BTreeMap::<Bytes, Vec<(&str, &Made)>>::new();
    for network in networks {
        for word in &network.made {
            made.entry(word.written).or_default().push((&network.syntax.name.text, word));
        }
    }
    let blocks = file.items.iter().enumerate().filter_map(|(index, item)| match item {
        Item::Block(block) => Some((module_of(index), block)),
        Item::Network(_) | Item::Foreign(_) => None,
    });
    let mut writer = Writer { context, made, blocks: blocks.collect(), ..Writer::new(context) };
    for (index, item) in file.items.iter().enumerate() {
        writer.item(index, item);
    }
    writer.finish()
}

struct Writer<'a> {
    context: &'a Context<'a>,
    made: BTreeMap<Bytes, Vec<(&'a str, &'a Made)>>,
    /// The blocks, each with the module of the names it defines.
    blocks: Vec<(Ident, &'a Block)>,
    /// The names defined in the text: one module per item.
    modules: TokenStream,
    slots: TokenStream,
    facts: TokenStream,
    known: TokenStream,
    count: usize,
}

/// The module of the names that an item of the text defines.
fn module_of(index: usize) -> Ident {
    format_ident!("item{index}")
}

impl<'a> Writer<'a> {
    fn new(context: &'a Context<'a>) -> Self {
        Self {
            context,
            made: BTreeMap::new(),
            blocks: Vec::new(),
            modules: TokenStream::new(),
            slots: TokenStream::new(),
            facts: TokenStream::new(),
            known: TokenStream::new(),
            count: 0,
        }
    }

    fn finish(self) -> TokenStream {
        let Self { context, modules, slots, facts, known, .. } = &self;
        let root = context.root;
        let blocks = self.blocks.iter().filter_map(|(_, block)| {
            let (name, docs) = (self.identifier(&block.name)?, facts::block(block, self.context.source));
            let text = quote!(&'static #root::private::core::primitive::str);
            Some((quote!(#[doc = #docs] pub struct #name;), quote!(#[doc = #docs] const #name: #text = "";)))
        });
        let (definitions, calls): (Vec<_>, Vec<_>) = blocks.unzip();
        quote! {
            #[allow(warnings)]
            const _: () = {
                mod heads {
                    pub use #root::words::completion::heads::*;
                    #(#definitions)*
                }
                mod after { pub use #root::words::completion::after::*; }
                mod network { pub use #root::words::completion::network::*; }
                mod options { pub use #root::words::*; }
                mod init { pub use #root::words::completion::__; pub use #root::words::init::*; }
                trait Calls { #(#calls)* }
                #modules
                #slots
                #facts
                #known
            };
        }
    }

    fn item(&mut self, index: usize, item: &Item) {
        let module = module_of(index);
        let mut names = Names { module, parameters: BTreeMap::new(), taps: BTreeMap::new(), layers: BTreeMap::new() };
        let body = match item {
            Item::Block(block) => {
                for parameter in &block.parameters {
                    let docs = format!("A parameter of the block `{}`.", block.name.text);
                    if let Some(name) = self.identifier(&parameter.name) {
                        names.parameters.insert(parameter.name.text.clone(), quote!(#[doc = #docs] pub struct #name;));
                    }
                }
                let keyword = Bytes::new(block.header.start, block.header.start + "block".len());
                if self.context.source.get(keyword.range()) == Some("block") {
                    self.word_of_the_language("block", keyword);
                }
                &block.body
            }
            Item::Foreign(_) => return,
            Item::Network(network) => {
                for atom in network.input.iter().flatten() {
                    self.numbers(atom, &names);
                }
                self.network_options(&network.options);
                &network.body
            }
        };
        if let Item::Block(block) = item {
            for default in block.parameters.iter().filter_map(|parameter| parameter.default.as_ref()) {
                self.expression(default, &names);
            }
        }
        collect_names(self, body, &mut names);
        self.body(body, &names);
        let (module, root) = (&names.module, self.context.root);
        let (parameters, taps, layers) = (names.parameters.values(), names.taps.values(), names.layers.values());
        self.modules.extend(quote! {
            mod #module {
                pub mod parameters { pub use #root::words::completion::__; #(#parameters)* }
                pub mod taps { pub use #root::words::completion::__; #(#taps)* }
                pub mod layers { pub use #root::words::completion::__; #(#layers)* }
            }
        });
    }

    /// The options between a network's parentheses and its braces.
    fn network_options(&mut self, atoms: &[Atom]) {
        let root = self.context.root;
        let mut before: Option<&OptionWord> = None;
        let module = |before: Option<&OptionWord>| match before.map(|option| format_ident!("{}", option.name)) {
            Some(option) => quote!(options::#option),
            None => quote!(network),
        };
        for atom in atoms {
            let (from, asks) = (module(before), before.take());
            let mut unknown = None;
            if let AtomKind::Word(word) = &atom.kind {
                let option = NETWORK.iter().find(|option| option.name == word);
                let is_choice = matches!(asks.map(|option| option.argument), Some(Argument::OneOf(choices))
                    if choices.iter().any(|choice| choice.name == word));
                match (asks, option) {
                    (Some(_), _) if is_choice => self.name(word, atom.span, &from),
                    (None, Some(_)) => self.name(word, atom.span, &quote!(#root::words)),
                    _ => unknown = Some((word.as_str(), atom.span)),
                }
                before = option.filter(|_| asks.is_none());
            }
            self.slot(&from, unknown);
        }
        self.slot(&module(before), None);
    }

    fn body(&mut self, body: &Body, names: &Names) {
        for stage in &body.stages {
            self.stage(&stage.atoms, names);
        }
        self.slot(&quote!(heads), None);
    }

    fn stage(&mut self, atoms: &[Atom], names: &Names) {
        let mut owners: Vec<Owner<'_>> = Vec::new();
        let mut before: Option<&str> = None;
        let mut called: Option<&str> = None;
        for atom in atoms {
            let (module, asks) = expected(before.take(), &owners, names);
            let AtomKind::Word(word) = &atom.kind else {
                self.slot(&module, None);
                match (&atom.kind, called.take()) {
                    (AtomKind::Parentheses(arguments), Some(block)) => self.arguments(arguments, block, names),
                    _ => self.numbers(atom, names),
                }
                continue;
            };
            let joins = matches!(owners.as_slice(), [Owner::Structure("add" | "concat" | "mul")]);
            let is_known = match asks {
                Asks::NewName => true,
                Asks::NameIn(_) | Asks::OneOf(_) => {
                    let is_known = match asks {
                        Asks::NameIn(known) => known(names, word),
                        Asks::OneOf(choices) => choices.iter().any(|choice| choice.name == word),
                        Asks::NewName | Asks::Word => false,
                    };
                    if is_known {
                        self.name(word, atom.span, &module);
                    }
                    is_known
                }
                Asks::Word if joins && names.taps.contains_key(word) => {
                    let item = &names.module;
                    self.name(word, atom.span, &quote!(#item::taps));
                    true
                }
                Asks::Word => {
                    (before, called) = (Some(word.as_str()), Some(word.as_str()));
                    self.word(word, atom.span, &mut owners)
                }
            };
            self.slot(&module, (!is_known).then_some((word, atom.span)));
        }
        self.slot(&expected(before, &owners, names).0, None);
    }

    /// Emits a word other than a name: a layer, an option, a structural word, or the call of a block. Returns `false` for any other
    /// word.
    fn word<'w>(&mut self, word: &'w str, span: Bytes, owners: &mut Vec<Owner<'w>>) -> bool {
        let option = owners.iter().rev().find_map(|owner| match owner {
            Owner::Word(owner) if owner.options.iter().any(|option| option.name == word) => Some(*owner),
            _ => None,
        });
        let root = self.context.root;
        if let Some(owner) = option {
            let owner = format_ident!("{}", owner.name);
            self.name(word, span, &quote!(#root::words::#owner));
        } else if let Some(known) = layers::find(word) {
            self.word_of_the_language(word, span);
            owners.push(Owner::Word(known));
        } else if STRUCTURE_NAMES.contains(&word) {
            self.word_of_the_language(word, span);
            owners.push(Owner::Structure(word));
        } else if self.blocks.iter().any(|(_, block)| block.name.text == word) {
            if let Some((shapes, docs)) = self.facts_of(span) {
                let docs = docs.replace(&format!("{word} ("), &format!("{word}("));
                self.fact(word, span, (shapes, docs), &quote!(Calls));
            }
            self.name(word, span, &quote!(heads));
            owners.push(Owner::Block);
        } else if !owners.is_empty() && SHARED.iter().any(|shared| shared.name == word) {
            self.name(word, span, &quote!(#root::words));
        } else {
            return false;
        }
        true
    }

    fn word_of_the_language(&mut self, word: &str, span: Bytes) {
        let root = self.context.root;
        if let Some(facts) = self.facts_of(span) {
            self.fact(word, span, facts, &quote!(#root::words::completion::Facts));
        }
        self.name(word, span, &quote!(#root::words));
    }

    /// Emits a known word as a path into a module.
    fn name(&mut self, word: &str, span: Bytes, module: &TokenStream) {
        let Some(name) = self.identifier_at(word, span) else { return };
        self.known.extend(quote!(use #module::#name as _;));
    }

    /// Emits a completion point: an unknown word, or a position where a word may be typed, as a path into the module of the words that
    /// fit. A placeholder word replaces the item that is emitted here without it.
    fn slot(&mut self, module: &TokenStream, unknown: Option<(&str, Bytes)>) {
        let name = unknown.and_then(|(word, span)| self.identifier_at(word, span));
        let name = name.unwrap_or_else(|| format_ident!("__"));
        self.slots.extend(quote!(use #module::#name as _;));
    }

    /// Emits the word as an item documented with its result. As a constant of a trait, it leads to the trait's own constant, which is
    /// at the word's definition.
    fn fact(&mut self, word: &str, span: Bytes, (shapes, docs): (String, String), of: &TokenStream) {
        let Some(name) = self.identifier_at(word, span) else { return };
        let (type_name, root) = (format_ident!("Word{}", self.count), self.context.root);
        self.count += 1;
        self.facts.extend(quote! {
            struct #type_name;
            impl #of for #type_name {
                #[doc = #docs]
                const #name: &'static #root::private::core::primitive::str = #shapes;
            }
        });
    }

    fn numbers(&mut self, atom: &Atom, names: &Names) {
        match &atom.kind {
            AtomKind::Numbers(expressions) | AtomKind::Parentheses(expressions) => {
                expressions.iter().for_each(|expression| self.expression(expression, names));
            }
            AtomKind::Braces(body) => self.body(body, names),
            _ => {}
        }
    }

    /// Emits the arguments of a call: names of the block's parameters, and values.
    fn arguments(&mut self, arguments: &[Expression], called: &str, names: &Names) {
        let Some((module, block)) = self.blocks.iter().find(|(_, block)| block.name.text == called).cloned() else {
            return arguments.iter().for_each(|argument| self.expression(argument, names));
        };
        let is_known = |name: &str| block.parameters.iter().any(|parameter| parameter.name.text == name);
        for argument in arguments {
            match &argument.kind {
                ExpressionKind::Named(name, value) => {
                    self.parameter(&name.text, name.span, &module, is_known(&name.text));
                    self.expression(value, names);
                }
                // A network has no parameters, so a plain name is the start of a named argument.
                ExpressionKind::Name(name) if names.parameters.is_empty() => {
                    self.parameter(name, argument.span, &module, is_known(name));
                }
                _ => self.expression(argument, names),
            }
        }
    }

    fn parameter(&mut self, name: &str, span: Bytes, module: &Ident, is_known: bool) {
        let parameters = quote!(#module::parameters);
        self.slot(&parameters, (!is_known).then_some((name, span)));
        if is_known {
            self.name(name, span, &parameters);
        }
    }

    fn expression(&mut self, expression: &Expression, names: &Names) {
        match &expression.kind {
            ExpressionKind::Name(name) => {
                self.parameter(name, expression.span, &names.module, names.parameters.contains_key(name));
            }
            ExpressionKind::Negative(inner) => self.expression(inner, names),
            ExpressionKind::Binary(_, left, right) => {
                self.expression(left, names);
                self.expression(right, names);
            }
            ExpressionKind::Named(_, value) => self.expression(value, names),
            ExpressionKind::Field(of, _) if of.text == "in" => {
                let root = self.context.root;
                self.name(&of.text, of.span, &quote!(#root::words));
            }
            ExpressionKind::Number(_) | ExpressionKind::Field(..) | ExpressionKind::Stray(_) => {}
        }
    }

    fn facts_of(&self, span: Bytes) -> Option<(String, String)> {
        facts::facts(self.made.get(&span)?)
    }

    fn identifier(&self, name: &Name) -> Option<Ident> {
        self.identifier_at(&name.text, name.span)
    }

    /// The word as a Rust identifier, if it can be one.
    fn identifier_at(&self, word: &str, span: Bytes) -> Option<Ident> {
        identifier(word, (self.context.span)(span))
    }
}

/// Collects the taps and the named layers of a body.
fn collect_names(writer: &Writer<'_>, body: &Body, names: &mut Names) {
    for stage in &body.stages {
        for (index, atom) in stage.atoms.iter().enumerate() {
            if let AtomKind::Braces(inner) = &atom.kind {
                collect_names(writer, inner, names);
            }
            let (AtomKind::Word(word), Some(Atom { kind: AtomKind::Word(name), span })) =
                (&atom.kind, stage.atoms.get(index + 1))
            else {
                continue;
            };
            let (map, docs) = match word.as_str() {
                "tap" if index == 0 => {
                    (&mut names.taps, format!("What passes here, for a later `add {name}` or `concat {name}`."))
                }
                "as" if index > 0 => (&mut names.layers, format!("The layer `{name}`.")),
                _ => continue,
            };
            if let Some(identifier) = writer.identifier_at(name, *span) {
                map.entry(name.clone()).or_insert_with(|| quote!(#[doc = #docs] pub struct #identifier;));
            }
        }
    }
}

/// `r#as` for `as`; `None` for words that cannot be identifiers.
pub(super) fn identifier(word: &str, span: proc_macro2::Span) -> Option<Ident> {
    match rust_name(word) {
        RustName::Free => Some(Ident::new(word, span)),
        RustName::Keyword => Some(Ident::new_raw(word, span)),
        RustName::Never => None,
    }
}
