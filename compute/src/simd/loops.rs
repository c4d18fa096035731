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

/// A loop that is always unrolled: `unrolled!(row < ROWS, { … })` for a constant of at most sixteen. Sums in registers are indexed by
/// nothing else: a loop that the compiler leaves a loop would keep them in memory, and store them after every multiply-add.
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

/// What a function makes of each element of an array. `array::map` is ten functions to the compiler, for each closure anew: this is one.
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
