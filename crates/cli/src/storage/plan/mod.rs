//! Which buckets get and lose which bags in a bulk command.
//!
//! Pure: the same facts give the same plan. Carried out in order, a plan never puts more into a bucket
//! than its voucher allows, whatever part of it was carried out before it was interrupted.
//!
//! Source of the choices: `storage-node/src/services/helpers/bagsUpdate.ts` of Colossus 4.5.0. A bag goes
//! to the bucket with the most free bytes and is taken from the one with the fewest.

pub(super) mod summary;
#[cfg(test)]
mod tests;

use argosy_domain::{BagId, StorageBucketId, num::to_u64};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// One half of a voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) limit: u64,
    pub(super) used: u64,
}

impl Room {
    /// What is left; less than nothing under a limit that was lowered.
    pub(super) fn free(self) -> i128 {
        i128::from(self.limit) - i128::from(self.used)
    }

    fn has(self, amount: u64) -> bool {
        self.free() >= i128::from(amount)
    }
}

/// A storage bucket that may gain or lose bags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    /// Whether it has an operator who accepted the invitation.
    pub(super) active: bool,
    /// Whether new bags may be assigned.
    pub(super) accepting: bool,
    pub(super) bytes: Room,
    pub(super) objects: Room,
}

/// A bag, and all buckets that keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bag {
    pub(super) id: BagId,
    pub(super) bytes: u64,
    pub(super) objects: u64,
    pub(super) stored_by: BTreeSet<StorageBucketId>,
}

/// What a plan is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// The buckets that count. Others may keep bags, but neither count as copies nor change.
    pub(super) buckets: BTreeMap<StorageBucketId, Bucket>,
    /// In the order of their ids.
    pub(super) bags: Vec<Bag>,
    /// Most buckets of a bag, all of them counted.
    pub(super) bag_limit: u64,
}

/// What changes about one bag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Update {
    pub(super) bag: BagId,
    pub(super) bytes: u64,
    pub(super) objects: u64,
    /// All its buckets before.
    pub(super) before: BTreeSet<StorageBucketId>,
    pub(super) add: BTreeSet<StorageBucketId>,
    pub(super) remove: BTreeSet<StorageBucketId>,
}

/// Why there is no plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Impossible {
    /// No bucket that could take the bag has room for it.
    NoRoom {
        bag: BagId,
        /// Copies that there was room for.
        made: u64,
    },
    /// The bag would have more buckets than a bag may have.
    BagLimit { bag: BagId, limit: u64 },
}

impl Impossible {
    /// The bag that there is no bucket for.
    pub(super) const fn bag(&self) -> BagId {
        let (Self::NoRoom { bag, .. } | Self::BagLimit { bag, .. }) = *self;
        bag
    }
}

/// A bucket that is to lose all its bags, in two steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Emptying {
    /// First: bags that no other active bucket keeps get one.
    pub(super) add: Vec<Update>,
    /// Then, once others hold what is in them: the bags are taken from the bucket.
    pub(super) remove: Vec<Update>,
    /// Bags that cannot be taken, since nothing else can keep them.
    pub(super) stuck: Vec<Impossible>,
}

/// Brings every bag to `rate` buckets of those that count.
///
/// Bags are planned in the order of their ids. If room runs out that way, those that lose buckets come
/// first and then the large ones, for which room is hardest to find.
pub(super) fn set_replication(facts: &Facts, rate: u64) -> Result<Vec<Update>, Impossible> {
    let mut bags: Vec<&Bag> = facts.bags.iter().collect();
    in_order(facts, &bags, rate).or_else(|first| {
        let counted = |bag: &Bag| bag.stored_by.iter().filter(|id| facts.buckets.contains_key(id)).count();
        bags.sort_by_key(|bag| (to_u64(counted(bag)) <= rate, Reverse(bag.bytes), Reverse(bag.objects)));
        in_order(facts, &bags, rate).map_err(|_| first)
    })
}

fn in_order(facts: &Facts, bags: &[&Bag], rate: u64) -> Result<Vec<Update>, Impossible> {
    let mut buckets = facts.buckets.clone();
    let mut updates = Vec::new();
    for bag in bags {
        let mut change = Changing::of(bag);
        while change.counted(&buckets) > rate {
            let Some(bucket) = change.fullest(&buckets) else { break };
            change.remove(bucket, &mut buckets);
        }
        while change.counted(&buckets) < rate {
            change.add_one(&mut buckets, facts.bag_limit, |_| true)?;
        }
        updates.extend(change.done());
    }
    Ok(updates)
}

/// Puts every bag of the buckets `from` into `copies` of the buckets `to`, those counted that have it
/// already: so that doing it again goes on where it was interrupted, and then changes nothing.
pub(super) fn copy_bags(
    facts: &Facts,
    from: &BTreeSet<StorageBucketId>,
    to: &BTreeSet<StorageBucketId>,
    copies: u64,
) -> Result<Vec<Update>, Impossible> {
    let mut buckets = facts.buckets.clone();
    let mut updates = Vec::new();
    for bag in facts.bags.iter().filter(|bag| !bag.stored_by.is_disjoint(from)) {
        let mut change = Changing::of(bag);
        let there = to_u64(bag.stored_by.intersection(to).count());
        for _ in there..copies {
            change.add_one(&mut buckets, facts.bag_limit, |id| to.contains(&id))?;
        }
        updates.extend(change.done());
    }
    Ok(updates)
}

