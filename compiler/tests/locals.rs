//! Emitted parameters and variables have reserved names: see `netwright_abi::locals`.

use std::collections::BTreeSet;

use netwright_compiler::{Audience, compile};
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};

/// The names that `let` and functions bind in `tokens`.
fn given(tokens: TokenStream, names: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |token: Option<&TokenTree>, text: &str| token.is_some_and(|token| token.to_string() == text);
    let mut is_pattern = false;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(word) if word == "let" => is_pattern = true,
            TokenTree::Punct(sign) if sign.as_char() == '=' => is_pattern = false,
            TokenTree::Ident(word) if is_pattern && word != "mut" && word != "_" => names.extend([word.to_string()]),
            TokenTree::Group(group) => {
                let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                let follows_fn = tokens[..index]
                    .iter()
                    .rev()
                    .take_while(|token| !is(Some(token), ";"))
                    .any(|token| is(Some(token), "fn"));
                if is_pattern {
                    let words = inside
                        .iter()
                        .filter(|token| matches!(token, TokenTree::Ident(word) if word != "mut" && word != "_"));
                    names.extend(words.map(TokenTree::to_string));
                } else if follows_fn && group.delimiter() == Delimiter::Parenthesis {
                    for (at, word) in inside.iter().enumerate() {
                        let is_colon = |at: usize| is(inside.get(at), ":");
                        if matches!(word, TokenTree::Ident(word) if word != "_")
                            && is_colon(at + 1)
                            && !is_colon(at + 2)
                            && (at == 0 || !is_colon(at - 1))
                        {
                            names.insert(word.to_string());
                        }
                    }
                }
                given(group.stream(), names);
            }
            _ => {}
        }
    }
}

/// The names in `locals! { … }`.
fn of_layers(tokens: TokenStream) -> Option<BTreeSet<String>> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    tokens.iter().enumerate().find_map(|(index, token)| {
        let TokenTree::Group(group) = token else { return None };
        let is_locals = index >= 2 && tokens[index - 2].to_string() == "locals" && tokens[index - 1].to_string() == "!";
        let names = || group.stream().into_iter().map(|name| name.to_string()).collect();
        if is_locals { Some(names()) } else { of_layers(group.stream()) }
    })
}

#[test]
fn every_local_of_emitted_code_has_a_name_that_is_kept_for_it() {
    let source = "Net(8x8x4) { conv 3x3x4 same bn relu; add { dwconv 3x3 same } { conv 1x1x4 lrn }; concat { prelu } { layernorm };
        mul { } { globalavgpool; dense 8 sigmoid }; dropout 0.5; deconv 2x2x4 stride 2; subsample 2; maxpool 2; distance 3; softmax 4 }";
    let root: TokenStream = "netwright".parse().unwrap();
    let compiled = compile(source, &root, &|_| Span::call_site(), Audience::Rustc);
    assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
    let mut names = BTreeSet::new();
    given(compiled.tokens.clone(), &mut names);
    // Macros that emitted code calls for every network.
    given(include_str!("../../src/emitted.rs").parse().expect("tokens"), &mut names);
    for expected in ["image", "observer", "conv1", "softmax1_z_gradient", "weights", "f"] {
        assert!(names.contains(expected), "{expected} was not found: {names:?}");
    }
    let of_layers = of_layers(compiled.tokens).expect("the names of layers are kept free");
    let kept = |name: &str| netwright_abi::locals::NAMES.contains(&name) || of_layers.contains(name);
    let strange: Vec<&String> = names.iter().filter(|name| !kept(name)).collect();
    assert!(strange.is_empty(), "these are missing from `netwright_abi::locals` and from `locals!`: {strange:?}");
}
