//! A storage node: uploads, acceptance, replication, holding reports, slices for others.

use crate::{
    context::Context,
    disk::Disk,
    fills::{FillNews, Fills},
    follower::Follower,
    message::{Address, Message, SliceKey, UploadState},
    seed::Rng,
    submit::{Submitted, Submitter},
    token::Token,
};
use argosy_content::{GroupRange, GroupSet, group_count};
use argosy_directory::{Call, Genesis, StorageCall};
use argosy_domain::{
    AccountId, BagId, DataObjectId, StorageBucketId, WorkerId, limits::MAX_OBJECTS_PER_CALL, num::to_usize,
};
use argosy_node_core::{
    fill::{Priority, ReaderId, RequestEnd},
    follow::IndexChange,
    replicate::{Local, SyncLimits, holding_report, plan_sync, should_report},
};
use std::collections::{BTreeMap, BTreeSet};

/// Groups in one message of a stream.
pub(crate) const GROUPS_PER_MESSAGE: usize = 16;
const MAX_FETCHES: usize = 4;
/// Rest after a replication that nobody could supply.
const RETRY_MS: u64 = 1_000;
/// Reports and acceptances gather for so long.
const GATHER_MS: u64 = 50;
/// Also after each upload's last group.
const FINISH_MS: u64 = 5;
/// Nothing has changed, but look again.
const REVIEW_MS: u64 = 2_000;

/// Who runs the node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StorageRole {
    pub(crate) bucket: StorageBucketId,
    pub(crate) worker: WorkerId,
    pub(crate) transactor: AccountId,
}

/// Sends wrong bytes in some of its replies.
#[derive(Debug)]
pub(crate) struct LyingSource {
    pub(crate) percent: u64,
}

pub(crate) struct StorageNode {
    role: StorageRole,
    pub(crate) follower: Follower,
    pub(crate) disk: Disk,
    fills: Fills,
    submitter: Submitter,
    liar: Option<LyingSource>,
    rng: Rng,
    /// Uploads whose last group is written: durable at this time.
    finishing: BTreeMap<DataObjectId, u64>,
    retry_ms: BTreeMap<DataObjectId, u64>,
    review_ms: u64,
    /// Its own last transaction is in this block: judge nothing before having seen it.
    blind_until: u64,
}

impl StorageNode {
    pub(crate) fn start(
        role: StorageRole,
        genesis: &Genesis,
        mut disk: Disk,
        liar: Option<LyingSource>,
        mut rng: Rng,
        (life, now_ms): (u64, u64),
    ) -> Self {
        disk.verify_partials();
        Self {
            role,
            follower: Follower::start(genesis, &disk, now_ms),
            disk,
            fills: Fills::new(life, rng.next_u64()),
            submitter: Submitter::new(role.transactor, genesis.hash(), 0),
            liar,
            rng,
            finishing: BTreeMap::new(),
            retry_ms: BTreeMap::new(),
            review_ms: now_ms,
            blind_until: 0,
        }
    }

    /// The process and its machine stop; what is left is the disk.
    pub(crate) fn crash(mut self) -> (StorageRole, Disk, Option<LyingSource>) {
        self.disk.crash();
        (self.role, self.disk, self.liar)
    }

    pub(crate) fn handle(&mut self, context: &mut Context<'_>, from: Address, message: Message) {
        let mut news = Vec::new();
        match message {
            Message::Blocks(blocks) => {
                let changes = self.follower.on_blocks(context, &blocks);
                self.note_changes(context, &changes);
            }
            Message::Answer { hash, answer } => {
                if let Some(ended) = self.submitter.answered(hash, answer) {
                    if let Submitted::InBlock(height, _) = ended {
                        self.blind_until = height;
                    }
                    self.review_soon(context);
                }
            }
            Message::Slice { key, groups } => self.serve(context, from, key, groups),
            Message::SliceData { key, groups } => {
                self.fills.on_data(context, &mut self.disk, key, groups, &mut news);
            }
            Message::SliceEnd { key, end } => self.fills.on_end(context, &self.disk, key, end, &mut news),
            Message::Upload { object, groups } => {
                let state = self.upload(context, object, &groups);
                context.send(from, Message::Uploaded { object, state });
            }
            Message::Submit { .. }
            | Message::Follow { .. }
            | Message::Uploaded { .. }
            | Message::Read { .. }
            | Message::Leave { .. }
            | Message::ReadData { .. }
            | Message::ReadEnd { .. } => {}
        }
        self.take(context, &news);
    }

