//! A first scan of the text, without recursion: checks that delimiters are paired, that literals and comments end, and that the
//! nesting is shallow enough for a recursive parser.

use pest::unicode::{XID_CONTINUE, XID_START};

use crate::diagnostics::Diagnostic;
use crate::syntax::{Name, Span};

/// The maximum nesting depth of parentheses, brackets and braces.
pub const MAX_NESTING: usize = 64;

/// The maximum number of operators in an expression, which bounds the depth of its tree.
pub const MAX_OPERATORS: usize = 64;

/// Checks that `source` is balanced and within the limits.
pub(crate) fn check(source: &str) -> Result<(), Diagnostic> {
    let mut open: Vec<(char, usize)> = Vec::new();
    let mut operators = 0;
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let next = at + first.len_utf8();
        let here = Span::new(at, next);
        if let Some(length) = line_comment(rest) {
            at += length;
            continue;
        }
        if rest.starts_with("/*") {
            at += block_comment(rest, at)?;
            continue;
        }
        if let Some(literal) = quoted(rest) {
            let length = literal.ok_or_else(|| {
                Diagnostic::new(here, "this literal has no end").help("close it with its quotation mark")
            })?;
            at += length;
            continue;
        }
        if let Some(length) = lexeme(rest) {
            at += length;
            continue;
        }
        match first {
            '(' | '[' | '{' => {
                if open.len() == MAX_NESTING {
                    return Err(too_deep(here, "parentheses, brackets and braces"));
                }
                if first == '(' && !matches!(open.last(), Some(('(', _))) {
                    operators = 0;
                }
                open.push((first, at));
            }
            ')' | ']' | '}' => match open.pop() {
                Some((opening, _)) if closing(opening) == first => {}
                Some((opening, start)) => {
                    let expected = closing(opening);
                    return Err(Diagnostic::new(here, format!("`{first}` stands where `{expected}` belongs"))
                        .note(format!("`{opening}` at byte {start} is still open")));
                }
                None => return Err(Diagnostic::new(here, format!("`{first}` closes nothing"))),
            },
            ',' if outermost_parenthesis(&open) => operators = 0,
            '+' | '-' | '*' | '/' if in_expression(&open) => {
                operators += 1;
                if operators > MAX_OPERATORS {
                    let message = format!("an expression has at most {MAX_OPERATORS} operators");
                    return Err(Diagnostic::new(here, message).help("write the result as a number"));
                }
            }
            _ => {}
        }
        at = next;
    }
    match open.pop() {
        None => Ok(()),
        Some((opening, start)) => {
            let message = format!("`{opening}` is never closed: `{}` is missing", closing(opening));
            Err(Diagnostic::new(Span::new(start, start + 1), message))
        }
    }
}

/// The names before the outermost braces of a text that is not parsed further.
pub(crate) fn network_names(source: &str) -> Vec<Name> {
    let mut names = Vec::new();
    let mut last: Option<Name> = None;
    let (mut depth, mut is_block, mut at) = (0_usize, false, 0);
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let skipped = line_comment(rest)
            .or_else(|| rest.starts_with("/*").then(|| block_comment(rest, at).unwrap_or(rest.len())))
            .or_else(|| quoted(rest).map(|literal| literal.unwrap_or(rest.len())));
        if let Some(length) = skipped {
            at += length;
            continue;
        }
        if let Some(length) = lexeme(rest) {
            let text = rest[..length].strip_prefix("r#").unwrap_or(&rest[..length]);
            if depth == 0 && !text.starts_with(|digit: char| digit.is_ascii_digit()) {
                is_block |= text == "block";
                last = Some(Name { text: text.to_owned(), span: Span::new(at, at + length) });
            }
            at += length;
            continue;
        }
        if depth == 0 && first == '{' {
            names.extend(last.take().filter(|_| !is_block));
        }
        match first {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && matches!(first, '}' | ';') {
            (last, is_block) = (None, false);
        }
        at += first.len_utf8();
    }
    names
}

fn too_deep(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(span, format!("nested too deep: at most {MAX_NESTING} {what} stand inside one another"))
        .help("move the inner part into a `block`")
}

fn closing(opening: char) -> char {
    match opening {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

fn outermost_parenthesis(open: &[(char, usize)]) -> bool {
    match open {
        [.., (below, _), ('(', _)] => *below != '(',
        [('(', _)] => true,
        _ => false,
    }
}

/// Parentheses inside brackets belong to an attribute: their content is Rust, not an expression.
fn in_expression(open: &[(char, usize)]) -> bool {
    matches!(open.last(), Some(('(', _))) && open.iter().all(|(opening, _)| *opening != '[')
}

fn line_comment(rest: &str) -> Option<usize> {
    rest.starts_with("//").then(|| rest.find('\n').unwrap_or(rest.len()))
}

/// The length of the comment at the start of `rest`; comments nest.
fn block_comment(rest: &str, start: usize) -> Result<usize, Diagnostic> {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            if depth > MAX_NESTING {
                return Err(too_deep(Span::new(start + at, start + at + 2), "comments"));
            }
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Ok(at);
            }
        } else {
            at += 1;
        }
    }
    Err(Diagnostic::new(Span::new(start, start + 2), "this comment has no end").help("close it with `*/`"))
}

/// The length of the string or character literal at the start of `rest`; `Some(None)` if the literal does not end.
fn quoted(rest: &str) -> Option<Option<usize>> {
    if let Some(prefix) = ["br", "cr", "r"].into_iter().find(|prefix| rest.starts_with(prefix)) {
        let after = &rest[prefix.len()..];
        let hashes = after.len() - after.trim_start_matches('#').len();
        if let Some(text) = after[hashes..].strip_prefix('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return Some(text.find(&end).map(|length| prefix.len() + hashes + 1 + length + end.len()));
        }
    }
    let prefix = rest.len() - rest.strip_prefix(['b', 'c']).unwrap_or(rest).len();
    if let Some(text) = rest[prefix..].strip_prefix('"') {
        return Some(string(text).map(|length| prefix + 1 + length));
    }
    let prefix = rest.len() - rest.strip_prefix('b').unwrap_or(rest).len();
    // An apostrophe that starts no character literal is a lifetime or a typing error, not an unterminated literal.
    let text = rest[prefix..].strip_prefix('\'')?;
    character(text).map(|length| Some(prefix + 1 + length))
}

/// The length up to and including the closing quotation mark.
fn string(text: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some(at + 1),
            '\\' => drop(characters.next()),
            _ => {}
        }
    }
    None
}

/// The length up to and including the closing apostrophe; `text` starts after the opening one.
fn character(text: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    match characters.next()? {
        (_, '\'') => None,
        (_, '\\') => {
            characters.next()?;
            let (at, end) = characters.find(|(_, character)| matches!(character, '\'' | '\n'))?;
            (end == '\'').then_some(at + 1)
        }
        _ => characters.next().filter(|(_, end)| *end == '\'').map(|(at, _)| at + 1),
    }
}

/// The length of a word, or of a number with adjacent letters.
fn lexeme(rest: &str) -> Option<usize> {
    let starts_word = |character: char| character == '_' || XID_START(character);
    let raw = rest.strip_prefix("r#").filter(|word| word.starts_with(starts_word));
    let prefix = if raw.is_some() { 2 } else { 0 };
    let word = &rest[prefix..];
    if !word.starts_with(|character: char| starts_word(character) || character.is_ascii_digit()) {
        return None;
    }
    Some(prefix + word.find(|character| !XID_CONTINUE(character)).unwrap_or(word.len()))
}
