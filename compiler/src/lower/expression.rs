//! Numbers and arithmetic over a block's parameters.

use std::collections::BTreeMap;

use netwright_grammar::{Atom, AtomKind, Diagnostic, Expression, ExpressionKind, Name, Operator, Span};

use crate::shape::Shape;
use crate::suggest;
use crate::words::{Number, Numbers};

/// The values of a block's parameters in a call, and the sizes of the block's input as `in.channels` and so on.
pub(crate) type Scope = BTreeMap<String, f64>;

/// The name of the input of a block or a network.
const INCOMING: &str = "in";

/// A scope with the sizes of the input, if they are known. Otherwise it has sizes that most numbers divide, because an error about
/// them would only be a consequence of an earlier one.
pub(crate) fn scope_of(shape: Shape, is_certain: bool) -> Scope {
    let size = |size: usize| if is_certain { size as f64 } else { 5040.0 };
    crate::shape::sizes(shape).into_iter().map(|(name, value)| (format!("{INCOMING}.{name}"), size(value))).collect()
}

/// The parameters of a scope.
pub(crate) fn parameters(scope: &Scope) -> impl Iterator<Item = &str> {
    scope.keys().map(String::as_str).filter(|name| !name.contains('.'))
}

/// The diagnostic for an unknown `of.name`.
fn unknown_field(of: &Name, name: &Name, span: Span, scope: &Scope) -> Diagnostic {
    let known: Vec<&str> = scope.keys().filter_map(|key| key.strip_prefix(INCOMING)?.strip_prefix('.')).collect();
    let listed: Vec<String> = known.iter().map(|name| format!("`{INCOMING}.{name}`")).collect();
    let listed = format!("its sizes are {}", listed.join(", "));
    if of.text != INCOMING {
        let message = format!("`{}.{}`: only what comes in has parts with names", of.text, name.text);
        return Diagnostic::new(span, message).help(listed);
    }
    let diagnostic = Diagnostic::new(span, format!("what comes in here has no `{}`", name.text));
    match suggest::nearest(&name.text, known) {
        Some(near) => diagnostic.help(format!("did you mean `{INCOMING}.{near}`?")),
        None => diagnostic.help(listed),
    }
}

/// The value of an expression, if single precision can hold it: kernels compute with it, and it would become an infinity there, or 0.
pub(crate) fn number(expression: &Expression, scope: &Scope) -> Result<f64, Diagnostic> {
    let value = evaluate(expression, scope)?;
    let single = value as f32;
    let holds = single.is_finite() && (single != 0.0 || value == 0.0);
    if holds { Ok(value) } else { Err(not_single(&format!("{value:e}"), expression.span)) }
}

/// The value of an expression.
fn evaluate(expression: &Expression, scope: &Scope) -> Result<f64, Diagnostic> {
    let value = match &expression.kind {
        ExpressionKind::Number(text) => literal(text, expression.span)?,
        ExpressionKind::Name(name) => *scope.get(name).ok_or_else(|| unknown_name(name, expression, scope))?,
        ExpressionKind::Field(of, name) => *scope
            .get(&format!("{}.{}", of.text, name.text))
            .ok_or_else(|| unknown_field(of, name, expression.span, scope))?,
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
        ExpressionKind::Named(name, _) => {
            return Err(Diagnostic::new(expression.span, "only the arguments of a block have names")
                .help(format!("write the number alone, or call a block: `cell({} = 1)`", name.text)));
        }
        ExpressionKind::Stray(text) if text == "," => {
            return Err(Diagnostic::new(expression.span, "a value is missing before this `,`")
                .help("write a number, a block's parameter, or arithmetic over them"));
        }
        ExpressionKind::Stray(text) if text.split_once(':').is_some_and(|(name, _)| is_name(name)) => {
            return Err(Diagnostic::new(expression.span, format!("`{text}`: `=` stands between a name and its value"))
                .help(format!("write `{}`", text.replacen(':', " =", 1))));
        }
        ExpressionKind::Stray(text) if text.ends_with(['+', '-', '*', '/']) || text.starts_with(['+', '*', '/']) => {
            let (side, sign) = match text.ends_with(['+', '-', '*', '/']) {
                true => ("behind", text.chars().last()),
                false => ("before", text.chars().next()),
            };
            let sign = sign.unwrap_or('*');
            return Err(Diagnostic::new(
                expression.span,
                format!("a number is missing {side} the `{sign}` of `{text}`"),
            )
            .help("write a number, a block's parameter, or arithmetic over them: `(4*width)`"));
        }
        ExpressionKind::Stray(text) if text == "()" => {
            return Err(Diagnostic::new(expression.span, "nothing stands between these parentheses")
                .help("write a number, a block's parameter, or arithmetic over them: `(4*width)`"));
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
            .help("no layer may hold more than 2^31 elements"))
    }
}

