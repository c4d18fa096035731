//! The sizes and constants of kernels: one module for each kind, with a `Spec` and the lengths of operands that follow from it.

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
    /// The type of the sizes; their tables live for `'a`.
    type Spec<'a>: Fields;
}

/// Sizes whose fields can be listed, so that they can be emitted as an expression.
pub trait Fields {
    /// Calls `take` with the name and value of each field, in the order of declaration.
    fn each(&self, take: impl FnMut(&'static str, Field<'_>));
}

/// Sliding windows over an image.
pub trait Windowed: Copy {
    /// Returns the sizes of some rows of the output, and the rows of the input that their windows read.
    #[must_use]
    fn of_rows(&self, rows: Range<usize>) -> (Self, Range<usize>);
    /// Returns height, width and channels of the input, and of the output.
    fn shapes(&self) -> [[usize; 3]; 2];
    /// Returns the multiply-adds, or comparisons, of one row of the output.
    fn work_of_row(&self) -> usize;
}

/// Implements [`Windowed`] for a kind of windows.
macro_rules! windowed {
    ($spec:ty, $extent:expr, $work:expr) => {
        impl $crate::spec::Windowed for $spec {
            fn of_rows(&self, rows: core::ops::Range<usize>) -> (Self, core::ops::Range<usize>) {
                let extent: fn(&Self) -> usize = $extent;
                let (top, height) = (self.padding[0], self.input[0]);
                // The start of the first window and the end of the last, in rows of the padded input.
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
    /// Any number of pairs of counts.
    Pairs(&'a [[usize; 2]]),
    /// Any number of constants.
    Reals(&'a [f64]),
    /// A count that may be missing.
    OptionalSize(Option<usize>),
    /// A key of random numbers.
    Key(u64),
    /// A constant.
    Real(f64),
    /// An activation function.
    Activation(Activation),
    /// An activation function, or none.
    OptionalActivation(Option<Activation>),
    /// An epilogue.
    Epilogue(Epilogue),
}

/// A type that a field may have.
trait AsField {
    fn as_field(&self) -> Field<'_>;
}

/// Maps each type to its variant of [`Field`].
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
