//! Numbers and arithmetic over a block's parameters.

use std::collections::BTreeMap;

use netwright_grammar::{Atom, AtomKind, Diagnostic, Expression, ExpressionKind, Operator, Span};

use super::suggest;
use crate::words::{Number, Numbers};

/// The values of a block's parameters at one of its calls.
pub(crate) type Scope = BTreeMap<String, f64>;

/// The value of an expression.
pub(crate) fn evaluate(expression: &Expression, scope: &Scope) -> Result<f64, Diagnostic> {
    let value = match &expression.kind {
        ExpressionKind::Number(text) => text
            .replace('_', "")
            .parse()
            .map_err(|_| Diagnostic::new(expression.span, format!("`{text}` is no number")))?,
        ExpressionKind::Name(name) => *scope.get(name).ok_or_else(|| unknown_name(name, expression, scope))?,
        ExpressionKind::Negative(inner) => -evaluate(inner, scope)?,
        ExpressionKind::Binary(operator, left, right) => {
            let (left, right) = (evaluate(left, scope)?, evaluate(right, scope)?);
            match operator {
                Operator::Add => left + right,
                Operator::Subtract => left - right,
                Operator::Multiply => left * right,
                Operator::Divide if right == 0.0 => {
                    return Err(Diagnostic::new(expression.span, "this divides by 0")
                        .help("the number behind `/` must be another; in a block, look at what its calls hand over"));
                }
                Operator::Divide => left / right,
            }
        }
        ExpressionKind::Stray(text) if text == "," => {
            return Err(Diagnostic::new(expression.span, "a value is missing before this `,`")
                .help("write a number, a block's parameter, or arithmetic over them"));
        }
        ExpressionKind::Stray(text) => {
            return Err(Diagnostic::new(expression.span, format!("`{text}` is neither a number nor arithmetic"))
                .help("write a number, a block's parameter, or arithmetic over them: `(4*width)`"));
        }
    };
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Diagnostic::new(expression.span, "this number is enormous")
            .help("no layer may hold more than 2^31 numbers"))
    }
}

fn unknown_name(name: &str, expression: &Expression, scope: &Scope) -> Diagnostic {
    let diagnostic = Diagnostic::new(expression.span, format!("`{name}` is not a parameter here"));
    match suggest::nearest(name, scope.keys().map(String::as_str)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None if scope.is_empty() => {
            diagnostic.help("only the parameters of a block have names: `block cell(width) { … }`")
        }
        None => {
            let known: Vec<String> = scope.keys().map(|name| format!("`{name}`")).collect();
            diagnostic.help(format!("the block has {}", known.join(", ")))
        }
    }
}

/// The numbers of an atom; `None` where it is no number.
pub(crate) fn numbers(atom: &Atom, scope: &Scope) -> Option<Result<Numbers, Diagnostic>> {
    let expressions = match &atom.kind {
        AtomKind::Numbers(expressions) => expressions,
        AtomKind::Parentheses(expressions) if expressions.len() == 1 => expressions,
        _ => return None,
    };
    Some(list(expressions, atom.span, scope))
}

/// The values of expressions that stand together at `span`.
pub(crate) fn list(expressions: &[Expression], span: Span, scope: &Scope) -> Result<Numbers, Diagnostic> {
    let numbers = expressions
        .iter()
        .map(|expression| evaluate(expression, scope).map(|value| Number { value, span: expression.span }))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Numbers { numbers, span })
}

/// A picture in quotes as numbers: `#` is 1, `.` is -1.
pub(crate) fn picture(text: &str, span: Span) -> Result<Numbers, Diagnostic> {
    let mut numbers = Vec::new();
    for mark in text.trim_matches('"').chars().filter(|mark| !mark.is_whitespace()) {
        let value = match mark {
            '#' => 1.0,
            '.' => -1.0,
            other => {
                return Err(Diagnostic::new(
                    span,
                    format!("a picture is made of `#` and `.`, and this one has `{other}`"),
                )
                .help("`#` stands for 1 and `.` for -1; white space is left out"));
            }
        };
        numbers.push(Number { value, span });
    }
    Ok(Numbers { numbers, span })
}
