//! Transactions that wait for a block, by account and nonce.
//!
//! Pure: it knows no clock, no thread and no state. Who calls it says what time it is and what the
//! newest durable state says of an account; every item that leaves, leaves in a return value.
//!
//! Bounds hold for each account and in all. Accounts with a role are served first, and a part of the
//! room is theirs alone. Accounts of one rank take turns, so that nobody waits for all that another
//! one has sent. In a full pool the transaction of the lowest rank and with the lowest fee per byte
//! makes room for a better one. A transaction that can only follow another is worth no more than it.

mod queue;
#[cfg(test)]
mod tests;

use argosy_directory::call::Balance;
use argosy_domain::{AccountId, limits::MAX_TRANSACTION_BYTES};
use queue::{Filed, Queue};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// Most transactions of one account, and how far a nonce may be ahead of the account's next one.
pub(crate) const MAX_OF_ACCOUNT: usize = 64;
/// Longest that a transaction waits for the nonce before its own, in milliseconds.
pub(crate) const MAX_FUTURE_MS: u64 = 60_000;
/// This part of the pool's room is for accounts with a role.
const RESERVED_PART: usize = 5;
/// Transactions of accounts without a role that are not due yet may take up this part of the pool.
const FUTURE_PART: usize = 20;
/// One account may take up this part of the pool's bytes.
const ACCOUNT_PART: usize = 64;
/// Most transactions that make room for one.
const MAX_DISPLACED: usize = 64;
/// A replacement pays at least this part more than what it replaces.
const REPLACEMENT_PART: Balance = 10;

/// Whose transactions go first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// No role.
    #[default]
    Anybody,
    /// Works in a group, or signs for a storage bucket.
    Operator,
    /// Leads a group, or sits on the council.
    Lead,
}

/// What the pool must know of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) account: AccountId,
    pub(crate) nonce: u64,
    pub(crate) bytes: usize,
    /// With the tip.
    pub(crate) fee: Balance,
    pub(crate) valid_until_ms: u64,
    pub(crate) hash: [u8; 32],
}

/// What the newest durable state says of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Of its next transaction.
    pub(crate) nonce: u64,
    /// What it can pay fees from.
    pub(crate) free: Balance,
    pub(crate) rank: Rank,
}

/// Why a transaction gets no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A durable transaction has used the nonce.
    Stale,
    /// The nonce is too far ahead, or too many are ahead already.
    Future,
    /// The account cannot pay this fee and those of its others that wait.
    CannotPay,
    /// Another one with this nonce waits.
    Taken {
        /// The fee that replaces it.
        fee_needed: Balance,
    },
    /// The account has as many waiting as it may.
    AccountFull,
    /// The pool is full, and nothing in it is worth less.
    Full,
}

/// Why a transaction lost its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// By one with the same nonce and a higher fee.
    Replaced,
    /// By one of a higher rank or with a higher fee per byte.
    Displaced,
    /// Its last valid time has passed.
    Expired,
    /// The nonce before its own did not come in time.
    Future,
    /// A durable transaction has used its nonce.
    Stale,
}

/// A transaction on its way into a block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Taken<T> {
    pub(crate) account: AccountId,
    pub(crate) nonce: u64,
    pub(crate) item: T,
}

/// How much room there is, or is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
}

impl Room {
    const fn one(bytes: usize) -> Self {
        Self { count: 1, bytes }
    }

    const fn plus(self, other: Self) -> Self {
        Self { count: self.count.saturating_add(other.count), bytes: self.bytes.saturating_add(other.bytes) }
    }

    const fn minus(self, other: Self) -> Self {
        Self { count: self.count.saturating_sub(other.count), bytes: self.bytes.saturating_sub(other.bytes) }
    }

    const fn part(self, part: usize) -> Self {
        Self { count: self.count / part, bytes: self.bytes / part }
    }

    fn most(self, other: Self) -> Self {
        Self { count: self.count.max(other.count), bytes: self.bytes.max(other.bytes) }
    }

    fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// A fee per byte, in parts of 1 in 65 536.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rate(Balance);

impl Rate {
    fn of(fee: Balance, bytes: usize) -> Self {
        let bytes = Balance::from(argosy_domain::num::to_u64(bytes).max(1));
        Self(fee.saturating_mul(65_536) / bytes)
    }
}

/// What an account's last transaction is worth. Of equals, the account with the most gives first.
type Worth = (Rank, Rate, Reverse<usize>, AccountId);

/// The place of an account among those with a transaction that is due.
type Turn = (Reverse<Rank>, u64);

/// Transactions that wait, each with an item of the caller's.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    room: Room,
    accounts: BTreeMap<AccountId, Queue<T>>,
    used: Room,
    /// Of this, by accounts without a role.
    used_by_anybody: Room,
    /// Of this, by what is not due yet.
    used_ahead: Room,
    turns: BTreeMap<Turn, AccountId>,
    next_turn: u64,
    /// From the lowest on: who makes room.
    worths: BTreeSet<Worth>,
    /// When the first transaction of an account must go.
    deadlines: BTreeSet<(u64, AccountId)>,
}

impl<T> Pool<T> {
    /// An empty pool.
    pub(crate) const fn new(room: Room) -> Self {
        Self {
            room,
            accounts: BTreeMap::new(),
            used: Room { count: 0, bytes: 0 },
            used_by_anybody: Room { count: 0, bytes: 0 },
            used_ahead: Room { count: 0, bytes: 0 },
            turns: BTreeMap::new(),
            next_turn: 0,
            worths: BTreeSet::new(),
            deadlines: BTreeSet::new(),
        }
    }

    /// What waits.
    pub(crate) const fn used(&self) -> Room {
        self.used
    }

    /// Whether [`Pool::take`] may give something.
    pub(crate) fn is_due(&self) -> bool {
        !self.turns.is_empty()
    }

    /// The item of this very transaction, if it waits.
    pub(crate) fn find(&mut self, ticket: &Ticket) -> Option<&mut T> {
        let entry = self.accounts.get_mut(&ticket.account)?.waiting.get_mut(&ticket.nonce)?;
        (entry.ticket.hash == ticket.hash).then_some(&mut entry.item)
    }

    /// What [`Pool::insert`] would say: cheap, so that it can be asked before a signature is looked at.
    ///
    /// # Errors
    /// [`Refusal`], the first in this order: nonce, fee, replacement, the account's bounds, the pool's.
    pub(crate) fn check(&self, ticket: &Ticket, standing: &Standing) -> Result<(), Refusal> {
        self.plan(ticket, standing).map(drop)
    }

    /// Takes a transaction whose signature holds, and gives those that lost their place by it.
    ///
    /// # Errors
    /// As [`Pool::check`], with the item.
    pub(crate) fn insert(
        &mut self,
        ticket: Ticket,
        standing: &Standing,
        now_ms: u64,
        item: T,
    ) -> Result<Vec<(T, Dropped)>, (Refusal, T)> {
        let displaced = match self.plan(&ticket, standing) {
            Ok(displaced) => displaced,
            Err(refusal) => return Err((refusal, item)),
        };
        let mut dropped = Vec::new();
        for (account, nonce) in displaced {
            let queue = self.accounts.get_mut(&account);
            let entry = queue.and_then(|queue| queue.waiting.remove(&nonce));
            dropped.extend(entry.map(|entry| (entry.item, Dropped::Displaced)));
            self.file(account);
        }
        let queue = self.accounts.entry(ticket.account).or_default();
        queue.rank = standing.rank;
        dropped.extend(queue.settle(standing.nonce));
        let replaced = queue.insert(ticket, now_ms, item);
        dropped.extend(replaced.map(|item| (item, Dropped::Replaced)));
        self.file(ticket.account);
        Ok(dropped)
    }

