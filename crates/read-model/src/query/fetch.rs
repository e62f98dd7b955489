//! Reading the rows of a plan: a statement per level, never one per row.

use super::{
    error::{Code, QueryError},
    filter::{Sql, quoted},
    order::{self, Term},
    plan::{Level, Link, Page},
    pool::Lease,
    types::Types,
};
use crate::entity::Entity;
use rusqlite::{params_from_iter, types::Value};
use std::{
    cell::Cell,
    collections::{BTreeSet, HashMap},
    ops::Range,
};

/// Name of the table whose rows a statement reads.
const T: &str = "t0";

/// Reads for one query.
pub(crate) struct Fetch<'q> {
    pub(crate) types: &'q Types,
    pub(crate) lease: &'q Lease<'q>,
    /// Rows that may still be read.
    pub(crate) rows_left: Cell<u64>,
    /// As it was at first.
    pub(crate) rows_most: u64,
    /// Most that a limit or offset may be.
    pub(crate) page_most: u64,
}

/// A page of ids in an order.
pub(crate) struct Ids {
    pub(crate) ids: Vec<String>,
    pub(crate) cursors: Vec<String>,
    pub(crate) has_more: bool,
}

impl Fetch<'_> {
    /// Rows of a level by its page, with all that hangs on them.
    pub(crate) fn list(&self, level: &mut Level<'_>, page: &Page) -> Result<Vec<Vec<Value>>, QueryError> {
        let mut sql = Sql::new(self.types);
        let filter = self.condition(&mut sql, level.entity, page)?;
        let terms = order::terms(self.types, level.entity, T, page.order.as_ref())?;
        let limit = page.limit.unwrap_or_else(|| self.rows_left.get().saturating_add(1));
        let text = format!(
            "SELECT {} FROM \"{}\" {T}{filter} ORDER BY {} LIMIT {limit} OFFSET {}",
            columns(level),
            level.entity.name,
            order::clause(&terms),
            page.offset,
        );
        let rows = self.rows(&text, sql.values, level.columns.len())?;
        self.fill(level, &rows)?;
        Ok(rows)
    }

    fn condition(&self, sql: &mut Sql<'_>, entity: &Entity, page: &Page) -> Result<String, QueryError> {
        let filter = page.filter.as_ref();
        let filter = filter.map(|filter| sql.filter(entity.name, T, filter)).transpose()?.flatten();
        Ok(filter.map_or_else(String::new, |filter| format!(" WHERE {filter}")))
    }

    /// Rows of a level by their ids.
    pub(crate) fn by_ids(
        &self,
        level: &mut Level<'_>,
        ids: &[String],
    ) -> Result<HashMap<String, Vec<Value>>, QueryError> {
        let text = format!(
            "SELECT {} FROM \"{}\" {T} WHERE {T}.\"id\" IN (SELECT value FROM json_each(?1))",
            columns(level),
            level.entity.name,
        );
        let rows = self.rows(&text, vec![json(ids.iter())], level.columns.len())?;
        self.fill(level, &rows)?;
        Ok(rows.into_iter().filter_map(|row| Some((id_of(&row)?.to_owned(), row))).collect())
    }

    /// The ids of a page of a connection, and whether there are more.
    pub(crate) fn ids(
        &self,
        entity: &Entity,
        page: &Page,
        first: u64,
        after: Option<&str>,
    ) -> Result<Ids, QueryError> {
        let mut sql = Sql::new(self.types);
        let mut filter = self.condition(&mut sql, entity, page)?;
        let terms = order::terms(self.types, entity, T, page.order.as_ref())?;
        if let Some(after) = after {
            let after = order::after(&mut sql, &terms, after)?;
            let word = if filter.is_empty() { " WHERE" } else { " AND" };
            filter = format!("{filter}{word} {after}");
        }
        let expressions: Vec<&str> = terms.iter().map(|term: &Term| term.expression.as_str()).collect();
        let text = format!(
            "SELECT {T}.\"id\", {} FROM \"{}\" {T}{filter} ORDER BY {} LIMIT {}",
            expressions.join(", "),
            entity.name,
            order::clause(&terms),
            first.saturating_add(1),
        );
        let mut rows = self.rows(&text, sql.values, terms.len() + 1)?;
        let has_more = u64::try_from(rows.len()).is_ok_and(|count| count > first);
        if has_more {
            rows.pop();
        }
        let ids = rows.iter().filter_map(|row| id_of(row).map(str::to_owned)).collect();
        let cursors =
            rows.iter().map(|row| order::cursor(&terms, row.get(1..).unwrap_or_default())).collect();
        Ok(Ids { ids, cursors, has_more })
    }

    /// How many rows fit a filter.
    pub(crate) fn total(&self, entity: &Entity, page: &Page) -> Result<u64, QueryError> {
        let mut sql = Sql::new(self.types);
        let filter = self.condition(&mut sql, entity, page)?;
        let text = format!("SELECT count(*) FROM \"{}\" {T}{filter}", entity.name);
        let rows = self.rows(&text, sql.values, 1)?;
        match rows.first().and_then(|row| row.first()) {
            Some(Value::Integer(count)) => Ok(u64::try_from(*count).unwrap_or(0)),
            _ => Ok(0),
        }
    }

    /// The height that the index has.
    pub(crate) fn height(&self) -> Result<i64, QueryError> {
        let rows = self.rows("SELECT height FROM state", Vec::new(), 1)?;
        match rows.first().and_then(|row| row.first()) {
            Some(Value::Integer(height)) => Ok(*height),
            _ => Ok(0),
        }
    }

    /// Reads what hangs on the rows.
    fn fill(&self, level: &mut Level<'_>, rows: &[Vec<Value>]) -> Result<(), QueryError> {
        for relation in &mut level.relations {
            let key_column = match relation.link {
                Link::One(position) => position,
                Link::OnlyId(_) => continue,
                Link::Back(_) | Link::Many(..) => 0,
            };
            let keys: BTreeSet<&str> =
                rows.iter().filter_map(|row| row.get(key_column).and_then(text_of)).collect();
            if keys.is_empty() {
                continue;
            }
            let (found, of) = match &relation.link {
                Link::One(_) | Link::OnlyId(_) => self.hanging(&relation.level, "id", &keys, None)?,
                Link::Back(via) => self.hanging(&relation.level, via, &keys, None)?,
                Link::Many(via, page) => self.hanging(&relation.level, via, &keys, Some(page))?,
            };
            self.fill(&mut relation.level, &found)?;
            (relation.rows, relation.of) = (found, of);
        }
        Ok(())
    }

    /// Rows whose column `via` has one of the keys, and which rows each key has.
    #[expect(clippy::type_complexity, reason = "rows, and where each key's begin and end")]
    fn hanging(
        &self,
        level: &Level<'_>,
        via: &str,
        keys: &BTreeSet<&str>,
        page: Option<&Page>,
    ) -> Result<(Vec<Vec<Value>>, HashMap<String, Range<usize>>), QueryError> {
        let mut sql = Sql::new(self.types);
        let keys = sql.bind(json(keys.iter()));
        let parent = quoted(T, via);
        let whole = Page::default();
        let page = page.unwrap_or(&whole);
        let filter = page.filter.as_ref();
        let filter = filter.map(|filter| sql.filter(level.entity.name, T, filter)).transpose()?.flatten();
        let filter = filter.map_or_else(String::new, |filter| format!(" AND {filter}"));
        let order = order::clause(&order::terms(self.types, level.entity, T, page.order.as_ref())?);
        let (columns, table) = (columns(level), level.entity.name);
        let from =
            format!("FROM \"{table}\" {T} WHERE {parent} IN (SELECT value FROM json_each({keys})){filter}");
        let text = if page.limit.is_none() && page.offset == 0 {
            let most = self.rows_left.get().saturating_add(1);
            format!("SELECT {columns}, {parent} {from} ORDER BY {parent}, {order} LIMIT {most}")
        } else {
            // The page of each parent.
            let number = format!("row_number() OVER (PARTITION BY {parent} ORDER BY {order})");
            let names: Vec<String> = (0..level.columns.len()).map(|at| format!("c{at}")).collect();
            let named: Vec<String> = level
                .columns
                .iter()
                .zip(&names)
                .map(|(column, name)| format!("{} AS {name}", quoted(T, column)))
                .collect();
            let last = page.limit.map_or(u64::from(u32::MAX), |limit| page.offset.saturating_add(limit));
            format!(
                "SELECT {}, p FROM (SELECT {}, {parent} AS p, {number} AS n {from}) \
                 WHERE n > {} AND n <= {last} ORDER BY p, n",
                names.join(", "),
                named.join(", "),
                page.offset,
            )
        };
        let mut rows = self.rows(&text, sql.values, level.columns.len() + 1)?;
        let mut of: HashMap<String, Range<usize>> = HashMap::new();
        for (row, at) in rows.iter_mut().zip(0..) {
            if let Some(Value::Text(parent)) = row.pop() {
                of.entry(parent).or_insert(at..at).end = at + 1;
            }
        }
        Ok((rows, of))
    }

    /// Runs a statement whose rows have `width` columns.
    fn rows(&self, text: &str, values: Vec<Value>, width: usize) -> Result<Vec<Vec<Value>>, QueryError> {
        let failed = |error: rusqlite::Error| self.lease.failed(&error);
        let mut statement = self.lease.db()?.prepare_cached(text).map_err(failed)?;
        let mut found = statement.query(params_from_iter(values)).map_err(failed)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(failed)? {
            let left = self.rows_left.get().checked_sub(1).ok_or_else(|| {
                let message = format!("the answer has more than {} rows: ask in parts", self.rows_most);
                QueryError::new(Code::ResultTooLarge, message)
            })?;
            self.rows_left.set(left);
            let cells = (0..width).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<Value>>>();
            rows.push(cells.map_err(failed)?);
        }
        Ok(rows)
    }
}

fn columns(level: &Level<'_>) -> String {
    level.columns.iter().map(|column| quoted(T, column)).collect::<Vec<_>>().join(", ")
}

fn json(texts: impl Iterator<Item = impl AsRef<str>>) -> Value {
    let all: Vec<serde_json::Value> = texts.map(|text| text.as_ref().into()).collect();
    Value::Text(serde_json::Value::Array(all).to_string())
}

/// The text in a cell.
pub(crate) fn text_of(value: &Value) -> Option<&str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

fn id_of(row: &[Value]) -> Option<&str> {
    row.first().and_then(text_of)
}
