//! One run: the parties, the clock, and the queue of what happens next.

use crate::{
    client::Client,
    context::{Context, Sending},
    directory::DirectoryNode,
    disk::Disk,
    distributor::Distributor,
    faults::{self, Fault, Planned},
    judge::Judge,
    log::{EventLog, Noted},
    message::{Address, Message, ReadEnd},
    network::Network,
    seed::{Rng, Seed},
    setup::{self, CLIENTS, DISTRIBUTORS, GENESIS_MS, STORAGE_NODES},
    storage::{LyingSource, StorageNode, StorageRole},
};
use anyhow::Result;
use argosy_directory::Genesis;
use argosy_domain::{DataObjectId, WorkerId, num::to_u64};
use argosy_node_core::fill::RequestEnd;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
};

/// A server that runs, or what a crash has left of it.
pub(crate) enum Slot<Running, Left> {
    Up(Box<Running>),
    Down(Left),
    /// Only while it changes from one to the other.
    Changing,
}

type StorageSlot = Slot<StorageNode, (StorageRole, Disk, Option<LyingSource>)>;
type DistributorSlot = Slot<Distributor, (WorkerId, u64, Disk)>;

/// All parties and all that is under way.
pub(crate) struct World {
    pub(crate) genesis: Genesis,
    seed: Seed,
    pub(crate) now_ms: u64,
    queue: BinaryHeap<Reverse<Entry>>,
    next_entry: u64,
    /// When each party is to be woken.
    wakes: BTreeMap<Address, u64>,
    /// How far each party's clock is ahead.
    skews_ms: BTreeMap<Address, u64>,
    /// How often each party was started.
    lives: BTreeMap<Address, u64>,
    pub(crate) directory: DirectoryNode,
    directory_up: bool,
    pub(crate) storage: Vec<StorageSlot>,
    pub(crate) distributors: Vec<DistributorSlot>,
    pub(crate) clients: Vec<Client>,
    network: Network,
    refusals: Rng,
    faults: Vec<Planned>,
    pub(crate) judge: Judge,
    pub(crate) log: EventLog,
}

struct Entry {
    at_ms: u64,
    /// Entries of one moment happen in the order in which they were made.
    number: u64,
    what: What,
}

enum What {
    Deliver { from: Address, life: Option<u64>, to: Address, message: Message },
    Wake(Address),
    FaultBegins(usize),
    FaultEnds(usize),
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        (self.at_ms, self.number).cmp(&(other.at_ms, other.number))
    }
}

impl World {
    /// The network of a seed, set up and ready, with faults planned until `faults_until_ms`.
    pub(crate) fn new(seed: Seed, faults_until_ms: u64, traced: bool) -> Result<Self> {
        let genesis = setup::genesis();
        let servers =
            (0..STORAGE_NODES).map(Address::Storage).chain((0..DISTRIBUTORS).map(Address::Distributor));
        let followers: Vec<Address> = servers.collect();
        let clients = (0..CLIENTS).map(Address::Client);
        let parties: Vec<Address> =
            [Address::Directory].into_iter().chain(followers.iter().copied()).chain(clients).collect();
        let mut directory = DirectoryNode::new(&genesis, followers, seed.child("randomness").rng())?;
        setup::run(&mut directory, &genesis)?;
        let mut clocks = seed.child("clocks").rng();
        let skews_ms: BTreeMap<Address, u64> =
            parties.iter().map(|party| (*party, clocks.within(0..4_000))).collect();
        let mut world = Self {
            seed,
            now_ms: 0,
            queue: BinaryHeap::new(),
            next_entry: 0,
            wakes: BTreeMap::new(),
            skews_ms,
            lives: BTreeMap::new(),
            directory,
            directory_up: true,
            storage: Vec::new(),
            distributors: Vec::new(),
            clients: Vec::new(),
            network: Network::new(seed.child("network").rng()),
            refusals: seed.child("refusals").rng(),
            faults: faults::plan(&mut seed.child("faults").rng(), &parties, faults_until_ms),
            judge: Judge::default(),
            log: EventLog::new(traced),
            genesis,
        };
        world.cast();
        world.plan_faults();
        for party in parties {
            world.plan_wake(party);
        }
        Ok(world)
    }

