//! Which object goes first: the policies.

mod lru;
mod lru_sp;
mod s3_fifo;
mod sieve;
mod tiny_lfu;
mod worth;

use super::{
    popularity::Popularity,
    records::{Record, Records, Slot},
};
use alloc::{boxed::Box, vec::Vec};
use core::fmt;

/// An order of eviction.
///
/// All are measured in `docs/cache.md`, which says when to choose which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PolicyName {
    /// What a miss would cost for each byte held, times uses that fade: the least goes first.
    #[default]
    Worth,
    /// What was not used for longest goes first.
    Lru,
    /// Argus' own: large, unpopular and old objects go first.
    LruSp,
    /// A queue with a hand that spares what was used since it last came by.
    Sieve,
    /// New objects prove themselves in a small queue; those that return go straight to the main one.
    S3Fifo,
    /// A small window for new objects; they enter the main part only if they are used more than what would
    /// have to go for them.
    TinyLfu,
}

impl PolicyName {
    /// All of them, the default first.
    pub const ALL: [Self; 6] =
        [Self::Worth, Self::Lru, Self::LruSp, Self::Sieve, Self::S3Fifo, Self::TinyLfu];

    /// Its name in configurations and notes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Worth => "worth",
            Self::Lru => "lru",
            Self::LruSp => "lruSp",
            Self::Sieve => "sieve",
            Self::S3Fifo => "s3Fifo",
            Self::TinyLfu => "tinyLfu",
        }
    }
}

/// What a policy may look at.
pub(super) struct View<'a> {
    pub(super) records: &'a mut Records,
    pub(super) popularity: &'a Popularity,
    pub(super) capacity_bytes: u64,
    pub(super) now_ms: u64,
}

/// The order in which objects go. It knows every object that is held and not pinned; those that are
/// pinned are taken out and come back when nobody uses them any more.
///
/// Every call takes at most logarithmic time, [`Policy::evict`] on average.
pub(super) trait Policy: fmt::Debug + Send + Sync {
    /// An object comes to be held; `returns`: it was held not long ago.
    fn insert(&mut self, view: &mut View<'_>, slot: Slot, returns: bool);

    /// A use, already counted in its hits and its popularity.
    fn touch(&mut self, view: &mut View<'_>, slot: Slot);

    /// It takes another size; `before` is the old one.
    fn resized(&mut self, view: &mut View<'_>, slot: Slot, before: u64);

    /// It is pinned, or goes.
    fn take_out(&mut self, view: &mut View<'_>, slot: Slot);

    /// It is no longer pinned: as it was before, but just used.
    fn put_back(&mut self, view: &mut View<'_>, slot: Slot);

    /// Takes out what goes next, at least one unless there is none.
    fn evict(&mut self, view: &mut View<'_>, victims: &mut Vec<Slot>);

    /// All that it knows; those that are in the same list, in the order in which they would go.
    fn order(&self, view: &View<'_>) -> Vec<Slot>;

    /// A record's rank, for one that starts anew.
    fn rank(&self, record: &Record) -> u64 {
        record.rank
    }

    /// An object is held again after a restart. Its record says what [`Policy::order`] and
    /// [`Policy::rank`] told of it, or rubbish. Called in that order.
    fn restore(&mut self, view: &mut View<'_>, slot: Slot);
}

/// An empty one.
pub(super) fn policy(name: PolicyName) -> Box<dyn Policy> {
    match name {
        PolicyName::Lru => Box::new(lru::Lru::default()),
        PolicyName::LruSp => Box::new(lru_sp::LruSp::default()),
        PolicyName::Sieve => Box::new(sieve::Sieve::default()),
        PolicyName::S3Fifo => Box::new(s3_fifo::S3Fifo::default()),
        PolicyName::TinyLfu => Box::new(tiny_lfu::TinyLfu::default()),
        PolicyName::Worth => Box::new(worth::Worth::default()),
    }
}
