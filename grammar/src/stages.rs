//! Parsing of bodies: stages, atoms, expressions.

use pest::iterators::Pair;

use crate::diagnostics::Diagnostic;
use crate::parse::{Rule, TreeReader, extent, plain, span};
use crate::syntax::{Atom, AtomKind, Body, Expression, ExpressionKind, Operator, Separator, Span, Stage};

impl<'s> TreeReader<'s, '_> {
    pub(crate) fn body(&mut self, pair: Pair<'s, Rule>) -> Body {
        let mut body = Body { stages: Vec::new(), span: span(&pair) };
        let mut after_stage = false;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::stage => {
                    let location = extent(part.clone());
                    let atoms = self.atoms(part);
                    body.stages.push(Stage { atoms, separator: Separator::Proper, span: location });
                    after_stage = true;
                    continue;
                }
                Rule::comma => match body.stages.last_mut() {
                    Some(stage) if after_stage => stage.separator = Separator::Comma(span(&part)),
                    _ => self.report(
                        Diagnostic::new(span(&part), "`,` stands where a stage belongs")
                            .help("stages are separated by one `;`"),
                    ),
                },
                _ => {}
            }
            after_stage = false;
        }
        body
    }

    /// The atoms in `pair`.
    pub(crate) fn atoms(&mut self, pair: Pair<'s, Rule>) -> Vec<Atom> {
        pair.into_inner().map(|part| self.atom(part)).collect()
    }

    fn atom(&mut self, pair: Pair<'s, Rule>) -> Atom {
        let location = span(&pair);
        let kind = match pair.as_rule() {
            Rule::word => AtomKind::Word(plain(pair.as_str()).to_owned()),
            Rule::numbers => AtomKind::Numbers(pair.into_inner().map(|part| self.operand(part).0).collect()),
            Rule::parentheses => AtomKind::Parentheses(pair.into_inner().map(|part| self.entry(part)).collect()),
            Rule::body => AtomKind::Braces(self.body(pair)),
            Rule::times => AtomKind::Times,
            _ => AtomKind::Stray(pair.as_str().to_owned()),
        };
        Atom { kind, span: location }
    }

    /// One of the comma-separated values in parentheses.
    pub(crate) fn entry(&mut self, pair: Pair<'s, Rule>) -> Expression {
        match pair.as_rule() {
            Rule::entry => match pair.clone().into_inner().next() {
                Some(inner) => self.entry(inner),
                None => self.stray(span(&pair)),
            },
            Rule::wrong => self.stray(extent(pair)),
            Rule::named => self.named(pair),
            // A value is missing between two commas: the error is reported at the second one.
            Rule::missing => {
                let at = span(&pair).start;
                self.stray(Span::new(at, at + 1))
            }
            _ => self.expression(pair),
        }
    }

    /// `stride = 2`
    fn named(&self, pair: Pair<'s, Rule>) -> Expression {
        let whole = span(&pair);
        let mut parts = pair.into_inner();
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { return self.stray(whole) };
        let (name, (value, location)) = (self.name(&name), self.operand(value));
        let span = name.span.to(location);
        Expression { kind: ExpressionKind::Named(name, Box::new(value)), span }
    }

    /// `in.channels`
    fn field(&self, pair: Pair<'s, Rule>) -> Expression {
        let whole = span(&pair);
        let mut parts = pair.into_inner();
        let (Some(of), Some(name)) = (parts.next(), parts.next()) else { return self.stray(whole) };
        Expression { kind: ExpressionKind::Field(self.name(&of), self.name(&name)), span: whole }
    }

    fn stray(&self, span: Span) -> Expression {
        Expression { kind: ExpressionKind::Stray(self.text(span).to_owned()), span }
    }

    /// The expression of a `sum`.
    pub(crate) fn expression(&self, pair: Pair<'s, Rule>) -> Expression {
        self.operand(pair).0
    }

    /// An expression, and its span including enclosing parentheses: the span of `(a+b)*c` starts at its parenthesis.
    fn operand(&self, pair: Pair<'s, Rule>) -> (Expression, Span) {
        let location = span(&pair);
        match pair.as_rule() {
            Rule::number => (literal(&pair, ExpressionKind::Number(pair.as_str().to_owned())), location),
            Rule::word => (literal(&pair, ExpressionKind::Name(plain(pair.as_str()).to_owned())), location),
            Rule::field => (self.field(pair), location),
            Rule::broken => (self.stray(extent(pair)), location),
            Rule::group => (self.only(pair).0, location),
            Rule::whole_number => self.only(pair),
            Rule::minus_number | Rule::minus_group => {
                let (inner, inside) = self.only(pair);
                negative(inner, Span::new(location.start, inside.end))
            }
            Rule::factor => self.factor(pair),
            Rule::sum | Rule::product => self.chain(pair),
            _ => (self.stray(location), location),
        }
    }

    /// The only expression in `pair`.
    fn only(&self, pair: Pair<'s, Rule>) -> (Expression, Span) {
        let location = span(&pair);
        match pair.into_inner().next() {
            Some(inner) => self.operand(inner),
            None => (self.stray(location), location),
        }
    }

    /// `- -a`
    fn factor(&self, pair: Pair<'s, Rule>) -> (Expression, Span) {
        let location = span(&pair);
        let mut signs = Vec::new();
        for part in pair.into_inner() {
            if part.as_rule() == Rule::minus {
                signs.push(span(&part));
                continue;
            }
            let operand = self.operand(part);
            return signs.into_iter().rev().fold(operand, |(inner, inside), sign| negative(inner, sign.to(inside)));
        }
        (self.stray(location), location)
    }

    /// `a + b - c`, left-associative.
    fn chain(&self, pair: Pair<'s, Rule>) -> (Expression, Span) {
        let whole = span(&pair);
        let mut parts = pair.into_inner();
        let Some(first) = parts.next() else { return (self.stray(whole), whole) };
        let (mut left, mut location) = self.operand(first);
        while let (Some(sign), Some(right)) = (parts.next(), parts.next()) {
            let operator = match sign.as_rule() {
                Rule::plus => Operator::Add,
                Rule::minus => Operator::Subtract,
                Rule::slash => Operator::Divide,
                _ => Operator::Multiply,
            };
            let (right, inside) = self.operand(right);
            location = location.to(inside);
            left =
                Expression { kind: ExpressionKind::Binary(operator, Box::new(left), Box::new(right)), span: location };
        }
        (left, location)
    }
}

fn literal(pair: &Pair<'_, Rule>, kind: ExpressionKind) -> Expression {
    Expression { kind, span: span(pair) }
}

fn negative(inner: Expression, location: Span) -> (Expression, Span) {
    (Expression { kind: ExpressionKind::Negative(Box::new(inner)), span: location }, location)
}
