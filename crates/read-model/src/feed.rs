//! Making rows out of blocks.
//!
//! Events say what changed. The few things that they leave out (a worker's accounts, the objects of a
//! deleted bag) are in rows that earlier events made.

mod content;
mod council;
mod distribution;
mod genesis;
mod groups;
mod record;
mod rows;
mod storage;

use crate::{
    error::{ApplyError, OpenError},
    store::{Home, Tip, update_state, write_state},
};
use argosy_directory::{Event, Genesis, Transaction};
use argosy_ledger::{Block, genesis_block};
use rows::Rows;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// The one writer of an index.
#[derive(Debug)]
pub struct Feeder {
    db: Connection,
    tip: Tip,
    /// Serial number of the next deletion event.
    next_event: u64,
    home: Home,
}

/// Where in the block an event stands, and what led to it.
struct Told<'a> {
    rows: Rows<'a>,
    /// Hash of the transaction, in hexadecimal; none for the block's own events.
    transaction: Option<String>,
    /// Position among all events of the block.
    index: u64,
    /// Serial number of the next deletion event.
    next_event: &'a mut u64,
}

impl Feeder {
    /// Opens the index in the folder `home`, or makes one that has the genesis only: if there is none,
    /// if it is of another network or layout, or if it cannot be read.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(home: &Path, genesis: &Genesis) -> Result<Self, OpenError> {
        let home = Home::lock(home)?;
        let hash = genesis.hash();
        if let Some((db, tip, next_event)) = home.open_existing(&hash) {
            return Ok(Self { db, tip, next_event, home });
        }
        Self::make(home, genesis)
    }

    /// Throws everything away but the genesis: for an index that is not of the ledger beside it. Only
    /// while nobody reads it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn start_over(self, genesis: &Genesis) -> Result<Self, OpenError> {
        let Self { db, home, .. } = self;
        drop(db);
        Self::make(home, genesis)
    }

    fn make(home: Home, genesis: &Genesis) -> Result<Self, OpenError> {
        let (block, _) = genesis_block(genesis)?;
        let tip = Tip { height: 0, hash: block.header.hash(), time_ms: genesis.time_ms };
        let mut db = home.create()?;
        begin(&mut db, genesis, &tip).map_err(home.sql())?;
        Ok(Self { db, tip, next_event: 0, home })
    }

    /// The newest block in the index.
    #[must_use]
    pub const fn tip(&self) -> &Tip {
        &self.tip
    }

    /// Applies consecutive blocks, all or none of them. Blocks that the index has are skipped.
    ///
    /// The blocks must have been checked: here only heights and parents are compared. Gives how many
    /// were applied.
    ///
    /// # Errors
    /// [`ApplyError`]: the index is as before.
    pub fn apply(&mut self, blocks: &[Block]) -> Result<u64, ApplyError> {
        let (mut tip, mut next_event, mut count) = (self.tip, self.next_event, 0);
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for block in blocks {
            let header = &block.header;
            if header.height <= tip.height {
                continue;
            }
            if header.height != tip.height.saturating_add(1) {
                return Err(ApplyError::Gap { have: tip.height, given: header.height });
            }
            if header.parent != tip.hash {
                return Err(ApplyError::Fork { height: header.height });
            }
            tip = Tip { height: header.height, hash: header.hash(), time_ms: header.time_ms };
            apply_block(&transaction, block, &tip, &mut next_event)?;
            count += 1;
        }
        if count > 0 {
            update_state(&transaction, &tip, next_event)?;
            transaction.commit()?;
            (self.tip, self.next_event) = (tip, next_event);
        }
        Ok(count)
    }

    /// Rows in the index, for tests and benchmarks. Reads all of it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn rows_count(&self) -> rusqlite::Result<u64> {
        let counts = crate::entities::ENTITIES.iter().map(|entity| crate::store::count(&self.db, entity));
        counts.sum()
    }

    pub(crate) const fn home(&self) -> &Home {
        &self.home
    }
}

fn begin(db: &mut Connection, genesis: &Genesis, tip: &Tip) -> rusqlite::Result<()> {
    let transaction = db.transaction()?;
    let rows = Rows { db: &transaction, height: 0, time_ms: genesis.time_ms };
    genesis::write(&rows, genesis).map_err(|error| match error {
        ApplyError::Sql(error) => error,
        ApplyError::Gap { .. } | ApplyError::Fork { .. } | ApplyError::Missing { .. } => {
            rusqlite::Error::QueryReturnedNoRows
        }
    })?;
    write_state(&transaction, &genesis.hash(), tip, 0)?;
    transaction.commit()
}

fn apply_block(db: &Connection, block: &Block, tip: &Tip, next_event: &mut u64) -> Result<(), ApplyError> {
    let rows = Rows { db, height: tip.height, time_ms: tip.time_ms };
    record::block(&rows, block, tip)?;
    let mut told = Told { rows, transaction: None, index: 0, next_event };
    told.all(&block.block_events)?;
    for ((bytes, outcome), index) in block.transactions.iter().zip(&block.outcomes).zip(0_u64..) {
        // No block that was checked has bytes that are no transaction.
        let Ok(transaction) = Transaction::decode(bytes) else { continue };
        let hash = record::transaction(&rows, bytes, &transaction, outcome, index)?;
        if outcome.result.is_ok() {
            told.of_transaction(hash, &outcome.events)?;
        } else {
            told.index = told.index.saturating_add(1);
        }
    }
    Ok(())
}

impl Told<'_> {
    fn of_transaction(&mut self, hash: String, events: &[Event]) -> Result<(), ApplyError> {
        self.transaction = Some(hash);
        self.all(events)
    }

    fn all(&mut self, events: &[Event]) -> Result<(), ApplyError> {
        events.iter().try_for_each(|event| self.one(event))
    }

    fn one(&mut self, event: &Event) -> Result<(), ApplyError> {
        let known = storage::apply(self, event)?
            || distribution::apply(self, event)?
            || content::apply(self, event)?
            || groups::apply(self, event)?
            || council::apply(self, event)?;
        if !known {
            tracing::trace!(?event, "not indexed");
        }
        self.index = self.index.saturating_add(1);
        Ok(())
    }
}
