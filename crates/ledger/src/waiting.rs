//! Transactions whose nonce is not due yet: a small, bounded room, so that those of one account may
//! arrive out of order.

use argosy_domain::AccountId;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Most that wait for one account.
pub(crate) const MAX_WAITING_PER_ACCOUNT: usize = 64;
/// Longest that one waits.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(60);

/// Items by account and nonce.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    by_account: BTreeMap<AccountId, BTreeMap<u64, (Instant, T)>>,
    count: usize,
    max_count: usize,
}

impl<T> Waiting<T> {
    /// A room for `max_count` items in all.
    pub(crate) const fn new(max_count: usize) -> Self {
        Self { by_account: BTreeMap::new(), count: 0, max_count }
    }

    /// Keeps `item` until its nonce is due.
    ///
    /// Gives it back if there is no room, or if the nonce is taken: the first one keeps its place.
    pub(crate) fn insert(&mut self, now: Instant, account: AccountId, nonce: u64, item: T) -> Result<(), T> {
        let full = self.count >= self.max_count;
        let taken = self
            .by_account
            .get(&account)
            .is_some_and(|nonces| nonces.len() >= MAX_WAITING_PER_ACCOUNT || nonces.contains_key(&nonce));
        if full || taken {
            return Err(item);
        }
        self.by_account.entry(account).or_default().insert(nonce, (now, item));
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Takes out the item with this nonce.
    pub(crate) fn take(&mut self, account: &AccountId, nonce: u64) -> Option<T> {
        let nonces = self.by_account.get_mut(account)?;
        let (_, item) = nonces.remove(&nonce)?;
        if nonces.is_empty() {
            self.by_account.remove(account);
        }
        self.count = self.count.saturating_sub(1);
        Some(item)
    }

    /// Takes out what has waited longer than [`MAX_WAIT`].
    pub(crate) fn take_expired(&mut self, now: Instant) -> Vec<T> {
        let expired: Vec<_> = self
            .by_account
            .iter()
            .flat_map(|(account, nonces)| {
                nonces.iter().map(move |(nonce, (since, _))| (*account, *nonce, *since))
            })
            .filter(|(_, _, since)| now.duration_since(*since) > MAX_WAIT)
            .collect();
        expired.iter().filter_map(|(account, nonce, _)| self.take(account, *nonce)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(n: u8) -> AccountId {
        AccountId([n; 32])
    }

    #[test]
    fn one_account_gets_a_bounded_share() {
        let mut waiting = Waiting::new(100);
        let now = Instant::now();
        for nonce in 0..64 {
            assert_eq!(waiting.insert(now, account(1), nonce, nonce), Ok(()));
        }
        assert_eq!(waiting.insert(now, account(1), 64, 64), Err(64));
        for nonce in 0..36 {
            assert_eq!(waiting.insert(now, account(2), nonce, nonce), Ok(()));
        }
        assert_eq!(waiting.insert(now, account(3), 0, 0), Err(0), "full in all");
        assert_eq!(waiting.take(&account(1), 7), Some(7));
        assert_eq!(waiting.take(&account(1), 7), None);
        assert_eq!(waiting.insert(now, account(3), 0, 0), Ok(()));
    }

    #[test]
    fn the_first_with_a_nonce_keeps_its_place() {
        let mut waiting = Waiting::new(100);
        let now = Instant::now();
        assert_eq!(waiting.insert(now, account(1), 5, "first"), Ok(()));
        assert_eq!(waiting.insert(now, account(1), 5, "second"), Err("second"));
        assert_eq!(waiting.take(&account(1), 5), Some("first"));
    }

    #[test]
    fn what_waits_too_long_is_dropped() {
        let mut waiting = Waiting::new(100);
        let now = Instant::now();
        let later = now + MAX_WAIT + Duration::from_millis(1);
        assert_eq!(waiting.insert(now, account(1), 5, "old"), Ok(()));
        assert_eq!(waiting.insert(later, account(1), 6, "new"), Ok(()));
        assert!(waiting.take_expired(now + MAX_WAIT).is_empty());
        assert_eq!(waiting.take_expired(later), ["old"]);
        assert_eq!(waiting.take(&account(1), 6), Some("new"));
    }
}
