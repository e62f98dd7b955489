//! Filters as SQL. Names of tables and columns come from the entities; every value is a parameter.
//!
//! As in the squid, the conditions of one object all hold together, `AND` adds to them, and each member
//! of `OR` is an alternative to all of that. A comparison with null is never true.

use super::{
    error::{Code, QueryError},
    limits::{MAX_CONDITIONS, MAX_LIST_ITEMS},
    types::{Condition, ListOp, Op, Quantifier, Types, where_name},
};
use crate::{
    entity::{Composite, Field, Kind, Scalar, column, columns},
    value::{parse_time, wide_operand},
};
use async_graphql::Value as Const;
use rusqlite::types::Value;

/// A statement in the making.
pub(crate) struct Sql<'t> {
    types: &'t Types,
    /// In the order of their marks, which are numbered.
    pub(crate) values: Vec<Value>,
    conditions: u64,
    tables: u64,
}

/// Where in a statement a filter applies.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The name of the table there.
    alias: &'a str,
    /// Fields that lead to the object that is looked into; empty for the row itself.
    path: &'a str,
    /// What stands for the id, if not the column of that name.
    id: Option<&'a str>,
}

impl<'t> Sql<'t> {
    pub(crate) const fn new(types: &'t Types) -> Self {
        Self { types, values: Vec::new(), conditions: 0, tables: 0 }
    }

