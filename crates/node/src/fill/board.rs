//! What the readers of an object share with the task that fills it: groups in memory, who waits for
//! what, and how the fill has ended.

mod work;

use super::{
    FillError, Keep,
    lanes::Pass,
    window::{Retained, Window},
};
use crate::brought::Brought;
use argosy_content::GroupRange;
use argosy_domain::DataObjectId;
use argosy_node_core::fill::{Pace, ReaderId};
use argosy_store::{ObjectMeta, PartialObject, StoredObject};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

/// Groups in memory that a reader takes at once.
const RUN_GROUPS: u64 = 16;
/// Groups that are read from disk at once: what each reader may have in memory.
const DISK_RUN_GROUPS: u64 = 16;

pub(crate) type Completion = Result<Arc<StoredObject>, FillError>;

/// One object's fill, as its readers see it.
#[derive(Debug)]
pub(crate) struct Board {
    id: DataObjectId,
    meta: ObjectMeta,
    keep: Keep,
    /// Most groups that are fetched ahead of a reader.
    read_ahead_groups: u64,
    state: Mutex<State>,
    /// Wakes the task.
    news: Notify,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    partial: Option<Arc<PartialObject>>,
    /// Proved groups in memory.
    window: Window,
    readers: BTreeMap<ReaderId, Slot>,
    /// Readers that have gone since the task last looked.
    left: Vec<ReaderId>,
    next_reader: u64,
    completers: Vec<oneshot::Sender<Completion>>,
    /// Those who want a part of it, without reading.
    fetchers: BTreeMap<ReaderId, Fetcher>,
    /// Groups that counted as held were found damaged.
    lost: bool,
    /// Permission to ask sources, for the task to take.
    passes: Vec<Pass>,
    /// The task is gone: it takes none any more.
    takes_no_passes: bool,
}

#[derive(Debug)]
enum Phase {
    Running,
    Complete(Arc<StoredObject>),
    Over(FillError),
}

#[derive(Debug)]
struct Slot {
    /// Group that is read next.
    at: u64,
    end: u64,
    /// Where the task knows it to be.
    told: u64,
    /// Something about it is new to the task.
    dirty: bool,
    /// Since when it waits for `at`.
    waits: Option<Instant>,
    /// When it was given what it reads now.
    given: Option<Instant>,
    pace: Pace,
    brought: Brought,
    wake: Arc<Notify>,
    failed: Option<FillError>,
}

/// Somebody who wants groups on disk, and does not read them.
#[derive(Debug)]
struct Fetcher {
    groups: GroupRange,
    /// The task knows of it.
    told: bool,
    done: oneshot::Sender<Result<(), FillError>>,
}

/// What a reader finds.
pub(crate) enum Look {
    /// The group it asked for, and those after it that are in memory as well.
    Bytes(Vec<Bytes>),
    /// It is on disk, and these groups with it.
    Disk(Arc<PartialObject>, GroupRange),
    /// The object is complete.
    Stored(Arc<StoredObject>),
    /// It will not come.
    Failed(FillError),
    /// It is not here yet: look again when woken.
    Wait(Arc<Notify>),
}

/// What readers want anew.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) wants: Vec<WantNews>,
    /// Groups that are to be kept, though nobody reads them now.
    pub(super) fetches: Vec<(ReaderId, GroupRange)>,
    pub(super) left: Vec<ReaderId>,
    pub(super) lost: bool,
    /// Somebody waits for the whole object.
    pub(super) completing: bool,
}

#[derive(Debug)]
pub(super) struct WantNews {
    pub(super) reader: ReaderId,
    /// Waited for, up to the end of its window.
    pub(super) urgent: Option<GroupRange>,
    pub(super) ahead: GroupRange,
}

/// A reader's place on a board; given up when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    board: Arc<Board>,
    reader: ReaderId,
}

impl Seat {
    /// Looks for a group, and lets the fill know that the reader has come to it.
    pub(crate) fn look(&self, group: u64) -> Look {
        self.board.look(self.reader, group)
    }

    /// Says that groups which counted as held are gone.
    pub(crate) fn report_loss(&self) {
        self.board.lose();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.board.state();
        state.readers.remove(&self.reader);
        state.left.push(self.reader);
        drop(state);
        self.board.news.notify_one();
    }
}

/// Readers' side.
impl Board {
    pub(super) fn new(
        id: DataObjectId,
        meta: ObjectMeta,
        keep: Keep,
        read_ahead_groups: u64,
        retained: Retained,
    ) -> Self {
        let state = State {
            phase: Phase::Running,
            partial: None,
            window: Window::new(retained),
            readers: BTreeMap::new(),
            left: Vec::new(),
            // 0 stands for those who want the whole object.
            next_reader: 1,
            completers: Vec::new(),
            fetchers: BTreeMap::new(),
            lost: false,
            passes: Vec::new(),
            takes_no_passes: false,
        };
        Self { id, meta, keep, read_ahead_groups, state: Mutex::new(state), news: Notify::new() }
    }

    pub(super) fn id(&self) -> DataObjectId {
        self.id
    }

    pub(super) fn meta(&self) -> ObjectMeta {
        self.meta
    }

    pub(super) fn keep(&self) -> Keep {
        self.keep
    }

    /// Takes a seat for these groups, and has noted who brings them; none if the fill is over.
    pub(crate) fn enter(self: &Arc<Self>, groups: GroupRange, brought: Brought) -> Option<Seat> {
        let mut state = self.state();
        if matches!(state.phase, Phase::Over(_)) {
            return None;
        }
        let reader = ReaderId(state.next_reader);
        state.next_reader = state.next_reader.saturating_add(1);
        let slot = Slot {
            at: groups.start,
            end: groups.end,
            told: groups.start,
            dirty: true,
            waits: None,
            given: None,
            pace: Pace::new(),
            brought,
            wake: Arc::new(Notify::new()),
            failed: None,
        };
        state.readers.insert(reader, slot);
        Some(Seat { board: Arc::clone(self), reader })
    }

