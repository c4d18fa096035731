//! The L2 cache size of the processor. Products pack blocks that stay in it.

#[cfg(target_arch = "x86_64")]
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The L2 size in bytes where the processor does not report one.
const DEFAULT_L2: usize = 1 << 20;

/// Returns the bytes of a core's L2 cache, clamped to 256 KiB … 4 MiB. The processor is queried once.
pub(crate) fn l2_bytes() -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        // 0: not queried yet.
        static BYTES: AtomicUsize = AtomicUsize::new(0);
        match BYTES.load(Relaxed) {
            0 => {
                let bytes = reported().map_or(DEFAULT_L2, |bytes| bytes.clamp(1 << 18, 1 << 22));
                BYTES.store(bytes, Relaxed);
                bytes
            }
            bytes => bytes,
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    DEFAULT_L2
}

/// Returns the bytes of L2 that `cpuid` reports. Intel's processors list their caches in leaf 4, AMD's in leaf 8000_001Dh in the same
/// format. Older processors of both report L2 in leaf 8000_0006h, which virtual machines often fill with the size of another processor; it
/// is read last.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, unused_unsafe)]
fn reported() -> Option<usize> {
    use core::arch::x86_64::{__cpuid_count, CpuidResult};
    const NAMED: u32 = 0x8000_0006;
    // SAFETY: every x86-64 processor has the instruction, and it reads and writes registers alone.
    let leaf = |leaf: u32, part: u32| unsafe { __cpuid_count(leaf, part) };
    let has = |number: u32| leaf(number & 0x8000_0000, 0).eax >= number;
    let listed = [4, 0x8000_001d].into_iter().filter(|&list| has(list)).find_map(|list| {
        (0..8).map(|part| leaf(list, part)).take_while(|cache| cache.eax & 31 != 0).find_map(l2_of_list)
    });
    let named = || has(NAMED).then(|| ((leaf(NAMED, 0).ecx >> 16) as usize) << 10).filter(|&bytes| bytes > 0);
    return listed.or_else(named);

    /// Returns the bytes of a listed cache of level 2: the product of ways, partitions, bytes in a line and sets, each stored less one.
    fn l2_of_list(CpuidResult { eax, ebx, ecx, .. }: CpuidResult) -> Option<usize> {
        let factors = [ebx >> 22, ebx >> 12 & 0x3ff, ebx & 0xfff, ecx];
        (eax >> 5 & 7 == 2).then(|| factors.iter().map(|&factor| factor as usize + 1).product())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_l2_cache_has_a_plausible_size() {
        let bytes = super::l2_bytes();
        assert!((1 << 18..=1 << 22).contains(&bytes) && bytes == super::l2_bytes(), "{bytes}");
    }
}
