//! Asks endpoints for the proof that the node of the worker who names them is there, before anybody asks them
//! for anything else; and gives this proof to those who ask.
//!
//! When what may be asked is decided by [`argosy_node_core::proof::Proofs`]; this carries it out. All parts
//! of a node that ask others share one [`RoleProofs`].

mod answer;
mod ask;
mod view;

pub use answer::Prover;

use crate::follower::{BlockChanges, Follower};
use argosy_directory::Profile;
use argosy_domain::{WorkerId, WorkingGroup};
use argosy_http::{Client, Shutdown};
use argosy_node_core::{
    follow::{Index, IndexChange},
    proof::{Outcome, ProofBounds, Proofs, Subject, Trouble, Verdict, Worker},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{
        broadcast::{
            Receiver,
            error::{RecvError, TryRecvError},
        },
        watch,
    },
    task::JoinSet,
    time::Instant,
};

/// Challenges that nobody waits for, under way at once.
const MAX_AHEAD: usize = 16;
/// Challenges under way at once, those that somebody waits for included.
const MAX_UNDER_WAY: usize = 64;
/// Longest wait for the outcome of a challenge.
const WAIT: Duration = Duration::from_secs(6);
/// What the directory names is looked at anew at least this often: a change may have had to wait.
const LOOK: Duration = Duration::from_secs(60);
/// Shortest time between two looks for what is due.
const PAUSE: Duration = Duration::from_millis(10);

/// Which endpoints have proved whose node they are. Clones share what they know.
#[derive(Clone)]
pub struct RoleProofs {
    inner: Arc<Inner>,
}

struct Inner {
    follower: Follower,
    client: Client,
    /// Groups whose endpoints are asked before anybody needs them.
    groups: Vec<WorkingGroup>,
    state: Mutex<Proofs>,
    /// Told whenever a challenge has ended.
    ended: watch::Sender<u64>,
    tasks: Mutex<JoinSet<()>>,
    started: Instant,
    given: AtomicU64,
    failed: AtomicU64,
}

impl fmt::Debug for RoleProofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleProofs").field("groups", &self.inner.groups).finish_non_exhaustive()
    }
}

impl RoleProofs {
    /// Nothing is proven yet. `client` must guard against addresses that strangers name; `groups` are those
    /// whose workers' endpoints this node asks.
    #[must_use]
    pub fn new(follower: Follower, client: Client, groups: &[WorkingGroup]) -> Self {
        let bounds = match follower.genesis().profile {
            Profile::Local => ProofBounds::LOCAL,
            Profile::Mainnet => ProofBounds::STRANGERS,
        };
        Self::with_bounds(follower, client, groups, bounds)
    }

