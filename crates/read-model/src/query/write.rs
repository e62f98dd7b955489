//! Writing rows as JSON, straight into the body.

use super::{
    error::{Code, QueryError},
    fetch::text_of,
    plan::{ItemFields, Level, Link, Output, Relation, What},
};
use crate::{
    entity::Scalar,
    value::{time_text, wide_digits},
};
use rusqlite::types::Value;
use std::ops::Range;

/// The body of an answer in the making.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    most: usize,
}

impl Body {
    pub(crate) const fn new(most: usize) -> Self {
        Self { bytes: Vec::new(), most }
    }

    pub(crate) fn raw(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// A text with its quotes.
    pub(crate) fn text(&mut self, text: &str) {
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer(&mut self.bytes, text);
    }

    /// A key with its colon, after a comma unless it is the first.
    pub(crate) fn key(&mut self, key: &str, first: &mut bool) {
        if !std::mem::take(first) {
            self.raw(",");
        }
        self.text(key);
        self.raw(":");
    }

    /// A list of rows.
    pub(crate) fn rows(&mut self, level: &Level<'_>, rows: &[Vec<Value>]) -> Result<(), QueryError> {
        self.raw("[");
        for (row, at) in rows.iter().zip(0_usize..) {
            if at > 0 {
                self.raw(",");
            }
            self.row(level, row)?;
        }
        self.raw("]");
        Ok(())
    }

    /// A row.
    pub(crate) fn row(&mut self, level: &Level<'_>, row: &[Value]) -> Result<(), QueryError> {
        if self.bytes.len() > self.most {
            let message = format!("the answer has more than {} bytes: ask in parts", self.most);
            return Err(QueryError::new(Code::ResultTooLarge, message));
        }
        self.object(level, &level.outputs, row)
    }

    fn object(&mut self, level: &Level<'_>, outputs: &[Output<'_>], row: &[Value]) -> Result<(), QueryError> {
        self.raw("{");
        let mut first = true;
        for output in outputs {
            self.key(output.key, &mut first);
            self.value(level, &output.what, row)?;
        }
        self.raw("}");
        Ok(())
    }

    fn value(&mut self, level: &Level<'_>, what: &What<'_>, row: &[Value]) -> Result<(), QueryError> {
        let cell = |at: &usize| row.get(*at).unwrap_or(&Value::Null);
        match what {
            What::Typename(name) => self.text(name),
            What::Scalar(at, scalar) => self.scalar(*scalar, cell(at)),
            // Kept as JSON.
            What::Texts(at) => self.raw(text_of(cell(at)).unwrap_or("null")),
            What::Items(at, variants) => self.items(text_of(cell(at)), variants),
            What::Object(of, outputs) => {
                if of.iter().all(|at| *cell(at) == Value::Null) {
                    self.raw("null");
                } else {
                    self.object(level, outputs, row)?;
                }
            }
            What::Union(tag, variants) => match text_of(cell(tag)).and_then(|tag| variants.get(tag)) {
                Some(outputs) => self.object(level, outputs, row)?,
                None => self.raw("null"),
            },
            What::Related(at) => match level.relations.get(*at) {
                Some(relation) => self.relation(relation, row)?,
                None => self.raw("null"),
            },
        }
        Ok(())
    }

    fn relation(&mut self, relation: &Relation<'_>, row: &[Value]) -> Result<(), QueryError> {
        let level = &relation.level;
        let key = match relation.link {
            Link::One(at) | Link::OnlyId(at) => at,
            Link::Back(_) | Link::Many(..) => 0,
        };
        let key = row.get(key).and_then(text_of);
        if let (Link::OnlyId(_), Some(id)) = (&relation.link, key) {
            return self.row(level, &[Value::Text(id.to_owned())]);
        }
        let range: Range<usize> = key.and_then(|key| relation.of.get(key)).cloned().unwrap_or_default();
        let rows = relation.rows.get(range).unwrap_or_default();
        if matches!(relation.link, Link::Many(..)) {
            return self.rows(level, rows);
        }
        match rows.first() {
            Some(row) => self.row(level, row),
            None => {
                self.raw("null");
                Ok(())
            }
        }
    }

    fn scalar(&mut self, scalar: Scalar, value: &Value) {
        match (scalar, value) {
            (Scalar::BigInt, Value::Text(kept)) => self.text(wide_digits(kept)),
            (Scalar::DateTime, Value::Integer(ms)) => self.text(&time_text(*ms)),
            (Scalar::Boolean, Value::Integer(flag)) => self.raw(if *flag == 0 { "false" } else { "true" }),
            (_, Value::Text(text)) => self.text(text),
            (_, Value::Integer(number)) => self.raw(&number.to_string()),
            (_, Value::Real(number)) => self.raw(&serde_json::Value::from(*number).to_string()),
            (_, Value::Null | Value::Blob(_)) => self.raw("null"),
        }
    }

    fn items(&mut self, kept: Option<&str>, variants: &ItemFields<'_>) {
        let items: Option<Vec<serde_json::Map<String, serde_json::Value>>> =
            kept.and_then(|kept| serde_json::from_str(kept).ok());
        let Some(items) = items else { return self.raw("null") };
        self.raw("[");
        for (item, at) in items.iter().zip(0_usize..) {
            if at > 0 {
                self.raw(",");
            }
            self.raw("{");
            let kind = item.get("__typename").and_then(|kind| kind.as_str()).unwrap_or_default();
            let mut first = true;
            for (key, field) in variants.get(kind).into_iter().flatten() {
                self.key(key, &mut first);
                let value = item.get(*field).map_or_else(|| "null".to_owned(), ToString::to_string);
                self.raw(&value);
            }
            self.raw("}");
        }
        self.raw("]");
    }
}
