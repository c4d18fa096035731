//! The memory that is planned for the lecture's networks, beside what it would be without a plan and the least that it can be.
//! `cargo test -p netwright-compiler --test zoo_plans -- --nocapture` prints the table.

use netwright_compiler::graph::Graph;
use netwright_compiler::lower::lower;
use netwright_compiler::ops::Phase;
use netwright_compiler::passes::{self, MemoryPlan};
use netwright_grammar::Diagnostics;

/// The zoo's files.
const NETWORKS: [&str; 10] = [
    include_str!("../../zoo/src/toy.rs"),
    include_str!("../../zoo/src/lenet5.rs"),
    include_str!("../../zoo/src/lenet5_1998.rs"),
    include_str!("../../zoo/src/alexnet.rs"),
    include_str!("../../zoo/src/vgg16.rs"),
    include_str!("../../zoo/src/resnet50.rs"),
    include_str!("../../zoo/src/inception_v3.rs"),
    include_str!("../../zoo/src/xception.rs"),
    include_str!("../../zoo/src/resnext50.rs"),
    include_str!("../../zoo/src/inception_resnet_v2.rs"),
];

/// The name and the graph of the network in a file of the zoo.
fn network(file: &str) -> (String, Graph) {
    let (_, text) = file.split_once("network! {").expect("the file has a network");
    let (source, _) = text.split_once("\n}").expect("and its end");
    let mut diagnostics = Diagnostics::default();
    let syntax = netwright_grammar::parse(source, &mut diagnostics);
    let lowered = lower(source, &syntax, &mut diagnostics).pop().expect("the file has a network");
    assert_eq!(diagnostics.into_sorted(), []);
    (lowered.syntax.name.text.clone(), passes::initial_weights(lowered.graph))
}

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
    for file in NETWORKS {
        let (name, graph) = network(file);
        let predicted = passes::fuse(passes::fold(graph.clone()), Phase::Predicting);
        row(&name, "predicting", &passes::plan_memory(&passes::predict(&predicted).predict));
        let trained = passes::fuse(graph, Phase::Training);
        row(&name, "training", &passes::plan_memory(&passes::differentiate(&trained).program));
    }
}