/// The value of a literal.
fn literal(text: &str, span: Span) -> Result<f64, Diagnostic> {
    let value: f64 =
        text.replace('_', "").parse().map_err(|_| Diagnostic::new(span, format!("`{text}` is no number")))?;
    let is_written_as_0 =
        text.split(['e', 'E']).next().is_none_or(|digits| !digits.contains(|digit| ('1'..='9').contains(&digit)));
    if value == 0.0 && !is_written_as_0 { Err(not_single(text, span)) } else { Ok(value) }
}

fn not_single(number: &str, span: Span) -> Diagnostic {
    Diagnostic::new(span, format!("single precision cannot hold {number}")).help(format!(
        "its numbers go up to {:.1e}, and the smallest above 0 is {:.1e}",
        f32::MAX,
        f32::from_bits(1)
    ))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_alphabetic()) && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn unknown_name(name: &str, expression: &Expression, scope: &Scope) -> Diagnostic {
    let diagnostic = Diagnostic::new(expression.span, format!("`{name}` is not a parameter here"));
    if name == INCOMING {
        return diagnostic.help("of what comes in, the sizes have values: `(in.channels)`");
    }
    match suggest::nearest(name, parameters(scope)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None if parameters(scope).next().is_none() => {
            diagnostic.help("only the parameters of a block have names: `block cell(width) { … }`")
        }
        None => {
            let known: Vec<String> = parameters(scope).map(|name| format!("`{name}`")).collect();
            diagnostic.help(format!("the block has {}", known.join(", ")))
        }
    }
}

/// The text of an expression.
pub(crate) fn text_of(expression: &Expression) -> String {
    match &expression.kind {
        ExpressionKind::Number(text) | ExpressionKind::Name(text) | ExpressionKind::Stray(text) => text.clone(),
        ExpressionKind::Field(of, name) => format!("{}.{}", of.text, name.text),
        ExpressionKind::Negative(inner) => format!("-{}", operand_text(inner)),
        ExpressionKind::Named(name, value) => format!("{} = {}", name.text, text_of(value)),
        ExpressionKind::Binary(operator, left, right) => {
            let sign = operator.sign();
            format!("{}{sign}{}", operand_text(left), operand_text(right))
        }
    }
}

/// The text of an expression as an operand of another one.
pub(crate) fn operand_text(expression: &Expression) -> String {
    match &expression.kind {
        ExpressionKind::Binary(..) => format!("({})", text_of(expression)),
        _ => text_of(expression),
    }
}

/// The numbers of an atom; `None` if it has none.
pub(crate) fn numbers(atom: &Atom, scope: &Scope) -> Option<Result<Numbers, Diagnostic>> {
    let expressions = match &atom.kind {
        AtomKind::Numbers(expressions) => expressions,
        AtomKind::Parentheses(expressions) if expressions.len() == 1 => expressions,
        _ => return None,
    };
    Some(list(expressions, atom.span, scope))
}

/// The values of expressions at `span`.
pub(crate) fn list(expressions: &[Expression], span: Span, scope: &Scope) -> Result<Numbers, Diagnostic> {
    let numbers = expressions
        .iter()
        .map(|expression| number(expression, scope).map(|value| Number { value, span: expression.span }))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Numbers { numbers, span })
}

/// The numbers of a string picture: `#` is 1, `.` is -1.
pub(crate) fn picture(text: &str, span: Span) -> Result<Numbers, Diagnostic> {
    let picture = syn::parse_str::<syn::LitStr>(text).map_err(|_| {
        Diagnostic::new(span, "a picture is a string of Rust").help("write `\"#.# .#.\"`: 1 for `#` and -1 for `.`")
    })?;
    let mut numbers = Vec::new();
    for mark in picture.value().chars().filter(|mark| !mark.is_whitespace()) {
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
