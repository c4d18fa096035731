//! Plain loops that the compiler vectorises or unrolls.

/// Declares a function whose body is compiled twice: for the target, and for AVX2. The function takes an [`Isa`](super::Isa) before the
/// declared arguments and runs the instance for it; instruction sets wider than AVX2 also run the AVX2 instance, because such loops are
/// memory-bound. Both instances do the same operations in the same order, so that they give the same bits. Double precision, which is for
/// checks, has the first instance only: every instance costs each user build time.
///
/// The body may call only `#[inline(always)]` functions: others would be compiled without AVX2.
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

/// A loop that is always unrolled: `unrolled!(row < ROWS, { … })` for a constant of at most sixteen. Arrays of accumulators are indexed
/// only by it: in a loop that the compiler does not unroll they would be kept in memory and stored after every multiply-add.
macro_rules! unrolled {
    ($index:ident < $count:ident, $body:block) => {
        unrolled!(@ $index $count $body 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
    };
    (@ $index:ident $count:ident $body:block $($step:literal)*) => {
        const { assert!($count <= 16, "sixteen steps are unrolled") }
        $(
            if const { $step < $count } {
                let $index: usize = $step;
                $body
            }
        )*
    };
}
pub(crate) use unrolled;

/// Maps a function over an array. `array::map` costs the compiler ten functions for each closure; this costs one.
#[inline(always)]
pub(crate) fn mapped<A: Copy, B: Copy, const N: usize>(array: [A; N], mut function: impl FnMut(A) -> B) -> [B; N] {
    let mut results = [function(array[0]); N];
    let mut n = 1;
    while n < N {
        results[n] = function(array[n]);
        n += 1;
    }
    results
}
