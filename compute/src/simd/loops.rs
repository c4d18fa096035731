//! Plain loops that the compiler turns into vectors.

/// Declares a function whose body is compiled twice: as it stands, and for AVX2. It takes an [`Isa`](super::Isa) before the
/// arguments that are written, and runs the one for it; what is wider than AVX2 runs AVX2, because such loops wait for memory. Both do the
/// same operations in the same order, so that they agree to the last bit. Double precision, which is for checks, has the portable one
/// alone: every instance costs each user build time.
///
/// The body may call `#[inline(always)]` functions alone: another would be compiled without the wider instructions.
macro_rules! vectorised {
    (
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident<T: $bound:ident $(, const $size:ident: usize)*>(
            $($argument:ident: $type:ty),* $(,)?
        ) $(-> $result:ty)? $body:block
    ) => {
        $(#[$attribute])*
        #[allow(clippy::too_many_arguments)]
        $visibility fn $name<T: $bound $(, const $size: usize)*>(isa: $crate::simd::Isa, $($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn portable<T: $bound $(, const $size: usize)*>($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx2<T: $bound $(, const $size: usize)*>($($argument: $type),*) $(-> $result)? {
                    portable::<T $(, $size)*>($($argument),*)
                }
                if T::loops_with_avx2(isa).is_some() {
                    // SAFETY: the token proves the instructions.
                    return unsafe { avx2::<T $(, $size)*>($($argument),*) };
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = isa;
            portable::<T $(, $size)*>($($argument),*)
        }
    };
}
pub(crate) use vectorised;
