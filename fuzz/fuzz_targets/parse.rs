//! Any text is parsed without a panic, and each diagnostic points into the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netwright_grammar::{Diagnostics, parse};

fuzz_target!(|source: &str| {
    let mut diagnostics = Diagnostics::default();
    let _ = parse(source, &mut diagnostics);
    for diagnostic in diagnostics.into_sorted() {
        assert!(source.get(diagnostic.span.range()).is_some(), "{diagnostic:?}");
        assert!(!diagnostic.message.starts_with("this cannot be read"), "{diagnostic:?}");
    }
});
