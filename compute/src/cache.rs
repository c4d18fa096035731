//! How large the caches of the processor at hand are: what products pack at once stays in them.

#[cfg(target_arch = "x86_64")]
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes of the second cache where the processor does not say.
const SECOND: usize = 1 << 20;

/// Bytes of the second cache of a core. Asked for once; between 256 KiB and 4 MiB.
pub(crate) fn second() -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        // 0: not asked yet.
        static BYTES: AtomicUsize = AtomicUsize::new(0);
        match BYTES.load(Relaxed) {
            0 => {
                let bytes = asked().map_or(SECOND, |bytes| bytes.clamp(1 << 18, 1 << 22));
                BYTES.store(bytes, Relaxed);
                bytes
            }
            bytes => bytes,
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    SECOND
}

/// What `cpuid` says of it, where it does: Intel's processors list their caches by leaf 4, AMD's by leaf 8000_001Dh in the same form, and older ones
/// of both name it in leaf 8000_0006h, which virtual machines often fill with the size of some other processor.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, unused_unsafe)]
fn asked() -> Option<usize> {
    use core::arch::x86_64::{__cpuid_count, CpuidResult};
    const NAMED: u32 = 0x8000_0006;
    // SAFETY: every processor of this architecture has the instruction, and it touches registers alone.
    let leaf = |leaf: u32, part: u32| unsafe { __cpuid_count(leaf, part) };
    let has = |number: u32| leaf(number & 0x8000_0000, 0).eax >= number;
    let listed = [4, 0x8000_001d].into_iter().filter(|&list| has(list)).find_map(|list| {
        (0..8).map(|part| leaf(list, part)).take_while(|cache| cache.eax & 31 != 0).find_map(second_of_list)
    });
    let named = || has(NAMED).then(|| ((leaf(NAMED, 0).ecx >> 16) as usize) << 10).filter(|&bytes| bytes > 0);
    return listed.or_else(named);

    /// The bytes of a cache of a list, if it is a second one: what it has of ways, partitions, bytes in a line and sets, each less one.
    fn second_of_list(CpuidResult { eax, ebx, ecx, .. }: CpuidResult) -> Option<usize> {
        let factors = [ebx >> 22, ebx >> 12 & 0x3ff, ebx & 0xfff, ecx];
        (eax >> 5 & 7 == 2).then(|| factors.iter().map(|&factor| factor as usize + 1).product())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_second_cache_has_a_sensible_size_each_time() {
        let bytes = super::second();
        assert!((1 << 18..=1 << 22).contains(&bytes) && bytes == super::second(), "{bytes}");
    }
}
