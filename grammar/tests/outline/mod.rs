//! The syntax tree as one line of text, for the expectations of tests.

#![allow(dead_code)]

use netwright_grammar::{
    Atom, AtomKind, Body, Diagnostic, Diagnostics, Expression, ExpressionKind, File, Item, Separator, parse,
};

/// The outline of `source` with all its diagnostics.
pub(crate) fn read(source: &str) -> (File, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::default();
    let file = parse(source, &mut diagnostics);
    (file, diagnostics.into_sorted())
}

/// The outline of `source`, which must have no errors.
pub(crate) fn read_flawless(source: &str) -> File {
    let (file, diagnostics) = read(source);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    file
}

/// The outline of the body of a network with the stages `stages`.
pub(crate) fn stages(stages: &str) -> String {
    let file = read_flawless(&format!("N(1) {{ {stages} }}"));
    let [Item::Network(network)] = file.items.as_slice() else { panic!("{file:#?}") };
    body(&network.body)
}

/// Each item as `Name(input) { stages }` or `block name(parameters) { stages }`.
pub(crate) fn items(file: &File) -> Vec<String> {
    let outline = |item: &Item| match item {
        Item::Network(network) => {
            let input = network.input.as_deref().map(|input| format!("({})", atoms(input))).unwrap_or_default();
            format!("{}{input} {{ {} }}", network.name.text, body(&network.body))
        }
        Item::Foreign(foreign) => {
            let option = |(word, text): &(netwright_grammar::Name, Option<netwright_grammar::Name>)| match text {
                Some(text) => format!(" {} {:?}", word.text, text.text),
                None => format!(" {}", word.text),
            };
            let options: String = foreign.options.iter().map(option).collect();
            let (name, format, path) = (&foreign.network.name.text, &foreign.format.text, &foreign.path.text);
            format!("{name} = {format} {path:?}{options}")
        }
        Item::Block(block) => {
            let parameter = |parameter: &netwright_grammar::Parameter| match &parameter.default {
                Some(default) => format!("{}={}", parameter.name.text, expression(default)),
                None => parameter.name.text.clone(),
            };
            let parameters: Vec<_> = block.parameters.iter().map(parameter).collect();
            format!("block {}({}) {{ {} }}", block.name.text, parameters.join(" "), body(&block.body))
        }
    };
    file.items.iter().map(outline).collect()
}

pub(crate) fn body(body: &Body) -> String {
    let stage = |stage: &netwright_grammar::Stage| match stage.separator {
        Separator::Proper => format!("{};", atoms(&stage.atoms)),
        Separator::Comma(_) => format!("{},", atoms(&stage.atoms)),
    };
    body.stages.iter().map(stage).collect::<Vec<_>>().join(" ")
}

pub(crate) fn atoms(atoms: &[Atom]) -> String {
    let list = |list: &[Expression]| list.iter().map(expression).collect::<Vec<_>>().join(" ");
    let atom = |atom: &Atom| match &atom.kind {
        AtomKind::Word(word) => word.clone(),
        AtomKind::Numbers(numbers) => format!("[{}]", list(numbers)),
        AtomKind::Parentheses(values) => format!("({})", list(values)),
        AtomKind::Braces(inner) => format!("{{{}}}", body(inner)),
        AtomKind::Times => "*".to_owned(),
        AtomKind::Stray(text) => format!("?{text}?"),
    };
    atoms.iter().map(atom).collect::<Vec<_>>().join(" ")
}

pub(crate) fn expression(of: &Expression) -> String {
    match &of.kind {
        ExpressionKind::Number(text) | ExpressionKind::Name(text) => text.clone(),
        ExpressionKind::Negative(inner) => format!("-{}", expression(inner)),
        ExpressionKind::Binary(operator, left, right) => {
            let sign = operator.sign();
            format!("<{}{sign}{}>", expression(left), expression(right))
        }
        ExpressionKind::Named(name, value) => format!("{}={}", name.text, expression(value)),
        ExpressionKind::Field(of, name) => format!("{}.{}", of.text, name.text),
        ExpressionKind::Stray(text) => format!("?{text}?"),
    }
}
