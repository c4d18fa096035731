//! Calls of blocks: `cell(64)`, `cell(64, stride = 2)`.

use netwright_grammar::{Atom, AtomKind, Block, Diagnostic, Expression, ExpressionKind, Span};

use super::diagnostics;
use super::expression::{self, Scope};
use super::structure::Structure;
use crate::graph::ValueId;
use crate::layers;
use crate::suggest;

/// A call of a block.
pub(super) struct Call<'s> {
    pub(super) name: &'s str,
    /// The span of the name.
    pub(super) span: Span,
    /// The span including the parentheses.
    pub(super) whole: Span,
    pub(super) arguments: &'s [Expression],
}

impl Structure<'_, '_> {
    pub(super) fn call(&mut self, call: &Call<'_>, input: ValueId, scope: &Scope) -> ValueId {
        let &Call { name, span, whole, arguments } = call;
        let Some((&name, block)) = self.blocks.get_key_value(name) else {
            let near = suggest::nearest(name, self.block_names.iter().copied());
            if let Some(diagnostic) = layer_as_a_call(call, scope) {
                self.lowering.report(diagnostic);
                return input;
            }
            let diagnostic = Diagnostic::new(span, format!("no block is called `{name}`"));
            self.lowering.report(match near {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => match suggest::foreign(name) {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic.help(format!("declare it above the network: `block {name}(width) {{ … }}`")),
                },
            });
            return input;
        };
        if self.calls.contains(&name) {
            let path: Vec<&str> = self.calls.iter().copied().chain([name]).collect();
            self.lowering.report(
                Diagnostic::new(span, format!("the block `{name}` calls itself"))
                    .note(format!("the calls: {}", path.join(" → ")))
                    .help("a network is finite: use `repeat` for more of the same"),
            );
            return input;
        }
        let incoming = expression::scope_of(self.lowering.shape(input), !self.lowering.is_uncertain());
        let inner = match self.bind(block, whole, arguments, scope, incoming) {
            Ok(inner) => inner,
            Err(diagnostic) => {
                self.lowering.report(diagnostic);
                return input;
            }
        };
        let values: Vec<String> = block
            .parameters
            .iter()
            .filter_map(|parameter| Some(format!("{}", inner.get(&parameter.name.text)?)))
            .collect();
        let text = format!("{name}({})", values.join(", "));
        self.lowering.enter_block(name, netwright_grammar::Call { text, span: whole });
        self.calls.push(name);
        self.called.insert(name.to_owned());
        let times = self.lowering.foreign.enter_block();
        let output = self.scoped(&block.body, input, &inner, true);
        self.lowering.foreign.leave_block(times);
        self.calls.pop();
        self.lowering.leave_block();
        output
    }

    /// The diagnostic for arguments without parentheses after a block's name: `cell 8`, `cell[8]`, `cell { 8 }`.
    pub(super) fn call_without_parentheses(&self, name: &str, span: Span, rest: &[Atom]) -> Option<Diagnostic> {
        let block = self.blocks.get(name).filter(|block| !block.parameters.is_empty())?;
        let first = rest.first()?;
        let text = self.lowering.text(first.span);
        let arguments = match &first.kind {
            AtomKind::Numbers(_) => text.replace('x', ", "),
            AtomKind::Braces(_) | AtomKind::Stray(_) if text.starts_with(['{', '[']) => {
                text[1..].trim_end_matches(['}', ']']).trim().to_owned()
            }
            AtomKind::Stray(sign) if sign == "<" => "…".to_owned(),
            _ => return None,
        };
        let message = format!("the arguments of the block `{name}` stand in parentheses");
        let help = format!("write `{name}({arguments})`; it is declared as `{}`", self.declaration(block));
        Some(Diagnostic::new(span.to(first.span), message).help(help))
    }

    /// `block cell(width, stride = 1)`
    fn declaration(&self, block: &Block) -> String {
        let parameters = block.parameters.iter().map(|parameter| match &parameter.default {
            Some(default) => format!("{} = {}", parameter.name.text, self.lowering.text(default.span)),
            None => parameter.name.text.clone(),
        });
        format!("block {}({})", block.name.text, parameters.collect::<Vec<_>>().join(", "))
    }

