//! The pool by example, and against a plain list in random sequences.

use super::*;

const ROOM: Room = Room { count: 100, bytes: 10_000_000 };
const NOW: u64 = 1_000_000;
/// Valid for longer than any of these tests takes.
const LATE: u64 = NOW + 1_000_000;

fn account(n: u8) -> AccountId {
    AccountId([n; 32])
}

fn ticket(n: u8, nonce: u64, fee: Balance) -> Ticket {
    let mut hash = [n; 32];
    hash[..8].copy_from_slice(&nonce.to_le_bytes());
    hash[8..24].copy_from_slice(&fee.to_le_bytes());
    Ticket { account: account(n), nonce, bytes: 100, fee, valid_until_ms: LATE, hash }
}

fn standing(nonce: u64, rank: Rank) -> Standing {
    Standing { nonce, free: 1_000_000, rank }
}

const ANYBODY: Standing = Standing { nonce: 0, free: 1_000_000, rank: Rank::Anybody };
const OPERATOR: Standing = Standing { rank: Rank::Operator, ..ANYBODY };
const LEAD: Standing = Standing { rank: Rank::Lead, ..ANYBODY };

type Item = (u8, u64, Balance);

/// The item says whose it is, its nonce and its fee.
fn insert(
    pool: &mut Pool<Item>,
    n: u8,
    nonce: u64,
    fee: Balance,
    standing: Standing,
) -> Result<Vec<(Item, Dropped)>, Refusal> {
    let ticket = ticket(n, nonce, fee);
    let told = pool.check(&ticket, &standing);
    let answer = pool.insert(ticket, &standing, NOW, (n, nonce, fee)).map_err(|(refusal, _)| refusal);
    assert_eq!(told.err(), answer.as_ref().err().copied(), "the cheap check says the same");
    answer
}

fn take(pool: &mut Pool<Item>) -> Option<Item> {
    let mut dropped = Vec::new();
    let taken = pool.take(NOW, &mut dropped).map(|taken| taken.item);
    assert_eq!(dropped, []);
    taken
}

fn take_all(pool: &mut Pool<Item>) -> Vec<(u8, u64)> {
    std::iter::from_fn(|| take(pool)).map(|(n, nonce, _)| (n, nonce)).collect()
}

#[test]
fn nonces_of_an_account_leave_in_order_and_accounts_take_turns() {
    let mut pool = Pool::new(ROOM);
    for (n, nonce) in [(1, 2), (1, 0), (1, 1), (2, 0), (3, 1), (2, 1)] {
        assert_eq!(insert(&mut pool, n, nonce, 1, ANYBODY), Ok(vec![]));
    }
    assert_eq!(take_all(&mut pool), [(1, 0), (2, 0), (1, 1), (2, 1), (1, 2)]);
    assert!(!pool.is_due());
    assert_eq!(pool.used().count, 1, "the third account's first transaction is missing");
    assert_eq!(insert(&mut pool, 3, 0, 1, ANYBODY), Ok(vec![]));
    assert_eq!(take_all(&mut pool), [(3, 0), (3, 1)]);
    assert_eq!(pool.used(), Room::default());
}

#[test]
fn leads_go_first_then_operators_and_a_flood_waits() {
    let mut pool = Pool::new(ROOM);
    for nonce in 0..40 {
        insert(&mut pool, 1, nonce, 1_000, ANYBODY).unwrap();
    }
    insert(&mut pool, 2, 0, 0, OPERATOR).unwrap();
    insert(&mut pool, 3, 0, 0, LEAD).unwrap();
    insert(&mut pool, 4, 0, 0, ANYBODY).unwrap();
    let order = take_all(&mut pool);
    assert_eq!(order[..4], [(3, 0), (2, 0), (1, 0), (4, 0)]);
}

