//! Prints the formatted code of networks in a crate with netwright's default features: `cargo run --example expand -- FILE`. With `-p
//! netwright-compiler --no-default-features` it prints the code for a crate without `std` and `winograd`.
//!
//! FILE is a Rust source file, `FILE.rs`, in which every `network! { … }` is expanded, or a file in the language alone.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use netwright_compiler::{Audience, compile};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::parse::ParseStream;
use syn::visit::Visit;
use syn::visit_mut::VisitMut;
use syn::{Block, File, Macro, Stmt, Token, parse_quote, parse2};

/// The texts between the braces of every `network! { … }`.
struct Networks<'a> {
    file: &'a str,
    texts: Vec<&'a str>,
}

impl<'a> Visit<'_> for Networks<'a> {
    fn visit_macro(&mut self, call: &Macro) {
        if is_called(call, "network") {
            let span = call.delimiter.span();
            let (start, end) = (span.open().byte_range().end, span.close().byte_range().start);
            self.texts.extend(self.file.get(start..end));
        }
    }
}

fn networks<'a>(path: &Path, file: &'a str) -> syn::Result<Vec<&'a str>> {
    if path.extension().is_none_or(|extension| extension != "rs") {
        return Ok(vec![file]);
    }
    let mut networks = Networks { file, texts: Vec::new() };
    networks.visit_file(&syn::parse_file(file)?);
    Ok(networks.texts)
}

/// Keeps the content of `with_std! { … }` and drops the content of `without_std! { … }`, as the feature `std` does. Replaces other
/// macros by similar Rust code so that it can be formatted; [`unparse`] restores the macros.
struct Readable;

/// The prefix of a macro's name while it is a function or a module.
const MACRO: &str = "macro_of_netwright_";

impl VisitMut for Readable {
    fn visit_block_mut(&mut self, block: &mut Block) {
        for statement in std::mem::take(&mut block.stmts) {
            match &statement {
                Stmt::Macro(call) if is_called(&call.mac, "without_std") => {}
                Stmt::Macro(call) if is_called(&call.mac, "with_std") => match call.mac.parse_body::<File>() {
                    Ok(inside) => block.stmts.extend(inside.items.into_iter().map(Stmt::Item)),
                    Err(_) => block.stmts.push(statement),
                },
                Stmt::Macro(call) => block.stmts.push(readable(&call.mac).unwrap_or(statement)),
                _ => block.stmts.push(statement),
            }
        }
        syn::visit_mut::visit_block_mut(self, block);
    }
}

/// A macro as a function call, or as a module of items.
fn readable(call: &Macro) -> Option<Stmt> {
    let name = format_ident!("{MACRO}{}", call.path.segments.last()?.ident);
    if is_called(call, "compiled_for") {
        let tokens = &call.tokens;
        return parse2(quote!({ #name(#tokens); })).ok().and_then(|block: Block| block.stmts.into_iter().next());
    }
    let items = |input: ParseStream<'_>| {
        let of: Ident = input.parse()?;
        input.parse::<Token![;]>()?;
        let items = input.parse::<File>()?.items;
        let name = format_ident!("{name}_{of}");
        Ok(parse_quote!(mod #name { #(#items)* }))
    };
    is_called(call, "views").then(|| call.parse_body_with(items).ok()).flatten().map(Stmt::Item)
}

/// The items as text.
fn unparse(items: &File, root: &TokenStream) -> String {
    let path = format!("{}::private::", root.to_string().replace(' ', ""));
    let text = prettyplease::unparse(items);
    let views = format!("mod {MACRO}views_");
    let lines = text.lines().map(|line| match line.split_once(&views) {
        Some((indent, of)) => format!("{indent}{path}views! {{\n{indent}    {};\n", of.trim_end_matches(" {")),
        None => format!("{}\n", line.replace(MACRO, &path).replace("compiled_for(", "compiled_for!(")),
    });
    lines.collect()
}

fn is_called(call: &Macro, name: &str) -> bool {
    call.path.segments.last().is_some_and(|last| last.ident == name)
}

/// The expansion of one text, or its diagnostics with line numbers.
fn expand(text: &str, lines_before: usize) -> Result<String, String> {
    let root: TokenStream = "::netwright".parse().unwrap_or_default();
    let compiled = compile(text, &root, &|_| Span::call_site(), Audience::Rustc);
    if !compiled.diagnostics.is_empty() {
        let line = |bytes: netwright_grammar::Span| lines_before + text[..bytes.start].matches('\n').count() + 1;
        return Err(compiled.diagnostics.iter().fold(String::new(), |mut mistakes, diagnostic| {
            let _ =
                writeln!(mistakes, "line {}: {}", line(diagnostic.span), diagnostic.text(|bytes| Some(line(bytes))));
            mistakes
        }));
    }
    let mut items: File = syn::parse2(compiled.tokens).map_err(|error| format!("{error}\n"))?;
    Readable.visit_file_mut(&mut items);
    Ok(unparse(&items, &root))
}

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: cargo run --example expand -- FILE");
        return ExitCode::FAILURE;
    };
    let shown = path.display();
    let file = match std::fs::read_to_string(&path) {
        Ok(file) => file,
        Err(error) => {
            eprintln!("{shown}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let networks = match networks(&path, &file) {
        Ok(networks) => networks,
        Err(error) => {
            eprintln!("{shown}, line {}: {error}", error.span().start().line);
            return ExitCode::FAILURE;
        }
    };
    if networks.is_empty() {
        eprintln!("{shown} has no `network! {{ … }}`");
        return ExitCode::FAILURE;
    }
    let mut code = ExitCode::SUCCESS;
    for text in networks {
        let before = text.as_ptr() as usize - file.as_ptr() as usize;
        match expand(text, file[..before].matches('\n').count()) {
            Ok(items) => print!("{items}"),
            Err(mistakes) => {
                eprint!("{shown}, {mistakes}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
