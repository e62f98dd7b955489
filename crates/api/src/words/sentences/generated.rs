//! Sentences of calls and events that nobody thought of.

use super::{MAX_SENTENCE_CHARS, sentence_of_call, sentence_of_event};
use argosy_directory::{
    BlockContext, Call, Event, Genesis, Params, Profile, State,
    audit::{SIGNERS, account, payload, random_call},
    genesis::{GENESIS_VERSION, GenesisBalance, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
};
use argosy_domain::limits::MAX_DECODE_DEPTH;
use codec::DecodeLimit;
use std::collections::BTreeSet;

/// Fields of any call or event fit in so many bytes, if lists are short.
const MESSAGE_BYTES: usize = 600;
/// Tries for each kind. A kind that holds the number of a reject takes some hundreds.
const TRIES: usize = 4_000;

#[track_caller]
fn check(text: &str) {
    assert!(!text.is_empty() && text.chars().count() <= MAX_SENTENCE_CHARS, "{text}");
    assert!(!text.contains(char::is_control), "{text:?}");
    assert_eq!(crate::text::shortened(text, MAX_SENTENCE_CHARS), text, "something is invisible");
    assert!(!text.ends_with(['.', ' ']), "{text}");
}

/// Random bytes, most of them small: so that lists are short, and texts are full of control characters.
fn message(random: &mut fastrand::Rng, start: &[u8]) -> Vec<u8> {
    let mut bytes = start.to_vec();
    let most = random.choice([1_u8, 4, 16, 64, 128]).unwrap_or(1);
    bytes.resize_with(MESSAGE_BYTES, || random.u8(..most));
    bytes
}

/// Which kinds, by the first bytes of their encoding, could be decoded and were told.
fn told<T: DecodeLimit>(
    starts: impl Iterator<Item = Vec<u8>>,
    sentence: impl Fn(&T) -> String,
) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    for start in starts {
        let mut random =
            fastrand::Rng::with_seed(start.iter().fold(7, |seed, byte| seed * 256 + u64::from(*byte)));
        for _ in 0..TRIES {
            let bytes = message(&mut random, &start);
            if let Ok(value) = T::decode_with_depth_limit(MAX_DECODE_DEPTH, &mut bytes.as_slice()) {
                check(&sentence(&value));
                found.insert(start.clone());
            }
        }
    }
    found
}

#[test]
fn every_event_of_any_content_is_told_in_one_line() {
    let found = told((0..=u8::MAX).map(|kind| vec![kind]), |event: &Event| sentence_of_event(event));
    let kinds: Vec<u8> = found.iter().flatten().copied().collect();
    let expected: Vec<u8> = (0..=u8::MAX).take(kinds.len()).collect();
    assert_eq!(kinds, expected, "some kinds were never decoded");
    assert!(kinds.len() >= 100, "fewer kinds than there were");
}

#[test]
fn every_call_of_any_content_is_told_in_one_line() {
    // Group calls begin with their group.
    let starts = (0..8_u8).flat_map(|module| {
        (0..24_u8).map(move |kind| if module == 4 { vec![module, 1, kind] } else { vec![module, kind] })
    });
    let found = told(starts, |call: &Call| sentence_of_call(call));
    let of = |module: u8| found.iter().filter(|start| start.first() == Some(&module)).count();
    assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(of), [4, 13, 22, 18, 18, 3, 1, 2]);
}

fn genesis() -> Genesis {
    let worker = |name: &&str| GenesisWorker { member: "staff".into(), role_account: account(name) };
    let group = |names: &[&str]| GenesisGroup { workers: names.iter().map(worker).collect(), lead: Some(0) };
    let member = |name: &str| GenesisMember { handle: name.into(), account: account(name) };
    let balance = |name: &str| GenesisBalance { account: account(name), amount: 100_000, locked: 0 };
    Genesis {
        version: GENESIS_VERSION,
        network: "random".into(),
        profile: Profile::Local,
        time_ms: 0,
        sequencer: account("sequencer"),
        params: Params { reward_period_ms: 3_000, data_object_state_bloat_bond: 5, ..Params::local() },
        members: ["ann", "bob", "staff"].map(member).into(),
        storage_group: group(&["slead", "s1", "s2", "s3"]),
        distribution_group: group(&["dlead", "d1", "d2", "d3"]),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil { keys: [account("c1"), account("c2")].into(), threshold: 1 },
        balances: SIGNERS.map(balance).into(),
    }
}

#[test]
fn what_happens_in_a_random_network_is_told_in_one_line() {
    let mut state = State::from_genesis(&genesis()).unwrap();
    let mut kinds = BTreeSet::new();
    for seed in 0..6_000_u64 {
        let mut events = Vec::new();
        if seed % 4 == 0 {
            let height = state.at().height + 1;
            let at = BlockContext { height, time_ms: height * 1_000, randomness: [7; 32] };
            events = state.begin_block(&at);
        }
        let (signer, call) = random_call(&state, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        check(&sentence_of_call(&call));
        let payload = payload(&state, signer, call);
        if state.precheck(&payload, state.at().time_ms).is_ok() {
            events.extend(state.execute(&payload).events);
        }
        for event in &events {
            check(&sentence_of_event(event));
            kinds.insert(crate::words::event_kind(event));
        }
    }
    assert!(kinds.len() > 50, "only {kinds:?} happened");
}