    /// Makes the parties.
    fn cast(&mut self) {
        let mut cast = self.seed.child("cast").rng();
        let liar = if cast.chance(75) { Some(cast.within(0..to_u64(STORAGE_NODES))) } else { None };
        for n in 0..STORAGE_NODES {
            let lies = liar == Some(to_u64(n));
            let liar = lies.then(|| LyingSource { percent: cast.within(10..60) });
            let role = setup::storage_role(n);
            let disk = Disk::new(self.seed.child(&format!("disk:storage-{n}")).rng());
            self.storage.push(Slot::Down((role, disk, liar)));
            self.start(Address::Storage(n));
        }
        for n in 0..DISTRIBUTORS {
            // From less than the largest object to more than all of them.
            let cache_bytes = cast.within(1..60) * 1024 * 1024;
            let disk = Disk::new(self.seed.child(&format!("disk:distributor-{n}")).rng());
            self.distributors.push(Slot::Down((setup::distribution_worker(n), cache_bytes, disk)));
            self.start(Address::Distributor(n));
        }
        for n in 0..CLIENTS {
            let rng = self.seed.child(&format!("client-{n}")).rng();
            let now_ms = self.local_ms(Address::Client(n));
            self.clients.push(Client::new(setup::client_role(n, &self.genesis), rng, now_ms));
        }
    }

    fn plan_faults(&mut self) {
        let times: Vec<(u64, u64)> =
            self.faults.iter().map(|planned| (planned.from_ms, planned.to_ms)).collect();
        for (n, (from_ms, to_ms)) in times.into_iter().enumerate() {
            self.plan(from_ms, What::FaultBegins(n));
            self.plan(to_ms, What::FaultEnds(n));
        }
    }

    /// Lets the next thing happen, unless that is at `until_ms` or later. Whether one did.
    pub(crate) fn step(&mut self, until_ms: u64) -> bool {
        if self.queue.peek().is_none_or(|Reverse(next)| next.at_ms >= until_ms) {
            self.now_ms = until_ms;
            return false;
        }
        let Some(Reverse(Entry { at_ms, what, .. })) = self.queue.pop() else { return false };
        self.now_ms = at_ms;
        match what {
            What::Deliver { from, life, to, message } => {
                // A connection ends with the process at its other end.
                if life.is_none_or(|life| life == self.life(from)) {
                    self.deliver(from, to, message);
                }
            }
            What::Wake(who) => self.wake(who),
            What::FaultBegins(n) => self.fault(n, true),
            What::FaultEnds(n) => self.fault(n, false),
        }
        self.judge.tally.events += 1;
        true
    }

    fn plan(&mut self, at_ms: u64, what: What) {
        self.queue.push(Reverse(Entry { at_ms, number: self.next_entry, what }));
        self.next_entry += 1;
    }

    fn local_ms(&self, who: Address) -> u64 {
        GENESIS_MS + self.now_ms + self.skew_ms(who)
    }

    fn skew_ms(&self, who: Address) -> u64 {
        self.skews_ms.get(&who).copied().unwrap_or(0)
    }

    fn life(&self, who: Address) -> u64 {
        self.lives.get(&who).copied().unwrap_or(0)
    }

    fn is_up(&self, who: Address) -> bool {
        match who {
            Address::Directory => self.directory_up,
            Address::Storage(n) => matches!(self.storage.get(n), Some(Slot::Up(_))),
            Address::Distributor(n) => matches!(self.distributors.get(n), Some(Slot::Up(_))),
            Address::Client(_) => true,
        }
    }

