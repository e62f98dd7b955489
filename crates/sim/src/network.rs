//! The network between the parties: delay, loss, reorder, partition.

use crate::{message::Address, seed::Rng};
use argosy_domain::num::to_u64;
use std::collections::BTreeSet;

/// What the network is like at the moment.
pub(crate) struct Network {
    rng: Rng,
    /// Percent of messages, or of parts of a stream, that are lost.
    pub(crate) loss_percent: u64,
    /// Added to every delay, in milliseconds.
    pub(crate) slow_ms: u64,
    /// Those inside cannot talk to those outside.
    pub(crate) island: BTreeSet<Address>,
}

impl Network {
    pub(crate) const fn new(rng: Rng) -> Self {
        Self { rng, loss_percent: 0, slow_ms: 0, island: BTreeSet::new() }
    }

    /// How long each message of one connection takes, in order. Shorter than asked if the connection
    /// breaks on the way; empty if there is none.
    pub(crate) fn delays_ms(&mut self, from: Address, to: Address, count: usize) -> Vec<u64> {
        if self.island.contains(&from) != self.island.contains(&to) {
            return Vec::new();
        }
        // Now and then a message is held up for long, and others overtake it.
        let spread = if self.rng.chance(2) { 400 } else { 10 };
        let mut delay_ms = 1 + near(from, to) + self.slow_ms + self.rng.within(0..spread);
        let mut delays = Vec::with_capacity(count);
        for _ in 0..count {
            if self.rng.chance(self.loss_percent) {
                break;
            }
            delays.push(delay_ms);
            delay_ms += self.rng.within(0..3);
        }
        delays
    }

    pub(crate) fn heal(&mut self) {
        self.loss_percent = 0;
        self.slow_ms = 0;
        self.island.clear();
    }
}

/// A fixed distance between two places, in milliseconds: up to 40.
fn near(from: Address, to: Address) -> u64 {
    place(from).abs_diff(place(to))
}

fn place(address: Address) -> u64 {
    match address {
        Address::Directory => 0,
        Address::Storage(n) => 5 + 10 * to_u64(n),
        Address::Distributor(n) => 2 + 15 * to_u64(n),
        Address::Client(n) => 1 + 12 * to_u64(n),
    }
}