#[test]
fn who_gets_a_role_moves_to_its_rank() {
    let mut pool = Pool::new(ROOM);
    insert(&mut pool, 1, 0, 0, ANYBODY).unwrap();
    insert(&mut pool, 2, 0, 0, ANYBODY).unwrap();
    insert(&mut pool, 2, 1, 0, LEAD).unwrap();
    assert_eq!(pool.used_by_anybody.count, 1);
    assert_eq!(take_all(&mut pool), [(2, 0), (2, 1), (1, 0)]);
}

#[test]
fn used_and_far_nonces_are_refused() {
    let mut pool = Pool::new(ROOM);
    let at = standing(5, Rank::Anybody);
    assert_eq!(insert(&mut pool, 1, 4, 1, at), Err(Refusal::Stale));
    assert_eq!(insert(&mut pool, 1, 70, 1, at), Err(Refusal::Future));
    assert_eq!(insert(&mut pool, 1, 69, 1, standing(5, Rank::Operator)), Ok(vec![]));
    assert_eq!(insert(&mut pool, 2, 5, 1, at), Ok(vec![]));
}

#[test]
fn what_is_under_way_is_not_called_used_before_it_is_durable() {
    let mut pool = Pool::new(ROOM);
    insert(&mut pool, 1, 0, 1, ANYBODY).unwrap();
    assert_eq!(take(&mut pool), Some((1, 0, 1)));
    // The same nonce again, and the next one, while the newest state does not know of the first.
    assert_eq!(insert(&mut pool, 1, 0, 9, ANYBODY), Ok(vec![]));
    assert_eq!(insert(&mut pool, 1, 1, 1, ANYBODY), Ok(vec![]));
    assert_eq!(take_all(&mut pool), [(1, 1)]);
    assert_eq!(pool.settle(account(1), 1), [((1, 0, 9), Dropped::Stale)]);
    assert_eq!(pool.settle(account(1), 2), []);
    assert!(pool.accounts.is_empty());
}

#[test]
fn after_a_failure_the_nonce_is_due_again() {
    let mut pool = Pool::new(ROOM);
    insert(&mut pool, 1, 0, 1, ANYBODY).unwrap();
    insert(&mut pool, 1, 1, 1, ANYBODY).unwrap();
    take(&mut pool).unwrap();
    pool.fail(account(1), 0);
    assert_eq!(take_all(&mut pool), []);
    insert(&mut pool, 1, 0, 2, ANYBODY).unwrap();
    assert_eq!(take_all(&mut pool), [(1, 0), (1, 1)]);
}

#[test]
fn all_that_waits_of_an_account_must_be_payable() {
    let mut pool = Pool::new(ROOM);
    let poor = Standing { free: 10, ..ANYBODY };
    insert(&mut pool, 1, 0, 4, poor).unwrap();
    insert(&mut pool, 1, 1, 4, poor).unwrap();
    assert_eq!(insert(&mut pool, 1, 2, 3, poor), Err(Refusal::CannotPay));
    take(&mut pool).unwrap();
    assert_eq!(insert(&mut pool, 1, 2, 3, poor), Err(Refusal::CannotPay), "one is under way");
    assert_eq!(insert(&mut pool, 1, 2, 2, poor), Ok(vec![]));
    // Durable: paid by then.
    let later = Standing { nonce: 1, free: 6, ..ANYBODY };
    assert_eq!(insert(&mut pool, 1, 3, 1, later), Err(Refusal::CannotPay));
    assert_eq!(insert(&mut pool, 1, 3, 0, later), Ok(vec![]));
    // A replacement need not be paid twice.
    assert_eq!(insert(&mut pool, 1, 1, 7, later), Err(Refusal::CannotPay));
    assert_eq!(insert(&mut pool, 1, 2, 2, later), Err(Refusal::Taken { fee_needed: 3 }));
    let richer = Standing { free: 7, ..later };
    assert_eq!(insert(&mut pool, 1, 2, 3, richer), Ok(vec![((1, 2, 2), Dropped::Replaced)]));
}

