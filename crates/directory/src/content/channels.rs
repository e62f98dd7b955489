//! Channels, each with the bag `dynamic:channel:<id>`.

use super::{
    existing_bag,
    objects::{admit, declare, ensure_few, ensure_is},
};
use crate::{
    State,
    call::ObjectsUpload,
    change::{Change, Edit},
    distribution,
    event::{DynamicBagCreation, Event},
    placement::{self, Delivery},
    reject::Reject,
    state::{Bag, Channel},
    storage::{self, vouchers::Load},
};
use alloc::{collections::BTreeSet, vec::Vec};
use argosy_domain::{
    AccountId, BagId, BagType, ChannelId, DistributionBucketId, DynamicBagId, MemberId, StorageBucketId,
};

/// Buckets that the caller chose; the directory chooses where there is nothing.
pub(super) struct Chosen<'a> {
    pub(super) storage: Option<&'a BTreeSet<StorageBucketId>>,
    pub(super) distribution: Option<&'a BTreeSet<DistributionBucketId>>,
}

/// I1, for a new channel.
pub(super) fn create(
    state: &State,
    signer: AccountId,
    owner: MemberId,
    upload: &ObjectsUpload,
    chosen: Chosen<'_>,
) -> Result<Change, Reject> {
    let member = state.member(owner).ok_or(Reject::MemberProfileNotFound)?;
    if member.account != signer {
        return Err(Reject::MemberAuthFailed);
    }
    ensure_few(upload.object_creation_list.len())?;
    ensure_quotes(state, upload)?;
    let policy = state.policy(BagType::Channel);
    if let Some(buckets) = chosen.storage {
        placement::check_storage(state, policy, buckets)?;
    }
    if let Some(buckets) = chosen.distribution {
        placement::check_delivery(state, policy, buckets)?;
    }
    let admitted = admit(state, upload)?;
    let channel = state.settings().next_channel;
    let bag = BagId::channel(channel);
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
    let mut settings = *state.settings();
    settings.next_channel = channel.next();
    let ids = declare(state, &mut change, &mut settings, bag, &admitted);
    change.edit(Edit::Settings(settings));
    change.edit(Edit::Channel(channel, Some(Channel { owner })));
    let operators_short = placement::operators_short(state, bag, &storage, &delivery.buckets);
    let creation = DynamicBagCreation {
        bag: DynamicBagId::Channel(channel),
        upload: upload.clone(),
        storage_buckets: storage,
        distribution_buckets: delivery.buckets,
    };
    change.tell(Event::DynamicBagCreated { creation, ids });
    change.events.extend(delivery.shortfalls);
    change.events.extend(operators_short);
    change.tell(Event::ChannelCreated { channel, owner });
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
    };
    change.edit(Edit::Bag(bag, Some(record)));
    Ok(())
}

/// I7, with the channel. All objects go with the bag; none gets an event of its own.
pub(super) fn delete(state: &State, signer: AccountId, channel: ChannelId) -> Result<Change, Reject> {
    let owner = state.channel(channel).ok_or(Reject::ChannelDoesNotExist)?.owner;
    ensure_is(state, signer, owner)?;
    let bag_id = BagId::channel(channel);
    let bag = existing_bag(state, &bag_id)?;
    let load = Load { objects: bag.objects_number, size: bag.objects_total_size };
    let mut change = Change::default();
    for id in bag.stored_by.keys() {
        let bucket = state.storage_bucket(*id).ok_or(Reject::StorageBucketDoesntExist)?;
        change.voucher(*id, storage::bags::unassigned(bucket, load));
    }
    for id in &bag.distributed_by {
        let bucket = state.distribution_bucket(*id).ok_or(Reject::DistributionBucketDoesntExist)?;
        change.edit(distribution::bags::unassigned(*id, bucket));
    }
    for id in state.bag_objects(&bag_id) {
        change.edit(Edit::Object(id, None));
    }
    change.edit(Edit::Bag(bag_id, None));
    change.edit(Edit::Channel(channel, None));
    change.tell(Event::DynamicBagDeleted { bag: DynamicBagId::Channel(channel) });
    change.tell(Event::ChannelDeleted { channel });
    Ok(change)
}
