//! Names that emitted code gives. None can meet a name of the user's: what is called from outside is written as a path from this
//! library, items stand in a block of their own, and names of values are taken for new ones there, whatever the user calls so,
//! because `netwright_abi::locals` lies between.

use proc_macro2::{Ident, Span};

/// `wish`, or where the network is called so, that with a `_` behind it: for an item in the block, where the network is meant too.
pub(super) fn beside(network: &str, wish: &str) -> Ident {
    Ident::new(&format!("{wish}{}", if wish == network { "_" } else { "" }), Span::call_site())
}

/// The network's own name, as written: `r#type` too.
pub(super) fn of_network(name: &str, span: Span) -> Ident {
    super::words::identifier(name, span).unwrap_or_else(|| Ident::new("Unnamed", span))
}
