//! The sizes and constants that kernels take: one module for each kind, with a `Spec` and the lengths of operands that follow from it.

use crate::{Activation, Epilogue};

/// Declares a `Spec`, and its `Kind`.
macro_rules! spec {
    ($(#[$attribute:meta])* Spec $(<$a:lifetime>)? { $($(#[$about:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct Spec $(<$a>)? {
            $($(#[$about])* pub $field: $type,)*
        }

        impl $(<$a>)? $crate::spec::Fields for Spec $(<$a>)? {
            fn each(&self, mut take: impl FnMut(&'static str, $crate::spec::Field<'_>)) {
                $(take(stringify!($field), $crate::spec::AsField::as_field(&self.$field));)*
            }
        }

        /// The kind of these sizes.
        #[derive(Debug)]
        pub enum Kind {}

        spec!(@kind $($a)?);
    };
    (@kind) => {
        impl $crate::spec::Sizes for Kind {
            type Spec<'a> = Spec;
        }
    };
    (@kind $a:lifetime) => {
        impl $crate::spec::Sizes for Kind {
            type Spec<$a> = Spec<$a>;
        }
    };
}

mod elementwise;
mod image;
mod normalisation;
mod weighted;

pub use elementwise::{activation, add, concat, copy, dropout, multiply, prelu, scale, softmax};
pub use image::{pad, pool, upsample};
pub use normalisation::{batchnorm, layernorm, lrn};
pub use weighted::{conv, conv_table, dense, distance, subsample};

/// A kind of sizes.
pub trait Sizes {
    /// The sizes; their tables live for `'a`.
    type Spec<'a>: Fields;
}

/// Sizes whose fields can be listed, so that they can be written as an expression.
pub trait Fields {
    /// Hands each field over, with its name, in the order of their declaration.
    fn each(&self, take: impl FnMut(&'static str, Field<'_>));
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field<'a> {
    /// A count.
    Size(usize),
    /// Several counts.
    Sizes(&'a [usize]),
    /// Pairs of counts, however many.
    Pairs(&'a [[usize; 2]]),
    /// Constants, however many.
    Reals(&'a [f64]),
    /// A count that may be missing.
    OptionalSize(Option<usize>),
    /// What random numbers are drawn by.
    Key(u64),
    /// A constant.
    Real(f64),
    /// An activation function.
    Activation(Activation),
    /// An activation function, or none.
    OptionalActivation(Option<Activation>),
    /// What becomes of a value before it is stored.
    Epilogue(Epilogue),
}

/// The type of a field.
trait AsField {
    fn as_field(&self) -> Field<'_>;
}

/// Which field each type is.
macro_rules! fields {
    ($($type:ty => $field:ident($value:ident => $of:expr);)*) => {
        $(
            impl AsField for $type {
                fn as_field(&self) -> Field<'_> {
                    let $value = self;
                    Field::$field($of)
                }
            }
        )*
    };
}

fields! {
    usize => Size(value => *value);
    [usize; 2] => Sizes(value => value);
    [usize; 3] => Sizes(value => value);
    [usize; 4] => Sizes(value => value);
    &[[usize; 2]] => Pairs(value => value);
    &[f64] => Reals(value => value);
    Option<usize> => OptionalSize(value => *value);
    u64 => Key(value => *value);
    f64 => Real(value => *value);
    Activation => Activation(value => *value);
    Option<Activation> => OptionalActivation(value => *value);
    Epilogue => Epilogue(value => *value);
}
