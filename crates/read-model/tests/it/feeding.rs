//! The index has what the directory has, however its blocks arrive.

use super::{
    calls::Dice,
    clients::data,
    support::{Chain, fed, filled, genesis},
};
use argosy_directory::state::{StorageOperator, WORKING_GROUPS};
use argosy_domain::WorkingGroup;
use argosy_ledger::Block;
use argosy_read_model::{ApplyError, Feeder, Limits, OpenError, ReadModel};
use proptest::prelude::*;
use rusqlite::{Connection, OpenFlags};
use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// Everything in the index, as text.
pub(crate) fn dump(home: &Path) -> String {
    let db =
        Connection::open_with_flags(home.join("index.sqlite"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut all = String::new();
    for table in tables {
        let mut rows = db.prepare(&format!("SELECT * FROM \"{table}\" ORDER BY 1")).unwrap();
        let width = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells: Vec<_> = (0..width)
                .map(|at| format!("{:?}", row.get::<_, rusqlite::types::Value>(at).unwrap()))
                .collect();
            all.push_str(&format!("{table}: {}\n", cells.join(", ")));
        }
    }
    all
}

fn lines(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    let mut lines: Vec<String> = rows.map(Result::unwrap).collect();
    lines.sort();
    lines
}

fn sorted(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines
}

/// The amount as the index keeps it.
fn wide(value: impl Into<u128>) -> String {
    let digits = value.into().to_string();
    format!("{:02}{digits}", digits.len())
}

/// Whether the index says what the state says.
fn compare(home: &Path, chain: &Chain) {
    let state = &chain.state;
    let db =
        Connection::open_with_flags(home.join("index.sqlite"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    compare_content(&db, chain);
    compare_buckets(&db, chain);
    for group in WORKING_GROUPS {
        compare_group(&db, chain, group);
    }
    let members = state.members().map(|(id, m)| format!("{id} {} {} {}", m.handle, m.account, m.root));
    let sql = "SELECT id || ' ' || handle || ' ' || controllerAccount || ' ' || rootAccount FROM Member";
    assert_eq!(lines(&db, sql), sorted(members));
    let releases = state.releases().map(|(id, release)| format!("{id} {}", release.run_by_ms));
    assert_eq!(lines(&db, "SELECT id || ' ' || runBy FROM Release"), sorted(releases));
    let open = state.proposals().map(|(id, proposal)| format!("{id} {}", proposal.approvals.len()));
    let sql = "SELECT id || ' ' || json_array_length(approvals) FROM CouncilProposal WHERE status = 'OPEN'";
    assert_eq!(lines(&db, sql), sorted(open));
    let settings = state.settings();
    let expected = format!(
        "{} {} {} {}",
        settings.storage_buckets_per_bag_limit,
        wide(settings.voucher_max_size_limit),
        state.params().max_assets_per_set,
        state.council().threshold,
    );
    let sql = "SELECT storageBucketsPerBagLimit || ' ' || voucherMaxObjectsSizeLimit || ' ' || maxAssetsPerSet \
               || ' ' || (SELECT threshold FROM Council) FROM DirectorySettings";
    assert_eq!(lines(&db, sql), [expected]);
}

fn compare_content(db: &Connection, chain: &Chain) {
    let state = &chain.state;
    let objects = (0..state.next_object_id().0).map(argosy_domain::DataObjectId).filter_map(|id| {
        let object = state.object(id)?;
        let accepted = u8::from(object.accepted.is_some());
        let in_set = object.asset_set.is_some();
        let (bag, content, size, bond) =
            (object.bag, object.content_id, wide(object.size), wide(object.bond));
        Some(format!("{id} {bag} {content} {size} {bond} {accepted} {}", u8::from(in_set)))
    });
    let sql = "SELECT id || ' ' || storageBag || ' ' || ipfsHash || ' ' || size || ' ' || stateBloatBond || ' ' \
               || isAccepted || ' ' || (assetSet IS NOT NULL) FROM StorageDataObject";
    assert_eq!(lines(db, sql), sorted(objects));
    let bags = state.bags().flat_map(|(id, bag)| {
        let storage: Vec<_> = bag.stored_by.keys().map(|bucket| format!("{id} {bucket}")).collect();
        let delivery: Vec<_> = bag.distributed_by.iter().map(|bucket| format!("{id} {bucket}")).collect();
        storage.into_iter().chain(delivery)
    });
    let sql = "SELECT bag || ' ' || storageBucket FROM StorageBucketBag \
               UNION ALL SELECT bag || ' ' || distributionBucket FROM DistributionBucketBag";
    assert_eq!(lines(db, sql), sorted(bags));
    let private = state.bags().filter(|(_, bag)| bag.private).map(|(id, _)| id.to_string());
    assert_eq!(lines(db, "SELECT id FROM StorageBag WHERE isPrivate"), sorted(private));
    let channels = state
        .channels()
        .map(|(id, channel)| format!("{id} {} {}", channel.owner, channel.collaborators.len()));
    let sql = "SELECT id || ' ' || owner || ' ' || json_array_length(collaborators) FROM Channel";
    assert_eq!(lines(db, sql), sorted(channels));
    let deleted = lines(db, "SELECT data_dataObjectId FROM Event");
    let gone =
        (0..state.next_object_id().0).filter(|id| state.object(argosy_domain::DataObjectId(*id)).is_none());
    assert_eq!(deleted, sorted(gone.map(|id| id.to_string())));
}

fn compare_buckets(db: &Connection, chain: &Chain) {
    let state = &chain.state;
    let buckets = state.storage_buckets().map(|(id, bucket)| {
        let (status, worker) = match bucket.operator {
            StorageOperator::Missing => ("Missing", -1),
            StorageOperator::Invited { worker } => ("Invited", i64::try_from(worker.0).unwrap()),
            StorageOperator::Active { worker, .. } => ("Active", i64::try_from(worker.0).unwrap()),
        };
        let voucher = bucket.voucher;
        let told = state.storage_operator_metadata(id).is_some();
        format!(
            "{id} {status} {worker} {} {} {} {} {}",
            wide(voucher.size_limit),
            wide(voucher.objects_limit),
            wide(voucher.size_used),
            wide(voucher.objects_used),
            u8::from(told),
        )
    });
    let sql = "SELECT id || ' ' || substr(operatorStatus, 28) || ' ' || coalesce(operatorStatus_workerId, -1) \
               || ' ' || dataObjectsSizeLimit || ' ' || dataObjectCountLimit || ' ' || dataObjectsSize || ' ' \
               || dataObjectsCount || ' ' || EXISTS (SELECT 1 FROM StorageBucketOperatorMetadata m WHERE m.id = b.id) \
               FROM StorageBucket b";
    assert_eq!(lines(db, sql), sorted(buckets));
    let operators = state.distribution_buckets().flat_map(|(id, bucket)| {
        let invited = bucket.pending_invitations.iter().map(|worker| format!("{id}-{worker} INVITED"));
        let active = bucket.operators.iter().map(|worker| format!("{id}-{worker} ACTIVE"));
        invited.chain(active).collect::<Vec<_>>()
    });
    let sql = "SELECT id || ' ' || status FROM DistributionBucketOperator";
    assert_eq!(lines(db, sql), sorted(operators));
    let flags = state.distribution_buckets().map(|(id, bucket)| {
        format!("{id} {}{}", u8::from(bucket.accepting_new_bags), u8::from(bucket.distributing))
    });
    let sql = "SELECT id || ' ' || acceptingNewBags || distributing FROM DistributionBucket";
    assert_eq!(lines(db, sql), sorted(flags));
    let families = state.families().map(|(id, _)| id.to_string());
    assert_eq!(lines(db, "SELECT id FROM DistributionBucketFamily"), sorted(families));
}

fn compare_group(db: &Connection, chain: &Chain, group: WorkingGroup) {
    let (state, name) = (&chain.state, group.name());
    let workers = state.workers(group).map(|(id, worker)| {
        let lead = u8::from(state.lead(group) == Some(id));
        let (role, reward, staking) = (worker.role_account, worker.reward_account, worker.staking_account);
        let (stake, pay) = (wide(worker.stake), wide(worker.reward_per_period));
        format!("{id} {role} {reward} {staking} {stake} {pay} {lead} {}", worker.leaves_ms.unwrap_or(0))
    });
    let sql = format!(
        "SELECT runtimeId || ' ' || roleAccount || ' ' || rewardAccount || ' ' || stakingAccount || ' ' || stake \
         || ' ' || rewardPerPeriod || ' ' || isLead || ' ' || coalesce(leavesAt, 0) FROM Worker \
         WHERE \"group\" = '{name}' AND leftAt IS NULL"
    );
    assert_eq!(lines(db, &sql), sorted(workers));
    let sql = format!("SELECT budget FROM WorkingGroup WHERE id = '{name}'");
    assert_eq!(lines(db, &sql), [wide(state.budget(group))], "{name}");
    let openings = state.openings(group).map(|(id, opening)| format!("{id} {}", wide(opening.stake)));
    let sql = format!(
        "SELECT runtimeId || ' ' || stake FROM WorkingGroupOpening WHERE \"group\" = '{name}' AND status = 'OPEN'"
    );
    assert_eq!(lines(db, &sql), sorted(openings));
    let pending =
        state.applications(group).map(|(id, application)| format!("{id} {}", wide(application.stake)));
    let sql = format!(
        "SELECT runtimeId || ' ' || stake FROM WorkingGroupApplication \
         WHERE \"group\" = '{name}' AND status = 'PENDING'"
    );
    assert_eq!(lines(db, &sql), sorted(pending));
}

/// Blocks of random calls, on top of the filled network.
pub(crate) fn random_blocks(seed: u64, count: u64) -> (Chain, Vec<Block>) {
    let (mut chain, mut blocks) = filled();
    let mut dice = Dice(seed);
    for _ in 0..count {
        let calls: Vec<_> = (0..dice.roll(12)).map(|_| dice.call()).collect();
        let calls = calls.iter().map(|(signer, call)| (signer.as_str(), call.clone())).collect();
        let pause = [1, 6_000, 60_000][usize::try_from(dice.roll(3)).unwrap()];
        blocks.push(chain.block_after(pause, calls));
    }
    (chain, blocks)
}

#[test]
fn the_filled_network_is_indexed() {
    let (chain, blocks) = filled();
    let home = tempfile::tempdir().unwrap();
    let feeder = fed(home.path(), &chain.genesis, &blocks);
    assert_eq!(feeder.tip().height, blocks.last().unwrap().header.height);
    compare(home.path(), &chain);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_index_says_what_the_state_says(seed in any::<u64>()) {
        let (chain, blocks) = random_blocks(seed, 60);
        let failed = blocks.iter().flat_map(|block| &block.outcomes).filter(|outcome| outcome.result.is_err());
        let all = blocks.iter().map(|block| block.outcomes.len()).sum::<usize>();
        prop_assert!(failed.count() < all, "nothing succeeded");
        let home = tempfile::tempdir().unwrap();
        fed(home.path(), &chain.genesis, &blocks);
        compare(home.path(), &chain);
    }
}

/// One block at a time with a restart after each, in batches with repeats, and all at once.
#[test]
fn however_blocks_arrive_the_index_is_the_same() {
    let (chain, blocks) = random_blocks(7, 40);
    let [once, singly, batches] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    fed(once.path(), &chain.genesis, &blocks);
    for block in &blocks {
        let mut feeder = Feeder::open(singly.path(), &chain.genesis).unwrap();
        assert_eq!(feeder.apply(std::slice::from_ref(block)).unwrap(), 1);
    }
    let mut feeder = Feeder::open(batches.path(), &chain.genesis).unwrap();
    for start in (0..blocks.len()).step_by(3) {
        let end = blocks.len().min(start + 5);
        feeder.apply(&blocks[start..end]).unwrap();
        assert_eq!(feeder.apply(&blocks[start..end]).unwrap(), 0);
    }
    let expected = dump(once.path());
    assert!(expected.len() > 10_000);
    assert_eq!(dump(singly.path()), expected);
    assert_eq!(dump(batches.path()), expected);
}

#[test]
fn gaps_and_forks_are_refused_and_change_nothing() {
    let (chain, blocks) = filled();
    let home = tempfile::tempdir().unwrap();
    let mut feeder = fed(home.path(), &chain.genesis, &blocks[..3]);
    let before = dump(home.path());
    let gap = feeder.apply(&blocks[4..]);
    assert!(matches!(gap, Err(ApplyError::Gap { have: 3, given: 5 })), "{gap:?}");
    let mut fork = blocks[3].clone();
    fork.header.parent = [9; 32];
    assert!(matches!(feeder.apply(&[fork]), Err(ApplyError::Fork { height: 4 })));
    // The first of these is sound, and is not kept without the second.
    let gap = feeder.apply(&[blocks[3].clone(), blocks[5].clone()]);
    assert!(matches!(gap, Err(ApplyError::Gap { have: 4, given: 6 })), "{gap:?}");
    assert_eq!((feeder.tip().height, dump(home.path())), (3, before));
    assert_eq!(feeder.apply(&blocks).unwrap(), 7);
}

#[test]
fn an_index_that_is_missing_damaged_or_of_another_network_is_made_anew() {
    let (chain, blocks) = filled();
    let home = tempfile::tempdir().unwrap();
    drop(fed(home.path(), &chain.genesis, &blocks));
    let expected = dump(home.path());
    let file = home.path().join("index.sqlite");
    let mut bytes = fs::read(&file).unwrap();
    bytes[..100].fill(7);
    let break_it: [&dyn Fn(); 3] =
        [&|| fs::remove_file(&file).unwrap(), &|| fs::write(&file, &bytes).unwrap(), &|| {
            Connection::open(&file).unwrap().execute_batch("UPDATE state SET layout = 'old'").unwrap()
        }];
    for harm in break_it {
        harm();
        let mut feeder = Feeder::open(home.path(), &chain.genesis).unwrap();
        assert_eq!(feeder.tip().height, 0);
        feeder.apply(&blocks).unwrap();
        drop(feeder);
        assert_eq!(dump(home.path()), expected);
    }
    let mut other = genesis();
    other.network = "other".into();
    assert_eq!(Feeder::open(home.path(), &other).unwrap().tip().height, 0);
}

#[test]
fn one_writer_at_a_time() {
    let home = tempfile::tempdir().unwrap();
    let feeder = Feeder::open(home.path(), &genesis()).unwrap();
    assert!(matches!(Feeder::open(home.path(), &genesis()), Err(OpenError::InUse { .. })));
    drop(feeder);
    Feeder::open(home.path(), &genesis()).unwrap();
}

/// What a kill or a power cut leaves: the file as of the last checkpoint, and any part of what was
/// written after it.
#[test]
fn a_torn_index_goes_on_from_a_whole_block() {
    let (chain, blocks) = random_blocks(11, 20);
    let [whole, cut] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let mut feeder = Feeder::open(whole.path(), &chain.genesis).unwrap();
    let (mut dice, mut behind) = (Dice(3), 0);
    for (block, at) in blocks.iter().zip(1..) {
        feeder.apply(std::slice::from_ref(block)).unwrap();
        let wal = fs::read(whole.path().join("index.sqlite-wal")).unwrap();
        let kept = usize::try_from(dice.roll(u64::try_from(wal.len()).unwrap() + 1)).unwrap();
        let home = cut.path().join(at.to_string());
        fs::create_dir(&home).unwrap();
        fs::copy(whole.path().join("index.sqlite"), home.join("index.sqlite")).unwrap();
        fs::write(home.join("index.sqlite-wal"), &wal[..kept]).unwrap();
        let mut torn = Feeder::open(&home, &chain.genesis).unwrap();
        behind += block.header.height - torn.tip().height;
        torn.apply(&blocks).unwrap();
        drop(torn);
        if at % 10 == 0 {
            let expected = tempfile::tempdir().unwrap();
            fed(expected.path(), &chain.genesis, &blocks);
            assert_eq!(dump(&home), dump(expected.path()));
        }
    }
    assert!(behind > 0, "nothing was ever lost");
}

/// A query sees the index as it is after some block, never in the middle of one.
#[test]
fn queries_see_whole_blocks() {
    let (chain, blocks) = super::bench::large(60, 20);
    let home = tempfile::tempdir().unwrap();
    let mut feeder = Feeder::open(home.path(), &chain.genesis).unwrap();
    let model = ReadModel::new(&feeder, Limits::default()).unwrap();
    let query = "{ a: storageBagsConnection(orderBy: id_ASC) { totalCount } squidStatus { height } \
        b: storageDataObjectsConnection(orderBy: id_ASC, where: {isAccepted_eq: true}) { totalCount } }";
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut answers = 0;
            while !done.load(Ordering::Acquire) {
                let answer = data(&model, query);
                let (bags, objects) =
                    (answer["a"]["totalCount"].as_u64(), answer["b"]["totalCount"].as_u64());
                let height = answer["squidStatus"]["height"].as_u64().unwrap();
                assert_eq!(bags.unwrap(), height.saturating_sub(1), "{answer}");
                assert_eq!(objects.unwrap(), bags.unwrap() * 20, "{answer}");
                answers += 1;
            }
            answers
        });
        for block in &blocks {
            feeder.apply(std::slice::from_ref(block)).unwrap();
        }
        done.store(true, Ordering::Release);
        assert!(reading.join().unwrap() > 0);
    });
}
