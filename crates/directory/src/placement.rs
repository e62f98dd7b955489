//! Which buckets a new bag is given.
//!
//! Pseudo-random, but the same for everyone: candidates are ranked by a hash of their id and the
//! bag's, keyed with the block's randomness, which nobody knows before the block.

use crate::{
    State,
    event::Event,
    reject::Reject,
    state::{DistributionBucket, Policy, StorageBucket},
    storage::vouchers::{self, Load},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use argosy_domain::{
    BagId, DistributionBucketId, FamilyId, StorageBucketId,
    num::{to_u64, to_usize},
};
use codec::Encode;

/// Distribution buckets for a new bag.
pub(crate) struct Delivery {
    pub(crate) buckets: BTreeSet<DistributionBucketId>,
    /// One for each family that has fewer buckets than the policy wants.
    pub(crate) shortfalls: Vec<Event>,
}

/// As many storage buckets as the policy wants, of those that accept new bags, have an active
/// operator and have room for `load`.
///
/// # Errors
/// [`Reject::NotEnoughStorageBuckets`]: a bag with fewer copies than promised is not made.
pub(crate) fn choose_storage(
    state: &State,
    bag: &BagId,
    policy: &Policy,
    load: Load,
) -> Result<BTreeSet<StorageBucketId>, Reject> {
    let qualifies = |bucket: &StorageBucket| {
        bucket.accepting_new_bags
            && bucket.operator.active().is_some()
            && vouchers::with(bucket, load).is_ok()
    };
    let mut ranked: Vec<_> = state
        .storage_buckets()
        .filter(|(_, bucket)| qualifies(bucket))
        .map(|(id, _)| (rank(state, b"storage", bag, &id), id))
        .collect();
    ranked.sort_unstable();
    let wanted = to_usize(u64::from(policy.number_of_storage_buckets));
    if ranked.len() < wanted {
        return Err(Reject::NotEnoughStorageBuckets);
    }
    Ok(ranked.into_iter().take(wanted).map(|(_, id)| id).collect())
}

/// In each family of the policy, as many buckets as it wants, of those that accept new bags; ready
/// ones first. Where too few qualify, all that do.
pub(crate) fn choose_delivery(state: &State, bag: &BagId, policy: &Policy) -> Delivery {
    let mut delivery = Delivery { buckets: BTreeSet::new(), shortfalls: Vec::new() };
    for (&family, &wanted) in &policy.families {
        let mut ranked: Vec<_> = state
            .family_buckets(family)
            .filter(|(_, bucket)| bucket.accepting_new_bags)
            .map(|(id, bucket)| (!is_ready(bucket), rank(state, b"distribution", bag, &id), id))
            .collect();
        ranked.sort_unstable();
        ranked.truncate(to_usize(u64::from(wanted)));
        // No more than `wanted`, hence the conversion is exact.
        let assigned = u32::try_from(ranked.len()).unwrap_or(wanted);
        if assigned < wanted {
            let shortfall = Event::DistributionBucketsShort { bag: *bag, family, wanted, assigned };
            delivery.shortfalls.push(shortfall);
        }
        delivery.buckets.extend(ranked.into_iter().map(|(_, _, id)| id));
    }
    delivery
}

/// Whether somebody serves it.
fn is_ready(bucket: &DistributionBucket) -> bool {
    bucket.distributing && !bucket.operators.is_empty()
}

fn rank(state: &State, kind: &[u8], bag: &BagId, bucket: &impl Encode) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(&state.at().randomness);
    hasher.update(b"argosy/placement/1/");
    hasher.update(kind);
    (bag, bucket).using_encoded(|bytes| hasher.update(bytes));
    *hasher.finalize().as_bytes()
}

/// Storage buckets that the caller chose: as many as the policy wants, and all accept new bags.
pub(crate) fn check_storage(
    state: &State,
    policy: &Policy,
    chosen: &BTreeSet<StorageBucketId>,
) -> Result<(), Reject> {
    if to_u64(chosen.len()) != u64::from(policy.number_of_storage_buckets) {
        return Err(Reject::StorageBucketsNumberViolatesDynamicBagCreationPolicy);
    }
    for id in chosen {
        let bucket = state.storage_bucket(*id).ok_or(Reject::StorageBucketDoesntExist)?;
        if !bucket.accepting_new_bags {
            return Err(Reject::StorageBucketDoesntAcceptNewBags);
        }
    }
    Ok(())
}

/// Distribution buckets that the caller chose: in each family exactly as many as the policy wants,
/// and all accept new bags.
pub(crate) fn check_delivery(
    state: &State,
    policy: &Policy,
    chosen: &BTreeSet<DistributionBucketId>,
) -> Result<(), Reject> {
    let mut tally: BTreeMap<FamilyId, u32> = BTreeMap::new();
    for id in chosen {
        let number = tally.entry(id.family).or_default();
        *number = number.saturating_add(1);
    }
    if tally != policy.families {
        return Err(Reject::DistributionBucketsViolatesDynamicBagCreationPolicy);
    }
    for id in chosen {
        let bucket = state.distribution_bucket(*id).ok_or(Reject::DistributionBucketDoesntExist)?;
        if !bucket.accepting_new_bags {
            return Err(Reject::DistributionBucketDoesntAcceptNewBags);
        }
    }
    Ok(())
}

/// What the leads should hear of, if nobody operates some of the buckets that a new bag was given.
pub(crate) fn operators_short(
    state: &State,
    bag: BagId,
    storage: &BTreeSet<StorageBucketId>,
    distribution: &BTreeSet<DistributionBucketId>,
) -> Option<Event> {
    let stored = |id: &StorageBucketId| {
        state.storage_bucket(*id).is_some_and(|bucket| bucket.operator.active().is_some())
    };
    let delivered = |id: &DistributionBucketId| state.distribution_bucket(*id).is_some_and(is_ready);
    let storage_buckets: BTreeSet<_> = storage.iter().filter(|id| !stored(id)).copied().collect();
    let distribution_buckets: BTreeSet<_> =
        distribution.iter().filter(|id| !delivered(id)).copied().collect();
    let short = !storage_buckets.is_empty() || !distribution_buckets.is_empty();
    short.then_some(Event::OperatorsShort { bag, storage_buckets, distribution_buckets })
}
