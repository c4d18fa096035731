//! What every reader of files must keep: no panic, and no allocation larger than the file, but for a little. Says what the largest was.

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

/// What small tables and buffers take beside the file, and what unpacking takes.
#[allow(dead_code, reason = "each target names its own")]
pub const BUFFERS: usize = 1 << 16;

/// What the first pages of lists take beside the file, where nothing is packed.
#[allow(dead_code, reason = "each target names its own")]
pub const PAGES: usize = 1 << 13;

/// Reads what stands before the elements of a file, holds the largest allocation to `most`, and prints it where it is the largest so far.
pub fn measured<T>(len: usize, most: usize, read: impl FnOnce() -> T) -> T {
    static RECORD: AtomicUsize = AtomicUsize::new(0);
    LARGEST.store(0, Ordering::Relaxed);
    let found = read();
    let largest = LARGEST.load(Ordering::Relaxed);
    if largest > RECORD.fetch_max(largest, Ordering::Relaxed) {
        eprintln!("largest allocation: {largest} bytes for a file of {len}");
    }
    assert!(largest <= most, "{largest} bytes for a file of {len}");
    found
}

/// Reads the headers of a file, and those tensors that a network of small layers would ask for.
#[allow(dead_code, reason = "two targets read no tensors")]
pub fn look<F: TensorFile>(len: usize, beside: usize, read: impl FnOnce() -> Result<F, Error>) {
    let Ok(file) = measured(len, len + beside, read) else { return };
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
        assert!(largest <= len + 16 * elements + beside, "{largest} bytes for {tensor:?} in a file of {len}");
    }
}
