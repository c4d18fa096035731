//! Text → syntax tree: the items, and the errors in them. `stages.rs` parses the bodies.

use pest::Parser;
use pest::error::InputLocation;
use pest::iterators::Pair;
use pest::unicode::{XID_CONTINUE, XID_START};

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::nesting;
use crate::syntax::{Atom, AtomKind, Block, Body, File, Foreign, Item, Name, Network, Parameter, Span};

pub(crate) use rules::Rule;

// Generated ahead of time from `network.pest`, because the generator takes longer to build than the parser.
#[path = "generated.rs"]
#[allow(clippy::all, dead_code, missing_docs, missing_debug_implementations, unreachable_pub)]
#[rustfmt::skip]
mod rules;

/// The maximum length of a text, in bytes.
pub const MAX_SOURCE_BYTES: usize = 1 << 20;

/// The maximum number of syntax errors that are reported.
pub const MAX_REPORTS: usize = 100;

const EXAMPLE: &str = "`pub LeNet5(28x28x1) { conv 5x5x6 tanh; avgpool 2; softmax 10 }`";

/// Parses the blocks and networks of `source`. Reports errors to `diagnostics`, and continues with the next item: the file contains
/// everything that could be parsed.
///
/// Within a body, text that matches no rule becomes [`AtomKind::Stray`] or [`ExpressionKind::Stray`](crate::ExpressionKind::Stray),
/// which the compiler reports.
///
/// Never panics. Text that is longer than [`MAX_SOURCE_BYTES`], is nested deeper than [`MAX_NESTING`](nesting::MAX_NESTING), or has
/// unpaired delimiters results in one diagnostic and an empty file.
pub fn parse(source: &str, diagnostics: &mut Diagnostics) -> File {
    let whole = Span::new(0, source.len());
    if source.len() > MAX_SOURCE_BYTES {
        let message = format!("the text is {} bytes long: at most {MAX_SOURCE_BYTES} (1 MiB) are read", source.len());
        diagnostics.push(Diagnostic::new(whole, message));
        return File::default();
    }
    if let Err(diagnostic) = nesting::check(source) {
        diagnostics.push(diagnostic);
        return File { unreadable: nesting::network_names(source), ..File::default() };
    }
    let pairs = match rules::Rules::parse(Rule::file, source) {
        Ok(pairs) => pairs,
        Err(error) => {
            let (InputLocation::Pos(start) | InputLocation::Span((start, _))) = error.location;
            let message = "this cannot be read as a block or a network";
            diagnostics.push(Diagnostic::new(Span::new(start, source.len()), message));
            return File::default();
        }
    };
    let mut reader = TreeReader {
        source,
        diagnostics,
        reported: 0,
        unreadable: Vec::new(),
        unreadable_blocks: Vec::new(),
        lacks_braces: false,
    };
    let mut file = File::default();
    for pair in pairs.flat_map(Pair::into_inner) {
        file.items.extend(reader.item(pair));
    }
    let no_network = !file.items.iter().any(|item| matches!(item, Item::Network(_) | Item::Foreign(_)));
    if no_network && reader.reported == 0 {
        let message = match file.items.is_empty() {
            true => "a network is missing",
            false => "a network is missing: there are only blocks",
        };
        reader.report(Diagnostic::new(whole, message).help(format!("for example {EXAMPLE}")));
    }
    file.unreadable = reader.unreadable;
    file.unreadable_blocks = reader.unreadable_blocks;
    file
}

/// Converts the matches of the grammar into the syntax tree.
pub(crate) struct TreeReader<'s, 'd> {
    source: &'s str,
    diagnostics: &'d mut Diagnostics,
    reported: usize,
    unreadable: Vec<Name>,
    unreadable_blocks: Vec<Block>,
    /// The previous item was a network without braces: the following items are its stages.
    lacks_braces: bool,
}

/// The part of an item before its body.
#[derive(Default)]
struct Header<'s> {
    attributes: Vec<Span>,
    visibility: Option<Span>,
    keyword: Option<Span>,
    name: Option<Name>,
    parenthesised: Option<Pair<'s, Rule>>,
    surplus: Option<Pair<'s, Rule>>,
    body: Option<Pair<'s, Rule>>,
}

impl Header<'_> {
    /// The span from the keyword or the name to the closing parenthesis.
    fn span(&self) -> Option<Span> {
        let parts = [self.keyword, self.name.as_ref().map(|name| name.span), self.parenthesised.as_ref().map(span)];
        parts.into_iter().flatten().reduce(Span::to)
    }
}

