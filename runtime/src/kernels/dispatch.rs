//! Compiles a loop once for each set of vector instructions, and chooses among them when it is called.

/// Declares a function whose body is compiled twice: as it stands, and for AVX2. Each call runs the widest that the processor has
/// (without `std`, the one the target promises). Both do the same operations in the same order, so that they agree to the last
/// bit. Every instance costs each user build time, so double precision, which is for checks, has the portable one
/// alone.
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
        $visibility fn $name<T: $bound $(, const $size: usize)*>($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn portable<T: $bound $(, const $size: usize)*>($($argument: $type),*) $(-> $result)? $body

            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            {
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx2<T: $bound $(, const $size: usize)*>($($argument: $type),*) $(-> $result)? {
                    portable::<T $(, $size)*>($($argument),*)
                }
                if T::VECTORISED && $crate::kernels::dispatch::has_avx2() {
                    // SAFETY: the processor has these instructions.
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
    #[cfg(test)]
    if tests::limit() < tests::AVX2 {
        return false;
    }
    std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
}

#[cfg(all(test, feature = "std", target_arch = "x86_64"))]
pub(crate) mod tests {
    use core::cell::Cell;

    pub(crate) const AVX2: u8 = 1;

    std::thread_local! {
        static LIMIT: Cell<u8> = const { Cell::new(AVX2) };
    }

    pub(crate) fn limit() -> u8 {
        LIMIT.get()
    }

    /// Asserts that all instruction sets of this processor give the same numbers, to the last bit.
    pub(crate) fn assert_same_for_all_instruction_sets(run: impl Fn() -> Vec<f64>) {
        let bits = |limit| {
            LIMIT.set(limit);
            let bits: Vec<u64> = run().into_iter().map(f64::to_bits).collect();
            LIMIT.set(AVX2);
            bits
        };
        let portable = bits(0);
        assert!(portable == bits(AVX2), "AVX2 differs");
    }
}
