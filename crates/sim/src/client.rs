//! A client: makes a channel, puts objects, reads random ranges, deletes some of its own.

use crate::{
    context::Context,
    judge::Published,
    message::{Address, Message, ReadEnd, UploadState},
    seed::Rng,
    storage::GROUPS_PER_MESSAGE,
    submit::{Submitted, Submitter},
    token::Token,
};
use argosy_content::{GroupRange, group_count};
use argosy_directory::{
    Call, ContentCall, Event,
    call::{ObjectCreation, ObjectsUpload},
};
use argosy_domain::{
    AccountId, BagId, ChannelId, ContentId, DataObjectId, MemberId, ObjectSize,
    limits::GROUP_BYTES,
    num::{to_u64, to_usize},
};
use std::collections::VecDeque;

const THINK_MS: u64 = 600;
const RESEND_MS: u64 = 1_000;
/// Unanswered or unfinished for so long: try another node.
const PATIENCE_MS: u64 = 12_000;
const POLL_MS: u64 = 60;
const MAX_GROUPS: u64 = 200;
const MAX_OBJECTS_EACH: usize = 12;

/// Who the client is, and how large the network is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientRole {
    pub(crate) member: MemberId,
    pub(crate) account: AccountId,
    pub(crate) genesis: [u8; 32],
    pub(crate) storage_count: usize,
    pub(crate) distributors_count: usize,
}

pub(crate) struct Client {
    role: ClientRole,
    submitter: Submitter,
    rng: Rng,
    channel: Option<ChannelId>,
    mine: Vec<DataObjectId>,
    doing: Doing,
    wake_ms: u64,
    next_read: u64,
    /// In the last phase: what is still to be read whole, and from whom.
    to_read: Option<VecDeque<(DataObjectId, usize)>>,
}

enum Doing {
    Thinking,
    MakingChannel,
    Declaring { content: ContentId, size: ObjectSize },
    Uploading(Upload),
    Reading(Reading),
    Deleting { object: DataObjectId },
}

struct Upload {
    object: DataObjectId,
    content: ContentId,
    size: ObjectSize,
    node: usize,
    patient_until_ms: u64,
}

struct Reading {
    read: u64,
    object: DataObjectId,
    distributor: usize,
    next: u64,
    end: u64,
    patient_until_ms: u64,
}

impl Client {
    pub(crate) fn new(role: ClientRole, rng: Rng, now_ms: u64) -> Self {
        Self {
            role,
            submitter: Submitter::new(role.account, role.genesis, 0),
            rng,
            channel: None,
            mine: Vec::new(),
            doing: Doing::Thinking,
            wake_ms: now_ms,
            next_read: 0,
            to_read: None,
        }
    }

    /// From now on it finishes what it does, and then only reads these, each from that distributor.
    pub(crate) fn read_at_last(&mut self, what: VecDeque<(DataObjectId, usize)>) {
        self.to_read = Some(what);
    }

    /// Whether it has finished what it was doing when the last phase began.
    pub(crate) const fn is_resting(&self) -> bool {
        matches!(self.doing, Doing::Thinking)
    }

    /// What is still unread of the last phase.
    pub(crate) fn unread(&self) -> Option<usize> {
        let under_way = usize::from(!self.is_resting());
        self.to_read.as_ref().map(|left| left.len() + under_way)
    }

    pub(crate) fn next_wake_ms(&self) -> u64 {
        self.submitter.next_wake_ms().map_or(self.wake_ms, |at| at.min(self.wake_ms))
    }

    pub(crate) fn handle(&mut self, context: &mut Context<'_>, from: Address, message: Message) {
        match message {
            Message::Answer { hash, answer } => {
                if let Some(ended) = self.submitter.answered(hash, answer) {
                    self.transaction_ended(context, ended);
                }
            }
            Message::Uploaded { object, state } => self.uploaded(context, from, object, state),
            Message::ReadData { read, groups } => self.read_data(context, from, read, &groups),
            Message::ReadEnd { read, end } => self.read_ended(context, from, read, end),
            Message::Submit { .. }
            | Message::Follow { .. }
            | Message::Blocks(_)
            | Message::Slice { .. }
            | Message::SliceData { .. }
            | Message::SliceEnd { .. }
            | Message::Upload { .. }
            | Message::Read { .. }
            | Message::Leave { .. } => {}
        }
    }

