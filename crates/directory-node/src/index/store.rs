//! The index on disk: one SQLite file with one writer and one reader.

use super::{Coverage, leads::Leads};
use argosy_api::directory::query::Place;
use argosy_directory::{Reject, State};
use argosy_domain::{AccountId, WorkingGroup, num::to_u64};
use argosy_ledger::{Block, block::transaction_hash};
use codec::{Decode, DecodeAll, Encode};
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const FILE: &str = "index.sqlite";
/// Name of a file that does not fit the ledger: what it has may be all that is left of old blocks.
const SET_ASIDE: &str = "index.set-aside.sqlite";
/// Blocks after which the disk is waited for. Until then a power cut may take them back, and so the
/// ledger must keep them.
const SYNC_BLOCKS: u64 = 256;
/// Heights whose places are forgotten at once.
const FORGET_BLOCKS: u64 = 10_000;
/// Kept in the file: one with another text is of another version. The signer comes before the place in
/// the index by signer, since every index of such a table ends with its key.
const LAYOUT: &str = "-- version 1
CREATE TABLE state (layout TEXT NOT NULL, genesis BLOB NOT NULL, first INTEGER NOT NULL, height INTEGER NOT NULL, \
hash BLOB NOT NULL, leads BLOB NOT NULL);
CREATE TABLE signer (id INTEGER PRIMARY KEY, account BLOB NOT NULL UNIQUE);
CREATE TABLE signed (height INTEGER NOT NULL, place INTEGER NOT NULL, signer INTEGER NOT NULL, \
hash INTEGER NOT NULL, PRIMARY KEY (height, place)) WITHOUT ROWID;
CREATE INDEX signed_signer ON signed (signer);
CREATE INDEX signed_hash ON signed (hash);
CREATE TABLE led (team TEXT NOT NULL, height INTEGER NOT NULL, place INTEGER NOT NULL, time_ms INTEGER NOT NULL, \
hash BLOB NOT NULL, bytes BLOB NOT NULL, result BLOB NOT NULL, PRIMARY KEY (team, height, place));
CREATE INDEX led_hash ON led (hash);
";

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Its folder or file.
    #[error("cannot use {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// SQLite refuses: no room, say, or a damaged file.
    #[error("the index of transactions cannot be read or written")]
    Sql(#[from] rusqlite::Error),
    /// What was read back is not what is written there.
    #[error("the index of transactions is damaged")]
    Damaged,
    /// A block that does not follow.
    #[error("block {0} does not follow from the newest one in the index of transactions")]
    Fork(u64),
}

/// The newest block in the index, and what is known after it.
#[derive(Clone, Debug)]
pub(super) struct Tip {
    pub(super) coverage: Coverage,
    pub(super) hash: [u8; 32],
    pub(super) leads: Leads,
}

impl Tip {
    /// Nothing before the block after this state's is known. `hash` is of the state's own block.
    pub(super) fn after(state: &State, hash: [u8; 32]) -> Self {
        let next = state.at().height.saturating_add(1);
        Self { coverage: Coverage { first: next, next }, hash, leads: Leads::of_state(state) }
    }
}

/// A transaction of a lead, kept whole: its block may be dropped.
pub(crate) struct Led {
    pub(crate) time_ms: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) result: Result<(), Reject>,
}

/// The one that writes.
pub(crate) struct Writer {
    db: Connection,
    genesis: [u8; 32],
    tip: Tip,
    /// Blocks up to this one survive a power cut.
    durable: u64,
}

/// The one that reads.
pub(super) struct Reader(Connection);

/// The file, if there is one of this network that can be read.
pub(super) fn open_existing(folder: &Path, genesis: &[u8; 32]) -> Option<(Connection, Tip)> {
    let path = folder.join(FILE);
    if !path.exists() {
        return None;
    }
    let found = open_file(&path).map_err(IndexError::from).and_then(|db| {
        let tip = read_tip(&db, genesis)?;
        Ok((db, tip))
    });
    found.map_err(|error| tracing::warn!(%error, path = %path.display(), "the index is made anew")).ok()
}

fn read_tip(db: &Connection, genesis: &[u8; 32]) -> Result<Tip, IndexError> {
    let sql = "SELECT layout, genesis, first, height, hash, leads FROM state";
    let (layout, of, tip) = db.query_row(sql, [], |row| {
        let (first, height): (u64, u64) = (row.get(2)?, row.get(3)?);
        let coverage = Coverage { first, next: height.saturating_add(1) };
        let (hash, leads): ([u8; 32], Vec<u8>) = (row.get(4)?, row.get(5)?);
        Ok((row.get::<_, String>(0)?, row.get::<_, [u8; 32]>(1)?, (coverage, hash, leads)))
    })?;
    let (coverage, hash, leads) = tip;
    let leads = Leads::decode_all(&mut leads.as_slice()).map_err(|_| IndexError::Damaged)?;
    if layout != LAYOUT || of != *genesis {
        return Err(IndexError::Damaged);
    }
    Ok(Tip { coverage, hash, leads })
}

