//! Calls about families and distribution buckets.

use super::{
    metadata,
    phrases::{accepting, bags_of, changes, counted, families as policy, new_or_not, of_family, said},
    told,
};
use argosy_directory::DistributionCall;

told!(DistributionCall {
    CreateDistributionBucketFamily => ("create distribution bucket family");
    DeleteDistributionBucketFamily { family } => ("delete distribution bucket family {family}");
    CreateDistributionBucket { family, accepting_new_bags } => (
        "create distribution bucket in family {family}, {}", accepting(*accepting_new_bags),
    );
    DeleteDistributionBucket { bucket } => ("delete distribution bucket {bucket}");
    UpdateDistributionBucketStatus { bucket, accepting_new_bags } => (
        "set distribution bucket {bucket} to accept {} bags", new_or_not(*accepting_new_bags),
    );
    UpdateDistributionBucketsForBag { bag, family, add, remove } => (
        "update distribution buckets of bag {bag}: {}",
        changes(("add", of_family(*family, add)), ("remove", of_family(*family, remove))),
    );
    UpdateDistributionBucketsPerBagLimit { limit } => (
        "allow each bag at most {}", counted(*limit, "distribution bucket"),
    );
    UpdateDistributionBucketMode { bucket, distributing } => (
        "let distribution bucket {bucket} {}distribute", if *distributing { "" } else { "not " },
    );
    UpdateFamiliesInDynamicBagCreationPolicy { bag_type, families } => (
        "give {} distribution buckets: {}", bags_of(*bag_type), policy(families),
    );
    InviteDistributionBucketOperator { bucket, worker } => (
        "invite worker {worker} to operate distribution bucket {bucket}",
    );
    CancelDistributionBucketOperatorInvite { bucket, worker } => (
        "cancel the invitation of worker {worker} to distribution bucket {bucket}",
    );
    RemoveDistributionBucketOperator { bucket, worker } => (
        "remove worker {worker} as an operator of distribution bucket {bucket}",
    );
    AcceptDistributionBucketInvitation { worker, bucket } => (
        "as worker {worker}, accept the invitation to distribution bucket {bucket}",
    );
    SetDistributionOperatorMetadata { worker, bucket, metadata: message } => (
        "as worker {worker}, set the metadata of distribution bucket {bucket}: {}", metadata::operator(message),
    );
    SetDistributionBucketFamilyMetadata { family, metadata: message } => (
        "set the metadata of distribution bucket family {family}: {}", metadata::family(message),
    );
    DistributionOperatorRemark { worker, bucket, message } => (
        "as worker {worker}, remark on distribution bucket {bucket}: {}", said(message),
    );
    DeclineDistributionBucketInvitation { worker, bucket } => (
        "as worker {worker}, decline the invitation to distribution bucket {bucket}",
    );
    ResignFromDistributionBucket { worker, bucket } => (
        "as worker {worker}, resign from distribution bucket {bucket}",
    );
});

/// Whether a bucket serves.
pub(super) const fn serving(distributing: bool) -> &'static str {
    if distributing { "distributing" } else { "not distributing" }
}
