use super::*;
use argosy_domain::ChannelId;
use fastrand::Rng;

fn id(id: u64) -> StorageBucketId {
    StorageBucketId(id)
}

fn ids(ids: &[u64]) -> BTreeSet<StorageBucketId> {
    ids.iter().copied().map(StorageBucketId).collect()
}

/// A bucket with this limit of bytes, and these of them used.
fn bucket(limit: u64, used: u64) -> Bucket {
    let objects = Room { limit: 1_000, used: 0 };
    Bucket { active: true, accepting: true, bytes: Room { limit, used }, objects }
}

fn bag(channel: u64, bytes: u64, stored_by: &[u64]) -> Bag {
    Bag {
        id: BagId::channel(ChannelId(channel)),
        bytes,
        objects: u64::from(bytes > 0),
        stored_by: ids(stored_by),
    }
}

fn facts(buckets: &[Bucket], bags: Vec<Bag>) -> Facts {
    let buckets = buckets.iter().enumerate().map(|(at, bucket)| (id(to_u64(at)), *bucket)).collect();
    Facts { buckets, bags, bag_limit: 5 }
}

/// `bag: +added -removed`, one line an update.
fn lines(updates: &[Update]) -> Vec<String> {
    let list = |sign: char, ids: &BTreeSet<StorageBucketId>| {
        ids.iter().map(|id| format!(" {sign}{id}")).collect::<String>()
    };
    updates.iter().map(|it| format!("{}:{}{}", it.bag, list('+', &it.add), list('-', &it.remove))).collect()
}

#[test]
fn the_least_loaded_bucket_gets_the_bag_and_the_fullest_loses_it() {
    let buckets = [bucket(100, 60), bucket(100, 40), bucket(100, 10)];
    let grown = facts(&buckets, vec![bag(0, 40, &[0]), bag(1, 20, &[0])]);
    let plan = set_replication(&grown, 2).unwrap();
    // After the first bag bucket 2 has 50 bytes left and bucket 1 has 60.
    assert_eq!(lines(&plan), ["dynamic:channel:0: +2", "dynamic:channel:1: +1"]);
    let shrunk = facts(&buckets, vec![bag(0, 10, &[0, 1, 2]), bag(1, 10, &[1, 2])]);
    assert_eq!(
        lines(&set_replication(&shrunk, 1).unwrap()),
        ["dynamic:channel:0: -0 -1", "dynamic:channel:1: -1"]
    );
    assert!(set_replication(&facts(&buckets, vec![bag(0, 10, &[1, 2])]), 2).unwrap().is_empty());
}

#[test]
fn of_equal_buckets_the_first_is_taken() {
    let plan = set_replication(&facts(&[bucket(9, 0); 4], vec![bag(0, 1, &[1])]), 3).unwrap();
    assert_eq!(lines(&plan), ["dynamic:channel:0: +0 +2"]);
}

#[test]
fn only_buckets_that_accept_bags_and_have_room_for_bytes_and_objects_are_taken() {
    let mut buckets = [bucket(1_000, 0), bucket(500, 0), bucket(400, 0), bucket(300, 0), bucket(1, 0)];
    buckets[0].accepting = false;
    buckets[1].objects = Room { limit: 3, used: 3 };
    let plan = set_replication(&facts(&buckets, vec![bag(0, 2, &[3])]), 2).unwrap();
    assert_eq!(lines(&plan), ["dynamic:channel:0: +2"]);
    let failure = set_replication(&facts(&buckets, vec![bag(0, 2, &[3])]), 3).unwrap_err();
    assert_eq!(failure, Impossible::NoRoom { bag: bag(0, 0, &[]).id, made: 1 });
}

#[test]
fn buckets_that_do_not_count_keep_their_bags_and_use_up_the_limit() {
    let mut facts = facts(&[bucket(9, 0); 2], vec![bag(0, 1, &[0, 7, 8])]);
    assert_eq!(lines(&set_replication(&facts, 2).unwrap()), ["dynamic:channel:0: +1"]);
    facts.bag_limit = 3;
    let limit = Impossible::BagLimit { bag: facts.bags[0].id, limit: 3 };
    assert_eq!(set_replication(&facts, 2).unwrap_err(), limit);
}

