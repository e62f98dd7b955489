//! A small network whose blocks are made by the directory itself.

use argosy_directory::{
    BlockContext, Call, ContentCall, CouncilAction, CouncilCall, DistributionCall, Genesis, GroupCall,
    MembershipCall, Params, Profile, State, StorageCall, Transaction,
    call::{ObjectCreation, ObjectsUpload},
    genesis::{GENESIS_VERSION, GenesisBalance, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
    state::OpeningKind,
};
use argosy_domain::{
    AccountId, BagId, BagType, ChannelId, ContentId, DataObjectId, DistributionBucketId, DynamicBagId,
    FamilyId, KeyScheme, Keypair, MemberId, OpeningId, StorageBucketId, WorkerId, WorkingGroup,
    family_metadata::{AreaCode, AreaMessage, FamilyMessage},
    metadata::{CoordinatesMessage, LocationMessage, OperatorMessage},
};
use argosy_ledger::{Block, genesis_block};
use argosy_read_model::Feeder;
use std::{collections::BTreeSet, path::Path};

/// 21 November 2025, 12:00 UTC.
pub(crate) const START_MS: u64 = 1_763_726_400_000;

pub(crate) fn key(name: &str) -> Keypair {
    let mut seed = [0; 32];
    seed[..name.len()].copy_from_slice(name.as_bytes());
    Keypair::from_seed(KeyScheme::Ed25519, &seed)
}

pub(crate) fn account(name: &str) -> AccountId {
    key(name).account()
}

pub(crate) fn content_id(number: u64) -> ContentId {
    ContentId::of(&number.to_le_bytes())
}

pub(crate) fn genesis() -> Genesis {
    let group = |names: &[&str]| GenesisGroup {
        workers: names
            .iter()
            .map(|name| GenesisWorker { member: "staff".into(), role_account: account(name) })
            .collect(),
        lead: Some(0),
    };
    let member = |name: &str| GenesisMember { handle: name.into(), account: account(name) };
    let balance = |name: &str| GenesisBalance { account: account(name), amount: 1_000_000_000, locked: 0 };
    Genesis {
        version: GENESIS_VERSION,
        network: "test".into(),
        profile: Profile::Local,
        time_ms: START_MS,
        sequencer: account("sequencer"),
        params: Params {
            data_object_per_megabyte_fee: 3,
            data_object_state_bloat_bond: 10,
            max_storage_buckets_per_worker: 5,
            reward_period_ms: 60_000,
            ..Params::local()
        },
        members: ["ann", "bob", "staff"].map(member).into(),
        storage_group: group(&["slead", "s1", "s2", "s3"]),
        distribution_group: group(&["dlead", "d1", "d2", "d3"]),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil { keys: ["c1", "c2", "c3"].map(account).into(), threshold: 2 },
        balances: ["ann", "bob", "staff", "s1"].map(balance).into(),
    }
}

/// The directory, and the newest block made with it.
pub(crate) struct Chain {
    pub(crate) genesis: Genesis,
    pub(crate) state: State,
    tip: Block,
}

impl Chain {
    pub(crate) fn new(genesis: Genesis) -> Self {
        let (tip, state) = genesis_block(&genesis).unwrap();
        Self { genesis, state, tip }
    }

    /// A block six seconds after the last one. Neither its proof nor its roots are made, which nobody
    /// looks at here.
    pub(crate) fn block(&mut self, calls: Vec<(&str, Call)>) -> Block {
        self.block_after(6_000, calls)
    }

    pub(crate) fn block_after(&mut self, ms: u64, calls: Vec<(&str, Call)>) -> Block {
        let mut block = self.tip.clone();
        block.header.height += 1;
        block.header.parent = self.tip.header.hash();
        block.header.time_ms += ms;
        let at = BlockContext {
            height: block.header.height,
            time_ms: block.header.time_ms,
            randomness: block.header.hash(),
        };
        block.block_events = self.state.begin_block(&at);
        (block.transactions, block.outcomes) = (Vec::new(), Vec::new());
        for (name, call) in calls {
            let key = key(name);
            let nonce = self.state.nonce(&key.account());
            let transaction = Transaction::sign(&key, self.state.genesis(), nonce, at.time_ms, call);
            self.state.precheck(&transaction.payload, at.time_ms).unwrap();
            block.outcomes.push(self.state.execute(&transaction.payload));
            block.transactions.push(codec::Encode::encode(&transaction));
        }
        self.tip = block.clone();
        block
    }

    /// As [`Chain::block`], where all calls must succeed.
    pub(crate) fn done(&mut self, calls: Vec<(&str, Call)>) -> Block {
        let block = self.block(calls);
        for (outcome, at) in block.outcomes.iter().zip(0..) {
            assert!(outcome.result.is_ok(), "call {at}: {:?}", outcome.result);
        }
        block
    }
}

pub(crate) fn upload(ids: impl IntoIterator<Item = u64>) -> ObjectsUpload {
    let creation = |id: u64| ObjectCreation {
        size: 1_000_000 + id,
        ipfs_content_id: content_id(id).to_string().into_bytes(),
    };
    ObjectsUpload {
        object_creation_list: ids.into_iter().map(creation).collect(),
        expected_data_size_fee: 3,
        expected_data_object_state_bloat_bond: 10,
    }
}

pub(crate) fn storage_bucket(invite_worker: Option<u64>) -> Call {
    Call::Storage(StorageCall::CreateStorageBucket {
        invite_worker: invite_worker.map(WorkerId),
        accepting_new_bags: true,
        size_limit: 1 << 50,
        objects_limit: 1 << 32,
    })
}

pub(crate) fn accept_storage(worker: u64, bucket: u64) -> Call {
    Call::Storage(StorageCall::AcceptStorageBucketInvitation {
        worker: WorkerId(worker),
        bucket: StorageBucketId(bucket),
        transactor: account(&format!("t{worker}")),
    })
}

pub(crate) fn distribution(family: u64, index: u64) -> DistributionBucketId {
    DistributionBucketId { family: FamilyId(family), index }
}

pub(crate) fn channel(owner: u64, objects: ObjectsUpload, storage: &[u64], delivery: &[(u64, u64)]) -> Call {
    Call::Content(ContentCall::CreateChannel {
        owner: MemberId(owner),
        upload: objects,
        storage_buckets: Some(storage.iter().map(|id| StorageBucketId(*id)).collect()),
        distribution_buckets: Some(delivery.iter().map(|(f, i)| distribution(*f, *i)).collect()),
    })
}

pub(crate) fn accept(worker: u64, bucket: u64, bag: BagId, objects: impl IntoIterator<Item = u64>) -> Call {
    Call::Storage(StorageCall::AcceptPendingDataObjects {
        worker: WorkerId(worker),
        bucket: StorageBucketId(bucket),
        bag,
        objects: ids(objects),
    })
}

pub(crate) fn ids(objects: impl IntoIterator<Item = u64>) -> BTreeSet<DataObjectId> {
    objects.into_iter().map(DataObjectId).collect()
}

pub(crate) fn operator_metadata(endpoint: &str) -> Vec<u8> {
    let coordinates =
        CoordinatesMessage { latitude: Some(59.5_f32.to_bits()), longitude: Some((-10.25_f32).to_bits()) };
    OperatorMessage {
        endpoint: Some(endpoint.into()),
        location: Some(LocationMessage {
            country_code: Some("NO".into()),
            city: Some("Oslo".into()),
            coordinates: Some(coordinates),
        }),
        extra: None,
    }
    .to_bytes()
}

/// Blocks of a network with some of everything: what the examples and the clients' requests are asked of.
///
/// Two families with three buckets, four storage buckets (two active, one invited, one missing), two
/// channels with objects, a member's bag, deleted objects, a failed call, a release, a policy.
pub(crate) fn filled() -> (Chain, Vec<Block>) {
    let mut chain = Chain::new(genesis());
    let mut blocks = vec![chain.done(vec![
        ("slead", storage_bucket(Some(1))),
        ("slead", storage_bucket(Some(2))),
        ("slead", storage_bucket(Some(3))),
        ("slead", storage_bucket(None)),
        ("s1", accept_storage(1, 0)),
        ("s2", accept_storage(2, 1)),
        ("s1", storage_metadata(1, 0, "https://s1.example/storage")),
        ("s2", storage_metadata(2, 1, "https://s2.example/")),
    ])];
    blocks.push(chain.done(families()));
    blocks.push(chain.done(operators()));
    blocks.push(chain.done(vec![
        ("ann", channel(0, upload(0..12), &[0], &[(0, 0)])),
        ("bob", channel(1, upload(12..14), &[1], &[(0, 0)])),
        ("bob", member_bag()),
        ("slead", keep_too(1, ChannelId(1))),
        ("dlead", deliver_too(ChannelId(2))),
    ]));
    blocks.push(chain.done(content()));
    blocks.push(chain.done(removals()));
    blocks.push(
        chain
            .block(vec![("ann", Call::Storage(StorageCall::UpdateUploadingBlockedStatus { blocked: true }))]),
    );
    blocks.push(chain.done(decisions()));
    blocks.push(
        chain.done(vec![(
            "c2",
            Call::Council(CouncilCall::Approve { proposal: argosy_domain::ProposalId(0) }),
        )]),
    );
    blocks.push(chain.block_after(60_000, Vec::new()));
    (chain, blocks)
}

pub(crate) fn storage_metadata(worker: u64, bucket: u64, endpoint: &str) -> Call {
    Call::Storage(StorageCall::SetStorageOperatorMetadata {
        worker: WorkerId(worker),
        bucket: StorageBucketId(bucket),
        metadata: operator_metadata(endpoint),
    })
}

fn families() -> Vec<(&'static str, Call)> {
    let area = |code| AreaMessage { code: Some(code) };
    let message = FamilyMessage {
        region: Some("Europe".into()),
        description: Some("Near the North Sea".into()),
        areas: vec![area(AreaCode::Continent(6)), area(AreaCode::CountryCode("NO".into()))],
        latency_test_targets: vec!["https://a.example/".into()],
    };
    let metadata = DistributionCall::SetDistributionBucketFamilyMetadata {
        family: FamilyId(0),
        metadata: message.to_bytes(),
    };
    let bucket = |family| DistributionCall::CreateDistributionBucket {
        family: FamilyId(family),
        accepting_new_bags: true,
    };
    let policy = DistributionCall::UpdateFamiliesInDynamicBagCreationPolicy {
        bag_type: BagType::Channel,
        families: [(FamilyId(0), 1)].into(),
    };
    [
        DistributionCall::CreateDistributionBucketFamily,
        DistributionCall::CreateDistributionBucketFamily,
        metadata,
        bucket(0),
        bucket(0),
        bucket(1),
        policy,
    ]
    .map(|call| ("dlead", Call::Distribution(call)))
    .into()
}

fn operators() -> Vec<(&'static str, Call)> {
    let invite = |bucket, worker| {
        let call = DistributionCall::InviteDistributionBucketOperator { bucket, worker: WorkerId(worker) };
        ("dlead", Call::Distribution(call))
    };
    let take = |name, bucket, worker| {
        let call = DistributionCall::AcceptDistributionBucketInvitation { bucket, worker: WorkerId(worker) };
        (name, Call::Distribution(call))
    };
    let metadata = DistributionCall::SetDistributionOperatorMetadata {
        worker: WorkerId(1),
        bucket: distribution(0, 0),
        metadata: operator_metadata("https://d1.example/"),
    };
    vec![
        invite(distribution(0, 0), 1),
        invite(distribution(0, 0), 2),
        invite(distribution(1, 0), 1),
        take("d1", distribution(0, 0), 1),
        take("d1", distribution(1, 0), 1),
        ("d1", Call::Distribution(metadata)),
    ]
}

fn keep_too(bucket: u64, channel: ChannelId) -> Call {
    let (add, remove) = ([StorageBucketId(bucket)].into(), BTreeSet::new());
    Call::Storage(StorageCall::UpdateStorageBucketsForBag { bag: BagId::channel(channel), add, remove })
}

fn deliver_too(channel: ChannelId) -> Call {
    Call::Distribution(DistributionCall::UpdateDistributionBucketsForBag {
        bag: BagId::channel(channel),
        family: FamilyId(1),
        add: [0].into(),
        remove: BTreeSet::new(),
    })
}

fn member_bag() -> Call {
    Call::Content(ContentCall::CreateMemberBag {
        member: MemberId(1),
        upload: upload(14..16),
        storage_buckets: Some([StorageBucketId(0)].into()),
        distribution_buckets: Some(BTreeSet::new()),
    })
}

fn content() -> Vec<(&'static str, Call)> {
    let (first, second) = (ChannelId(1), ChannelId(2));
    let set = ContentCall::CreateAssetSet {
        bag: DynamicBagId::Channel(first),
        name: "video-1".into(),
        upload: upload(16..18),
    };
    let collaborators = [MemberId(1)].into();
    let collaborate = ContentCall::UpdateChannelCollaborators { channel: first, collaborators };
    let privacy = ContentCall::SetBagPrivacy { bag: BagId::channel(second), private: true };
    vec![
        ("t1", accept(1, 0, BagId::channel(first), 0..11)),
        ("t2", accept(2, 1, BagId::channel(second), [12])),
        ("ann", Call::Content(set)),
        ("ann", Call::Content(collaborate)),
        ("bob", Call::Content(privacy)),
        ("ann", Call::Membership(MembershipCall::ConfirmStakingAccount { member: MemberId(0) })),
    ]
}

fn removals() -> Vec<(&'static str, Call)> {
    let delete = ContentCall::DeleteDataObjects { bag: BagId::channel(ChannelId(1)), objects: ids([3, 5]) };
    let blacklist = StorageCall::UpdateBlacklist {
        remove: BTreeSet::new(),
        add: [content_id(99).to_string().into_bytes()].into(),
    };
    vec![
        ("ann", Call::Content(delete)),
        ("bob", Call::Content(ContentCall::DeleteMemberBag { member: MemberId(1) })),
        ("slead", Call::Storage(blacklist)),
    ]
}

fn decisions() -> Vec<(&'static str, Call)> {
    let publish = CouncilAction::PublishRelease {
        program: "storage-node".into(),
        version: "1.2.3".into(),
        run_by_ms: START_MS + 1_000_000,
    };
    let opening = GroupCall::AddOpening {
        kind: OpeningKind::Regular,
        description: [7; 32],
        stake: 100,
        unstaking_period_ms: 5_000,
        reward_per_period: Some(20),
    };
    let apply = GroupCall::ApplyOnOpening {
        opening: OpeningId(0),
        member: MemberId(0),
        role_account: account("s4"),
        reward_account: account("s4-reward"),
        staking_account: account("ann"),
        stake: 150,
        description: [8; 32],
    };
    let fill = GroupCall::FillOpening {
        opening: OpeningId(0),
        applications: [argosy_domain::ApplicationId(0)].into(),
    };
    let storage = |call| Call::Group { group: WorkingGroup::Storage, call };
    vec![
        ("c1", Call::Council(CouncilCall::Propose { action: publish })),
        ("slead", storage(opening)),
        ("ann", storage(apply)),
        ("slead", storage(fill)),
        ("bob", storage(GroupCall::FundBudget { amount: 1_000 })),
    ]
}

/// The index of these blocks in a folder.
pub(crate) fn fed(home: &Path, genesis: &Genesis, blocks: &[Block]) -> Feeder {
    let mut feeder = Feeder::open(home, genesis).unwrap();
    feeder.apply(blocks).unwrap();
    feeder
}
