//! The language of the transcripts. One line, one fact:
//!
//! ```text
//! # A remark.
//! world storage_workers=3 max_data_object_size=100      a new world: workers, and any parameter
//! block                                                 the next block, with randomness of its own
//! block height=9                                        or a later one
//! slead: create_storage_bucket size=9 objects=1 -> ok   who signs: a call -> what becomes of it
//! ann: upload static:council objects=5,6 -> ActorNotAuthorized
//! show bag static:council -> storage - distribution - objects 0 bytes 0
//! ```
//!
//! After `ok` may follow the names of the events, which then must be exactly these. Members `ann`
//! and `bob` exist, ids 0 and 1. Workers sign as `slead`, `s1`, … and `dlead`, `d1`, …, both leads
//! being worker 0. Any other name is an account of its own. After each line all invariants must hold.

#![allow(clippy::unwrap_used, reason = "a transcript that cannot be read fails its test")]

use super::invariants;
use crate::{
    BlockContext, Call, ContentCall, DistributionCall, Genesis, MembershipCall, Outcome, Payload, Profile,
    Reject, State, StorageCall,
    call::{ObjectCreation, ObjectsUpload},
    genesis::{GENESIS_VERSION, GenesisGroup, GenesisMember, GenesisWorker, Params},
    state::StorageOperator,
    transaction::TRANSACTION_VERSION,
};
use argosy_domain::{
    AccountId, BagId, BagType, ContentId, DataObjectId, FamilyId, MemberId, StorageBucketId,
    metadata::encode_operator_metadata,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{Debug, Display},
    format,
    str::FromStr,
    string::{String, ToString},
    vec,
    vec::Vec,
};

#[derive(Clone)]
pub(super) struct World {
    pub(super) state: State,
    seen: BTreeSet<Reject>,
}

impl Default for World {
    fn default() -> Self {
        Self { state: new_state(&Args::parse("")), seen: BTreeSet::new() }
    }
}

impl World {
    pub(super) fn rejects_seen(&self) -> impl Iterator<Item = Reject> {
        self.seen.iter().copied()
    }

    /// Runs a transcript; fails with the place where it departs from what happens.
    pub(super) fn run(&mut self, name: &str, text: &str) {
        for (line, number) in text.lines().zip(1..) {
            let line = line.split('#').next().unwrap().trim();
            if line.is_empty() {
                continue;
            }
            let (asked, expected) = line.split_once("->").map_or((line, ""), |(a, e)| (a.trim(), e.trim()));
            let happened = self.step(asked, expected);
            assert_eq!(happened, expected, "{name}, line {number}: {asked}");
            invariants::check(&mut self.state);
        }
    }

    /// Carries one line out, and says what happened in the words of `expected`.
    fn step(&mut self, asked: &str, expected: &str) -> String {
        if let Some((signer, call)) = asked.split_once(": ") {
            let outcome = self.execute(account(signer), read_call(call));
            return told(&outcome, expected.contains(' '));
        }
        let args = Args::parse(asked);
        match args.word(0) {
            "world" => self.state = new_state(&args),
            "block" => {
                let height = args.maybe("height").unwrap_or(self.state.at().height + 1);
                self.begin_block(height);
            }
            "show" => return self.show(&args),
            other => panic!("{other:?} is no line of a transcript"),
        }
        String::new()
    }

    /// Enters the block of this height, whose randomness is made of the height.
    pub(super) fn begin_block(&mut self, height: u64) {
        let randomness = *blake3::hash(&height.to_le_bytes()).as_bytes();
        let time_ms = height.saturating_mul(1_000);
        assert!(self.state.begin_block(&BlockContext { height, time_ms, randomness }).is_empty());
    }

    /// Signs and executes; also checks that a dry run tells the same, and that failing leaves no trace.
    pub(super) fn execute(&mut self, signer: AccountId, call: Call) -> Outcome {
        let payload = payload(&self.state, signer, call);
        let told = self.state.dry_run(signer, &payload.call);
        let before = self.state.clone();
        let outcome = self.state.execute(&payload);
        assert_eq!(outcome.result, told);
        if let Err(reject) = outcome.result {
            self.seen.insert(reject);
            assert!(outcome.events.is_empty());
            invariants::check_nothing_changed_but_the_nonce(before, &mut self.state, signer);
        }
        outcome
    }

