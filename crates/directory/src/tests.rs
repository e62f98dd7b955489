//! Tests. The rules are transcripts in `cases/*.txt`; `language` says how these are read.

#![allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails, as it should")]

mod encodings;
mod events;
mod language;
mod leads;
mod random;
mod reference;
mod scale;
mod seeds;

use crate::{
    Call, Genesis, MembershipCall, Payload, Profile, Reject, State, Transaction,
    audit::invariants,
    genesis::{
        GENESIS_VERSION, GenesisBalance, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker, Params,
    },
    state::GenesisError,
    transaction::TRANSACTION_VERSION,
};
use argosy_domain::{
    AccountId, BagId, BagType, ChannelId, DistributionBucketId, KeyScheme, Keypair, WorkingGroup,
    limits::{MAX_TRANSACTION_BYTES, MAX_TRANSACTION_LIFE_MS},
    wire::decode_canonical,
};
use codec::{Decode, Encode};
use language::World;
use std::{
    collections::BTreeSet,
    string::{String, ToString},
    vec,
    vec::Vec,
};

/// Every transcript, by name.
const CASES: &[(&str, &str)] = &[
    ("members", include_str!("cases/members.txt")),
    ("storage_buckets", include_str!("cases/storage_buckets.txt")),
    ("storage_operators", include_str!("cases/storage_operators.txt")),
    ("storage_bags", include_str!("cases/storage_bags.txt")),
    ("holdings", include_str!("cases/holdings.txt")),
    ("families", include_str!("cases/families.txt")),
    ("distribution_buckets", include_str!("cases/distribution_buckets.txt")),
    ("channels", include_str!("cases/channels.txt")),
    ("objects", include_str!("cases/objects.txt")),
    ("placement", include_str!("cases/placement.txt")),
    ("accounts", include_str!("cases/accounts.txt")),
    ("batch", include_str!("cases/batch.txt")),
    ("bonds", include_str!("cases/bonds.txt")),
    ("blacklist", include_str!("cases/blacklist.txt")),
    ("remarks", include_str!("cases/remarks.txt")),
    ("moves", include_str!("cases/moves.txt")),
    ("assets", include_str!("cases/assets.txt")),
    ("groups", include_str!("cases/groups.txt")),
    ("rewards", include_str!("cases/rewards.txt")),
    ("resignations", include_str!("cases/resignations.txt")),
    ("council", include_str!("cases/council.txt")),
    ("joystream_storage", include_str!("cases/joystream_storage.txt")),
    ("joystream_objects", include_str!("cases/joystream_objects.txt")),
    ("joystream_distribution", include_str!("cases/joystream_distribution.txt")),
    ("joystream_groups", include_str!("cases/joystream_groups.txt")),
    ("gaps", include_str!("cases/gaps.txt")),
    ("traps", include_str!("cases/traps.txt")),
    ("guide", include_str!("cases/guide.txt")),
    ("guide_example", include_str!("cases/guide_example.txt")),
];

fn run(name: &str) -> World {
    let (name, text) = CASES.iter().find(|(case, _)| *case == name).unwrap();
    let mut world = World::default();
    world.run(name, text);
    world
}

