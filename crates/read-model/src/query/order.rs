//! Orders and cursors.
//!
//! Every order ends with the id, and so is total. A cursor says what its row has in each column of the
//! order; the next page begins after that, whatever was added or deleted meanwhile.

use super::{
    error::{Code, QueryError},
    filter::{Sql, quoted},
    types::{Direction, OrderKey, Through, Types},
};
use crate::entity::Entity;
use async_graphql::Value as Const;
use rusqlite::types::Value;
use serde_json::{Value as Json, json};

/// Most things to order by.
const MAX_TERMS: usize = 10;

/// One of the things that rows are ordered by.
pub(crate) struct Term {
    name: String,
    /// Of the row's column, or of another row's.
    pub(crate) expression: String,
    direction: Direction,
    nullable: bool,
}

/// The terms of an `orderBy`, which may be one name or a list, and the id at the end.
pub(crate) fn terms(
    types: &Types,
    entity: &Entity,
    alias: &str,
    order: Option<&Const>,
) -> Result<Vec<Term>, QueryError> {
    let names = match order {
        Some(Const::List(names)) => names.as_slice(),
        Some(name) => std::slice::from_ref(name),
        None => &[],
    };
    if names.len() > MAX_TERMS {
        return Err(QueryError::bad_value(format!("an orderBy has more than {MAX_TERMS} members")));
    }
    let mut terms: Vec<Term> = Vec::new();
    for name in names {
        let name = match name {
            Const::Enum(name) => name.as_str(),
            Const::String(name) => name,
            Const::Null
            | Const::Number(_)
            | Const::Boolean(_)
            | Const::Binary(_)
            | Const::List(_)
            | Const::Object(_) => {
                return Err(QueryError::bad_value("an orderBy has a member that is no name"));
            }
        };
        let (key, direction) = types
            .order(entity, name)
            .ok_or_else(|| QueryError::bad_value("an orderBy has an unknown name"))?;
        terms.push(Term {
            name: name.to_owned(),
            expression: expression(alias, key),
            direction: *direction,
            nullable: key.nullable,
        });
        // The id tells rows apart: nothing after it matters.
        if key.name == "id" {
            return Ok(terms);
        }
    }
    let direction = Direction { descending: false, nulls_first: false };
    let expression = quoted(alias, "id");
    terms.push(Term { name: "id_ASC".to_owned(), expression, direction, nullable: false });
    Ok(terms)
}

fn expression(alias: &str, key: &OrderKey) -> String {
    let column = |of: &str| quoted(of, &key.column);
    match key.through {
        None => column(alias),
        Some(Through::One(field, _)) if key.column == "id" => quoted(alias, field),
        Some(Through::One(field, target)) => {
            let own = quoted(alias, field);
            format!("(SELECT {} FROM \"{target}\" o WHERE o.\"id\" = {own})", column("o"))
        }
        Some(Through::Back(target, via)) => {
            let (own, theirs) = (quoted(alias, "id"), quoted("o", via));
            format!("(SELECT {} FROM \"{target}\" o WHERE {theirs} = {own})", column("o"))
        }
    }
}

/// What stands after ORDER BY.
pub(crate) fn clause(terms: &[Term]) -> String {
    let one = |term: &Term| {
        let direction = if term.direction.descending { " DESC" } else { "" };
        let nulls = match (term.nullable, term.direction.nulls_first) {
            (false, _) => "",
            (true, true) => " NULLS FIRST",
            (true, false) => " NULLS LAST",
        };
        format!("{}{direction}{nulls}", term.expression)
    };
    terms.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The cursor of a row that has these values in the order's columns.
pub(crate) fn cursor(terms: &[Term], values: &[Value]) -> String {
    let values: Vec<Json> = values
        .iter()
        .map(|value| match value {
            Value::Null | Value::Blob(_) => Json::Null,
            Value::Integer(number) => json!(number),
            Value::Real(number) => json!(number),
            Value::Text(text) => json!(text),
        })
        .collect();
    hex::encode(json!([names(terms), values]).to_string())
}

fn names(terms: &[Term]) -> Vec<&str> {
    terms.iter().map(|term| term.name.as_str()).collect()
}

/// The condition that a row comes after the cursor's.
pub(crate) fn after(sql: &mut Sql<'_>, terms: &[Term], cursor: &str) -> Result<String, QueryError> {
    let values = read(terms, cursor).ok_or_else(|| {
        QueryError::new(Code::BadCursor, "this cursor was not given by a query with the same orderBy")
    })?;
    let mut alternatives = Vec::new();
    let mut same = Vec::new();
    for (term, value) in terms.iter().zip(values) {
        let is_null = value == Value::Null;
        let mark = sql.bind(value);
        let expression = &term.expression;
        let beyond = match (is_null, term.nullable, term.direction) {
            (true, _, Direction { nulls_first: true, .. }) => Some(format!("{expression} IS NOT NULL")),
            (true, _, Direction { nulls_first: false, .. }) => None,
            (false, nullable, Direction { descending, nulls_first }) => {
                let sign = if descending { "<" } else { ">" };
                let nulls = if nullable && !nulls_first {
                    format!(" OR {expression} IS NULL")
                } else {
                    String::new()
                };
                Some(format!("({expression} {sign} {mark}{nulls})"))
            }
        };
        if let Some(beyond) = beyond {
            let all: Vec<String> = same.iter().cloned().chain([beyond]).collect();
            alternatives.push(format!("({})", all.join(" AND ")));
        }
        same.push(format!("{expression} IS {mark}"));
    }
    Ok(if alternatives.is_empty() { "FALSE".to_owned() } else { format!("({})", alternatives.join(" OR ")) })
}

fn read(terms: &[Term], cursor: &str) -> Option<Vec<Value>> {
    let json: Json = serde_json::from_slice(&hex::decode(cursor).ok()?).ok()?;
    let [kept, values] = json.as_array()?.as_slice() else { return None };
    let values = values.as_array()?;
    if *kept != json!(names(terms)) || values.len() != terms.len() {
        return None;
    }
    let value = |json: &Json| match json {
        Json::Null => Some(Value::Null),
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Number(number) => {
            number.as_i64().map(Value::Integer).or_else(|| number.as_f64().map(Value::Real))
        }
        Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    };
    values.iter().map(value).collect()
}
