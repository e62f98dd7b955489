//! Who signed what: recent transactions by account, and all of the groups' leads.
//!
//! Kept in memory and filled from the blocks, from the first to the newest, a batch at a time beside
//! everything else. The read model answers what is too old for it.

use crate::feed::{Feed, Found};
use argosy_api::directory::query::Place;
use argosy_directory::{Event, Genesis, GenesisError, State, state::WORKING_GROUPS};
use argosy_domain::{AccountId, WorkerId, WorkingGroup};
use argosy_http::Shutdown;
use argosy_ledger::{Block, block::transaction_hash};
use codec::Decode;
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Transactions remembered by account; the oldest are forgotten first.
pub(crate) const MAX_BY_ACCOUNT: usize = 1 << 18;
/// Transactions remembered of the leads of one group.
pub(crate) const MAX_BY_LEAD: usize = 1 << 16;

/// Shared by the task that fills it and those who ask.
#[derive(Clone)]
pub(crate) struct Index(Arc<Mutex<Inner>>);

struct Inner {
    leads: Leads,
    by_account: HashMap<AccountId, VecDeque<Place>>,
    /// Whose turn it is to be forgotten.
    order: VecDeque<AccountId>,
    by_lead: BTreeMap<WorkingGroup, VecDeque<Place>>,
    /// Beginnings of the hashes of what is in `by_lead`.
    lead_hashes: HashSet<u64>,
    coverage: Coverage,
}

/// Which blocks were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub(crate) first: u64,
    /// The block after the last one.
    pub(crate) next: u64,
    /// Blocks were missing, or a lead's oldest transactions were forgotten.
    pub(crate) truncated: bool,
}

/// Who leads which group, and who signs for whom: as of the last event that was looked at.
struct Leads {
    role_accounts: BTreeMap<(WorkingGroup, WorkerId), AccountId>,
    leads: BTreeMap<WorkingGroup, WorkerId>,
}

impl Leads {
    fn new(genesis: &Genesis) -> Result<Self, GenesisError> {
        let state = State::from_genesis(genesis)?;
        let workers = WORKING_GROUPS.into_iter().flat_map(|group| {
            state.workers(group).map(move |(id, worker)| ((group, id), worker.role_account))
        });
        let leads = WORKING_GROUPS.into_iter().filter_map(|group| Some((group, state.lead(group)?)));
        Ok(Self { role_accounts: workers.collect(), leads: leads.collect() })
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most events change no lead")]
    fn follow(&mut self, event: &Event) {
        match *event {
            Event::WorkerHired { group, worker, role_account: account, .. }
            | Event::WorkerRoleAccountUpdated { group, worker, account } => {
                self.role_accounts.insert((group, worker), account);
            }
            Event::WorkerExited { group, worker }
            | Event::TerminatedWorker { group, worker }
            | Event::TerminatedLeader { group, worker } => {
                self.role_accounts.remove(&(group, worker));
            }
            Event::LeaderSet { group, worker } => {
                self.leads.insert(group, worker);
            }
            Event::LeaderUnset { group } => {
                self.leads.remove(&group);
            }
            _ => {}
        }
    }

    /// Groups that are led with this account.
    fn led_by(&self, account: AccountId) -> impl Iterator<Item = WorkingGroup> {
        let signs = move |group: &WorkingGroup, lead: &WorkerId| {
            self.role_accounts.get(&(*group, *lead)) == Some(&account)
        };
        self.leads.iter().filter(move |(group, lead)| signs(group, lead)).map(|(group, _)| *group)
    }
}

impl Index {
    /// Empty, as of the genesis.
    pub(crate) fn new(genesis: &Genesis) -> Result<Self, GenesisError> {
        Ok(Self(Arc::new(Mutex::new(Inner {
            leads: Leads::new(genesis)?,
            by_account: HashMap::new(),
            order: VecDeque::new(),
            by_lead: BTreeMap::new(),
            lead_hashes: HashSet::new(),
            coverage: Coverage { first: 1, next: 1, truncated: false },
        }))))
    }

