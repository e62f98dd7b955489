//! Lines of JSON, written by hand: nothing but texts, numbers and truth values, in objects.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::escape::is_treacherous;

/// Longest text in a line, in bytes; what comes after is cut.
const MAX_TEXT_BYTES: usize = 4 * 1024;

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Truth(bool),
}

/// Fields by name; those whose names have dots stand in objects within objects.
#[derive(Debug, Default)]
pub(crate) struct Tree<'a>(BTreeMap<&'a str, Node<'a>>);

#[derive(Debug)]
enum Node<'a> {
    Leaf(&'a Value),
    Branch(Tree<'a>),
}

impl<'a> Tree<'a> {
    /// Adds a field. The first of several with one name stays, and what cannot stand beside it is left
    /// out: `a` and `a.b`.
    pub(crate) fn put(&mut self, name: &'a str, value: &'a Value) {
        match name.split_once('.') {
            None => {
                self.0.entry(name).or_insert(Node::Leaf(value));
            }
            Some((first, rest)) => {
                let branch = self.0.entry(first).or_insert_with(|| Node::Branch(Tree::default()));
                if let Node::Branch(branch) = branch {
                    branch.put(rest, value);
                }
            }
        }
    }

    /// `"name":value` for each, a comma before every one but the first of `out`.
    pub(crate) fn write(&self, out: &mut String) {
        for (name, node) in &self.0 {
            key(out, name);
            match node {
                Node::Leaf(value) => value.write(out),
                Node::Branch(branch) => {
                    out.push('{');
                    branch.write(out);
                    out.push('}');
                }
            }
        }
    }
}

impl Value {
    fn write(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Text(value) => {
                text(out, value);
                Ok(())
            }
            Self::Unsigned(value) => write!(out, "{value}"),
            Self::Signed(value) => write!(out, "{value}"),
            Self::Float(value) if value.is_finite() => write!(out, "{value:?}"),
            Self::Float(_) => write!(out, "null"),
            Self::Truth(value) => write!(out, "{value}"),
        };
    }
}

/// `,"name":`, without the comma at the beginning of an object.
pub(crate) fn key(out: &mut String, name: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    text(out, name);
    out.push(':');
}

/// `,"name":"value"`.
pub(crate) fn text_field(out: &mut String, name: &str, value: &str) {
    key(out, name);
    text(out, value);
}

/// A text in quotes. What could control a terminal is escaped, so that a file may be looked at with any
/// tool; to readers of JSON it is the same text.
fn text(out: &mut String, value: &str) {
    let cut = &value[..value.floor_char_boundary(MAX_TEXT_BYTES)];
    out.push('"');
    for char in cut.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            char if is_treacherous(char) => {
                let mut units = [0; 2];
                for unit in char.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            char => out.push(char),
        }
    }
    if cut.len() < value.len() {
        out.push('…');
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_dots_nest_and_texts_survive() {
        let evil = Value::Text("a\"b\\c\n\r\t\u{1b}[2J\u{9b}\u{2028}\u{202e}é😀\u{feff}".to_owned());
        let fields = [
            ("meta.req.url", evil.clone()),
            ("meta.res.statusCode", Value::Unsigned(200)),
            ("meta.res", Value::Unsigned(1)),
            ("meta.res.statusCode", Value::Unsigned(404)),
            ("plain", Value::Signed(-1)),
            ("plain.no", Value::Truth(true)),
            ("share", Value::Float(0.5)),
            ("none", Value::Float(f64::NAN)),
        ];
        let mut tree = Tree::default();
        for (name, value) in &fields {
            tree.put(name, value);
        }
        let mut out = "{".to_owned();
        tree.write(&mut out);
        out.push('}');
        assert!(!out.chars().any(is_treacherous), "{out}");
        let read: serde_json::Value = serde_json::from_str(&out).unwrap();
        let Value::Text(evil) = evil else { unreachable!() };
        let expected = serde_json::json!({
            "meta": {"req": {"url": evil}, "res": {"statusCode": 200}}, "plain": -1, "share": 0.5, "none": null,
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn long_texts_are_cut() {
        let mut out = String::new();
        text(&mut out, &"é".repeat(MAX_TEXT_BYTES));
        assert!(out.len() < MAX_TEXT_BYTES + 8 && out.ends_with("…\""), "{}", out.len());
    }
}
