//! The zoo's networks, from their files.

use netwright_compiler::graph::Graph;
use netwright_compiler::lower::lower;
use netwright_grammar::Diagnostics;

/// The zoo's files.
pub(crate) const NETWORKS: [&str; 12] = [
    include_str!("../../../zoo/src/toy.rs"),
    include_str!("../../../zoo/src/lenet5.rs"),
    include_str!("../../../zoo/src/lenet5_1998.rs"),
    include_str!("../../../zoo/src/alexnet.rs"),
    include_str!("../../../zoo/src/vgg16.rs"),
    include_str!("../../../zoo/src/resnet50.rs"),
    include_str!("../../../zoo/src/inception_v3.rs"),
    include_str!("../../../zoo/src/xception.rs"),
    include_str!("../../../zoo/src/resnext50.rs"),
    include_str!("../../../zoo/src/inception_resnet_v2.rs"),
    include_str!("../../../zoo/src/resnet50_of_torchvision.rs"),
    include_str!("../../../zoo/src/inception_v3_of_torchvision.rs"),
];

/// The name and the graph of the network in a file of the zoo.
pub(crate) fn network(file: &str) -> (String, Graph) {
    let (_, text) = file.split_once("network! {").expect("the file has a network");
    let (source, _) = text.split_once("\n}").expect("and its end");
    let mut diagnostics = Diagnostics::default();
    let syntax = netwright_grammar::parse(source, &mut diagnostics);
    let lowered = lower(source, &syntax, &mut diagnostics).pop().expect("the file has a network");
    assert_eq!(diagnostics.into_sorted(), []);
    (lowered.syntax.name.text.clone(), lowered.graph)
}
