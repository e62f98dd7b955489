//! The transactions of one account.

use super::{Balance, Dropped, MAX_FUTURE_MS, Rank, Rate, Room, Ticket};
use std::collections::BTreeMap;

/// What of one account waits, and what is under way.
#[derive(Debug)]
pub(super) struct Queue<T> {
    pub(super) rank: Rank,
    /// The nonce that is due.
    pub(super) next: u64,
    /// Fees by nonce of what was taken and is not known to be durable.
    pub(super) under_way: BTreeMap<u64, Balance>,
    /// By nonce. One below `next` waits for the one under way with its nonce, so that nobody is told
    /// that a nonce is used before that is durable.
    pub(super) waiting: BTreeMap<u64, Entry<T>>,
    /// As the pool knows it.
    pub(super) filed: Filed,
}

#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) ticket: Ticket,
    since_ms: u64,
    pub(super) item: T,
}

/// What the pool's sums and orders know of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Filed {
    pub(super) rank: Rank,
    pub(super) used: Room,
    /// By what is not due after all before it are.
    pub(super) ahead: Room,
    /// The lowest rate, which is what the last one is worth.
    pub(super) lowest: Option<Rate>,
    pub(super) deadline_ms: Option<u64>,
    /// Among the turns of its rank.
    pub(super) turn: Option<u64>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            rank: Rank::default(),
            next: 0,
            under_way: BTreeMap::new(),
            waiting: BTreeMap::new(),
            filed: Filed::default(),
        }
    }
}

impl<T> Queue<T> {
    /// Gives the one that it replaces.
    pub(super) fn insert(&mut self, ticket: Ticket, now_ms: u64, item: T) -> Option<T> {
        let entry = Entry { ticket, since_ms: now_ms, item };
        self.waiting.insert(ticket.nonce, entry).map(|entry| entry.item)
    }

    /// Everything below `nonce` is durable. Gives what that voids.
    pub(super) fn settle(&mut self, nonce: u64) -> Vec<(T, Dropped)> {
        self.next = self.next.max(nonce);
        self.under_way = self.under_way.split_off(&nonce);
        let live = self.waiting.split_off(&nonce);
        let void = std::mem::replace(&mut self.waiting, live);
        void.into_values().map(|entry| (entry.item, Dropped::Stale)).collect()
    }

    pub(super) fn expire(&mut self, now_ms: u64, dropped: &mut Vec<(T, Dropped)>) {
        let end = self.end_of_run(self.next);
        let late = self.waiting.extract_if(.., |nonce, entry| entry.deadline_ms(*nonce >= end) < now_ms);
        dropped.extend(late.map(|(_, entry)| {
            let is_void = entry.ticket.valid_until_ms < now_ms;
            (entry.item, if is_void { Dropped::Expired } else { Dropped::Future })
        }));
    }

    /// The first nonce from `next`, or from `durable` if that is later, that does not wait.
    pub(super) fn end_of_run(&self, durable: u64) -> u64 {
        let first = self.next.max(durable);
        self.waiting
            .range(first..)
            .zip(first..)
            .take_while(|((at, _), nonce)| *at == nonce)
            .fold(first, |_, (_, nonce)| nonce.saturating_add(1))
    }

    /// What the account may still have to pay, the nonce `but` apart, if `durable` is its next one.
    pub(super) fn fees(&self, durable: u64, but: u64) -> Balance {
        let under_way = self.under_way.range(durable..).map(|(_, fee)| *fee);
        let waiting = self.waiting.range(self.next.max(durable)..);
        let waiting = waiting.filter(|(nonce, _)| **nonce != but).map(|(_, entry)| entry.ticket.fee);
        under_way.chain(waiting).fold(0, Balance::saturating_add)
    }

    /// The lowest rate of those that must go before one with this nonce.
    pub(super) fn rate_before(&self, nonce: u64) -> Rate {
        let before = self.waiting.range(..nonce).map(|(_, entry)| entry.rate());
        before.min().unwrap_or(Rate(Balance::MAX))
    }

    /// From the last on: nonce, worth and bytes. None is worth more than those before it.
    pub(super) fn backwards(&self) -> impl Iterator<Item = (u64, Rate, usize)> {
        let mut worth = Rate(Balance::MAX);
        let mut all = Vec::with_capacity(self.waiting.len());
        for (nonce, entry) in &self.waiting {
            worth = worth.min(entry.rate());
            all.push((*nonce, worth, entry.ticket.bytes));
        }
        all.into_iter().rev()
    }

    /// Without a turn.
    pub(super) fn summary(&self) -> Filed {
        let mut filed = Filed { rank: self.rank, ..Filed::default() };
        let end = self.end_of_run(self.next);
        for (nonce, entry) in &self.waiting {
            let room = Room::one(entry.ticket.bytes);
            let is_ahead = *nonce >= end;
            filed.used = filed.used.plus(room);
            if is_ahead {
                filed.ahead = filed.ahead.plus(room);
            }
            let lowest = filed.lowest.unwrap_or(Rate(Balance::MAX)).min(entry.rate());
            let deadline_ms = filed.deadline_ms.unwrap_or(u64::MAX).min(entry.deadline_ms(is_ahead));
            (filed.lowest, filed.deadline_ms) = (Some(lowest), Some(deadline_ms));
        }
        filed
    }
}

impl<T> Entry<T> {
    fn rate(&self) -> Rate {
        Rate::of(self.ticket.fee, self.ticket.bytes)
    }

    /// The last moment at which it may still wait.
    fn deadline_ms(&self, is_ahead: bool) -> u64 {
        let valid = self.ticket.valid_until_ms;
        if is_ahead { valid.min(self.since_ms.saturating_add(MAX_FUTURE_MS)) } else { valid }
    }
}