#[test]
fn a_tenth_more_replaces() {
    let mut pool = Pool::new(ROOM);
    for (nonce, fee, needed) in [(0, 0, 1), (1, 1, 2), (2, 100, 110), (3, 101, 112)] {
        insert(&mut pool, 1, nonce, fee, ANYBODY).unwrap();
        let fee_needed = needed;
        for low in [fee, needed - 1] {
            assert_eq!(insert(&mut pool, 1, nonce, low, ANYBODY), Err(Refusal::Taken { fee_needed }));
        }
        assert_eq!(
            insert(&mut pool, 1, nonce, needed, ANYBODY),
            Ok(vec![((1, nonce, fee), Dropped::Replaced)])
        );
    }
    assert_eq!(pool.used(), Room { count: 4, bytes: 400 });
    assert_eq!(take_all(&mut pool).len(), 4);
}

#[test]
fn the_same_transaction_is_found() {
    let mut pool = Pool::new(ROOM);
    insert(&mut pool, 1, 0, 5, ANYBODY).unwrap();
    assert_eq!(pool.find(&ticket(1, 0, 5)), Some(&mut (1, 0, 5)));
    assert_eq!(pool.find(&ticket(1, 0, 6)), None);
    assert_eq!(pool.find(&ticket(1, 1, 5)), None);
    assert_eq!(pool.find(&ticket(2, 0, 5)), None);
}

#[test]
fn one_account_gets_a_bounded_share() {
    let mut pool = Pool::new(ROOM);
    for nonce in 0..64 {
        assert_eq!(insert(&mut pool, 1, nonce, 1, ANYBODY), Ok(vec![]));
    }
    assert_eq!(insert(&mut pool, 1, 64, 1, ANYBODY), Err(Refusal::AccountFull));
    take(&mut pool).unwrap();
    assert_eq!(insert(&mut pool, 1, 64, 1, ANYBODY), Ok(vec![]));
    // 156 250 bytes are an account's.
    let large = |nonce| Ticket { bytes: 60_000, ..ticket(2, nonce, 1) };
    for nonce in 0..2 {
        pool.insert(large(nonce), &ANYBODY, NOW, (2, nonce, 1)).unwrap();
    }
    assert_eq!(pool.check(&large(2), &ANYBODY), Err(Refusal::AccountFull));
}

#[test]
fn a_part_of_the_pool_is_for_accounts_with_a_role() {
    let mut pool = Pool::new(ROOM);
    for n in 0..80 {
        assert_eq!(insert(&mut pool, n, 0, 5, ANYBODY), Ok(vec![]));
    }
    assert_eq!(insert(&mut pool, 80, 0, 5, ANYBODY), Err(Refusal::Full));
    for n in 100..120 {
        assert_eq!(insert(&mut pool, n, 0, 0, OPERATOR), Ok(vec![]), "{n}");
    }
    // Now all of it is full: whoever has a higher rank still finds room.
    let one = insert(&mut pool, 120, 0, 0, OPERATOR).unwrap();
    assert_eq!(one, [((0, 0, 5), Dropped::Displaced)]);
    assert_eq!(pool.used().count, 100);
    assert_eq!(insert(&mut pool, 81, 0, 5, ANYBODY), Err(Refusal::Full), "the whole is full");
    assert_eq!(insert(&mut pool, 81, 0, 6, ANYBODY), Ok(vec![((1, 0, 5), Dropped::Displaced)]));
    // An operator makes room for a lead, and for nobody else.
    let mut pool = Pool::new(ROOM);
    for n in 0..100 {
        insert(&mut pool, n, 0, 1, OPERATOR).unwrap();
    }
    assert_eq!(insert(&mut pool, 200, 0, 100, ANYBODY), Err(Refusal::Full));
    assert_eq!(insert(&mut pool, 200, 0, 1, OPERATOR), Err(Refusal::Full));
    assert_eq!(insert(&mut pool, 200, 0, 0, LEAD), Ok(vec![((0, 0, 1), Dropped::Displaced)]));
}

