//! Emitted code reads like a lecture: its names are derived from the names of layers.

use netwright_compiler::{Audience, compile};
use proc_macro2::{Span, TokenStream};

/// The code emitted for a text.
fn emitted(text: &str) -> String {
    let root: TokenStream = "netwright".parse().unwrap();
    let compiled = compile(text, &root, &|_| Span::call_site(), Audience::Rustc);
    assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
    compiled.tokens.to_string()
}

#[test]
fn names_are_those_of_layers_in_blocks_and_of_the_operands_of_kernels() {
    let text = "block cell(width) { residual { conv 3x3x(width) same; bn relu; conv 1x1x(width) } relu }
        Net(8x8x16) { cell(16); cell(16); softmax 3 }";
    let code = emitted(text);
    for name in [
        "CELL1_CONV1_CONV_RELU",
        "CELL1_CONV2_CONV_ADD_RELU",
        "CELL1_BATCHNORM1_SCALE",
        "CELL1_CONV1_PREPARED",
        "CELL2_BATCHNORM1_SAVED_INVERSE_DEVIATION",
        "cell1_conv1_kernel_gradient",
        "cell2_add1_z_gradient",
        "images_gradient",
    ] {
        assert!(
            code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == name),
            "{name}"
        );
    }
    assert!(!code.contains("layer_2") && !code.contains("_saved_2"), "a name says of which layer, and what");
}

#[test]
fn a_program_without_scratch_memory_divides_no_workspace() {
    let code = emitted("Net(4) memory least { dense 3 tanh; softmax 2 }");
    assert!(!code.contains("PREDICT_SCRATCH") && code.contains("TRAIN_SCRATCH"), "{code}");
}

#[test]
fn the_arrays_of_a_layer_are_emitted_once() {
    let code = emitted("Net(28x28x1) { conv 5x5x6; softmax 10 }");
    assert_eq!(
        code.matches("[[[[T ; 6] ; 1] ; 5] ; 5]").count(),
        1,
        "`layers()` and `layers_mut()` follow from one list"
    );
}
