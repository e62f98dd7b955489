//! Calls about storage buckets.

use super::{
    metadata,
    phrases::{accepting, bags_of, changes, counted, grouped, limits, list, named, new_or_not, said, units},
    told,
};
use argosy_directory::StorageCall;
use argosy_domain::{DataObjectId, WorkerId, num::to_u64};
use std::collections::BTreeSet;

told!(StorageCall {
    CreateStorageBucket { invite_worker, accepting_new_bags, size_limit, objects_limit } => (
        "create storage bucket for {}, {}{}",
        limits(*objects_limit, *size_limit), accepting(*accepting_new_bags), inviting(*invite_worker),
    );
    DeleteStorageBucket { bucket } => ("delete storage bucket {bucket}");
    InviteStorageBucketOperator { bucket, worker } => ("invite worker {worker} to operate storage bucket {bucket}");
    CancelStorageBucketOperatorInvite { bucket } => ("cancel the invitation to storage bucket {bucket}");
    RemoveStorageBucketOperator { bucket } => ("remove the operator of storage bucket {bucket}");
    UpdateStorageBucketStatus { bucket, accepting_new_bags } => (
        "set storage bucket {bucket} to accept {} bags", new_or_not(*accepting_new_bags),
    );
    SetStorageBucketVoucherLimits { bucket, size_limit, objects_limit } => (
        "allow storage bucket {bucket} {}", limits(*objects_limit, *size_limit),
    );
    UpdateStorageBucketsVoucherMaxLimits { size_limit, objects_limit } => (
        "let vouchers of storage buckets allow {}", limits(*objects_limit, *size_limit),
    );
    UpdateStorageBucketsPerBagLimit { limit } => (
        "allow each bag at most {}", counted(*limit, "storage bucket"),
    );
    UpdateNumberOfStorageBucketsInDynamicBagCreationPolicy { bag_type, number } => (
        "give {} {} each", bags_of(*bag_type), counted(*number, "storage bucket"),
    );
    UpdateStorageBucketsForBag { bag, add, remove } => (
        "update storage buckets of bag {bag}: {}", changes(("add", add), ("remove", remove)),
    );
    UpdateUploadingBlockedStatus { blocked } => (
        "{} new data objects", if *blocked { "refuse" } else { "allow" },
    );
    AcceptStorageBucketInvitation { worker, bucket, transactor } => (
        "as worker {worker}, accept the invitation to storage bucket {bucket}, with {transactor} as its transactor",
    );
    SetStorageOperatorMetadata { worker, bucket, metadata: message } => (
        "as worker {worker}, set the metadata of storage bucket {bucket}: {}", metadata::operator(message),
    );
    AcceptPendingDataObjects { worker, bucket, bag, objects } => (
        "as worker {worker}, confirm that storage bucket {bucket} holds {} of bag {bag}", named("object", objects),
    );
    ReportHoldings { worker, bucket, height, except } => (
        "as worker {worker}, report that storage bucket {bucket} holds {}", held(*height, except),
    );
    UpdateDataSizeFee { fee } => ("set the fee of uploads to {} per megabyte", units(*fee));
    UpdateDataObjectStateBloatBond { bond } => ("set the bond to {} per data object", units(*bond));
    UpdateBlacklist { remove, add } => ("update the blacklist: {}", blacklist("add", add, "remove", remove));
    StorageOperatorRemark { worker, bucket, message } => (
        "as worker {worker}, remark on storage bucket {bucket}: {}", said(message),
    );
    DeclineStorageBucketInvitation { worker, bucket } => (
        "as worker {worker}, decline the invitation to storage bucket {bucket}",
    );
    ResignFromStorageBucket { worker, bucket } => ("as worker {worker}, resign from storage bucket {bucket}");
});

/// Who is invited to a new bucket.
fn inviting(worker: Option<WorkerId>) -> String {
    worker.map(|worker| format!(", inviting worker {worker}")).unwrap_or_default()
}

/// What a bucket holds, by a report.
pub(super) fn held(height: u64, except: &BTreeSet<DataObjectId>) -> String {
    let all = format!("all that was accepted up to block {}", grouped(height.into()));
    if except.is_empty() { all } else { format!("{all}, except {}", named("object", except)) }
}

/// Changes of the blacklist; the numbers first, since the ids are long.
pub(super) fn blacklist(
    add: &str,
    added: &BTreeSet<Vec<u8>>,
    remove: &str,
    removed: &BTreeSet<Vec<u8>>,
) -> String {
    let count = |ids: &BTreeSet<Vec<u8>>| counted(to_u64(ids.len()), "content id");
    let ids = |ids: &BTreeSet<Vec<u8>>| list(ids.iter().map(|id| said(id)));
    match (added.is_empty(), removed.is_empty()) {
        (true, true) => format!("{add} and {remove} nothing"),
        (false, true) => format!("{add} {}: {}", count(added), ids(added)),
        (true, false) => format!("{remove} {}: {}", count(removed), ids(removed)),
        (false, false) => format!(
            "{add} {}, {remove} {}; {add} {}; {remove} {}",
            count(added),
            count(removed),
            ids(added),
            ids(removed)
        ),
    }
}
