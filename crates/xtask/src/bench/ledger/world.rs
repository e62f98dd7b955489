//! A small network whose owners upload, and their signed transactions.

use super::SUBMITTERS;
use crate::directory_log::content;
use anyhow::{Context as _, Result};
use argosy_directory::{
    Call, ContentCall, Genesis, Params, Profile, State, StorageCall, Transaction,
    call::{ObjectCreation, ObjectsUpload},
    genesis::{GENESIS_VERSION, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
};
use argosy_domain::{BagId, ChannelId, KeyScheme, Keypair, MemberId, StorageBucketId, WorkerId, num::to_u64};
use argosy_ledger::Engine;
use codec::Encode as _;
use std::{
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

/// Threads that sign.
const SIGNERS: usize = 2;
const GENESIS_MS: u64 = 1_700_000_000_000;
/// From signing on, in milliseconds.
const LIFE_MS: u64 = 60 * 60 * 1_000;

/// Owners of a channel each, and a lead who is the only storage operator.
pub(super) struct World {
    pub(super) genesis: Genesis,
    pub(super) sequencer: Keypair,
    lead: Keypair,
    owners: Vec<Owner>,
}

struct Owner {
    key: Keypair,
    number: u64,
    next_nonce: u64,
}

fn key(kind: u8, number: u64) -> Keypair {
    let mut seed = [kind; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    Keypair::from_seed(KeyScheme::Sr25519, &seed)
}

impl World {
    pub(super) fn new() -> Self {
        let owner = |number| Owner { key: key(b'o', number), number, next_nonce: 0 };
        let owners: Vec<_> = (0..to_u64(SUBMITTERS)).map(owner).collect();
        let (sequencer, lead) = (key(b's', 0), key(b'l', 0));
        let member = |handle: String, key: &Keypair| GenesisMember { handle, account: key.account() };
        let mut members: Vec<_> =
            owners.iter().map(|owner| member(format!("owner-{}", owner.number), &owner.key)).collect();
        members.push(member("lead".to_owned(), &lead));
        let worker = GenesisWorker { member: "lead".to_owned(), role_account: lead.account() };
        let genesis = Genesis {
            version: GENESIS_VERSION,
            network: "bench-ledger".to_owned(),
            profile: Profile::Local,
            time_ms: GENESIS_MS,
            sequencer: sequencer.account(),
            params: Params::local(),
            members,
            storage_group: GenesisGroup { workers: vec![worker], lead: Some(0) },
            distribution_group: GenesisGroup::default(),
            attestation_group: GenesisGroup::default(),
            council: GenesisCouncil::default(),
            balances: Vec::new(),
        };
        Self { genesis, sequencer, lead, owners }
    }

    /// A bucket, and a channel for each owner.
    pub(super) async fn set_up(&self, engine: &Engine) -> Result<()> {
        let hash = self.genesis.hash();
        let (worker, bucket) = (WorkerId(0), StorageBucketId(0));
        let calls = [
            StorageCall::CreateStorageBucket {
                invite_worker: Some(worker),
                accepting_new_bags: true,
                size_limit: 1 << 50,
                objects_limit: 1 << 32,
            },
            StorageCall::AcceptStorageBucketInvitation { worker, bucket, transactor: self.lead.account() },
        ];
        for (nonce, call) in (0..).zip(calls) {
            submit(engine, &Transaction::sign(&self.lead, hash, nonce, until()?, Call::Storage(call)))
                .await?;
        }
        for owner in &self.owners {
            let call = ContentCall::CreateChannel {
                owner: MemberId(owner.number),
                upload: ObjectsUpload::default(),
                storage_buckets: None,
                distribution_buckets: None,
            };
            submit(engine, &Transaction::sign(&owner.key, hash, 0, until()?, Call::Content(call))).await?;
        }
        Ok(())
    }

    /// The next `each` uploads of one object, of each owner.
    pub(super) fn sign(&self, each: usize) -> Result<Vec<Vec<Vec<u8>>>> {
        let (hash, until) = (self.genesis.hash(), until()?);
        thread::scope(|scope| {
            let parts = self.owners.chunks(SUBMITTERS / SIGNERS);
            let signers: Vec<_> = parts
                .map(|owners| {
                    scope.spawn(move || {
                        owners.iter().map(|owner| owner.uploads(hash, until, each)).collect::<Vec<_>>()
                    })
                })
                .collect();
            let mut all = Vec::new();
            for signer in signers {
                all.extend(signer.join().ok().context("a signer panicked")?);
            }
            Ok(all)
        })
    }

    /// Goes on from the nonces that are next.
    pub(super) fn catch_up(&mut self, state: &State) {
        for owner in &mut self.owners {
            owner.next_nonce = state.nonce(&owner.key.account());
        }
    }

    pub(super) fn bytes_of_one(&self) -> usize {
        let owner = &self.owners[0];
        owner.uploads(self.genesis.hash(), GENESIS_MS, 1).first().map_or(0, Vec::len)
    }
}

impl Owner {
    fn uploads(&self, genesis: [u8; 32], until_ms: u64, count: usize) -> Vec<Vec<u8>> {
        let sign = |nonce: u64| {
            let content = content(self.number << 32 | nonce).to_string().into_bytes();
            let creation = ObjectCreation { size: 1_000_000 + nonce, ipfs_content_id: content };
            let upload = ObjectsUpload { object_creation_list: vec![creation], ..ObjectsUpload::default() };
            let bag = BagId::channel(ChannelId(self.number + 1));
            let call = Call::Content(ContentCall::UploadDataObjects { bag, upload });
            Transaction::sign(&self.key, genesis, nonce, until_ms, call).encode()
        };
        (self.next_nonce..).take(count).map(sign).collect()
    }
}

async fn submit(engine: &Engine, transaction: &Transaction) -> Result<()> {
    engine.submit(transaction.encode()).await?.outcome.result.context("setting the network up")
}

fn until() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())? + LIFE_MS)
}