    fn show(&self, args: &Args) -> String {
        let id = args.word(2);
        match args.word(1) {
            "bag" => self.show_bag(&parse(id)),
            "storage_bucket" => self.show_storage_bucket(parse(id)),
            "distribution_bucket" => self.show_distribution_bucket(id),
            "object" => self.show_object(parse(id)),
            "holders" => list(self.state.holders(parse(id))),
            "families" => list(self.state.families().map(|(id, _)| id)),
            "distribution_buckets" => list(self.state.distribution_buckets().map(|(id, _)| id)),
            "policy" => {
                let policy = self.state.policy(bag_type(id));
                let families = list(policy.families.iter().map(|(id, number)| format!("{id}:{number}")));
                format!("storage {} families {families}", policy.number_of_storage_buckets)
            }
            "storage_metadata" => {
                let metadata = self.state.storage_operator_metadata(parse(id));
                metadata.and_then(|m| m.endpoint.clone()).unwrap_or("-".into())
            }
            "distribution_metadata" => {
                let worker = parse(args.word(3));
                let metadata = self.state.distribution_operator_metadata(parse(id), worker);
                metadata.and_then(|m| m.endpoint.clone()).unwrap_or("-".into())
            }
            "member" => self.state.member_by_handle(id).map_or("-".into(), |id| id.to_string()),
            other => panic!("{other:?} cannot be shown"),
        }
    }

    fn show_bag(&self, id: &BagId) -> String {
        let Some(bag) = self.state.bag(id) else { return "-".into() };
        format!(
            "storage {} distribution {} objects {} bytes {}",
            list(bag.stored_by.keys()),
            list(&bag.distributed_by),
            bag.objects_number,
            bag.objects_total_size,
        )
    }

    fn show_storage_bucket(&self, id: StorageBucketId) -> String {
        let Some(bucket) = self.state.storage_bucket(id) else { return "-".into() };
        let operator = match bucket.operator {
            StorageOperator::Missing => "no operator".into(),
            StorageOperator::Invited { worker } => format!("invited {worker}"),
            StorageOperator::Active { worker, .. } => format!("operator {worker}"),
        };
        let accepting = if bucket.accepting_new_bags { "accepting" } else { "closed" };
        let v = bucket.voucher;
        let used =
            format!("bytes {}/{} objects {}/{}", v.size_used, v.size_limit, v.objects_used, v.objects_limit);
        format!("{operator} {accepting} {used} bags {}", bucket.assigned_bags)
    }

    fn show_distribution_bucket(&self, id: &str) -> String {
        let Some(bucket) = self.state.distribution_bucket(parse(id)) else { return "-".into() };
        let accepting = if bucket.accepting_new_bags { "accepting" } else { "closed" };
        let mode = if bucket.distributing { "distributing" } else { "idle" };
        let (pending, operators) = (list(&bucket.pending_invitations), list(&bucket.operators));
        format!("{accepting} {mode} invited {pending} operators {operators} bags {}", bucket.assigned_bags)
    }

    fn show_object(&self, id: DataObjectId) -> String {
        let Some(object) = self.state.object(id) else { return "-".into() };
        let accepted =
            object.accepted.map_or("pending".into(), |a| format!("accepted by {} at {}", a.bucket, a.height));
        format!("{} {} bytes {accepted}", object.bag, object.size)
    }
}

pub(super) fn payload(state: &State, signer: AccountId, call: Call) -> Payload {
    let (version, genesis, nonce) = (TRANSACTION_VERSION, state.genesis(), state.nonce(&signer));
    Payload { version, genesis, signer, nonce, valid_until_ms: state.at().time_ms, call }
}

pub(super) fn account(name: &str) -> AccountId {
    AccountId(*blake3::hash(name.as_bytes()).as_bytes())
}

fn told(outcome: &Outcome, with_events: bool) -> String {
    match outcome.result {
        Err(reject) => format!("{reject:?}"),
        Ok(()) if with_events => {
            let name = |event: &dyn Debug| format!("{event:?}").split([' ', '{']).next().unwrap().to_string();
            let names: Vec<_> = outcome.events.iter().map(|event| name(event)).collect();
            format!("ok {}", names.join(" "))
        }
        Ok(()) => "ok".into(),
    }
}

fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
    if texts.is_empty() { "-".into() } else { texts.join(",") }
}

fn new_state(args: &Args) -> State {
    State::from_genesis(&new_genesis(args)).unwrap()
}

