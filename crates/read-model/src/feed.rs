//! Making rows out of blocks.
//!
//! Events say what changed. The few things that they leave out (a worker's accounts, the objects of a
//! deleted bag) are in rows that earlier events made.

mod content;
mod council;
mod distribution;
mod groups;
mod record;
mod rows;
mod seed;
mod storage;

use crate::{
    error::{ApplyError, OpenError},
    store::{Found, Home, Tip, create_indexes, empty_log, update_state, write_state},
};
use argosy_directory::{Event, Genesis, State, Transaction};
use argosy_ledger::{Block, genesis_block};
use rows::Rows;
use rusqlite::{Connection, TransactionBehavior};
use seed::SeedError;
use std::path::Path;

/// No block follows from it.
const NOTHING: Tip = Tip { height: 0, hash: [0; 32], time_ms: 0 };

/// The one writer of an index.
#[derive(Debug)]
pub struct Feeder {
    db: Connection,
    tip: Tip,
    /// See [`Feeder::since`].
    since: u64,
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
        if let Some(Found { db, tip, since, next_event }) = home.open_existing(&hash) {
            return Ok(Self { db, tip, since, next_event, home });
        }
        let db = Connection::open_in_memory().map_err(home.sql())?;
        let mut feeder = Self { db, tip: NOTHING, since: 0, next_event: 0, home };
        feeder.start_over(genesis)?;
        Ok(feeder)
    }

    /// Throws everything away but the genesis: for an index that is not of the ledger beside it. Only
    /// while nobody reads it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn start_over(&mut self, genesis: &Genesis) -> Result<(), OpenError> {
        let (block, state) = genesis_block(genesis)?;
        self.seed(genesis, &state, block.header.hash(), &|| false)
    }

    /// Throws everything away and writes the rows of a state: for a ledger that does not have all blocks.
    /// `hash` is that of the block after which the state is as it is; the next block to apply is the one
    /// after it. What no state keeps is not there: see [`Feeder::since`].
    ///
    /// Takes memory for a batch of rows, whatever the size of the state, and some minutes for ten million
    /// objects. `stop` is asked now and then. Only while nobody reads the index.
    ///
    /// # Errors
    /// [`OpenError`]; there is no index then, and this must be called again before anything else.
    pub fn seed(
        &mut self,
        genesis: &Genesis,
        state: &State,
        hash: [u8; 32],
        stop: &dyn Fn() -> bool,
    ) -> Result<(), OpenError> {
        let at = state.at();
        let time_ms = if at.height == 0 { genesis.time_ms } else { at.time_ms };
        let tip = Tip { height: at.height, hash, time_ms };
        (self.tip, self.since, self.next_event) = (NOTHING, tip.height, 0);
        // The file must not be open when it is deleted.
        self.db = Connection::open_in_memory().map_err(self.home.sql())?;
        self.db = self.home.create()?;
        seed::write(&self.db, &genesis.network, state, &tip, stop).map_err(|error| match error {
            SeedError::Stopped => OpenError::Stopped,
            SeedError::Apply(ApplyError::Sql(source)) => self.home.sql()(source),
            SeedError::Apply(error) => OpenError::Seed(error),
        })?;
        create_indexes(&self.db)
            .and_then(|()| write_state(&self.db, &genesis.hash(), &tip, tip.height))
            .and_then(|()| empty_log(&self.db))
            .map_err(self.home.sql())?;
        self.tip = tip;
        Ok(())
    }

    /// Height of the state that the index began with; 0 if it has everything since the genesis.
    ///
    /// Of what was before there are no blocks, transactions, events and decided proposals, nothing that
    /// was deleted or has ended, and no times that a state does not keep.
    #[must_use]
    pub const fn since(&self) -> u64 {
        self.since
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
