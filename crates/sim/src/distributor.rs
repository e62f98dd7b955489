//! A distributor: answers readers from its index and cache, and fills the cache as they read.

use crate::{
    context::Context,
    disk::Disk,
    fills::{FillNews, Fills},
    follower::Follower,
    message::{Address, Message, ReadEnd},
    seed::Rng,
    storage::GROUPS_PER_MESSAGE,
};
use argosy_content::GroupRange;
use argosy_directory::Genesis;
use argosy_domain::{DataObjectId, WorkerId};
use argosy_node_core::{
    cache::{CacheCore, PolicyName},
    fill::{FillInput, Priority, ReaderId},
    follow::IndexChange,
    serve::{AssetDecision, Assignment, Deliverable, decide_asset},
};
use std::collections::BTreeMap;

/// A reader without progress is let go.
const READER_PATIENCE_MS: u64 = 15_000;

pub(crate) struct Distributor {
    worker: WorkerId,
    cache_bytes: u64,
    pub(crate) follower: Follower,
    pub(crate) disk: Disk,
    cache: CacheCore,
    fills: Fills,
    readers: BTreeMap<ReaderId, Reader>,
    next_reader: u64,
}

struct Reader {
    client: Address,
    read: u64,
    object: DataObjectId,
    next: u64,
    end: u64,
    /// One that was streamed through has no pin to give back.
    pinned: bool,
    patient_until_ms: u64,
}

impl Distributor {
    pub(crate) fn start(
        worker: WorkerId,
        cache_bytes: u64,
        genesis: &Genesis,
        mut disk: Disk,
        mut rng: Rng,
        (life, now_ms): (u64, u64),
    ) -> Self {
        disk.verify_partials();
        let follower = Follower::start(genesis, &disk, now_ms);
        let mut node = Self {
            worker,
            cache_bytes,
            follower,
            disk,
            cache: CacheCore::new(cache_bytes, PolicyName::default()),
            fills: Fills::new(life, rng.next_u64()),
            readers: BTreeMap::new(),
            next_reader: 0,
        };
        node.rebuild_cache(now_ms);
        node
    }

    pub(crate) fn crash(mut self) -> (WorkerId, u64, Disk) {
        self.disk.crash();
        (self.worker, self.cache_bytes, self.disk)
    }

    /// Takes what is on disk into the cache. What the directory has deleted goes, and what has no room:
    /// a cache may forget. What the index does not know yet stays.
    fn rebuild_cache(&mut self, now_ms: u64) {
        let on_disk: Vec<(DataObjectId, u64)> = self.disk.sizes().collect();
        for (id, size_bytes) in &on_disk {
            if !self.follower.index.was_deleted(*id) {
                // Refused and evicted ones are not in the cache, and go below.
                drop(self.cache.insert(*id, *size_bytes, now_ms));
            }
        }
        for (id, _) in on_disk {
            if !self.cache.contains(id) {
                self.disk.remove(id);
            }
        }
    }

    pub(crate) fn handle(&mut self, context: &mut Context<'_>, from: Address, message: Message) {
        let mut news = Vec::new();
        match message {
            Message::Blocks(blocks) => {
                for change in self.follower.on_blocks(context, &blocks) {
                    if let IndexChange::ObjectDeleted { id, .. } = change {
                        self.forget(context, id);
                    }
                }
            }
            Message::Read { read, object, groups } => {
                self.read(context, (from, read), object, groups, &mut news);
            }
            Message::Leave { read } => {
                let gone = |reader: &Reader| reader.client == from && reader.read == read;
                let readers = self.readers_where(gone);
                self.let_go(context, &readers, None);
            }
            Message::SliceData { key, groups } => {
                self.fills.on_data(context, &mut self.disk, key, groups, &mut news);
            }
            Message::SliceEnd { key, end } => self.fills.on_end(context, &self.disk, key, end, &mut news),
            Message::Submit { .. }
            | Message::Answer { .. }
            | Message::Follow { .. }
            | Message::Slice { .. }
            | Message::Upload { .. }
            | Message::Uploaded { .. }
            | Message::ReadData { .. }
            | Message::ReadEnd { .. } => {}
        }
        self.take(context, news);
    }

    pub(crate) fn tick(&mut self, context: &mut Context<'_>) {
        let mut news = Vec::new();
        self.follower.tick(context, &mut self.disk);
        self.fills.tick(context, &mut self.disk, &mut news);
        self.take(context, news);
        let now_ms = context.now_ms;
        let late = self.readers_where(|reader| reader.patient_until_ms <= now_ms);
        self.let_go(context, &late, Some(ReadEnd::Failed));
    }

    pub(crate) fn next_wake_ms(&self) -> Option<u64> {
        let readers = self.readers.values().map(|reader| reader.patient_until_ms).min();
        [Some(self.follower.next_wake_ms()), self.fills.next_wake_ms(), readers].into_iter().flatten().min()
    }

    /// The cache keeps its bound and what is being read, and nothing else is on disk.
    pub(crate) fn check(&self, context: &mut Context<'_>) {
        if self.cache.used_bytes() > self.cache.capacity_bytes() {
            context.judge.blame(|| "a cache is over its capacity".to_owned());
        }
        if let Some(reader) =
            self.readers.values().find(|reader| reader.pinned && !self.cache.contains(reader.object))
        {
            let (me, id) = (context.me, reader.object);
            context.judge.blame(|| format!("{me:?} evicted object {id} while it was being read"));
        }
        for id in self.disk.ids() {
            let in_use = self.fills.is_running(id) || self.readers.values().any(|reader| reader.object == id);
            if !self.cache.contains(id) && !in_use {
                let me = context.me;
                context.judge.blame(|| format!("{me:?} leaks object {id}"));
            }
        }
    }

