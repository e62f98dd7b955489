//! The fills of one node: effects of the cores out to the network, groups in to the disk.

use crate::{
    context::Context,
    disk::Disk,
    message::{Address, Message, SliceKey},
    token::Token,
};
use argosy_content::{GroupRange, group_count};
use argosy_domain::{ContentId, DataObjectId};
use argosy_node_core::{
    fill::{FillBounds, FillCore, FillEffect, FillInput, Priority, ReaderId, RequestEnd, RequestId},
    follow::Index,
    sources::{SourceId, SourceMemory},
};
use std::collections::BTreeMap;

/// From the last group to an object that is durable and complete.
const FINISH_MS: u64 = 5;

pub(crate) struct Fills {
    running: BTreeMap<DataObjectId, Fill>,
    memory: SourceMemory,
    /// Names fills across the node's lives, so that late answers find nobody.
    next_fill: u64,
    jitter_seed: u64,
}

struct Fill {
    number: u64,
    core: FillCore,
    content: ContentId,
    sources: BTreeMap<SourceId, Address>,
    /// Requests under way. What a request sends that was broken off arrives nowhere.
    asked: BTreeMap<RequestId, GroupRange>,
    /// All groups are there; durable at this time.
    durable_ms: Option<u64>,
}

/// What the node must know of its fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FillNews {
    /// Groups arrived.
    More(DataObjectId),
    /// Durable and complete; the fill is over.
    Complete(DataObjectId),
    /// Nobody can supply what is wanted.
    Exhausted(DataObjectId),
}

impl Fills {
    pub(crate) const fn new(life: u64, jitter_seed: u64) -> Self {
        Self { running: BTreeMap::new(), memory: SourceMemory::new(), next_fill: life << 32, jitter_seed }
    }