    pub(crate) fn tick(&mut self, context: &mut Context<'_>) {
        self.submitter.tick(context);
        if context.now_ms < self.wake_ms {
            return;
        }
        self.wake_ms = context.now_ms + RESEND_MS;
        match &mut self.doing {
            Doing::Thinking => self.choose(context),
            Doing::MakingChannel | Doing::Declaring { .. } | Doing::Deleting { .. } => {}
            Doing::Uploading(upload) => {
                if context.now_ms >= upload.patient_until_ms {
                    upload.node = (upload.node + 1) % self.role.storage_count;
                    upload.patient_until_ms = context.now_ms + PATIENCE_MS;
                }
                self.send_groups(context, None);
            }
            Doing::Reading(reading) => {
                if context.now_ms >= reading.patient_until_ms {
                    let (read, object, distributor) = (reading.read, reading.object, reading.distributor);
                    context.send(Address::Distributor(distributor), Message::Leave { read });
                    self.reading_failed(context, object, distributor);
                }
            }
        }
    }

    fn rest(&mut self, context: &Context<'_>) {
        self.doing = Doing::Thinking;
        self.wake_ms = context.now_ms + self.rng.within(0..THINK_MS);
    }

    fn choose(&mut self, context: &mut Context<'_>) {
        if let Some(left) = &mut self.to_read {
            let Some((object, distributor)) = left.pop_front() else { return };
            let size = context.judge.published.get(&object).map_or(0, |known| known.size);
            return self.start_reading(context, object, distributor, GroupRange::whole(size));
        }
        let Some(channel) = self.channel else {
            let call = ContentCall::CreateChannel {
                owner: self.role.member,
                upload: ObjectsUpload::default(),
                storage_buckets: None,
                distribution_buckets: None,
            };
            self.doing = Doing::MakingChannel;
            return self.submitter.submit(context, Call::Content(call));
        };
        match self.rng.within(0..100) {
            0..30 if self.mine.len() < MAX_OBJECTS_EACH => self.declare(context, channel),
            30..36 if self.mine.len() > 2 => self.delete(context, channel),
            _ => self.read_something(context),
        }
    }

    fn declare(&mut self, context: &mut Context<'_>, channel: ChannelId) {
        let content = ContentId(self.rng.bytes());
        // Many small ones, some large ones.
        let widest = if self.rng.chance(70) { 8 } else { MAX_GROUPS };
        let size = self.rng.within(1..widest * GROUP_BYTES + 1);
        let creation = ObjectCreation { size, ipfs_content_id: content.to_string().into_bytes() };
        let upload = ObjectsUpload { object_creation_list: vec![creation], ..ObjectsUpload::default() };
        self.doing = Doing::Declaring { content, size };
        let call = ContentCall::UploadDataObjects { bag: BagId::channel(channel), upload };
        self.submitter.submit(context, Call::Content(call));
    }

    fn delete(&mut self, context: &mut Context<'_>, channel: ChannelId) {
        let at = to_usize(self.rng.within(0..to_u64(self.mine.len())));
        let object = self.mine.swap_remove(at);
        if let Some(known) = context.judge.published.get_mut(&object) {
            known.deleting = true;
        }
        self.doing = Doing::Deleting { object };
        let call = ContentCall::DeleteDataObjects { bag: BagId::channel(channel), objects: [object].into() };
        self.submitter.submit(context, Call::Content(call));
    }

    fn read_something(&mut self, context: &mut Context<'_>) {
        let known: Vec<(DataObjectId, ObjectSize)> =
            context.judge.published.iter().map(|(id, known)| (*id, known.size)).collect();
        let Some((object, size)) = self.rng.pick(&known).copied() else { return self.rest(context) };
        let count = group_count(size);
        let start = self.rng.within(0..count);
        let end = start + self.rng.within(1..count - start + 1);
        let distributor = to_usize(self.rng.within(0..to_u64(self.role.distributors_count)));
        self.start_reading(context, object, distributor, GroupRange::new(start, end));
    }

    fn start_reading(
        &mut self,
        context: &mut Context<'_>,
        object: DataObjectId,
        distributor: usize,
        groups: GroupRange,
    ) {
        self.next_read += 1;
        let (read, patient_until_ms) = (self.next_read, context.now_ms + PATIENCE_MS);
        let (next, end) = (groups.start, groups.end);
        self.doing = Doing::Reading(Reading { read, object, distributor, next, end, patient_until_ms });
        context.send(Address::Distributor(distributor), Message::Read { read, object, groups });
        self.wake_ms = patient_until_ms;
    }