fn open_file(path: &Path) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384;
         PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY;",
    )?;
    Ok(db)
}

impl Writer {
    /// Goes on with a file that was found.
    pub(super) fn new(found: (Connection, Tip), genesis: [u8; 32]) -> Result<Self, IndexError> {
        let (db, tip) = found;
        // An earlier run may have been killed before the disk had what it wrote last.
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        let durable = tip.coverage.height();
        Ok(Self { db, genesis, tip, durable })
    }

    /// An empty index from `tip` on. One that is there is set aside, in place of any set aside before.
    pub(super) fn create(folder: &Path, genesis: [u8; 32], tip: Tip) -> Result<Self, IndexError> {
        let path = folder.join(FILE);
        if path.exists() {
            let aside = folder.join(SET_ASIDE);
            tracing::warn!(path = %aside.display(), "the index of transactions that was there is set aside");
            set_aside(folder)?;
        }
        let mut db = open_file(&path)?;
        let transaction = db.transaction()?;
        transaction.execute_batch(LAYOUT)?;
        write_tip(&transaction, &genesis, &tip)?;
        transaction.commit()?;
        Ok(Self { db, genesis, durable: tip.coverage.height(), tip })
    }

    pub(super) fn coverage(&self) -> Coverage {
        self.tip.coverage
    }

    /// Height from which on the ledger must keep its blocks.
    pub(super) fn needs_from(&self) -> u64 {
        self.durable.saturating_add(1)
    }

    /// Takes up consecutive blocks, all of them or none.
    pub(super) fn apply<'a>(
        &mut self,
        blocks: impl IntoIterator<Item = &'a Block>,
    ) -> Result<(), IndexError> {
        let mut tip = self.tip.clone();
        // The log that all is written to first is synced as a whole.
        let behind = tip.coverage.next.saturating_sub(self.durable);
        let sync = behind > SYNC_BLOCKS;
        self.db.execute_batch(if sync {
            "PRAGMA synchronous = FULL"
        } else {
            "PRAGMA synchronous = NORMAL"
        })?;
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for block in blocks {
            add(&transaction, &mut tip, block)?;
        }
        write_tip(&transaction, &self.genesis, &tip)?;
        transaction.commit()?;
        if sync {
            self.durable = tip.coverage.height();
        }
        self.tip = tip;
        Ok(())
    }

    /// Goes on from `tip`, and leaves the blocks between out.
    pub(super) fn skip_to(&mut self, tip: Tip) -> Result<(), IndexError> {
        let transaction = self.db.transaction()?;
        write_tip(&transaction, &self.genesis, &tip)?;
        transaction.commit()?;
        self.tip = tip;
        Ok(())
    }

    /// Forgets places in blocks before `oldest`, some at a time. What leads signed stays.
    pub(super) fn forget_before(&self, oldest: u64) -> Result<(), IndexError> {
        let sql = "SELECT min(height) FROM signed";
        let first: Option<u64> = self.db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        let Some(first) = first.filter(|first| *first < oldest) else { return Ok(()) };
        let end = oldest.min(first.saturating_add(FORGET_BLOCKS));
        self.db.prepare_cached("DELETE FROM signed WHERE height < ?")?.execute([end])?;
        Ok(())
    }
}