#[test]
fn where_the_order_of_ids_leaves_no_room_large_bags_come_first() {
    // In order, the small bags would fill bucket 1 and 2 evenly, and the large one would fit nowhere.
    let buckets = [bucket(100, 20), bucket(10, 0), bucket(10, 0)];
    let bags = vec![bag(0, 4, &[0]), bag(1, 4, &[0]), bag(2, 8, &[0])];
    let plan = set_replication(&facts(&buckets[1..], vec![]), 0).unwrap();
    assert!(plan.is_empty());
    let mut facts = facts(&buckets, bags);
    facts.buckets.get_mut(&id(0)).unwrap().accepting = false;
    let plan = set_replication(&facts, 2).unwrap();
    assert_eq!(lines(&plan), ["dynamic:channel:2: +1", "dynamic:channel:0: +2", "dynamic:channel:1: +2"]);
}

#[test]
fn copying_again_goes_on_and_then_changes_nothing() {
    let buckets = [bucket(100, 10), bucket(100, 0), bucket(100, 50)];
    let start = facts(&buckets, vec![bag(0, 5, &[0]), bag(1, 5, &[0]), bag(2, 5, &[1])]);
    let plan = |facts: &Facts, copies| copy_bags(facts, &ids(&[0]), &ids(&[1, 2]), copies);
    assert_eq!(lines(&plan(&start, 1).unwrap()), ["dynamic:channel:0: +1", "dynamic:channel:1: +1"]);
    let half = carried_out(&start, &plan(&start, 2).unwrap()[..1]);
    assert_eq!(lines(&plan(&half, 2).unwrap()), ["dynamic:channel:1: +1 +2"]);
    assert!(plan(&carried_out(&half, &plan(&half, 2).unwrap()), 2).unwrap().is_empty());
    let failure = Impossible::NoRoom { bag: start.bags[0].id, made: 2 };
    assert_eq!(plan(&start, 3).unwrap_err(), failure);
}

#[test]
fn a_bucket_is_emptied_in_two_steps_and_nobody_is_left_without_a_holder() {
    let mut buckets = [bucket(100, 30), bucket(100, 0), bucket(100, 0)];
    buckets[2].active = false;
    let bags = vec![bag(0, 5, &[0]), bag(1, 5, &[0, 1]), bag(2, 5, &[0, 2]), bag(3, 5, &[1])];
    let plan = empty_bucket(&facts(&buckets, bags.clone()), id(0));
    assert_eq!(lines(&plan.add), ["dynamic:channel:0: +1", "dynamic:channel:2: +1"]);
    let removed = ["dynamic:channel:0: -0", "dynamic:channel:1: -0", "dynamic:channel:2: -0"];
    assert_eq!(lines(&plan.remove), removed);
    assert_eq!(plan.remove[2].before, ids(&[0, 1, 2]));
    assert!(plan.stuck.is_empty());

    buckets[1].bytes.limit = 0;
    let full = empty_bucket(&facts(&buckets, bags), id(0));
    assert_eq!(lines(&full.remove), ["dynamic:channel:1: -0"]);
    assert_eq!(full.stuck.len(), 2);
    assert!(full.add.is_empty());
    let nothing_inside = empty_bucket(&facts(&buckets[..1], vec![bag(0, 0, &[0])]), id(0));
    assert_eq!(lines(&nothing_inside.remove), ["dynamic:channel:0: -0"]);
}

/// The facts after some updates, each checked as the directory checks it.
fn carried_out(facts: &Facts, updates: &[Update]) -> Facts {
    let mut facts = facts.clone();
    for update in updates {
        let bag = facts.bags.iter_mut().find(|bag| bag.id == update.bag).unwrap();
        assert_eq!(bag.stored_by, update.before);
        assert!(update.add.is_disjoint(&bag.stored_by) && update.remove.is_subset(&bag.stored_by));
        for added in &update.add {
            let bucket = facts.buckets.get_mut(added).unwrap();
            assert!(bucket.accepting, "{added} accepts no bags");
            bucket.bytes.used += bag.bytes;
            bucket.objects.used += bag.objects;
            assert!(bucket.bytes.free() >= 0 && bucket.objects.free() >= 0, "{added} is over its voucher");
        }
        for removed in &update.remove {
            let bucket = facts.buckets.get_mut(removed).unwrap();
            bucket.bytes.used -= bag.bytes;
            bucket.objects.used -= bag.objects;
        }
        bag.stored_by.extend(&update.add);
        bag.stored_by.retain(|id| !update.remove.contains(id));
        let grows = !update.add.is_empty();
        assert!(!grows || to_u64(bag.stored_by.len()) <= facts.bag_limit, "{} has too many buckets", bag.id);
    }
    facts
}