    /// Asks for the whole object; none if the fill is over.
    pub(super) fn complete(&self) -> Option<oneshot::Receiver<Completion>> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        match &state.phase {
            Phase::Over(_) => return None,
            Phase::Complete(stored) => {
                // The receiver is in our hands.
                let _ = sender.send(Ok(Arc::clone(stored)));
                return Some(receiver);
            }
            Phase::Running => state.completers.push(sender),
        }
        drop(state);
        self.news.notify_one();
        Some(receiver)
    }

    /// Asks for groups, to be kept; none if the fill is over. Whoever drops the receiver wants them no
    /// more.
    pub(super) fn fetch(&self, groups: GroupRange) -> Option<oneshot::Receiver<Result<(), FillError>>> {
        let (done, receiver) = oneshot::channel();
        let mut guard = self.state();
        let state = &mut *guard;
        match &state.phase {
            Phase::Over(_) => return None,
            Phase::Complete(_) => {
                // The receiver is in our hands.
                let _ = done.send(Ok(()));
                return Some(receiver);
            }
            Phase::Running => {}
        }
        let fetcher = ReaderId(state.next_reader);
        state.next_reader = state.next_reader.saturating_add(1);
        state.fetchers.insert(fetcher, Fetcher { groups, told: false, done });
        state.end_fetched();
        drop(guard);
        self.news.notify_one();
        Some(receiver)
    }

    fn look(&self, reader: ReaderId, group: u64) -> Look {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(slot) = state.readers.get_mut(&reader) else { return Look::Failed(FillError::Removed) };
        slot.move_to(group, self.read_ahead_groups);
        let run = state.window.run(GroupRange::new(group, slot.end.min(group.saturating_add(RUN_GROUPS))));
        let found = if !run.is_empty() {
            Some(Look::Bytes(run))
        } else {
            match &state.phase {
                Phase::Complete(stored) => Some(Look::Stored(Arc::clone(stored))),
                Phase::Over(error) => Some(Look::Failed(*error)),
                Phase::Running => slot
                    .failed
                    .take()
                    .map(Look::Failed)
                    .or_else(|| on_disk(state.partial.as_ref()?, group, slot.end)),
            }
        };
        match &found {
            Some(_) => {
                slot.waits = None;
                slot.given.get_or_insert_with(Instant::now);
            }
            None => {
                slot.waits.get_or_insert_with(Instant::now);
                slot.dirty = true;
            }
        }
        let look = found.unwrap_or_else(|| Look::Wait(Arc::clone(&slot.wake)));
        let dirty = slot.dirty;
        if self.keep == Keep::PassThrough {
            // The one reader never goes back.
            state.window.pass(group);
        }
        drop(guard);
        if dirty {
            self.news.notify_one();
        }
        look
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether somebody reads, or waits for the whole object or a part of it.
    fn is_used(&self) -> bool {
        !self.readers.is_empty()
            || self.completers.iter().any(|completer| !completer.is_closed())
            || self.fetchers.values().any(|fetcher| !fetcher.done.is_closed())
    }

    /// Those whose groups are all on disk have what they wanted.
    fn end_fetched(&mut self) {
        let Some(partial) = &self.partial else { return };
        for (fetcher, done) in self.fetchers.extract_if(.., |_, fetcher| partial.has(fetcher.groups)) {
            self.left.push(fetcher);
            // One that has stopped waiting does not mind.
            let _ = done.done.send(Ok(()));
        }
    }

    /// All who wait for something to be kept learn how it has ended.
    fn end_keepers(&mut self, end: &Completion) {
        for completer in self.completers.drain(..) {
            // One that has stopped waiting does not mind.
            let _ = completer.send(end.clone());
        }
        for (fetcher, Fetcher { done, .. }) in std::mem::take(&mut self.fetchers) {
            self.left.push(fetcher);
            // As above.
            let _ = done.send(end.as_ref().map(|_| ()).map_err(|error| *error));
        }
    }
}

impl Slot {
    fn move_to(&mut self, group: u64, read_ahead_groups: u64) {
        if self.at != group {
            // The time from when it had the last bytes: that in which it waited for them is not its own.
            let own = self.given.take().map_or(Duration::ZERO, |given| given.elapsed());
            let own_us = u64::try_from(own.as_micros()).unwrap_or(u64::MAX);
            self.pace.took(group.saturating_sub(self.at), own_us);
            self.at = group;
            self.waits = None;
        }
        self.dirty |= group.abs_diff(self.told) >= self.pace.step_groups(read_ahead_groups);
    }

    /// What is fetched ahead of it.
    fn ahead(&self, read_ahead_groups: u64) -> GroupRange {
        let ahead = self.pace.ahead_groups(read_ahead_groups).max(1);
        GroupRange::new(self.at, self.at.saturating_add(ahead).min(self.end))
    }

    fn fail(&mut self, error: FillError) {
        self.failed = Some(error);
        self.waits = None;
        self.wake.notify_one();
    }
}

/// The run of held groups from `group` on.
fn on_disk(partial: &Arc<PartialObject>, group: u64, end: u64) -> Option<Look> {
    let limit = group.saturating_add(DISK_RUN_GROUPS).min(end);
    let held_to = partial.first_missing(group).map_or(limit, |missing| missing.min(limit));
    (held_to > group).then(|| Look::Disk(Arc::clone(partial), GroupRange::new(group, held_to)))
}

fn wake_all(state: &State) {
    for slot in state.readers.values() {
        slot.wake.notify_one();
    }
}
