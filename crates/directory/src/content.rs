//! Channels, members' bags, and data objects. `I…` and `P…` numbers are those of the specification.

mod assets;
mod bags;
mod channels;
mod moves;
mod objects;
mod owners;

pub(crate) use objects::parse_content_id;

use crate::{State, call::ContentCall, change::Change, reject::Reject, state::Bag};
use argosy_domain::{AccountId, BagId};

pub(crate) fn check(state: &State, signer: AccountId, call: &ContentCall) -> Result<Change, Reject> {
    match call {
        ContentCall::CreateChannel { owner, upload, storage_buckets, distribution_buckets } => {
            let chosen = bags::Chosen::new(storage_buckets.as_ref(), distribution_buckets.as_ref());
            channels::create(state, signer, *owner, upload, chosen)
        }
        ContentCall::DeleteChannel { channel } => channels::delete(state, signer, *channel),
        ContentCall::UpdateChannelCollaborators { channel, collaborators } => {
            channels::update_collaborators(state, signer, *channel, collaborators)
        }
        ContentCall::CreateMemberBag { member, upload, storage_buckets, distribution_buckets } => {
            let chosen = bags::Chosen::new(storage_buckets.as_ref(), distribution_buckets.as_ref());
            bags::create_of_member(state, signer, *member, upload, chosen)
        }
        ContentCall::DeleteMemberBag { member } => bags::delete_of_member(state, signer, *member),
        ContentCall::SetBagPrivacy { bag, private } => bags::set_privacy(state, signer, bag, *private),
        ContentCall::UploadDataObjects { bag, upload } => objects::upload(state, signer, bag, upload),
        ContentCall::DeleteDataObjects { bag, objects } => objects::delete(state, signer, bag, objects),
        ContentCall::UploadAndDeleteDataObjects { bag, upload, remove } => {
            objects::upload_and_delete(state, signer, bag, upload, remove)
        }
        ContentCall::MoveDataObjects { source, destination, objects } => {
            moves::move_objects(state, signer, source, destination, objects)
        }
        ContentCall::CreateAssetSet { bag, name, upload } => {
            assets::create(state, signer, *bag, name, upload)
        }
        ContentCall::UpdateAssetSet { bag, name, upload, remove } => {
            assets::update(state, signer, *bag, name, upload, remove)
        }
        ContentCall::DeleteAssetSet { bag, name } => assets::delete(state, signer, *bag, name),
    }
}

/// P1, of which nothing but its errors is needed.
pub(crate) fn ensure_exists(state: &State, id: &BagId) -> Result<(), Reject> {
    if state.has_bag(id) { Ok(()) } else { Err(Reject::DynamicBagDoesntExist) }
}

/// P1: the bag; static ones always exist.
pub(crate) fn existing_bag(state: &State, id: &BagId) -> Result<Bag, Reject> {
    state.bag(id).ok_or(Reject::DynamicBagDoesntExist)
}
