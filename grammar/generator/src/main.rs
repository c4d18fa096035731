//! Writes `grammar/src/generated.rs`, the parser, from `grammar/src/network.pest`: `cargo run -p netwright-grammar-generator` after a
//! change of the grammar. It is written ahead of time because no user should compile pest's generator, and it is a crate of its own so
//! that it runs while the parser does not compile. Its test says when it was forgotten.

use std::path::Path;

use quote::quote;

const GRAMMAR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/network.pest");
const PARSER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/generated.rs");

fn main() -> std::io::Result<()> {
    // A file half written is no parser.
    let beside = Path::new(PARSER).with_extension("rs.new");
    std::fs::write(&beside, parser())?;
    std::fs::rename(beside, PARSER)
}

/// The text of the parser.
fn parser() -> String {
    let parser = pest_generator::derive_parser(
        quote! {
            #[grammar = #GRAMMAR]
            pub(super) struct Rules;
        },
        false,
    );
    let items = quote! {
        /// The parser that pest made of the grammar.
        #[derive(Debug)]
        pub(super) struct Rules;
        #parser
    };
    let file = syn::parse2(items).expect("pest writes items of Rust");
    format!(
        "// @generated from network.pest by `cargo run -p netwright-grammar-generator`.\n\n{}",
        prettyplease::unparse(&file)
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_parser_is_what_the_grammar_gives() {
        let written = std::fs::read_to_string(super::PARSER).expect("the parser is there");
        assert!(written == super::parser(), "the grammar has changed: run `cargo run -p netwright-grammar-generator`");
    }
}
