//! Kernels take their operands in the order of the table: slices of the same type are distinguished only by their names.

use std::fs;
use std::path::Path;

use netwright_abi::kernels::{self, KernelId};

/// Returns the sources in a folder, except reference loops, which have other names.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("the folder is there").flatten().map(|entry| entry.path());
    let kept = entries.filter(|path| path.file_name().is_none_or(|name| name != "reference.rs"));
    kept.map(|path| if path.is_dir() { sources(&path) } else { fs::read_to_string(path).expect("a text") }).collect()
}

/// Returns the parameters of a kernel's function that are operands.
fn parameters<'s>(sources: &'s str, kernel: &KernelId) -> Vec<&'s str> {
    let (_, rest) = sources.split_once(&format!("pub fn {}<", kernel.name)).expect("the table is implemented");
    let (_, rest) = rest.split_once(">(").expect("parameters");
    let (all, _) = rest.split_once(") {").expect("a body");
    let names = all.split([',', '\n']).filter_map(|part| Some(part.split_once(':')?.0.trim()));
    let others = ["context", "spec", "configuration", "pass", "scratch"];
    names.filter(|name| !others.contains(&name.trim_start_matches('_'))).collect()
}

#[test]
fn every_kernel_has_the_operands_of_its_row_in_order() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/kernels"));
    for (kernel, operands) in kernels::ALL {
        assert_eq!(parameters(&sources, kernel), *operands, "{}", kernel.name);
    }
}
