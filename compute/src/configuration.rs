//! The sizes of a kernel, known at run time or at compile time.
//!
//! A kernel for small layers is written once, generic over its [`Configuration`]. With a reference to its sizes, it reads them at run time
//! and is compiled in this crate. With [`Constant`] sizes, it is monomorphised for them in the crate that defines their type: trip counts
//! and lengths are constants, and branches for other sizes are removed.

use core::fmt;
use core::marker::PhantomData;

/// The sizes `S` of a kernel, constant or not.
pub trait Configuration<S>: Copy + Sync {
    /// The sizes where they are constants, else `None`.
    const CONSTANT: Option<S>;

    /// The sizes.
    fn sizes(&self) -> &S;
}

/// Sizes that are known at run time.
impl<S: Sync> Configuration<S> for &S {
    const CONSTANT: Option<S> = None;

    #[inline(always)]
    fn sizes(&self) -> &S {
        self
    }
}

/// A type that names constant sizes. Emitted code declares one for each distinct configuration of a network.
pub trait ConstantSizes {
    /// The type of the kernel's sizes.
    type Sizes: Copy + Sync + 'static;
    /// The sizes.
    const SIZES: &'static Self::Sizes;
}

/// The configuration with the constant sizes of the type `C`.
pub struct Constant<C>(PhantomData<fn() -> C>);

impl<C> Constant<C> {
    /// The only value.
    pub const SIZES: Self = Self(PhantomData);
}

impl<C> Clone for Constant<C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Constant<C> {}

impl<C: ConstantSizes<Sizes: fmt::Debug>> fmt::Debug for Constant<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Constant({:?})", C::SIZES)
    }
}

impl<C: ConstantSizes> Configuration<C::Sizes> for Constant<C> {
    const CONSTANT: Option<C::Sizes> = Some(*C::SIZES);

    #[inline(always)]
    fn sizes(&self) -> &C::Sizes {
        C::SIZES
    }
}

/// Whether the sizes may satisfy a condition: constant sizes satisfy it or do not, and sizes known at run time may.
macro_rules! may_be {
    ($configuration:ty, |$spec:ident| $condition:expr) => {
        const {
            match <$configuration>::CONSTANT {
                Some($spec) => $condition,
                None => true,
            }
        }
    };
}
pub(crate) use may_be;
