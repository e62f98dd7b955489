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
//! ann: batch_all create_member x ; create_member y -> HandleAlreadyRegistered
//! last VoucherChanged -> bucket: 0, voucher: …           fields of the newest event of that name
//! ```
//!
//! After `ok` and after a `block` may follow the names of the events, which then must be exactly these. Members `ann`
//! and `bob` exist, ids 0 and 1. Keys of the council sign as `c1`, `c2`, … Workers sign as `slead`, `s1`, … and `dlead`, `d1`, …, both leads
//! being worker 0. Any other name is an account of its own. After each line all invariants must hold.

#![allow(clippy::unwrap_used, reason = "a transcript that cannot be read fails its test")]

mod calls;

pub(super) use calls::read_call;

use super::{invariants, reference::Happened};
use crate::{
    BlockContext, Call, Event, Genesis, Outcome, Payload, Profile, Reject, State,
    call::{ObjectCreation, ObjectsUpload},
    genesis::{
        GENESIS_VERSION, GenesisBalance, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker, Params,
    },
    state::StorageOperator,
    transaction::TRANSACTION_VERSION,
};
use argosy_domain::{
    AccountId, BagId, ContentId, DataObjectId, StorageBucketId, metadata::encode_operator_metadata,
};
use calls::{bag_type, working_group};
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
    pub(super) happened: Happened,
    seen: BTreeSet<Reject>,
    /// Of the newest line that had any.
    events: Vec<Event>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            state: new_state(&Args::parse("")),
            happened: Happened::default(),
            seen: BTreeSet::new(),
            events: Vec::new(),
        }
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
            let told = told(&outcome, expected.contains(' '));
            self.events = outcome.events;
            return told;
        }
        let args = Args::parse(asked);
        match args.word(0) {
            "world" => self.state = new_state(&args),
            "block" => {
                let height = args.maybe("height").unwrap_or(self.state.at().height + 1);
                self.events = self.begin_block(height);
                return names(&self.events);
            }
            "show" => return self.show(&args),
            "last" => {
                let of_name = |event: &&Event| names(core::slice::from_ref(*event)) == args.word(1);
                return fields(self.events.iter().rfind(of_name).expect("no such event"));
            }
            other => panic!("{other:?} is no line of a transcript"),
        }
        String::new()
    }

    /// Enters the block of this height, whose randomness is made of the height.
    pub(super) fn begin_block(&mut self, height: u64) -> Vec<Event> {
        self.state.begin_block(&context(height))
    }

    /// Signs and executes; also checks that a dry run tells the same, and that failing leaves no trace.
    pub(super) fn execute(&mut self, signer: AccountId, call: Call) -> Outcome {
        let payload = payload(&self.state, signer, call);
        if let Err(reject) = self.state.precheck(&payload, self.state.at().time_ms) {
            self.seen.insert(reject);
            return Outcome { result: Err(reject), events: Vec::new() };
        }
        let told = self.state.dry_run(signer, &payload.call);
        let mut before = self.state.clone();
        let outcome = self.state.execute(&payload);
        self.happened.note(&payload.call, &outcome);
        // A dry run pays no fee, and judges each call of a batch as if it were the first.
        let exact = before.fee(&payload) == 0 && !matches!(payload.call, Call::Batch(_));
        assert!(!exact || outcome.result == told);
        let batch = matches!(payload.call, Call::Batch(_));
        if let Err(reject) = outcome.result {
            self.seen.insert(reject);
            assert!(outcome.events.is_empty() || batch);
            invariants::check_nothing_changed_but_nonce_and_fee(&mut before, &mut self.state, &payload);
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
            "account" => {
                let account = self.state.account(&account(id));
                format!("free {} locked {} staked {}", account.free, account.locked, account.staked)
            }
            "treasury" => {
                let treasury = self.state.treasury();
                format!("bonds {} issued {} burned {}", treasury.bonds, treasury.issued, treasury.burned)
            }
            "cost" => self.state.funds_needed_for_upload(parse(id), parse(args.word(3))).to_string(),
            "private" => self.state.bag(&parse(id)).unwrap().private.to_string(),
            "blacklist" => self.state.blacklist_count().to_string(),
            "assets" => {
                let set = self.state.asset_set_by_name(parse(id), args.word(3));
                set.map_or("-".into(), |set| list(&self.state.asset_set(set).unwrap().objects))
            }
            "family_metadata" => {
                let metadata = self.state.family_metadata(parse(id));
                metadata.and_then(|m| m.region.clone()).unwrap_or("-".into())
            }
            "releases" => list(self.state.releases().map(|(_, r)| format!("{}-{}", r.program, r.version))),
            "proposals" => list(self.state.proposals().map(|(id, _)| id)),
            "budget" => self.state.budget(working_group(id)).to_string(),
            "lead" => self.state.lead(working_group(id)).map_or("-".into(), |lead| lead.to_string()),
            "workers" => list(self.state.workers(working_group(id)).map(|(id, _)| id)),
            "openings" => list(self.state.openings(working_group(id)).map(|(id, _)| id)),
            "applications" => list(self.state.applications(working_group(id)).map(|(id, _)| id)),
            "worker" => {
                let worker = self.state.worker(working_group(id), parse(args.word(3)));
                worker.map_or("-".into(), |w| format!("stake {} missed {}", w.stake, w.missed_reward))
            }
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

/// The block of this height.
pub(super) fn context(height: u64) -> BlockContext {
    let randomness = *blake3::hash(&height.to_le_bytes()).as_bytes();
    BlockContext { height, time_ms: height.saturating_mul(1_000), randomness }
}

pub(super) fn payload(state: &State, signer: AccountId, call: Call) -> Payload {
    let (version, genesis, nonce) = (TRANSACTION_VERSION, state.genesis(), state.nonce(&signer));
    Payload { version, genesis, signer, nonce, valid_until_ms: state.at().time_ms, tip: 0, call }
}

pub(super) fn account(name: &str) -> AccountId {
    AccountId(*blake3::hash(name.as_bytes()).as_bytes())
}

fn told(outcome: &Outcome, with_events: bool) -> String {
    match outcome.result {
        Err(reject) => format!("{reject:?}"),
        Ok(()) if with_events => format!("ok {}", names(&outcome.events)),
        Ok(()) => "ok".into(),
    }
}

fn names(events: &[Event]) -> String {
    let name = |event: &Event| format!("{event:?}").split([' ', '{']).next().unwrap().to_string();
    let names: Vec<_> = events.iter().map(name).collect();
    names.join(" ")
}

/// Fields of an event, in their order, ids as plain numbers.
fn fields(event: &Event) -> String {
    let text = format!("{event:?}");
    let (_, text) = text.split_once(" { ").unwrap();
    let mut plain = String::new();
    let mut open = Vec::new();
    for letter in text.strip_suffix(" }").unwrap().chars() {
        match letter {
            '(' => {
                let start = plain.rfind(|c: char| !c.is_alphanumeric()).map_or(0, |place| place + 1);
                let id = plain[start..].ends_with("Id");
                open.push(id);
                if id {
                    plain.truncate(start);
                } else {
                    plain.push('(');
                }
            }
            ')' if open.pop() == Some(true) => {}
            other => plain.push(other),
        }
    }
    for name in ["ann", "bob", "cyd", "t", "slead", "s1", "s2", "dlead", "d1"] {
        plain = plain.replace(&account(name).to_string(), name);
    }
    // The bytes of a content id tell a reader nothing.
    while let Some(start) = plain.find("ipfs_content_id: [") {
        let end = plain[start..].find(']').unwrap() + start;
        plain.replace_range(start..=end, "cid");
    }
    plain
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
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil {
            keys: (1..=args.maybe("council").unwrap_or(0)).map(|n: u64| account(&format!("c{n}"))).collect(),
            threshold: args.maybe("threshold").unwrap_or(0),
        },
        balances: args.maybe_set::<String>("balances").iter().flatten().map(|text| balance(text)).collect(),
    }
}

/// `ann:100`, or `ann:100:20`, of which 20 are locked.
fn balance(text: &str) -> GenesisBalance {
    let mut parts = text.split(':');
    let mut part = || parts.next();
    GenesisBalance {
        account: account(part().unwrap()),
        amount: parse(part().unwrap()),
        locked: part().map_or(0, parse),
    }
}

fn new_params(args: &Args) -> Params {
    let mut params = if args.has("mainnet") { Params::mainnet() } else { Params::local() };
    // Most lines are about other things than what they cost.
    if !args.has("fees") {
        (params.transaction_fee, params.transaction_byte_fee, params.transaction_weight_fee) = (0, 0, 0);
    }
    macro_rules! overrides {
        ($($field:ident)*) => { $(params.$field = args.maybe(stringify!($field)).unwrap_or(params.$field);)* };
    }
    overrides! {
        min_storage_buckets_per_bag max_storage_buckets_per_bag default_channel_storage_buckets
        min_distribution_buckets_per_bag max_distribution_buckets_per_bag
        max_distribution_bucket_families max_pending_invitations_per_distribution_bucket
        max_operators_per_distribution_bucket max_data_object_size max_storage_buckets_per_worker
        storage_buckets_per_bag_limit distribution_buckets_per_bag_limit voucher_max_size_limit
        voucher_max_objects_limit default_member_storage_buckets data_object_per_megabyte_fee
        data_object_state_bloat_bond blacklist_size_limit max_assets_per_set max_objects_of_deleted_bag
        transaction_fee transaction_byte_fee transaction_weight_fee max_workers_per_group
        reward_period_ms min_unstaking_period_ms min_application_stake opening_deposit
        resignation_notice_ms proposal_life_ms
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

    fn maybe_account(&self, key: &str) -> Option<AccountId> {
        self.values.get(key).map(|name| account(name))
    }

    fn account(&self, key: &str) -> AccountId {
        self.maybe_account(key).unwrap_or_else(|| panic!("{key}= is missing"))
    }

    /// `hex:…`, `long` or any other text.
    fn bytes(&self, key: &str) -> Vec<u8> {
        let text: String = self.get(key);
        match text.strip_prefix("hex:") {
            Some(digits) => (0..digits.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap())
                .collect(),
            None if text == "long" => vec![0; 5_000],
            None => text.into_bytes(),
        }
    }

    /// Content ids of objects of these sizes; other texts stand for themselves.
    fn cids(&self, key: &str) -> BTreeSet<Vec<u8>> {
        let cid = |text: &String| match text.parse::<u64>() {
            Ok(size) => ContentId::of(&size.to_le_bytes()).to_string().into_bytes(),
            Err(_) => text.clone().into_bytes(),
        };
        self.set::<String>(key).iter().map(cid).collect()
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
        let raw = text.starts_with("hex:") || text == "long";
        if raw { self.bytes("metadata") } else { encode_operator_metadata(&text) }
    }
}

fn parse<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap_or_else(|error| panic!("{text:?}: {error:?}"))
}
