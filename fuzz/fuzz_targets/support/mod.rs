//! The invariants of every reader of files: no panic, and no allocation larger than the file and a small constant. Prints the largest allocation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use netwright_runtime::Error;
use netwright_runtime::foreign::{TensorFile, TensorInfo};

/// The system allocator, with a record of the largest allocation.
struct Largest;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system allocator with unchanged arguments, which keeps the contract of `GlobalAlloc`.
unsafe impl GlobalAlloc for Largest {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is that of `System.alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `alloc` or `realloc` returned `pointer` for `layout`, and both got it from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        // SAFETY: `alloc` or `realloc` returned `pointer` for `layout`, and both got it from `System`; the caller's `size` is valid for `System` too.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Largest = Largest;

/// Bytes allowed in addition to the length of the file, for small tables, buffers and decompression.
#[allow(dead_code, reason = "each target names its own")]
pub const BUFFERS: usize = 1 << 16;

/// Bytes allowed in addition to the length of the file where nothing is compressed: the first pages of lists.
#[allow(dead_code, reason = "each target names its own")]
pub const PAGES: usize = 1 << 13;

/// Runs `read` for the headers of a file, asserts that no allocation is larger than `most`, and prints the largest if it is a new maximum.
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

/// Reads the headers and the small tensors of a file, once from memory and once from disk, and asserts that the results are equal.
#[allow(dead_code, reason = "one target reads no tensors")]
pub fn check<F: TensorFile>(
    bytes: &[u8],
    extra: usize,
    from_bytes: impl FnOnce(Vec<u8>, &str) -> Result<F, Error>,
    read: impl FnOnce(PathBuf) -> Result<F, Error>,
) {
    let (len, owned, path) = (bytes.len(), bytes.to_vec(), written(bytes));
    let in_memory = measured(len, len + extra, || from_bytes(owned, "fuzzed"));
    let on_disk = measured(len, len + extra, || read(path));
    match (&in_memory, &on_disk) {
        (Ok(in_memory), Ok(on_disk)) => {
            let tensors = in_memory.tensors();
            assert_eq!(on_disk.tensors(), tensors);
            for (index, tensor) in tensors.iter().enumerate() {
                let elements = tensor.shape.iter().try_fold(1_usize, |len, &size| len.checked_mul(size));
                let Some(elements) = elements.filter(|&elements| elements <= 1 << 16) else { continue };
                let most = len + 16 * elements + extra;
                assert_eq!(
                    elements_of(in_memory, index, tensor, elements, most),
                    elements_of(on_disk, index, tensor, elements, most)
                );
            }
        }
        (Err(_), Err(_)) => {}
        (in_memory, on_disk) => {
            panic!("in memory {:?}, in a file {:?}", in_memory.as_ref().err(), on_disk.as_ref().err())
        }
    }
}

/// Returns the bits of a tensor's elements if they can be read.
fn elements_of(
    file: &impl TensorFile,
    index: usize,
    tensor: &TensorInfo,
    elements: usize,
    most: usize,
) -> Option<Vec<u32>> {
    LARGEST.store(0, Ordering::Relaxed);
    let values = file.bytes(index).ok().and_then(|bytes| tensor.dtype.scalars::<f32>(&bytes));
    let largest = LARGEST.load(Ordering::Relaxed);
    assert!(largest <= most, "{largest} bytes for {tensor:?}");
    // As bits, a NaN is equal to itself.
    let bits: Vec<u32> = values?.into_iter().map(f32::to_bits).collect();
    assert_eq!(bits.len(), elements, "{tensor:?}");
    Some(bits)
}

/// Writes the bytes to a file, the same one each time; in `/dev/shm`, which is memory, if it exists.
fn written(bytes: &[u8]) -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let shared = Path::new("/dev/shm");
        let folder = if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
        folder.join(format!("netwright-fuzz-{}", std::process::id()))
    });
    std::fs::write(&*FOLDER, bytes).expect("a file of the input");
    FOLDER.clone()
}