    /// A mark for a value.
    pub(crate) fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }

    /// The filter `value` on rows of `entity`, which are called `alias`; nothing if it says nothing.
    pub(crate) fn filter(
        &mut self,
        entity: &str,
        alias: &str,
        value: &Const,
    ) -> Result<Option<String>, QueryError> {
        self.object(&where_name(entity), value, Place { alias, path: "", id: None })
    }

    fn object(&mut self, kind: &str, value: &Const, place: Place<'_>) -> Result<Option<String>, QueryError> {
        let fields = match value {
            Const::Object(fields) => fields,
            Const::Null => return Ok(None),
            Const::Number(_)
            | Const::String(_)
            | Const::Boolean(_)
            | Const::Binary(_)
            | Const::Enum(_)
            | Const::List(_) => return Err(QueryError::bad_value(format!("a {kind} must be an object"))),
        };
        let types = self.types;
        let known = types.filter(kind).ok_or_else(|| QueryError::bad_value(format!("no type {kind}")))?;
        let (mut all, mut alternatives) = (Vec::new(), Vec::new());
        for (key, value) in fields {
            self.count()?;
            let condition = known.condition(key.as_str()).ok_or_else(|| {
                QueryError::new(Code::InvalidQuery, format!("{kind} has no field of the name that is used"))
            })?;
            match condition {
                Condition::And => all.extend(self.members(kind, value, place)?),
                Condition::Or => alternatives.extend(self.members(kind, value, place)?),
                Condition::Compare(..)
                | Condition::Variant(_)
                | Condition::IsNull(_)
                | Condition::List(..)
                | Condition::Inner(..)
                | Condition::One(..)
                | Condition::Back(..)
                | Condition::Many(..) => {
                    all.extend(self.condition(condition, value, place)?);
                }
            }
        }
        let together = join(all, " AND ");
        Ok(join(together.into_iter().chain(alternatives).collect(), " OR "))
    }

    fn count(&mut self) -> Result<(), QueryError> {
        self.conditions += 1;
        if self.conditions > MAX_CONDITIONS {
            let message =
                format!("the filter has more than {MAX_CONDITIONS} conditions: use lists, or ask twice");
            return Err(QueryError::new(Code::FilterTooComplex, message));
        }
        Ok(())
    }

    fn members(&mut self, kind: &str, value: &Const, place: Place<'_>) -> Result<Vec<String>, QueryError> {
        let mut all = Vec::new();
        for item in items(value)? {
            all.extend(self.object(kind, item, place)?);
        }
        Ok(all)
    }

    fn condition(
        &mut self,
        condition: Condition,
        value: &Const,
        place: Place<'_>,
    ) -> Result<Option<String>, QueryError> {
        Ok(match condition {
            Condition::And | Condition::Or => None,
            Condition::Compare(field, scalar, op) => {
                let column = match place.id {
                    Some(id) if field == "id" && place.path.is_empty() => id.to_owned(),
                    Some(_) | None => at(place, field),
                };
                Some(self.compare(&column, scalar, op, value)?)
            }
            Condition::Variant(op) => {
                let column = quoted(place.alias, place.path);
                Some(self.compare(&column, Scalar::Text, op, value)?)
            }
            Condition::IsNull(field) => self.is_null(field, value, place)?,
            Condition::List(field, op) => Some(self.list(&at(place, field), op, value)?),
            Condition::Inner(field, kind) => {
                let path = column(place.path, field);
                self.object(&where_name(kind), value, Place { path: &path, id: None, ..place })?
            }
            Condition::One(field, target) => self.one(&at(place, field), target, value)?,
            Condition::Back(target, via) => self.others(Quantifier::Some, target, via, value, place)?,
            Condition::Many(quantifier, target, via) => self.others(quantifier, target, via, value, place)?,
        })
    }

    /// A row that this one refers to. A filter on its id alone looks at our own column.
    fn one(&mut self, own: &str, target: &str, value: &Const) -> Result<Option<String>, QueryError> {
        let only_id = matches!(value, Const::Object(fields)
            if fields.keys().all(|key| key.starts_with("id_") && key.as_str() != "id_isNull"));
        if only_id {
            let place = Place { alias: "", path: "", id: Some(own) };
            return self.object(&where_name(target), value, place);
        }
        let alias = self.alias();
        let place = Place { alias: &alias, path: "", id: None };
        Ok(self
            .object(&where_name(target), value, place)?
            .map(|inner| format!("{own} IN (SELECT {alias}.\"id\" FROM \"{target}\" {alias} WHERE {inner})")))
    }

    /// Rows that refer to this one. A filter that says nothing still asks whether there are any.
    fn others(
        &mut self,
        quantifier: Quantifier,
        target: &str,
        via: &str,
        value: &Const,
        place: Place<'_>,
    ) -> Result<Option<String>, QueryError> {
        if *value == Const::Null {
            return Ok(None);
        }
        let alias = self.alias();
        let inner = self.object(&where_name(target), value, Place { alias: &alias, path: "", id: None })?;
        let (ours, theirs) = (quoted(place.alias, "id"), quoted(&alias, via));
        let from = format!("FROM \"{target}\" {alias} WHERE");
        Ok(match (quantifier, inner) {
            // Lets SQLite begin with the other table where its filter finds few rows.
            (Quantifier::Some, Some(inner)) => Some(format!("{ours} IN (SELECT {theirs} {from} {inner})")),
            (Quantifier::Some, None) => Some(format!("EXISTS (SELECT 1 {from} {theirs} = {ours})")),
            (Quantifier::None, inner) => {
                let inner = inner.map_or_else(String::new, |inner| format!(" AND {inner}"));
                Some(format!("NOT EXISTS (SELECT 1 {from} {theirs} = {ours}{inner})"))
            }
            (Quantifier::Every, Some(inner)) => {
                Some(format!("NOT EXISTS (SELECT 1 {from} {theirs} = {ours} AND {inner} IS NOT TRUE)"))
            }
            (Quantifier::Every, None) => None,
        })
    }

    fn alias(&mut self) -> String {
        self.tables += 1;
        format!("t{}", self.tables)
    }

    fn is_null(
        &mut self,
        field: &Field,
        value: &Const,
        place: Place<'_>,
    ) -> Result<Option<String>, QueryError> {
        let wanted = match value {
            Const::Boolean(wanted) => *wanted,
            Const::Null => return Ok(None),
            Const::Number(_)
            | Const::String(_)
            | Const::Binary(_)
            | Const::Enum(_)
            | Const::List(_)
            | Const::Object(_) => return Err(QueryError::bad_value("an isNull must be true or false")),
        };
        let not = |condition: String| if wanted { condition } else { format!("NOT {condition}") };
        let path = column(place.path, field.name);
        Ok(Some(not(match field.kind {
            Kind::Object(Composite { fields, .. }) => {
                let all = columns(&path, fields);
                let each = all.iter().map(|one| format!("{} IS NULL", quoted(place.alias, &one.name)));
                format!("({})", each.collect::<Vec<_>>().join(" AND "))
            }
            Kind::Back(target, via) => {
                let (alias, ours) = (self.alias(), quoted(place.alias, "id"));
                let theirs = quoted(&alias, via);
                format!("(NOT EXISTS (SELECT 1 FROM \"{target}\" {alias} WHERE {theirs} = {ours}))")
            }
            Kind::Scalar(_) | Kind::Union(_) | Kind::List(_) | Kind::One(_) | Kind::Many(..) => {
                let id = place.id.filter(|_| path == "id");
                format!("({} IS NULL)", id.map_or_else(|| quoted(place.alias, &path), str::to_owned))
            }
        })))
    }

    fn list(&mut self, column: &str, op: ListOp, value: &Const) -> Result<String, QueryError> {
        let wanted = self.json(Scalar::Text, value)?;
        let shared = format!(
            "EXISTS (SELECT 1 FROM json_each({column}) h WHERE h.value IN (SELECT w.value FROM json_each({wanted}) w))"
        );
        Ok(match op {
            ListOp::Any => format!("({column} IS NOT NULL AND {shared})"),
            ListOp::None => format!("({column} IS NOT NULL AND NOT {shared})"),
            ListOp::All => format!(
                "({column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM json_each({wanted}) w \
                 WHERE w.value NOT IN (SELECT h.value FROM json_each({column}) h)))"
            ),
        })
    }

    fn compare(&mut self, column: &str, scalar: Scalar, op: Op, value: &Const) -> Result<String, QueryError> {
        if op.takes_list() {
            if *value == Const::Null {
                return Ok("NULL".to_owned());
            }
            let list = self.json(scalar, value)?;
            let not = if op == Op::NotIn { "NOT " } else { "" };
            return Ok(format!("{column} {not}IN (SELECT value FROM json_each({list}))"));
        }
        let value = operand(scalar, value)?;
        // SQLite's functions of texts end at a NUL.
        if matches!(&value, Value::Text(text) if text.contains('\0')) {
            return Err(QueryError::bad_value("a text in a filter has a NUL character"));
        }
        let mark = self.bind(value);
        let sign = match op {
            Op::Eq => "=",
            Op::NotEq => "<>",
            Op::Gt => ">",
            Op::Gte => ">=",
            Op::Lt => "<",
            Op::Lte => "<=",
            Op::In
            | Op::NotIn
            | Op::Contains
            | Op::NotContains
            | Op::ContainsInsensitive
            | Op::NotContainsInsensitive
            | Op::StartsWith
            | Op::NotStartsWith
            | Op::EndsWith
            | Op::NotEndsWith => return Ok(part(column, op, &mark)),
        };
        Ok(format!("{column} {sign} {mark}"))
    }

    /// A mark for a list, which SQLite reads as a table.
    fn json(&mut self, scalar: Scalar, value: &Const) -> Result<String, QueryError> {
        let items = items(value)?;
        if items.len() > MAX_LIST_ITEMS {
            let message = format!("a list has more than {MAX_LIST_ITEMS} members: ask in parts");
            return Err(QueryError::new(Code::ListTooLong, message));
        }
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            match operand(scalar, item)? {
                Value::Text(text) => list.push(serde_json::Value::from(text)),
                Value::Integer(number) => list.push(number.into()),
                Value::Real(number) => list.push(number.into()),
                Value::Null | Value::Blob(_) => {}
            }
        }
        Ok(self.bind(Value::Text(serde_json::Value::Array(list).to_string())))
    }
}

