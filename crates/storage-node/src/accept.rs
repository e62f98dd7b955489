//! Tells the directory what this node has taken in: acceptances, batched, never forgotten.
//!
//! An object that is complete and not yet accepted stays on the list until the directory has accepted
//! or deleted it. The list is not stored: after a restart it is made again from the store and the index.

use crate::node::Node;
use argosy_api::client::SubmitError;
use argosy_directory::{Call, StorageCall};
use argosy_domain::{
    AccountId, BagId, DataObjectId, StorageBucketId, WorkerId, limits::MAX_OBJECTS_PER_CALL,
};
use argosy_http::Shutdown;
use argosy_node_core::follow::Index;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

/// Orders that may wait while a transaction is under way.
const QUEUE: usize = 1024;
/// How long the first object of a batch waits for others. Short: while one batch is on its way to the
/// directory, the next one collects by itself.
const COLLECT: Duration = Duration::from_millis(2);
/// Pauses before trying again: doubling, with up to half more.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LONGEST: Duration = Duration::from_secs(2);
const REFUSED_LONGEST: Duration = Duration::from_secs(60);
/// How long the node's own copy may take to see what it has just caused.
const OWN_BLOCK_WAIT: Duration = Duration::from_secs(5);
/// How long an uploader waits for the acceptance before it is told that it will follow.
const UPLOADER_WAIT: Duration = Duration::from_secs(5);
/// The newest block may be this old when the store is compared with the index.
const CAUGHT_UP_MS: u64 = 30_000;
const CATCH_UP_POLL: Duration = Duration::from_secs(1);

/// How the acceptance of an object stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Acceptance {
    /// In a block.
    Accepted,
    /// Not yet: the directory does not answer. It will be tried until it does.
    Pending,
    /// The directory has deleted the object.
    Deleted,
    /// The directory says no, for the reason given.
    Refused(String),
}

/// Takes orders for the task that sends acceptances.
#[derive(Clone, Debug)]
pub(crate) struct Acceptor {
    orders: mpsc::Sender<Order>,
}

#[derive(Debug)]
struct Order {
    id: DataObjectId,
    done: oneshot::Sender<Acceptance>,
}

/// The receiving end, for [`run`].
#[derive(Debug)]
pub(crate) struct Orders(mpsc::Receiver<Order>);

impl Acceptor {
    pub(crate) fn new() -> (Self, Orders) {
        let (orders, receiver) = mpsc::channel(QUEUE);
        (Self { orders }, Orders(receiver))
    }

    /// Has a complete object accepted; waits for the outcome, but not for ever.
    pub(crate) async fn accept(&self, id: DataObjectId) -> Acceptance {
        let (done, outcome) = oneshot::channel();
        if self.orders.send(Order { id, done }).await.is_err() {
            return Acceptance::Pending;
        }
        match tokio::time::timeout(UPLOADER_WAIT, outcome).await {
            Ok(Ok(acceptance)) => acceptance,
            Ok(Err(_)) | Err(_) => Acceptance::Pending,
        }
    }
}

/// An object on the list.
#[derive(Debug)]
struct Waiting {
    uploaders: Vec<oneshot::Sender<Acceptance>>,
    failures: u32,
    due: Instant,
    /// A batch that held it was refused: to be sent alone, so that it spoils no other.
    alone: bool,
}

/// What to do with an object on the list.
enum Step {
    Send(Group),
    Done(Acceptance),
    /// Not while things are as they are; it stays on the list.
    Refused(&'static str),
    Later,
}

/// Objects of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    transactor: AccountId,
    bucket: StorageBucketId,
    bag: BagId,
}

