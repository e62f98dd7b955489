//! Bags and what is in them.

use argosy_api::directory::{AcceptanceView, AssetSetView, BagView, ChannelView, ObjectView};
use argosy_directory::{
    State,
    state::{AssetSet, Channel},
};
use argosy_domain::{AssetSetId, BagId, ChannelId, DataObjectId};

pub(crate) fn object(state: &State, id: DataObjectId) -> Option<ObjectView> {
    let object = state.object(id)?;
    let bag = state.bag(&object.bag)?;
    Some(ObjectView {
        id,
        content_id: object.content_id,
        size: object.size,
        bag: object.bag,
        accepted: object
            .accepted
            .map(|accepted| AcceptanceView { height: accepted.height, bucket: accepted.bucket }),
        storage_buckets: bag.stored_by.keys().copied().collect(),
        distribution_buckets: bag.distributed_by.iter().copied().collect(),
        holders: state.holders(id),
        asset_set: object.asset_set,
        bond: object.bond,
        moved_height: state.moved_at(id),
        blacklisted: state.is_blacklisted(&object.content_id),
    })
}

pub(crate) fn bag(state: &State, id: BagId) -> Option<BagView> {
    let bag = state.bag(&id)?;
    Some(BagView {
        id,
        objects_number: bag.objects_number,
        objects_total_size: bag.objects_total_size,
        private: bag.private,
        storage_buckets: bag.stored_by.keys().copied().collect(),
        distribution_buckets: bag.distributed_by.iter().copied().collect(),
    })
}

pub(crate) fn asset_set(id: AssetSetId, set: &AssetSet) -> AssetSetView {
    AssetSetView {
        id,
        bag: BagId::Dynamic(set.bag),
        name: set.name.clone(),
        objects: set.objects.iter().copied().collect(),
    }
}

pub(crate) fn channel(id: ChannelId, channel: &Channel) -> ChannelView {
    ChannelView { id, owner: channel.owner, collaborators: channel.collaborators.iter().copied().collect() }
}
