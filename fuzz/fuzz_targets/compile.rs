//! Any text compiles without a panic; each diagnostic points into the text; text without diagnostics generates items; the output is valid Rust.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netwright_compiler::{Audience, compile};
use proc_macro2::{Span, TokenStream};

fuzz_target!(|source: &str| {
    for audience in [Audience::Rustc, Audience::Editor] {
        let compiled = compile(source, &TokenStream::new(), &|_| Span::call_site(), audience);
        for diagnostic in &compiled.diagnostics {
            assert!(source.get(diagnostic.span.range()).is_some(), "{diagnostic:?}");
        }
        if compiled.diagnostics.is_empty() {
            assert!(compiled.mistaken.is_empty() && !compiled.tokens.is_empty());
        }
        for tokens in [compiled.tokens, compiled.words] {
            syn::parse2::<syn::File>(tokens).expect("what is emitted is a file of Rust");
        }
    }
});
