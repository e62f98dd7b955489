//! What a transaction costs.
//!
//! A part for being one, a part by its bytes and a part by its weight: about the number of records
//! that it may touch. Judged before the call is, and so by what the call says and by what it names. On
//! top comes the tip, which the signer chooses.

use crate::{
    State,
    call::{Balance, BatchCall, Call, ContentCall, DistributionCall, GroupCall, ObjectsUpload, StorageCall},
    transaction::Payload,
};
use argosy_domain::{BagId, num::to_u64};
use codec::Encode;

/// Bytes of a signature and of its scheme.
const SIGNATURE_BYTES: u64 = 65;
/// Weight of making or deleting a bag: its buckets of both kinds.
const BAG_WEIGHT: u64 = 64;

/// The fee of a transaction with its tip, which its signer pays whether the call succeeds or not.
pub(crate) fn of(state: &State, payload: &Payload) -> Balance {
    let params = state.params();
    let (per_byte, per_weight) = (params.transaction_byte_fee, params.transaction_weight_fee);
    let mut fee = params.transaction_fee.saturating_add(payload.tip);
    if per_byte > 0 {
        let bytes = to_u64(payload.encoded_size()).saturating_add(SIGNATURE_BYTES);
        fee = fee.saturating_add(per_byte.saturating_mul(bytes.into()));
    }
    if per_weight > 0 {
        let weight = weight(state, &payload.call);
        fee = fee.saturating_add(per_weight.saturating_mul(weight.into()));
    }
    fee
}

fn weight(state: &State, call: &Call) -> u64 {
    let inner = match call {
        Call::Content(call) => content(state, call),
        Call::Storage(call) => storage(call),
        Call::Distribution(call) => distribution(call),
        Call::Group { call, .. } => group(call),
        Call::Membership(_) | Call::Council(_) | Call::Accounts(_) => 0,
        Call::Batch(BatchCall { calls, .. }) => {
            let sum = |sum: u64, call: &Call| sum.saturating_add(plain_weight(state, call));
            calls.iter().fold(0, sum)
        }
    };
    inner.saturating_add(1)
}

/// Of a call in a batch. A batch in a batch is refused before it does anything.
fn plain_weight(state: &State, call: &Call) -> u64 {
    if matches!(call, Call::Batch(_)) { 1 } else { weight(state, call) }
}

fn content(state: &State, call: &ContentCall) -> u64 {
    let declared = |upload: &ObjectsUpload| to_u64(upload.object_creation_list.len());
    let whole = |bag: BagId| state.bag(&bag).map_or(0, |bag| bag.objects_number).saturating_add(BAG_WEIGHT);
    match call {
        ContentCall::CreateChannel { upload, .. } | ContentCall::CreateMemberBag { upload, .. } => {
            declared(upload).saturating_add(BAG_WEIGHT)
        }
        ContentCall::DeleteChannel { channel } => whole(BagId::channel(*channel)),
        ContentCall::DeleteMemberBag { member } => whole(BagId::member(*member)),
        ContentCall::UploadDataObjects { upload, .. } | ContentCall::CreateAssetSet { upload, .. } => {
            declared(upload)
        }
        ContentCall::DeleteDataObjects { objects, .. } | ContentCall::MoveDataObjects { objects, .. } => {
            to_u64(objects.len())
        }
        ContentCall::UploadAndDeleteDataObjects { upload, remove, .. }
        | ContentCall::UpdateAssetSet { upload, remove, .. } => {
            declared(upload).saturating_add(to_u64(remove.len()))
        }
        ContentCall::UpdateChannelCollaborators { collaborators, .. } => to_u64(collaborators.len()),
        ContentCall::DeleteAssetSet { .. } => state.params().max_assets_per_set.into(),
        ContentCall::SetBagPrivacy { .. } => 0,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most calls touch one record")]
fn storage(call: &StorageCall) -> u64 {
    let count = match call {
        StorageCall::UpdateStorageBucketsForBag { add, remove, .. } => add.len().saturating_add(remove.len()),
        StorageCall::AcceptPendingDataObjects { objects, .. } => objects.len(),
        StorageCall::ReportHoldings { except, .. } => except.len(),
        StorageCall::UpdateBlacklist { remove, add } => remove.len().saturating_add(add.len()),
        _ => 0,
    };
    to_u64(count)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most calls touch one record")]
fn distribution(call: &DistributionCall) -> u64 {
    let count = match call {
        DistributionCall::UpdateDistributionBucketsForBag { add, remove, .. } => {
            add.len().saturating_add(remove.len())
        }
        DistributionCall::UpdateFamiliesInDynamicBagCreationPolicy { families, .. } => families.len(),
        _ => 0,
    };
    to_u64(count)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most calls touch one record")]
fn group(call: &GroupCall) -> u64 {
    match call {
        GroupCall::FillOpening { applications, .. } => to_u64(applications.len()),
        _ => 0,
    }
}
