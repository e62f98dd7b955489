//! What all fills of a node together may have under way.
//!
//! Each fill decides for itself whom to ask; before it does ask, it gets a pass here. One that gets none
//! is noted, and granted a pass when it is its turn: readers before read-ahead before background work.

use super::Priority;
use crate::sources::SourceId;
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

/// A fill of a node, named by the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FillId(pub u64);

/// How much all fills of a node may have under way together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrafficBounds {
    /// Requests to one source: all of them for waiting readers, all but one in eight for read-ahead, half
    /// of them for background work.
    pub per_source: usize,
    /// Requests to all sources.
    pub total: usize,
    /// Of these, for background work.
    pub background: usize,
    /// The same while any reader of the node waits: few, so that background work gives way, and not
    /// none, so that it does not starve on a node where somebody always waits.
    pub background_behind: usize,
}

/// Source of the bound for one source: "8 per source", reliability specification, §3.5.
impl Default for TrafficBounds {
    fn default() -> Self {
        Self { per_source: 8, total: 256, background: 16, background_behind: 1 }
    }
}

/// A pass given to a fill that had asked for it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// To which fill.
    pub fill: FillId,
    /// For a request to this source.
    pub source: SourceId,
    /// As which it counts.
    pub priority: Priority,
}

/// Counts passes and those who wait for one.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    bounds: TrafficBounds,
    running: BTreeMap<SourceId, usize>,
    total: usize,
    background: usize,
    /// Fills with a reader that waits.
    waited_for: BTreeSet<FillId>,
    queue: BTreeMap<Place, (FillId, SourceId)>,
    places: BTreeMap<(FillId, SourceId), Place>,
    next_ticket: u64,
}

/// The first is granted first.
type Place = (Priority, u64);

impl Traffic {
    /// Nothing is under way.
    #[must_use]
    pub const fn new(bounds: TrafficBounds) -> Self {
        Self {
            bounds,
            running: BTreeMap::new(),
            total: 0,
            background: 0,
            waited_for: BTreeSet::new(),
            queue: BTreeMap::new(),
            places: BTreeMap::new(),
            next_ticket: 0,
        }
    }

    /// Asks for a pass. If there is none the fill stands in the queue for this source from now on, once,
    /// with the most pressing of the priorities that it has asked with.
    pub fn ask(&mut self, fill: FillId, source: SourceId, priority: Priority) -> bool {
        if self.fits(source, priority) {
            self.take(source, priority);
            return true;
        }
        if let Some(place) = self.places.get(&(fill, source)).copied() {
            if place.0 <= priority {
                return false;
            }
            self.queue.remove(&place);
        }
        let place = (priority, self.next_ticket);
        self.next_ticket = self.next_ticket.saturating_add(1);
        self.queue.insert(place, (fill, source));
        self.places.insert((fill, source), place);
        false
    }

    /// Gives a pass back. [`Traffic::grants`] is to be called afterwards.
    pub fn give_back(&mut self, source: SourceId, priority: Priority) {
        if let Some(running) = self.running.get_mut(&source) {
            *running = running.saturating_sub(1);
            if *running == 0 {
                self.running.remove(&source);
            }
        }
        self.total = self.total.saturating_sub(1);
        if priority == Priority::Background {
            self.background = self.background.saturating_sub(1);
        }
    }

    /// Says whether a reader of this fill waits. [`Traffic::grants`] is to be called afterwards.
    pub fn set_waited_for(&mut self, fill: FillId, waited_for: bool) {
        if waited_for {
            self.waited_for.insert(fill);
        } else {
            self.waited_for.remove(&fill);
        }
    }

    /// The fill is over: it stands in no queue. Its passes are given back one by one.
    pub fn leave(&mut self, fill: FillId) {
        self.waited_for.remove(&fill);
        let places = &mut self.places;
        self.queue.retain(|_, (other, source)| {
            let stays = *other != fill;
            if !stays {
                places.remove(&(fill, *source));
            }
            stays
        });
    }

    /// Passes for those who wait and whose turn has come. They count as given: a fill that has no use for
    /// one any more gives it back.
    pub fn grants(&mut self) -> Vec<Grant> {
        let mut grants = Vec::new();
        if self.queue.is_empty() || self.total >= self.bounds.total {
            return grants;
        }
        let queued: Vec<(Place, FillId, SourceId)> =
            self.queue.iter().map(|(place, (fill, source))| (*place, *fill, *source)).collect();
        for (place, fill, source) in queued {
            let priority = place.0;
            if self.fits(source, priority) {
                self.take(source, priority);
                self.queue.remove(&place);
                self.places.remove(&(fill, source));
                grants.push(Grant { fill, source, priority });
            }
        }
        grants
    }

    /// Requests under way.
    #[must_use]
    pub const fn running_count(&self) -> usize {
        self.total
    }

    /// Requests under way to one source.
    #[must_use]
    pub fn running_to(&self, source: SourceId) -> usize {
        self.running.get(&source).copied().unwrap_or(0)
    }

    /// Fills that stand in a queue, once for each source.
    #[must_use]
    pub fn queued_count(&self) -> usize {
        self.queue.len()
    }

    fn take(&mut self, source: SourceId, priority: Priority) {
        let running = self.running.entry(source).or_insert(0);
        *running = running.saturating_add(1);
        self.total = self.total.saturating_add(1);
        if priority == Priority::Background {
            self.background = self.background.saturating_add(1);
        }
    }

    fn fits(&self, source: SourceId, priority: Priority) -> bool {
        let bounds = &self.bounds;
        let background =
            if self.waited_for.is_empty() { bounds.background } else { bounds.background_behind };
        self.running_to(source) < share(bounds.per_source, priority)
            && self.total < share(bounds.total, priority)
            && (priority != Priority::Background || self.background < background)
    }
}

/// How much of a bound a priority may use up: at least 1.
fn share(bound: usize, priority: Priority) -> usize {
    let kept_free = match priority {
        Priority::Urgent => 0,
        Priority::ReadAhead => (bound / 8).max(1),
        Priority::Background => bound / 2,
    };
    bound.saturating_sub(kept_free).max(1)
}

#[cfg(test)]
mod tests;
