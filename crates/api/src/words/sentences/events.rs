//! Events: what happened.

use super::{
    content::dynamic,
    council::locked_or_not,
    distribution::serving,
    groups::{sought, terms},
    metadata,
    phrases::{
        accepting, bags_of, changes, chosen, collaborators, contents, counted, families as policy, grouped,
        hash_of_text, limits, list, named, of_family, quoted, reward, said, size, time, units,
    },
    storage::{blacklist, held},
    told,
};
use argosy_directory::{
    Event, Reject,
    call::{Balance, ObjectsUpload},
};
use argosy_domain::{
    ApplicationId, DataObjectId, DistributionBucketId, StorageBucketId, WorkerId, WorkingGroup,
};
use std::collections::{BTreeMap, BTreeSet};

told!(Event {
    StorageBucketCreated { bucket, invited, accepting_new_bags, size_limit, objects_limit } => (
        "storage bucket {bucket} was created for {}, {}{}",
        limits(*objects_limit, *size_limit), accepting(*accepting_new_bags), with_invited(*invited),
    );
    StorageBucketDeleted { bucket } => ("storage bucket {bucket} was deleted");
    StorageBucketOperatorInvited { bucket, worker } => (
        "worker {worker} was invited to operate storage bucket {bucket}",
    );
    StorageBucketInvitationCancelled { bucket } => ("the invitation to storage bucket {bucket} was cancelled");
    StorageBucketInvitationAccepted { bucket, worker, transactor } => (
        "worker {worker} accepted the invitation to storage bucket {bucket}, with {transactor} as its transactor",
    );
    StorageBucketOperatorRemoved { bucket } => ("the operator of storage bucket {bucket} was removed");
    StorageBucketStatusUpdated { bucket, accepting_new_bags } => (
        "storage bucket {bucket} is {} now", accepting(*accepting_new_bags),
    );
    StorageBucketVoucherLimitsSet { bucket, size_limit, objects_limit } => (
        "storage bucket {bucket} is allowed {} now", limits(*objects_limit, *size_limit),
    );
    StorageBucketsVoucherMaxLimitsUpdated { size_limit, objects_limit } => (
        "vouchers of storage buckets may allow {} now", limits(*objects_limit, *size_limit),
    );
    StorageBucketsPerBagLimitUpdated { limit } => (
        "each bag is allowed at most {} now", counted(*limit, "storage bucket"),
    );
    StorageBucketsUpdatedForBag { bag, added, removed } => (
        "bag {bag}: storage buckets {}", changes(("added", added), ("removed", removed)),
    );
    StorageOperatorMetadataSet { bucket, worker, metadata: message } => (
        "worker {worker} set the metadata of storage bucket {bucket}: {}", metadata::operator(message),
    );
    UploadingBlockStatusUpdated { blocked } => (
        "new data objects are {} from now on", if *blocked { "refused" } else { "allowed" },
    );
    NumberOfStorageBucketsInDynamicBagCreationPolicyUpdated { bag_type, number } => (
        "{} get {} each from now on", bags_of(*bag_type), counted(*number, "storage bucket"),
    );
    VoucherChanged { bucket, voucher } => (
        "storage bucket {bucket} holds {} of {} and {} of {} now",
        grouped(voucher.objects_used.into()), counted(voucher.objects_limit, "object"),
        size(voucher.size_used), size(voucher.size_limit),
    );
    PendingDataObjectsAccepted { bucket, worker, bag, objects } => (
        "worker {worker} confirmed that storage bucket {bucket} holds {} of bag {bag}", named("object", objects),
    );
    DataObjectsUploaded { ids, bag, upload, .. } => ("bag {bag}: {}", created(ids, upload));
    DataObjectsDeleted { refund_to, bag, objects } => (
        "bag {bag}: {} deleted, by {refund_to}", named("object", objects),
    );
    DynamicBagCreated { creation, ids } => (
        "bag {} was created {}: {}",
        dynamic(creation.bag),
        chosen(Some(&creation.storage_buckets), Some(&creation.distribution_buckets)),
        created(ids, &creation.upload),
    );
    DynamicBagDeleted { bag } => ("bag {} was deleted with all objects in it", dynamic(*bag));
    DistributionBucketFamilyCreated { family } => ("distribution bucket family {family} was created");
    DistributionBucketFamilyDeleted { family } => ("distribution bucket family {family} was deleted");
    DistributionBucketCreated { family, accepting_new_bags, bucket } => (
        "distribution bucket {bucket} was created in family {family}, {}", accepting(*accepting_new_bags),
    );
    DistributionBucketDeleted { bucket } => ("distribution bucket {bucket} was deleted");
    DistributionBucketStatusUpdated { bucket, accepting_new_bags } => (
        "distribution bucket {bucket} is {} now", accepting(*accepting_new_bags),
    );
    DistributionBucketModeUpdated { bucket, distributing } => (
        "distribution bucket {bucket} is {} now", serving(*distributing),
    );
    DistributionBucketsUpdatedForBag { bag, family, added, removed } => (
        "bag {bag}: distribution buckets {}",
        changes(("added", of_family(*family, added)), ("removed", of_family(*family, removed))),
    );
    DistributionBucketsPerBagLimitUpdated { limit } => (
        "each bag is allowed at most {} now", counted(*limit, "distribution bucket"),
    );
    FamiliesInDynamicBagCreationPolicyUpdated { bag_type, families } => (
        "{} get distribution buckets from now on: {}", bags_of(*bag_type), policy(families),
    );
    DistributionBucketOperatorInvited { bucket, worker } => (
        "worker {worker} was invited to operate distribution bucket {bucket}",
    );
    DistributionBucketInvitationCancelled { bucket, worker } => (
        "the invitation of worker {worker} to distribution bucket {bucket} was cancelled",
    );
    DistributionBucketInvitationAccepted { worker, bucket } => (
        "worker {worker} accepted the invitation to distribution bucket {bucket}",
    );
    DistributionBucketMetadataSet { worker, bucket, metadata: message } => (
        "worker {worker} set the metadata of distribution bucket {bucket}: {}", metadata::operator(message),
    );
    DistributionBucketOperatorRemoved { bucket, worker } => (
        "worker {worker} was removed as an operator of distribution bucket {bucket}",
    );
    DistributionBucketsShort { bag, family, wanted, assigned } => (
        "bag {bag} was given {assigned} of the {} that its policy wants in family {family}",
        counted(*wanted, "distribution bucket"),
    );
    OperatorsShort { bag, storage_buckets, distribution_buckets } => (
        "bag {bag} was given buckets that nobody operates: {}", unmanned(storage_buckets, distribution_buckets),
    );
    MemberCreated { member, handle, account } => (
        "member {member} was created as {} with account {account}", quoted(handle),
    );
    ChannelCreated { channel, owner } => ("channel {channel} of member {owner} was created");
    ChannelDeleted { channel } => ("channel {channel} was deleted");
    HoldingsReported { bucket, worker, height, except } => (
        "worker {worker} reported that storage bucket {bucket} holds {}", held(*height, except),
    );
    DataObjectPerMegabyteFeeUpdated { fee } => ("the fee of uploads is {} per megabyte now", units(*fee));
    DataObjectStateBloatBondValueUpdated { bond } => ("the bond is {} per data object now", units(*bond));
    UpdateBlacklist { removed, added } => (
        "blacklist: {}", blacklist("added", added, "removed", removed),
    );
    StorageOperatorRemarked { worker, bucket, message } => (
        "worker {worker} remarked on storage bucket {bucket}: {}", said(message),
    );
    DistributionOperatorRemarked { worker, bucket, message } => (
        "worker {worker} remarked on distribution bucket {bucket}: {}", said(message),
    );
    DistributionBucketFamilyMetadataSet { family, metadata: message } => (
        "the metadata of distribution bucket family {family} was set: {}", metadata::family(message),
    );
    DataObjectsMoved { source, destination, objects } => (
        "{} moved from bag {source} to bag {destination}", named("object", objects),
    );
    DataObjectsUpdated { bag, upload, ids, removed } => (
        "bag {bag}: {}; {} deleted", created(ids, upload), named("object", removed),
    );
    BagPrivacySet { bag, private } => ("bag {bag} is {} now", if *private { "private" } else { "public" });
    StorageBucketInvitationDeclined { worker, bucket } => (
        "worker {worker} declined the invitation to storage bucket {bucket}",
    );
    DistributionBucketInvitationDeclined { worker, bucket } => (
        "worker {worker} declined the invitation to distribution bucket {bucket}",
    );
    StorageBucketOperatorResigned { worker, bucket, at_ms } => (
        "worker {worker} resigned from storage bucket {bucket}, and operates it until {}", time(*at_ms),
    );
    DistributionBucketOperatorResigned { worker, bucket, at_ms } => (
        "worker {worker} resigned from distribution bucket {bucket}, and operates it until {}", time(*at_ms),
    );
    ChannelCollaboratorsUpdated { channel, collaborators: members } => (
        "the collaborators of channel {channel} are {} now", collaborators(members),
    );
    AssetSetCreated { bag, name, objects } => (
        "asset set {} was created in bag {} with {}", quoted(name), dynamic(*bag), named("object", objects),
    );
    AssetSetUpdated { bag, name, added, removed } => (
        "asset set {} in bag {}: objects {}",
        quoted(name), dynamic(*bag), changes(("added", added), ("removed", removed)),
    );
    AssetSetDeleted { bag, name } => ("asset set {} in bag {} was deleted", quoted(name), dynamic(*bag));
    MemberAccountsUpdated { member, root, controller } => (
        "member {member} has root account {root} and controller account {controller} now",
    );
    StakingAccountConfirmed { member, account } => ("member {member} may stake what {account} has");
    StakingAccountRemoved { member, account } => ("member {member} may no longer stake what {account} has");
    Transferred { from, to, amount } => ("{from} transferred {} to {to}", units(*amount));
    BatchItemCompleted { index } => ("{} of the batch took effect", nth(*index));
    BatchItemFailed { index, reject } => (
        "{} of the batch failed, and changed nothing: {}", nth(*index), why(*reject),
    );
    BatchInterrupted { index, reject } => (
        "{} of the batch failed, and the whole batch with it: {}", nth(*index), why(*reject),
    );
    OpeningAdded { group, opening, description, kind, stake, unstaking_period_ms, reward_per_period } => (
        "opening {opening} of the {} group was added for {}, with {}, described by {}",
        group.name(), sought(*kind), terms(*stake, *unstaking_period_ms, *reward_per_period),
        hash_of_text(description),
    );
    OpeningCancelled { group, opening } => ("opening {opening} of the {} group was cancelled", group.name());
    AppliedOnOpening {
        group, opening, application, member, role_account, reward_account, staking_account, stake, description,
    } => (
        "member {member} applied to opening {opening} of the {} group by application {application}, staking {} of \
         {staking_account}, with role account {role_account} and reward account {reward_account}, described by {}",
        group.name(), units(*stake), hash_of_text(description),
    );
    ApplicationWithdrawn { group, application } => (
        "application {application} to the {} group was withdrawn", group.name(),
    );
    OpeningFilled { group, opening, workers } => (
        "opening {opening} of the {} group was filled: {}", group.name(), hired(workers),
    );
    WorkerHired { group, worker, member, role_account } => (
        "member {member} was hired as {}, with role account {role_account}", worker_of(*group, *worker),
    );
    LeaderSet { group, worker } => ("worker {worker} is the lead of the {} group now", group.name());
    LeaderUnset { group } => ("the {} group has no lead now", group.name());
    WorkerRoleAccountUpdated { group, worker, account } => (
        "{} has role account {account} now", worker_of(*group, *worker),
    );
    WorkerRewardAccountUpdated { group, worker, account } => (
        "{} has reward account {account} now", worker_of(*group, *worker),
    );
    WorkerRewardAmountUpdated { group, worker, reward_per_period } => (
        "{} earns {} from now on", worker_of(*group, *worker), reward(*reward_per_period),
    );
    StakeIncreased { group, worker, amount } => (
        "{} increased its stake by {}", worker_of(*group, *worker), units(*amount),
    );
    StakeDecreased { group, worker, amount } => (
        "the stake of {} was decreased by {}", worker_of(*group, *worker), units(*amount),
    );
    StakeSlashed { group, worker, amount, requested } => (
        "the stake of {} was slashed by {}{}",
        worker_of(*group, *worker), units(*amount), instead_of(*amount, *requested),
    );
    WorkerStartedLeaving { group, worker, leaves_ms } => (
        "{} is leaving, and gone at {}", worker_of(*group, *worker), time(*leaves_ms),
    );
    WorkerExited { group, worker } => ("{} has left", worker_of(*group, *worker));
    TerminatedWorker { group, worker } => ("the role of {} was ended", worker_of(*group, *worker));
    TerminatedLeader { group, worker } => (
        "the role of {} as the lead was ended", worker_of(*group, *worker),
    );
    RewardPaid { group, worker, account, amount, missed } => (
        "{} was paid a reward of {} to {account}{}",
        worker_of(*group, *worker), units(*amount), missed_before(*missed),
    );
    NewMissedRewardLevelReached { group, worker, missed } => (
        "{} is owed {}, which the budget could not pay", worker_of(*group, *worker), units(*missed),
    );
    BudgetFunded { group, from, amount } => (
        "{from} paid {} into the budget of the {} group", units(*amount), group.name(),
    );
    BudgetSpent { group, to, amount } => (
        "the {} group paid {} out of its budget to {to}", group.name(), units(*amount),
    );
    BudgetSet { group, amount } => ("the budget of the {} group is {} now", group.name(), units(*amount));
    StatusTextChanged { group, hash } => ("the {} group has {} now", group.name(), status(*hash));
    LeadRemarked { group, message } => ("the lead of the {} group remarked: {}", group.name(), said(message));
    WorkerRemarked { group, worker, message } => ("{} remarked: {}", worker_of(*group, *worker), said(message));
    CouncilProposed { proposal, by, action } => ("{by} made proposal {proposal} to the council: {}", action.told());
    CouncilApproved { proposal, by } => ("{by} approved proposal {proposal} of the council");
    CouncilApprovalWithdrawn { proposal, by } => (
        "{by} took back the approval of proposal {proposal} of the council",
    );
    CouncilExecuted { proposal } => ("proposal {proposal} of the council was carried out");
    CouncilProposalLapsed { proposal } => ("proposal {proposal} of the council lapsed");
    CouncilKeysReplaced { keys, threshold } => (
        "the council has {} now, and needs {} to carry a proposal out",
        named("key", keys), counted(*threshold, "approval"),
    );
    CouncilSecretarySet { account } => (
        "the council's secretary is {} now",
        account.map_or_else(|| "nobody".to_owned(), |account| account.to_string()),
    );
    Granted { to, amount, locked } => ("{to} was issued {}{}", units(*amount), locked_or_not(*locked));
    ReleasePublished { release, program, version, published_ms, run_by_ms } => (
        "release {release}, {} of {}, was published at {}, to be run from {} on",
        quoted(version), quoted(program), time(*published_ms), time(*run_by_ms),
    );
    ParameterSet { parameter } => ("the council set {}", parameter.told());
});