    /// Takes out the transaction whose turn it is, for a block at `time_ms`.
    ///
    /// Its account's next one is due then. Until [`Pool::settle`] the pool remembers that it is under
    /// way, and its fee. What has expired goes to `dropped`.
    pub(crate) fn take(&mut self, time_ms: u64, dropped: &mut Vec<(T, Dropped)>) -> Option<Taken<T>> {
        while let Some((_, account)) = self.turns.pop_first() {
            let Some(queue) = self.accounts.get_mut(&account) else { continue };
            queue.filed.turn = None;
            let Some(entry) = queue.waiting.remove(&queue.next) else { continue };
            if entry.ticket.valid_until_ms < time_ms {
                dropped.push((entry.item, Dropped::Expired));
                self.file(account);
                continue;
            }
            let nonce = queue.next;
            queue.under_way.insert(nonce, entry.ticket.fee);
            queue.next = nonce.saturating_add(1);
            self.file(account);
            return Some(Taken { account, nonce, item: entry.item });
        }
        None
    }

    /// A transaction that was taken has not come into the block: its nonce is due again.
    pub(crate) fn fail(&mut self, account: AccountId, nonce: u64) {
        if let Some(queue) = self.accounts.get_mut(&account) {
            queue.under_way.remove(&nonce);
            queue.next = nonce;
            self.file(account);
        }
    }

    /// The newest durable state says that `nonce` is the account's next one. Gives what that voids.
    pub(crate) fn settle(&mut self, account: AccountId, nonce: u64) -> Vec<(T, Dropped)> {
        let Some(queue) = self.accounts.get_mut(&account) else { return Vec::new() };
        let dropped = queue.settle(nonce);
        self.file(account);
        dropped
    }

    /// Takes out what must not wait any longer.
    pub(crate) fn expire(&mut self, now_ms: u64) -> Vec<(T, Dropped)> {
        let mut dropped = Vec::new();
        while let Some((deadline, account)) = self.deadlines.first().copied()
            && deadline < now_ms
        {
            if let Some(queue) = self.accounts.get_mut(&account) {
                queue.expire(now_ms, &mut dropped);
            }
            self.file(account);
        }
        dropped
    }

    /// Takes out everything, and forgets what is under way.
    pub(crate) fn drain(&mut self) -> Vec<T> {
        let accounts = std::mem::replace(self, Self::new(self.room)).accounts;
        accounts.into_values().flat_map(|queue| queue.waiting.into_values().map(|entry| entry.item)).collect()
    }

    /// Judges a newcomer; gives those that must make room.
    fn plan(&self, ticket: &Ticket, standing: &Standing) -> Result<Vec<(AccountId, u64)>, Refusal> {
        let ahead = ticket.nonce.checked_sub(standing.nonce).ok_or(Refusal::Stale)?;
        if ahead > argosy_domain::num::to_u64(MAX_OF_ACCOUNT) {
            return Err(Refusal::Future);
        }
        let nobody = Queue::default();
        let queue = self.accounts.get(&ticket.account).unwrap_or(&nobody);
        let fees = queue.fees(standing.nonce, ticket.nonce).saturating_add(ticket.fee);
        if fees > standing.free {
            return Err(Refusal::CannotPay);
        }
        let mut before = Room::default();
        if let Some(entry) = queue.waiting.get(&ticket.nonce) {
            let fee_needed =
                entry.ticket.fee.saturating_add((entry.ticket.fee.div_ceil(REPLACEMENT_PART)).max(1));
            if ticket.fee < fee_needed {
                return Err(Refusal::Taken { fee_needed });
            }
            before = Room::one(entry.ticket.bytes);
        }
        let after = queue.filed.used.minus(before).plus(Room::one(ticket.bytes));
        if after.count > MAX_OF_ACCOUNT || after.bytes > self.account_bytes() {
            return Err(Refusal::AccountFull);
        }
        self.check_ahead(ticket, standing, queue, before)?;
        let excess = self.excess(queue, standing.rank, after);
        if excess.is_none() { Ok(Vec::new()) } else { self.displaced(ticket, standing, queue, excess) }
    }

    fn account_bytes(&self) -> usize {
        (self.room.bytes / ACCOUNT_PART).max(MAX_TRANSACTION_BYTES)
    }

