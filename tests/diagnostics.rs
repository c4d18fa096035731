//! Pins the output of rustc for each mistake that users make: one file for each, with the expected output beside it.
//!
//! Every case uses its network after the mistake; a follow-up error beyond the mistake is a failure. After a change to a message,
//! `TRYBUILD=overwrite cargo test --test diagnostics` writes the expected outputs again: review them.

#[test]
fn each_mistake_gives_one_error_at_its_own_words() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/diagnostics/*.rs");
    cases.pass("tests/diagnostics/legal/*.rs");
}