/// Takes every bag from a bucket, and gives those another one first that nobody else keeps.
pub(super) fn empty_bucket(facts: &Facts, bucket: StorageBucketId) -> Emptying {
    let mut buckets = facts.buckets.clone();
    let mut plan = Emptying::default();
    let is_active = |id: &StorageBucketId| facts.buckets.get(id).is_some_and(|it| it.active);
    for bag in facts.bags.iter().filter(|bag| bag.stored_by.contains(&bucket)) {
        let mut change = Changing::of(bag);
        let is_kept = bag.stored_by.iter().any(|id| *id != bucket && is_active(id));
        if !is_kept {
            let added = change.add_one(&mut buckets, facts.bag_limit, |id| is_active(&id));
            match added {
                Ok(()) => plan.add.extend(change.done()),
                // Nothing is lost with a bag that has nothing in it.
                Err(_) if bag.objects == 0 => {}
                Err(why) => {
                    plan.stuck.push(why);
                    continue;
                }
            }
            change = Changing::of(bag);
            change.before.extend(plan.add.iter().rfind(|it| it.bag == bag.id).iter().flat_map(|it| &it.add));
        }
        change.remove(bucket, &mut buckets);
        plan.remove.extend(change.done());
    }
    plan
}

/// A bag whose update is being made.
struct Changing<'a> {
    bag: &'a Bag,
    before: BTreeSet<StorageBucketId>,
    add: BTreeSet<StorageBucketId>,
    remove: BTreeSet<StorageBucketId>,
}

impl<'a> Changing<'a> {
    fn of(bag: &'a Bag) -> Self {
        Self { bag, before: bag.stored_by.clone(), add: BTreeSet::new(), remove: BTreeSet::new() }
    }

    fn after(&self) -> BTreeSet<StorageBucketId> {
        self.before.union(&self.add).filter(|id| !self.remove.contains(id)).copied().collect()
    }

    /// Copies in buckets that count.
    fn counted(&self, buckets: &BTreeMap<StorageBucketId, Bucket>) -> u64 {
        to_u64(self.after().iter().filter(|id| buckets.contains_key(id)).count())
    }

    /// The counted bucket of the bag with the fewest free bytes; of equal ones the first.
    fn fullest(&self, buckets: &BTreeMap<StorageBucketId, Bucket>) -> Option<StorageBucketId> {
        let of_bag = self.after().into_iter().filter_map(|id| Some((id, buckets.get(&id)?)));
        of_bag.min_by_key(|(_, bucket)| bucket.bytes.free()).map(|(id, _)| id)
    }

    /// Adds the bucket with the most free bytes, of equal ones the first, among those allowed that accept
    /// bags and have room.
    fn add_one(
        &mut self,
        buckets: &mut BTreeMap<StorageBucketId, Bucket>,
        bag_limit: u64,
        allowed: impl Fn(StorageBucketId) -> bool,
    ) -> Result<(), Impossible> {
        let (bag, after) = (self.bag, self.after());
        let fits = |(id, bucket): &(&StorageBucketId, &mut Bucket)| {
            allowed(**id)
                && !after.contains(*id)
                && bucket.accepting
                && bucket.bytes.has(bag.bytes)
                && bucket.objects.has(bag.objects)
        };
        let roomiest = buckets.iter_mut().filter(fits).min_by_key(|(_, it)| Reverse(it.bytes.free()));
        let no_room = Impossible::NoRoom { bag: bag.id, made: to_u64(self.add.len()) };
        let (id, bucket) = roomiest.ok_or(no_room)?;
        if to_u64(after.len()) >= bag_limit {
            return Err(Impossible::BagLimit { bag: bag.id, limit: bag_limit });
        }
        bucket.bytes.used = bucket.bytes.used.saturating_add(bag.bytes);
        bucket.objects.used = bucket.objects.used.saturating_add(bag.objects);
        self.add.insert(*id);
        Ok(())
    }

    fn remove(&mut self, id: StorageBucketId, buckets: &mut BTreeMap<StorageBucketId, Bucket>) {
        if let Some(bucket) = buckets.get_mut(&id) {
            bucket.bytes.used = bucket.bytes.used.saturating_sub(self.bag.bytes);
            bucket.objects.used = bucket.objects.used.saturating_sub(self.bag.objects);
        }
        self.remove.insert(id);
    }

    /// The update, if anything changes.
    fn done(self) -> Option<Update> {
        let Self { bag, before, add, remove } = self;
        let changes = !add.is_empty() || !remove.is_empty();
        changes.then(|| Update { bag: bag.id, bytes: bag.bytes, objects: bag.objects, before, add, remove })
    }
}
