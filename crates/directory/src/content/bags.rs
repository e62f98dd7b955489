//! Dynamic bags: made with buckets, and deleted whole.

use super::{
    ensure_exists, existing_bag,
    objects::{admit, declare, ensure_few, remove},
    owners::{ensure_is, ensure_owns},
};
use crate::{
    State,
    call::ObjectsUpload,
    change::{Change, Edit},
    distribution,
    event::{DynamicBagCreation, Event},
    placement::{self, Delivery},
    purse::Purse,
    reject::Reject,
    state::{Bag, Settings},
    storage::{self, vouchers::Load},
};
use alloc::{collections::BTreeSet, vec::Vec};
use argosy_domain::{
    AccountId, BagId, BagType, DistributionBucketId, DynamicBagId, MemberId, StorageBucketId,
};

/// Buckets that the caller chose; the directory chooses where there is nothing.
#[derive(Clone, Copy)]
pub(super) struct Chosen<'a> {
    storage: Option<&'a BTreeSet<StorageBucketId>>,
    distribution: Option<&'a BTreeSet<DistributionBucketId>>,
}

impl<'a> Chosen<'a> {
    pub(super) fn new(
        storage: Option<&'a BTreeSet<StorageBucketId>>,
        distribution: Option<&'a BTreeSet<DistributionBucketId>>,
    ) -> Self {
        Self { storage, distribution }
    }
}

/// I1. The caller has judged who may, and taken the id of a new channel out of `settings`.
pub(super) fn create(
    state: &State,
    payer: AccountId,
    id: DynamicBagId,
    bag_type: BagType,
    upload: &ObjectsUpload,
    chosen: Chosen<'_>,
    mut settings: Settings,
) -> Result<Change, Reject> {
    ensure_few(upload.object_creation_list.len())?;
    ensure_quotes(state, upload)?;
    let policy = state.policy(bag_type);
    if let Some(buckets) = chosen.storage {
        placement::check_storage(state, policy, buckets)?;
    }
    if let Some(buckets) = chosen.distribution {
        placement::check_delivery(state, policy, buckets)?;
    }
    let admitted = admit(state, upload)?;
    let bag = BagId::Dynamic(id);
    if state.bag(&bag).is_some() {
        return Err(Reject::DynamicBagExists);
    }
    let storage = match chosen.storage {
        Some(buckets) => buckets.clone(),
        None => placement::choose_storage(state, &bag, policy, admitted.load)?,
    };
    let delivery = match chosen.distribution {
        Some(buckets) => Delivery { buckets: buckets.clone(), shortfalls: Vec::new() },
        None => placement::choose_delivery(state, &bag, policy),
    };
    let mut change = Change::default();
    assign(state, &mut change, bag, &storage, &delivery.buckets, admitted.load)?;
    let mut purse = Purse::new(state);
    let ids = declare(state, &mut change, &mut settings, &mut purse, bag, payer, &admitted, None)?;
    purse.settle(&mut change);
    change.edit(Edit::Settings(settings));
    let operators_short = placement::operators_short(state, bag, &storage, &delivery.buckets);
    let creation = DynamicBagCreation {
        bag: id,
        upload: upload.clone(),
        storage_buckets: storage,
        distribution_buckets: delivery.buckets,
    };
    change.tell(Event::DynamicBagCreated { creation, ids });
    change.events.extend(delivery.shortfalls);
    change.events.extend(operators_short);
    Ok(change)
}

/// Prices matter only where there is something to pay for. The bond first, unlike in an upload.
fn ensure_quotes(state: &State, upload: &ObjectsUpload) -> Result<(), Reject> {
    if upload.object_creation_list.is_empty() {
        return Ok(());
    }
    if upload.expected_data_object_state_bloat_bond != state.data_object_bond() {
        return Err(Reject::DataObjectStateBloatBondChanged);
    }
    if upload.expected_data_size_fee != state.data_size_fee() {
        return Err(Reject::DataSizeFeeChanged);
    }
    Ok(())
}

