//! The state of the directory: tables, queries, and the way in for transactions.

mod bags;
mod batch;
mod catalogue;
pub mod checkpoint;
mod genesis_state;
mod hashing;
mod objects;
mod ordered;
mod packed;
mod paged;
mod queries;
mod records;
mod routes;
mod table;
mod tree;
mod write;

pub use catalogue::{BagRef, Catalogue};
pub use genesis_state::GenesisError;
pub use hashing::{Hasher, Unhashed};
pub use ordered::Ordered;
pub use records::{
    Acceptance, Account, Application, AssetSet, Bag, BlockContext, Channel, Council, DataObject,
    DistributionBucket, Family, GroupSettings, HoldingReport, Member, Opening, OpeningKind, Outcome, Policy,
    Proposal, Release, Settings, StorageBucket, StorageOperator, Tie, Treasury, Worker,
};
pub use routes::{Ends, Route};

use crate::{
    call::{Balance, Call},
    change::{Change, Edit},
    check::check,
    distribution,
    event::Event,
    fees,
    genesis::Params,
    groups,
    reject::Reject,
    storage,
    transaction::{Payload, TRANSACTION_VERSION},
};
use alloc::{string::String, vec::Vec};
use argosy_domain::{
    AccountId, ApplicationId, AssetSetId, BagId, ChannelId, ContentId, DataObjectId, DistributionBucketId,
    FamilyId, MemberId, OpeningId, ProposalId, ReleaseId, StorageBucketId, WorkerId, WorkingGroup,
    family_metadata::FamilyMetadata, limits::MAX_TRANSACTION_LIFE_MS, metadata::OperatorMetadata,
};
use bags::Bags;
use codec::Encode;
use objects::Objects;
use routes::Lines;
use table::Table;

/// Separates the state root from every other hash.
const ROOT_DOMAIN: &[u8] = b"argosy/state/1";

/// The working groups that the directory runs, in the order in which it looks after them.
pub const WORKING_GROUPS: [WorkingGroup; 3] =
    [WorkingGroup::Storage, WorkingGroup::Distribution, WorkingGroup::Attestation];

/// Everything that the directory knows. A clone is a snapshot: it takes some microseconds however much
/// there is, shares all records that do not change afterwards, and can be read by other threads.
#[derive(Clone, Debug)]
pub struct State {
    /// Of the newest block begun.
    at: BlockContext,
    /// Names the network; every transaction carries it.
    genesis: [u8; 32],
    params: Params,
    settings: Settings,
    treasury: Treasury,
    member_policy: Policy,
    channel_policy: Policy,
    council: Council,
    storage_group: Group,
    distribution_group: Group,
    attestation_group: Group,
    accounts: Table<AccountId, Account>,
    members: Table<MemberId, Member>,
    staking_accounts: Table<AccountId, MemberId>,
    channels: Table<ChannelId, Channel>,
    asset_sets: Table<AssetSetId, AssetSet>,
    bags: Bags,
    objects: Objects,
    /// Of objects whose bond came out of money that was given for that only: whose it is.
    restrictions: Table<DataObjectId, AccountId>,
    /// Of objects that were moved: the height of the last time.
    moves: Table<DataObjectId, u64>,
    blacklist: Table<ContentId, ()>,
    storage_buckets: Table<StorageBucketId, StorageBucket>,
    storage_metadata: Table<StorageBucketId, OperatorMetadata>,
    holdings: Table<StorageBucketId, HoldingReport>,
    families: Table<FamilyId, Family>,
    family_metadata: Table<FamilyId, FamilyMetadata>,
    distribution_buckets: Table<DistributionBucketId, DistributionBucket>,
    distribution_metadata: Table<(DistributionBucketId, WorkerId), OperatorMetadata>,
    /// Operators who gave notice, and the block time at which they are let go.
    resignations: Table<Tie, u64>,
    proposals: Table<ProposalId, Proposal>,
    releases: Table<ReleaseId, Release>,
    /// Derived from `members`; not part of the root.
    handles: Ordered<String, MemberId>,
    /// Derived from `asset_sets`; not part of the root.
    asset_names: Ordered<(BagId, String), AssetSetId>,
    /// Derived from the buckets; not part of the root.
    lines: Lines,
    /// Copies handed out since the hashes were lent.
    handed_out: u64,
}

