//! What must hold after every call, whatever it was. Numbers are those of the specification's §7.

use crate::{
    Payload, State,
    state::{Bag, Tie, WORKING_GROUPS},
};
use argosy_domain::{BagId, BagType, DataObjectId, WorkingGroup, num::to_u64};

pub(crate) fn check(state: &mut State) {
    check_records(state);
    assert_eq!(state.root(), state.root_from_scratch(), "the incremental root is the real one");
}

/// All but the hashes.
pub(crate) fn check_records(state: &State) {
    check_storage_buckets(state);
    check_bags(state);
    check_distribution(state);
    check_money(state);
    check_workers(state);
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
        check_pages(state, &id, &objects);
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

/// 6 and 7; and no money comes from nowhere or goes nowhere.
fn check_money(state: &State) {
    let treasury = state.treasury();
    let objects = (0..state.next_object_id().0).filter_map(|id| state.object(DataObjectId(id)));
    assert_eq!(treasury.bonds, objects.map(|object| object.bond).sum::<u128>());
    let accounts: u128 = state.accounts().map(|(_, account)| account.free + account.staked).sum();
    let budgets: u128 = WORKING_GROUPS.iter().map(|group| state.budget(*group)).sum();
    assert_eq!(accounts + budgets + treasury.bonds, treasury.issued - treasury.burned);
    let staked: u128 = state.accounts().map(|(_, account)| account.staked).sum();
    let mut held = 0;
    for group in WORKING_GROUPS {
        held += state.workers(group).map(|(_, worker)| worker.stake).sum::<u128>();
        held += state.applications(group).map(|(_, application)| application.stake).sum::<u128>();
        let deposits = state.openings(group).filter_map(|(_, opening)| opening.deposit);
        held += deposits.map(|(_, amount)| amount).sum::<u128>();
    }
    assert_eq!(staked, held);
    assert!(state.blacklist_count() <= state.params().blacklist_size_limit);
    assert_eq!(to_u64(state.blacklist().count()), state.blacklist_count());
}

/// Whoever operates a bucket or is invited to one works, and does not leave; asset sets are whole.
fn check_workers(state: &State) {
    let stays = |group, worker| state.worker(group, worker).is_some_and(|w| w.leaves_ms.is_none());
    for (id, bucket) in state.storage_buckets() {
        assert!(bucket.operator.worker().is_none_or(|worker| stays(WorkingGroup::Storage, worker)), "{id}");
    }
    for (_, bucket) in state.distribution_buckets() {
        let tied = bucket.operators.union(&bucket.pending_invitations);
        assert!(tied.copied().all(|worker| stays(WorkingGroup::Distribution, worker)));
    }
    for (tie, _) in state.resignations() {
        match tie {
            Tie::Storage(id, worker) => {
                assert_eq!(state.storage_bucket(id).unwrap().operator.active(), Some(worker));
            }
            Tie::Distribution(id, worker) => {
                assert!(state.distribution_bucket(id).unwrap().operators.contains(&worker));
            }
        }
    }
    for group in WORKING_GROUPS {
        assert!(state.lead(group).is_none_or(|lead| state.worker(group, lead).is_some()));
        let count = to_u64(state.workers(group).count());
        assert!(count <= u64::from(state.params().max_workers_per_group));
    }
    for (bag, _) in state.bags() {
        let in_sets: usize =
            state.asset_sets_of(bag).map(|set| state.asset_set(set).unwrap().objects.len()).sum();
        let is_marked = |id: &DataObjectId| {
            let set = state.object(*id).unwrap().asset_set;
            set.is_some_and(|set| state.asset_set(set).unwrap().objects.contains(id))
        };
        let marked = state.bag_objects(&bag).into_iter().filter(is_marked);
        assert_eq!(marked.count(), in_sets);
    }
}

/// A failed call leaves the state as it was, but for the signer's nonce and the fee.
pub(crate) fn check_nothing_changed_but_nonce_and_fee(
    before: &mut State,
    after: &mut State,
    payload: &Payload,
) {
    let signer = payload.signer;
    assert_eq!(after.nonce(&signer), before.nonce(&signer) + 1);
    before.pretend_failure(signer, before.fee(payload));
    assert_eq!(before.root(), after.root());
}

/// Any part of the list of a bag is found as in the whole list.
fn check_pages(state: &State, id: &BagId, objects: &[DataObjectId]) {
    const MOST: usize = 3;
    for (at, object) in objects.iter().enumerate() {
        let whole = objects.iter().skip(at).take(MOST).copied();
        assert!(state.bag_objects_from(id, *object, MOST).into_iter().eq(whole), "{id} from {object}");
    }
    let whole = objects.iter().take(MOST).copied();
    assert!(state.bag_objects_from(id, DataObjectId(0), MOST).into_iter().eq(whole), "{id}");
}
