//! What rustc says about each mistake a person makes, word by word: one file and one name for each, the answer beside it.
//!
//! Every case uses its network after the mistake. Whatever it says beyond the mistake is an echo, and a failure.
//! After a change to a message, `TRYBUILD=overwrite cargo test --test diagnostics` writes the answers anew: read them.

#[test]
fn each_mistake_has_one_error_under_its_own_words() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/diagnostics/*.rs");
    cases.pass("tests/diagnostics/legal/*.rs");
}
