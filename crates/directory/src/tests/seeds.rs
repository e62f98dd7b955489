//! The kept corpus of the fuzz targets is made of the transcripts: `ARGOSY_WRITE=1 cargo test -p
//! argosy-directory --lib seeds` writes it anew.

use super::{CASES, language::read_call, reference::names_of};
use crate::{
    BatchCall, BatchMode, Call, Transaction,
    audit::{SIGNERS, Step},
};
use argosy_domain::{KeyScheme, Keypair, limits::MAX_DECODE_DEPTH};
use codec::{DecodeLimit, Encode};
use std::{collections::BTreeSet, format, fs, path::PathBuf, string::String, vec::Vec};

/// Most bytes of a seed: short ones are mutated better.
const MAX_SEED_BYTES: usize = 4 * 1024;

/// The calls of a transcript that fit into a transaction.
fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut pause = 0;
    for line in text.lines() {
        let line = line.split(['#', '>']).next().unwrap().trim_end_matches('-').trim();
        if line.starts_with("block") {
            pause = 2;
        }
        let Some((signer, call)) = line.split_once(": ") else { continue };
        let position = SIGNERS.iter().position(|name| *name == signer).unwrap_or(SIGNERS.len() - 1);
        let call = read_call(call);
        if Call::decode_with_depth_limit(MAX_DECODE_DEPTH, &mut &call.encode()[..]).is_ok() {
            steps.push(Step { signer: position.try_into().unwrap(), pause, call });
            pause = 0;
        }
    }
    steps
}

/// Calls that no seed before has, together in one transaction.
fn transaction(calls: Vec<Call>) -> Vec<u8> {
    // Its signatures are the same every time.
    let key = Keypair::from_seed(KeyScheme::Ed25519, &[5; 32]);
    let call = Call::Batch(BatchCall { mode: BatchMode::EachOnItsOwn, calls });
    Transaction::sign(&key, [1; 32], 0, 2_000, call).encode()
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    let mut known = BTreeSet::new();
    for (name, text) in CASES {
        let steps = steps(text);
        let mut bytes = Vec::new();
        for step in &steps {
            if bytes.len() + step.call.encoded_size() < MAX_SEED_BYTES {
                step.write(&mut bytes);
            }
        }
        let mut rest = &bytes[..];
        let read: Vec<Step> = core::iter::from_fn(|| Step::read(&mut rest)).collect();
        assert!(rest.is_empty() && !read.is_empty(), "{name} is read back whole");
        seeds.push((format!("check_apply/{name}"), bytes));
        let small = |step: &&Step| step.call.encoded_size() < 300 && !matches!(step.call, Call::Batch(_));
        let calls = steps.iter().filter(small).map(|step| &step.call);
        let new: Vec<Call> = calls.filter(|call| known.insert(names_of(call))).take(40).cloned().collect();
        if !new.is_empty() {
            seeds.push((format!("decode_transaction/{name}"), transaction(new)));
        }
    }
    seeds
}

#[test]
fn transcripts_make_seeds_for_the_fuzz_targets() {
    let seeds = seeds();
    for (name, bytes) in &seeds {
        assert!(!name.starts_with("decode") || Transaction::decode(bytes).is_ok(), "{name}");
    }
    assert!(seeds.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < 200 * 1024);
    if std::env::var_os("ARGOSY_WRITE").is_some() {
        let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
        for (name, bytes) in seeds {
            let path = corpus.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}
