//! What every reader of files must keep: no panic, and no allocation larger than the file, but for a little. Says what the largest was.

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use netwright_runtime::Error;
use netwright_runtime::foreign::{TensorFile, TensorInfo};

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

/// Reads the headers of a file and those tensors that a network of small layers would ask for, from memory and where the file lies, and holds what
/// one says against the other.
#[allow(dead_code, reason = "one target reads no tensors")]
pub fn look<F: TensorFile>(
    bytes: &[u8],
    beside: usize,
    from_bytes: impl FnOnce(Vec<u8>, &str) -> Result<F, Error>,
    read: impl FnOnce(PathBuf) -> Result<F, Error>,
) {
    let (len, owned, path) = (bytes.len(), bytes.to_vec(), written(bytes));
    let held = measured(len, len + beside, || from_bytes(owned, "fuzzed"));
    let lying = measured(len, len + beside, || read(path));
    match (&held, &lying) {
        (Ok(held), Ok(lying)) => {
            let tensors = held.tensors();
            assert_eq!(lying.tensors(), tensors);
            for (index, tensor) in tensors.iter().enumerate() {
                let elements = tensor.shape.iter().try_fold(1_usize, |len, &size| len.checked_mul(size));
                let Some(elements) = elements.filter(|&elements| elements <= 1 << 16) else { continue };
                let most = len + 16 * elements + beside;
                assert_eq!(numbers(held, index, tensor, elements, most), numbers(lying, index, tensor, elements, most));
            }
        }
        (Err(_), Err(_)) => {}
        (held, lying) => panic!("in memory {:?}, in a file {:?}", held.as_ref().err(), lying.as_ref().err()),
    }
}

/// The elements of a tensor, where they can be had.
fn numbers(file: &impl TensorFile, index: usize, tensor: &TensorInfo, elements: usize, most: usize) -> Option<Vec<u32>> {
    LARGEST.store(0, Ordering::Relaxed);
    let numbers = file.bytes(index).ok().and_then(|bytes| tensor.dtype.scalars::<f32>(&bytes));
    let largest = LARGEST.load(Ordering::Relaxed);
    assert!(largest <= most, "{largest} bytes for {tensor:?}");
    // Bits: what is no number is equal to itself too.
    let bits: Vec<u32> = numbers?.into_iter().map(f32::to_bits).collect();
    assert_eq!(bits.len(), elements, "{tensor:?}");
    Some(bits)
}

/// A file of these bytes, the same one each time: in memory, where the system has a folder there.
fn written(bytes: &[u8]) -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let shared = Path::new("/dev/shm");
        let folder = if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
        folder.join(format!("netwright-fuzz-{}", std::process::id()))
    });
    std::fs::write(&*FOLDER, bytes).expect("a file of the input");
    FOLDER.clone()
}
