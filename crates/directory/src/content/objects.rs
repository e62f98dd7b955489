//! Data objects: declared into bags and deleted from them.

use super::{ensure_exists, owners::ensure_may_edit};
use crate::{
    State,
    call::{Balance, ObjectsUpload},
    change::{Change, Edit},
    event::Event,
    purse::Purse,
    reject::Reject,
    state::{DataObject, Settings},
    storage::vouchers::{self, Load},
};
use alloc::{collections::BTreeSet, vec::Vec};
use argosy_domain::{
    AccountId, AssetSetId, BagId, ContentId, DataObjectId, ObjectSize, content_id::ContentIdError,
    limits::MAX_OBJECTS_PER_CALL, num::to_u64,
};

/// Objects that may be declared.
#[derive(Default)]
pub(super) struct Admitted {
    objects: Vec<(ObjectSize, ContentId)>,
    pub(super) load: Load,
}

/// The number of objects that one call may declare, judged before any of them is looked at.
pub(super) fn ensure_few(count: usize) -> Result<(), Reject> {
    if count > MAX_OBJECTS_PER_CALL { Err(Reject::TooManyObjects) } else { Ok(()) }
}

/// Prices matter only where there is something to pay for. The fee first, unlike in a new bag.
pub(super) fn ensure_quotes(state: &State, upload: &ObjectsUpload) -> Result<(), Reject> {
    if upload.object_creation_list.is_empty() {
        return Ok(());
    }
    if upload.expected_data_size_fee != state.data_size_fee() {
        return Err(Reject::DataSizeFeeChanged);
    }
    if upload.expected_data_object_state_bloat_bond != state.data_object_bond() {
        return Err(Reject::DataObjectStateBloatBondChanged);
    }
    Ok(())
}

/// P2: the first object that may not be declared decides. An empty list passes.
pub(super) fn admit(state: &State, upload: &ObjectsUpload) -> Result<Admitted, Reject> {
    let mut admitted = Admitted::default();
    for creation in &upload.object_creation_list {
        if state.uploading_blocked() {
            return Err(Reject::UploadingBlocked);
        }
        if creation.size > state.params().max_data_object_size {
            return Err(Reject::MaxDataObjectSizeExceeded);
        }
        if creation.size == 0 {
            return Err(Reject::ZeroObjectSize);
        }
        let content_id = parse_content_id(&creation.ipfs_content_id)?;
        if state.is_blacklisted(&content_id) {
            return Err(Reject::DataObjectBlacklisted);
        }
        let size = admitted.load.size.checked_add(creation.size).ok_or(Reject::ArithmeticError)?;
        admitted.objects.push((creation.size, content_id));
        admitted.load = Load { objects: to_u64(admitted.objects.len()), size };
    }
    Ok(admitted)
}

/// Joystream tests the length only. Here nodes must be able to verify every byte, and so the id
/// must be the text of a BLAKE3 multihash.
pub(crate) fn parse_content_id(text: &[u8]) -> Result<ContentId, Reject> {
    if text.is_empty() {
        return Err(Reject::EmptyContentId);
    }
    if text.len() != argosy_domain::content_id::CONTENT_ID_CHARS {
        return Err(Reject::InvalidCidLength);
    }
    let text = core::str::from_utf8(text).map_err(|_| Reject::ContentIdNotBlake3)?;
    text.parse().map_err(|error| match error {
        ContentIdError::Length => Reject::InvalidCidLength,
        ContentIdError::NotBlake3 => Reject::ContentIdNotBlake3,
    })
}

/// Pays for the objects and writes them under consecutive ids in the order of the list; gives these.
///
/// Where bonds come out of money that was given for that only, they go back there: those of the
/// first objects, as many as it takes.
#[expect(clippy::too_many_arguments, reason = "a change in the making has as many parts")]
pub(super) fn declare(
    state: &State,
    change: &mut Change,
    settings: &mut Settings,
    purse: &mut Purse<'_>,
    bag: BagId,
    payer: AccountId,
    admitted: &Admitted,
    asset_set: Option<AssetSetId>,
) -> Result<Vec<DataObjectId>, Reject> {
    let out_of_locked = purse.pay_for_upload(payer, admitted.load.objects, admitted.load.size)?;
    let bond = state.data_object_bond();
    let mut bonds_before: Balance = 0;
    let mut ids = Vec::with_capacity(admitted.objects.len());
    for &(size, content_id) in &admitted.objects {
        let id = settings.next_data_object;
        settings.next_data_object = id.next();
        let object = DataObject { bag, size, content_id, accepted: None, bond, asset_set };
        change.edit(Edit::Object(id, Some(object)));
        if bonds_before < out_of_locked {
            change.edit(Edit::Restriction(id, Some(payer)));
        }
        bonds_before = bonds_before.saturating_add(bond);
        ids.push(id);
    }
    Ok(ids)
}

/// Deletes an object and gives its bond back.
pub(super) fn remove(
    state: &State,
    change: &mut Change,
    purse: &mut Purse<'_>,
    refund_to: AccountId,
    id: DataObjectId,
    bond: Balance,
) {
    let restricted_to = state.bond_restriction(id);
    purse.refund(restricted_to.unwrap_or(refund_to), bond);
    change.edit(Edit::Object(id, None));
    if restricted_to.is_some() {
        change.edit(Edit::Restriction(id, None));
    }
    if state.moved_at(id).is_some() {
        change.edit(Edit::Moved(id, None));
    }
}