/// With the log beside it, which SQLite finds by the name.
fn set_aside(folder: &Path) -> Result<(), IndexError> {
    for suffix in ["", "-wal", "-shm"] {
        let (from, to) =
            (folder.join(format!("{FILE}{suffix}")), folder.join(format!("{SET_ASIDE}{suffix}")));
        for done in [fs::remove_file(&to), fs::rename(&from, &to)] {
            match done {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(IndexError::Io { path: from, source });
                }
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}

fn write_tip(db: &Connection, genesis: &[u8; 32], tip: &Tip) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM state")?.execute([])?;
    let height = tip.coverage.height();
    db.prepare_cached(
        "INSERT INTO state (layout, genesis, first, height, hash, leads) VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![LAYOUT, genesis, tip.coverage.first, height, tip.hash, tip.leads.encode()])?;
    Ok(())
}

fn add(db: &Connection, tip: &mut Tip, block: &Block) -> Result<(), IndexError> {
    let header = &block.header;
    if header.height != tip.coverage.next || header.parent != tip.hash {
        return Err(IndexError::Fork(header.height));
    }
    for event in &block.block_events {
        tip.leads.follow(event);
    }
    for (index, (bytes, outcome)) in (0..).zip(block.transactions.iter().zip(&block.outcomes)) {
        if let Some(signer) = signer(bytes) {
            let hash = transaction_hash(bytes);
            let place = Place { height: header.height, index };
            remember(db, place, signer, &hash)?;
            for group in tip.leads.led_by(signer) {
                let sql = "INSERT INTO led (team, height, place, time_ms, hash, bytes, result) \
                           VALUES (?, ?, ?, ?, ?, ?, ?)";
                let result = outcome.result.encode();
                db.prepare_cached(sql)?.execute(params![
                    group.name(),
                    place.height,
                    place.index,
                    header.time_ms,
                    hash,
                    bytes,
                    result
                ])?;
            }
        }
        for event in &outcome.events {
            tip.leads.follow(event);
        }
    }
    tip.coverage.next = header.height.saturating_add(1);
    tip.hash = header.hash();
    Ok(())
}

fn remember(db: &Connection, place: Place, signer: AccountId, hash: &[u8; 32]) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR IGNORE INTO signer (account) VALUES (?)")?.execute([signer.0])?;
    let sql = "INSERT INTO signed (height, place, signer, hash) \
               VALUES (?, ?, (SELECT id FROM signer WHERE account = ?), ?)";
    db.prepare_cached(sql)?.execute(params![place.height, place.index, signer.0, beginning(hash)])?;
    Ok(())
}

impl Reader {
    pub(super) fn open(folder: &Path) -> Result<Self, IndexError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(folder.join(FILE), flags)?;
        db.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4096;")?;
        Ok(Self(db))
    }

    /// See [`super::Index::of_account`].
    pub(super) fn of_account(
        &self,
        account: &AccountId,
        from: Place,
        oldest: u64,
        limit: usize,
    ) -> rusqlite::Result<Vec<Place>> {
        let sql = "SELECT height, place FROM signed WHERE signer = (SELECT id FROM signer WHERE account = ?) \
                   AND (height, place) <= (?, ?) AND height >= ? ORDER BY height DESC, place DESC LIMIT ?";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map(
            params![account.0, saturated(from.height), from.index, oldest, saturated(to_u64(limit))],
            place,
        )?;
        rows.collect()
    }

    /// See [`super::Index::of_lead`].
    pub(super) fn of_lead(
        &self,
        group: WorkingGroup,
        from: Place,
        to: u64,
        limit: usize,
    ) -> rusqlite::Result<Vec<Place>> {
        let sql = "SELECT height, place FROM led WHERE team = ? AND (height, place) >= (?, ?) AND height <= ? \
                   ORDER BY height, place LIMIT ?";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map(
            params![
                group.name(),
                saturated(from.height),
                from.index,
                saturated(to),
                saturated(to_u64(limit))
            ],
            place,
        )?;
        rows.collect()
    }

    pub(super) fn led(&self, group: WorkingGroup, place: Place) -> Result<Option<Led>, IndexError> {
        let sql = "SELECT time_ms, bytes, result FROM led WHERE team = ? AND height = ? AND place = ?";
        let found: Option<(u64, Vec<u8>, Vec<u8>)> = self
            .0
            .prepare_cached(sql)?
            .query_row(params![group.name(), place.height, place.index], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let Some((time_ms, bytes, result)) = found else { return Ok(None) };
        let result = Result::decode_all(&mut result.as_slice()).map_err(|_| IndexError::Damaged)?;
        Ok(Some(Led { time_ms, bytes, result }))
    }

    pub(super) fn has_of_lead(&self, hash: &[u8; 32]) -> rusqlite::Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM led WHERE hash = ?)";
        self.0.prepare_cached(sql)?.query_row([hash], |row| row.get(0))
    }

    /// See [`super::Index::candidates`].
    pub(super) fn candidates(&self, hash: &[u8; 32], limit: usize) -> rusqlite::Result<Vec<Place>> {
        let sql = "SELECT height, place FROM signed WHERE hash = ? ORDER BY height DESC, place DESC LIMIT ?";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map(params![beginning(hash), saturated(to_u64(limit))], place)?;
        rows.collect()
    }
}

fn place(row: &rusqlite::Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place { height: row.get(0)?, index: row.get(1)? })
}

/// SQLite's integers have a sign.
fn saturated(height: u64) -> i64 {
    i64::try_from(height).unwrap_or(i64::MAX)
}

/// Eight bytes of a hash lead to it, or rarely to another one as well.
fn beginning(hash: &[u8; 32]) -> i64 {
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    i64::from_le_bytes(first)
}

/// Who signed an encoded transaction, without decoding the rest of it: version, genesis and signer are
/// its first fields.
pub(super) fn signer(bytes: &[u8]) -> Option<AccountId> {
    let mut input = bytes;
    let (_, _, signer) = <(u8, [u8; 32], AccountId)>::decode(&mut input).ok()?;
    Some(signer)
}
