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
    answer answers batch context f gradients image images input_gradient layers logits observer outputs parameters pass path prepared scratch seed statistics weights
    workspace v0 v1 v2 v3 v4 v5 v6 v7 v8 v9 v10 v11 v12 v13 v14 v15
}
