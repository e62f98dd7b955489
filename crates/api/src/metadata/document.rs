//! A JSON text whose values know where they stand.

use super::{
    MAX_METADATA_JSON_BYTES, Read,
    error::{MetadataJsonError, MetadataProblem, shown},
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::fmt;

const OBJECT: &str = "an object";
const LIST: &str = "a list";
const TEXT: &str = "a text in quotes";
const NUMBER: &str = "a number";

/// A value of a document, and the keys and indices that lead to it.
pub(super) struct Value<'a> {
    document: &'a str,
    /// Part of `document`, without blanks around it.
    raw: &'a str,
    path: String,
}

impl<'a> Value<'a> {
    /// The one value that `document` is. Its whole syntax is checked.
    pub(super) fn read(document: &'a str) -> Read<Self> {
        let whole = Self { document, raw: document, path: String::new() };
        if document.len() > MAX_METADATA_JSON_BYTES {
            return Err(whole.refuse(MetadataProblem::TextTooLong(document.len())));
        }
        let raw: &RawValue =
            serde_json::from_str(document).map_err(|error| syntax_error(document, &error))?;
        Ok(Self { raw: raw.get(), ..whole })
    }

    /// The text of the value as it stands in the document.
    pub(super) fn raw(&self) -> &'a str {
        self.raw
    }

    /// The values of an object's keys, in the order of `known`.
    pub(super) fn members<const N: usize>(&self, known: [&'static str; N]) -> Read<[Option<Self>; N]> {
        let Members(members) = self.parse(OBJECT)?;
        let mut found = [const { None }; N];
        for (key, value) in members {
            let name: String = self.at(key, self.path.clone()).parse(TEXT)?;
            let place = known.iter().position(|known| *known == name);
            let slot = place.and_then(|place| found.get_mut(place));
            let refuse = |problem| self.at(key, self.path_to(&printable(&name))).refuse(problem);
            match slot {
                None => return Err(refuse(MetadataProblem::UnknownKey(known.to_vec()))),
                Some(Some(_)) => return Err(refuse(MetadataProblem::RepeatedKey)),
                Some(slot) => *slot = Some(self.at(value, self.path_to(&name))),
            }
        }
        Ok(found)
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Read<Vec<Self>> {
        let items: Vec<&'a RawValue> = self.parse(LIST)?;
        let item = |(index, raw)| self.at(raw, format!("{}[{index}]", self.path));
        Ok(items.into_iter().enumerate().map(item).collect())
    }

    /// A text, its escapes resolved.
    pub(super) fn text(&self) -> Read<String> {
        self.parse(TEXT)
    }

    /// A number as it is written.
    pub(super) fn number(&self, expected: &'static str) -> Read<&'a str> {
        if self.kind() == NUMBER {
            return Ok(self.raw);
        }
        Err(self.refuse(MetadataProblem::WrongType { expected, found: self.kind() }))
    }

    /// The error that this value is wrong.
    pub(super) fn refuse(&self, problem: MetadataProblem) -> MetadataJsonError {
        // A value is a part of its document, and so the difference of their addresses is its place.
        let offset = self.raw.as_ptr().addr().saturating_sub(self.document.as_ptr().addr());
        let (line, column) = position(self.document, offset);
        MetadataJsonError { path: self.path.clone(), line, column, problem }
    }

    fn parse<T: Deserialize<'a>>(&self, expected: &'static str) -> Read<T> {
        let found = self.kind();
        if found != expected {
            return Err(self.refuse(MetadataProblem::WrongType { expected, found }));
        }
        // Half a surrogate pair passes for an escape until it is resolved.
        serde_json::from_str(self.raw)
            .map_err(|error| self.refuse(MetadataProblem::Syntax(without_position(&error))))
    }

    fn kind(&self) -> &'static str {
        match self.raw.as_bytes().first() {
            Some(b'{') => OBJECT,
            Some(b'[') => LIST,
            Some(b'"') => TEXT,
            Some(b'n') => "null",
            Some(b't') => "true",
            Some(b'f') => "false",
            _ => NUMBER,
        }
    }

    fn at(&self, raw: &'a RawValue, path: String) -> Self {
        Self { document: self.document, raw: raw.get(), path }
    }

    fn path_to(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

/// A key that is not one of ours, so that it may be printed.
fn printable(key: &str) -> String {
    let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if plain && key.len() <= 40 { key.to_owned() } else { shown(key) }
}

/// Line and column, from 1, of the character at `offset` bytes.
fn position(document: &str, offset: usize) -> (usize, usize) {
    let before = document.get(..offset).unwrap_or(document);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

fn syntax_error(document: &str, error: &serde_json::Error) -> MetadataJsonError {
    let line = document.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    // The parser counts bytes, up to and with the one that it did not like.
    let column = line.char_indices().take_while(|(at, _)| *at < error.column()).count();
    let problem = MetadataProblem::Syntax(without_position(error));
    MetadataJsonError { path: String::new(), line: error.line().max(1), column: column.max(1), problem }
}

/// What the parser says, which never repeats the text, without the place that we tell better.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned()
}

/// The keys and values of an object as they are written, repeated keys included.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(OBJECT)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
