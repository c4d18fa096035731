//! The sizes of a kernel, which are known when it runs, or when it is compiled.
//!
//! A kernel for small layers is written once, generic over its [`Configuration`]. Given a reference to its sizes, it reads them when it
//! runs, and is compiled in this crate. Given [`Constant`] sizes, it is compiled for them alone, in the crate that has their type:
//! loops and lengths are known, and what other sizes would need is left out.

use core::fmt;
use core::marker::PhantomData;

/// The sizes of a kernel, `S`.
pub trait Configuration<S>: Copy + Sync {
    /// The sizes, where they are constants.
    const CONSTANT: Option<S>;

    /// The sizes.
    fn sizes(&self) -> &S;
}

/// Sizes that are known when the kernel runs.
impl<S: Sync> Configuration<S> for &S {
    const CONSTANT: Option<S> = None;

    #[inline(always)]
    fn sizes(&self) -> &S {
        self
    }
}

/// A type that stands for sizes: one for each distinct configuration of a network.
pub trait ConstantSizes {
    /// What the kernel calls its sizes.
    type Sizes: Copy + Sync + 'static;
    /// The sizes.
    const SIZES: &'static Self::Sizes;
}

/// The sizes that a type stands for.
pub struct Constant<C>(PhantomData<fn() -> C>);

impl<C> Constant<C> {
    /// Them.
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

/// Whether the sizes may be such as a condition says: constants are, or are not.
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