    fn read(
        &mut self,
        context: &mut Context<'_>,
        (client, read): (Address, u64),
        id: DataObjectId,
        groups: GroupRange,
        news: &mut Vec<FillNews>,
    ) {
        let end = match decide_asset(&self.follower.index, &Assignment::Worker(self.worker), id) {
            AssetDecision::NotFound => ReadEnd::NotFound,
            AssetDecision::NotAccepted => ReadEnd::NotAccepted,
            AssetDecision::NotOurs { .. } => ReadEnd::NotOurs,
            // Clients of the simulation have no permits.
            AssetDecision::Blacklisted | AssetDecision::Private(_) => ReadEnd::Failed,
            AssetDecision::Serve(Deliverable { size, .. }) => {
                return self.serve(context, (client, read), (id, size), groups, news);
            }
        };
        context.send(client, Message::ReadEnd { read, end });
    }

    fn serve(
        &mut self,
        context: &mut Context<'_>,
        (client, read): (Address, u64),
        (id, size): (DataObjectId, u64),
        groups: GroupRange,
        news: &mut Vec<FillNews>,
    ) {
        // Refused: streamed through, and forgotten when the last reader leaves.
        self.cache.touch(id, context.now_ms);
        for evicted in self.cache.insert(id, size, context.now_ms).unwrap_or_default() {
            context.judge.tally.evictions += 1;
            self.fills.stop(evicted);
            self.disk.remove(evicted);
        }
        let pinned = self.cache.pin(id, context.now_ms);
        let reader = ReaderId(self.next_reader);
        self.next_reader += 1;
        let patient_until_ms = context.now_ms + READER_PATIENCE_MS;
        let entry = Reader {
            client,
            read,
            object: id,
            next: groups.start,
            end: groups.end,
            pinned,
            patient_until_ms,
        };
        self.readers.insert(reader, entry);
        if self.disk.read_range(id, groups).is_none() {
            self.fills.ensure(context, &self.follower.index, &mut self.disk, id, news);
            self.fills.want(context, &self.disk, id, (reader, groups, Priority::Urgent), news);
        }
        news.push(FillNews::More(id));
    }

    fn take(&mut self, context: &mut Context<'_>, news: Vec<FillNews>) {
        for item in news {
            match item {
                FillNews::More(id) => self.pump(context, id),
                FillNews::Complete(_) => {}
                FillNews::Exhausted(id) => {
                    let waiting = self.readers_where(|reader| reader.object == id);
                    self.let_go(context, &waiting, Some(ReadEnd::Failed));
                }
            }
        }
    }

    /// Sends readers what has come for them.
    fn pump(&mut self, context: &mut Context<'_>, id: DataObjectId) {
        for reader in self.readers_where(|reader| reader.object == id) {
            let Some(entry) = self.readers.get_mut(&reader) else { continue };
            let ready: Vec<_> = (entry.next..entry.end)
                .map_while(|group| Some((group, self.disk.read(id, group)?)))
                .collect();
            if ready.is_empty() {
                continue;
            }
            entry.next = ready.last().map_or(entry.next, |(group, _)| group + 1);
            entry.patient_until_ms = context.now_ms + READER_PATIENCE_MS;
            let (read, done) = (entry.read, entry.next >= entry.end);
            let mut messages: Vec<Message> = ready
                .chunks(GROUPS_PER_MESSAGE)
                .map(|chunk| Message::ReadData { read, groups: chunk.to_vec() })
                .collect();
            if done {
                messages.push(Message::ReadEnd { read, end: ReadEnd::Done });
            }
            context.stream(entry.client, messages);
            if done {
                self.let_go(context, &[reader], None);
            }
        }
    }

    fn readers_where(&self, matches: impl Fn(&Reader) -> bool) -> Vec<ReaderId> {
        self.readers.iter().filter(|(_, reader)| matches(reader)).map(|(id, _)| *id).collect()
    }

    /// Ends readers, with a word to their clients or without, and what was kept for them alone.
    fn let_go(&mut self, context: &mut Context<'_>, readers: &[ReaderId], word: Option<ReadEnd>) {
        let mut news = Vec::new();
        for id in readers {
            let Some(reader) = self.readers.remove(id) else { continue };
            if let Some(end) = word {
                context.send(reader.client, Message::ReadEnd { read: reader.read, end });
            }
            let object = reader.object;
            if reader.pinned {
                self.cache.unpin(object, context.now_ms);
            }
            self.fills.give(context, &self.disk, object, FillInput::Unwant { reader: *id }, &mut news);
            self.fills.stop_if_idle(object);
            let others = self.readers.values().any(|other| other.object == object);
            if !self.cache.contains(object) && !others {
                self.fills.stop(object);
                self.disk.remove(object);
            }
        }
        // Those who are left may now be without hope.
        if !news.is_empty() {
            self.take(context, news);
        }
    }

    /// The directory has deleted an object.
    fn forget(&mut self, context: &mut Context<'_>, id: DataObjectId) {
        self.cache.remove(id, context.now_ms);
        let readers = self.readers_where(|reader| reader.object == id);
        self.let_go(context, &readers, Some(ReadEnd::NotFound));
        self.fills.stop(id);
        self.disk.remove(id);
    }
}
