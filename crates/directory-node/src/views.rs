//! The directory's records as the API shows them.

use argosy_api::directory::{
    AcceptanceView, BagView, BlockView, ChannelView, DistributionBucketView, MemberView, ObjectView,
    OperatorStatus, OperatorView, PolicyView, ReceiptView, RejectView, StorageBucketView, TransactionView,
};
use argosy_directory::{
    Event, Outcome, Reject, State, Transaction,
    state::{Channel, DistributionBucket, Member, StorageBucket, StorageOperator},
};
use argosy_domain::{
    AccountId, BagId, BagType, ChannelId, DataObjectId, DistributionBucketId, MemberId, StorageBucketId,
    num::to_u64,
};
use argosy_ledger::{Block, Receipt, block::transaction_hash};
use codec::Encode;

pub(crate) fn receipt(receipt: &Receipt) -> ReceiptView {
    ReceiptView {
        hash: hex::encode(receipt.hash),
        height: receipt.height,
        index: receipt.index,
        time_ms: receipt.time_ms,
        error: receipt.outcome.result.err().map(reject),
        events: events(&receipt.outcome.events),
    }
}

fn reject(reject: Reject) -> RejectView {
    RejectView { number: reject.number(), code: reject.code().to_owned(), message: reject.to_string() }
}

fn events(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.using_encoded(|bytes| hex::encode(bytes))).collect()
}

pub(crate) fn block(block: &Block) -> BlockView {
    let header = &block.header;
    let both = block.transactions.iter().zip(&block.outcomes);
    BlockView {
        height: header.height,
        hash: hex::encode(header.hash()),
        parent: hex::encode(header.parent),
        time_ms: header.time_ms,
        rules_version: header.rules_version,
        state_root: hex::encode(header.state_root),
        randomness: hex::encode(header.randomness),
        events: events(&block.block_events),
        transactions: both.filter_map(|(bytes, outcome)| transaction(bytes, outcome)).collect(),
    }
}

/// Nothing for bytes that are no transaction, which no block of this node has.
fn transaction(bytes: &[u8], outcome: &Outcome) -> Option<TransactionView> {
    let payload = Transaction::decode(bytes).ok()?.payload;
    Some(TransactionView {
        hash: hex::encode(transaction_hash(bytes)),
        bytes: hex::encode(bytes),
        signer: payload.signer,
        nonce: payload.nonce,
        error: outcome.result.err().map(reject),
        events: events(&outcome.events),
    })
}

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
    })
}

pub(crate) fn bag(state: &State, id: BagId) -> Option<BagView> {
    let bag = state.bag(&id)?;
    Some(BagView {
        id,
        objects_number: bag.objects_number,
        objects_total_size: bag.objects_total_size,
        storage_buckets: bag.stored_by.keys().copied().collect(),
        distribution_buckets: bag.distributed_by.iter().copied().collect(),
    })
}

pub(crate) fn storage_bucket(
    state: &State,
    id: StorageBucketId,
    bucket: &StorageBucket,
) -> StorageBucketView {
    let report = state.holding_report(id);
    StorageBucketView {
        id,
        operator: storage_operator(state, id, &bucket.operator),
        accepting_new_bags: bucket.accepting_new_bags,
        size_limit: bucket.voucher.size_limit,
        objects_limit: bucket.voucher.objects_limit,
        size_used: bucket.voucher.size_used,
        objects_used: bucket.voucher.objects_used,
        assigned_bags: bucket.assigned_bags,
        holdings_height: report.map(|report| report.height),
        holdings_except_count: report.map_or(0, |report| to_u64(report.except.len())),
    }
}

fn storage_operator(state: &State, id: StorageBucketId, operator: &StorageOperator) -> Option<OperatorView> {
    let endpoint = || state.storage_operator_metadata(id)?.endpoint.clone();
    let view = |worker, status, endpoint, transactor: Option<AccountId>| {
        Some(OperatorView { worker, status, endpoint, transactor })
    };
    match *operator {
        StorageOperator::Missing => None,
        StorageOperator::Invited { worker } => view(worker, OperatorStatus::Invited, None, None),
        StorageOperator::Active { worker, transactor, .. } => {
            view(worker, OperatorStatus::Active, endpoint(), Some(transactor))
        }
    }
}

pub(crate) fn distribution_bucket(
    state: &State,
    id: DistributionBucketId,
    bucket: &DistributionBucket,
) -> DistributionBucketView {
    let view = |worker, status, endpoint| OperatorView { worker, status, endpoint, transactor: None };
    let endpoint = |worker| state.distribution_operator_metadata(id, worker)?.endpoint.clone();
    let invited =
        bucket.pending_invitations.iter().map(|worker| view(*worker, OperatorStatus::Invited, None));
    let active =
        bucket.operators.iter().map(|worker| view(*worker, OperatorStatus::Active, endpoint(*worker)));
    DistributionBucketView {
        id,
        accepting_new_bags: bucket.accepting_new_bags,
        distributing: bucket.distributing,
        operators: active.chain(invited).collect(),
        assigned_bags: bucket.assigned_bags,
    }
}

pub(crate) fn policy(state: &State, bag_type: BagType) -> PolicyView {
    let policy = state.policy(bag_type);
    PolicyView {
        bag_type: match bag_type {
            BagType::Member => "Member",
            BagType::Channel => "Channel",
        }
        .to_owned(),
        storage_buckets: policy.number_of_storage_buckets,
        families: policy.families.iter().map(|(family, number)| (family.to_string(), *number)).collect(),
        data_size_fee: state.data_size_fee(),
        data_object_state_bloat_bond: state.data_object_bond(),
    }
}

pub(crate) const fn channel(id: ChannelId, channel: &Channel) -> ChannelView {
    ChannelView { id, owner: channel.owner }
}

pub(crate) fn member(id: MemberId, member: &Member) -> MemberView {
    MemberView { id, handle: member.handle.clone(), account: member.account }
}
