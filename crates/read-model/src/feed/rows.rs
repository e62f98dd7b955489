//! Writing rows by the names of their columns.

use crate::error::ApplyError;
use rusqlite::{Connection, Params, Row, params_from_iter, types::Value};

/// A column's name, and what to write there.
pub(super) type Cell = (&'static str, Value);

/// The open transaction, and the block that is being applied in it.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) db: &'a Connection,
    /// Height of the block.
    pub(super) height: u64,
    /// Time of the block, in milliseconds since 1970.
    pub(super) time_ms: u64,
}

impl Rows<'_> {
    /// Adds a row.
    pub(super) fn insert(&self, table: &'static str, cells: &[Cell]) -> Result<(), ApplyError> {
        self.write("INSERT INTO", table, cells)
    }

    /// Adds a row, or puts it in the place of the one with the same id.
    pub(super) fn put(&self, table: &'static str, cells: &[Cell]) -> Result<(), ApplyError> {
        self.write("INSERT OR REPLACE INTO", table, cells)
    }

    /// Adds a row unless there is one with the same id.
    pub(super) fn ensure(&self, table: &'static str, cells: &[Cell]) -> Result<(), ApplyError> {
        self.write("INSERT OR IGNORE INTO", table, cells)
    }

    fn write(&self, verb: &str, table: &str, cells: &[Cell]) -> Result<(), ApplyError> {
        let names: Vec<String> = cells.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let marks = vec!["?"; cells.len()].join(", ");
        let sql = format!("{verb} \"{table}\" ({}) VALUES ({marks})", names.join(", "));
        let values = cells.iter().map(|(_, value)| value);
        self.db.prepare_cached(&sql)?.execute(params_from_iter(values))?;
        Ok(())
    }

    /// Changes the row with this id, which must be there.
    pub(super) fn update(
        &self,
        table: &'static str,
        id: impl ToString,
        cells: &[Cell],
    ) -> Result<(), ApplyError> {
        let names: Vec<String> = cells.iter().map(|(name, _)| format!("\"{name}\" = ?")).collect();
        let sql = format!("UPDATE \"{table}\" SET {} WHERE \"id\" = ?", names.join(", "));
        let id = Value::Text(id.to_string());
        let values = cells.iter().map(|(_, value)| value).chain([&id]);
        match self.db.prepare_cached(&sql)?.execute(params_from_iter(values))? {
            1 => Ok(()),
            _ => Err(self.missing(table)),
        }
    }

    /// Deletes the row with this id, if it is there.
    pub(super) fn delete(&self, table: &'static str, id: impl ToString) -> Result<(), ApplyError> {
        self.delete_by(table, "id", id)
    }

    /// Deletes the rows with this value in a column.
    pub(super) fn delete_by(
        &self,
        table: &'static str,
        column: &'static str,
        value: impl ToString,
    ) -> Result<(), ApplyError> {
        let sql = format!("DELETE FROM \"{table}\" WHERE \"{column}\" = ?");
        self.db.prepare_cached(&sql)?.execute([value.to_string()])?;
        Ok(())
    }

    /// Reads the one row that a statement finds in `table`.
    pub(super) fn find<T>(
        &self,
        table: &'static str,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, ApplyError> {
        self.db.prepare_cached(sql)?.query_row(params, read).map_err(|error| {
            if error == rusqlite::Error::QueryReturnedNoRows { self.missing(table) } else { error.into() }
        })
    }

    /// Reads the first column of all rows that a statement finds.
    pub(super) fn texts(&self, sql: &str, params: impl Params) -> Result<Vec<String>, ApplyError> {
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map(params, |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    pub(super) fn missing(&self, table: &'static str) -> ApplyError {
        ApplyError::Missing { height: self.height, table }
    }
}