/// A working group.
#[derive(Clone, Debug)]
struct Group {
    settings: GroupSettings,
    /// Pays rewards.
    budget: Balance,
    workers: Table<WorkerId, Worker>,
    openings: Table<OpeningId, Opening>,
    applications: Table<ApplicationId, Application>,
}

/// Single values of a working group: its settings and its budget.
type GroupSingles = (GroupSettings, Balance);

impl Group {
    const fn singles(&self) -> GroupSingles {
        (self.settings, self.budget)
    }
}

/// The same for every table of the state but the objects', in the one order that the root is made in;
/// or, with `[names]`, what each is called.
macro_rules! each_table {
    ([$($state:tt)+], $table:ident => $body:expr) => {
        each_table!(@ [$($state)+], $table => $body;
            storage_group.workers storage_group.openings storage_group.applications
            distribution_group.workers distribution_group.openings distribution_group.applications
            attestation_group.workers attestation_group.openings attestation_group.applications
            accounts members staking_accounts channels asset_sets bags restrictions moves blacklist
            storage_buckets storage_metadata holdings families family_metadata distribution_buckets
            distribution_metadata resignations proposals releases)
    };
    (@ $state:tt, $table:ident => $body:expr; $($name:ident $(. $inner:ident)?)+) => {
        [$(each_table!(# $state $name $(. $inner)?, $table => $body)),+]
    };
    (# [names] $name:ident $(. $inner:ident)?, $table:ident => $body:expr) => {
        concat!(stringify!($name) $(, ".", stringify!($inner))?)
    };
    (# [$($state:tt)+] $name:ident $(. $inner:ident)?, $table:ident => $body:expr) => {{
        let $table = $($state)+.$name $(.$inner)?;
        $body
    }};
}
use each_table;

impl State {
    /// Enters the next block: calls from now on are judged at its height, time and randomness.
    ///
    /// Does what is due by then: operators whose notice has run out are let go, workers who were
    /// leaving are gone, rewards are paid, old proposals lapse. Gives the events of that.
    pub fn begin_block(&mut self, at: &BlockContext) -> Vec<Event> {
        self.at = *at;
        let mut events = Vec::new();
        let steps =
            [storage::operators::end_notices, distribution::operators::end_notices, crate::council::lapse];
        for step in steps {
            let change = step(self);
            events.extend(self.apply(change));
        }
        for group in WORKING_GROUPS {
            for step in [groups::leaving::exit, groups::rewards::pay] {
                let change = step(self, group);
                events.extend(self.apply(change));
            }
        }
        events
    }

    /// Whether a transaction may enter a block at `time_ms`. Does not look at its signature.
    ///
    /// # Errors
    /// An envelope [`Reject`] (1xx); such a transaction must not be executed.
    pub fn precheck(&self, payload: &Payload, time_ms: u64) -> Result<(), Reject> {
        self.check_envelope(payload, time_ms)?;
        let account = self.account(&payload.signer);
        match payload.nonce.cmp(&account.nonce) {
            core::cmp::Ordering::Less => Err(Reject::NonceStale),
            core::cmp::Ordering::Equal if self.fee(payload) > account.free => Err(Reject::CannotPayFee),
            core::cmp::Ordering::Equal => Ok(()),
            core::cmp::Ordering::Greater => Err(Reject::NonceFuture),
        }
    }

    /// The part of [`State::precheck`] that looks at no account: version, network and time.
    ///
    /// # Errors
    /// As there.
    pub fn check_envelope(&self, payload: &Payload, time_ms: u64) -> Result<(), Reject> {
        if payload.version != TRANSACTION_VERSION {
            return Err(Reject::UnsupportedVersion);
        }
        if payload.genesis != self.genesis {
            return Err(Reject::WrongNetwork);
        }
        if payload.valid_until_ms < time_ms {
            return Err(Reject::Expired);
        }
        if payload.valid_until_ms > time_ms.saturating_add(MAX_TRANSACTION_LIFE_MS) {
            return Err(Reject::ValidTooLong);
        }
        Ok(())
    }

    /// What a transaction costs its signer, tip included, whether its call succeeds or not.
    #[must_use]
    pub fn fee(&self, payload: &Payload) -> Balance {
        fees::of(self, payload)
    }

    /// Executes a transaction that passed [`State::precheck`]. A call that fails changes nothing
    /// but the signer's nonce and the fee.
    ///
    /// # Panics
    /// If the nonce is not the signer's next one, or the fee cannot be paid, which the precheck
    /// excludes.
    pub fn execute(&mut self, payload: &Payload) -> Outcome {
        let account = self.account(&payload.signer);
        assert_eq!(payload.nonce, account.nonce, "executed without a precheck");
        let fee = fees::of(self, payload);
        let free = account.free.checked_sub(fee).expect("executed without a precheck");
        let account = Account { nonce: account.nonce.saturating_add(1), free, ..account };
        self.write(Edit::Account(payload.signer, Some(account)));
        self.treasury.burned = self.treasury.burned.saturating_add(fee);
        if let Call::Batch(batch) = &payload.call {
            return self.run_batch(payload.signer, batch);
        }
        match check(self, payload.signer, &payload.call) {
            Ok(change) => Outcome { result: Ok(()), events: self.apply(change) },
            Err(reject) => Outcome { result: Err(reject), events: Vec::new() },
        }
    }

    /// Whether `call` by `signer` would succeed now, fees apart. Of a batch, whether each of its calls
    /// would succeed if it were the first.
    ///
    /// # Errors
    /// The [`Reject`] that it would fail with.
    pub fn dry_run(&self, signer: AccountId, call: &Call) -> Result<(), Reject> {
        if let Call::Batch(batch) = call {
            return batch::dry_run(self, signer, batch);
        }
        check(self, signer, call).map(drop)
    }

    /// Commits to every record: equal roots, equal states. Costs what changed since the last call.
    pub fn root(&mut self) -> [u8; 32] {
        let tables = each_table!([&mut self], table => table.root());
        let objects = self.objects.root(&self.bags);
        self.root_over(&tables, objects)
    }

    fn root_over(&self, tables: &[(u64, [u8; 32])], objects: [u8; 32]) -> [u8; 32] {
        let policies = (&self.member_policy, &self.channel_policy);
        let groups = self.group_singles();
        let mut hasher = blake3::Hasher::new();
        hasher.update(ROOT_DOMAIN);
        (self.genesis, &self.params, &self.settings, self.treasury, policies)
            .using_encoded(|bytes| hasher.update(bytes));
        (&self.council, groups, tables, objects).using_encoded(|bytes| hasher.update(bytes));
        *hasher.finalize().as_bytes()
    }

    const fn group_singles(&self) -> [GroupSingles; 3] {
        let [storage, distribution, attestation] =
            [&self.storage_group, &self.distribution_group, &self.attestation_group];
        [storage.singles(), distribution.singles(), attestation.singles()]
    }

    /// As [`State::root`], with every hash computed anew by a plain reference.
    #[cfg(any(test, feature = "audit"))]
    pub(crate) fn root_from_scratch(&self) -> [u8; 32] {
        let reference =
            |leaves: Vec<tree::Hash>| (argosy_domain::num::to_u64(leaves.len()), tree::reference(leaves));
        let tables = each_table!([&self], table => reference(table.leaves()));
        let objects = tree::reference(self.objects.leaves(&self.bags));
        self.root_over(&tables, objects)
    }

    /// As if a transaction of `account` had failed that cost `fee`.
    #[cfg(any(test, feature = "audit"))]
    pub(crate) fn pretend_failure(&mut self, account: AccountId, fee: Balance) {
        let mut record = self.account(&account);
        record.nonce = record.nonce.saturating_add(1);
        record.free = record.free.saturating_sub(fee);
        self.treasury.burned = self.treasury.burned.saturating_add(fee);
        self.accounts.put(account, Some(record));
    }

    /// Cannot fail on a change that [`check`] has just made.
    fn apply(&mut self, change: Change) -> Vec<Event> {
        for edit in change.edits {
            self.write(edit);
        }
        change.events
    }
}