fn new_genesis(args: &Args) -> Genesis {
    let group = |lead: &str, letter: &str, count: u64| {
        let name = |id| if id == 0 { lead.to_string() } else { format!("{letter}{id}") };
        let worker = |id| GenesisWorker { member: "staff".into(), role_account: account(&name(id)) };
        let lead = if args.has("no_leads") { None } else { Some(0) };
        GenesisGroup { workers: (0..count).map(worker).collect(), lead }
    };
    let member = |name: &str| GenesisMember { handle: name.into(), account: account(name) };
    Genesis {
        version: GENESIS_VERSION,
        network: "transcript".into(),
        profile: Profile::Local,
        time_ms: 0,
        sequencer: account("sequencer"),
        params: new_params(args),
        members: vec![member("ann"), member("bob"), member("staff")],
        storage_group: group("slead", "s", args.maybe("storage_workers").unwrap_or(4)),
        distribution_group: group("dlead", "d", args.maybe("distribution_workers").unwrap_or(4)),
    }
}

fn new_params(args: &Args) -> Params {
    let mut params = if args.has("mainnet") { Params::mainnet() } else { Params::local() };
    macro_rules! overrides {
        ($($field:ident)*) => { $(params.$field = args.maybe(stringify!($field)).unwrap_or(params.$field);)* };
    }
    overrides! {
        min_storage_buckets_per_bag max_storage_buckets_per_bag default_channel_storage_buckets
        min_distribution_buckets_per_bag max_distribution_buckets_per_bag
        max_distribution_bucket_families max_pending_invitations_per_distribution_bucket
        max_operators_per_distribution_bucket max_data_object_size max_storage_buckets_per_worker
        storage_buckets_per_bag_limit distribution_buckets_per_bag_limit voucher_max_size_limit
        voucher_max_objects_limit
    }
    params
}

/// Words and `key=value` pairs of a line.
struct Args {
    words: Vec<String>,
    values: BTreeMap<String, String>,
}

impl Args {
    fn parse(text: &str) -> Self {
        let (mut words, mut values) = (Vec::new(), BTreeMap::new());
        for word in text.split_whitespace() {
            match word.split_once('=') {
                Some((key, value)) => drop(values.insert(key.into(), value.into())),
                None => words.push(word.into()),
            }
        }
        Self { words, values }
    }

    fn word(&self, position: usize) -> &str {
        self.words.get(position).map_or("", String::as_str)
    }

    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|w| w == word)
    }

    fn maybe<T: FromStr<Err: Debug>>(&self, key: &str) -> Option<T> {
        self.values.get(key).map(|text| parse(text))
    }

    fn get<T: FromStr<Err: Debug>>(&self, key: &str) -> T {
        self.maybe(key).unwrap_or_else(|| panic!("{key}= is missing"))
    }

    /// `key=a,b,c`, `key=0..5` or `key=` for the empty set.
    fn maybe_set<T: FromStr<Err: Debug> + Ord>(&self, key: &str) -> Option<BTreeSet<T>> {
        let text = self.values.get(key)?;
        if let Some((from, to)) = text.split_once("..") {
            let range = parse::<u64>(from)..parse(to);
            return Some(range.map(|number| parse(&number.to_string())).collect());
        }
        Some(text.split(',').filter(|item| !item.is_empty()).map(parse).collect())
    }

    fn set<T: FromStr<Err: Debug> + Ord>(&self, key: &str) -> BTreeSet<T> {
        self.maybe_set(key).unwrap_or_default()
    }

    /// `objects=5,6` are sizes, `objects=3x1` are three of size 1; `cid=` overrides the content ids.
    fn upload(&self) -> ObjectsUpload {
        let mut sizes: Vec<u64> = Vec::new();
        for item in self.values.get("objects").map_or("", String::as_str).split(',').filter(|i| !i.is_empty())
        {
            match item.split_once('x') {
                Some((count, size)) => sizes.extend(vec![parse::<u64>(size); parse(count)]),
                None => sizes.push(parse(item)),
            }
        }
        let content_id = |size: u64| match self.values.get("cid") {
            Some(text) => text.clone().into_bytes(),
            None => ContentId::of(&size.to_le_bytes()).to_string().into_bytes(),
        };
        let creation = |size| ObjectCreation { size, ipfs_content_id: content_id(size) };
        ObjectsUpload {
            object_creation_list: sizes.into_iter().map(creation).collect(),
            expected_data_size_fee: self.maybe("fee").unwrap_or(0),
            expected_data_object_state_bloat_bond: self.maybe("bond").unwrap_or(0),
        }
    }

    /// `metadata=hex:…` are raw bytes; any other text is an endpoint.
    fn metadata(&self) -> Vec<u8> {
        let text: String = self.get("metadata");
        match text.strip_prefix("hex:") {
            Some(digits) => (0..digits.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap())
                .collect(),
            None if text == "long" => vec![0; 5_000],
            None => encode_operator_metadata(&text),
        }
    }
}

