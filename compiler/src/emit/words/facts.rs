//! The documentation of a word: its result.

use netwright_grammar::{Block, Span as Bytes};

use crate::emit::docs::grouped;
use crate::lower::Made;

/// The maximum number of rows in a table of calls.
const MOST_ROWS: usize = 12;

/// The documentation of a block in `source`.
pub(super) fn block(block: &Block, source: &str) -> String {
    let text = |span: Bytes| source.get(span.range()).unwrap_or_default();
    let parameters: Vec<String> = block
        .parameters
        .iter()
        .map(|parameter| match &parameter.default {
            Some(default) => format!("{} = {}", parameter.name.text, text(default.span)),
            None => parameter.name.text.clone(),
        })
        .collect();
    let (name, parameters) = (&block.name.text, parameters.join(", "));
    format!("`block {name}({parameters})`\n\nA block: its stages stand wherever it is called.")
}

/// The result of a word in each network and at each call: its shapes, and the documentation as Markdown.
pub(super) fn facts(made: &[(&str, &Made)]) -> Option<(String, String)> {
    let mut rows: Vec<(&str, &Made, usize)> = Vec::new();
    for (network, word) in made {
        match rows.iter_mut().find(|(other, same, _)| other == network && same == word) {
            Some((.., times)) => *times += 1,
            None => rows.push((network, word, 1)),
        }
    }
    let (_, first, _) = rows.first()?;
    let shapes = |made: &Made| format!("{} → {}", made.input, made.output);
    let mut docs = format!("**`{}`**\n\n", first.text);
    if let [(_, one, 1)] = rows.as_slice() {
        docs.push_str(&format!("{}, {}", shapes(one), costs(one)));
        return Some((shapes(one), docs));
    }
    docs.push_str("| where | shapes | parameters | multiply-adds |\n|---|---|---:|---:|\n");
    for (network, made, times) in rows.iter().take(MOST_ROWS) {
        let mut location = made.calls.join(" in ");
        if location.is_empty() {
            location = format!("`{network}`");
        }
        if *times > 1 {
            location = format!("{times} × {location}");
        }
        let (parameters, macs) = (grouped((made.parameters + made.statistics) as u64), grouped(made.macs));
        docs.push_str(&format!("| {location} | {} | {parameters} | {macs} |\n", shapes(made)));
    }
    if rows.len() > MOST_ROWS {
        docs.push_str(&format!("\nand at {} more places", rows.len() - MOST_ROWS));
    }
    Some((format!("{}, …", shapes(first)), docs))
}

/// `156 parameters, 122,304 multiply-adds`
fn costs(made: &Made) -> String {
    let mut text = format!("{} parameters", grouped(made.parameters as u64));
    if made.statistics > 0 {
        text.push_str(&format!(" and {} statistics", grouped(made.statistics as u64)));
    }
    if made.macs > 0 {
        text.push_str(&format!(", {} multiply-adds for one image", grouped(made.macs)));
    }
    text
}
