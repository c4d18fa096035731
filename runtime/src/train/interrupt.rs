//! Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::error::Error;

/// The flag that Ctrl-C sets. The handler is installed once; runs after the first find it there, and the flag taken back.
pub(crate) fn ctrl_c() -> Result<Arc<AtomicBool>, Error> {
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