impl<'s> TreeReader<'s, '_> {
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.reported += 1;
        if self.reported == MAX_REPORTS {
            let note = format!("only the first {MAX_REPORTS} mistakes are reported");
            self.diagnostics.push(diagnostic.note(note));
        } else if self.reported < MAX_REPORTS {
            self.diagnostics.push(diagnostic);
        }
    }

    pub(crate) fn text(&self, span: Span) -> &'s str {
        self.source.get(span.range()).unwrap_or_default()
    }

    /// The text at `span`, shortened to fit a message of one line.
    fn quote(&self, span: Span) -> String {
        let mut words = String::new();
        for (position, word) in self.text(span).split_whitespace().enumerate() {
            if position > 0 {
                words.push(' ');
            }
            words.push_str(word);
            if words.len() > 40 {
                return words.chars().take(40).chain(['…']).collect();
            }
        }
        words
    }

    fn item(&mut self, pair: Pair<'s, Rule>) -> Option<Item> {
        let lacks_braces = std::mem::take(&mut self.lacks_braces);
        if lacks_braces && matches!(pair.as_rule(), Rule::unknown | Rule::semicolons) && !pair.as_str().starts_with('#')
        {
            self.lacks_braces = true;
            return None;
        }
        match pair.as_rule() {
            Rule::network => self.network(pair).map(Item::Network),
            Rule::block => self.block(pair).map(Item::Block),
            Rule::foreign => self.foreign(pair).map(Item::Foreign),
            Rule::rust_item => {
                self.rust_item(pair);
                None
            }
            Rule::no_body => {
                self.no_body(pair);
                None
            }
            Rule::no_name => {
                self.no_name(pair);
                None
            }
            Rule::semicolons => {
                let semicolons = extent(pair);
                self.report(Diagnostic::new(semicolons, "no `;` stands between blocks and networks").help("drop it"));
                None
            }
            Rule::unknown => {
                self.unknown(pair);
                None
            }
            _ => None,
        }
    }

    fn header(&mut self, pair: Pair<'s, Rule>) -> Header<'s> {
        let mut header = Header::default();
        for part in pair.into_inner() {
            let location = span(&part);
            match part.as_rule() {
                Rule::attribute => header.attributes.push(location),
                Rule::inner_attribute => self.report(
                    Diagnostic::new(location, "an inner attribute `#![…]` belongs to the file around the macro")
                        .help("write `#[…]` for an attribute of the network"),
                ),
                Rule::visibility => header.visibility = Some(location),
                Rule::keyword_block | Rule::keyword_rust => header.keyword = Some(location),
                Rule::name => header.name = part.into_inner().next().map(|word| self.name(&word)),
                Rule::shape | Rule::parameters => header.parenthesised = Some(part),
                Rule::surplus => header.surplus = Some(part),
                Rule::body => header.body = Some(part),
                _ => {}
            }
        }
        header
    }

    fn network(&mut self, pair: Pair<'s, Rule>) -> Option<Network> {
        let header = self.header(pair);
        let span = header.span()?;
        let Header { attributes, visibility, name: Some(name), parenthesised, surplus, body: Some(body), .. } = header
        else {
            return None;
        };
        let mut input = parenthesised.map(|shape| self.atoms(shape));
        let mut options = Vec::new();
        if let Some(surplus) = surplus {
            let location = extent(surplus.clone());
            let words = self.quote(location);
            let begins_with_a_word = words.starts_with(|sign: char| sign.is_alphabetic());
            if input.is_some() && begins_with_a_word {
                options = self.atoms(surplus);
            } else if input.is_some() {
                let message = format!("`{words}` stands between the input shape of `{}` and its braces", name.text);
                self.report(Diagnostic::new(location, message).help("drop it, or move it into the braces"));
            } else {
                let atoms = self.atoms(surplus);
                let is_shape = matches!(atoms.as_slice(), [Atom { kind: AtomKind::Numbers(_), .. }]);
                if is_shape {
                    let message = format!("the input shape of `{}` stands in parentheses", name.text);
                    self.report(Diagnostic::new(location, message).help(format!("write `{}({words})`", name.text)));
                    input = Some(atoms);
                } else if let Some(sizes) = bracketed(&words) {
                    let message = format!("the input shape of `{}` stands in parentheses", name.text);
                    self.report(Diagnostic::new(location, message).help(format!("write `{}({sizes})`", name.text)));
                    self.unreadable.push(name);
                    return None;
                } else {
                    let message = format!("`{words}` stands between the name `{}` and its braces", name.text);
                    let help = format!("a network is its name, its input shape and its stages: {EXAMPLE}");
                    self.report(Diagnostic::new(location, message).help(help));
                    self.unreadable.push(name);
                    return None;
                }
            }
        }
        Some(Network { attributes, visibility, name, input, options, header: span, body: self.body(body) })
    }

    fn foreign(&mut self, pair: Pair<'s, Rule>) -> Option<Foreign> {
        let whole = extent(pair.clone());
        let (mut format, mut path, mut options) = (None, None, Vec::new());
        for part in pair.clone().into_inner() {
            match part.as_rule() {
                Rule::word => format = Some(self.name(&part)),
                Rule::foreign_path => path = Some(literal(&part)),
                Rule::foreign_option => {
                    let mut parts = part.into_inner();
                    let word = parts.next()?;
                    options.push((self.name(&word), parts.next().map(|text| literal(&text))));
                }
                _ => {}
            }
        }
        let Header { attributes, visibility, name: Some(name), .. } = self.header(pair) else { return None };
        let body = Body { stages: Vec::new(), span: whole };
        let network =
            Network { attributes, visibility, header: name.span, name, input: None, options: Vec::new(), body };
        Some(Foreign { network, format: format?, path: path?, options })
    }

    fn block(&mut self, pair: Pair<'s, Rule>) -> Option<Block> {
        let header = self.header(pair);
        let span = header.span()?;
        let Header { attributes, visibility, name, parenthesised, surplus, body, .. } = header;
        for attribute in attributes {
            if self.is_documentation(attribute) {
                continue;
            }
            let message = format!("a block is no item of Rust, so `{}` means nothing here", self.quote(attribute));
            self.report(Diagnostic::new(attribute, message).help("write it before the networks that call the block"));
        }
        if let Some(visibility) = visibility {
            let message = format!("a block has no visibility, so `{}` means nothing here", self.quote(visibility));
            self.report(Diagnostic::new(visibility, message).help("drop it: a block is seen by all networks here"));
        }
        let Some(name) = name else {
            let message = "this block has no name";
            self.report(Diagnostic::new(span, message).help("write `block name(width) { … }`"));
            return None;
        };
        if let Some(surplus) = surplus {
            let location = extent(surplus);
            let before = if parenthesised.is_some() { "parameters" } else { "name" };
            let message = format!("`{}` stands after the {before} of the block `{}`", self.quote(location), name.text);
            let help = format!("write `block {}(width) {{ … }}`", name.text);
            self.report(Diagnostic::new(location, message).help(help));
        } else if body.is_none() {
            let message = format!("the block `{}` has no body", name.text);
            let help = format!("write its stages in braces: `{} {{ … }}`", self.quote(span));
            self.report(Diagnostic::new(span, message).help(help));
        } else if parenthesised.is_none() {
            let message = format!("the block `{}` has no parentheses for its parameters", name.text);
            let help = format!("write `block {0}() {{ … }}`, or `block {0}(width) {{ … }}`", name.text);
            self.report(Diagnostic::new(span, message).help(help));
        }
        let parameters = parenthesised.map(|pair| self.parameters(pair)).unwrap_or_default();
        match body {
            Some(body) => Some(Block { name, parameters, body: self.body(body), header: span }),
            None => {
                let body = Body { stages: Vec::new(), span };
                self.unreadable_blocks.push(Block { name, parameters, body, header: span });
                None
            }
        }
    }

    fn is_documentation(&self, attribute: Span) -> bool {
        let name =
            self.text(attribute).trim_start_matches(|sign: char| matches!(sign, '#' | '[') || sign.is_whitespace());
        name.strip_prefix("doc").is_some_and(|rest| !rest.starts_with(XID_CONTINUE))
    }

    fn parameters(&mut self, pair: Pair<'s, Rule>) -> Vec<Parameter> {
        pair.into_inner().filter_map(|parameter| self.parameter(parameter)).collect()
    }

    fn parameter(&mut self, pair: Pair<'s, Rule>) -> Option<Parameter> {
        let mut parts = pair.into_inner();
        let first = parts.next()?;
        match first.as_rule() {
            Rule::word => {
                let name = self.name(&first);
                Some(Parameter { name, default: parts.next().map(|sum| self.expression(sum)) })
            }
            _ => {
                // `width: usize` still defines a parameter, so that its uses are not reported as well.
                let word = first.clone().into_inner().next().filter(|word| is_word(word.as_str()));
                let location = self.entry(first).span;
                let message = format!("`{}` is no parameter", self.quote(location));
                let help = "a parameter is a name, with or without a default: `width` or `stride = 1`";
                self.report(Diagnostic::new(location, message).help(help));
                word.map(|word| Parameter { name: self.name(&word), default: None })
            }
        }
    }

    fn rust_item(&mut self, pair: Pair<'s, Rule>) {
        let named = pair.clone().into_inner().find(|part| part.as_rule() == Rule::raw && is_word(part.as_str()));
        let Some(keyword) = self.header(pair).keyword else { return };
        let is_type = matches!(self.text(keyword), "struct" | "enum" | "union" | "type");
        self.unreadable.extend(named.filter(|_| is_type).map(|word| self.name(&word)));
        let message = format!("`{}` begins neither a block nor a network", self.text(keyword));
        let help = match is_type {
            true => format!("a network is its name alone, its input shape and its stages: {EXAMPLE}"),
            false => format!("move it out of `network!`, where there are only blocks and networks: {EXAMPLE}"),
        };
        self.report(Diagnostic::new(keyword, message).help(help));
    }

    fn no_body(&mut self, pair: Pair<'s, Rule>) {
        let header = self.header(pair);
        let (Some(span), Some(name)) = (header.span(), header.name.as_ref()) else { return };
        let message = format!("the network `{}` has no body", name.text);
        let help = format!("write its stages in braces: `{} {{ conv 5x5x6 tanh; softmax 10 }}`", self.quote(span));
        self.report(Diagnostic::new(span, message).help(help));
        self.unreadable.extend(header.name);
        self.lacks_braces = true;
    }

    fn no_name(&mut self, pair: Pair<'s, Rule>) {
        let header = self.header(pair);
        let location = header.parenthesised.as_ref().or(header.body.as_ref()).map(span);
        let Some(location) = location else { return };
        let help = format!("for example {EXAMPLE}");
        self.report(Diagnostic::new(location, "a name is missing before this").help(help));
    }

    fn unknown(&mut self, pair: Pair<'s, Rule>) {
        let words = pair.into_inner().filter(|part| part.as_rule() == Rule::raw).map(|part| span(&part));
        let Some(location) = words.reduce(Span::to) else { return };
        let text = self.text(location);
        let message = match text.starts_with('#') {
            true => format!("the attribute `{}` stands before nothing", self.quote(location)),
            false => format!("`{}` is neither a block nor a network", self.quote(location)),
        };
        self.report(Diagnostic::new(location, message).help(format!("a network looks like {EXAMPLE}")));
    }

    pub(crate) fn name(&self, word: &Pair<'_, Rule>) -> Name {
        Name { text: plain(word.as_str()).to_owned(), span: span(word) }
    }
}