    fn deliver(&mut self, from: Address, to: Address, message: Message) {
        if !self.is_up(to) {
            return self.refuse(from, to, &message);
        }
        self.log.note(self.now_ms, &Noted::Delivered { from, to, message: &message });
        let mut context = Context::new(self.local_ms(to), to, &mut self.judge);
        match to {
            Address::Directory => self.directory.handle(&mut context, from, message),
            Address::Storage(n) => {
                if let Some(Slot::Up(node)) = self.storage.get_mut(n) {
                    node.handle(&mut context, from, message);
                }
            }
            Address::Distributor(n) => {
                if let Some(Slot::Up(node)) = self.distributors.get_mut(n) {
                    node.handle(&mut context, from, message);
                    node.check(&mut context);
                }
            }
            Address::Client(n) => {
                if let Some(client) = self.clients.get_mut(n) {
                    client.handle(&mut context, from, message);
                }
            }
        }
        let outbox = context.outbox;
        self.after(to, outbox);
    }

    /// Nobody listens there: half of the time one is told so, else there is only silence.
    fn refuse(&mut self, from: Address, to: Address, message: &Message) {
        self.log.note(self.now_ms, &Noted::Refused { from, to });
        if self.refusals.chance(50) {
            return;
        }
        let answer = match message {
            Message::Slice { key, .. } => Message::SliceEnd { key: *key, end: RequestEnd::Failed },
            Message::Read { read, .. } => Message::ReadEnd { read: *read, end: ReadEnd::Failed },
            Message::Submit { .. }
            | Message::Answer { .. }
            | Message::Follow { .. }
            | Message::Blocks(_)
            | Message::SliceData { .. }
            | Message::SliceEnd { .. }
            | Message::Upload { .. }
            | Message::Uploaded { .. }
            | Message::Leave { .. }
            | Message::ReadData { .. }
            | Message::ReadEnd { .. } => return,
        };
        self.send(to, Sending { to: from, messages: vec![answer] });
    }

    fn wake(&mut self, who: Address) {
        if self.wakes.get(&who) != Some(&self.now_ms) {
            return;
        }
        self.wakes.remove(&who);
        if !self.is_up(who) {
            return;
        }
        self.log.note(self.now_ms, &Noted::Woken(who));
        let mut context = Context::new(self.local_ms(who), who, &mut self.judge);
        match who {
            Address::Directory => self.directory.tick(&mut context),
            Address::Storage(n) => {
                if let Some(Slot::Up(node)) = self.storage.get_mut(n) {
                    node.tick(&mut context);
                }
            }
            Address::Distributor(n) => {
                if let Some(Slot::Up(node)) = self.distributors.get_mut(n) {
                    node.tick(&mut context);
                }
            }
            Address::Client(n) => {
                if let Some(client) = self.clients.get_mut(n) {
                    client.tick(&mut context);
                }
            }
        }
        let outbox = context.outbox;
        self.after(who, outbox);
    }

    fn after(&mut self, who: Address, outbox: Vec<Sending>) {
        for sending in outbox {
            self.send(who, sending);
        }
        self.plan_wake(who);
    }

    fn send(&mut self, from: Address, sending: Sending) {
        let Sending { to, messages } = sending;
        let delays = self.network.delays_ms(from, to, messages.len());
        let life = (messages.len() > 1).then(|| self.life(from));
        for (message, delay_ms) in messages.into_iter().zip(delays) {
            self.plan(self.now_ms + delay_ms, What::Deliver { from, life, to, message });
        }
    }

    fn plan_wake(&mut self, who: Address) {
        let local_ms = match who {
            Address::Directory => Some(self.directory.next_wake_ms()),
            Address::Storage(n) => match self.storage.get(n) {
                Some(Slot::Up(node)) => node.next_wake_ms(),
                Some(Slot::Down(_) | Slot::Changing) | None => None,
            },
            Address::Distributor(n) => match self.distributors.get(n) {
                Some(Slot::Up(node)) => node.next_wake_ms(),
                Some(Slot::Down(_) | Slot::Changing) | None => None,
            },
            Address::Client(n) => self.clients.get(n).map(Client::next_wake_ms),
        };
        let Some(local_ms) = local_ms else { return };
        let at_ms = local_ms.saturating_sub(GENESIS_MS + self.skew_ms(who)).max(self.now_ms + 1);
        if self.wakes.get(&who).is_none_or(|planned| at_ms < *planned) {
            self.wakes.insert(who, at_ms);
            self.plan(at_ms, What::Wake(who));
        }
    }

