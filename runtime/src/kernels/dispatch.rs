//! Compiles a loop once for each set of vector instructions, and chooses among them when it is called.

/// Declares a function whose body is compiled three times: as it stands, for AVX2 and for AVX-512. Each call runs the widest
/// that the processor has (without `std`, the one the target promises). All do the same operations in the same order, so
/// that they agree to the last bit.
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
        $visibility fn $name<T: $bound $(, const $size: usize)*>($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn portable<T: $bound $(, const $size: usize)*>($($argument: $type),*) $(-> $result)? $body

            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            {
                #[target_feature(enable = "avx2,fma")]
                fn avx2<T: $bound $(, const $size: usize)*>($($argument: $type),*) $(-> $result)? {
                    portable::<T $(, $size)*>($($argument),*)
                }
                #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")]
                fn avx512<T: $bound $(, const $size: usize)*>($($argument: $type),*) $(-> $result)? {
                    portable::<T $(, $size)*>($($argument),*)
                }
                if $crate::kernels::dispatch::has_avx512() {
                    // SAFETY: the processor has these instructions.
                    #[allow(unsafe_code)]
                    return unsafe { avx512::<T $(, $size)*>($($argument),*) };
                }
                if $crate::kernels::dispatch::has_avx2() {
                    // SAFETY: the processor has these instructions.
                    #[allow(unsafe_code)]
                    return unsafe { avx2::<T $(, $size)*>($($argument),*) };
                }
            }
            portable::<T $(, $size)*>($($argument),*)
        }
    };
}
pub(crate) use vectorised;

/// Whether the processor has AVX2 and FMA.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[inline]
pub(crate) fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
}

/// Whether the processor has the AVX-512 of a server of 2017 and later.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[inline]
pub(crate) fn has_avx512() -> bool {
    has_avx2()
        && std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512vl")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512dq")
}
