//! Networks whose layers are defined in a file: `pub Model = onnx "model.onnx";`

use std::path::Path;

use netwright_grammar::{Diagnostic, Foreign, Name};
use proc_macro2::TokenStream;

use crate::Audience;
use crate::attributes;
use crate::emit::Context;

/// The items of a network from a file in `folder`.
///
/// # Errors
/// A diagnostic if the file cannot be read, or contains something that a network cannot.
pub(crate) fn compile(
    foreign: &Foreign,
    context: &Context<'_>,
    audience: Audience,
    folder: Option<&Path>,
) -> Result<TokenStream, Diagnostic> {
    let Foreign { network, format, path, options } = foreign;
    if let Some(diagnostic) = attributes::refuse_derives(network, context.source) {
        return Err(diagnostic);
    }
    if format.text != "onnx" {
        return Err(Diagnostic::new(
            format.span,
            format!("no network is read from a file of the kind `{}`", format.text),
        )
        .help("write `onnx \"model.onnx\"`"));
    }
    let mut settings = Settings::default();
    for (word, text) in options {
        match (word.text.as_str(), text) {
            ("embed", None) => settings.embed = true,
            ("softmax" | "logsoftmax" | "sigmoid", None) if settings.end.is_none() => settings.end = Some(&word.text),
            ("output", Some(name)) => settings.output = Some(string(name, "write `output \"probabilities\"`")?),
            ("output", None) => {
                return Err(
                    Diagnostic::new(word.span, "`output` needs a name").help("write `output \"probabilities\"`")
                );
            }
            _ => {
                return Err(Diagnostic::new(word.span, format!("`{}` says nothing of a file", word.text)).help(
                    "`embed` takes its weights into the program, `output \"name\"` says which output is the answer, and `softmax`, `logsoftmax` or `sigmoid` stands behind logits",
                ));
            }
        }
    }
    let written = string(path, "a path is a text in quotation marks: write `onnx \"model.onnx\"`")?;
    read((foreign, &written), context, audience, folder, &settings).map_err(|problem| match problem.help {
        Some(help) => Diagnostic::new(path.span, problem.message).help(help),
        None => Diagnostic::new(path.span, problem.message),
    })
}

/// The value of a string literal.
fn string(literal: &Name, help: &str) -> Result<String, Diagnostic> {
    let string = syn::parse_str::<syn::LitStr>(&literal.text).map(|string| string.value());
    string.map_err(|_| Diagnostic::new(literal.span, format!("`{}` is not a string", literal.text)).help(help))
}

/// The options after the path.
#[derive(Debug, Default)]
struct Settings<'a> {
    embed: bool,
    output: Option<String>,
    /// The activation to add after the output.
    end: Option<&'a str>,
}

/// The reason why the file cannot be used.
struct Refusal {
    message: String,
    help: Option<String>,
}

#[cfg(not(feature = "onnx"))]
fn read(
    _file: (&Foreign, &str),
    _context: &Context<'_>,
    _audience: Audience,
    _folder: Option<&Path>,
    settings: &Settings<'_>,
) -> Result<TokenStream, Refusal> {
    let _ = (settings.embed, &settings.output, settings.end);
    let help = "write `features = [\"onnx\"]` behind `netwright` in Cargo.toml".to_owned();
    Err(Refusal { message: "networks from ONNX files need netwright's feature `onnx`".to_owned(), help: Some(help) })
}

#[cfg(feature = "onnx")]
fn read(
    (foreign, written): (&Foreign, &str),
    context: &Context<'_>,
    audience: Audience,
    folder: Option<&Path>,
    settings: &Settings<'_>,
) -> Result<TokenStream, Refusal> {
    use crate::emit::{self, Item};

    let refused = |message: String| Refusal { message, help: None };
    let Some(folder) = folder else { return Err(refused(format!("`{written}`: no file is read here"))) };
    let path = folder.join(written);
    // Only the structure is read here: cargo and the program read the weights, with `include_bytes`.
    let structure = || netwright_onnx::structure(&mut std::fs::File::open(&path)?);
    let bytes = structure().map_err(|error| Refusal {
        message: format!("`{}` cannot be read: {error}", path.display()),
        help: Some("a path is relative to the folder of the crate, where its Cargo.toml is".to_owned()),
    })?;
    let model = netwright_onnx::Model::read(&bytes).map_err(|error| refused(format!("`{written}`: {error}")))?;
    let asked = crate::onnx::Asked {
        output: settings.output.as_deref(),
        end: settings.end.and_then(crate::onnx::End::of),
        folder: path.parent(),
    };
    let crate::onnx::Read { graph, sources } = crate::onnx::read_as(&model, asked)
        .map_err(|problem| Refusal { message: format!("`{written}`: {problem}"), help: problem.help.clone() })?;
    let item = Item::of(&foreign.network, context);
    let mut tokens = crate::compile_graph(graph, &item, context.root, audience);
    let embedded = if settings.embed {
        let files = external_files(&model, &sources, &path).map_err(|error| Refusal {
            message: format!("`{written}`: {error}"),
            help: Some("`embed` takes the files beside a model into the program, too".to_owned()),
        })?;
        Some(files)
    } else {
        None
    };
    tokens.extend(emit::onnx::read(&item, &sources, &path, embedded.as_ref(), context.root));
    Ok(tokens)
}

/// The external files that contain a model's weights, by their names in the model, with their paths.
#[cfg(feature = "onnx")]
fn external_files(
    model: &netwright_onnx::Model<'_>,
    sources: &[crate::onnx::Source],
    path: &Path,
) -> Result<crate::emit::onnx::ExternalFiles, netwright_onnx::Error> {
    let wanted: std::collections::BTreeSet<&str> = sources
        .iter()
        .filter_map(|source| match source {
            crate::onnx::Source::Tensor { name, .. } => Some(name.as_str()),
            crate::onnx::Source::Filled(_) => None,
        })
        .collect();
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut files = crate::emit::onnx::ExternalFiles::new();
    for (name, tensor) in model.graph.constants() {
        if wanted.contains(name)
            && let Some((location, path)) = netwright_onnx::external::file(tensor, folder)?
        {
            files.insert(location, path);
        }
    }
    Ok(files)
}