    pub(crate) fn tick(&mut self, context: &mut Context<'_>) {
        let mut news = Vec::new();
        self.follower.tick(context, &mut self.disk);
        self.submitter.tick(context);
        self.fills.tick(context, &mut self.disk, &mut news);
        self.take(context, &news);
        let now_ms = context.now_ms;
        let finished: Vec<DataObjectId> =
            self.finishing.iter().filter(|(_, at)| **at <= now_ms).map(|(id, _)| *id).collect();
        for id in finished {
            self.finishing.remove(&id);
            self.disk.finish(id);
            self.review_soon(context);
        }
        if now_ms >= self.review_ms {
            self.review_ms = now_ms + REVIEW_MS;
            self.retry_ms.retain(|_, at| *at > now_ms);
            self.review(context);
        }
    }

    pub(crate) fn next_wake_ms(&self) -> Option<u64> {
        let retries = self.retry_ms.values().copied().min();
        let finishing = self.finishing.values().copied().min();
        [
            Some(self.follower.next_wake_ms()),
            self.submitter.next_wake_ms(),
            self.fills.next_wake_ms(),
            Some(self.review_ms),
            retries,
            finishing,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Whether there is nothing left to do at the index's height.
    pub(crate) fn is_settled(&self) -> bool {
        let held = self.disk.complete_ids();
        let report = holding_report(&self.follower.index, self.role.bucket, &held);
        self.fills.count() == 0
            && self.submitter.is_idle()
            && report.except.is_empty()
            && !should_report(&self.follower.index, self.role.bucket, &report)
            && !held.iter().any(|id| self.follower.index.was_deleted(*id))
    }

    fn review_soon(&mut self, context: &Context<'_>) {
        self.review_ms = self.review_ms.min(context.now_ms + GATHER_MS);
    }

    fn note_changes(&mut self, context: &Context<'_>, changes: &[IndexChange]) {
        if !changes.is_empty() {
            self.review_soon(context);
        }
    }

    fn take(&mut self, context: &Context<'_>, news: &[FillNews]) {
        for item in news {
            match item {
                FillNews::More(_) => {}
                FillNews::Complete(_) => self.review_soon(context),
                FillNews::Exhausted(id) => {
                    self.fills.stop(*id);
                    self.retry_ms.insert(*id, context.now_ms + RETRY_MS);
                    self.review_ms = self.review_ms.min(context.now_ms + RETRY_MS);
                }
            }
        }
    }

    /// Carries out the plan of the moment.
    fn review(&mut self, context: &mut Context<'_>) {
        let (complete, partial) = (self.disk.complete_ids(), self.disk.partial_ids());
        let running: BTreeSet<DataObjectId> = self
            .fills
            .ids()
            .chain(self.retry_ms.keys().copied())
            .chain(self.finishing.keys().copied())
            .collect();
        let limits =
            SyncLimits { room_bytes: u64::MAX, max_fetches: MAX_FETCHES.saturating_sub(self.fills.count()) };
        let local = Local { complete: &complete, partial: &partial, running: &running };
        let plan = plan_sync(&self.follower.index, &[self.role.bucket].into(), local, limits);
        for id in plan.drop {
            self.fills.stop(id);
            self.retry_ms.remove(&id);
            self.finishing.remove(&id);
            self.disk.remove(id);
            context.judge.dropped.push((context.me, id));
        }
        let mut news = Vec::new();
        for replica in plan.fetch {
            self.fills.ensure(context, &self.follower.index, &mut self.disk, replica.id, &mut news);
            let want = (ReaderId(0), GroupRange::whole(replica.size), Priority::Background);
            self.fills.want(context, &self.disk, replica.id, want, &mut news);
        }
        self.take(context, &news);
        if self.submitter.is_idle() && self.follower.index.height() >= self.blind_until {
            self.accept_or_report(context, &complete);
        }
    }

    fn accept_or_report(&mut self, context: &mut Context<'_>, complete: &BTreeSet<DataObjectId>) {
        let StorageRole { bucket, worker, .. } = self.role;
        if let Some((bag, objects)) = self.acceptable(complete) {
            let call = StorageCall::AcceptPendingDataObjects { worker, bucket, bag, objects };
            return self.submitter.submit(context, Call::Storage(call));
        }
        let report = holding_report(&self.follower.index, bucket, complete);
        if should_report(&self.follower.index, bucket, &report) {
            let call =
                StorageCall::ReportHoldings { worker, bucket, height: report.height, except: report.except };
            self.submitter.submit(context, Call::Storage(call));
        }
    }

    /// Objects that are durable here and pending in the directory: those of the first bag.
    fn acceptable(&self, complete: &BTreeSet<DataObjectId>) -> Option<(BagId, BTreeSet<DataObjectId>)> {
        let pending = |id: &DataObjectId| {
            let object = self.follower.index.object(*id)?;
            (object.accepted.is_none() && self.keeps(&object.bag)).then_some(object.bag)
        };
        let bag = complete.iter().find_map(pending)?;
        let objects = complete
            .iter()
            .copied()
            .filter(|id| pending(id) == Some(bag))
            .take(MAX_OBJECTS_PER_CALL)
            .collect();
        Some((bag, objects))
    }

    fn keeps(&self, bag: &BagId) -> bool {
        self.follower.index.bag(bag).is_some_and(|bag| bag.is_stored_by(self.role.bucket))
    }

    fn serve(&mut self, context: &mut Context<'_>, to: Address, key: SliceKey, groups: GroupRange) {
        let refuse = |end| vec![Message::SliceEnd { key, end }];
        if self.rng.chance(1) {
            return context.stream(to, refuse(RequestEnd::Busy));
        }
        if !self.disk.is_complete(key.object) {
            return context.stream(to, refuse(RequestEnd::NotThere));
        }
        let Some(mut data) = self.disk.read_range(key.object, groups) else {
            let me = context.me;
            return context
                .judge
                .blame(|| format!("{me:?} holds object {} complete but not whole", key.object));
        };
        if let Some(liar) = &self.liar
            && self.rng.chance(liar.percent)
        {
            let at = to_usize(self.rng.within(0..groups.count()));
            let flip = self.rng.next_u64();
            if let Some((_, token)) = data.get_mut(at) {
                *token = token.spoilt(flip);
            }
        }
        let mut messages: Vec<Message> = data
            .chunks(GROUPS_PER_MESSAGE)
            .map(|chunk| Message::SliceData { key, groups: chunk.to_vec() })
            .collect();
        messages.push(Message::SliceEnd { key, end: RequestEnd::Done });
        context.stream(to, messages);
    }

    fn upload(
        &mut self,
        context: &mut Context<'_>,
        id: DataObjectId,
        groups: &[(u64, Token)],
    ) -> UploadState {
        let Some(object) = self.follower.index.object(id) else { return UploadState::Unknown };
        if object.accepted.is_some() {
            return UploadState::Accepted;
        }
        let (content, size, bag) = (object.content_id, object.size, object.bag);
        if !self.keeps(&bag) {
            return UploadState::Unknown;
        }
        if self.disk.is_complete(id) {
            return UploadState::Durable;
        }
        let mut have = self.disk.open(id, content, size);
        self.write_upload(context, id, groups, &mut have);
        if have.is_full() {
            let at = context.now_ms + FINISH_MS;
            self.finishing.entry(id).or_insert(at);
        }
        UploadState::Next(have.first_missing(0).unwrap_or(group_count(size)))
    }

    fn write_upload(
        &mut self,
        context: &mut Context<'_>,
        id: DataObjectId,
        groups: &[(u64, Token)],
        have: &mut GroupSet,
    ) {
        let Some(object) = self.follower.index.object(id) else { return };
        for (group, token) in groups {
            if *token != Token::of(&object.content_id, *group) {
                let me = context.me;
                return context.judge.blame(|| format!("an honest upload of {id} looks wrong to {me:?}"));
            }
            if have.insert(*group) {
                self.disk.write(id, *group, *token);
            }
        }
    }
}
