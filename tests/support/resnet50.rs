//! A large network: the zoo's ResNet-50.

/// Returns the text in the braces of `network! { … }` in the zoo's file of ResNet-50.
pub(crate) fn resnet50() -> &'static str {
    let file = include_str!("../../zoo/src/resnet50.rs");
    let (_, text) = file.split_once("network! {").expect("the file has a network");
    text.split_once("\n}").expect("and its end").0
}