/// Writes the new bag and its buckets.
fn assign(
    state: &State,
    change: &mut Change,
    bag: BagId,
    storage: &BTreeSet<StorageBucketId>,
    distribution: &BTreeSet<DistributionBucketId>,
    load: Load,
) -> Result<(), Reject> {
    for id in storage {
        let bucket = state.storage_bucket(*id).ok_or(Reject::StorageBucketDoesntExist)?;
        change.voucher(*id, storage::bags::assigned(bucket, load)?);
    }
    for id in distribution {
        let bucket = state.distribution_bucket(*id).ok_or(Reject::DistributionBucketDoesntExist)?;
        change.edit(distribution::bags::assigned(*id, bucket));
    }
    let record = Bag {
        stored_by: storage.iter().map(|id| (*id, state.at().height)).collect(),
        distributed_by: distribution.clone(),
        objects_total_size: load.size,
        objects_number: load.objects,
        private: false,
    };
    change.edit(Edit::Bag(bag, Some(record)));
    Ok(())
}

/// I7. All objects go with the bag; none gets an event of its own.
pub(super) fn delete(state: &State, refund_to: AccountId, id: DynamicBagId) -> Result<Change, Reject> {
    let bag_id = BagId::Dynamic(id);
    let bag = existing_bag(state, &bag_id)?;
    if bag.objects_number > state.params().max_objects_of_deleted_bag {
        return Err(Reject::TooManyObjects);
    }
    let load = bag.load();
    let mut change = Change::default();
    for id in bag.stored_by.keys() {
        let bucket = state.storage_bucket(*id).ok_or(Reject::StorageBucketDoesntExist)?;
        change.voucher(*id, storage::bags::unassigned(bucket, load));
    }
    for id in &bag.distributed_by {
        let bucket = state.distribution_bucket(*id).ok_or(Reject::DistributionBucketDoesntExist)?;
        change.edit(distribution::bags::unassigned(*id, bucket));
    }
    let mut purse = Purse::new(state);
    for id in state.bag_objects(&bag_id) {
        let object = state.object(id).ok_or(Reject::DataObjectDoesntExist)?;
        remove(state, &mut change, &mut purse, refund_to, id, object.bond);
    }
    purse.settle(&mut change);
    for set in state.asset_sets_of(bag_id) {
        change.edit(Edit::AssetSet(set, None));
    }
    change.edit(Edit::Bag(bag_id, None));
    change.tell(Event::DynamicBagDeleted { bag: id });
    Ok(change)
}

/// I1, for what a member shows of itself.
pub(super) fn create_of_member(
    state: &State,
    signer: AccountId,
    id: MemberId,
    upload: &ObjectsUpload,
    chosen: Chosen<'_>,
) -> Result<Change, Reject> {
    let member = state.member(id).ok_or(Reject::MemberProfileNotFound)?;
    if member.account != signer {
        return Err(Reject::MemberAuthFailed);
    }
    let bag = DynamicBagId::Member(id);
    create(state, signer, bag, BagType::Member, upload, chosen, *state.settings())
}

/// I7, for a member's bag.
pub(super) fn delete_of_member(state: &State, signer: AccountId, id: MemberId) -> Result<Change, Reject> {
    ensure_exists(state, &BagId::member(id))?;
    ensure_is(state, signer, id)?;
    delete(state, signer, DynamicBagId::Member(id))
}

/// Whether nodes serve the bag to everybody. Not for collaborators to decide.
pub(super) fn set_privacy(
    state: &State,
    signer: AccountId,
    id: &BagId,
    private: bool,
) -> Result<Change, Reject> {
    let bag = existing_bag(state, id)?;
    ensure_owns(state, signer, id)?;
    let record = Bag { private, ..bag };
    Ok(Change::of(Edit::Bag(*id, Some(record)), Event::BagPrivacySet { bag: *id, private }))
}