macro_rules! transcripts {
    ($($name:ident)*) => { $(#[test] fn $name() { run(stringify!($name)); })* };
}
transcripts! {
    members storage_buckets storage_operators storage_bags holdings families distribution_buckets
    channels objects placement accounts batch bonds blacklist remarks moves assets groups rewards
    resignations council joystream_storage joystream_objects joystream_distribution
    joystream_groups gaps traps guide
}

#[test]
fn every_reject_is_caused_by_some_line() {
    let mut seen = envelope_rejects();
    for (name, text) in CASES {
        let mut world = World::default();
        world.run(name, text);
        seen.extend(world.rejects_seen());
    }
    let missing: Vec<_> = Reject::ALL.iter().filter(|reject| !seen.contains(reject)).collect();
    assert!(missing.is_empty(), "never caused: {missing:?}");
}

/// Somebody who knows Joystream's tests, or the specification's lists of gaps and traps, finds each of
/// them: a transcript has its name as a heading.
#[test]
fn every_named_test_has_its_transcript() {
    let headings =
        CASES.iter().flat_map(|(_, text)| text.lines().filter_map(|line| line.strip_prefix("## ")));
    let found: Vec<&str> = headings.flat_map(|names| names.split(", ")).collect();
    let lists = [
        // Joystream's storage pallet.
        (include_str!("cases/joystream_names.list"), 224),
        // Joystream's working groups, by what their tests are about.
        (include_str!("cases/joystream_groups.list"), 113),
        // What these leave out, what is easily got wrong, and the examples of the lead's guide.
        (include_str!("cases/gaps_and_traps.list"), 18 + 22 + 3),
    ];
    let mut wanted = BTreeSet::new();
    for (list, count) in lists {
        assert_eq!(list.lines().count(), count);
        wanted.extend(list.lines());
    }
    assert_eq!(wanted.len(), 224 + 113 + 43, "no name is in two lists");
    assert_eq!(found.len(), wanted.len(), "no heading is there twice");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted);
}

/// The example of the lead's guide, literally; its set-up is the transcript.
#[test]
fn the_guides_example_is_placed_as_it_says() {
    let world = run("guide_example");
    let one_of: Vec<DistributionBucketId> = ids(&["0:0", "0:1", "0:2"]);
    let rest: BTreeSet<DistributionBucketId> =
        ids(&["1:1", "1:4", "3:0", "3:1", "3:2"]).into_iter().collect();
    let mut chosen = BTreeSet::new();
    for seed in 0..64 {
        let mut world = world.clone();
        world.begin_block(seed);
        world.run(
            "one more channel",
            "ann: create_channel owner=0 -> ok VoucherChanged DynamicBagCreated ChannelCreated",
        );
        let bag = world.state.bag(&BagId::channel(ChannelId(1))).unwrap();
        let picked: Vec<_> = one_of.iter().filter(|id| bag.distributed_by.contains(id)).collect();
        assert_eq!(picked.len(), 1, "seed {seed}");
        let others: BTreeSet<_> =
            bag.distributed_by.iter().filter(|id| !one_of.contains(id)).copied().collect();
        assert_eq!(others, rest, "seed {seed}");
        chosen.insert(*picked[0]);
    }
    assert_eq!(chosen, one_of.into_iter().collect(), "each of family 0 is chosen by some seed");
}

fn ids(texts: &[&str]) -> Vec<DistributionBucketId> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Buckets of one family are chosen about equally often.
#[test]
fn placement_favours_nobody() {
    let mut world = World::default();
    world.run("setup", "world storage_workers=1\n");
    world.run("setup", "slead: create_storage_bucket accepting size=1000 objects=10 -> ok");
    world.run("setup", "dlead: create_distribution_bucket_family -> ok");
    for _ in 0..10 {
        world.run("setup", "dlead: create_distribution_bucket 0 accepting -> ok");
    }
    world.run("setup", "dlead: update_families_in_dynamic_bag_creation_policy channel families=0:3 -> ok");
    let mut counts = [0_u32; 10];
    for seed in 0..400 {
        let mut world = world.clone();
        world.begin_block(seed);
        world.run("channel", "ann: create_channel owner=0 storage=0 -> ok");
        for id in &world.state.bag(&BagId::channel(ChannelId(1))).unwrap().distributed_by {
            counts[usize::try_from(id.index).unwrap()] += 1;
        }
    }
    // Each is expected 120 times; five standard deviations are about 46.
    assert!(counts.iter().all(|count| (74..=166).contains(count)), "{counts:?}");
}

fn genesis() -> Genesis {
    let account = |byte| AccountId([byte; 32]);
    let worker = |byte| GenesisWorker { member: "ann".into(), role_account: account(byte) };
    let group = |byte| GenesisGroup { workers: vec![worker(byte)], lead: Some(0) };
    Genesis {
        version: GENESIS_VERSION,
        network: "test".into(),
        profile: Profile::Local,
        time_ms: 1_000,
        sequencer: account(9),
        params: Params::local(),
        members: vec![GenesisMember { handle: "ann".into(), account: account(1) }],
        storage_group: group(2),
        distribution_group: group(3),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil::default(),
        balances: vec![],
    }
}

fn create_member(handle: &str) -> Call {
    Call::Membership(MembershipCall::CreateMember { handle: handle.into() })
}

fn payload(state: &State, handle: &str) -> Payload {
    let signer = AccountId([7; 32]);
    let nonce = state.nonce(&signer);
    let call = create_member(handle);
    let (version, genesis) = (TRANSACTION_VERSION, state.genesis());
    Payload { version, genesis, signer, nonce, valid_until_ms: 2_000, tip: 0, call }
}

/// Causes each envelope reject once.
fn envelope_rejects() -> BTreeSet<Reject> {
    let mut state = State::from_genesis(&genesis()).unwrap();
    assert!(state.execute(&payload(&state, "bob")).result.is_ok());
    let good = payload(&state, "cyd");
    let too_long = 1_500 + MAX_TRANSACTION_LIFE_MS + 1;
    let cases = [
        (Payload { version: 9, ..good.clone() }, Reject::UnsupportedVersion),
        (Payload { genesis: [0; 32], ..good.clone() }, Reject::WrongNetwork),
        (Payload { valid_until_ms: 1_499, ..good.clone() }, Reject::Expired),
        (Payload { valid_until_ms: too_long, ..good.clone() }, Reject::ValidTooLong),
        (Payload { nonce: 0, ..good.clone() }, Reject::NonceStale),
        (Payload { nonce: 2, ..good.clone() }, Reject::NonceFuture),
    ];
    let mut seen = BTreeSet::new();
    assert_eq!(state.precheck(&good, 1_500), Ok(()));
    for (payload, reject) in cases {
        assert_eq!(state.precheck(&payload, 1_500), Err(reject));
        seen.insert(reject);
    }
    for scheme in [KeyScheme::Sr25519, KeyScheme::Ed25519] {
        let key = Keypair::from_seed(scheme, &[5; 32]);
        let mut signed = Transaction::sign(&key, state.genesis(), 0, 2_000, create_member("dan"));
        assert_eq!(signed.check_signature(), Ok(()));
        signed.payload.nonce = 1;
        assert_eq!(signed.check_signature(), Err(Reject::BadSignature));
        seen.insert(Reject::BadSignature);
    }
    seen
}

#[test]
fn a_failed_call_still_uses_its_nonce() {
    let mut state = State::from_genesis(&genesis()).unwrap();
    let failing = payload(&state, "NOT A HANDLE");
    assert_eq!(state.dry_run(failing.signer, &failing.call), Err(Reject::InvalidHandle));
    let outcome = state.execute(&failing);
    assert_eq!((outcome.result, outcome.events.len()), (Err(Reject::InvalidHandle), 0));
    assert_eq!(state.nonce(&failing.signer), 1);
    assert_eq!(state.precheck(&failing, 1_500), Err(Reject::NonceStale));
}

/// A tip is paid with the fee, from the same money, whether the call succeeds or not.
#[test]
fn a_tip_is_paid_as_the_fee_is() {
    let mut genesis = genesis();
    genesis.params.transaction_fee = 10;
    let signer = AccountId([7; 32]);
    genesis.balances = vec![GenesisBalance { account: signer, amount: 100, locked: 40 }];
    let mut state = State::from_genesis(&genesis).unwrap();
    let tipped = |state: &State, handle: &str, tip| Payload { tip, ..payload(state, handle) };
    assert_eq!(state.precheck(&tipped(&state, "bob", 91), 1_500), Err(Reject::CannotPayFee));
    assert_eq!(state.precheck(&tipped(&state, "bob", u128::MAX), 1_500), Err(Reject::CannotPayFee));
    let left = |state: &State| (state.account(&signer).free, state.treasury().burned);

    let first = tipped(&state, "bob", 5);
    assert_eq!((state.precheck(&first, 1_500), state.fee(&first)), (Ok(()), 15));
    assert_eq!(state.execute(&first).result, Ok(()));
    assert_eq!(left(&state), (85, 15));
    let mut before = state.clone();
    let failing = tipped(&state, "NOT A HANDLE", 75);
    assert_eq!(state.execute(&failing).result, Err(Reject::InvalidHandle));
    assert_eq!(left(&state), (0, 100), "also out of money that is locked");
    invariants::check_nothing_changed_but_nonce_and_fee(&mut before, &mut state, &failing);
    invariants::check(&mut state);
    let none = payload(&state, "cyd").encode();
    assert_eq!(tipped(&state, "cyd", 63).encode().len(), none.len(), "one byte, as long as it is small");
}

#[test]
fn reject_numbers_and_codes_are_ordered_unique_and_follow_the_names() {
    let mut last = 0;
    for reject in Reject::ALL {
        assert!(reject.number() > last, "{reject:?}");
        last = reject.number();
        assert_eq!(Reject::from_number(last), Some(*reject));
        let mut code = String::new();
        for letter in std::format!("{reject:?}").chars() {
            if letter.is_ascii_uppercase() && !code.is_empty() {
                code.push('_');
            }
            code.push(letter.to_ascii_uppercase());
        }
        assert_eq!(reject.code(), code);
        let text = reject.to_string();
        assert!(!text.ends_with('.') && text.starts_with(|c: char| c.is_lowercase()), "{text}");
        assert_eq!(reject.encode(), last.encode());
        assert_eq!(Reject::decode(&mut &reject.encode()[..]), Ok(*reject));
    }
    assert_eq!(Reject::from_number(0), None);
    assert!(Reject::decode(&mut &[0, 0][..]).is_err());
}

#[test]
fn a_genesis_that_contradicts_itself_is_refused() {
    let refusal = |edit: fn(&mut Genesis)| {
        let mut genesis = genesis();
        edit(&mut genesis);
        State::from_genesis(&genesis).map(drop)
    };
    assert_eq!(refusal(|_| ()), Ok(()));
    assert_eq!(refusal(|g| g.params = Params::mainnet()), Ok(()));
    assert_eq!(refusal(|g| g.version = 2), Err(GenesisError::Version(2)));
    assert_eq!(
        refusal(|g| g.params.max_storage_buckets_per_bag = 0),
        Err(GenesisError::Params("min_storage_buckets_per_bag"))
    );
    assert_eq!(
        refusal(|g| g.params.distribution_buckets_per_bag_limit = 52),
        Err(GenesisError::Params("distribution_buckets_per_bag_limit"))
    );
    assert_eq!(refusal(|g| g.members[0].handle = "A".into()), Err(GenesisError::Handle("A".into())));
    assert_eq!(refusal(|g| g.members.push(g.members[0].clone())), Err(GenesisError::Handle("ann".into())));
    assert_eq!(
        refusal(|g| g.storage_group.workers[0].member = "x".into()),
        Err(GenesisError::Worker("x".into(), WorkingGroup::Storage))
    );
    assert_eq!(
        refusal(|g| g.distribution_group.lead = Some(1)),
        Err(GenesisError::Lead(WorkingGroup::Distribution))
    );
}

#[test]
fn the_root_depends_on_the_network_and_on_every_record() {
    let mut first = State::from_genesis(&genesis()).unwrap();
    let mut second = State::from_genesis(&Genesis { network: "other".into(), ..genesis() }).unwrap();
    assert_ne!(first.root(), second.root());
    let before = first.root();
    first.execute(&payload(&first, "bob"));
    assert_ne!(first.root(), before);
    assert_eq!(first.policy(BagType::Channel).number_of_storage_buckets, 1);
}

#[test]
fn only_a_transactions_own_encoding_is_understood() {
    let key = Keypair::from_seed(KeyScheme::Sr25519, &[5; 32]);
    let signed = Transaction::sign(&key, [1; 32], 0, 2_000, create_member("dan"));
    let bytes = signed.encode();
    assert_eq!(Transaction::decode(&bytes), Ok(signed.clone()));
    assert!(Transaction::decode(&[&bytes[..], &[0]].concat()).is_err());
    assert!(Transaction::decode(&bytes[1..]).is_err());
    let long = Transaction::sign(&key, [1; 32], 0, 2_000, create_member(&"d".repeat(MAX_TRANSACTION_BYTES)));
    assert!(Transaction::decode(&long.encode()).is_err());
    assert_ne!(signed.hash(), long.hash());
}

/// Blocks carry outcomes, so that a follower must be able to read what it did not compute.
#[test]
fn outcomes_of_every_kind_survive_their_encoding() {
    let mut world = run("placement");
    let mut state = world.state.clone();
    let kinds =
        [world.execute(language::account("x"), create_member("x")), state.execute(&payload(&state, "X"))];
    for outcome in kinds {
        assert_eq!(decode_canonical(&outcome.encode()), Ok(outcome));
    }
}