#[test]
fn in_a_full_pool_the_cheapest_makes_room() {
    let mut pool = Pool::new(ROOM);
    // An account whose first pays little is worth little, whatever the others pay.
    insert(&mut pool, 0, 0, 2, ANYBODY).unwrap();
    insert(&mut pool, 0, 1, 900, ANYBODY).unwrap();
    for n in 1..79 {
        insert(&mut pool, n, 0, 10, ANYBODY).unwrap();
    }
    assert_eq!(insert(&mut pool, 80, 0, 2, ANYBODY), Err(Refusal::Full), "no better than the cheapest");
    assert_eq!(insert(&mut pool, 80, 0, 3, ANYBODY), Ok(vec![((0, 1, 900), Dropped::Displaced)]));
    assert_eq!(insert(&mut pool, 81, 0, 4, ANYBODY), Ok(vec![((0, 0, 2), Dropped::Displaced)]));
    assert_eq!(insert(&mut pool, 82, 0, 4, ANYBODY), Ok(vec![((80, 0, 3), Dropped::Displaced)]));
    // What can only follow a cheap one of its own account is no better than that.
    assert_eq!(insert(&mut pool, 81, 1, 900, ANYBODY), Err(Refusal::Full));
    assert_eq!(insert(&mut pool, 1, 1, 900, ANYBODY), Ok(vec![((81, 0, 4), Dropped::Displaced)]));
}

#[test]
fn a_long_one_needs_the_room_of_several_but_not_of_too_many() {
    let mut pool = Pool::new(Room { count: 1_000, bytes: 10_000 });
    for n in 0..80 {
        insert(&mut pool, n, 0, 1, ANYBODY).unwrap();
    }
    let long = |bytes, fee| Ticket { bytes, ..ticket(200, 0, fee) };
    assert_eq!(pool.check(&long(1_000, 10), &ANYBODY), Err(Refusal::Full), "the same rate");
    assert_eq!(pool.check(&long(7_000, 90_000), &ANYBODY), Err(Refusal::Full), "more than 64 would go");
    assert_eq!(pool.used().count, 80);
    let dropped = pool.insert(long(1_000, 11), &ANYBODY, NOW, (200, 0, 11)).unwrap();
    assert_eq!(dropped.len(), 10);
    assert_eq!(pool.used(), Room { count: 71, bytes: 8_000 });
}

#[test]
fn nonces_ahead_get_little_room_and_little_time() {
    let mut pool = Pool::new(ROOM);
    for n in 0..5 {
        assert_eq!(insert(&mut pool, n, 1, 1, ANYBODY), Ok(vec![]));
    }
    assert_eq!(insert(&mut pool, 5, 1, 1, ANYBODY), Err(Refusal::Future));
    assert_eq!(insert(&mut pool, 6, 1, 1, OPERATOR), Ok(vec![]));
    // When the gap closes there is room again.
    assert_eq!(insert(&mut pool, 0, 0, 1, ANYBODY), Ok(vec![]));
    assert_eq!(insert(&mut pool, 5, 1, 1, ANYBODY), Ok(vec![]));
    assert_eq!(pool.expire(NOW + MAX_FUTURE_MS), []);
    let gone = pool.expire(NOW + MAX_FUTURE_MS + 1);
    assert!(gone.iter().all(|(_, why)| *why == Dropped::Future));
    assert_eq!(gone.len(), 6);
    assert_eq!(take_all(&mut pool), [(0, 0), (0, 1)]);
}

#[test]
fn what_is_void_goes() {
    let mut pool = Pool::new(ROOM);
    for nonce in 0..3 {
        let valid_until_ms = NOW + 10 + nonce;
        let ticket = Ticket { valid_until_ms, ..ticket(1, nonce, 1) };
        pool.insert(ticket, &ANYBODY, NOW, (1, nonce, 1)).unwrap();
    }
    assert_eq!(pool.expire(NOW + 10), []);
    assert_eq!(pool.expire(NOW + 11), [((1, 0, 1), Dropped::Expired)]);
    assert!(!pool.is_due());
    insert(&mut pool, 1, 0, 2, ANYBODY).unwrap();
    let mut dropped = Vec::new();
    assert_eq!(pool.take(NOW + 12, &mut dropped).map(|taken| taken.nonce), Some(0));
    assert_eq!((pool.take(NOW + 12, &mut dropped), dropped), (None, vec![((1, 1, 1), Dropped::Expired)]));
}