    fn transaction_ended(&mut self, context: &mut Context<'_>, ended: Submitted) {
        let doing = std::mem::replace(&mut self.doing, Doing::Thinking);
        let outcome = match ended {
            Submitted::InBlock(_, outcome) => outcome,
            // Never executed, so nothing was made that would be lost.
            Submitted::Void => return self.rest(context),
        };
        if let Err(reject) = outcome.result {
            context.judge.blame(|| format!("a client's call was turned down: {reject}"));
        }
        match doing {
            Doing::MakingChannel => {
                self.channel = outcome.events.iter().find_map(|event| {
                    let Event::ChannelCreated { channel, .. } = event else { return None };
                    Some(*channel)
                });
            }
            Doing::Declaring { content, size } => {
                let object = outcome.events.iter().find_map(|event| {
                    let Event::DataObjectsUploaded { ids, .. } = event else { return None };
                    ids.first().copied()
                });
                if let Some(object) = object {
                    return self.start_upload(context, object, content, size);
                }
            }
            Doing::Deleting { object } => {
                context.judge.published.remove(&object);
                context.judge.tally.deletions += 1;
            }
            Doing::Thinking | Doing::Uploading(_) | Doing::Reading(_) => {}
        }
        self.rest(context);
    }

    fn start_upload(
        &mut self,
        context: &mut Context<'_>,
        object: DataObjectId,
        content: ContentId,
        size: ObjectSize,
    ) {
        let node = to_usize(self.rng.within(0..to_u64(self.role.storage_count)));
        let patient_until_ms = context.now_ms + PATIENCE_MS;
        self.doing = Doing::Uploading(Upload { object, content, size, node, patient_until_ms });
        self.wake_ms = context.now_ms + RESEND_MS;
        self.send_groups(context, None);
    }

    /// Sends an upload's groups from `next` on; none asks where to begin.
    fn send_groups(&mut self, context: &mut Context<'_>, next: Option<u64>) {
        let Doing::Uploading(upload) = &self.doing else { return };
        let next = next.unwrap_or(u64::MAX);
        let end = group_count(upload.size).min(next.saturating_add(to_u64(GROUPS_PER_MESSAGE)));
        let groups = (next..end).map(|group| (group, Token::of(&upload.content, group))).collect();
        context.send(Address::Storage(upload.node), Message::Upload { object: upload.object, groups });
    }

    fn uploaded(
        &mut self,
        context: &mut Context<'_>,
        from: Address,
        object: DataObjectId,
        state: UploadState,
    ) {
        let Doing::Uploading(upload) = &mut self.doing else { return };
        if upload.object != object || from != Address::Storage(upload.node) {
            return;
        }
        match state {
            UploadState::Next(next) if next < group_count(upload.size) => {
                upload.patient_until_ms = context.now_ms + PATIENCE_MS;
                self.wake_ms = context.now_ms + RESEND_MS;
                self.send_groups(context, Some(next));
            }
            // The node has all, or must first hear of the object: ask again soon.
            UploadState::Next(_) | UploadState::Durable | UploadState::Unknown => {
                self.wake_ms = context.now_ms + POLL_MS;
            }
            UploadState::Accepted => {
                let published = Published { content: upload.content, size: upload.size, deleting: false };
                context.judge.published.insert(object, published);
                context.judge.tally.puts += 1;
                self.mine.push(object);
                self.rest(context);
            }
        }
    }

    fn read_data(&mut self, context: &mut Context<'_>, from: Address, read: u64, groups: &[(u64, Token)]) {
        let Doing::Reading(reading) = &mut self.doing else { return };
        if reading.read != read || from != Address::Distributor(reading.distributor) {
            return;
        }
        context.judge.read(from, reading.object, groups);
        for (group, _) in groups {
            // Bytes of one answer come in order, over one connection; after a gap the reader would stop.
            if *group == reading.next {
                reading.next += 1;
            }
        }
        reading.patient_until_ms = context.now_ms + PATIENCE_MS;
        self.wake_ms = reading.patient_until_ms;
    }

    fn read_ended(&mut self, context: &mut Context<'_>, from: Address, read: u64, end: ReadEnd) {
        let Doing::Reading(reading) = &self.doing else { return };
        if reading.read != read || from != Address::Distributor(reading.distributor) {
            return;
        }
        let (object, distributor) = (reading.object, reading.distributor);
        if end == ReadEnd::Done && reading.next < reading.end {
            // A part was lost on the way: the connection would have broken.
            return self.reading_failed(context, object, distributor);
        }
        context.judge.read_ended(object, end);
        if end == ReadEnd::Done { self.rest(context) } else { self.try_again(context, object, distributor) }
    }

    fn reading_failed(&mut self, context: &mut Context<'_>, object: DataObjectId, distributor: usize) {
        context.judge.read_ended(object, ReadEnd::Failed);
        self.try_again(context, object, distributor);
    }

    /// In the last phase everything must be read in the end, unless it has been deleted meanwhile.
    fn try_again(&mut self, context: &mut Context<'_>, object: DataObjectId, distributor: usize) {
        let is_there = context.judge.published.get(&object).is_some_and(|known| !known.deleting);
        if let Some(left) = self.to_read.as_mut().filter(|_| is_there) {
            left.push_back((object, distributor));
        }
        self.rest(context);
    }
}
