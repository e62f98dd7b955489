//! Why an index cannot be opened or fed.

use argosy_directory::GenesisError;
use std::{io, path::PathBuf};

/// Why an index was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file of it cannot be used.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process has it open.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// SQLite refuses.
    #[error("cannot open the index in {}", path.display())]
    Sql {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The rows of a state cannot be written.
    #[error("the state cannot be indexed")]
    Seed(#[source] ApplyError),
    /// Told to stop before it was done.
    #[error("stopped before the index was made")]
    Stopped,
    /// The genesis contradicts itself.
    #[error("the genesis cannot be indexed")]
    Genesis(#[from] GenesisError),
    /// A defect of the program: the schema contradicts itself.
    #[error("the GraphQL schema is not sound: {0}")]
    Schema(String),
}

/// Why blocks were not applied. Nothing of them is in the index then.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A block between is missing.
    #[error("the index has height {have}, and was given block {given}")]
    Gap {
        /// Height of the index.
        have: u64,
        /// Height of the block.
        given: u64,
    },
    /// The block does not follow from the one that the index has.
    #[error("block {height} does not follow from the indexed block below it: the index is of another chain")]
    Fork {
        /// Its height.
        height: u64,
    },
    /// A row that an event speaks of is not there: the index is damaged, or does not know a rule.
    #[error(
        "an event of block {height} changes a row of {table} that is not there: delete the index, and it is rebuilt"
    )]
    Missing {
        /// Height of the block.
        height: u64,
        /// Kind of the row.
        table: &'static str,
    },
    /// SQLite refuses: no room, say, or a damaged file.
    #[error("the index cannot be written")]
    Sql(#[from] rusqlite::Error),
}
