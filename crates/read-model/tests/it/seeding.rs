//! An index that begins with a state has what one has that was fed from the genesis on, but for history.

use super::{
    feeding::random_blocks,
    support::{Chain, fed, filled, genesis},
};
use argosy_directory::{BlockContext, Genesis, State, Transaction};
use argosy_ledger::{Block, genesis_block};
use argosy_read_model::{Feeder, OpenError};
use proptest::prelude::*;
use rusqlite::{Connection, OpenFlags, types::Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// What no state keeps: null for what was there before the index, and as ever for what came later.
const HISTORY: [(&str, &str); 17] = [
    ("StorageBucket", "createdAt"),
    ("StorageBag", "createdAt"),
    ("DistributionBucketBag", "assignedInBlock"),
    ("StorageDataObject", "createdAt"),
    ("StorageDataObject", "acceptedAt"),
    ("DistributionBucketFamily", "createdAt"),
    ("DistributionBucket", "createdAt"),
    ("Member", "createdAt"),
    ("Channel", "createdAt"),
    ("AssetSet", "createdAt"),
    ("Worker", "rewardsPaid"),
    ("WorkingGroupApplication", "createdAt"),
    ("BlacklistedContent", "addedAt"),
    ("CouncilProposal", "createdAt"),
    ("CouncilProposal", "proposer"),
    // Of whom the state knows the first, and events tell the last.
    ("StorageDataObject", "acceptingBucketId"),
    // Counted from the beginning of the index.
    ("Event", "id"),
];

type Row = BTreeMap<String, Value>;
type Table = BTreeMap<String, Row>;

/// All rows by table and id. Deletions are told apart by what was deleted, which happens once.
fn read(home: &Path) -> BTreeMap<String, Table> {
    let db =
        Connection::open_with_flags(home.join("index.sqlite"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'state'";
    let mut names = db.prepare(sql).unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    names.into_iter().map(|name| (name.clone(), read_table(&db, &name))).collect()
}

fn read_table(db: &Connection, name: &str) -> Table {
    let mut statement = db.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let rows = statement.query_map([], |row| {
        let cell = |(name, at): (&String, usize)| Ok((name.clone(), row.get::<_, Value>(at)?));
        columns.iter().zip(0..).map(cell).collect::<rusqlite::Result<Row>>()
    });
    let key = if name == "Event" { "data_dataObjectId" } else { "id" };
    let text = |row: &Row| {
        let Value::Text(text) = &row[key] else { panic!("{name}: {row:?}") };
        text.clone()
    };
    rows.unwrap().map(Result::unwrap).map(|row| (text(&row), row)).collect()
}

/// The state after the genesis and after each block.
fn states(genesis: &Genesis, blocks: &[Block]) -> Vec<(State, [u8; 32])> {
    let (block, mut state) = genesis_block(genesis).unwrap();
    let mut all = vec![(state.clone(), block.header.hash())];
    for block in blocks {
        let header = &block.header;
        let at = BlockContext { height: header.height, time_ms: header.time_ms, randomness: header.hash() };
        state.begin_block(&at);
        for bytes in &block.transactions {
            state.execute(&Transaction::decode(bytes).unwrap().payload);
        }
        all.push((state.clone(), header.hash()));
    }
    all
}

/// Whether a row is of something that was over.
fn is_over(table: &str, row: &Row) -> bool {
    let is_open = |open: &str| row["status"] == Value::Text(open.to_owned());
    match table {
        "Block" | "Transaction" | "Event" => true,
        "Worker" => row["leftAt"] != Value::Null,
        "WorkingGroupOpening" | "CouncilProposal" => !is_open("OPEN"),
        "WorkingGroupApplication" => !is_open("PENDING"),
        _ => false,
    }
}

/// Seeds at `height`, goes on with the later blocks, and compares with the index of all blocks.
fn compare(chain: &Chain, blocks: &[Block], states: &[(State, [u8; 32])], height: usize) {
    let [whole, early, seeded] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    drop(fed(whole.path(), &chain.genesis, blocks));
    drop(fed(early.path(), &chain.genesis, &blocks[..height]));
    let mut feeder = Feeder::open(seeded.path(), &chain.genesis).unwrap();
    let (state, hash) = &states[height];
    feeder.seed(&chain.genesis, state, *hash, &|| false).unwrap();
    assert_eq!(feeder.tip().height, u64::try_from(height).unwrap());
    feeder.apply(&blocks[height..]).unwrap();
    drop(feeder);
    let feeder = Feeder::open(seeded.path(), &chain.genesis).unwrap();
    assert_eq!(
        (feeder.since(), feeder.tip().height),
        (state.at().height, blocks.last().unwrap().header.height)
    );
    let (whole, early, seeded) = (read(whole.path()), read(early.path()), read(seeded.path()));
    for (table, rows) in &whole {
        for (id, row) in rows {
            let Some(found) = seeded[table].get(id) else {
                let before = early[table].get(id);
                assert!(before.is_some_and(|row| is_over(table, row)), "{table} {id} is missing: {row:?}");
                continue;
            };
            let is_new = !early[table].contains_key(id);
            compare_row(table, row, found, is_new && height > 0);
        }
        let more: Vec<_> = seeded[table].keys().filter(|id| !rows.contains_key(*id)).collect();
        assert!(more.is_empty(), "{table}: {more:?}");
    }
}

fn compare_row(table: &str, expected: &Row, found: &Row, is_new: bool) {
    for (column, value) in expected {
        let is_history = HISTORY.contains(&(table, column.as_str()));
        let may_differ = match column.as_str() {
            _ if !is_history => false,
            "id" => true,
            _ if is_new => false,
            "acceptingBucketId" => found[column] != Value::Null,
            _ => found[column] == Value::Null,
        };
        assert!(may_differ || found[column] == *value, "{table}.{column}: {expected:?}, found {found:?}");
    }
}

#[test]
fn at_every_height_of_the_filled_network() {
    let (chain, blocks) = filled();
    let states = states(&chain.genesis, &blocks);
    for height in 0..=blocks.len() {
        compare(&chain, &blocks, &states, height);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn at_any_height_of_any_network(seed in any::<u64>(), at in 0.0..1.0_f64) {
        let (chain, blocks) = random_blocks(seed, 60);
        let states = states(&chain.genesis, &blocks);
        #[expect(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share of a small number")]
        let height = (blocks.len() as f64 * at) as usize;
        compare(&chain, &blocks, &states, height);
    }
}

/// So that the list above says nothing that is not so.
#[test]
fn what_is_said_to_be_history_is_null_somewhere() {
    let (chain, blocks) = filled();
    let states = states(&chain.genesis, &blocks);
    let mut missing: BTreeSet<_> = HISTORY.into_iter().collect();
    for (height, (state, hash)) in states.iter().enumerate().skip(1) {
        let home = tempfile::tempdir().unwrap();
        let mut feeder = Feeder::open(home.path(), &chain.genesis).unwrap();
        feeder.seed(&chain.genesis, state, *hash, &|| false).unwrap();
        assert_eq!(feeder.tip().height, u64::try_from(height).unwrap());
        let tables = read(home.path());
        missing.retain(|(table, column)| !tables[*table].values().any(|row| row[*column] == Value::Null));
    }
    // The two that say something else; and an application, which is only there for a block.
    let rest = [("Event", "id"), ("WorkingGroupApplication", "createdAt")];
    assert!(missing.iter().all(|column| rest.contains(column)), "{missing:?}");
}

#[test]
fn an_index_that_was_not_finished_is_none() {
    let (chain, blocks) = super::bench::large(60, 20);
    let states = states(&chain.genesis, &blocks);
    let (state, hash) = states.last().unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut feeder = fed(home.path(), &chain.genesis, &blocks[..5]);
    let stopped = feeder.seed(&chain.genesis, state, *hash, &|| true);
    assert!(matches!(stopped, Err(OpenError::Stopped)), "{stopped:?}");
    assert!(feeder.apply(&blocks).is_err());
    drop(feeder);
    let mut feeder = Feeder::open(home.path(), &genesis_of(&chain)).unwrap();
    assert_eq!((feeder.tip().height, feeder.since()), (0, 0));
    feeder.seed(&chain.genesis, state, *hash, &|| false).unwrap();
    assert_eq!(feeder.tip().height, state.at().height);
    let objects = &read(home.path())["StorageDataObject"];
    assert_eq!(objects.len(), 60 * 20);
}

fn genesis_of(chain: &Chain) -> Genesis {
    assert_eq!(chain.genesis.network, genesis().network);
    chain.genesis.clone()
}
