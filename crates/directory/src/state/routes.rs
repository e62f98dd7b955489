//! From many objects at once to those who operate their buckets.
//!
//! A single look-up waits for memory three times: object, bag, buckets. A batch waits for many
//! objects at the same time, then for their bags; the buckets are few and stay in the cache.

use super::{State, bags, objects, paged::Slot};
use alloc::{collections::BTreeSet, sync::Arc, vec::Vec};
use argosy_domain::{BagId, DataObjectId, ObjectSize, WorkerId};

/// Objects that are looked up at the same time: more than a core can wait for at once.
const BATCH: usize = 32;
/// Operators of a bucket that routes tell of.
const LINE: usize = 3;
/// Operators that a route has room for.
const ENDS: usize = 7;

/// Operators on one side of a route, by ascending bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    count: u8,
    complete: bool,
    workers: [u32; ENDS],
}

impl Ends {
    /// The operators; one who operates two buckets of the bag appears twice.
    pub fn workers(&self) -> impl Iterator<Item = WorkerId> {
        self.workers.iter().take(usize::from(self.count)).map(|worker| WorkerId(u64::from(*worker)))
    }

    /// Whether there are no more than these. If there are, the bag and its buckets tell.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    fn add(&mut self, line: Line) {
        self.complete &= line.complete;
        for worker in line.workers.iter().take(usize::from(line.count)) {
            match self.workers.get_mut(usize::from(self.count)) {
                Some(place) => {
                    *place = *worker;
                    self.count = self.count.saturating_add(1);
                }
                None => self.complete = false,
            }
        }
    }
}

/// Where an object is kept, and who delivers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The object.
    pub object: DataObjectId,
    /// Its bag.
    pub bag: BagId,
    /// Its bytes.
    pub size: ObjectSize,
    /// Active operators of the bag's storage buckets.
    pub storage: Ends,
    /// Operators of the bag's distribution buckets.
    pub distribution: Ends,
}

/// Operators of one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    count: u8,
    complete: bool,
    workers: [u32; LINE],
}

impl Line {
    const NONE: Self = Self { count: 0, complete: true, workers: [0; LINE] };

    fn of(operators: impl Iterator<Item = WorkerId>) -> Self {
        let mut line = Self::NONE;
        for worker in operators {
            match (line.workers.get_mut(usize::from(line.count)), u32::try_from(worker.0)) {
                (Some(place), Ok(worker)) => {
                    *place = worker;
                    line.count = line.count.saturating_add(1);
                }
                _ => line.complete = false,
            }
        }
        line
    }
}

/// Operators of buckets, by the numbers that bags know buckets by. Derived; not part of the root.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    storage: Arc<Vec<Line>>,
    distribution: Arc<Vec<Line>>,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { storage: Arc::new(Vec::new()), distribution: Arc::new(Vec::new()) }
    }

    /// Bags that know a bucket by another name are kept whole.
    pub(super) fn put_storage(&mut self, bucket: u64, operator: Option<WorkerId>) {
        if let Ok(place) = u16::try_from(bucket) {
            put(&mut self.storage, place, Line::of(operator.into_iter()));
        }
    }

    pub(super) fn put_distribution(&mut self, place: u16, operators: &BTreeSet<WorkerId>) {
        put(&mut self.distribution, place, Line::of(operators.iter().copied()));
    }
}

fn put(lines: &mut Arc<Vec<Line>>, place: u16, line: Line) {
    let place = usize::from(place);
    // Most writes of a bucket do not change its operators.
    if get(lines, place) == line {
        return;
    }
    let lines = Arc::make_mut(lines);
    if place >= lines.len() {
        lines.resize(place.saturating_add(1), Line::NONE);
    }
    lines[place] = line;
}

fn get(lines: &[Line], place: usize) -> Line {
    lines.get(place).copied().unwrap_or(Line::NONE)
}

impl State {
    /// Routes of objects, in the order of `ids`; ids of no object are left out. Several times faster
    /// for hundreds of ids at once than for one at a time.
    pub fn routes(&self, ids: &[DataObjectId], routes: &mut Vec<Route>) {
        routes.reserve(ids.len());
        for ids in ids.chunks(BATCH) {
            self.batch_of_routes(ids, routes);
        }
    }

    /// Each step touches memory that only the step before knows of.
    fn batch_of_routes(&self, ids: &[DataObjectId], routes: &mut Vec<Route>) {
        let mut objects: [Option<&objects::Packed>; BATCH] = [None; BATCH];
        for (object, id) in objects.iter_mut().zip(ids) {
            *object = self.objects.find(id.0);
        }
        let mut slots = [(None, None); BATCH];
        for (slot, object) in slots.iter_mut().zip(&objects) {
            *slot = object.map_or((None, None), |object| (object.bag(), object.size()));
        }
        let mut found: [Option<&bags::Packed>; BATCH] = [None; BATCH];
        for (bag, (slot, _)) in found.iter_mut().zip(&slots) {
            *bag = slot.and_then(|slot| self.bags.find(slot));
        }
        // What is done with a bag takes long enough that waiting for the next one would not overlap.
        let mut bags = [bags::Packed::BLANK; BATCH];
        for (bag, found) in bags.iter_mut().zip(found) {
            *bag = found.copied().unwrap_or(bags::Packed::BLANK);
        }
        for ((id, (_, size)), bag) in ids.iter().zip(slots).zip(&bags) {
            routes.extend(match (size, bag.is_wide()) {
                (Some(size), false) => self.small_route(*id, size, bag),
                _ => self.wide_route(*id),
            });
        }
    }

    fn small_route(&self, object: DataObjectId, size: ObjectSize, bag: &bags::Packed) -> Option<Route> {
        let mut storage = Ends { complete: true, ..Ends::default() };
        for (bucket, _) in bag.stored() {
            storage.add(get(&self.lines.storage, usize::from(bucket)));
        }
        let mut distribution = Ends { complete: true, ..Ends::default() };
        for place in bag.distributed() {
            distribution.add(get(&self.lines.distribution, usize::from(place)));
        }
        Some(Route { object, bag: bag.id()?, size, storage, distribution })
    }

    /// The slow way, for what is kept whole.
    fn wide_route(&self, id: DataObjectId) -> Option<Route> {
        let object = self.object(id)?;
        let bag = self.bag(&object.bag)?;
        let mut storage = Ends { complete: true, ..Ends::default() };
        for id in bag.stored_by.keys() {
            let operator = self.storage_bucket(*id).and_then(|bucket| bucket.operator.active());
            storage.add(Line::of(operator.into_iter()));
        }
        let mut distribution = Ends { complete: true, ..Ends::default() };
        for id in &bag.distributed_by {
            let operators = self.distribution_bucket(*id).map(|bucket| bucket.operators.iter().copied());
            distribution.add(Line::of(operators.into_iter().flatten()));
        }
        Some(Route { object: id, bag: object.bag, size: object.size, storage, distribution })
    }
}
