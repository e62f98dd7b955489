//! Asset sets: objects of a dynamic bag under one name, so that a video or an avatar is updated or
//! deleted by one call.

use super::{
    ensure_exists,
    objects::{Update, ensure_few, ensure_quotes},
    owners::ensure_may_edit,
};
use crate::{
    State,
    call::ObjectsUpload,
    change::{Change, Edit},
    event::Event,
    reject::Reject,
    state::AssetSet,
};
use alloc::{collections::BTreeSet, string::String};
use argosy_domain::{
    AccountId, AssetSetId, BagId, DataObjectId, DynamicBagId, limits::MAX_NAME_BYTES, num::to_u64,
};

/// 1 to 64 bytes of lower-case letters, digits, `-`, `_` and `.`.
fn name_is_valid(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(allowed)
}

fn ensure_size(state: &State, count: usize) -> Result<(), Reject> {
    if to_u64(count) > u64::from(state.params().max_assets_per_set) {
        return Err(Reject::TooManyAssets);
    }
    Ok(())
}

fn existing<'a>(state: &'a State, bag: BagId, name: &str) -> Result<(AssetSetId, &'a AssetSet), Reject> {
    let id = state.asset_set_by_name(bag, name).ok_or(Reject::AssetSetDoesntExist)?;
    let set = state.asset_set(id).ok_or(Reject::AssetSetDoesntExist)?;
    Ok((id, set))
}

pub(super) fn create(
    state: &State,
    signer: AccountId,
    bag: DynamicBagId,
    name: &str,
    upload: &ObjectsUpload,
) -> Result<Change, Reject> {
    let bag_id = BagId::Dynamic(bag);
    ensure_exists(state, &bag_id)?;
    ensure_may_edit(state, signer, &bag_id)?;
    if !name_is_valid(name) {
        return Err(Reject::InvalidAssetSetName);
    }
    if state.asset_set_by_name(bag_id, name).is_some() {
        return Err(Reject::AssetSetExists);
    }
    if upload.object_creation_list.is_empty() {
        return Err(Reject::NoObjectsOnUpload);
    }
    ensure_size(state, upload.object_creation_list.len())?;
    ensure_quotes(state, upload)?;
    let (mut change, mut settings) = (Change::default(), *state.settings());
    let set = settings.next_asset_set;
    settings.next_asset_set = set.next();
    let remove = BTreeSet::new();
    let update = Update { payer: signer, bag: bag_id, upload, remove: &remove, asset_set: Some(set) };
    let ids = update.check(state, &mut change, &mut settings)?;
    change.edit(Edit::Settings(settings));
    let objects: BTreeSet<DataObjectId> = ids.iter().copied().collect();
    let record = AssetSet { bag, name: String::from(name), objects: objects.clone() };
    change.edit(Edit::AssetSet(set, Some(record)));
    let bond = state.data_object_bond();
    change.tell(Event::DataObjectsUploaded { ids, bag: bag_id, upload: upload.clone(), bond });
    change.tell(Event::AssetSetCreated { bag, name: name.into(), objects });
    Ok(change)
}

pub(super) fn update(
    state: &State,
    signer: AccountId,
    bag: DynamicBagId,
    name: &str,
    upload: &ObjectsUpload,
    remove: &BTreeSet<DataObjectId>,
) -> Result<Change, Reject> {
    let bag_id = BagId::Dynamic(bag);
    ensure_exists(state, &bag_id)?;
    ensure_may_edit(state, signer, &bag_id)?;
    let (id, set) = existing(state, bag_id, name)?;
    ensure_few(upload.object_creation_list.len().max(remove.len()))?;
    ensure_quotes(state, upload)?;
    if !remove.is_subset(&set.objects) {
        return Err(Reject::AssetsToRemoveBeyondEntityAssetsSet);
    }
    let left = set.objects.len().saturating_sub(remove.len());
    ensure_size(state, left.saturating_add(upload.object_creation_list.len()))?;
    let (mut change, mut settings) = (Change::default(), *state.settings());
    let update = Update { payer: signer, bag: bag_id, upload, remove, asset_set: Some(id) };
    let ids = update.check(state, &mut change, &mut settings)?;
    change.edit(Edit::Settings(settings));
    let added: BTreeSet<DataObjectId> = ids.iter().copied().collect();
    let objects = set.objects.difference(remove).chain(&added).copied().collect();
    change.edit(Edit::AssetSet(id, Some(AssetSet { objects, ..set.clone() })));
    let (upload, removed) = (upload.clone(), remove.clone());
    change.tell(Event::DataObjectsUpdated { bag: bag_id, upload, ids, removed: removed.clone() });
    change.tell(Event::AssetSetUpdated { bag, name: name.into(), added, removed });
    Ok(change)
}

pub(super) fn delete(
    state: &State,
    signer: AccountId,
    bag: DynamicBagId,
    name: &str,
) -> Result<Change, Reject> {
    let bag_id = BagId::Dynamic(bag);
    ensure_exists(state, &bag_id)?;
    ensure_may_edit(state, signer, &bag_id)?;
    let (id, set) = existing(state, bag_id, name)?;
    let (mut change, mut settings) = (Change::default(), *state.settings());
    let upload = ObjectsUpload::default();
    let remove = &set.objects;
    let update = Update { payer: signer, bag: bag_id, upload: &upload, remove, asset_set: Some(id) };
    update.check(state, &mut change, &mut settings)?;
    change.edit(Edit::AssetSet(id, None));
    let objects = set.objects.clone();
    change.tell(Event::DataObjectsDeleted { refund_to: signer, bag: bag_id, objects });
    change.tell(Event::AssetSetDeleted { bag, name: name.into() });
    Ok(change)
}
