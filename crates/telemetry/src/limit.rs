//! A bound on what one cause may write: anybody can make a node log the same thing over and over.
//!
//! Source: `spec/reliability.md` T-54 and §3.5.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::{Metadata, callsite::Identifier};

use crate::level::{ACCESS, ACCESS_REFUSED};

/// Most bytes that one place in the code writes to one output within a minute.
const CAUSE_BYTES_PER_MINUTE: u64 = 1024 * 1024;
/// The same for lines about requests that were answered, which nobody gets who has not asked for them.
const ACCESS_BYTES_PER_MINUTE: u64 = 64 * 1024 * 1024;

/// Lines of one cause that were not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Suppressed {
    /// Where in the code they come from.
    pub(crate) cause: &'static str,
    pub(crate) lines: u64,
}

/// Counts what each cause writes. There are as many causes as places in the code that log.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    state: Mutex<State>,
    suppressed: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    minute: u64,
    causes: HashMap<Identifier, Cause>,
}

#[derive(Debug)]
struct Cause {
    name: &'static str,
    bytes: u64,
    suppressed: u64,
}

impl Limiter {
    /// Whether a line of `bytes` may be written in this minute (counted from 1970); and, once in each new
    /// minute, what was not written in the one before.
    pub(crate) fn admit(
        &self,
        metadata: &'static Metadata<'static>,
        bytes: u64,
        minute: u64,
    ) -> (bool, Vec<Suppressed>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let news = state.turn(minute);
        let cause = state.causes.entry(metadata.callsite()).or_insert(Cause {
            name: metadata.name(),
            bytes: 0,
            suppressed: 0,
        });
        let bound = match metadata.target() {
            ACCESS => ACCESS_BYTES_PER_MINUTE,
            _ => CAUSE_BYTES_PER_MINUTE,
        };
        if metadata.target() == ACCESS_REFUSED {
            cause.name = ACCESS_REFUSED;
        }
        let sum = cause.bytes.saturating_add(bytes);
        let admitted = sum <= bound;
        if admitted {
            cause.bytes = sum;
        } else {
            cause.suppressed = cause.suppressed.saturating_add(1);
            self.suppressed.fetch_add(1, Ordering::Relaxed);
        }
        (admitted, news)
    }

    /// Lines that were not written since the start.
    pub(crate) fn suppressed(&self) -> u64 {
        self.suppressed.load(Ordering::Relaxed)
    }
}

impl State {
    fn turn(&mut self, minute: u64) -> Vec<Suppressed> {
        if minute == self.minute {
            return Vec::new();
        }
        self.minute = minute;
        let mut news = Vec::new();
        for cause in self.causes.values_mut() {
            if cause.suppressed > 0 {
                news.push(Suppressed { cause: cause.name, lines: cause.suppressed });
            }
            (cause.bytes, cause.suppressed) = (0, 0);
        }
        news.sort_by_key(|one| one.cause);
        news
    }
}
