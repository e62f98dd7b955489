//! Data objects: declared into bags and deleted from them.

use super::existing_bag;
use crate::{
    State,
    call::ObjectsUpload,
    change::{Change, Edit},
    event::Event,
    groups::ensure_lead,
    reject::Reject,
    state::{Bag, DataObject, Settings},
    storage::vouchers::{self, Load},
};
use alloc::{collections::BTreeSet, vec::Vec};
use argosy_domain::{
    AccountId, BagId, ContentId, DataObjectId, DynamicBagId, MemberId, ObjectSize, StaticBagId,
    content_id::ContentIdError, limits::MAX_OBJECTS_PER_CALL, num::to_u64,
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
        let size = admitted.load.size.checked_add(creation.size).ok_or(Reject::ArithmeticError)?;
        admitted.objects.push((creation.size, content_id));
        admitted.load = Load { objects: to_u64(admitted.objects.len()), size };
    }
    Ok(admitted)
}

/// Joystream tests the length only. Here nodes must be able to verify every byte, and so the id
/// must be the text of a BLAKE3 multihash.
fn parse_content_id(text: &[u8]) -> Result<ContentId, Reject> {
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

/// Writes the objects under consecutive ids in the order of the list; gives these.
pub(super) fn declare(
    state: &State,
    change: &mut Change,
    settings: &mut Settings,
    bag: BagId,
    admitted: &Admitted,
) -> Vec<DataObjectId> {
    let bond = state.data_object_bond();
    let mut ids = Vec::with_capacity(admitted.objects.len());
    for &(size, content_id) in &admitted.objects {
        let id = settings.next_data_object;
        settings.next_data_object = id.next();
        let object = DataObject { bag, size, content_id, accepted: None, bond };
        change.edit(Edit::Object(id, Some(object)));
        ids.push(id);
    }
    ids
}

/// I2.
pub(super) fn upload(
    state: &State,
    signer: AccountId,
    id: &BagId,
    upload: &ObjectsUpload,
) -> Result<Change, Reject> {
    let bag = existing_bag(state, id)?;
    ensure_owns(state, signer, id)?;
    if upload.object_creation_list.is_empty() {
        return Err(Reject::NoObjectsOnUpload);
    }
    ensure_few(upload.object_creation_list.len())?;
    if upload.expected_data_size_fee != state.data_size_fee() {
        return Err(Reject::DataSizeFeeChanged);
    }
    if upload.expected_data_object_state_bloat_bond != state.data_object_bond() {
        return Err(Reject::DataObjectStateBloatBondChanged);
    }
    let admitted = admit(state, upload)?;
    let load = admitted.load;
    let mut change = Change::default();
    for bucket_id in bag.stored_by.keys() {
        let bucket = state.storage_bucket(*bucket_id).ok_or(Reject::StorageBucketDoesntExist)?;
        change.voucher(*bucket_id, vouchers::with(bucket, load)?);
    }
    let after = Bag {
        objects_total_size: checked_sum(bag.objects_total_size, load.size)?,
        objects_number: checked_sum(bag.objects_number, load.objects)?,
        ..bag.clone()
    };
    change.edit(Edit::Bag(*id, Some(after)));
    let mut settings = *state.settings();
    let ids = declare(state, &mut change, &mut settings, *id, &admitted);
    change.edit(Edit::Settings(settings));
    let bond = state.data_object_bond();
    change.tell(Event::DataObjectsUploaded { ids, bag: *id, upload: upload.clone(), bond });
    Ok(change)
}

fn checked_sum(a: u64, b: u64) -> Result<u64, Reject> {
    a.checked_add(b).ok_or(Reject::ArithmeticError)
}

/// I3. Never refused for capacity, nor while uploading is blocked.
pub(super) fn delete(
    state: &State,
    signer: AccountId,
    id: &BagId,
    objects: &BTreeSet<DataObjectId>,
) -> Result<Change, Reject> {
    let bag = existing_bag(state, id)?;
    ensure_owns(state, signer, id)?;
    if objects.is_empty() {
        return Err(Reject::DataObjectIdCollectionIsEmpty);
    }
    ensure_few(objects.len())?;
    let mut change = Change::default();
    let mut load = Load::default();
    for object_id in objects {
        let object = state.object(*object_id).filter(|object| object.bag == *id);
        let object = object.ok_or(Reject::DataObjectDoesntExist)?;
        load.objects = load.objects.saturating_add(1);
        load.size = load.size.saturating_add(object.size);
        change.edit(Edit::Object(*object_id, None));
    }
    for bucket_id in bag.stored_by.keys() {
        let bucket = state.storage_bucket(*bucket_id).ok_or(Reject::StorageBucketDoesntExist)?;
        change.voucher(*bucket_id, vouchers::without(bucket, load));
    }
    let after = Bag {
        objects_total_size: bag.objects_total_size.saturating_sub(load.size),
        objects_number: bag.objects_number.saturating_sub(load.objects),
        ..bag.clone()
    };
    change.edit(Edit::Bag(*id, Some(after)));
    let objects = objects.clone();
    change.tell(Event::DataObjectsDeleted { refund_to: signer, bag: *id, objects });
    Ok(change)
}

/// Who may declare and delete objects: a member in its own bag and those of its channels, the lead
/// of a working group in the group's. The council has no account yet, so nobody may in its bag.
fn ensure_owns(state: &State, signer: AccountId, bag: &BagId) -> Result<(), Reject> {
    match *bag {
        BagId::Static(StaticBagId::Council) => Err(Reject::ActorNotAuthorized),
        BagId::Static(StaticBagId::WorkingGroup(group)) => ensure_lead(state, group, signer),
        BagId::Dynamic(DynamicBagId::Member(member)) => ensure_is(state, signer, member),
        BagId::Dynamic(DynamicBagId::Channel(channel)) => {
            let channel = state.channel(channel).ok_or(Reject::DynamicBagDoesntExist)?;
            ensure_is(state, signer, channel.owner)
        }
    }
}

/// The signer is the member's account.
pub(super) fn ensure_is(state: &State, signer: AccountId, member: MemberId) -> Result<(), Reject> {
    match state.member(member) {
        Some(member) if member.account == signer => Ok(()),
        Some(_) | None => Err(Reject::ActorNotAuthorized),
    }
}