/// What is declared in a bag and deleted from it by one call.
pub(super) struct Update<'a> {
    /// Pays for what is declared, and receives the bonds of what is deleted.
    pub(super) payer: AccountId,
    pub(super) bag: BagId,
    pub(super) upload: &'a ObjectsUpload,
    pub(super) remove: &'a BTreeSet<DataObjectId>,
    /// The set that the declared objects come into, and that the deleted ones are in.
    pub(super) asset_set: Option<AssetSetId>,
}

impl Update<'_> {
    /// P7, from admission on. Room is judged by what remains, funds by what is declared.
    pub(super) fn check(
        &self,
        state: &State,
        change: &mut Change,
        settings: &mut Settings,
    ) -> Result<Vec<DataObjectId>, Reject> {
        let before = state.load(&self.bag).ok_or(Reject::DynamicBagDoesntExist)?;
        let admitted = admit(state, self.upload)?;
        let (added, mut removed) = (admitted.load, Load::default());
        for id in self.remove {
            let object = object_in(state, &self.bag, *id)?;
            if object.asset_set != self.asset_set {
                return Err(Reject::DataObjectIsInAssetSet);
            }
            removed = removed.plus(object.size);
        }
        for id in state.stored_by(&self.bag).into_iter().flatten() {
            let bucket = state.storage_bucket(id).ok_or(Reject::StorageBucketDoesntExist)?;
            change.voucher(id, vouchers::changed(bucket, added, removed)?);
        }
        change.edit(Edit::BagLoad(self.bag, before.changed(added, removed)?));
        let mut purse = Purse::new(state);
        let (payer, set) = (self.payer, self.asset_set);
        let ids = declare(state, change, settings, &mut purse, self.bag, payer, &admitted, set)?;
        for id in self.remove {
            let object = object_in(state, &self.bag, *id)?;
            remove(state, change, &mut purse, self.payer, *id, object.bond);
        }
        purse.settle(change);
        Ok(ids)
    }
}

/// The object, if it is in this bag.
pub(super) fn object_in(state: &State, bag: &BagId, id: DataObjectId) -> Result<DataObject, Reject> {
    state.object(id).filter(|object| object.bag == *bag).ok_or(Reject::DataObjectDoesntExist)
}

/// I2.
pub(super) fn upload(
    state: &State,
    signer: AccountId,
    bag: &BagId,
    upload: &ObjectsUpload,
) -> Result<Change, Reject> {
    ensure_exists(state, bag)?;
    ensure_may_edit(state, signer, bag)?;
    if upload.object_creation_list.is_empty() {
        return Err(Reject::NoObjectsOnUpload);
    }
    ensure_few(upload.object_creation_list.len())?;
    ensure_quotes(state, upload)?;
    let mut settings = *state.settings();
    // The objects, and about as many as a bag has buckets.
    let room = upload.object_creation_list.len().saturating_add(10);
    let mut change = Change::with_room(room, 10);
    let remove = BTreeSet::new();
    let update = Update { payer: signer, bag: *bag, upload, remove: &remove, asset_set: None };
    let ids = update.check(state, &mut change, &mut settings)?;
    change.edit(Edit::Settings(settings));
    let bond = state.data_object_bond();
    change.tell(Event::DataObjectsUploaded { ids, bag: *bag, upload: upload.clone(), bond });
    Ok(change)
}

/// I3. Never refused for capacity, nor while uploading is blocked.
pub(super) fn delete(
    state: &State,
    signer: AccountId,
    bag: &BagId,
    objects: &BTreeSet<DataObjectId>,
) -> Result<Change, Reject> {
    ensure_exists(state, bag)?;
    ensure_may_edit(state, signer, bag)?;
    if objects.is_empty() {
        return Err(Reject::DataObjectIdCollectionIsEmpty);
    }
    ensure_few(objects.len())?;
    let (mut change, mut settings) = (Change::default(), *state.settings());
    let upload = ObjectsUpload::default();
    let update = Update { payer: signer, bag: *bag, upload: &upload, remove: objects, asset_set: None };
    update.check(state, &mut change, &mut settings)?;
    change.tell(Event::DataObjectsDeleted { refund_to: signer, bag: *bag, objects: objects.clone() });
    Ok(change)
}

/// I4. Nothing to declare and nothing to delete is fine.
pub(super) fn upload_and_delete(
    state: &State,
    signer: AccountId,
    bag: &BagId,
    upload: &ObjectsUpload,
    remove: &BTreeSet<DataObjectId>,
) -> Result<Change, Reject> {
    ensure_exists(state, bag)?;
    ensure_may_edit(state, signer, bag)?;
    ensure_few(upload.object_creation_list.len().max(remove.len()))?;
    ensure_quotes(state, upload)?;
    let (mut change, mut settings) = (Change::default(), *state.settings());
    let update = Update { payer: signer, bag: *bag, upload, remove, asset_set: None };
    let ids = update.check(state, &mut change, &mut settings)?;
    change.edit(Edit::Settings(settings));
    let (upload, removed) = (upload.clone(), remove.clone());
    change.tell(Event::DataObjectsUpdated { bag: *bag, upload, ids, removed });
    Ok(change)
}
