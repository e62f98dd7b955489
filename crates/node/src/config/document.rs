//! A configuration as it was written: values with the places where they were said.

use super::problem::Problem;
use serde::{Deserialize, Deserializer, de};
use serde_json::{Number, Value as Json};
use serde_saphyr::Spanned;
use std::fmt;

/// Deepest nesting that is read; configurations have six levels.
const MAX_DEPTH: usize = 32;

/// Where a value was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the file, both counted from 1.
    File {
        /// Line.
        line: u64,
        /// Column, in characters.
        column: u64,
    },
    /// In this variable of the environment.
    Environment(String),
}

impl Origin {
    /// The first character of the file.
    pub(super) const START: Self = Self::File { line: 1, column: 1 };
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// A value that knows where its parts were said.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Reads as a number or a truth value, but stands there as this text: seeds such as `0x12…` do.
    Plain(Box<Value>, String),
}

/// A member of a map.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) origin: Origin,
    pub(super) node: Node,
}

impl Value {
    /// In words, for messages; never the value itself.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a truth value",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a section",
            Self::Plain(value, _) => value.kind(),
        }
    }

    /// The value that it reads as.
    pub(super) fn read(&self) -> &Self {
        if let Self::Plain(value, _) = self { value } else { self }
    }

    /// The text, for whoever wants one.
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) | Self::Plain(_, text) = self { Some(text) } else { None }
    }
}

impl Node {
    pub(super) fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.name == name).map(|entry| &entry.node)
    }

    /// The value at a path of names and positions, such as `keys[0].suri`.
    pub(super) fn at(&self, path: &str) -> Option<&Self> {
        path.split(['.', '[']).filter(|part| !part.is_empty()).try_fold(self, |node, part| {
            match part.strip_suffix(']') {
                None => node.get(part),
                Some(position) => {
                    let Value::List(list) = &node.value else { return None };
                    list.get(position.parse::<usize>().ok()?)
                }
            }
        })
    }

    /// A value of the environment; all its parts come from there.
    pub(super) fn of_json(json: Json, origin: &Origin) -> Self {
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(value),
            Json::Number(number) => Value::Number(number),
            Json::String(text) => Value::Text(text),
            Json::Array(list) => {
                Value::List(list.into_iter().map(|json| Self::of_json(json, origin)).collect())
            }
            Json::Object(map) => {
                let entry =
                    |(name, json)| Entry { name, origin: origin.clone(), node: Self::of_json(json, origin) };
                Value::Map(map.into_iter().map(entry).collect())
            }
        };
        Self { value, origin: origin.clone() }
    }

    /// Reads YAML, or JSON, which is YAML too.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        match serde_saphyr::from_str::<Spanned<Raw>>(text) {
            Ok(raw) => node_of(raw, text, 0),
            Err(error) => Err(unreadable(&error)),
        }
    }
}

/// What the parser says, without its own excerpt, which might show a secret.
fn unreadable(error: &serde_saphyr::Error) -> Problem {
    let error = error.without_snippet();
    let what = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    let Some(at) = error.location() else { return Problem::new(Origin::START, what) };
    let (line, column) = (at.line(), at.column());
    let what = what.trim_end_matches(&format!(" at line {line}, column {column}"));
    Problem::new(Origin::File { line, column }, what)
}

/// What the parser gives.
enum Raw {
    Scalar(Value),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Raw;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E: de::Error>(self) -> Result<Raw, E> {
                Ok(Raw::Scalar(Value::Null))
            }
            fn visit_none<E: de::Error>(self) -> Result<Raw, E> {
                Ok(Raw::Scalar(Value::Null))
            }
            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
                Raw::deserialize(deserializer)
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Raw, E> {
                Ok(Raw::Scalar(Value::Bool(value)))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Raw, E> {
                Ok(Raw::Scalar(Value::Number(value.into())))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Raw, E> {
                Ok(Raw::Scalar(Value::Number(value.into())))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Raw, E> {
                let number = Number::from_f64(value);
                Ok(Raw::Scalar(number.map_or_else(|| Value::Text(value.to_string()), Value::Number)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Raw, E> {
                Ok(Raw::Scalar(Value::Text(text.to_owned())))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = access.next_element()? {
                    list.push(item);
                }
                Ok(Raw::List(list))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
                let mut map = Vec::new();
                while let Some(entry) = access.next_entry()? {
                    map.push(entry);
                }
                Ok(Raw::Map(map))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

fn origin_of(place: serde_saphyr::Location) -> Origin {
    Origin::File { line: place.line().max(1), column: place.column().max(1) }
}

fn node_of(raw: Spanned<Raw>, text: &str, depth: usize) -> Result<Node, Problem> {
    let origin = origin_of(raw.referenced);
    if depth > MAX_DEPTH {
        return Err(Problem::new(origin, "nested too deeply for a configuration"));
    }
    let value = match raw.value {
        Raw::Scalar(value @ (Value::Bool(_) | Value::Number(_))) => match source(text, raw.defined) {
            Some(plain) => Value::Plain(Box::new(value), plain.to_owned()),
            None => value,
        },
        Raw::Scalar(value) => value,
        Raw::List(list) => Value::List(
            list.into_iter().map(|item| node_of(item, text, depth + 1)).collect::<Result<_, _>>()?,
        ),
        Raw::Map(map) => {
            let mut entries: Vec<Entry> = Vec::with_capacity(map.len());
            for (name, value) in map {
                let origin = origin_of(name.referenced);
                if entries.iter().any(|entry| entry.name == name.value) {
                    return Err(Problem::new(origin, format!("`{}` stands here twice", name.value)));
                }
                entries.push(Entry { name: name.value, origin, node: node_of(value, text, depth + 1)? });
            }
            Value::Map(entries)
        }
    };
    Ok(Node { value, origin })
}

/// What stands in the file.
fn source(text: &str, place: serde_saphyr::Location) -> Option<&str> {
    let span = place.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let end = start.checked_add(usize::try_from(span.byte_len()?).ok()?)?;
    text.get(start..end).map(str::trim).filter(|text| !text.is_empty())
}
