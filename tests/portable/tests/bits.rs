//! Run by `.ci/targets` on processors of other kinds.

#[test]
fn portable_training_gives_the_bits_of_every_machine() {
    let found = portable::trained(1).expect("a training run");
    assert_eq!(found, portable::TRAINED, "{found:#018x}");
}
