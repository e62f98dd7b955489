//! Who brought what a reader was given.

use argosy_node_core::sources::SourceName;
use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Most sources that are told apart; more are only counted.
const MAX_SOURCES: usize = 8;

/// The sources of what is fetched for a reader while it reads. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Brought(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    /// With the bytes of each.
    sources: Vec<(SourceName, u64)>,
    /// Of all, those included that are not told apart.
    bytes: u64,
    is_cut: bool,
}

impl Brought {
    /// Notes that a source has brought some of what is read.
    pub fn note(&self, source: SourceName, bytes: u64) {
        let mut heard = self.heard();
        heard.bytes = heard.bytes.saturating_add(bytes);
        if let Some((_, brought)) = heard.sources.iter_mut().find(|(known, _)| *known == source) {
            *brought = brought.saturating_add(bytes);
        } else if heard.sources.len() < MAX_SOURCES {
            heard.sources.push((source, bytes));
        } else {
            heard.is_cut = true;
        }
    }

    /// Bytes that were fetched; whole groups, so that they may be more than were read.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.heard().bytes
    }

    /// The names of the sources, who brought most first: `storage-3,storage-0`. Not more than a few; `…`
    /// stands for others. Empty if nothing was fetched.
    #[must_use]
    pub fn names(&self) -> String {
        let heard = self.heard();
        let mut sources = heard.sources.clone();
        sources.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        let mut names = String::new();
        for (name, _) in sources {
            let comma = if names.is_empty() { "" } else { "," };
            // Writing to a text cannot fail.
            let _ = write!(names, "{comma}{name}");
        }
        if heard.is_cut {
            names.push_str(",…");
        }
        names
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::StorageBucketId;

    #[test]
    fn a_few_sources_are_named_and_all_bytes_counted() {
        let brought = Brought::default();
        assert_eq!((brought.names(), brought.bytes()), (String::new(), 0));
        let note = |bucket, bytes| brought.note(SourceName::Storage(StorageBucketId(bucket)), bytes);
        note(7, 10);
        note(3, 20);
        note(7, 5);
        assert_eq!((brought.names(), brought.bytes()), ("storage-3,storage-7".to_owned(), 35));
        (10..1_000).for_each(|bucket| note(bucket, 1));
        let names = brought.names();
        assert_eq!((names.split(',').count(), brought.bytes()), (MAX_SOURCES + 1, 35 + 990));
        assert!(names.starts_with("storage-3,storage-7,storage-10") && names.ends_with(",…"), "{names}");
    }
}
