//! The flood: a process of its own, with some connections for each kind of junk.

use super::{Counts, LEAD, PATH, code, genesis, key, nonce, now_ms};
use crate::bench::{http::Connection, rest};
use anyhow::{Context as _, Result, ensure};
use argosy_directory::{Call, MembershipCall, Payload, Transaction, transaction::TRANSACTION_VERSION};
use argosy_domain::{AccountId, Keypair, Signature, limits::MAX_TRANSACTION_BYTES, num::to_u64};
use codec::Encode as _;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Signatures that are well made, but of something else.
const SIGNATURES: usize = 64;
/// Transactions that are in blocks already.
const REPLAYED: u64 = 64;
/// Accounts that send nonces ahead of time.
const AHEAD_ACCOUNTS: u64 = 256;
/// The nonces that they send, from 1 on.
const AHEAD_NONCES: u64 = 16;
/// An answer that takes longer is not waited for: what is ahead of its time may wait for a minute.
const PATIENCE: Duration = Duration::from_millis(300);

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// In the lead's name, with a nonce that is due, signed by somebody else.
    Forged,
    /// With a tip that the account does not have.
    Unpayable,
    /// In a block already.
    Replayed,
    /// Well signed, with a nonce that is not due.
    Ahead,
    /// Longer than a transaction may be.
    Oversized,
}

const KINDS: [Kind; 5] = [Kind::Forged, Kind::Unpayable, Kind::Replayed, Kind::Ahead, Kind::Oversized];

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Forged => "forged in the lead's name",
            Self::Unpayable => "unpayable",
            Self::Replayed => "replayed",
            Self::Ahead => "ahead of its nonce",
            Self::Oversized => "oversized",
        }
    }
}

/// What junk is made of.
struct Quarry {
    genesis: [u8; 32],
    until_ms: u64,
    lead: AccountId,
    lead_nonce: AtomicU64,
    signatures: Vec<Signature>,
    replayed: Vec<Vec<u8>>,
    ahead: Vec<Vec<u8>>,
    oversized: Vec<u8>,
    next: AtomicU64,
}

/// Floods `directory` and writes what it answered to standard output, as JSON.
pub(in crate::bench) fn run(directory: &str, seconds: u64, connections: usize) -> Result<()> {
    let quarry = Quarry::new(directory)?;
    let stop = AtomicBool::new(false);
    let counts = thread::scope(|scope| -> Result<Counts> {
        let (quarry, stop) = (&quarry, &stop);
        let mut senders = Vec::new();
        for kind in KINDS {
            for _ in 0..connections {
                senders.push((kind, scope.spawn(move || send(directory, quarry, kind, stop))));
            }
        }
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            quarry.lead_nonce.store(nonce(directory, &quarry.lead)?, Ordering::Relaxed);
            rest(PATIENCE);
        }
        stop.store(true, Ordering::Relaxed);
        let mut counts = Counts::new();
        for (kind, sender) in senders {
            let of_kind = counts.entry(kind.name().to_owned()).or_default();
            for (code, count) in sender.join().ok().context("a sender panicked")?? {
                *of_kind.entry(code).or_default() += count;
            }
        }
        Ok(counts)
    })?;
    #[expect(clippy::print_stdout, reason = "the process that started this one reads it")]
    {
        println!("{}", serde_json::to_string(&counts)?);
    }
    Ok(())
}

fn send(directory: &str, quarry: &Quarry, kind: Kind, stop: &AtomicBool) -> Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    let mut connection = None;
    while !stop.load(Ordering::Relaxed) {
        let bytes = quarry.dig(kind);
        let open = match connection.take() {
            Some(open) => Ok(open),
            None => Connection::open(directory),
        };
        let answer = open.and_then(|mut open| {
            open.set_patience(PATIENCE)?;
            let answer = open.post(PATH, &bytes)?;
            connection = Some(open);
            Ok(format!("{} {}", answer.status, code(&answer.body)))
        });
        *counts.entry(answer.unwrap_or_else(|_| "none, or not in time".to_owned())).or_default() += 1;
    }
    Ok(counts)
}

impl Quarry {
    fn new(directory: &str) -> Result<Self> {
        let genesis = genesis(directory)?;
        let until_ms = now_ms()? + 60 * 60 * 1_000;
        let lead = key(LEAD)?.account();
        let forger = key("//forger")?;
        let signatures = (0..SIGNATURES).map(|n| forger.sign(&n.to_le_bytes())).collect();
        let member = |handle: String| Call::Membership(MembershipCall::CreateMember { handle });
        let sign = |key: &Keypair, nonce, handle: String| {
            Transaction::sign(key, genesis, nonce, until_ms, member(handle)).encode()
        };
        let mut replayed = Vec::new();
        let mut connection = Connection::open(directory)?;
        for n in 0..REPLAYED {
            let bytes = sign(&key(&format!("//replayed//{n}"))?, 0, format!("replayed-{n}"));
            let answer = connection.post(PATH, &bytes)?;
            ensure!(answer.status == 200, "{}", String::from_utf8_lossy(&answer.body));
            replayed.push(bytes);
        }
        let mut ahead = Vec::new();
        for n in 0..AHEAD_ACCOUNTS {
            let key = key(&format!("//ahead//{n}"))?;
            ahead.extend((1..=AHEAD_NONCES).map(|nonce| sign(&key, nonce, format!("ahead-{n}-{nonce}"))));
        }
        let lead_nonce = AtomicU64::new(nonce(directory, &lead)?);
        let oversized = vec![1; MAX_TRANSACTION_BYTES + 4_096];
        let next = AtomicU64::new(0);
        Ok(Self { genesis, until_ms, lead, lead_nonce, signatures, replayed, ahead, oversized, next })
    }

    fn dig(&self, kind: Kind) -> Vec<u8> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let pick = |list: &[Vec<u8>]| list[usize::try_from(n % to_u64(list.len())).unwrap_or(0)].clone();
        match kind {
            Kind::Forged => {
                let nonce = self.lead_nonce.load(Ordering::Relaxed) + n % 32;
                self.unsigned(n, self.lead, nonce, 0)
            }
            Kind::Unpayable => {
                let mut account = [b'u'; 32];
                account[..8].copy_from_slice(&n.to_le_bytes());
                self.unsigned(n, AccountId(account), 0, 1)
            }
            Kind::Replayed => pick(&self.replayed),
            Kind::Ahead => pick(&self.ahead),
            Kind::Oversized => self.oversized.clone(),
        }
    }

    /// Each different, and signed by somebody else.
    fn unsigned(&self, n: u64, signer: AccountId, nonce: u64, tip: u128) -> Vec<u8> {
        let call = Call::Membership(MembershipCall::CreateMember { handle: format!("junk-{n}") });
        let payload = Payload {
            version: TRANSACTION_VERSION,
            genesis: self.genesis,
            signer,
            nonce,
            valid_until_ms: self.until_ms,
            tip,
            call,
        };
        let at = usize::try_from(n % to_u64(SIGNATURES)).unwrap_or(0);
        Transaction { payload, signature: self.signatures[at] }.encode()
    }
}