/// Objects that were declared, by their ids.
fn created(ids: &[DataObjectId], upload: &ObjectsUpload) -> String {
    let contents = contents(upload).map(|contents| format!(", {contents}")).unwrap_or_default();
    format!("{} declared{contents}", named("object", ids))
}

fn with_invited(worker: Option<WorkerId>) -> String {
    worker.map(|worker| format!(", with worker {worker} invited")).unwrap_or_default()
}

fn worker_of(group: WorkingGroup, worker: WorkerId) -> String {
    format!("worker {worker} of the {} group", group.name())
}

fn unmanned(storage: &BTreeSet<StorageBucketId>, distribution: &BTreeSet<DistributionBucketId>) -> String {
    let storage = (!storage.is_empty()).then(|| named("storage bucket", storage));
    let distribution = (!distribution.is_empty()).then(|| named("distribution bucket", distribution));
    let parts: Vec<String> = storage.into_iter().chain(distribution).collect();
    list(parts)
}

/// The call of a batch at this position; people count from one.
fn nth(index: u32) -> String {
    format!("call {}", grouped(u128::from(index).saturating_add(1)))
}

fn why(reject: Reject) -> String {
    format!("{reject} ({})", reject.code())
}

fn hired(workers: &BTreeMap<ApplicationId, WorkerId>) -> String {
    let one = |(application, worker): (&ApplicationId, &WorkerId)| {
        format!("application {application} by worker {worker}")
    };
    list(workers.iter().map(one))
}

fn instead_of(amount: Balance, requested: Balance) -> String {
    if amount == requested { String::new() } else { format!(", of {} asked for", units(requested)) }
}

fn missed_before(missed: Balance) -> String {
    if missed == 0 { String::new() } else { format!(", of which {} had been missed before", units(missed)) }
}

fn status(hash: Option<[u8; 32]>) -> String {
    match hash {
        Some(hash) => format!("the status text with {}", hash_of_text(&hash)),
        None => "no status text".to_owned(),
    }
}
