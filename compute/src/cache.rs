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

/// What `cpuid` says of it, where it does: bits 16 to 31 of ECX of leaf 8000_0006h are its KiB, for AMD and Intel alike.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, unused_unsafe)]
fn asked() -> Option<usize> {
    use core::arch::x86_64::__cpuid;
    const LEAF: u32 = 0x8000_0006;
    // SAFETY: every processor of this architecture has the instruction, and it touches registers alone.
    let leaf = |leaf: u32| unsafe { __cpuid(leaf) };
    if leaf(0x8000_0000).eax < LEAF {
        return None;
    }
    let kibibytes = (leaf(LEAF).ecx >> 16) as usize;
    (kibibytes > 0).then_some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_second_cache_has_a_sensible_size_each_time() {
        let bytes = super::second();
        assert!((1 << 18..=1 << 22).contains(&bytes) && bytes == super::second(), "{bytes}");
    }
}
