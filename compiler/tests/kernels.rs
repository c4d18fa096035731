//! The table of kernels and the code built from it: every row is called.

use std::fs;
use std::path::Path;

use netwright_abi::kernels;

/// All sources below a folder as one text.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("the folder is there").flatten().map(|entry| entry.path());
    let texts =
        entries.map(|path| if path.is_dir() { sources(&path) } else { fs::read_to_string(path).expect("a text") });
    texts.collect()
}

#[test]
fn every_kernel_of_the_table_is_called_by_an_operation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources = ["ops", "passes"].map(|folder| sources(&root.join(folder))).concat();
    let words: Vec<&str> = sources.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    let idle: Vec<&str> =
        kernels::ALL.iter().map(|(kernel, _)| kernel.name).filter(|name| !words.contains(name)).collect();
    assert!(idle.is_empty(), "nobody calls these: give each a row in `ops/conv_kernels.rs`, or an operation: {idle:?}");
}

#[test]
fn operands_have_the_names_of_the_table() {
    assert_eq!(kernels::conv_pack.id.operands(), ["w", "prepared"]);
    assert_eq!(kernels::batchnorm_fold.id.operands().last(), Some(&"shift"));
}
