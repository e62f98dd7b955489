//! The network as its lead and operators set it up: real calls, in real blocks, before the run.

use crate::{client::ClientRole, directory::DirectoryNode, message::Address, storage::StorageRole};
use anyhow::{Context as _, Result, ensure};
use argosy_directory::{
    Call, DistributionCall, Genesis, MembershipCall, Params, Payload, Profile, StorageCall,
    genesis::{GENESIS_VERSION, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
    transaction::TRANSACTION_VERSION,
};
use argosy_domain::{
    AccountId, BagType, DistributionBucketId, FamilyId, MemberId, StorageBucketId, WorkerId,
    metadata::encode_operator_metadata, num::to_u64,
};

pub(crate) const STORAGE_NODES: usize = 2;
pub(crate) const DISTRIBUTORS: usize = 3;
pub(crate) const CLIENTS: usize = 3;
/// The family of each distributor, and its bucket's index there.
const BUCKETS: [(u64, u64); DISTRIBUTORS] = [(0, 0), (0, 1), (1, 0)];
/// Time of block 0, by the true clock.
pub(crate) const GENESIS_MS: u64 = 1_000_000;

const STORAGE_LEAD: AccountId = AccountId([10; 32]);
const DISTRIBUTION_LEAD: AccountId = AccountId([20; 32]);

/// Transactions carry no signatures here, so any 32 bytes are an account.
fn account(of: &str, n: usize) -> AccountId {
    AccountId(*blake3::hash(format!("{of} {n}").as_bytes()).as_bytes())
}

/// Worker 0 of each group is its lead; the operators follow.
pub(crate) fn genesis() -> Genesis {
    let worker = |role_account| GenesisWorker { member: "operator".to_owned(), role_account };
    let group = |lead, of: &str, count| {
        let operators = (0..count).map(|n| account(of, n));
        GenesisGroup { workers: [lead].into_iter().chain(operators).map(worker).collect(), lead: Some(0) }
    };
    Genesis {
        version: GENESIS_VERSION,
        network: "sim".to_owned(),
        profile: Profile::Local,
        time_ms: GENESIS_MS,
        sequencer: AccountId([1; 32]),
        params: Params::local(),
        members: vec![GenesisMember { handle: "operator".to_owned(), account: AccountId([2; 32]) }],
        storage_group: group(STORAGE_LEAD, "storage", STORAGE_NODES),
        distribution_group: group(DISTRIBUTION_LEAD, "distribution", DISTRIBUTORS),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil::default(),
        balances: Vec::new(),
    }
}

pub(crate) fn storage_role(n: usize) -> StorageRole {
    StorageRole {
        bucket: StorageBucketId(to_u64(n)),
        worker: WorkerId(to_u64(n) + 1),
        transactor: account("transactor", n),
    }
}

pub(crate) fn distribution_worker(n: usize) -> WorkerId {
    WorkerId(to_u64(n) + 1)
}

pub(crate) fn client_role(n: usize, genesis: &Genesis) -> ClientRole {
    ClientRole {
        member: MemberId(to_u64(n) + 1),
        account: account("client", n),
        genesis: genesis.hash(),
        storage_count: STORAGE_NODES,
        distributors_count: DISTRIBUTORS,
    }
}

/// Sends everything that makes the network, one call a block.
pub(crate) fn run(directory: &mut DirectoryNode, genesis: &Genesis) -> Result<()> {
    for n in 0..CLIENTS {
        let call = MembershipCall::CreateMember { handle: format!("client-{n}") };
        send(directory, genesis, account("client", n), Call::Membership(call))?;
    }
    for n in 0..STORAGE_NODES {
        storage_node(directory, genesis, n)?;
    }
    let policy = StorageCall::UpdateNumberOfStorageBucketsInDynamicBagCreationPolicy {
        bag_type: BagType::Channel,
        number: 2,
    };
    send(directory, genesis, STORAGE_LEAD, Call::Storage(policy))?;
    for _ in 0..2 {
        let call = DistributionCall::CreateDistributionBucketFamily;
        send(directory, genesis, DISTRIBUTION_LEAD, Call::Distribution(call))?;
    }
    for (n, (family, index)) in BUCKETS.into_iter().enumerate() {
        distributor(directory, genesis, n, DistributionBucketId { family: FamilyId(family), index })?;
    }
    let policy = DistributionCall::UpdateFamiliesInDynamicBagCreationPolicy {
        bag_type: BagType::Channel,
        families: [(FamilyId(0), 2), (FamilyId(1), 1)].into(),
    };
    send(directory, genesis, DISTRIBUTION_LEAD, Call::Distribution(policy))
}

fn storage_node(directory: &mut DirectoryNode, genesis: &Genesis, n: usize) -> Result<()> {
    let StorageRole { bucket, worker, transactor } = storage_role(n);
    let create = StorageCall::CreateStorageBucket {
        invite_worker: Some(worker),
        accepting_new_bags: true,
        size_limit: 1 << 40,
        objects_limit: 1 << 20,
    };
    send(directory, genesis, STORAGE_LEAD, Call::Storage(create))?;
    let accept = StorageCall::AcceptStorageBucketInvitation { worker, bucket, transactor };
    send(directory, genesis, account("storage", n), Call::Storage(accept))?;
    let metadata = encode_operator_metadata(&Address::Storage(n).endpoint());
    let describe = StorageCall::SetStorageOperatorMetadata { worker, bucket, metadata };
    send(directory, genesis, account("storage", n), Call::Storage(describe))
}

fn distributor(
    directory: &mut DirectoryNode,
    genesis: &Genesis,
    n: usize,
    bucket: DistributionBucketId,
) -> Result<()> {
    let worker = distribution_worker(n);
    let lead_calls = [
        DistributionCall::CreateDistributionBucket { family: bucket.family, accepting_new_bags: true },
        DistributionCall::InviteDistributionBucketOperator { bucket, worker },
    ];
    for call in lead_calls {
        send(directory, genesis, DISTRIBUTION_LEAD, Call::Distribution(call))?;
    }
    let metadata = encode_operator_metadata(&Address::Distributor(n).endpoint());
    let operator_calls = [
        DistributionCall::AcceptDistributionBucketInvitation { worker, bucket },
        DistributionCall::SetDistributionOperatorMetadata { worker, bucket, metadata },
    ];
    for call in operator_calls {
        send(directory, genesis, account("distribution", n), Call::Distribution(call))?;
    }
    Ok(())
}

fn send(directory: &mut DirectoryNode, genesis: &Genesis, signer: AccountId, call: Call) -> Result<()> {
    let nonce = directory.state.nonce(&signer);
    let payload = Payload {
        version: TRANSACTION_VERSION,
        genesis: genesis.hash(),
        signer,
        nonce,
        valid_until_ms: GENESIS_MS + 1_000,
        tip: 0,
        call,
    };
    let height = directory.height() + 1;
    let mut events = directory.begin(height, GENESIS_MS);
    directory.state.precheck(&payload, GENESIS_MS).context("setting the network up")?;
    let outcome = directory.state.execute(&payload);
    outcome.result.with_context(|| format!("setting the network up: {:?}", payload.call))?;
    events.extend(outcome.events);
    let mut trouble = None;
    directory.end(height, GENESIS_MS, events, |what| trouble = Some(what));
    ensure!(trouble.is_none(), "setting the network up: {trouble:?}");
    Ok(())
}
