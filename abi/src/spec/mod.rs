//! The sizes and constants that kernels take: one module for each kind, with a `Spec` and the lengths of operands that follow from it.

use core::ops::Range;

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

pub use elementwise::*;
pub use image::*;
pub use normalisation::*;
pub use weighted::*;

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

/// Windows that slide over an image.
pub trait Windowed: Copy {
    /// The windows of these rows of the output alone: their sizes, and the rows of the input that they reach.
    #[must_use]
    fn of_rows(&self, rows: Range<usize>) -> (Self, Range<usize>);
    /// Height, width and channels of the input, and of the output.
    fn shapes(&self) -> [[usize; 3]; 2];
    /// Multiply-adds, or comparisons, for one row of the output.
    fn work_of_row(&self) -> usize;
}

/// What a kind of windows says of the rows of its output.
macro_rules! windowed {
    ($spec:ty, $extent:expr, $work:expr) => {
        impl $crate::spec::Windowed for $spec {
            fn of_rows(&self, rows: core::ops::Range<usize>) -> (Self, core::ops::Range<usize>) {
                let extent: fn(&Self) -> usize = $extent;
                let (top, height) = (self.padding[0], self.input[0]);
                // In rows of the padded input: where the first window starts, and where the last ends.
                let start = rows.start * self.stride[0];
                let end = rows.end.saturating_sub(1) * self.stride[0] + extent(self);
                let first = start.saturating_sub(top).min(height);
                let last = end.saturating_sub(top).clamp(first, height);
                let mut part = *self;
                part.input[0] = last - first;
                part.output[0] = rows.len();
                part.padding[0] = top.saturating_sub(start);
                part.padding[1] = end.saturating_sub(top + height);
                (part, first..last)
            }
            fn shapes(&self) -> [[usize; 3]; 2] {
                [self.input, self.output]
            }
            fn work_of_row(&self) -> usize {
                let work: fn(&Self) -> usize = $work;
                self.output[1] * work(self)
            }
        }
    };
}

pub mod conv;
mod elementwise;
mod image;
mod normalisation;
pub mod separable;
mod weighted;

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
