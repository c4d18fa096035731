//! Blocks for repeated structure: stages with branches that differ only in numbers become calls of one block.

use std::collections::BTreeMap;

use super::stage::Stage;

/// A text split at its whole numbers: the text between them, and the numbers.
#[derive(Clone, Debug)]
struct Form {
    between: Vec<String>,
    numbers: Vec<usize>,
}

impl Form {
    fn of(text: &str) -> Self {
        let (mut between, mut numbers) = (vec![String::new()], Vec::new());
        let letters: Vec<char> = text.chars().collect();
        let mut at = 0;
        while at < letters.len() {
            let is_digit = |at: usize| letters.get(at).is_some_and(char::is_ascii_digit);
            // Only a separate number or a size after `x`, and not a part of a name or a fraction.
            let before = at.checked_sub(1).map(|before| letters[before]);
            let starts = is_digit(at) && matches!(before, None | Some(' ' | 'x'));
            let mut end = at;
            while starts && is_digit(end) {
                end += 1;
            }
            let ends = matches!(letters.get(end), None | Some(' ' | 'x' | ';'));
            match letters[at..end].iter().collect::<String>().parse() {
                Ok(number) if starts && ends => {
                    numbers.push(number);
                    between.push(String::new());
                    at = end;
                }
                _ => {
                    if let Some(last) = between.last_mut() {
                        last.push(letters[at]);
                    }
                    at += 1;
                }
            }
        }
        Self { between, numbers }
    }
}

/// A block in the printed text: its text, and the parameter at each number.
struct PrintedBlock {
    name: String,
    form: Form,
    /// For each number, its parameter and a factor; `None` for a number that is the same in all calls.
    slots: Vec<Option<(usize, usize)>>,
    parameters: usize,
}

const NAMES: [&str; 8] = ["width", "inner", "outer", "step", "more", "rest", "other", "last"];

impl PrintedBlock {
    /// The block of which all `calls` are calls; each call is given by its numbers.
    fn of(name: String, form: Form, calls: &[Vec<usize>]) -> Option<Self> {
        let mut columns: Vec<Vec<usize>> = Vec::new();
        let column = |slot: usize| -> Vec<usize> { calls.iter().map(|call| call[slot]).collect() };
        // The smallest numbers first, because others may be multiples of them.
        let mut order: Vec<usize> = (0..form.numbers.len()).collect();
        order.sort_by_key(|slot| calls[0][*slot]);
        let mut slots = vec![None; order.len()];
        for slot in order {
            let own = column(slot);
            if own.iter().all(|number| *number == own[0]) {
                continue;
            }
            let factor_of = |known: &Vec<usize>| {
                let factor = own[0].checked_div(known[0])?;
                known.iter().zip(&own).all(|(known, own)| known * factor == *own).then_some(factor)
            };
            let known = columns.iter().enumerate().find_map(|(index, known)| Some((index, factor_of(known)?)));
            slots[slot] = Some(known.unwrap_or_else(|| {
                columns.push(own.clone());
                (columns.len() - 1, 1)
            }));
        }
        let parameters = columns.len();
        (parameters <= NAMES.len()).then_some(Self { name, form, slots, parameters })
    }

    fn call(&self, numbers: &[usize]) -> String {
        let mut arguments = vec![String::new(); self.parameters];
        for (slot, number) in self.slots.iter().zip(numbers) {
            if let Some((parameter, 1)) = slot {
                arguments[*parameter] = number.to_string();
            }
        }
        format!("{}({})", self.name, arguments.join(", "))
    }

    fn body(&self) -> String {
        let mut text = self.form.between[0].clone();
        for (index, between) in self.form.between[1..].iter().enumerate() {
            text += &match self.slots[index] {
                None => self.form.numbers[index].to_string(),
                Some((parameter, 1)) => format!("({})", NAMES[parameter]),
                Some((parameter, factor)) => format!("({factor}*{})", NAMES[parameter]),
            };
            text += between;
        }
        text
    }

    fn text(&self) -> String {
        format!("block {}({}) {{\n    {}\n}}\n", self.name, NAMES[..self.parameters].join(", "), self.body())
    }
}

/// The complete text: blocks, then the network.
pub(super) fn with_blocks(name: &str, input: &str, stages: &[Stage]) -> String {
    let forms: Vec<Form> = stages.iter().map(|stage| Form::of(&stage.text())).collect();
    let mut alike: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
    for (index, form) in forms.iter().enumerate() {
        if !stages[index].branches.is_empty() && !stages[index].text().contains("kept") {
            alike.entry(&form.between).or_default().push(index);
        }
    }
    let mut groups: Vec<Vec<usize>> = alike.into_values().filter(|group| group.len() > 1).collect();
    groups.sort_unstable();
    let mut texts: Vec<String> = stages.iter().map(Stage::text).collect();
    let mut blocks = String::new();
    for (number, group) in groups.iter().enumerate() {
        let calls: Vec<Vec<usize>> = group.iter().map(|index| forms[*index].numbers.clone()).collect();
        let Some(block) = PrintedBlock::of(format!("cell{}", letter(number)), forms[group[0]].clone(), &calls) else {
            continue;
        };
        blocks += &block.text();
        for index in group {
            texts[*index] = block.call(&forms[*index].numbers);
        }
    }
    // Consecutive equal stages are written once, with a count.
    let mut lines: Vec<(usize, String)> = Vec::new();
    for text in texts {
        match lines.last_mut() {
            Some((count, last)) if *last == text && !text.starts_with("tap") => *count += 1,
            _ => lines.push((1, text)),
        }
    }
    let lines: Vec<String> = lines
        .into_iter()
        .map(|(count, text)| if count == 1 { format!("    {text}") } else { format!("    {count} * {text}") })
        .collect();
    format!("{blocks}pub {name}({input}) {{\n{}\n}}\n", lines.join(";\n"))
}

/// a, b, … z, za, …
fn letter(number: usize) -> String {
    let last = char::from(b'a' + (number % 26) as u8);
    if number < 26 { format!("_{last}") } else { format!("_z{last}{}", number / 26) }
}
