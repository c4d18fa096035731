//! The kernels. Each operation has a folder: its `Spec`, its reference loops (which read like the lecture's equations), and its fast
//! variants. [`Kernels`] implements the table of all kernels that emitted code calls: `netwright_abi::kernels`.
//!
//! In an equation such as y = f(z + y), the y on the right is the previous contents of the output, where the epilogue accumulates;
//! otherwise it is 0. An empty `scale` is 1, an empty `shift` 0.

pub mod conv;
pub mod conv_table;
pub mod deconv;
pub mod dense;
pub mod depthwise;

pub mod activation;
pub mod add;
pub mod batchnorm;
mod channel_sums;
#[cfg(test)]
pub(crate) mod check;
pub mod concat;
pub mod copy;
pub mod distance;
pub mod dropout;
pub mod elementary;
mod images;
mod in_place;
mod lanes;
pub mod layernorm;
pub mod lrn;
pub mod multiply;
#[cfg(test)]
mod packing_tests;
pub mod pad;
pub(crate) mod parts;
pub mod pool;
pub mod prelu;
pub(crate) mod reduce;
pub mod relayout;
pub mod scale;
pub mod separable;
pub mod shuffle;
pub mod softmax;
pub mod subsample;
pub mod upsample;

pub use crate::configuration::{Configuration, Constant, ConstantSizes};
use crate::context::Context;
use crate::pass::Pass;

/// Declares a method of [`Kernels`], or defines it: the operands of its signature with the types of their access.
macro_rules! kernel {
    (@type Read) => { &[Self] };
    (@type Source) => { &[Self] };
    (@type Write) => { &mut [Self] };
    (@type Update) => { &mut [Self] };

    // A kernel for constant sizes is called as a function of its module.
    (declare $(#[$attribute:meta])* $name:ident, $spec:ident, $operands:tt constants $($wants:ident)*) => {
        kernel!(declare $(#[$attribute])* $name, $spec, $operands $($wants)*);
    };
    (define #[$inline:meta] $module:ident, $name:ident, $spec:ident, $operands:tt constants $($wants:ident)*) => {
        kernel!(define #[$inline] $module, $name, $spec, $operands $($wants)*);
    };

    (declare $(#[$attribute:meta])* $name:ident, $spec:ident, { $($access:ident $operand:ident: $what:literal,)* }) => {
        $(#[$attribute])*
        fn $name(context: &Context<'_>, spec: &$spec::Spec, $($operand: kernel!(@type $access)),*);
    };
    (declare $(#[$attribute:meta])* $name:ident, $spec:ident, { $($access:ident $operand:ident: $what:literal,)* } pass) => {
        $(#[$attribute])*
        fn $name(context: &Context<'_>, spec: &$spec::Spec, pass: &Pass, $($operand: kernel!(@type $access)),*);
    };
    (declare $(#[$attribute:meta])* $name:ident, $spec:ident, { $($access:ident $operand:ident: $what:literal,)* } scratch) => {
        $(#[$attribute])*
        fn $name(context: &Context<'_>, spec: &$spec::Spec, $($operand: kernel!(@type $access),)* scratch: &mut [Self]);
    };

    (define #[$inline:meta] $module:ident, $name:ident, $spec:ident, { $($access:ident $operand:ident: $what:literal,)* }) => {
        #[$inline]
        fn $name(context: &Context<'_>, spec: &$spec::Spec, $($operand: kernel!(@type $access)),*) {
            $module::$name(context, spec, $($operand),*);
        }
    };
    (define #[$inline:meta] $module:ident, $name:ident, $spec:ident, { $($access:ident $operand:ident: $what:literal,)* } pass) => {
        #[$inline]
        fn $name(context: &Context<'_>, spec: &$spec::Spec, pass: &Pass, $($operand: kernel!(@type $access)),*) {
            $module::$name(context, spec, pass, $($operand),*);
        }
    };
    (define #[$inline:meta] $module:ident, $name:ident, $spec:ident, { $($access:ident $operand:ident: $what:literal,)* } scratch) => {
        #[$inline]
        fn $name(context: &Context<'_>, spec: &$spec::Spec, $($operand: kernel!(@type $access),)* scratch: &mut [Self]) {
            $module::$name(context, spec, $($operand,)* scratch);
        }
    };
}

/// Declares [`Kernels`] and implements it for `f32` and `f64`, so that every kernel is compiled here, at the optimisation level of this
/// crate, and never in the user's crate; those of `f64` with the feature `double`, because few programs use them.
macro_rules! kernels {
    ($(
        $(#[$about:meta])*
        $signature:ident $operands:tt {
            $($(#[$attribute:meta])* $module:ident::$name:ident($spec:ident) $($wants:ident)*;)*
        }
    )*) => {
        /// `f32` or `f64`, the elements of a network: every kernel of [`netwright_abi::kernels`], compiled for one of them.
        ///
        /// A kernel takes its context, the sizes of its layer, then its operands: slices of the whole batch, with contiguous images and
        /// channels innermost. Outputs are overwritten; gradients of parameters are accumulated.
        #[allow(clippy::too_many_arguments)]
        pub trait Kernels: elementary::Elementary {
            $($( kernel!(declare $(#[$attribute])* $name, $spec, $operands $($wants)*); )*)*
        }
        #[allow(clippy::too_many_arguments)]
        impl Kernels for f32 {
            $($( kernel!(define #[inline(never)] $module, $name, $spec, $operands $($wants)*); )*)*
        }
        #[allow(clippy::too_many_arguments)]
        impl Kernels for f64 {
            $($(
                kernel!(
                    define #[cfg_attr(not(feature = "double"), inline)] $module, $name, $spec, $operands $($wants)*
                );
            )*)*
        }
    };
}

netwright_abi::for_each_kernel!(kernels);
