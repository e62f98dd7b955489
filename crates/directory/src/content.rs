//! Channels, their bags, and data objects. `I…` and `P…` numbers are those of the specification.

mod channels;
mod objects;

use crate::{State, call::ContentCall, change::Change, reject::Reject, state::Bag};
use argosy_domain::{AccountId, BagId};

pub(crate) fn check(state: &State, signer: AccountId, call: &ContentCall) -> Result<Change, Reject> {
    match call {
        ContentCall::CreateChannel { owner, upload, storage_buckets, distribution_buckets } => {
            let chosen = channels::Chosen {
                storage: storage_buckets.as_ref(),
                distribution: distribution_buckets.as_ref(),
            };
            channels::create(state, signer, *owner, upload, chosen)
        }
        ContentCall::DeleteChannel { channel } => channels::delete(state, signer, *channel),
        ContentCall::UploadDataObjects { bag, upload } => objects::upload(state, signer, bag, upload),
        ContentCall::DeleteDataObjects { bag, objects } => objects::delete(state, signer, bag, objects),
    }
}

/// P1: the bag; static ones always exist.
pub(crate) fn existing_bag(state: &State, id: &BagId) -> Result<Bag, Reject> {
    state.bag(id).ok_or(Reject::DynamicBagDoesntExist)
}