/// `type` for `r#type`.
pub(crate) fn plain(word: &str) -> &str {
    word.strip_prefix("r#").unwrap_or(word)
}

/// `28x28x1` for `[28, 28, 1]`.
fn bracketed(words: &str) -> Option<String> {
    let inside = words.strip_prefix(['[', '<'])?.strip_suffix([']', '>'])?;
    let sizes: Vec<&str> = inside.split([',', ';']).map(str::trim).collect();
    let is_size = |size: &&str| !size.is_empty() && size.chars().all(|digit| digit.is_ascii_digit() || digit == 'x');
    sizes.iter().all(is_size).then(|| sizes.join("x"))
}

/// Whether `text` is an identifier: a letter or `_`, then letters, digits and `_`.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|first| first == '_' || XID_START(first)) && text.chars().all(XID_CONTINUE)
}

fn is_word(text: &str) -> bool {
    plain(text).starts_with(|first| first == '_' || XID_START(first))
}

pub(crate) fn span(pair: &Pair<'_, Rule>) -> Span {
    let span = pair.as_span();
    Span::new(span.start(), span.end())
}

/// The span from the first part of `pair` to the last. A match that ends in a repetition may also cover the space after it.
pub(crate) fn extent(pair: Pair<'_, Rule>) -> Span {
    let whole = span(&pair);
    pair.into_inner().map(|part| span(&part)).reduce(Span::to).unwrap_or(whole)
}

/// A literal as written, with its span.
fn literal(pair: &Pair<'_, Rule>) -> Name {
    Name { text: pair.as_str().trim().to_owned(), span: span(pair) }
}
