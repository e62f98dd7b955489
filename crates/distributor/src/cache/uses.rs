//! Uses that are noted by many threads at once and counted by one.

use argosy_domain::DataObjectId;
use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

/// Threads beyond so many share.
const RINGS: usize = 16;
const PLACES: usize = 256;

static NEXT_RING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static RING: Cell<usize> = Cell::new(NEXT_RING.fetch_add(1, Relaxed) % RINGS);
}

/// Bounded: what comes when all places of a thread are taken is lost, which changes nothing for what is
/// popular. A use that is noted while others are counted may be lost, too, or counted with the next ones.
#[derive(Default)]
pub(super) struct Uses {
    rings: [Ring; RINGS],
}

/// On cache lines of its own, so that threads do not take them from each other.
#[repr(align(128))]
struct Ring {
    taken: AtomicUsize,
    /// Ids and one; 0 is empty.
    places: [AtomicU64; PLACES],
}

impl Default for Ring {
    fn default() -> Self {
        Self { taken: AtomicUsize::new(0), places: [const { AtomicU64::new(0) }; PLACES] }
    }
}

impl Uses {
    /// Notes a use. Whether it is time to count.
    pub(super) fn push(&self, id: DataObjectId) -> bool {
        let ring = &self.rings[RING.get()];
        let at = ring.taken.load(Relaxed);
        if let Some(place) = ring.places.get(at) {
            place.store(id.0.wrapping_add(1), Relaxed);
            ring.taken.store(at + 1, Relaxed);
        }
        at == PLACES / 2 || at >= PLACES
    }

    /// Gives every use that was noted.
    pub(super) fn drain(&self, mut each: impl FnMut(DataObjectId)) {
        for ring in &self.rings {
            let taken = ring.taken.swap(0, Relaxed);
            for place in ring.places.iter().take(taken) {
                if let Some(id) = place.swap(0, Relaxed).checked_sub(1) {
                    each(DataObjectId(id));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::Arc, thread};

    #[test]
    fn what_is_noted_is_counted_once() {
        let uses = Uses::default();
        assert!((0..10).all(|n| !uses.push(DataObjectId(n))));
        let mut seen = Vec::new();
        uses.drain(|id| seen.push(id.0));
        uses.drain(|id| seen.push(id.0));
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn too_many_are_lost_and_said_to_be_many() {
        let uses = Uses::default();
        let told = (0..1000).filter(|n| uses.push(DataObjectId(*n))).count();
        assert_eq!(told, 1 + 1000 - PLACES);
        let mut seen = 0;
        uses.drain(|_| seen += 1);
        assert_eq!(seen, PLACES);
    }

    #[test]
    fn threads_do_not_make_things_up() {
        let uses = Arc::new(Uses::default());
        let threads: Vec<_> = (0..4_u64)
            .map(|n| {
                let uses = Arc::clone(&uses);
                thread::spawn(move || (0..10_000).filter(|_| uses.push(DataObjectId(n))).count())
            })
            .collect();
        let mut seen = 0_usize;
        let mut count = || {
            uses.drain(|id| {
                assert!(id.0 < 4);
                seen += 1;
            })
        };
        (0..100).for_each(|_| count());
        let told: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert!(told > 0);
        count();
        assert!(seen > 0 && seen <= 80_000);
    }
}
