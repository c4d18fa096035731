//! The regions of each buffer that one call borrows.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::passes::BufferSlot;

/// The buffer that an operand is borrowed from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Buffer {
    Workspace,
    Gradients,
    Statistics,
    Prepared,
}

impl Buffer {
    pub(super) fn name(self) -> Ident {
        match self {
            Self::Workspace => format_ident!("workspace"),
            Self::Gradients => format_ident!("gradients"),
            Self::Statistics => format_ident!("statistics"),
            Self::Prepared => format_ident!("prepared"),
        }
    }
}

/// The regions that one call borrows from each buffer at the same time.
#[derive(Default)]
pub(super) struct Regions<'n>(Vec<(Buffer, (BufferSlot, usize), TokenStream, &'n Ident)>);

impl<'n> Regions<'n> {
    /// Borrows a region, and returns its variable; values in the same slot share a region.
    pub(super) fn bind(
        &mut self,
        buffer: Buffer,
        at: (BufferSlot, usize),
        range: TokenStream,
        name: &'n Ident,
    ) -> TokenStream {
        if let Some((.., name)) = self.0.iter().find(|(known, other, ..)| *known == buffer && *other == at) {
            return quote!(#name);
        }
        self.0.push((buffer, at, range, name));
        quote!(#name)
    }

    pub(super) fn bindings(&self) -> TokenStream {
        [Buffer::Workspace, Buffer::Gradients, Buffer::Statistics, Buffer::Prepared]
            .into_iter()
            .filter_map(|buffer| {
                let bound: Vec<_> = self.0.iter().filter(|(known, ..)| *known == buffer).collect();
                let names = bound.iter().map(|(.., name)| name);
                let ranges = bound.iter().map(|(_, _, range, _)| range);
                let buffer = buffer.name();
                match bound.len() {
                    0 => None,
                    1 => Some(quote!(#(let #names = &mut #buffer[#ranges];)*)),
                    _ => Some(quote!(let [#(#names),*] = disjoint(#buffer, [#(#ranges),*]);)),
                }
            })
            .collect()
    }
}