    /// Looks at all blocks in order, then at each new one, until the node stops.
    pub(crate) async fn run(self, feed: Feed, shutdown: Shutdown) {
        let mut newest = feed.newest();
        loop {
            let next = self.coverage().next;
            if *newest.borrow_and_update() < next {
                tokio::select! {
                    changed = newest.changed() => if changed.is_err() { return },
                    () = shutdown.triggered() => return,
                }
                continue;
            }
            let blocks = match feed.blocks(next).await {
                Ok(Found::Recent(blocks) | Found::Old(blocks)) => blocks,
                Err(error) => {
                    tracing::error!(%error, height = next, "old blocks are left out of the leads' record");
                    Vec::new()
                }
            };
            if blocks.is_empty() {
                self.lock().skip_to(feed.first_recent().max(next.saturating_add(1)));
            }
            for block in &blocks {
                self.lock().add(block);
            }
            if shutdown.is_triggered() {
                return;
            }
            // A long past must not hold up those who ask.
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn coverage(&self) -> Coverage {
        self.lock().coverage
    }

    /// Places of an account's newest transactions, the newest first, from `from` down.
    pub(crate) fn of_account(&self, account: &AccountId, from: Option<Place>, limit: usize) -> Vec<Place> {
        let inner = self.lock();
        let places = inner.by_account.get(account).into_iter().flatten().rev();
        places.filter(|place| from.is_none_or(|from| **place <= from)).take(limit).copied().collect()
    }

    /// Places of the transactions of a group's leads, ascending, from one to a height.
    pub(crate) fn of_lead(&self, group: WorkingGroup, from: Place, to: u64, limit: usize) -> Vec<Place> {
        let inner = self.lock();
        let places = inner.by_lead.get(&group).into_iter().flatten();
        let wanted = places.filter(|place| **place >= from && place.height <= to);
        wanted.take(limit).copied().collect()
    }

    /// Whether a lead's transaction is in a block.
    pub(crate) fn has_of_lead(&self, hash: &[u8; 32]) -> bool {
        self.lock().lead_hashes.contains(&beginning(hash))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn add(&mut self, block: &Block) {
        let height = block.header.height;
        for event in &block.block_events {
            self.leads.follow(event);
        }
        for (index, (bytes, outcome)) in (0..).zip(block.transactions.iter().zip(&block.outcomes)) {
            if let Some(signer) = signer(bytes) {
                self.remember(signer, Place { height, index }, bytes);
            }
            for event in &outcome.events {
                self.leads.follow(event);
            }
        }
        self.coverage.next = height.saturating_add(1);
    }

    fn remember(&mut self, signer: AccountId, place: Place, bytes: &[u8]) {
        if self.order.len() >= MAX_BY_ACCOUNT
            && let Some(oldest) = self.order.pop_front()
            && let Some(places) = self.by_account.get_mut(&oldest)
        {
            places.pop_front();
            if places.is_empty() {
                self.by_account.remove(&oldest);
            }
        }
        self.order.push_back(signer);
        self.by_account.entry(signer).or_default().push_back(place);
        let groups: Vec<_> = self.leads.led_by(signer).collect();
        for group in groups {
            self.lead_hashes.insert(beginning(&transaction_hash(bytes)));
            let places = self.by_lead.entry(group).or_default();
            places.push_back(place);
            if places.len() > MAX_BY_LEAD {
                places.pop_front();
                self.coverage.truncated = true;
            }
        }
    }

    /// Blocks below are not to be had. Who leads is known again with the next change of leads.
    fn skip_to(&mut self, height: u64) {
        self.coverage = Coverage { first: height, next: height, truncated: true };
    }
}

/// Eight bytes of a hash tell a lead's transactions apart.
fn beginning(hash: &[u8; 32]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    u64::from_le_bytes(first)
}

/// Who signed an encoded transaction, without decoding the rest of it: version, genesis and signer are
/// its first fields.
fn signer(bytes: &[u8]) -> Option<AccountId> {
    let mut input = bytes;
    let (_, _, signer) = <(u8, [u8; 32], AccountId)>::decode(&mut input).ok()?;
    Some(signer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_directory::{Call, MembershipCall, Transaction};
    use argosy_domain::{KeyScheme, Keypair};
    use codec::Encode;

    #[test]
    fn the_signer_is_read_without_the_rest() {
        let key = Keypair::from_uri(KeyScheme::Sr25519, "//Alice").unwrap();
        let call = Call::Membership(MembershipCall::RemoveStakingAccount);
        let bytes = Transaction::sign(&key, [7; 32], 3, 9, call).encode();
        assert_eq!(signer(&bytes), Some(key.account()));
        assert_eq!(signer(&bytes[..60]), None);
    }
}
