//! What must hold after every call, whatever it was. Numbers are those of the specification's §7.

use crate::{State, state::Bag};
use argosy_domain::{AccountId, BagId, BagType, DataObjectId, num::to_u64};

pub(super) fn check(state: &mut State) {
    check_storage_buckets(state);
    check_bags(state);
    check_distribution(state);
    assert_eq!(state.root(), state.root_from_scratch(), "the incremental root is the real one");
}

/// 1 and 2 for storage buckets; and one worker, one bucket, if the genesis says so.
fn check_storage_buckets(state: &State) {
    let mut tied = std::collections::BTreeMap::new();
    for (id, bucket) in state.storage_buckets() {
        assert!(id < state.settings().next_storage_bucket);
        let bags: std::vec::Vec<Bag> =
            state.bags().map(|(_, bag)| bag).filter(|bag| bag.stored_by.contains_key(&id)).collect();
        assert_eq!(bucket.voucher.objects_used, bags.iter().map(|bag| bag.objects_number).sum::<u64>());
        assert_eq!(bucket.voucher.size_used, bags.iter().map(|bag| bag.objects_total_size).sum::<u64>());
        assert_eq!(bucket.assigned_bags, to_u64(bags.len()));
        if let Some(worker) = bucket.operator.worker() {
            *tied.entry(worker).or_insert(0) += 1;
        }
        let active = bucket.operator.active().is_some();
        assert!(active || state.storage_operator_metadata(id).is_none());
        assert!(active || state.holding_report(id).is_none());
    }
    assert!(tied.values().all(|count| *count <= state.params().max_storage_buckets_per_worker));
}

/// 3, 4, 5 and 10.
fn check_bags(state: &State) {
    let mut seen = 0;
    for (id, bag) in state.bags() {
        let objects = state.bag_objects(&id);
        let size = |object: &DataObjectId| state.object(*object).unwrap().size;
        assert_eq!(bag.objects_number, to_u64(objects.len()));
        assert_eq!(bag.objects_total_size, objects.iter().map(size).sum::<u64>());
        assert!(objects.is_sorted() && objects.iter().all(|object| state.object(*object).unwrap().bag == id));
        assert!(bag.stored_by.keys().all(|bucket| state.storage_bucket(*bucket).is_some()));
        assert!(bag.distributed_by.iter().all(|bucket| {
            state.distribution_bucket(*bucket).is_some() && state.family(bucket.family).is_some()
        }));
        assert!(to_u64(bag.stored_by.len()) <= u64::from(state.params().max_storage_buckets_per_bag));
        assert!(
            to_u64(bag.distributed_by.len()) <= u64::from(state.params().max_distribution_buckets_per_bag)
        );
        seen += bag.objects_number;
    }
    let live = (0..state.next_object_id().0).filter(|id| state.object(DataObjectId(*id)).is_some());
    assert_eq!(to_u64(live.count()), seen, "each object is in exactly one bag");
    assert!(state.object(state.next_object_id()).is_none());
    for (id, channel) in state.channels() {
        assert!(state.bag(&BagId::channel(id)).is_some() && state.member(channel.owner).is_some());
    }
}

/// 2 for distribution buckets, 8, 11 and 12.
fn check_distribution(state: &State) {
    let params = state.params();
    assert!(to_u64(state.families().count()) <= params.max_distribution_bucket_families);
    for (id, bucket) in state.distribution_buckets() {
        let family = state.family(id.family).expect("a bucket's family exists");
        assert!(id.index < family.next_distribution_bucket_index);
        let bags = state.bags().filter(|(_, bag)| bag.distributed_by.contains(&id)).count();
        assert_eq!(bucket.assigned_bags, to_u64(bags));
        assert!(bucket.pending_invitations.is_disjoint(&bucket.operators));
        let (pending, operators) = (bucket.pending_invitations.len(), bucket.operators.len());
        assert!(to_u64(pending) <= u64::from(params.max_pending_invitations_per_distribution_bucket));
        assert!(to_u64(operators) <= u64::from(params.max_operators_per_distribution_bucket));
    }
    for bag_type in [BagType::Member, BagType::Channel] {
        let families = &state.policy(bag_type).families;
        assert!(families.iter().all(|(id, number)| *number > 0 && state.family(*id).is_some()));
        let sum: u32 = families.values().sum();
        assert!(families.is_empty() || sum >= params.min_distribution_buckets_per_bag);
        assert!(sum <= params.max_distribution_buckets_per_bag);
    }
}

/// A failed call leaves the state as it was, but for the signer's nonce.
pub(super) fn check_nothing_changed_but_the_nonce(mut before: State, after: &mut State, signer: AccountId) {
    let nonce = before.nonce(&signer);
    assert_eq!(after.nonce(&signer), nonce + 1);
    before.set_nonce(signer, nonce + 1);
    assert_eq!(before.root(), after.root());
}
