//! What a directory tells when it is asked for all sorts of things, into the index and into the model.

use super::{super::*, model::Model};
use argosy_directory::{
    BlockContext, Call, ContentCall, DistributionCall, GroupCall, MembershipCall, Params, Profile, State,
    StorageCall,
    audit::{account, payload, random_call},
    call::ObjectsUpload,
    genesis::{GENESIS_VERSION, GenesisBalance, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
    state::checkpoint::CheckpointError as PieceError,
};
use argosy_domain::FamilyId;
use proptest::prelude::*;
use std::{format, string::String, vec::Vec};

fn genesis() -> Genesis {
    let worker = |name: &&str| GenesisWorker { member: "staff".into(), role_account: account(name) };
    let group = |names: &[&str]| GenesisGroup { workers: names.iter().map(worker).collect(), lead: Some(0) };
    let member = |name: &str| GenesisMember { handle: name.into(), account: account(name) };
    let balance = |name: &&str| GenesisBalance { account: account(name), amount: 100_000, locked: 0 };
    Genesis {
        version: GENESIS_VERSION,
        network: "random".into(),
        profile: Profile::Local,
        time_ms: 0,
        sequencer: account("sequencer"),
        params: Params {
            voucher_max_size_limit: 2_000,
            voucher_max_objects_limit: 200,
            max_storage_buckets_per_bag: 9,
            storage_buckets_per_bag_limit: 9,
            resignation_notice_ms: 1_000,
            reward_period_ms: 3_000,
            min_unstaking_period_ms: 500,
            data_object_state_bloat_bond: 5,
            data_object_per_megabyte_fee: 2,
            ..Params::local()
        },
        members: ["ann", "bob", "staff"].map(member).into(),
        storage_group: group(&["slead", "s1", "s2", "s3"]),
        distribution_group: group(&["dlead", "d1", "d2", "d3"]),
        attestation_group: group(&["w0", "w1"]),
        council: GenesisCouncil { keys: [account("c1"), account("c2")].into(), threshold: 1 },
        balances: [
            "ann",
            "bob",
            "slead",
            "dlead",
            "s1",
            "s2",
            "s3",
            "d1",
            "d2",
            "d3",
            "c1",
            "c2",
            "transactor",
        ]
        .iter()
        .map(balance)
        .collect(),
    }
}

/// A directory with its first buckets and a channel, and two who follow it.
struct World {
    state: State,
    index: Index,
    model: Model,
    /// Of the block that is being made.
    events: Vec<Event>,
    /// Names of all events so far.
    told: BTreeSet<String>,
}

impl World {
    fn new() -> Self {
        let genesis = genesis();
        let mut world = Self {
            state: State::from_genesis(&genesis).unwrap(),
            index: Index::from_genesis(&genesis),
            model: Model::from_genesis(&genesis),
            events: Vec::new(),
            told: BTreeSet::new(),
        };
        assert_eq!(Index::from_state(&world.state), world.index);
        world.begin_block();
        let (worker, bucket, transactor) = (WorkerId(1), StorageBucketId(0), account("transactor"));
        let (accepting_new_bags, family) = (true, FamilyId(0));
        let calls = [
            (
                "slead",
                Call::Storage(StorageCall::CreateStorageBucket {
                    invite_worker: Some(worker),
                    accepting_new_bags,
                    size_limit: 2_000,
                    objects_limit: 200,
                }),
            ),
            ("s1", Call::Storage(StorageCall::AcceptStorageBucketInvitation { worker, bucket, transactor })),
            ("dlead", Call::Distribution(DistributionCall::CreateDistributionBucketFamily)),
            (
                "dlead",
                Call::Distribution(DistributionCall::CreateDistributionBucket { family, accepting_new_bags }),
            ),
            (
                "ann",
                Call::Content(ContentCall::CreateChannel {
                    owner: MemberId(0),
                    upload: ObjectsUpload::default(),
                    storage_buckets: None,
                    distribution_buckets: None,
                }),
            ),
        ];
        // What the random calls never ask for.
        let (group, worker, account_of_both) = (WorkingGroup::Storage, WorkerId(3), Some(account("staff-2")));
        let member = MembershipCall::UpdateMemberAccounts {
            member: MemberId(2),
            root: account_of_both,
            controller: account_of_both,
        };
        let role = GroupCall::UpdateRoleAccount { worker, account: account("s4") };
        let renamed = [("staff", Call::Membership(member)), ("staff-2", Call::Group { group, call: role })];
        for (signer, call) in calls.into_iter().chain(renamed) {
            assert!(world.call(account(signer), call), "the world cannot be made");
        }
        world
    }

    fn begin_block(&mut self) {
        let height = self.state.at().height + 1;
        let at = BlockContext {
            height,
            time_ms: height * 1_000,
            randomness: ContentId::of(&height.to_le_bytes()).0,
        };
        self.events = self.state.begin_block(&at);
    }

    /// Whether it took effect.
    fn call(&mut self, signer: AccountId, call: Call) -> bool {
        let payload = payload(&self.state, signer, call);
        if self.state.precheck(&payload, self.state.at().time_ms).is_err() {
            return false;
        }
        let outcome = self.state.execute(&payload);
        self.events.extend(outcome.events);
        outcome.result.is_ok()
    }

    /// Both take the block, and say the same of it and of everything.
    fn end_block(&mut self) {
        let at = *self.state.at();
        let name = |event: &Event| format!("{event:?}").split([' ', '{']).next().unwrap_or_default().into();
        self.told.extend(self.events.iter().map(name));
        let changes = self.index.apply_block(at.height, at.time_ms, &self.events);
        assert_eq!(changes, self.model.apply_block(at.height, &self.events));
        self.model.compare(&self.index);
    }

    /// Whatever the index is made of, it is the same: blocks, the state, a checkpoint, the state's pieces.
    fn compare_ways(&mut self) {
        assert_eq!(Index::from_state(&self.state), self.index);
        for id in (0..self.index.next_object_id().0).map(DataObjectId) {
            assert_eq!(self.index.holders(id), self.state.holders(id), "object {id}");
        }
        let bytes = self.index.to_checkpoint();
        let read = Index::from_checkpoint(&bytes, &self.index.genesis).unwrap();
        assert_eq!(read, self.index);
        self.model.compare(&read);
        let mut restore = IndexRestore::new(&genesis()).unwrap();
        self.state.pieces().for_each(|piece| restore.push(&piece).unwrap());
        let (restored, root) = restore.finish().unwrap();
        assert_eq!(restored, self.index);
        assert_eq!(root, self.state.root());
    }

    fn run(&mut self, seeds: &[u64]) {
        for seed in seeds {
            let (signer, call) = random_call(&self.state, *seed);
            self.call(signer, call);
            if seed % 4 == 0 {
                self.end_block();
                if seed % 16 == 0 {
                    self.compare_ways();
                }
                self.begin_block();
            }
        }
        self.end_block();
        self.compare_ways();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_index_says_what_the_model_and_the_state_say(
        seeds in proptest::collection::vec(any::<u64>(), 50..150),
    ) {
        World::new().run(&seeds);
    }

    /// A clone stays what it was, whatever the original takes.
    #[test]
    fn a_clone_does_not_change(seeds in proptest::collection::vec(any::<u64>(), 20..80)) {
        let mut world = World::new();
        world.end_block();
        let mut copies = Vec::new();
        for seeds in seeds.chunks(10) {
            copies.push((world.index.clone(), world.index.to_checkpoint()));
            world.begin_block();
            world.run(seeds);
        }
        for (copy, bytes) in copies {
            prop_assert_eq!(copy.to_checkpoint(), bytes);
        }
    }
}

/// The comparison is worth something only if what an index follows does happen.
#[test]
fn random_calls_reach_what_an_index_follows() {
    let mut told = BTreeSet::new();
    for run in 0..60_u64 {
        let mut world = World::new();
        let seeds: Vec<u64> =
            (0..100).map(|step| (run * 100 + step).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        world.run(&seeds);
        told.append(&mut world.told);
    }
    for name in [
        "DataObjectsUploaded",
        "PendingDataObjectsAccepted",
        "DataObjectsDeleted",
        "DataObjectsMoved",
        "DataObjectsUpdated",
        "DynamicBagCreated",
        "DynamicBagDeleted",
        "ChannelDeleted",
        "StorageBucketsUpdatedForBag",
        "DistributionBucketsUpdatedForBag",
        "StorageBucketDeleted",
        "StorageBucketOperatorRemoved",
        "StorageOperatorMetadataSet",
        "HoldingsReported",
        "DistributionBucketModeUpdated",
        "DistributionBucketMetadataSet",
        "DistributionBucketOperatorRemoved",
        "DistributionBucketDeleted",
        "BagPrivacySet",
        "UpdateBlacklist",
        "ChannelCollaboratorsUpdated",
        "MemberAccountsUpdated",
        "CouncilKeysReplaced",
        "CouncilSecretarySet",
        "WorkerHired",
        "WorkerRoleAccountUpdated",
        "WorkerExited",
        "TerminatedWorker",
        "LeaderUnset",
    ] {
        assert!(told.contains(name), "{name} never happened, only {told:?}");
    }
}

#[test]
fn pieces_of_another_network_make_no_index() {
    let mut other = genesis();
    other.network = "other".into();
    let mut restore = IndexRestore::new(&other).unwrap();
    let piece = World::new().state.pieces().next().unwrap();
    assert_eq!(restore.push(&piece), Err(PieceError::OtherNetwork));
    let restore = IndexRestore::new(&other).unwrap();
    assert!(matches!(restore.finish(), Err(PieceError::Incomplete)));
}
