//! The one signal that tells every task of a node to finish.

use std::sync::Arc;

use tokio::sync::watch;

/// A token that many tasks share: once triggered it stays triggered.
#[derive(Clone, Debug)]
pub struct Shutdown {
    triggered: Arc<watch::Sender<bool>>,
}

impl Shutdown {
    /// A token that nobody has triggered yet.
    #[must_use]
    pub fn new() -> Self {
        Self { triggered: Arc::new(watch::Sender::new(false)) }
    }

    /// Asks everyone who waits on this token, or on a clone of it, to finish.
    pub fn trigger(&self) {
        self.triggered.send_replace(true);
    }

    /// True once [`Shutdown::trigger`] was called on this token or a clone.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        *self.triggered.borrow()
    }

    /// Waits for the trigger; returns at once when it has happened already. Cancel-safe, and the future
    /// owns what it needs.
    pub fn triggered(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut receiver = self.triggered.subscribe();
        // The sender travels along, so that waiting cannot end because every other clone was dropped.
        let keep = Arc::clone(&self.triggered);
        async move {
            while !*receiver.borrow_and_update() {
                if receiver.changed().await.is_err() {
                    break;
                }
            }
            drop(keep);
        }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}
