//! A log of calls that is the same wherever it is made: a network's setting up, its channels, their
//! objects, and then the changes of its every day.

use anyhow::{Context as _, Result};
use argosy_directory::{
    BlockContext, Call, ContentCall, DistributionCall, Genesis, Outcome, Params, Payload, Profile, State,
    StorageCall, Transaction,
    call::{ObjectCreation, ObjectsUpload},
    genesis::{GENESIS_VERSION, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
    transaction::TRANSACTION_VERSION,
};
use argosy_domain::{
    AccountId, BagId, BagType, ChannelId, ContentId, DataObjectId, DistributionBucketId, FamilyId, KeyScheme,
    Keypair, MemberId, StorageBucketId, WorkerId,
    num::{to_u64, to_usize},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Storage buckets, and as many workers.
pub(crate) const STORAGE: u64 = 499;
/// Families of distribution buckets.
const FAMILIES: u64 = 3;
/// Distribution buckets in each family; together with the storage buckets there are a thousand.
const IN_FAMILY: u64 = 167;
/// Storage buckets of a bag.
pub(crate) const COPIES: u64 = 5;
/// Objects of a channel, declared in calls of one, two, three and four.
pub(crate) const OBJECTS: u64 = 10;
/// Calls that declare the objects of a channel.
pub(crate) const ROUNDS: u64 = 4;
/// Members who own channels, each with a key that can sign.
const OWNERS: u64 = 64;
const GENESIS_MS: u64 = 1_700_000_000_000;
/// Transactions in a block.
pub(crate) const BLOCK: usize = 2_000;

/// Storage buckets, and distribution buckets of a family, in a network with the parameters of the
/// `local` profile, which allows fewer workers.
const LOCAL_STORAGE: u64 = 199;
const LOCAL_IN_FAMILY: u64 = 66;

/// Makes payloads in the order in which they must be executed.
pub(crate) struct Log {
    seed: u64,
    /// Storage buckets.
    storage: u64,
    /// Distribution buckets of each family.
    in_family: u64,
    pub(crate) genesis: Genesis,
    hash: [u8; 32],
    owners: Vec<Keypair>,
    nonces: HashMap<AccountId, u64>,
    /// First storage bucket of each channel, whose operator accepts its objects.
    first: Vec<u16>,
    next_object: u64,
}

fn account(kind: u8, number: u64) -> AccountId {
    let mut bytes = [kind; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    AccountId(bytes)
}

const fn owner_seed(number: u64) -> [u8; 32] {
    let mut seed = [b'o'; 32];
    let mut place = 0;
    while place < 8 {
        seed[place] = number.to_le_bytes()[place];
        place += 1;
    }
    seed
}

/// Of the key that signs blocks.
pub(crate) const SEQUENCER_SEED: [u8; 32] = owner_seed(0);

fn storage_worker(number: u64) -> AccountId {
    account(b's', number)
}

fn distribution_worker(number: u64) -> AccountId {
    account(b'd', number)
}

pub(crate) fn content(number: u64) -> ContentId {
    let mut bytes = [0; 32];
    for (place, part) in bytes.chunks_exact_mut(8).zip(1..) {
        place.copy_from_slice(&mix(number.wrapping_mul(5).wrapping_add(part)).to_le_bytes());
    }
    ContentId(bytes)
}

/// SplitMix64.
fn mix(seed: u64) -> u64 {
    let seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Log {
    pub(crate) fn new() -> Self {
        let params = Params { max_workers_per_group: 1_000, ..Params::local() };
        Self::of(STORAGE, IN_FAMILY, params)
    }

    /// Of a network whose genesis can be written to a file.
    pub(crate) fn of_local_profile() -> Self {
        Self::of(LOCAL_STORAGE, LOCAL_IN_FAMILY, Params::local())
    }

    fn of(storage: u64, in_family: u64, params: Params) -> Self {
        let key = |number: u64| Keypair::from_seed(KeyScheme::Sr25519, &owner_seed(number));
        let owners: Vec<_> = (0..OWNERS).map(key).collect();
        let genesis = genesis(&owners, (storage, in_family * FAMILIES), params);
        let hash = genesis.hash();
        Self {
            seed: 1,
            storage,
            in_family,
            genesis,
            hash,
            owners,
            nonces: HashMap::new(),
            first: Vec::new(),
            next_object: 0,
        }
    }

    /// Signs the blocks of the network.
    pub(crate) fn sequencer(&self) -> &Keypair {
        &self.owners[0]
    }

    /// Below `end`.
    fn roll(&mut self, end: u64) -> u64 {
        self.seed = self.seed.wrapping_add(1);
        mix(self.seed) % end
    }

    fn distinct(&mut self, count: u64, end: u64) -> BTreeSet<u64> {
        let mut set = BTreeSet::new();
        while to_u64(set.len()) < count {
            set.insert(self.roll(end));
        }
        set
    }

    pub(crate) fn payload(&mut self, signer: AccountId, call: Call) -> Payload {
        let next = self.nonces.entry(signer).or_insert(0);
        let nonce = *next;
        *next += 1;
        let valid_until_ms = GENESIS_MS + 12 * 60 * 60 * 1000;
        Payload {
            version: TRANSACTION_VERSION,
            genesis: self.hash,
            signer,
            nonce,
            valid_until_ms,
            tip: 0,
            call,
        }
    }

    /// The same, with the signature of the one owner who signs it.
    pub(crate) fn signed(&self, payload: Payload) -> Option<Transaction> {
        let key = self.owners.iter().find(|key| key.account() == payload.signer)?;
        Some(Transaction::sign(key, self.hash, payload.nonce, payload.valid_until_ms, payload.call))
    }

    fn storage(&mut self, number: u64, call: StorageCall) -> Payload {
        self.payload(storage_worker(number), Call::Storage(call))
    }

    fn distribution(&mut self, number: u64, call: DistributionCall) -> Payload {
        self.payload(distribution_worker(number), Call::Distribution(call))
    }

    /// Buckets with operators, and policies.
    pub(crate) fn setting_up(&mut self) -> Vec<Payload> {
        let mut log = Vec::new();
        for number in 0..self.storage {
            let (worker, bucket) = (WorkerId(number), StorageBucketId(number));
            log.push(self.storage(
                0,
                StorageCall::CreateStorageBucket {
                    invite_worker: Some(worker),
                    accepting_new_bags: true,
                    size_limit: 1 << 50,
                    objects_limit: 1 << 32,
                },
            ));
            let transactor = storage_worker(number);
            log.push(
                self.storage(
                    number,
                    StorageCall::AcceptStorageBucketInvitation { worker, bucket, transactor },
                ),
            );
        }
        let bag_type = BagType::Channel;
        let number = u32::try_from(COPIES).unwrap_or(0);
        log.push(self.storage(
            0,
            StorageCall::UpdateNumberOfStorageBucketsInDynamicBagCreationPolicy { bag_type, number },
        ));
        for family in (0..FAMILIES).map(FamilyId) {
            log.push(self.distribution(0, DistributionCall::CreateDistributionBucketFamily));
            for index in 0..self.in_family {
                let bucket = DistributionBucketId { family, index };
                let number = family.0 * self.in_family + index;
                let worker = WorkerId(number);
                log.push(self.distribution(
                    0,
                    DistributionCall::CreateDistributionBucket { family, accepting_new_bags: true },
                ));
                log.push(self.distribution(
                    0,
                    DistributionCall::UpdateDistributionBucketMode { bucket, distributing: true },
                ));
                log.push(
                    self.distribution(
                        0,
                        DistributionCall::InviteDistributionBucketOperator { bucket, worker },
                    ),
                );
                log.push(self.distribution(
                    number,
                    DistributionCall::AcceptDistributionBucketInvitation { worker, bucket },
                ));
            }
        }
        let families: BTreeMap<_, _> = (0..FAMILIES).map(|family| (FamilyId(family), 1)).collect();
        log.push(self.distribution(
            0,
            DistributionCall::UpdateFamiliesInDynamicBagCreationPolicy { bag_type, families },
        ));
        log
    }

    pub(crate) fn channels_count(&self) -> u64 {
        to_u64(self.first.len())
    }

    fn owner_of(&self, channel: u64) -> AccountId {
        self.owners[to_usize(channel % OWNERS)].account()
    }

    /// The next channel, its buckets chosen.
    pub(crate) fn channel(&mut self) -> Payload {
        let place = self.channels_count();
        let storage = self.distinct(COPIES, self.storage);
        self.first.push(storage.first().and_then(|id| u16::try_from(*id).ok()).unwrap_or(0));
        let distribution = (0..FAMILIES)
            .map(|family| DistributionBucketId { family: FamilyId(family), index: self.roll(self.in_family) })
            .collect();
        let call = ContentCall::CreateChannel {
            owner: MemberId(place % OWNERS),
            upload: ObjectsUpload::default(),
            storage_buckets: Some(storage.into_iter().map(StorageBucketId).collect()),
            distribution_buckets: Some(distribution),
        };
        self.payload(self.owner_of(place), Call::Content(call))
    }

    /// Declares `count` objects in a channel.
    pub(crate) fn upload(&mut self, channel: u64, count: u64) -> Payload {
        let creation = |number: u64| ObjectCreation {
            size: 1 + mix(number) % 2_000_000,
            ipfs_content_id: content(number).to_string().into_bytes(),
        };
        let object_creation_list = (self.next_object..self.next_object + count).map(creation).collect();
        self.next_object += count;
        let upload = ObjectsUpload { object_creation_list, ..ObjectsUpload::default() };
        let call = ContentCall::UploadDataObjects { bag: bag(channel), upload };
        self.payload(self.owner_of(channel), Call::Content(call))
    }

    /// Accepts the newest `count` objects, which are in this channel.
    pub(crate) fn acceptance(&mut self, channel: u64, count: u64) -> Payload {
        let number = u64::from(self.first[to_usize(channel)]);
        let objects = (self.next_object - count..self.next_object).map(DataObjectId).collect();
        let (worker, bucket) = (WorkerId(number), StorageBucketId(number));
        self.storage(
            number,
            StorageCall::AcceptPendingDataObjects { worker, bucket, bag: bag(channel), objects },
        )
    }

    /// The channel whose turn it is: all of them once in each round, in no order.
    pub(crate) fn turn(&self, place: u64) -> u64 {
        let count = self.channels_count();
        // A step that shares no factor with any count of channels up to itself.
        place.wrapping_mul(982_451_653) % count.max(1)
    }

    /// Moves a bag from one distribution bucket of a family to another, or fails to.
    pub(crate) fn assignment(&mut self) -> Payload {
        let channel = self.roll(self.channels_count());
        let family = FamilyId(self.roll(FAMILIES));
        let add = BTreeSet::from([self.roll(self.in_family)]);
        let remove =
            if self.roll(8) == 0 { BTreeSet::from([self.roll(self.in_family)]) } else { BTreeSet::new() };
        let call =
            DistributionCall::UpdateDistributionBucketsForBag { bag: bag(channel), family, add, remove };
        self.distribution(0, call)
    }

    /// One of the changes of every day; some fail.
    pub(crate) fn change(&mut self) -> Payload {
        let channel = self.roll(self.channels_count());
        match self.roll(10) {
            0..4 => {
                let count = 1 + self.roll(3);
                self.upload(channel, count)
            }
            4..6 => self.assignment(),
            6..8 => {
                let (add, remove) = (self.roll(self.storage), self.roll(self.storage));
                let [add, remove] = [add, remove].map(|id| BTreeSet::from([StorageBucketId(id)]));
                let remove = if self.roll(4) == 0 { remove } else { BTreeSet::new() };
                self.storage(0, StorageCall::UpdateStorageBucketsForBag { bag: bag(channel), add, remove })
            }
            8 => {
                let objects = BTreeSet::from([DataObjectId(self.roll(self.next_object))]);
                let call = ContentCall::DeleteDataObjects { bag: bag(channel), objects };
                self.payload(self.owner_of(channel), Call::Content(call))
            }
            _ if self.roll(8) == 0 => {
                let call = ContentCall::DeleteChannel { channel: ChannelId(channel + 1) };
                self.payload(self.owner_of(channel), Call::Content(call))
            }
            _ => {
                let number = self.roll(self.storage);
                let except = (0..self.roll(4)).map(|_| DataObjectId(self.roll(self.next_object))).collect();
                let (worker, bucket) = (WorkerId(number), StorageBucketId(number));
                self.storage(number, StorageCall::ReportHoldings { worker, bucket, height: 1, except })
            }
        }
    }

    /// Objects that were declared, if no call failed.
    pub(crate) fn objects_count(&self) -> u64 {
        self.next_object
    }
}

pub(crate) fn bag(channel: u64) -> BagId {
    BagId::channel(ChannelId(channel + 1))
}

fn genesis(owners: &[Keypair], workers: (u64, u64), params: Params) -> Genesis {
    let mut members: Vec<_> = (0..)
        .zip(owners)
        .map(|(number, key): (u64, _)| GenesisMember {
            handle: format!("owner-{number}"),
            account: key.account(),
        })
        .collect();
    let member = GenesisMember { handle: "operator".to_owned(), account: account(b'm', 0) };
    members.push(member);
    let group = |count: u64, role: fn(u64) -> AccountId| GenesisGroup {
        workers: (0..count)
            .map(|number| GenesisWorker { member: "operator".to_owned(), role_account: role(number) })
            .collect(),
        lead: Some(0),
    };
    Genesis {
        version: GENESIS_VERSION,
        network: "directory-log".to_owned(),
        profile: Profile::Local,
        time_ms: GENESIS_MS,
        sequencer: owners[0].account(),
        params,
        members,
        storage_group: group(workers.0, storage_worker),
        distribution_group: group(workers.1, distribution_worker),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil::default(),
        balances: Vec::new(),
    }
}

/// The block of this height: 100 a second.
pub(crate) fn block_at(height: u64) -> BlockContext {
    BlockContext { height, time_ms: GENESIS_MS + height * 10, randomness: content(height).0 }
}

/// Executes the payloads of one block; gives the outcomes.
pub(crate) fn execute(state: &mut State, payloads: &[Payload]) -> Result<Vec<Outcome>> {
    let at = block_at(state.at().height + 1);
    state.begin_block(&at);
    let mut outcomes = Vec::with_capacity(payloads.len());
    for payload in payloads {
        state.precheck(payload, at.time_ms).context("a transaction that may not be in a block")?;
        outcomes.push(state.execute(payload));
    }
    Ok(outcomes)
}