fn parse<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap_or_else(|error| panic!("{text:?}: {error:?}"))
}

fn bag_type(text: &str) -> BagType {
    match text {
        "member" => BagType::Member,
        "channel" => BagType::Channel,
        other => panic!("{other:?} is no type of bag"),
    }
}

fn read_call(text: &str) -> Call {
    let args = Args::parse(text);
    let name = args.word(0);
    read_content_call(name, &args)
        .or_else(|| read_storage_call(name, &args))
        .or_else(|| read_storage_operator_call(name, &args))
        .or_else(|| read_distribution_call(name, &args))
        .or_else(|| read_distribution_operator_call(name, &args))
        .unwrap_or_else(|| panic!("{name:?} is no call"))
}

fn read_content_call(name: &str, args: &Args) -> Option<Call> {
    Some(Call::Content(match name {
        "create_member" => {
            // `A*65` is sixty-five letters.
            let handle = match args.word(1).split_once('*') {
                Some((letter, count)) => letter.repeat(parse(count)),
                None => args.word(1).into(),
            };
            return Some(Call::Membership(MembershipCall::CreateMember { handle }));
        }
        "create_channel" => ContentCall::CreateChannel {
            owner: MemberId(args.get("owner")),
            upload: args.upload(),
            storage_buckets: args.maybe_set("storage"),
            distribution_buckets: args.maybe_set("distribution"),
        },
        "delete_channel" => ContentCall::DeleteChannel { channel: parse(args.word(1)) },
        "upload_data_objects" => {
            ContentCall::UploadDataObjects { bag: parse(args.word(1)), upload: args.upload() }
        }
        "delete_data_objects" => {
            ContentCall::DeleteDataObjects { bag: parse(args.word(1)), objects: args.set("ids") }
        }
        _ => return None,
    }))
}

fn read_storage_call(name: &str, args: &Args) -> Option<Call> {
    let bucket = || parse(args.word(1));
    let accepting_new_bags = args.has("accepting");
    Some(Call::Storage(match name {
        "create_storage_bucket" => StorageCall::CreateStorageBucket {
            invite_worker: args.maybe("invite"),
            accepting_new_bags,
            size_limit: args.get("size"),
            objects_limit: args.get("objects"),
        },
        "delete_storage_bucket" => StorageCall::DeleteStorageBucket { bucket: bucket() },
        "invite_storage_bucket_operator" => {
            StorageCall::InviteStorageBucketOperator { bucket: bucket(), worker: args.get("worker") }
        }
        "cancel_storage_bucket_operator_invite" => {
            StorageCall::CancelStorageBucketOperatorInvite { bucket: bucket() }
        }
        "remove_storage_bucket_operator" => StorageCall::RemoveStorageBucketOperator { bucket: bucket() },
        "update_storage_bucket_status" => {
            StorageCall::UpdateStorageBucketStatus { bucket: bucket(), accepting_new_bags }
        }
        "set_storage_bucket_voucher_limits" => StorageCall::SetStorageBucketVoucherLimits {
            bucket: bucket(),
            size_limit: args.get("size"),
            objects_limit: args.get("objects"),
        },
        "update_storage_buckets_voucher_max_limits" => StorageCall::UpdateStorageBucketsVoucherMaxLimits {
            size_limit: args.get("size"),
            objects_limit: args.get("objects"),
        },
        "update_storage_buckets_per_bag_limit" => {
            StorageCall::UpdateStorageBucketsPerBagLimit { limit: parse(args.word(1)) }
        }
        "update_number_of_storage_buckets_in_dynamic_bag_creation_policy" => {
            StorageCall::UpdateNumberOfStorageBucketsInDynamicBagCreationPolicy {
                bag_type: bag_type(args.word(1)),
                number: args.get("number"),
            }
        }
        "update_storage_buckets_for_bag" => StorageCall::UpdateStorageBucketsForBag {
            bag: parse(args.word(1)),
            add: args.set("add"),
            remove: args.set("remove"),
        },
        "update_uploading_blocked_status" => {
            StorageCall::UpdateUploadingBlockedStatus { blocked: args.has("blocked") }
        }
        _ => return None,
    }))
}

