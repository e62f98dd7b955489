//! Locks of the store.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a holder's panic: every critical section here leaves its data consistent at
/// each step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