    /// The same, with bounds of a test's own.
    #[must_use]
    pub fn with_bounds(
        follower: Follower,
        client: Client,
        groups: &[WorkingGroup],
        bounds: ProofBounds,
    ) -> Self {
        let inner = Inner {
            follower,
            client,
            groups: groups.to_vec(),
            state: Mutex::new(Proofs::new(bounds, fastrand::u64(..))),
            ended: watch::Sender::new(0),
            tasks: Mutex::default(),
            started: Instant::now(),
            given: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether this endpoint of a worker may be asked for something. Where it is not known yet, it is asked
    /// for its proof, and the answer waited for: at most a few seconds.
    pub async fn is_proven(&self, group: WorkingGroup, worker: WorkerId, endpoint: &str) -> bool {
        let subject = Subject { worker: (group, worker), endpoint: endpoint.to_owned() };
        let waited = async {
            let mut looked = false;
            loop {
                let mut ended = self.inner.ended.subscribe();
                let verdict = self.inner.state().wanted(self.inner.now_ms(), &subject);
                match verdict {
                    Verdict::Proven => return true,
                    Verdict::No => return false,
                    Verdict::Unknown if looked => return false,
                    Verdict::Unknown => {
                        looked = true;
                        self.inner.look_at(subject.worker);
                        continue;
                    }
                    Verdict::Ask => self.begin(subject.clone()),
                    Verdict::Asked => {}
                }
                if ended.changed().await.is_err() {
                    return false;
                }
            }
        };
        tokio::time::timeout(WAIT, waited).await.unwrap_or(false)
    }

    /// Whether it may be asked at once.
    #[must_use]
    pub fn is_proven_now(&self, group: WorkingGroup, worker: WorkerId, endpoint: &str) -> bool {
        let subject = Subject { worker: (group, worker), endpoint: endpoint.to_owned() };
        self.inner.state().is_proven(self.inner.now_ms(), &subject)
    }

    /// Proves ahead what the directory names, and renews what is proven, until `shutdown`.
    pub async fn run(self, shutdown: Shutdown) {
        let mut changes = self.inner.follower.changes();
        self.inner.look_at_all();
        let mut look_at = Instant::now() + LOOK;
        loop {
            let mut ended = self.inner.ended.subscribe();
            self.begin_ahead();
            let now_ms = self.inner.now_ms();
            let next = self.inner.state().next_ms(now_ms).map(|next| next.saturating_sub(now_ms));
            let next = Instant::now() + next.map_or(LOOK, |ms| Duration::from_millis(ms).min(LOOK));
            tokio::select! {
                () = shutdown.triggered() => break,
                () = tokio::time::sleep_until(next.min(look_at)) => {}
                _ = ended.changed() => {}
                block = changes.recv() => match block {
                    // With all that came since: the list is looked at once.
                    Ok(block) => if matters(&block) | rest_matters(&mut changes) { self.inner.look_at_all() },
                    Err(RecvError::Lagged(_)) => self.inner.look_at_all(),
                    // The follower lives as long as the node does.
                    Err(RecvError::Closed) => break,
                },
            }
            if Instant::now() >= look_at {
                self.inner.look_at_all();
                look_at = Instant::now() + LOOK;
            }
            // Outcomes and blocks come in swarms.
            tokio::select! {
                () = shutdown.triggered() => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        let mut tasks = std::mem::take(&mut *self.inner.tasks());
        tasks.shutdown().await;
    }

    /// Challenges what is due.
    fn begin_ahead(&self) {
        let room = MAX_AHEAD.saturating_sub(self.inner.under_way());
        let due = self.inner.state().due(self.inner.now_ms(), room);
        for subject in due {
            self.begin(subject);
        }
    }

    /// Challenges an endpoint that counts as asked.
    fn begin(&self, subject: Subject) {
        if self.inner.under_way() >= MAX_UNDER_WAY {
            // Nothing was sent; whoever wants it is told that this is so now.
            return self.inner.end(&subject, Outcome::Failed(Trouble::Silent));
        }
        let inner = Arc::clone(&self.inner);
        self.inner.tasks().spawn(async move {
            let outcome = ask::challenge(&inner.client, &inner.follower, &subject).await;
            inner.end(&subject, outcome);
        });
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, Proofs> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn under_way(&self) -> usize {
        let mut tasks = self.tasks();
        while tasks.try_join_next().is_some() {}
        tasks.len()
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn end(&self, subject: &Subject, outcome: Outcome) {
        let counter = if outcome == Outcome::Proven { &self.given } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        self.state().ended(self.now_ms(), subject, outcome);
        self.ended.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Learns what one worker names.
    fn look_at(&self, worker: Worker) {
        let named = self.follower.with_index(|index| endpoints_of(index, worker));
        self.state().named(self.now_ms(), worker, &named);
    }

    /// Learns what all workers of the groups name.
    fn look_at_all(&self) {
        let mut named = self.follower.with_index(|index| all_named(index, &self.groups));
        let mut state = self.state();
        for gone in state.workers() {
            named.entry(gone).or_default();
        }
        for (worker, endpoints) in named {
            state.named(self.now_ms(), worker, &endpoints);
        }
    }
}

/// Whether a block changes what workers name.
fn matters(block: &BlockChanges) -> bool {
    block.changes.iter().any(|change| match change {
        IndexChange::StorageBucketChanged { .. } | IndexChange::DistributionBucketChanged { .. } => true,
        IndexChange::ObjectDeclared { .. }
        | IndexChange::ObjectAccepted { .. }
        | IndexChange::ObjectDeleted { .. }
        | IndexChange::BagCreated { .. }
        | IndexChange::BagDeleted { .. }
        | IndexChange::BagBucketsChanged { .. }
        | IndexChange::HoldingsReported { .. }
        | IndexChange::BagPrivacyChanged { .. }
        | IndexChange::BlacklistChanged => false,
    })
}

/// The same of all blocks that wait; of those that were missed nobody knows.
fn rest_matters(changes: &mut Receiver<Arc<BlockChanges>>) -> bool {
    let mut any = false;
    loop {
        match changes.try_recv() {
            Ok(block) => any |= matters(&block),
            Err(TryRecvError::Lagged(_)) => any = true,
            Err(TryRecvError::Empty | TryRecvError::Closed) => return any,
        }
    }
}

/// What a worker names.
fn endpoints_of(index: &Index, worker: Worker) -> BTreeSet<String> {
    all_named(index, &[worker.0]).remove(&worker).unwrap_or_default()
}

/// What the workers of some groups name.
fn all_named(index: &Index, groups: &[WorkingGroup]) -> BTreeMap<Worker, BTreeSet<String>> {
    let mut named: BTreeMap<Worker, BTreeSet<String>> = BTreeMap::new();
    let mut add = |group, worker, endpoint: &Option<String>| {
        if let Some(endpoint) = endpoint {
            named.entry((group, worker)).or_default().insert(endpoint.clone());
        }
    };
    if groups.contains(&WorkingGroup::Storage) {
        for (_, entry) in index.storage_buckets() {
            if let Some(operator) = &entry.operator {
                add(WorkingGroup::Storage, operator.worker, &entry.endpoint);
            }
        }
    }
    if groups.contains(&WorkingGroup::Distribution) {
        for (_, entry) in index.distribution_buckets() {
            for (worker, endpoint) in &entry.operators {
                add(WorkingGroup::Distribution, *worker, endpoint);
            }
        }
    }
    named
}
