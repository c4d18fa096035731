//! Draws the results of a comparison: `chart results.json chart.svg`.

use std::path::Path;

use chart::{Bar, Group, bars};
use serde_json::Value;
use speak::Failure;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [results, picture] = &arguments[..] else { return Err("chart RESULTS.json CHART.svg".into()) };
    let results: Value = serde_json::from_str(&std::fs::read_to_string(results)?)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let series: Vec<String> = list(&results["engines"]).iter().map(text).collect();
    let groups: Vec<Group> = list(&results["groups"])
        .iter()
        .map(|group| {
            let bars = list(&group["bars"]);
            let bars = bars.iter().filter_map(|bar| {
                let engine = text(&bar["engine"]);
                Some(Bar {
                    series: series.iter().position(|name| *name == engine)?,
                    value: bar["value"].as_f64()?,
                    text: text(&bar["text"]),
                })
            });
            Group { title: text(&group["title"]), bars: bars.collect() }
        })
        .collect();
    bars(Path::new(picture), &text(&results["title"]), &series, &groups)
}
