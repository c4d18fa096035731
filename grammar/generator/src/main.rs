//! Generates the parser `grammar/src/generated.rs` from `grammar/src/network.pest`; run `cargo run -p netwright-grammar-generator`
//! after a change of the grammar. The parser is generated ahead of time so that users do not compile pest's generator. The generator
//! is a crate of its own so that it runs even if the parser does not compile. A test checks that the parser is up to date.

use std::path::Path;

use quote::quote;

const GRAMMAR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/network.pest");
const PARSER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/generated.rs");

fn main() -> std::io::Result<()> {
    // Write to a temporary name first: a partially written file is no parser.
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
        /// The parser that pest generates from the grammar.
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
