//! Checks the dependency rules of ARCHITECTURE.md in manifests and sources.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The sources of every published crate, except `abi/`, which all may use, and the zoo.
const CRATES: [&str; 9] = [
    "grammar/src",
    "onnx/src",
    "compiler/src",
    "macros/src",
    "compute/src",
    "formats/src",
    "runtime/src",
    "train/src",
    "src",
];

/// Returns every Rust file of [`CRATES`], except those in `except`.
fn sources_except(except: &str) -> Vec<PathBuf> {
    CRATES.iter().filter(|folder| **folder != except).flat_map(|folder| sources(folder)).collect()
}

/// Returns every Rust file below `folder`.
fn sources(folder: &str) -> Vec<PathBuf> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    assert!(!found.is_empty(), "{folder} has sources");
    found.sort();
    found
}

/// Returns the lines of a file without comments and without unit tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source is text");
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Returns the names in a section of a manifest.
fn dependencies(manifest: &str, section: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(manifest)).expect("the manifest is there");
    text.split(&format!("\n[{section}]\n"))
        .nth(1)
        .unwrap_or_default()
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('=').map(|(name, _)| name.trim().trim_end_matches(".workspace").to_owned()))
        .collect()
}

#[test]
fn packages_use_only_the_packages_they_may() {
    let own = |manifest: &str| -> Vec<String> {
        dependencies(manifest, "dependencies").into_iter().filter(|name| name.starts_with("netwright")).collect()
    };
    assert_eq!(own("grammar/Cargo.toml"), Vec::<String>::new());
    assert_eq!(dependencies("abi/Cargo.toml", "dependencies"), Vec::<String>::new());
    assert_eq!(own("compiler/Cargo.toml"), ["netwright-abi", "netwright-grammar", "netwright-onnx"]);
    assert_eq!(dependencies("onnx/Cargo.toml", "dependencies"), ["netwright-abi"]);
    assert_eq!(own("macros/Cargo.toml"), ["netwright-compiler", "netwright-grammar"]);
    assert_eq!(own("compute/Cargo.toml"), ["netwright-abi"]);
    assert_eq!(own("runtime/Cargo.toml"), ["netwright-abi", "netwright-compute", "netwright-onnx"]);
    assert_eq!(own("formats/Cargo.toml"), ["netwright-runtime"]);
    assert_eq!(own("train/Cargo.toml"), ["netwright-compute", "netwright-runtime"]);
    assert_eq!(own("Cargo.toml"), ["netwright-macros", "netwright-runtime", "netwright-train"]);
    assert_eq!(own("zoo/Cargo.toml"), ["netwright", "netwright-formats"]);
}

#[test]
fn only_the_macro_uses_proc_macro_and_only_the_emission_uses_quote() {
    for path in sources_except("macros/src") {
        assert!(!code(&path).contains("proc_macro::"), "{} uses `proc_macro`", shown(&path));
    }
    for path in CRATES.iter().flat_map(|folder| sources(folder)) {
        let is_emission = path.starts_with(root().join("compiler/src/emit"));
        assert!(is_emission || !code(&path).contains("quote::"), "{} uses `quote`", shown(&path));
    }
}

#[test]
fn outside_of_compute_only_memory_views_use_unsafe() {
    let files = ["runtime/src/tensor.rs", "runtime/src/memory.rs", "runtime/src/emitted.rs"];
    for path in sources_except("compute/src") {
        let allowed = files.iter().any(|file| path.starts_with(root().join(file)));
        let code = code(&path);
        let forms = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern"];
        let uses = forms.iter().any(|form| code.contains(form));
        assert!(allowed || !uses, "{} uses `unsafe`", shown(&path));
    }
}

#[test]
fn passes_do_not_know_layers_by_name() {
    for path in sources("compiler/src/passes") {
        let code = code(&path);
        for forbidden in ["layers::", ".name()", "op.name"] {
            assert!(!code.contains(forbidden), "{} asks for a name with `{forbidden}`", shown(&path));
        }
    }
}

#[test]
fn no_file_has_a_name_without_a_meaning() {
    for path in CRATES.iter().flat_map(|folder| sources(folder)) {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        assert!(
            !["utils", "util", "common", "types", "helpers", "misc"].contains(&stem),
            "{} says nothing",
            shown(&path)
        );
    }
}

#[test]
fn predictions_need_core_only() {
    let std_only = [
        "error.rs",
        "finite.rs",
        "first_weights.rs",
        "foreign",
        "memory.rs",
        "network.rs",
        "norm.rs",
        "storage",
        "training_workspace.rs",
        "weights.rs",
    ];
    for path in sources("runtime/src") {
        let inside = path.strip_prefix(root().join("runtime/src")).expect("it is inside");
        let first =
            inside.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned()).unwrap_or_default();
        if std_only.contains(&first.as_str()) || first.starts_with("test") {
            continue;
        }
        assert!(!code(&path).contains("extern crate alloc"), "{} wants a heap", shown(&path));
    }
    for library in ["compute/src/lib.rs", "runtime/src/lib.rs"] {
        assert!(code(&root().join(library)).contains("no_std"), "{library}");
    }
}

/// A network's type has a parameter, and its default does not guide inference: without a method for `f32` only, the next use would decide the
/// element type of `Reader::from_file(path)`.
#[test]
fn constructors_of_networks_have_methods_for_f32_only() {
    let methods = code(&root().join("src/emitted.rs"));
    let mut constructors = Vec::new();
    for source in ["runtime/src/network.rs", "runtime/src/weights.rs"] {
        let code = code(&root().join(source));
        let traits = code.split("\npub trait ").skip(1).map(|rest| rest.split("\n}").next().unwrap_or_default());
        for function in traits.flat_map(|body| body.split("\n    fn ").skip(1)) {
            let signature = function.split(['{', ';']).next().unwrap_or_default();
            let name = signature.split(['(', '<']).next().unwrap_or_default().to_owned();
            if !signature.contains("self") && name != "from_weights" {
                constructors.push(name);
            }
        }
    }
    assert!(constructors.len() >= 4 && constructors.contains(&"from_file".to_owned()), "{constructors:?}");
    let f32_alone: String =
        methods.split("impl $own<f32> {").skip(1).map(|rest| rest.split("impl<T").next().unwrap_or_default()).collect();
    for name in constructors {
        assert!(f32_alone.contains(&format!("pub fn {name}(")), "`{name}` asks for a type: write it for `f32`");
    }
}
