//! Emitted code reads like a lecture: its names are derived from the names of layers.

use netwright_compiler::{Audience, compile};
use proc_macro2::{Span, TokenStream, TokenTree};

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

/// All tokens with their text, also those in groups; a group itself after its tokens, as its last sign.
fn leaves(tokens: TokenStream) -> Vec<(String, Span)> {
    let leaves = tokens.into_iter().flat_map(|token| match &token {
        TokenTree::Group(group) => {
            let end = group.to_string().pop().unwrap_or_default();
            leaves(group.stream()).into_iter().chain([(end.to_string(), group.span_close())]).collect()
        }
        leaf => vec![(leaf.to_string(), leaf.span())],
    });
    leaves.collect()
}

#[test]
fn an_attribute_has_its_spans_in_the_text() {
    let attribute = r##"#[serde(r#type(a = "]", b = ")"))]"##;
    let text = format!("#[doc = \"(A network.\"] {attribute} Net(4) {{ softmax 2 }}");
    let in_text = leaves(text.parse().unwrap());
    let span = |bytes: netwright_grammar::Span| {
        let found = in_text.iter().find(|(_, span)| span.byte_range().end == base(&in_text) + bytes.end);
        found.map_or_else(Span::call_site, |(_, span)| *span)
    };
    let compiled = compile(&text, &TokenStream::new(), &span, Audience::Rustc);
    let emitted = leaves(compiled.tokens);
    let start = emitted.windows(3).position(|tokens| tokens[2].0 == "serde").expect("it is emitted");
    for (index, (token, _)) in leaves(attribute.parse().unwrap()).iter().enumerate() {
        let (found, span) = &emitted[start + 1 + index];
        assert_eq!(found, token);
        assert_eq!(span.source_text().as_deref(), Some(token.as_str()), "{index}");
    }
}

/// The first byte of a text that was parsed to these tokens and starts with the first of them.
fn base(tokens: &[(String, Span)]) -> usize {
    tokens[0].1.byte_range().start
}
