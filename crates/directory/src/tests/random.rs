//! Random calls in a small world, whose ids and signers are mostly valid.

mod model;

use super::{
    invariants,
    language::{World, account, payload},
    scale,
};
use crate::{
    Call, ContentCall, DistributionCall, Genesis, Payload, State,
    audit::random::Dice,
    genesis::GenesisBalance,
    state::checkpoint::{CheckpointError, Restore},
};
use argosy_domain::{
    AccountId, BagId, ChannelId,
    num::{to_u64, to_usize},
};
use model::Model;
use proptest::prelude::*;
use std::vec::Vec;

const SMALL_WORLD: &str = "
    world voucher_max_size_limit=200 voucher_max_objects_limit=20 max_data_object_size=25 \
max_distribution_bucket_families=3 max_pending_invitations_per_distribution_bucket=2 \
max_operators_per_distribution_bucket=2 max_storage_buckets_per_bag=4 storage_buckets_per_bag_limit=4 \
max_distribution_buckets_per_bag=5 distribution_buckets_per_bag_limit=5 blacklist_size_limit=3 \
max_assets_per_set=3 fees transaction_fee=1 transaction_weight_fee=1 reward_period_ms=3000 \
resignation_notice_ms=1000 max_workers_per_group=6 opening_deposit=3 min_application_stake=1 council=2 \
threshold=1 balances=ann:9000:100,bob:500:400,slead:9000,dlead:9000,s1:99,s2:99,s3:99,d1:99,d2:99,d3:99,\
c1:9999,c2:9999,transactor:999,stranger:50 data_object_state_bloat_bond=5 data_object_per_megabyte_fee=2
    block
    slead: create_storage_bucket accepting size=200 objects=20 invite=1 -> ok
    s1: accept_storage_bucket_invitation 0 worker=1 transactor=transactor -> ok
    dlead: create_distribution_bucket_family -> ok
    dlead: create_distribution_bucket 0 accepting -> ok
    ann: create_channel owner=0 objects=5,6 bond=5 fee=2 -> ok
    slead: storage.update_reward_amount 1 reward=7 -> ok
    c1: propose fund_group storage amount=20 -> ok
";

fn small_world() -> World {
    let mut world = World::default();
    world.run("small world", SMALL_WORLD);
    world
}

/// Few where somebody waits for the tests; `ARGOSY_SEQUENCES=20000` where the machine has time.
fn sequences() -> u32 {
    std::env::var("ARGOSY_SEQUENCES").ok().and_then(|count| count.parse().ok()).unwrap_or(400)
}

/// One sequence of calls, and what became of them.
struct Run {
    world: World,
    log: Vec<(u64, Payload)>,
    outcomes: Vec<crate::Outcome>,
}

/// Invariants hold after every call, and a failing one leaves no trace but nonce and fee. Hashes are
/// computed from scratch only at the end, since nothing else depends on them.
fn run_calls(seeds: &[u64]) -> Run {
    let mut run = Run { world: small_world(), log: Vec::new(), outcomes: Vec::new() };
    let mut model = Model::of(&run.world.state);
    for &seed in seeds {
        let state = run.world.state.clone();
        let mut dice = Dice { seed, state: &state };
        if dice.roll(4) == 0 {
            model.follow(&run.world.begin_block(state.at().height + 1));
        }
        let (signer, call) = dice.call();
        let payload = payload(&run.world.state, signer, call.clone());
        if run.world.state.precheck(&payload, run.world.state.at().time_ms).is_err() {
            continue;
        }
        run.log.push((run.world.state.at().height, payload));
        let outcome = run.world.execute(signer, call);
        model.follow(&outcome.events);
        run.outcomes.push(outcome);
        model.compare(&run.world.state);
        invariants::check_records(&run.world.state);
    }
    invariants::check(&mut run.world.state);
    scale::check(&mut run.world.state);
    run
}

proptest! {
    #![proptest_config(ProptestConfig { cases: sequences(), failure_persistence: None, ..ProptestConfig::default() })]

    /// And the same transactions give the same root and outcomes once more, from the start and from
    /// the middle.
    #[test]
    fn random_calls_keep_the_invariants(seeds in proptest::collection::vec(any::<u64>(), 50..60)) {
        let run = run_calls(&seeds);
        let (mut again, mut beside) = (small_world().state, small_world().state);
        let mut hasher = beside.lend_hasher();
        let mut checkpoint = None;
        for (step, ((height, payload), outcome)) in run.log.iter().zip(&run.outcomes).enumerate() {
            if step == run.log.len() / 2 {
                checkpoint = Some((step, scale::restored(&mut again)));
            }
            replay(&mut again, *height, payload, outcome);
            replay(&mut beside, *height, payload, outcome);
            if step % 3 == 0 {
                prop_assert_eq!(hasher.root(beside.hand_over()), again.root());
            }
        }
        beside.return_hasher(hasher);
        prop_assert_eq!(beside.root(), again.root());
        let height = run.world.state.at().height;
        enter(&mut again, height);
        prop_assert_eq!(again.root(), run.world.state.clone().root());
        let (start, mut resumed) = checkpoint.expect("there were calls");
        for ((height, payload), outcome) in run.log.iter().zip(&run.outcomes).skip(start) {
            replay(&mut resumed, *height, payload, outcome);
        }
        enter(&mut resumed, height);
        prop_assert_eq!(resumed.root(), again.root());
    }

    /// Calls that have nothing to do with each other may come in any order.
    #[test]
    fn independent_calls_commute(
        seeds in proptest::collection::vec(any::<u64>(), 2..20),
        shuffle in any::<u64>(),
    ) {
        let world = small_world();
        let calls = independent_calls(&world.state, &seeds);
        let (mut ordered, mut shuffled) = (world.state.clone(), world.state.clone());
        for (signer, call) in &calls {
            ordered.execute(&payload(&ordered, *signer, call.clone()));
        }
        for (signer, call) in permuted(calls, shuffle) {
            shuffled.execute(&payload(&shuffled, signer, call));
        }
        prop_assert_eq!(ordered.root(), shuffled.root());
    }
}

