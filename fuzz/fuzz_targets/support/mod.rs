//! What every reader of files must keep: no panic, and no allocation larger than the file, but for a little.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use netwright_runtime::Error;
use netwright_runtime::foreign::TensorFile;

/// The system's allocator, which remembers the largest allocation.
struct Largest;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is the system's, with the arguments that came.
unsafe impl GlobalAlloc for Largest {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are the system's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        // SAFETY: the caller's promises are the system's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Largest = Largest;

/// What small tables and buffers take beside the file.
const BESIDE: usize = 1 << 21;

/// Reads the headers of a file, and those tensors that a network of small layers would ask for.
pub fn look<F: TensorFile>(len: usize, read: impl FnOnce() -> Result<F, Error>) {
    LARGEST.store(0, Ordering::Relaxed);
    let file = read();
    let largest = LARGEST.load(Ordering::Relaxed);
    assert!(largest <= len + BESIDE, "{largest} bytes for a file of {len}");
    let Ok(file) = file else { return };
    for (index, tensor) in file.tensors().iter().enumerate() {
        let elements = tensor.shape.iter().try_fold(1_usize, |len, &size| len.checked_mul(size));
        let Some(elements) = elements.filter(|&elements| elements <= 1 << 16) else { continue };
        LARGEST.store(0, Ordering::Relaxed);
        if let Ok(bytes) = file.bytes(index)
            && let Some(numbers) = tensor.dtype.scalars::<f32>(&bytes)
        {
            assert_eq!(numbers.len(), elements, "{tensor:?}");
        }
        let largest = LARGEST.load(Ordering::Relaxed);
        assert!(largest <= len + 16 * elements + BESIDE, "{largest} bytes for {tensor:?} in a file of {len}");
    }
}