fn read_storage_operator_call(name: &str, args: &Args) -> Option<Call> {
    let bucket = || parse(args.word(1));
    let worker = || args.get("worker");
    Some(Call::Storage(match name {
        "accept_storage_bucket_invitation" => StorageCall::AcceptStorageBucketInvitation {
            worker: worker(),
            bucket: bucket(),
            transactor: account(&args.get::<String>("transactor")),
        },
        "set_storage_operator_metadata" => StorageCall::SetStorageOperatorMetadata {
            worker: worker(),
            bucket: bucket(),
            metadata: args.metadata(),
        },
        "accept_pending_data_objects" => StorageCall::AcceptPendingDataObjects {
            worker: worker(),
            bucket: bucket(),
            bag: args.get("bag"),
            objects: args.set("ids"),
        },
        "report_holdings" => StorageCall::ReportHoldings {
            worker: worker(),
            bucket: bucket(),
            height: args.get("height"),
            except: args.set("except"),
        },
        _ => return None,
    }))
}

fn read_distribution_call(name: &str, args: &Args) -> Option<Call> {
    let bucket = || parse(args.word(1));
    let family = || FamilyId(parse(args.word(1)));
    let accepting_new_bags = args.has("accepting");
    Some(Call::Distribution(match name {
        "create_distribution_bucket_family" => DistributionCall::CreateDistributionBucketFamily,
        "delete_distribution_bucket_family" => {
            DistributionCall::DeleteDistributionBucketFamily { family: family() }
        }
        "create_distribution_bucket" => {
            DistributionCall::CreateDistributionBucket { family: family(), accepting_new_bags }
        }
        "delete_distribution_bucket" => DistributionCall::DeleteDistributionBucket { bucket: bucket() },
        "update_distribution_bucket_status" => {
            DistributionCall::UpdateDistributionBucketStatus { bucket: bucket(), accepting_new_bags }
        }
        "update_distribution_buckets_for_bag" => DistributionCall::UpdateDistributionBucketsForBag {
            bag: parse(args.word(1)),
            family: args.get("family"),
            add: args.set("add"),
            remove: args.set("remove"),
        },
        "update_distribution_buckets_per_bag_limit" => {
            DistributionCall::UpdateDistributionBucketsPerBagLimit { limit: parse(args.word(1)) }
        }
        "update_distribution_bucket_mode" => DistributionCall::UpdateDistributionBucketMode {
            bucket: bucket(),
            distributing: args.has("distributing"),
        },
        "update_families_in_dynamic_bag_creation_policy" => {
            let pair = |text: &String| {
                let (family, number) = text.split_once(':').unwrap();
                (FamilyId(parse(family)), parse(number))
            };
            DistributionCall::UpdateFamiliesInDynamicBagCreationPolicy {
                bag_type: bag_type(args.word(1)),
                families: args.set::<String>("families").iter().map(pair).collect(),
            }
        }
        _ => return None,
    }))
}

fn read_distribution_operator_call(name: &str, args: &Args) -> Option<Call> {
    let bucket = || parse(args.word(1));
    let worker = || args.get("worker");
    Some(Call::Distribution(match name {
        "invite_distribution_bucket_operator" => {
            DistributionCall::InviteDistributionBucketOperator { bucket: bucket(), worker: worker() }
        }
        "cancel_distribution_bucket_operator_invite" => {
            DistributionCall::CancelDistributionBucketOperatorInvite { bucket: bucket(), worker: worker() }
        }
        "remove_distribution_bucket_operator" => {
            DistributionCall::RemoveDistributionBucketOperator { bucket: bucket(), worker: worker() }
        }
        "accept_distribution_bucket_invitation" => {
            DistributionCall::AcceptDistributionBucketInvitation { worker: worker(), bucket: bucket() }
        }
        "set_distribution_operator_metadata" => DistributionCall::SetDistributionOperatorMetadata {
            worker: worker(),
            bucket: bucket(),
            metadata: args.metadata(),
        },
        _ => return None,
    }))
}
