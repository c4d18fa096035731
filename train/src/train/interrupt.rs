//! Handling of Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::error::Error;

/// Returns the flag that Ctrl-C sets, for a training loop of your own to check between two steps. From this call on, Ctrl-C no longer ends the
/// program itself. The handler is installed once; later calls return the same flag, reset to `false`.
///
/// # Errors
/// [`Error::Interrupt`] where the program has a handler of its own.
///
/// ```no_run
/// use std::sync::atomic::Ordering;
///
/// let stop = netwright_train::train::ctrl_c()?;
/// while !stop.load(Ordering::Relaxed) {
///     // A step.
/// }
/// # Ok::<(), netwright_runtime::Error>(())
/// ```
pub fn ctrl_c() -> Result<Arc<AtomicBool>, Error> {
    static FLAG: Mutex<Option<Arc<AtomicBool>>> = Mutex::new(None);
    let mut installed = FLAG.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(flag) = &*installed {
        flag.store(false, Ordering::Relaxed);
        return Ok(Arc::clone(flag));
    }
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    ctrlc::set_handler(move || raised.store(true, Ordering::Relaxed))
        .map_err(|error| Error::Interrupt(error.to_string()))?;
    *installed = Some(Arc::clone(&flag));
    Ok(flag)
}