    fn fault(&mut self, n: usize, begins: bool) {
        let Some(Planned { fault, .. }) = self.faults.get(n).cloned() else { return };
        let noted = if begins { Noted::FaultBegins(&fault) } else { Noted::FaultEnds(&fault) };
        self.log.note(self.now_ms, &noted);
        match (fault, begins) {
            (Fault::Crash(who), true) => self.crash(who),
            (Fault::Crash(who), false) => self.start(who),
            (Fault::Partition(island), true) => {
                self.judge.tally.partitions += 1;
                self.network.island = island;
            }
            (Fault::Partition(_), false) => self.network.island.clear(),
            (Fault::Loss(percent), true) => self.network.loss_percent = percent,
            (Fault::Loss(_), false) => self.network.loss_percent = 0,
            (Fault::Slow(slow_ms), true) => self.network.slow_ms = slow_ms,
            (Fault::Slow(_), false) => self.network.slow_ms = 0,
        }
    }

    fn crash(&mut self, who: Address) {
        if !self.is_up(who) {
            return;
        }
        self.judge.tally.crashes += 1;
        self.wakes.remove(&who);
        // Connections to and from it are of the past life.
        *self.lives.entry(who).or_insert(0) += 1;
        match who {
            Address::Directory => {
                self.directory_up = false;
                self.directory.crash();
            }
            Address::Storage(n) => {
                if let Some(slot) = self.storage.get_mut(n)
                    && let Slot::Up(node) = std::mem::replace(slot, Slot::Changing)
                {
                    *slot = Slot::Down(node.crash());
                }
            }
            Address::Distributor(n) => {
                if let Some(slot) = self.distributors.get_mut(n)
                    && let Slot::Up(node) = std::mem::replace(slot, Slot::Changing)
                {
                    *slot = Slot::Down(node.crash());
                }
            }
            Address::Client(_) => {}
        }
    }

    fn start(&mut self, who: Address) {
        if self.is_up(who) {
            return;
        }
        let when = (self.life(who), self.local_ms(who));
        let rng = self.seed.child(&format!("{who:?} life {}", when.0)).rng();
        match who {
            Address::Directory => self.directory_up = true,
            Address::Storage(n) => {
                if let Some(slot) = self.storage.get_mut(n)
                    && let Slot::Down((role, disk, liar)) = std::mem::replace(slot, Slot::Changing)
                {
                    let node = StorageNode::start(role, &self.genesis, disk, liar, rng, when);
                    *slot = Slot::Up(Box::new(node));
                }
            }
            Address::Distributor(n) => {
                if let Some(slot) = self.distributors.get_mut(n)
                    && let Slot::Down((worker, cache, disk)) = std::mem::replace(slot, Slot::Changing)
                {
                    let node = Distributor::start(worker, cache, &self.genesis, disk, rng, when);
                    *slot = Slot::Up(Box::new(node));
                }
            }
            Address::Client(_) => {}
        }
        self.plan_wake(who);
    }

    /// Faults are over: the network heals and everyone is up. Liars go on lying.
    pub(crate) fn heal(&mut self) {
        self.log.note(self.now_ms, &Noted::Phase("faults are over"));
        self.network.heal();
        self.start(Address::Directory);
        (0..STORAGE_NODES).for_each(|n| self.start(Address::Storage(n)));
        (0..DISTRIBUTORS).for_each(|n| self.start(Address::Distributor(n)));
    }

    /// Clients finish what they do and then only read what they are told.
    pub(crate) fn read_at_last(&mut self, mut what: Vec<VecDeque<(DataObjectId, usize)>>) {
        self.log.note(self.now_ms, &Noted::Phase("last reads"));
        for client in &mut self.clients {
            client.read_at_last(what.pop().unwrap_or_default());
        }
    }
}