#[test]
fn everything_can_be_taken_out_at_once() {
    let mut pool = Pool::new(ROOM);
    for (n, nonce) in [(1, 0), (2, 3), (3, 0)] {
        insert(&mut pool, n, nonce, 1, ANYBODY).unwrap();
    }
    take(&mut pool).unwrap();
    assert_eq!(pool.drain(), [(2, 3, 1), (3, 0, 1)]);
    assert_eq!((pool.used(), pool.is_due()), (Room::default(), false));
    assert!(pool.worths.is_empty() && pool.deadlines.is_empty() && pool.accounts.is_empty());
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// A plain list beside the pool. Items are numbers; each must leave exactly once.
struct Model {
    seed: u64,
    dice: Dice,
    pool: Pool<u64>,
    room: Room,
    live: BTreeMap<u64, (Ticket, Rank, u64)>,
    next_item: u64,
    now_ms: u64,
    /// Durable nonces, and those that were taken since.
    durable: [u64; 8],
    taken: [u64; 8],
    refused: BTreeMap<&'static str, u64>,
}

/// Of the accounts in a random sequence: some of each.
const RANKS: [Rank; 8] = [
    Rank::Anybody,
    Rank::Anybody,
    Rank::Anybody,
    Rank::Anybody,
    Rank::Operator,
    Rank::Operator,
    Rank::Lead,
    Rank::Anybody,
];
const FREE: Balance = 1_200;

impl Model {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let room = Room {
            count: 20 + usize::try_from(dice.roll(40)).unwrap(),
            bytes: 3_000 + usize::try_from(dice.roll(3_000)).unwrap(),
        };
        Self {
            seed,
            dice,
            pool: Pool::new(room),
            room,
            live: BTreeMap::new(),
            next_item: 0,
            now_ms: NOW,
            durable: [0; 8],
            taken: [0; 8],
            refused: BTreeMap::new(),
        }
    }

    fn step(&mut self) {
        match self.dice.roll(20) {
            0..13 => self.insert(),
            13..17 => self.take(),
            17 => self.fail(),
            18 => self.settle(),
            _ => self.expire(),
        }
        self.check();
    }

    fn insert(&mut self) {
        let n = self.dice.roll(8);
        let at = usize::try_from(n).unwrap();
        let waits = |nonce: &u64| {
            let mine = |ticket: &Ticket| usize::from(ticket.account.0[0]) == at && ticket.nonce == *nonce;
            self.live.values().any(|(ticket, ..)| mine(ticket))
        };
        let next = (self.taken[at]..).find(|nonce| !waits(nonce)).unwrap();
        let nonce = match self.dice.roll(8) {
            0 => (self.durable[at] + self.dice.roll(12)).saturating_sub(1),
            1 => next.saturating_sub(1),
            _ => next,
        };
        let item = self.next_item;
        self.next_item += 1;
        let ticket = Ticket {
            account: account(u8::try_from(n).unwrap()),
            nonce,
            bytes: 50 + usize::try_from(self.dice.roll(200)).unwrap(),
            fee: Balance::from(self.dice.roll(300)),
            valid_until_ms: self.now_ms + self.dice.roll(100_000),
            hash: [0; 32],
        };
        let standing = Standing { nonce: self.durable[at], free: FREE, rank: RANKS[at] };
        let told = self.pool.check(&ticket, &standing);
        match self.pool.insert(ticket, &standing, self.now_ms, item) {
            Ok(dropped) => {
                assert_eq!(told, Ok(()), "seed {}", self.seed);
                for (old, why) in dropped {
                    self.left_for(old, why, &ticket, RANKS[at]);
                }
                self.live.insert(item, (ticket, RANKS[at], self.now_ms));
                self.check_bounds_after(at);
            }
            Err((refusal, back)) => {
                assert_eq!((told, back), (Err(refusal), item), "seed {}", self.seed);
                self.check_refusal(refusal, &ticket, at);
            }
        }
    }

    /// Nobody loses a place to one of a lower rank, or for less.
    fn left_for(&mut self, old: u64, why: Dropped, new: &Ticket, rank: Rank) {
        let (lost, lost_rank, _) = self.live.remove(&old).expect("it left once only");
        match why {
            Dropped::Replaced => {
                assert_eq!((lost.account, lost.nonce), (new.account, new.nonce));
                assert!(new.fee > lost.fee && new.fee * 10 >= lost.fee * 11, "seed {}", self.seed);
            }
            Dropped::Displaced => {
                assert!(lost.account != new.account && lost_rank <= rank, "seed {}", self.seed);
                let before = self.live.values().filter(|(ticket, ..)| ticket.account == lost.account);
                let before =
                    before.filter(|(ticket, ..)| ticket.nonce < lost.nonce).map(|(ticket, ..)| ticket);
                let worth = before.chain([&lost]).map(|t| Rate::of(t.fee, t.bytes)).min();
                assert!(lost_rank < rank || worth < Some(Rate::of(new.fee, new.bytes)), "seed {}", self.seed);
                let later = self.live.values().filter(|(ticket, ..)| ticket.account == lost.account);
                assert!(later.clone().all(|(ticket, ..)| ticket.nonce < lost.nonce), "the last one goes");
            }
            Dropped::Expired | Dropped::Future | Dropped::Stale => panic!("{why:?}, seed {}", self.seed),
        }
    }

    fn check_refusal(&mut self, refusal: Refusal, ticket: &Ticket, at: usize) {
        let seed = self.seed;
        let of_account = || self.live.values().filter(|(other, ..)| other.account == ticket.account);
        let waits = of_account().find(|(other, ..)| other.nonce == ticket.nonce);
        let name = match refusal {
            Refusal::Stale => {
                assert!(ticket.nonce < self.durable[at], "seed {seed}");
                "stale"
            }
            Refusal::Future => {
                assert!(RANKS[at] == Rank::Anybody && ticket.nonce > self.taken[at], "seed {seed}");
                "future"
            }
            Refusal::CannotPay => {
                assert!(self.taken[at] > self.durable[at] || of_account().count() > 0, "seed {seed}");
                "cannot pay"
            }
            Refusal::Taken { fee_needed } => {
                assert!(waits.is_some_and(|(other, ..)| other.fee < fee_needed), "seed {seed}");
                "taken"
            }
            Refusal::AccountFull => panic!("seed {seed}"),
            Refusal::Full => {
                let open = self.room.minus(self.room.part(RESERVED_PART));
                let limit = if RANKS[at] == Rank::Anybody { open } else { self.room };
                let all = self.sum(|_| true);
                let same = self.sum(|rank| rank == Rank::Anybody);
                let new = Room::one(ticket.bytes);
                assert!(
                    !all.plus(new).minus(self.room).is_none() || !same.plus(new).minus(limit).is_none(),
                    "seed {seed}"
                );
                "full"
            }
        };
        *self.refused.entry(name).or_default() += 1;
    }

    fn sum(&self, of: impl Fn(Rank) -> bool) -> Room {
        let rooms = self.live.values().filter(|(_, rank, _)| of(*rank));
        rooms.fold(Room::default(), |sum, (ticket, ..)| sum.plus(Room::one(ticket.bytes)))
    }

    fn check_bounds_after(&self, at: usize) {
        if RANKS[at] == Rank::Anybody {
            let open = self.room.minus(self.room.part(RESERVED_PART));
            assert!(self.sum(|rank| rank == Rank::Anybody).minus(open).is_none(), "seed {}", self.seed);
        }
    }

    fn take(&mut self) {
        let due = |model: &Self, at: usize| {
            let ticket = |(ticket, ..): &(Ticket, Rank, u64)| {
                ticket.account.0[0] == u8::try_from(at).unwrap() && ticket.nonce == model.taken[at]
            };
            model.live.values().any(ticket)
        };
        let highest = (0..8).filter(|at| due(self, *at)).map(|at| RANKS[at]).max();
        assert_eq!(self.pool.is_due(), highest.is_some(), "seed {}", self.seed);
        let mut dropped = Vec::new();
        let taken = self.pool.take(self.now_ms, &mut dropped);
        for (item, why) in &dropped {
            let (ticket, ..) = self.live.remove(item).unwrap();
            assert!(*why == Dropped::Expired && ticket.valid_until_ms < self.now_ms, "seed {}", self.seed);
        }
        let Some(taken) = taken else {
            assert!(highest.is_none() || !dropped.is_empty(), "seed {}", self.seed);
            return;
        };
        let (ticket, rank, _) = self.live.remove(&taken.item).unwrap();
        let at = usize::from(ticket.account.0[0]);
        assert_eq!((taken.account, taken.nonce), (ticket.account, self.taken[at]), "seed {}", self.seed);
        assert!(Some(rank) == highest || !dropped.is_empty(), "seed {}", self.seed);
        self.taken[at] += 1;
    }

    /// The newest of an account's transactions that are under way turns out to be impossible.
    fn fail(&mut self) {
        let at = usize::try_from(self.dice.roll(8)).unwrap();
        if self.taken[at] > self.durable[at] {
            self.taken[at] -= 1;
            self.pool.fail(account(u8::try_from(at).unwrap()), self.taken[at]);
        }
    }

    /// A block is durable.
    fn settle(&mut self) {
        for at in 0..8 {
            self.durable[at] = self.taken[at];
            for (item, why) in self.pool.settle(account(u8::try_from(at).unwrap()), self.durable[at]) {
                let (ticket, ..) = self.live.remove(&item).unwrap();
                assert!(why == Dropped::Stale && ticket.nonce < self.durable[at], "seed {}", self.seed);
            }
        }
    }

    fn expire(&mut self) {
        self.now_ms += self.dice.roll(20_000);
        for (item, why) in self.pool.expire(self.now_ms) {
            let (ticket, _, since) = self.live.remove(&item).unwrap();
            match why {
                Dropped::Expired => assert!(ticket.valid_until_ms < self.now_ms),
                Dropped::Future => assert!(since + MAX_FUTURE_MS < self.now_ms),
                Dropped::Replaced | Dropped::Displaced | Dropped::Stale => panic!("{why:?}"),
            }
        }
        assert!(self.live.values().all(|(ticket, ..)| ticket.valid_until_ms >= self.now_ms));
    }

    fn check(&self) {
        assert_eq!(self.pool.used(), self.sum(|_| true), "seed {}", self.seed);
        assert_eq!(self.pool.used_by_anybody, self.sum(|rank| rank == Rank::Anybody), "seed {}", self.seed);
        assert!(self.pool.used().minus(self.room).is_none(), "seed {}", self.seed);
        assert_eq!(self.pool.worths.len(), self.pool.deadlines.len(), "seed {}", self.seed);
    }
}

#[test]
fn random_sequences_keep_the_bounds_and_lose_nothing() {
    let mut refused = BTreeMap::new();
    for seed in 0..400 {
        let mut model = Model::new(seed);
        for _ in 0..600 {
            model.step();
        }
        for (name, count) in &model.refused {
            *refused.entry(*name).or_insert(0) += count;
        }
        let mut left = model.pool.drain();
        left.sort_unstable();
        assert!(left.iter().eq(model.live.keys()), "seed {seed}: all that was not answered is still there");
    }
    for name in ["stale", "future", "cannot pay", "taken", "full"] {
        assert!(refused.get(name).is_some_and(|count| *count > 1_000), "{name} is met often: {refused:?}");
    }
}
