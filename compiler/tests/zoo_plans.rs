//! The planned memory of the lecture's networks, compared with a plan without reuse and with the lower bound.
//! `cargo test -p netwright-compiler --test zoo_plans -- --nocapture` prints the table.

#[path = "support/zoo.rs"]
mod zoo;

use netwright_compiler::ops::Phase;
use netwright_compiler::passes::{self, MemoryPlan};

fn row(name: &str, phase: &str, plan: &MemoryPlan) {
    let [sum, bound, planned] = [plan.sum_of_values, plan.lower_bound, plan.per_image].map(|count| 4 * count);
    let ratio = planned as f64 / bound as f64;
    println!("{name:<18} {phase:<11} {sum:>13} {bound:>13} {planned:>13} {ratio:>6.3}");
    assert!(plan.per_image >= plan.lower_bound && plan.per_image <= plan.sum_of_values, "{name}, {phase}");
    assert!(ratio <= 1.1, "{name}, {phase}: {ratio}");
}

#[test]
fn plans_need_at_most_a_tenth_more_than_what_is_alive_at_one_moment() {
    println!(
        "{:<30} {:>13} {:>13} {:>13} {:>6}",
        "bytes for one image", "all values", "alive at once", "planned", "ratio"
    );
    for file in zoo::NETWORKS {
        let (name, graph) = zoo::network(file);
        let graph = passes::initial_weights(graph);
        let expanded = |graph, phase| passes::expand(passes::fuse(graph, phase), phase);
        let predicted = expanded(passes::fold(graph.clone()), Phase::Predicting);
        row(&name, "predicting", &passes::plan_memory(&passes::predict(&predicted).predict));
        let trained = expanded(graph, Phase::Training);
        row(&name, "training", &passes::plan_memory(&passes::differentiate(&trained).program));
    }
}