/// Buckets with what is in them, some of them without operator or closed, and bags here and there.
fn any_facts(rng: &mut Rng) -> Facts {
    let count = rng.u64(1..8);
    let mut buckets: BTreeMap<_, _> = (0..count)
        .map(|at| {
            let mut bucket = bucket(rng.u64(0..400), 0);
            bucket.objects.limit = rng.u64(0..40);
            bucket.active = rng.u32(0..5) > 0;
            bucket.accepting = rng.u32(0..5) > 0;
            (id(at), bucket)
        })
        .collect();
    let mut bags = Vec::new();
    for channel in 0..rng.u64(0..30) {
        let mut bag = bag(channel, rng.u64(0..60), &[]);
        bag.objects = if bag.bytes == 0 { 0 } else { rng.u64(1..4) };
        for at in 0..count {
            let bucket = buckets.get_mut(&id(at)).unwrap();
            if rng.u32(0..3) == 0 && bucket.bytes.has(bag.bytes) && bucket.objects.has(bag.objects) {
                bucket.bytes.used += bag.bytes;
                bucket.objects.used += bag.objects;
                bag.stored_by.insert(id(at));
            }
        }
        bags.push(bag);
    }
    Facts { buckets, bags, bag_limit: rng.u64(1..9) }
}

/// The same without the buckets that are not active: their bags stay what they are.
fn active_only(mut facts: Facts) -> Facts {
    facts.buckets.retain(|_, bucket| bucket.active);
    facts
}

fn counted(facts: &Facts, bag: &Bag) -> u64 {
    to_u64(bag.stored_by.iter().filter(|id| facts.buckets.contains_key(id)).count())
}

#[test]
fn random_plans_keep_to_vouchers_and_limits_and_reach_the_rate() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let mut planned = 0;
    for _ in 0..2_000 {
        let facts = any_facts(&mut rng);
        let facts = if rng.bool() { active_only(facts) } else { facts };
        let rate = rng.u64(0..5);
        let Ok(plan) = set_replication(&facts, rate) else { continue };
        planned += usize::from(!plan.is_empty());
        let after = carried_out(&facts, &plan);
        assert!(after.bags.iter().all(|bag| counted(&after, bag) == rate));
        assert!(set_replication(&after, rate).unwrap().is_empty(), "done is done");
        // Interrupted anywhere, it goes on to the end, or says that there is no room.
        let part = carried_out(&facts, &plan[..rng.usize(..=plan.len())]);
        if let Ok(rest) = set_replication(&part, rate) {
            assert!(carried_out(&part, &rest).bags.iter().all(|bag| counted(&part, bag) == rate));
        }
    }
    assert!(planned > 100, "only {planned} of the cases had a plan: they show nothing");
}

#[test]
fn random_buckets_are_emptied_without_loss() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    for _ in 0..2_000 {
        let facts = any_facts(&mut rng);
        let Some(bucket) = facts.buckets.keys().next().copied() else { continue };
        let plan = empty_bucket(&facts, bucket);
        let between = carried_out(&facts, &plan.add);
        let after = carried_out(&between, &plan.remove);
        for bag in after.bags.iter().filter(|bag| bag.objects > 0) {
            let had = facts.bags.iter().find(|it| it.id == bag.id).unwrap();
            let is_stuck = plan.stuck.iter().any(|why| why.bag() == bag.id);
            assert_eq!(bag.stored_by.contains(&bucket), is_stuck && had.stored_by.contains(&bucket));
            let is_active = |id: &StorageBucketId| facts.buckets[id].active;
            assert!(is_stuck || !had.stored_by.contains(&bucket) || bag.stored_by.iter().any(is_active));
        }
    }
}