/// Enters blocks as the first run did, each with its randomness and what was due in it.
fn enter(state: &mut State, height: u64) {
    while state.at().height < height {
        let next = state.at().height + 1;
        state.begin_block(&super::language::context(next));
    }
}

fn replay(state: &mut State, height: u64, payload: &Payload, outcome: &crate::Outcome) {
    enter(state, height);
    assert_eq!(state.precheck(payload, state.at().time_ms), Ok(()));
    assert_eq!(&state.execute(payload), outcome);
}

/// By three who have nothing in common: a channel's owner, a lead, and two who pay each other.
fn independent_calls(state: &State, seeds: &[u64]) -> Vec<(AccountId, Call)> {
    let mut calls = Vec::new();
    for &seed in seeds {
        let mut dice = Dice { seed, state };
        calls.push(match dice.roll(3) {
            0 => {
                let upload = dice.upload();
                let bag = BagId::channel(ChannelId(1));
                (account("ann"), Call::Content(ContentCall::UploadDataObjects { bag, upload }))
            }
            1 => {
                let (bucket, distributing) = (dice.distribution(), dice.coin());
                let call = DistributionCall::UpdateDistributionBucketMode { bucket, distributing };
                (account("dlead"), Call::Distribution(call))
            }
            _ => {
                let (to, amount) = (account("s2"), dice.roll(3).into());
                (account("s3"), Call::Accounts(crate::AccountsCall::Transfer { to, amount }))
            }
        });
    }
    calls
}

/// In another order, but each signer's calls among themselves in the old one.
fn permuted(calls: Vec<(AccountId, Call)>, seed: u64) -> Vec<(AccountId, Call)> {
    let mut queues: std::collections::BTreeMap<AccountId, std::collections::VecDeque<Call>> =
        std::collections::BTreeMap::new();
    for (signer, call) in calls {
        queues.entry(signer).or_default().push_back(call);
    }
    let mut order = Vec::new();
    let mut left = seed;
    while !queues.is_empty() {
        let place = to_usize(left % to_u64(queues.len()));
        left = left.rotate_right(7) ^ 0x9e37;
        let signer = *queues.keys().nth(place).expect("one of them");
        let queue = queues.get_mut(&signer).expect("a queue of the signer");
        order.extend(queue.pop_front().map(|call| (signer, call)));
        queues.retain(|_, queue| !queue.is_empty());
    }
    order
}

#[test]
fn pieces_that_do_not_belong_are_refused() {
    let mut world = small_world();
    scale::check(&mut world.state);
    scale::check_wrong_pieces(&world.state);
}

/// What is left out of a part is in its root all the same.
#[test]
fn a_part_of_a_state_has_the_root_of_all_of_it() {
    let balance = GenesisBalance { account: account("ann"), amount: 5, locked: 0 };
    let genesis = Genesis { balances: [balance].into(), ..super::genesis() };
    let mut state = State::from_genesis(&genesis).unwrap();
    let root = state.root();
    let pieces: Vec<_> = state.pieces().collect();
    let restore = |of_part: bool| {
        let restore = if of_part { Restore::of_part(&genesis) } else { Restore::new(&genesis) };
        let mut restore = restore.unwrap();
        pieces.iter().for_each(|piece| restore.push(piece).unwrap());
        restore
    };
    let part = restore(true).finish_part().unwrap();
    assert_eq!(part.root(), root);
    assert!(part.state().members().eq(state.members()) && part.state().accounts().next().is_none());
    assert!(state.accounts().next().is_some());
    assert!(matches!(restore(true).finish(), Err(CheckpointError::Incomplete)));
    assert_eq!(restore(false).finish_part().unwrap().root(), root);
}

/// The random calls are worth something only if many of them succeed.
#[test]
fn enough_of_the_random_calls_succeed() {
    let mut results = std::collections::BTreeMap::new();
    for run in 0..40_u64 {
        let mut world = small_world();
        for step in 0..50 {
            if step % 4 == 0 {
                world.begin_block(world.state.at().height + 1);
            }
            let (signer, call) = Dice { seed: run * 50 + step, state: &world.state }.call();
            *results.entry(world.execute(signer, call).result).or_insert(0_u32) += 1;
        }
    }
    assert!(results[&Ok(())] > 700, "of 2000: {results:?}");
    assert!(results.len() > 30, "too much alike: {results:?}");
}