/// Sends acceptances until `shutdown`.
pub(crate) async fn run(node: Arc<Node>, mut orders: Orders, shutdown: Shutdown) {
    let mut list = List::default();
    let work = async {
        let rescan = rescan(&node);
        tokio::pin!(rescan);
        let mut scanned = false;
        loop {
            tokio::select! {
                order = orders.0.recv() => match order {
                    Some(order) => list.order(order),
                    None => return,
                },
                found = &mut rescan, if !scanned => {
                    scanned = true;
                    list.add_all(&found);
                }
                () = sleep_until(list.next_due()) => {}
            }
            collect(&mut orders, &mut list).await;
            send_due(&node, &mut list).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = shutdown.triggered() => {}
    }
}

/// Takes the orders that come within a moment of the first.
async fn collect(orders: &mut Orders, list: &mut List) {
    let until = Instant::now() + COLLECT;
    while list.0.len() < MAX_OBJECTS_PER_CALL {
        match tokio::time::timeout_at(until, orders.0.recv()).await {
            Ok(Some(order)) => list.order(order),
            Ok(None) | Err(_) => return,
        }
    }
}

/// Waits until the index is up to date, then finds what a former life of the node left unaccepted.
async fn rescan(node: &Arc<Node>) -> Vec<DataObjectId> {
    let mut poll = tokio::time::interval(CATCH_UP_POLL);
    loop {
        poll.tick().await;
        let status = node.follower.status();
        if status.connected && status.lag_ms < CAUGHT_UP_MS {
            break;
        }
    }
    let node = Arc::clone(node);
    let found = tokio::task::spawn_blocking(move || {
        let held = node.store.ids();
        let unaccepted = |index: &Index, id: DataObjectId| {
            node.known(index, id).is_some_and(|object| !object.accepted && !object.ours.is_empty())
        };
        // In steps, so that no block waits long for the index.
        let steps = held.chunks(1024).flat_map(|ids| {
            let index = node.follower.index();
            ids.iter().copied().filter(|id| unaccepted(&index, *id)).collect::<Vec<_>>()
        });
        steps.collect()
    });
    found.await.unwrap_or_default()
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Objects to be accepted.
#[derive(Debug, Default)]
struct List(BTreeMap<DataObjectId, Waiting>);

impl List {
    fn order(&mut self, order: Order) {
        let waiting = self.add(order.id);
        waiting.uploaders.retain(|uploader| !uploader.is_closed());
        waiting.uploaders.push(order.done);
        waiting.due = Instant::now();
    }

    fn add_all(&mut self, ids: &[DataObjectId]) {
        for id in ids {
            self.add(*id);
        }
    }

    fn add(&mut self, id: DataObjectId) -> &mut Waiting {
        self.0.entry(id).or_insert_with(|| Waiting {
            uploaders: Vec::new(),
            failures: 0,
            due: Instant::now(),
            alone: false,
        })
    }

    fn next_due(&self) -> Option<Instant> {
        self.0.values().map(|waiting| waiting.due).min()
    }

    fn done(&mut self, id: DataObjectId, outcome: &Acceptance) {
        for uploader in self.0.remove(&id).map(|waiting| waiting.uploaders).into_iter().flatten() {
            // An uploader that has gone needs no answer.
            let _gone = uploader.send(outcome.clone());
        }
    }

    /// Keeps an object on the list, to be tried again after a while.
    fn later(&mut self, id: DataObjectId, longest: Duration) {
        if let Some(waiting) = self.0.get_mut(&id) {
            let pause = RETRY_FIRST.saturating_mul(1 << waiting.failures.min(16)).min(longest);
            waiting.due = Instant::now() + pause.mul_f64(1.0 + fastrand::f64() / 2.0);
            waiting.failures = waiting.failures.saturating_add(1);
        }
    }

    fn refused(&mut self, id: DataObjectId, reason: &str) {
        if let Some(waiting) = self.0.get_mut(&id) {
            for uploader in waiting.uploaders.drain(..) {
                let _gone = uploader.send(Acceptance::Refused(reason.to_owned()));
            }
        }
        self.later(id, REFUSED_LONGEST);
    }

    fn is_alone(&self, id: DataObjectId) -> bool {
        self.0.get(&id).is_some_and(|waiting| waiting.alone)
    }
}

/// Sends everything that is due.
async fn send_due(node: &Node, list: &mut List) {
    let now = Instant::now();
    let due: Vec<DataObjectId> =
        list.0.iter().filter(|(_, waiting)| waiting.due <= now).map(|(id, _)| *id).collect();
    let mut groups: BTreeMap<Group, Vec<DataObjectId>> = BTreeMap::new();
    for id in due {
        match node.follower.with_index(|index| step(node, index, id)) {
            Step::Send(group) => groups.entry(group).or_default().push(id),
            Step::Done(outcome) => list.done(id, &outcome),
            Step::Refused(reason) => list.refused(id, reason),
            Step::Later => list.later(id, RETRY_LONGEST),
        }
    }
    for (group, ids) in groups {
        let (alone, together): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| list.is_alone(*id));
        let batches = together.chunks(MAX_OBJECTS_PER_CALL).chain(alone.chunks(1));
        for batch in batches {
            send(node, list, group, batch).await;
        }
    }
}

fn step(node: &Node, index: &Index, id: DataObjectId) -> Step {
    if index.was_deleted(id) {
        return Step::Done(Acceptance::Deleted);
    }
    if !node.store.contains(id) {
        return Step::Done(Acceptance::Refused("the object is no longer held whole".to_owned()));
    }
    let Some(object) = node.known(index, id) else { return Step::Later };
    if object.accepted {
        return Step::Done(Acceptance::Accepted);
    }
    if object.blacklisted {
        return Step::Refused("its content is blacklisted");
    }
    let Some(bucket) = object.ours.first().copied() else {
        return Step::Done(Acceptance::Refused("the object's bag is no longer kept by this node".to_owned()));
    };
    match node.signers.transactor(index, bucket) {
        Ok(transactor) => Step::Send(Group { transactor, bucket, bag: object.bag }),
        Err(reason) => {
            tracing::error!(%id, %reason, "an object cannot be accepted");
            Step::Later
        }
    }
}

async fn send(node: &Node, list: &mut List, group: Group, ids: &[DataObjectId]) {
    let Some(submitter) = node.signers.submitter(&group.transactor) else {
        return ids.iter().for_each(|id| list.later(*id, RETRY_LONGEST));
    };
    match submitter.submit(accept_call(node.worker, group, ids)).await {
        Ok(receipt) => {
            // What follows (reports, replication) is decided from the index.
            node.follower.wait_for_height(receipt.height, OWN_BLOCK_WAIT).await;
            ids.iter().for_each(|id| list.done(*id, &Acceptance::Accepted));
            node.report_due.notify_one();
        }
        Err(error) if error.reject().is_none() => {
            tracing::warn!(%error, count = ids.len(), "the directory does not take acceptances now");
            ids.iter().for_each(|id| list.later(*id, RETRY_LONGEST));
        }
        Err(error) => refused(list, ids, &error),
    }
}

/// One bad object must not hold up the others: they are tried one by one.
fn refused(list: &mut List, ids: &[DataObjectId], error: &SubmitError) {
    match ids {
        [id] => {
            tracing::warn!(%id, %error, "the directory refused an acceptance");
            list.refused(*id, &error.to_string());
        }
        many => {
            tracing::warn!(%error, count = many.len(), "the directory refused a batch of acceptances");
            for id in many {
                if let Some(waiting) = list.0.get_mut(id) {
                    waiting.alone = true;
                    waiting.due = Instant::now();
                }
            }
        }
    }
}

fn accept_call(worker: WorkerId, group: Group, ids: &[DataObjectId]) -> Call {
    Call::Storage(StorageCall::AcceptPendingDataObjects {
        worker,
        bucket: group.bucket,
        bag: group.bag,
        objects: ids.iter().copied().collect::<BTreeSet<_>>(),
    })
}