/// One value stands for a list of one, as everywhere in GraphQL.
fn items(value: &Const) -> Result<&[Const], QueryError> {
    Ok(match value {
        Const::List(items) => items,
        Const::Null => &[],
        Const::Object(_)
        | Const::String(_)
        | Const::Number(_)
        | Const::Boolean(_)
        | Const::Binary(_)
        | Const::Enum(_) => std::slice::from_ref(value),
    })
}

/// Comparisons of parts of a text.
fn part(column: &str, op: Op, mark: &str) -> String {
    match op {
        Op::Contains => format!("instr({column}, {mark}) > 0"),
        Op::NotContains => format!("instr({column}, {mark}) = 0"),
        Op::ContainsInsensitive => format!("instr(lower({column}), lower({mark})) > 0"),
        Op::NotContainsInsensitive => format!("instr(lower({column}), lower({mark})) = 0"),
        // The first half can use an index.
        Op::StartsWith => format!("({column} >= {mark} AND substr({column}, 1, length({mark})) = {mark})"),
        Op::NotStartsWith => format!("substr({column}, 1, length({mark})) <> {mark}"),
        Op::EndsWith => format!(
            "(length({mark}) = 0 OR substr({column}, -length({mark})) = {mark}) AND {column} IS NOT NULL"
        ),
        Op::NotEndsWith => format!("length({mark}) > 0 AND substr({column}, -length({mark})) <> {mark}"),
        Op::Eq | Op::NotEq | Op::Gt | Op::Gte | Op::Lt | Op::Lte | Op::In | Op::NotIn => "NULL".to_owned(),
    }
}

/// A value as it compares with a column.
pub(crate) fn operand(scalar: Scalar, value: &Const) -> Result<Value, QueryError> {
    let found = match (scalar, value) {
        (_, Const::Null) => Some(Value::Null),
        (Scalar::Text, Const::String(text)) => Some(Value::Text(text.clone())),
        (Scalar::Enum(kind), Const::String(name)) => known(kind.values, name),
        (Scalar::Enum(kind), Const::Enum(name)) => known(kind.values, name.as_str()),
        (Scalar::Int, Const::Number(number)) => number.as_i64().map(Value::Integer),
        (Scalar::Float, Const::Number(number)) => number.as_f64().map(Value::Real),
        (Scalar::BigInt, Const::Number(number)) => wide_operand(&number.to_string()).map(Value::Text),
        (Scalar::BigInt, Const::String(text)) => wide_operand(text).map(Value::Text),
        (Scalar::Boolean, Const::Boolean(flag)) => Some(Value::Integer((*flag).into())),
        (Scalar::DateTime, Const::String(text)) => parse_time(text).map(Value::Integer),
        _ => None,
    };
    found.ok_or_else(|| QueryError::bad_value(format!("a value in a filter is not a {}", scalar.type_name())))
}

fn known(values: &[&str], name: &str) -> Option<Value> {
    values.contains(&name).then(|| Value::Text(name.to_owned()))
}

fn at(place: Place<'_>, field: &str) -> String {
    quoted(place.alias, &column(place.path, field))
}

/// A column of a table, quoted. Both names are ours.
pub(crate) fn quoted(alias: &str, column: &str) -> String {
    format!("{alias}.\"{column}\"")
}

fn join(all: Vec<String>, with: &str) -> Option<String> {
    if all.is_empty() { None } else { Some(format!("({})", all.join(with))) }
}
