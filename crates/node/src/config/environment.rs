//! Values of the environment, laid over a document.

use super::{
    document::{Entry, Node, Origin, Value},
    problem::Problem,
    schema::{Schema, nearest},
};
use serde_json::{Number, Value as Json};
use std::ffi::OsString;

/// Texts that take a key away, as with Argus.
const NOTHING: [&str; 3] = ["off", "null", "undefined"];
const YES: [&str; 4] = ["true", "1", "yes", "on"];
const NO: [&str; 3] = ["false", "0", "no"];

/// Lays every variable `PREFIX__PATH__TO__KEY` over the document. Gives what is wrong with them, and how
/// many there are.
///
/// Sections come before what is in them, whatever the order of the variables.
pub(super) fn overlay(
    document: &mut Node,
    schema: Schema<'_>,
    prefix: &str,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> (usize, Vec<Problem>) {
    let mut ours: Vec<(String, Option<String>)> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok())))
        .filter(|(name, _)| name.starts_with(prefix))
        .collect();
    ours.sort_by_key(|(name, _)| (name.matches("__").count(), name.clone()));
    let mut problems = Vec::new();
    for (name, value) in &ours {
        let origin = Origin::Environment(name.clone());
        let path = &name[prefix.len()..];
        let set = match value {
            Some(value) => set(document, schema, path, value, &origin, prefix),
            None => Err("is not text in UTF-8".to_owned()),
        };
        if let Err(what) = set {
            problems.push(Problem::new(origin, what));
        }
    }
    (ours.len(), problems)
}

/// Puts one value where its variable says.
fn set(
    document: &mut Node,
    schema: Schema<'_>,
    path: &str,
    value: &str,
    origin: &Origin,
    prefix: &str,
) -> Result<(), String> {
    let mut names = Vec::new();
    let mut member = schema;
    for part in path.split("__") {
        let known = member.members();
        let Some(name) = known.iter().find(|name| folded(name) == folded(part)) else {
            return Err(unknown(part, &names, &known, prefix));
        };
        names.push(*name);
        // A name among the members has a schema.
        member = member.member(name).unwrap_or(member);
    }
    if NOTHING.contains(&value) {
        remove(document, &names);
        return Ok(());
    }
    let value = read(value, member)?;
    put(document, &names, Node::of_json(value, origin), origin);
    Ok(())
}

/// `maxCachedItemSize` and `MAX_CACHED_ITEM_SIZE` alike, and `…TTL`, which has no words to separate.
fn folded(name: &str) -> String {
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

/// A name as a part of a variable: `MAX_CACHED_ITEM_SIZE`.
pub(super) fn screaming(name: &str) -> String {
    let mut text = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() && before.is_ascii_lowercase() {
            text.push('_');
        }
        text.push(c.to_ascii_uppercase());
        before = c;
    }
    text
}

fn unknown(part: &str, names: &[&str], known: &[&str], prefix: &str) -> String {
    if known.is_empty() {
        return format!("`{}` has no keys inside; expected none after it", names.join("."));
    }
    let variable = |name: &str| {
        let path: Vec<String> = names.iter().map(|name| screaming(name)).chain([name.to_owned()]).collect();
        format!("{prefix}{}", path.join("__"))
    };
    let all: Vec<String> = known.iter().map(|name| screaming(name)).collect();
    match nearest(part, &all.iter().map(String::as_str).collect::<Vec<_>>()) {
        Some(near) => format!("names no known key; expected {}", variable(near)),
        None => format!("names no known key; expected one of {} instead of {part}", all.join(", ")),
    }
}

/// The value of a variable as the schema wants it; the error never repeats it.
fn read(text: &str, schema: Schema<'_>) -> Result<Json, String> {
    let wrong = || format!("has a value that is not allowed; expected {}", schema.expected());
    let is_json = text.trim_start().starts_with(['[', '{']);
    let holds_more = schema.may_be("array") || schema.may_be("object");
    if holds_more && (is_json || !schema.may_be("string")) {
        let what = "is not JSON, which lists and sections are given as here";
        return serde_json::from_str(text).map_err(|error| {
            format!(
                "{what}: line {}, column {}; expected {}",
                error.line(),
                error.column(),
                schema.expected()
            )
        });
    }
    if schema.may_be("boolean") {
        let lower = text.to_lowercase();
        return match (YES.contains(&lower.as_str()), NO.contains(&lower.as_str())) {
            (true, _) => Ok(Json::Bool(true)),
            (_, true) => Ok(Json::Bool(false)),
            _ => Err(wrong()),
        };
    }
    if schema.may_be("string") {
        return Ok(Json::String(text.to_owned()));
    }
    let number = text.parse::<u64>().map(Number::from).or_else(|_| text.parse::<i64>().map(Number::from));
    number.map(Json::Number).map_err(|_| wrong())
}

fn remove(node: &mut Node, path: &[&str]) {
    let (Value::Map(entries), [first, rest @ ..]) = (&mut node.value, path) else { return };
    if rest.is_empty() {
        entries.retain(|entry| entry.name != *first);
    } else if let Some(entry) = entries.iter_mut().find(|entry| entry.name == *first) {
        remove(&mut entry.node, rest);
    }
}

fn put(node: &mut Node, path: &[&str], value: Node, origin: &Origin) {
    let [first, rest @ ..] = path else {
        *node = value;
        return;
    };
    if !matches!(node.value, Value::Map(_)) {
        *node = Node { value: Value::Map(Vec::new()), origin: origin.clone() };
    }
    let Value::Map(entries) = &mut node.value else { return };
    let at = entries.iter().position(|entry| entry.name == *first).unwrap_or_else(|| {
        let empty = Node { value: Value::Null, origin: origin.clone() };
        entries.push(Entry { name: (*first).to_owned(), origin: origin.clone(), node: empty });
        entries.len() - 1
    });
    put(&mut entries[at].node, rest, value, origin);
}
