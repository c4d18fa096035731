//! The names of parameters and variables in emitted code, as functions that are imported where it stands. A pattern that is a name
//! means a constant, a static or a unit of that name, if one is in scope: between a user's `const image` and emitted code lies the
//! function `image`, which a pattern may always take for a new variable.

macro_rules! functions {
    ($($name:ident)*) => {
        $(#[doc(hidden)] pub fn $name() {})*
        /// All of them.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

functions! {
    answer answers batch blocks context count f gradients image images input_gradient layers logits observer outputs parameters part pass path prepared range scratch seed statistics weights
    workspace
}

/// Keeps the names of layers free in the same way, where a network is emitted.
#[doc(hidden)]
#[macro_export]
macro_rules! locals {
    ($($name:ident)*) => { $(fn $name() {})* };
}
