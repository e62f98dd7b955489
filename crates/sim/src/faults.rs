//! What goes wrong, and when: drawn before the run begins.

use crate::{message::Address, seed::Rng};
use std::collections::BTreeSet;

/// One thing that goes wrong, for some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The machine stops at once, and starts again later from its disk.
    Crash(Address),
    /// These cannot talk to the others.
    Partition(BTreeSet<Address>),
    /// So many percent of messages are lost.
    Loss(u64),
    /// Everything takes so much longer.
    Slow(u64),
}

/// A fault and its time, in milliseconds of the run.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
    pub(crate) fault: Fault,
}

/// The faults of a run: each kind comes again and again, and they overlap.
pub(crate) fn plan(rng: &mut Rng, parties: &[Address], until_ms: u64) -> Vec<Planned> {
    let mut planned = Vec::new();
    let mut at_ms = rng.within(500..4_000);
    while at_ms < until_ms {
        let lasts_ms = rng.within(200..8_000);
        let fault = match rng.within(0..10) {
            0..5 => {
                let servers: Vec<Address> =
                    parties.iter().copied().filter(|party| !matches!(party, Address::Client(_))).collect();
                rng.pick(&servers).copied().map(Fault::Crash)
            }
            5..7 => Some(Fault::Partition(parties.iter().copied().filter(|_| rng.chance(30)).collect())),
            7..9 => Some(Fault::Loss(rng.within(1..30))),
            _ => Some(Fault::Slow(rng.within(20..1_500))),
        };
        let to_ms = (at_ms + lasts_ms).min(until_ms);
        planned.extend(fault.map(|fault| Planned { from_ms: at_ms, to_ms, fault }));
        at_ms += rng.within(300..6_000);
    }
    planned
}
