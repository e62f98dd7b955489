//! A small directory in which most of what can happen happens soon.

use argosy_directory::{
    BlockContext, Call, Genesis, Outcome, Params, Payload, Profile, State, StorageCall,
    audit::{self, SIGNERS, Step, account},
    genesis::{GENESIS_VERSION, GenesisBalance, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
    transaction::TRANSACTION_VERSION,
};
use argosy_domain::{AccountId, StorageBucketId, WorkerId};

/// Most steps of a run: one more tells nothing new, and takes time.
const MAX_STEPS: usize = 64;
/// Shortest pause between two blocks, in milliseconds.
const PAUSE_MS: u64 = 250;

/// The directory, and the block that it is at.
pub struct World {
    state: State,
    at: BlockContext,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// Some buckets exist already, so that short runs get somewhere.
    #[must_use]
    pub fn new() -> Self {
        let mut state = State::from_genesis(&genesis()).expect("the genesis is valid");
        let at = BlockContext { height: 1, time_ms: 1_000, randomness: [1; 32] };
        state.begin_block(&at);
        let mut world = Self { state, at };
        let worker = Some(WorkerId(1));
        for invite_worker in [worker, None] {
            let (size_limit, objects_limit) = (200, 20);
            let accepting_new_bags = true;
            let create = StorageCall::CreateStorageBucket {
                invite_worker,
                accepting_new_bags,
                size_limit,
                objects_limit,
            };
            world.must("slead", Call::Storage(create));
        }
        let (bucket, transactor) = (StorageBucketId(0), account("transactor"));
        let accept = StorageCall::AcceptStorageBucketInvitation { worker: WorkerId(1), bucket, transactor };
        world.must("s1", Call::Storage(accept));
        world
    }

    fn must(&mut self, signer: &str, call: Call) {
        let outcome = self.call(account(signer), call);
        assert!(outcome.is_some_and(|outcome| outcome.result.is_ok()), "the world cannot be made");
    }

    /// Runs the steps that `bytes` are. Panics if any rule of all rules is broken.
    pub fn run(&mut self, mut bytes: &[u8]) {
        for _ in 0..MAX_STEPS {
            let Some(step) = Step::read(&mut bytes) else { break };
            if step.pause > 0 {
                self.begin_block(PAUSE_MS << step.pause);
                audit::check_records(&self.state);
            }
            let name = SIGNERS.get(usize::from(step.signer)).copied().unwrap_or("x");
            self.call(account(name), step.call);
            audit::check_records(&self.state);
        }
        audit::check(&mut self.state);
    }

    fn begin_block(&mut self, pause_ms: u64) {
        self.at.height += 1;
        self.at.time_ms += pause_ms;
        self.at.randomness = [u8::try_from(self.at.height % 251).unwrap_or(0); 32];
        self.state.begin_block(&self.at);
    }

    /// None if the signer cannot pay for it.
    fn call(&mut self, signer: AccountId, call: Call) -> Option<Outcome> {
        let payload = Payload {
            version: TRANSACTION_VERSION,
            genesis: self.state.genesis(),
            signer,
            nonce: self.state.nonce(&signer),
            valid_until_ms: self.at.time_ms,
            tip: 0,
            call,
        };
        self.state.precheck(&payload, self.at.time_ms).ok()?;
        let told = self.state.dry_run(signer, &payload.call);
        let mut before = self.state.clone();
        let outcome = self.state.execute(&payload);
        // A dry run pays no fee, and judges each call of a batch as if it were the first.
        let exact = before.fee(&payload) == 0 && !matches!(payload.call, Call::Batch(_));
        assert!(!exact || told == outcome.result, "the dry run said {told:?}, not {:?}", outcome.result);
        if outcome.result.is_err() {
            audit::check_failure(&mut before, &mut self.state, &payload);
        }
        Some(outcome)
    }
}

/// Every limit is low enough to be met.
fn params() -> Params {
    Params {
        voucher_max_size_limit: 200,
        voucher_max_objects_limit: 20,
        max_data_object_size: 100,
        max_distribution_bucket_families: 3,
        max_pending_invitations_per_distribution_bucket: 2,
        max_operators_per_distribution_bucket: 2,
        max_storage_buckets_per_bag: 4,
        storage_buckets_per_bag_limit: 4,
        max_distribution_buckets_per_bag: 5,
        distribution_buckets_per_bag_limit: 5,
        max_storage_buckets_per_worker: 2,
        blacklist_size_limit: 3,
        max_assets_per_set: 3,
        max_objects_of_deleted_bag: 12,
        max_workers_per_group: 6,
        reward_period_ms: 3_000,
        resignation_notice_ms: 1_000,
        min_unstaking_period_ms: 500,
        min_application_stake: 1,
        opening_deposit: 3,
        proposal_life_ms: 20_000,
        data_object_state_bloat_bond: 5,
        data_object_per_megabyte_fee: 2,
        ..Params::local()
    }
}

fn genesis() -> Genesis {
    let worker = |name: &&str| GenesisWorker { member: "staff".into(), role_account: account(name) };
    let group = |names: &[&str]| GenesisGroup { workers: names.iter().map(worker).collect(), lead: Some(0) };
    let member = |name: &str| GenesisMember { handle: name.into(), account: account(name) };
    let balance = |name: &&str| {
        let locked = if *name == "bob" { 400 } else { 0 };
        GenesisBalance { account: account(name), amount: 500, locked }
    };
    Genesis {
        version: GENESIS_VERSION,
        network: "fuzz".into(),
        profile: Profile::Local,
        time_ms: 0,
        sequencer: account("sequencer"),
        params: params(),
        members: vec![member("ann"), member("bob"), member("staff")],
        storage_group: group(&["slead", "s1", "s2", "s3"]),
        distribution_group: group(&["dlead", "d1", "d2", "d3"]),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil { keys: [account("c1"), account("c2")].into(), threshold: 1 },
        balances: SIGNERS.iter().map(balance).collect(),
    }
}
