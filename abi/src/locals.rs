//! The names of parameters and variables in emitted code, as functions that the emitted code imports. A pattern that is a name refers to a
//! constant, a static or a unit of that name, if one is in scope. The imported function `image` shadows a user's `const image`, and a
//! pattern may always bind a new variable over a function.

macro_rules! functions {
    ($($name:ident)*) => {
        $(#[doc(hidden)] pub fn $name() {})*
        /// All names.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

functions! {
    answer answers batch blocks context count f gradients image images input_gradient layers logits observer outputs parameters part pass path prepared range scratch seed statistics weights
    workspace
}

/// Shadows the names of layers in the same way where a network is emitted.
#[doc(hidden)]
#[macro_export]
macro_rules! locals {
    ($($name:ident)*) => { $(fn $name() {})* };
}