    /// The values of a block's parameters at a call.
    fn bind(
        &self,
        block: &Block,
        whole: Span,
        arguments: &[Expression],
        scope: &Scope,
        incoming: Scope,
    ) -> Result<Scope, Diagnostic> {
        let assigned = self.assigned(block, whole, arguments)?;
        let mut inner = incoming;
        for (parameter, argument) in block.parameters.iter().zip(assigned) {
            let name = &parameter.name;
            let value = match (argument, &parameter.default) {
                (Some(argument), _) => expression::number(argument, scope)?,
                (None, Some(default)) => expression::number(default, &inner)?,
                (None, None) => {
                    return Err(Diagnostic::new(
                        whole,
                        format!("`{}` has no value for `{}`", block.name.text, name.text),
                    )
                    .help(format!("it is declared as `{}`", self.declaration(block))));
                }
            };
            inner.insert(name.text.clone(), value);
        }
        Ok(inner)
    }

    /// The argument of each parameter, or `None`.
    fn assigned<'e>(
        &self,
        block: &Block,
        whole: Span,
        arguments: &'e [Expression],
    ) -> Result<Vec<Option<&'e Expression>>, Diagnostic> {
        let named = arguments.iter().position(|argument| matches!(argument.kind, ExpressionKind::Named(..)));
        let least = block.parameters.iter().filter(|parameter| parameter.default.is_none()).count();
        let most = block.parameters.len();
        let fits = if named.is_some() { arguments.len() <= most } else { (least..=most).contains(&arguments.len()) };
        if !fits {
            let message = format!("`{}` takes {}, and {}", block.name.text, takes(least, most), are_given(arguments));
            return Err(
                Diagnostic::new(whole, message).help(format!("it is declared as `{}`", self.declaration(block)))
            );
        }
        let mut assigned = vec![None; most];
        for (index, argument) in arguments.iter().enumerate() {
            let (index, value) = match &argument.kind {
                ExpressionKind::Named(name, value) => {
                    let parameters = || block.parameters.iter().map(|parameter| parameter.name.text.as_str());
                    let Some(index) = parameters().position(|parameter| parameter == name.text) else {
                        let message = format!("`{}` has no parameter `{}`", block.name.text, name.text);
                        return Err(Diagnostic::new(name.span, message).help(
                            match suggest::nearest(&name.text, parameters()) {
                                Some(near) => format!("did you mean `{near}`?"),
                                None => format!("it is declared as `{}`", self.declaration(block)),
                            },
                        ));
                    };
                    (index, &**value)
                }
                _ if named.is_some_and(|first| first < index) => {
                    return Err(Diagnostic::new(
                        argument.span,
                        "an argument without a name stands behind one with a name",
                    )
                    .help("arguments with names stand last: `cell(64, stride = 2)`"));
                }
                _ => (index, argument),
            };
            if assigned[index].replace(value).is_some() {
                let name = &block.parameters[index].name.text;
                return Err(Diagnostic::new(argument.span, format!("`{name}` is given twice")).help("keep one"));
            }
        }
        Ok(assigned)
    }
}

/// The diagnostic for a layer written as other libraries do: `Dropout(0.5)`, `ReLU()`, `Conv2d(3, 16, 3)`.
fn layer_as_a_call(call: &Call<'_>, scope: &Scope) -> Option<Diagnostic> {
    let plain = |name: &str| name.to_lowercase().replace('_', "");
    let name = plain(call.name);
    let known =
        layers::words().find(|word| plain(word.name) == name || word.aliases.iter().any(|alias| plain(alias) == name));
    if let Some(word) = known {
        let message = format!("`{}` is a layer: it is written in small letters, without parentheses", call.name);
        let help = diagnostics::as_a_stage(word, call.arguments, call.whole, scope);
        return Some(Diagnostic::new(call.whole, message).help(help));
    }
    let help = suggest::foreign(call.name)?;
    Some(Diagnostic::new(call.whole, format!("no layer and no block is called `{}`", call.name)).help(help))
}

/// `1 or 2 arguments`
fn takes(least: usize, most: usize) -> String {
    match most - least {
        0 if most == 0 => "no arguments".to_owned(),
        0 if most == 1 => "1 argument".to_owned(),
        0 => format!("{most} arguments"),
        1 => format!("{least} or {most} arguments"),
        _ => format!("{least} to {most} arguments"),
    }
}

/// `2 are given`
fn are_given(arguments: &[Expression]) -> String {
    match arguments.len() {
        1 => "1 is given".to_owned(),
        given => format!("{given} are given"),
    }
}
