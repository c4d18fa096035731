//! The netwright language: its grammar, its syntax tree with byte spans, and the collector of diagnostics.
//!
//! ```
//! use netwright_grammar::{Diagnostics, Item, parse};
//!
//! let mut diagnostics = Diagnostics::default();
//! let file = parse("pub LeNet5(28x28x1) { conv 5x5x6 tanh; avgpool 2; softmax 10 }", &mut diagnostics);
//! assert!(diagnostics.is_empty());
//! let Some(Item::Network(network)) = file.items.first() else { unreachable!() };
//! assert_eq!((network.name.text.as_str(), network.body.stages.len()), ("LeNet5", 3));
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

mod diagnostics;
mod nesting;
mod parse;
mod stages;
mod syntax;

pub use diagnostics::{Call, Diagnostic, Diagnostics};
pub use nesting::{MAX_NESTING, MAX_OPERATORS};
pub use parse::{MAX_REPORTS, MAX_SOURCE_BYTES, is_name, parse};
pub use syntax::*;
