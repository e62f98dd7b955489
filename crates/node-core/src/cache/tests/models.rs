//! Each policy against a plain list that does the same slowly.

use super::*;

const CAPACITY: u64 = 400;

/// An object of a model, in the order in which it came or was last put.
#[derive(Clone, Debug)]
struct Item {
    n: u64,
    size: u64,
    /// Uses since it came.
    hits: u64,
    used_ms: u64,
    main: bool,
}

/// What a policy is, told in full scans.
trait Model {
    fn used(&mut self, items: &mut Vec<Item>, at: usize);
    /// Takes out what goes.
    fn victim(&mut self, items: &mut Vec<Item>, now_ms: u64) -> Item;
    fn returns(&mut self, _n: u64) -> bool {
        false
    }
}

struct ListLru;

impl Model for ListLru {
    fn used(&mut self, items: &mut Vec<Item>, at: usize) {
        let item = items.remove(at);
        items.push(item);
    }

    fn victim(&mut self, items: &mut Vec<Item>, _: u64) -> Item {
        items.remove(0)
    }
}

struct ListLruSp;

impl Model for ListLruSp {
    fn used(&mut self, items: &mut Vec<Item>, at: usize) {
        ListLru.used(items, at);
    }

    fn victim(&mut self, items: &mut Vec<Item>, now_ms: u64) -> Item {
        let kb = |item: &Item| item.size.div_ceil(1024).max(1);
        let group =
            |item: &Item| (0..24).find(|group| (1 << group) * (item.hits + 1) >= kb(item)).unwrap_or(23);
        let mut worst: Option<(usize, u64, u64)> = None;
        for wanted in 0..24 {
            let Some(at) = items.iter().position(|item| group(item) == wanted) else { continue };
            let item = &items[at];
            let (top, bottom) = ((now_ms - item.used_ms).div_ceil(60_000) * kb(item), item.hits + 1);
            if worst.is_none_or(|(_, most, under)| top * under > most * bottom) {
                worst = Some((at, top, bottom));
            }
        }
        items.remove(worst.unwrap().0)
    }
}

#[derive(Default)]
struct ListSieve {
    /// The object that is looked at next.
    hand: Option<u64>,
}

impl Model for ListSieve {
    fn used(&mut self, _: &mut Vec<Item>, _: usize) {}

    fn victim(&mut self, items: &mut Vec<Item>, _: u64) -> Item {
        let mut at = items.iter().position(|item| Some(item.n) == self.hand).unwrap_or(0);
        while items[at].hits > 0 {
            items[at].hits = 0;
            at = (at + 1) % items.len();
        }
        let next = items.get(at + 1).map(|item| item.n);
        self.hand = next;
        items.remove(at)
    }
}

#[derive(Default)]
struct ListS3Fifo {
    /// Objects that went, and the bytes that had gone by then, theirs included.
    gone: BTreeMap<u64, u64>,
    gone_bytes: u64,
}

impl Model for ListS3Fifo {
    fn used(&mut self, _: &mut Vec<Item>, _: usize) {}

    fn victim(&mut self, items: &mut Vec<Item>, _: u64) -> Item {
        loop {
            let small: u64 = items.iter().filter(|item| !item.main).map(|item| item.size).sum();
            let no_main = items.iter().all(|item| !item.main);
            let main = small <= CAPACITY / 10 && !no_main;
            let at = items.iter().position(|item| item.main == main).unwrap();
            let mut item = items.remove(at);
            let enough = if main { 1 } else { 2 };
            if item.hits < enough {
                self.gone_bytes += item.size;
                self.gone.insert(item.n, self.gone_bytes);
                return item;
            }
            item.hits = if main { item.hits.min(3) - 1 } else { 0 };
            item.main = true;
            items.push(item);
        }
    }

    fn returns(&mut self, n: u64) -> bool {
        self.gone.get(&n).is_some_and(|at| *at > 0 && self.gone_bytes - at <= CAPACITY)
    }
}

fn agree(name: PolicyName, model: &mut dyn Model, asks: &[(u64, u64)], unit: u64) {
    let mut cache = CacheCore::new(CAPACITY * unit, name);
    let mut items: Vec<Item> = Vec::new();
    for (at, (n, size)) in asks.iter().enumerate() {
        let (now_ms, size) = (to_u64(at) * 45_000, size * unit);
        if let Some(found) = items.iter().position(|item| item.n == *n) {
            items[found].hits += 1;
            items[found].used_ms = now_ms;
            model.used(&mut items, found);
            cache.touch(id(*n), now_ms);
            continue;
        }
        let evicted = cache.insert(id(*n), size, now_ms).unwrap();
        let mut expected = Vec::new();
        while items.iter().map(|item| item.size).sum::<u64>() + size > CAPACITY * unit {
            expected.push(id(model.victim(&mut items, now_ms).n));
        }
        assert_eq!(evicted, expected, "{name:?} at request {at}");
        let main = model.returns(*n);
        items.push(Item { n: *n, size, hits: 0, used_ms: now_ms, main });
    }
}

fn asks() -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop::collection::vec((0..40_u64, 1..120_u64), 0..400)
}

proptest! {
    #[test]
    fn lru_is_a_list(asks in asks()) {
        agree(PolicyName::Lru, &mut ListLru, &asks, 1);
    }

    #[test]
    fn lru_sp_is_as_argus_says(asks in asks()) {
        agree(PolicyName::LruSp, &mut ListLruSp, &asks, 3000);
    }

    #[test]
    fn sieve_is_a_list_with_a_hand(asks in asks()) {
        agree(PolicyName::Sieve, &mut ListSieve::default(), &asks, 1);
    }

    #[test]
    fn s3_fifo_is_two_lists_and_a_memory(asks in asks()) {
        agree(PolicyName::S3Fifo, &mut ListS3Fifo::default(), &asks, 1);
    }
}

#[test]
fn a_scan_does_not_drive_out_what_is_used() {
    for name in [PolicyName::Worth, PolicyName::Sieve, PolicyName::S3Fifo, PolicyName::TinyLfu] {
        let mut cache = CacheCore::new(100 << 20, name);
        for round in 0..8 {
            for n in 0..40 {
                cache.touch(id(n), round);
                cache.insert(id(n), 2 << 20, round).unwrap();
            }
        }
        for n in 1_000..1_050 {
            cache.touch(id(n), 10);
            cache.insert(id(n), 2 << 20, 10).unwrap();
        }
        let left = (0..40).filter(|n| cache.contains(id(*n))).count();
        assert!(left >= 36, "{name:?} keeps {left} of 40");
    }
}