    pub(crate) fn is_running(&self, id: DataObjectId) -> bool {
        self.running.contains_key(&id)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = DataObjectId> {
        self.running.keys().copied()
    }

    pub(crate) fn count(&self) -> usize {
        self.running.len()
    }

    /// Starts the fill of an object that the index knows, unless it runs.
    pub(crate) fn ensure(
        &mut self,
        context: &mut Context<'_>,
        index: &Index,
        disk: &mut Disk,
        id: DataObjectId,
        news: &mut Vec<FillNews>,
    ) {
        let Some(object) = index.object(id) else { return };
        if !self.running.contains_key(&id) {
            let have = disk.open(id, object.content_id, object.size);
            let seed = self.jitter_seed ^ id.0;
            let core = FillCore::new(group_count(object.size), have, FillBounds::default(), seed);
            // A crash may have come between the last group and the rename.
            let durable_ms = core.is_complete().then_some(context.now_ms + FINISH_MS);
            let fill = Fill {
                number: self.next_fill,
                core,
                content: object.content_id,
                sources: BTreeMap::new(),
                asked: BTreeMap::new(),
                durable_ms,
            };
            self.next_fill += 1;
            self.running.insert(id, fill);
        }
        for source in index.storage_sources(id) {
            let Some(address) = Address::of_storage(&source.endpoint) else { continue };
            let source = SourceId::from(source.bucket);
            let Some(fill) = self.running.get_mut(&id) else { return };
            if address != context.me && fill.sources.insert(source, address).is_none() {
                let quality = self.memory.quality(source);
                self.give(context, disk, id, FillInput::SourceAdded { source, quality }, news);
            }
        }
    }

    /// Hands one input to a fill and carries out what it asks for.
    pub(crate) fn give(
        &mut self,
        context: &mut Context<'_>,
        disk: &Disk,
        id: DataObjectId,
        input: FillInput,
        news: &mut Vec<FillNews>,
    ) {
        let Some(fill) = self.running.get_mut(&id) else { return };
        let mut effects = Vec::new();
        fill.core.handle(context.now_ms, input, &mut effects);
        for effect in effects {
            match effect {
                FillEffect::Fetch { request, source, groups, .. } => {
                    let key = SliceKey { object: id, fill: fill.number, request };
                    if groups.iter().any(|group| disk.read(id, group).is_some()) {
                        context.judge.blame(|| format!("a group of {id} that is held was asked for again"));
                    }
                    if fill.asked.values().any(|asked| asked.contains(groups.start)) {
                        context.judge.tally.hedges += 1;
                    }
                    fill.asked.insert(request, groups);
                    if let Some(address) = fill.sources.get(&source) {
                        context.send(*address, Message::Slice { key, groups });
                    }
                }
                FillEffect::Abandon { request } => {
                    fill.asked.remove(&request);
                }
                FillEffect::SourceBanned { .. } => context.judge.tally.sources_banned += 1,
                FillEffect::Observed { source, observation } => {
                    self.memory.note(context.now_ms, source, observation);
                }
                FillEffect::Complete => fill.durable_ms = Some(context.now_ms + FINISH_MS),
                FillEffect::Exhausted { .. } => {
                    context.judge.tally.fills_exhausted += 1;
                    news.push(FillNews::Exhausted(id));
                }
            }
        }
    }

    pub(crate) fn want(
        &mut self,
        context: &mut Context<'_>,
        disk: &Disk,
        id: DataObjectId,
        (reader, groups, priority): (ReaderId, GroupRange, Priority),
        news: &mut Vec<FillNews>,
    ) {
        self.give(context, disk, id, FillInput::Want { reader, groups, priority }, news);
    }

    pub(crate) fn on_data(
        &mut self,
        context: &mut Context<'_>,
        disk: &mut Disk,
        key: SliceKey,
        groups: Vec<(u64, Token)>,
        news: &mut Vec<FillNews>,
    ) {
        for (group, token) in groups {
            let Some(fill) = self.of_request(key) else { return };
            if token != Token::of(&fill.content, group) {
                context.judge.tally.wrong_groups_refused += 1;
                return self.on_end(context, disk, key, RequestEnd::Wrong, news);
            }
            context.judge.tally.groups_fetched += 1;
            if disk.read(key.object, group).is_some() {
                context.judge.tally.groups_fetched_twice += 1;
            }
            disk.write(key.object, group, token);
            let input = FillInput::GroupArrived { request: key.request, group };
            self.give(context, disk, key.object, input, news);
        }
        news.push(FillNews::More(key.object));
    }

    pub(crate) fn on_end(
        &mut self,
        context: &mut Context<'_>,
        disk: &Disk,
        key: SliceKey,
        end: RequestEnd,
        news: &mut Vec<FillNews>,
    ) {
        if self.of_request(key).is_some() {
            if let Some(fill) = self.running.get_mut(&key.object) {
                fill.asked.remove(&key.request);
            }
            let input = FillInput::RequestEnded { request: key.request, end };
            self.give(context, disk, key.object, input, news);
        }
    }

    /// The fill that waits for the answer to a request.
    fn of_request(&self, key: SliceKey) -> Option<&Fill> {
        let fill = self.running.get(&key.object)?;
        (fill.number == key.fill && fill.asked.contains_key(&key.request)).then_some(fill)
    }

    pub(crate) fn tick(&mut self, context: &mut Context<'_>, disk: &mut Disk, news: &mut Vec<FillNews>) {
        let now_ms = context.now_ms;
        let is_due = |at: Option<u64>| at.is_some_and(|at| at <= now_ms);
        let due: Vec<DataObjectId> = self
            .running
            .iter()
            .filter(|(_, fill)| is_due(fill.core.next_tick_ms()))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.give(context, disk, id, FillInput::Tick, news);
        }
        let durable: Vec<DataObjectId> =
            self.running.iter().filter(|(_, fill)| is_due(fill.durable_ms)).map(|(id, _)| *id).collect();
        for id in durable {
            disk.finish(id);
            self.running.remove(&id);
            news.push(FillNews::Complete(id));
        }
    }

    pub(crate) fn next_wake_ms(&self) -> Option<u64> {
        self.running.values().flat_map(|fill| [fill.core.next_tick_ms(), fill.durable_ms]).flatten().min()
    }

    /// Ends a fill; what it has stays on disk.
    pub(crate) fn stop(&mut self, id: DataObjectId) {
        self.running.remove(&id);
    }

    /// Ends a fill that nobody wants anything of.
    pub(crate) fn stop_if_idle(&mut self, id: DataObjectId) {
        if self.running.get(&id).is_some_and(|fill| fill.core.is_idle() && fill.durable_ms.is_none()) {
            self.running.remove(&id);
        }
    }
}
