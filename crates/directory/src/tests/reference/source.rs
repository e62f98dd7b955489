//! Reads enums and structs out of their source, as rustfmt leaves it.

use std::{format, string::String, vec::Vec};

/// A variant of an enum.
pub(in crate::tests) struct Variant {
    pub(in crate::tests) name: &'static str,
    /// Of its encoding, if it is written out.
    pub(in crate::tests) index: &'static str,
    pub(super) doc: String,
    fields: Vec<&'static str>,
    /// Each field with its type, as `name: Type`.
    pub(in crate::tests) typed: Vec<&'static str>,
}

impl Variant {
    pub(super) fn field_names(&self) -> String {
        if self.fields.is_empty() {
            return "none".into();
        }
        let names: Vec<String> = self.fields.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    }
}

/// All files of calls.
const CALLS: &str = concat!(
    include_str!("../../call.rs"),
    include_str!("../../call/accounts.rs"),
    include_str!("../../call/batch.rs"),
    include_str!("../../call/content.rs"),
    include_str!("../../call/council.rs"),
    include_str!("../../call/distribution.rs"),
    include_str!("../../call/groups.rs"),
    include_str!("../../call/membership.rs"),
    include_str!("../../call/storage.rs"),
);

/// The calls of a module, or what another enum among the calls can be; nothing of one that is no enum.
pub(in crate::tests) fn calls(name: &str) -> Vec<Variant> {
    if name.is_empty() { Vec::new() } else { variants(CALLS, name) }
}

/// `CreateChannel` as `create_channel`.
pub(super) fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

fn body(source: &'static str, head: &str) -> impl Iterator<Item = &'static str> {
    let start = source.find(head).unwrap_or_else(|| panic!("no {head}"));
    source[start..].lines().skip(1).take_while(|line| *line != "}")
}

/// The variants of an enum, in order.
pub(in crate::tests) fn variants(source: &'static str, name: &str) -> Vec<Variant> {
    let mut found: Vec<Variant> = Vec::new();
    let (mut doc, mut index) = (String::new(), "");
    for line in body(source, &format!("pub enum {name} {{")) {
        let indent = line.len() - line.trim_start().len();
        let text = line.trim();
        if let Some(words) = text.strip_prefix("///") {
            doc.push_str(words);
        } else if let Some(number) = text.strip_prefix("#[codec(index = ") {
            index = number.trim_end_matches(")]");
        } else if indent == 4 && text.starts_with(|c: char| c.is_ascii_uppercase()) {
            let name = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            found.push(Variant {
                name,
                index,
                doc: core::mem::take(&mut doc),
                fields: Vec::new(),
                typed: Vec::new(),
            });
        } else if let (8, Some((field, _)), Some(variant)) = (indent, text.split_once(": "), found.last_mut())
            && !text.starts_with('#')
        {
            variant.fields.push(field);
            variant.typed.push(text.trim_end_matches(','));
            doc.clear();
        }
    }
    found
}

/// The fields of a struct and what is said of them, in order.
pub(in crate::tests) fn fields(source: &'static str, name: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut doc = String::new();
    for line in body(source, &format!("pub struct {name} {{")) {
        let text = line.trim();
        if let Some(words) = text.strip_prefix("///") {
            doc.push_str(words);
        } else if let Some((field, _)) = text.strip_prefix("pub ").and_then(|text| text.split_once(": ")) {
            found.push((field, core::mem::take(&mut doc)));
        }
    }
    found
}