    /// What is not due costs its signer nothing: without a role there is little room for it.
    fn check_ahead(
        &self,
        ticket: &Ticket,
        standing: &Standing,
        queue: &Queue<T>,
        before: Room,
    ) -> Result<(), Refusal> {
        let is_due = ticket.nonce <= queue.end_of_run(standing.nonce);
        if is_due || standing.rank > Rank::Anybody {
            return Ok(());
        }
        let room = self.room.part(FUTURE_PART);
        let after = self.used_ahead.minus(before).plus(Room::one(ticket.bytes));
        if after.minus(room).is_none() { Ok(()) } else { Err(Refusal::Future) }
    }

    /// How much too much would wait if the account of `queue` had this rank and used `after`.
    fn excess(&self, queue: &Queue<T>, rank: Rank, after: Room) -> Room {
        let excess = self.used.minus(queue.filed.used).plus(after).minus(self.room);
        if rank > Rank::Anybody {
            return excess;
        }
        let was = if queue.filed.rank == Rank::Anybody { queue.filed.used } else { Room::default() };
        let open = self.room.minus(self.room.part(RESERVED_PART));
        excess.most(self.used_by_anybody.minus(was).plus(after).minus(open))
    }

    /// Those of others that are worth less than a newcomer and take up at least `excess`.
    fn displaced(
        &self,
        ticket: &Ticket,
        standing: &Standing,
        queue: &Queue<T>,
        mut excess: Room,
    ) -> Result<Vec<(AccountId, u64)>, Refusal> {
        let rate = queue.rate_before(ticket.nonce).min(Rate::of(ticket.fee, ticket.bytes));
        let worth = (standing.rank, rate);
        let mut displaced = Vec::new();
        for (rank, rate, _, account) in &self.worths {
            if (*rank, *rate) >= worth {
                break;
            }
            let Some(victim) = self.accounts.get(account).filter(|_| *account != ticket.account) else {
                continue;
            };
            for (nonce, rate, bytes) in victim.backwards() {
                if (*rank, rate) >= worth {
                    break;
                }
                displaced.push((*account, nonce));
                excess = excess.minus(Room::one(bytes));
                if excess.is_none() {
                    return Ok(displaced);
                }
                if displaced.len() == MAX_DISPLACED {
                    return Err(Refusal::Full);
                }
            }
        }
        Err(Refusal::Full)
    }

    /// Brings sums and orders up to date after a change of an account's transactions.
    fn file(&mut self, account: AccountId) {
        let Some(queue) = self.accounts.get_mut(&account) else { return };
        let old = queue.filed;
        let mut new = queue.summary();
        let is_due = queue.waiting.contains_key(&queue.next);
        new.turn = old.turn.filter(|_| is_due && old.rank == new.rank);
        if let Some(turn) = old.turn.filter(|_| new.turn.is_none()) {
            self.turns.remove(&(Reverse(old.rank), turn));
        }
        if is_due && new.turn.is_none() {
            new.turn = Some(self.next_turn);
            self.turns.insert((Reverse(new.rank), self.next_turn), account);
            self.next_turn = self.next_turn.saturating_add(1);
        }
        queue.filed = new;
        if queue.waiting.is_empty() && queue.under_way.is_empty() {
            self.accounts.remove(&account);
        }
        self.sum_up(account, &old, &new);
    }

    fn sum_up(&mut self, account: AccountId, old: &Filed, new: &Filed) {
        let anybody = |filed: &Filed, room| if filed.rank == Rank::Anybody { room } else { Room::default() };
        self.used = self.used.minus(old.used).plus(new.used);
        self.used_by_anybody =
            self.used_by_anybody.minus(anybody(old, old.used)).plus(anybody(new, new.used));
        self.used_ahead = self.used_ahead.minus(anybody(old, old.ahead)).plus(anybody(new, new.ahead));
        let worth =
            |filed: &Filed| filed.lowest.map(|rate| (filed.rank, rate, Reverse(filed.used.count), account));
        if worth(old) != worth(new) {
            worth(old).map(|worth| self.worths.remove(&worth));
            self.worths.extend(worth(new));
        }
        if old.deadline_ms != new.deadline_ms {
            old.deadline_ms.map(|at| self.deadlines.remove(&(at, account)));
            self.deadlines.extend(new.deadline_ms.map(|at| (at, account)));
        }
    }
}
