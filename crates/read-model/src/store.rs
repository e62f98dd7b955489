//! The index on disk: one SQLite file, its tables made from the entities, one writer, several readers.

use crate::{
    entities::ENTITIES,
    entity::{ColumnDef, Entity, columns},
    error::OpenError,
};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::{
    fmt::Write as _,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

/// Raised whenever rows are made otherwise from the same blocks; older indexes are then rebuilt.
const FEED_VERSION: u32 = 2;
const INDEX_FILE: &str = "index.sqlite";
const LOCK_FILE: &str = "lock";
/// Statements that a connection keeps prepared.
const CACHED_STATEMENTS: usize = 256;

/// The newest block in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Its height; 0 is the genesis.
    pub height: u64,
    /// Hash of its header.
    pub hash: [u8; 32],
    /// Its time, in milliseconds since 1970.
    pub time_ms: u64,
}

/// An index that was there.
pub(crate) struct Found {
    pub(crate) db: Connection,
    pub(crate) tip: Tip,
    pub(crate) since: u64,
    pub(crate) next_event: u64,
}

/// A folder with an index, locked against other processes.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    /// Locked while this lives.
    lock: File,
}

impl Drop for Home {
    fn drop(&mut self) {
        // Closing the file is not enough while a process that is just being started has a copy of it.
        let _ = self.lock.unlock();
    }
}

impl Home {
    pub(crate) fn lock(path: &Path) -> Result<Self, OpenError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { path, source }
        };
        fs::create_dir_all(path).map_err(io(path))?;
        let lock_path = path.join(LOCK_FILE);
        let lock = File::create(&lock_path).map_err(io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(OpenError::Io { path: lock_path, source }),
        }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path.join(INDEX_FILE)
    }

    pub(crate) fn sql(&self) -> impl Fn(rusqlite::Error) -> OpenError + use<> {
        let path = self.path.clone();
        move |source| OpenError::Sql { path: path.clone(), source }
    }

    /// The index if it is there, of this layout and of this network. Anything else is not worth
    /// keeping: it is made anew from the blocks.
    pub(crate) fn open_existing(&self, genesis: &[u8; 32]) -> Option<Found> {
        let file = self.file();
        if !file.exists() {
            return None;
        }
        match read_existing(&file, genesis) {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, path = %file.display(), "the index cannot be read and is made anew");
                None
            }
        }
    }

    /// Tables without rows and without indexes; whatever was there is deleted. It counts as an index once
    /// its tip is written.
    pub(crate) fn create(&self) -> Result<Connection, OpenError> {
        for suffix in ["", "-wal", "-shm"] {
            let path = self.path.join(format!("{INDEX_FILE}{suffix}"));
            match fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(OpenError::Io { path, source });
                }
                Ok(()) | Err(_) => {}
            }
        }
        let db = open_writer(&self.file()).map_err(self.sql())?;
        db.execute_batch(&tables()).map_err(self.sql())?;
        Ok(db)
    }
}

fn read_existing(file: &Path, genesis: &[u8; 32]) -> rusqlite::Result<Option<Found>> {
    let db = open_writer(file)?;
    let there: bool =
        db.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'state')", [], |row| {
            row.get(0)
        })?;
    if !there {
        return Ok(None);
    }
    let found = db
        .query_row("SELECT layout, genesis, height, hash, time_ms, since, next_event FROM state", [], |row| {
            let same = row.get::<_, String>(0)? == layout() && row.get::<_, [u8; 32]>(1)? == *genesis;
            let tip = Tip { height: row.get(2)?, hash: row.get(3)?, time_ms: row.get(4)? };
            Ok((same, tip, row.get::<_, u64>(5)?, row.get::<_, u64>(6)?))
        })
        .optional()?;
    Ok(found.filter(|(same, ..)| *same).map(|(_, tip, since, next_event)| Found {
        db,
        tip,
        since,
        next_event,
    }))
}

fn open_writer(file: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // In this mode a power cut may take back the newest commits, never a part of one: the blocks are
    // applied again then.
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536;
         PRAGMA wal_autocheckpoint = 16384; PRAGMA journal_size_limit = 67108864;
         PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF;",
    )?;
    db.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(db)
}

/// A connection that cannot write.
pub(crate) fn open_reader(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    db.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;")?;
    db.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(db)
}

/// Makes the indexes, once the tables have their first rows. That sorts, on disk however much memory
/// there is.
pub(crate) fn create_indexes(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch("PRAGMA temp_store = FILE")?;
    db.execute_batch(&indexes())?;
    db.execute_batch("PRAGMA temp_store = MEMORY")
}

/// Puts what is in SQLite's log into the index itself, after much was written at once.
pub(crate) fn empty_log(db: &Connection) -> rusqlite::Result<()> {
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Writes the row that says what the index is of, and how far it has come.
pub(crate) fn write_state(
    db: &Connection,
    genesis: &[u8; 32],
    tip: &Tip,
    since: u64,
) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM state")?.execute([])?;
    db.prepare_cached(
        "INSERT INTO state (layout, genesis, height, hash, time_ms, since, next_event) \
         VALUES (?, ?, ?, ?, ?, ?, 0)",
    )?
    .execute(params![layout(), genesis, tip.height, tip.hash, tip.time_ms, since])?;
    Ok(())
}

/// Moves the tip.
pub(crate) fn update_state(db: &Connection, tip: &Tip, next_event: u64) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE state SET height = ?, hash = ?, time_ms = ?, next_event = ?")?
        .execute(params![tip.height, tip.hash, tip.time_ms, next_event])?;
    Ok(())
}

/// The statements that make it all. Their text is kept in the index: another text, another layout.
fn layout() -> String {
    format!("-- version {FEED_VERSION}\n{}{}", tables(), indexes())
}

fn tables() -> String {
    let mut sql = String::from(
        "CREATE TABLE state (layout TEXT NOT NULL, genesis BLOB NOT NULL, \
         height INTEGER NOT NULL, hash BLOB NOT NULL, time_ms INTEGER NOT NULL, since INTEGER NOT NULL, next_event INTEGER NOT NULL);\n",
    );
    for entity in ENTITIES {
        let columns = columns("", entity.fields);
        // Writing to a string cannot fail.
        let _ = write!(sql, "CREATE TABLE \"{}\" (\"id\" TEXT PRIMARY KEY NOT NULL", entity.name);
        for ColumnDef { name, affinity, .. } in columns.iter().skip(1) {
            let _ = write!(sql, ", \"{name}\" {affinity}");
        }
        for name in entity.hidden {
            let _ = write!(sql, ", \"{name}\" BLOB");
        }
        sql.push_str(") WITHOUT ROWID;\n");
    }
    sql
}

fn indexes() -> String {
    let mut sql = String::new();
    for entity in ENTITIES {
        let columns = columns("", entity.fields);
        for column in columns.iter().filter(|column| column.indexed) {
            let (table, column) = (entity.name, &column.name);
            let _ = writeln!(sql, "CREATE INDEX \"{table}_{column}\" ON \"{table}\" (\"{column}\");");
        }
    }
    sql
}

/// Rows of a table, for tests and benchmarks.
pub(crate) fn count(db: &Connection, entity: &Entity) -> rusqlite::Result<u64> {
    db.query_row(&format!("SELECT count(*) FROM \"{}\"", entity.name), [], |row| row.get(0))
}
