//! A document held against the schema: everything that is wrong, at once.

use super::{
    document::{Entry, Node, Origin, Value},
    problem::{MAX_PROBLEMS, Problem},
    schema::{Schema, format_of, nearest},
};
use serde_json::Value as Json;

/// Longest value that is repeated in a message, in characters.
const MAX_SHOWN_CHARS: usize = 60;

/// Everything in `document` that the schema does not allow, in order.
pub(super) fn check(document: &Node, schema: Schema<'_>) -> Vec<Problem> {
    let mut checker = Checker { problems: Vec::new(), path: Vec::new(), secret: false };
    checker.node(document, schema);
    checker.problems
}

struct Checker {
    problems: Vec<Problem>,
    path: Vec<String>,
    secret: bool,
}

impl Checker {
    fn node(&mut self, node: &Node, schema: Schema<'_>) {
        if self.problems.len() >= MAX_PROBLEMS || (node.value == Value::Null && schema.allows_nothing()) {
            return;
        }
        let before = (self.problems.len(), self.secret);
        self.secret |= schema.is_secret();
        let mut best: Option<Vec<Problem>> = None;
        for choice in schema.choices() {
            if !fits(&node.value, choice) {
                continue;
            }
            self.choice(node, choice);
            let found = self.problems.split_off(before.0);
            // The choice that comes nearest is what was meant.
            if best.as_ref().is_none_or(|best| found.len() < best.len()) {
                best = Some(found);
            }
        }
        match best {
            Some(found) => self.problems.extend(found),
            None => self.wrong(&node.origin, &self.shown(&node.value), &schema.expected()),
        }
        self.secret = before.1;
    }

    /// The node against a schema whose type it has.
    fn choice(&mut self, node: &Node, schema: Schema<'_>) {
        match node.value.read() {
            Value::Map(entries) => self.map(node, entries, schema),
            Value::List(list) => self.list(node, list, schema),
            Value::Number(number)
                if schema.types().iter().any(|kind| ["integer", "number"].contains(kind)) =>
            {
                let bound = |key: &str| schema.json.get(key).and_then(Json::as_f64);
                let value = number.as_f64().unwrap_or(f64::NAN);
                let low = bound("minimum").is_some_and(|least| value < least);
                if low || bound("maximum").is_some_and(|most| value > most) || value.fract() != 0.0 {
                    self.wrong(&node.origin, &self.shown(&node.value), &schema.expected());
                }
            }
            value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Plain(..)) => {
                if value.text().is_some_and(str::is_empty) && schema.json.get("minLength").is_some() {
                    self.wrong(&node.origin, "is empty", "a text");
                }
            }
        }
    }

    fn list(&mut self, node: &Node, list: &[Node], schema: Schema<'_>) {
        let bound = |key: &str| schema.json.get(key).and_then(Json::as_u64);
        let count = argosy_domain::num::to_u64(list.len());
        if bound("minItems").is_some_and(|least| count < least) {
            self.wrong(
                &node.origin,
                "is an empty list",
                &format!("{}; or leave the key out", schema.expected()),
            );
        }
        if let Some(most) = bound("maxItems").filter(|most| count > *most) {
            self.wrong(&node.origin, &format!("has {count} items"), &format!("at most {most}"));
        }
        for (at, item) in list.iter().enumerate() {
            self.path.push(format!("[{at}]"));
            if let Some(items) = schema.items() {
                self.node(item, items);
            }
            let twice = schema.json.get("uniqueItems") == Some(&Json::Bool(true))
                && item.value.text().is_some()
                && list.iter().take(at).any(|other| other.value.text() == item.value.text());
            if twice {
                self.wrong(&item.origin, "stands in the list twice", "each item once");
            }
            self.path.pop();
        }
    }

    fn map(&mut self, node: &Node, entries: &[Entry], schema: Schema<'_>) {
        let known = schema.members();
        for entry in entries {
            self.path.push(entry.name.clone());
            match schema.member(&entry.name) {
                Some(member) => self.node(&entry.node, member),
                None => self.unknown(entry, &known),
            }
            self.path.pop();
        }
        let required = schema.json.get("required").and_then(Json::as_array).into_iter().flatten();
        for name in required.filter_map(Json::as_str) {
            if !entries.iter().any(|entry| entry.name == name) {
                let expected = schema.member(name).map_or_else(String::new, Schema::expected);
                self.path.push(name.to_owned());
                self.wrong(&node.origin, "is missing", &expected);
                self.path.pop();
            }
        }
    }

    fn unknown(&mut self, entry: &Entry, known: &[&str]) {
        let expected = match nearest(&entry.name, known) {
            Some(near) => near.to_owned(),
            None => format!("one of {}", known.join(", ")),
        };
        self.wrong(&entry.origin, "is no known key", &expected);
    }

    fn wrong(&mut self, origin: &Origin, what: &str, expected: &str) {
        let path = self.place();
        let space = if path.is_empty() { "the configuration" } else { &path };
        self.problems.push(self.problem(origin, format!("{space} {what}; expected {expected}")));
    }

    fn problem(&self, origin: &Origin, what: String) -> Problem {
        Problem { origin: origin.clone(), what, secret: self.secret }
    }

    /// Such as `keys[0].suri`.
    fn place(&self) -> String {
        self.path.join(".").replace(".[", "[")
    }

    /// What was given, unless it is a secret.
    fn shown(&self, value: &Value) -> String {
        match value.text() {
            Some(text) if !self.secret => {
                let short: String = text.chars().take(MAX_SHOWN_CHARS).filter(|c| !c.is_control()).collect();
                format!("is {short:?}")
            }
            _ => format!("is {}", value.kind()),
        }
    }
}

/// Whether a value has one of a schema's types, and a text is one that the schema allows.
fn fits(value: &Value, schema: Schema<'_>) -> bool {
    let types = schema.types();
    let may = |kind: &str| types.is_empty() || types.contains(&kind);
    let text = || may("string") && value.text().is_some_and(|text| allows(text, schema));
    match value.read() {
        Value::Null => may("null"),
        Value::Bool(_) => may("boolean") || text(),
        Value::Number(_) => may("integer") || may("number") || text(),
        Value::Text(_) | Value::Plain(..) => text(),
        Value::List(_) => may("array"),
        Value::Map(_) => may("object"),
    }
}

fn allows(text: &str, schema: Schema<'_>) -> bool {
    let other = schema.text("const").is_some_and(|constant| constant != text);
    let list = schema.json.get("enum").and_then(Json::as_array);
    let unlisted = list.is_some_and(|list| !list.iter().any(|item| item == text));
    let malformed = format_of(schema.json).is_some_and(|(_, is_of)| !is_of(text));
    !other && !unlisted && !malformed
}
