//! The JSON Schema of a configuration, and what of it is looked at when a file is read.
//!
//! The schema is made from the types that read the file, so that one declaration gives the reader, the
//! messages and what editors are told.

use super::{DirectoryUrls, Size};
use argosy_domain::DistributionBucketId;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value as Json, json};
use std::net::{IpAddr, SocketAddr};

/// Texts with rules of their own: name in the schema, what is expected, whether a text is one.
type Format = (&'static str, &'static str, IsOf);
/// Whether a text is of a format.
type IsOf = fn(&str) -> bool;

/// The formats that are checked. Others in a schema are for editors only.
const FORMATS: [Format; 7] = [
    ("size", "digits and one of B, K, M, G, T, for example 20G", |text| text.parse::<Size>().is_ok()),
    ("bucket", "a bucket such as 0:1, family and index", |text| text.parse::<DistributionBucketId>().is_ok()),
    ("uri", "a URL such as http://host:port/path", is_url),
    ("directory", "the root URL of a directory node, http://host:port or https://host", |text| {
        DirectoryUrls::new(vec![text.to_owned()]).is_ok()
    }),
    ("ip", "an IP address such as 127.0.0.1", |text| text.parse::<IpAddr>().is_ok()),
    ("network", "an address, or a network such as 10.0.0.0/8 or 2001:db8::/32", |text| {
        text.parse::<argosy_http::Network>().is_ok()
    }),
    ("socket-address", "an address and a port, such as 127.0.0.1:3333", |text| {
        text.parse::<SocketAddr>().is_ok()
    }),
];

fn is_url(text: &str) -> bool {
    text.parse::<http::Uri>().is_ok_and(|uri| uri.scheme().is_some() && uri.authority().is_some())
}

/// What a format expects, and whether a text is of it.
pub(super) fn format_of(schema: &Json) -> Option<(&'static str, IsOf)> {
    let name = schema.get("format")?.as_str()?;
    FORMATS.iter().find(|format| format.0 == name).map(|format| (format.1, format.2))
}

/// The schema of a type, draft 2020-12.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Json {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

/// A schema with its definitions at hand.
#[derive(Clone, Copy)]
pub(super) struct Schema<'a> {
    root: &'a Json,
    pub(super) json: &'a Json,
}

impl<'a> Schema<'a> {
    pub(super) const fn new(root: &'a Json) -> Self {
        Self { root, json: root }
    }

    /// The same with references followed.
    fn resolved(self) -> Self {
        let Some(name) = self.text("$ref").and_then(|path| path.strip_prefix("#/$defs/")) else {
            return self;
        };
        match self.root.get("$defs").and_then(|all| all.get(name)) {
            Some(json) => Self { json, ..self }.resolved(),
            None => self,
        }
    }

    pub(super) fn text(self, key: &str) -> Option<&'a str> {
        self.json.get(key)?.as_str()
    }

    /// Whether the value is a secret.
    pub(super) fn is_secret(self) -> bool {
        self.json.get("writeOnly") == Some(&Json::Bool(true))
    }

    /// The schemas one of which must hold; itself if there is no choice. None of them is for nothing.
    pub(super) fn choices(self) -> Vec<Self> {
        let this = self.resolved();
        let listed = ["anyOf", "oneOf"].iter().find_map(|key| this.json.get(*key)?.as_array());
        match listed {
            // A choice beside properties only says which of them go together.
            Some(list) if this.json.get("properties").is_none() => list
                .iter()
                .map(|json| Self { json, ..this })
                .filter(|choice| choice.text("type") != Some("null"))
                .flat_map(Self::choices)
                .collect(),
            _ => vec![this],
        }
    }

    /// Whether `null` is as good as no value.
    pub(super) fn allows_nothing(self) -> bool {
        let this = self.resolved();
        let null = |json: &Json| json.get("type") == Some(&json!("null"));
        let among =
            |key: &str| this.json.get(key).and_then(Json::as_array).is_some_and(|list| list.iter().any(null));
        this.types().contains(&"null") || among("anyOf") || among("oneOf")
    }

    /// Names of JSON types that the value may have; none if any will do.
    pub(super) fn types(self) -> Vec<&'a str> {
        match self.json.get("type") {
            Some(Json::String(name)) => vec![name],
            Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
            _ if self.json.get("const").is_some_and(Json::is_string) => vec!["string"],
            _ => Vec::new(),
        }
    }

    /// The schema of the member `name`, of whatever choice has it.
    pub(super) fn member(self, name: &str) -> Option<Self> {
        self.choices()
            .into_iter()
            .find_map(|choice| choice.json.get("properties")?.get(name).map(|json| Self { json, ..choice }))
    }

    /// Names of all members.
    pub(super) fn members(self) -> Vec<&'a str> {
        let properties = |choice: Self| choice.json.get("properties").and_then(Json::as_object);
        self.choices()
            .into_iter()
            .filter_map(properties)
            .flat_map(|map| map.keys().map(String::as_str))
            .collect()
    }

    /// The schema of a list's items.
    pub(super) fn items(self) -> Option<Self> {
        self.choices()
            .into_iter()
            .find_map(|choice| choice.json.get("items").map(|json| Self { json, ..choice }))
    }

    /// Whether one of the choices has this type.
    pub(super) fn may_be(self, kind: &str) -> bool {
        self.choices().into_iter().any(|choice| choice.types().contains(&kind))
    }

    /// In words, what is expected.
    pub(super) fn expected(self) -> String {
        let choices = self.choices();
        let names: Vec<&str> = choices
            .iter()
            .flat_map(|choice| {
                let listed = choice.json.get("enum").and_then(Json::as_array).into_iter().flatten();
                listed.chain(choice.json.get("const")).filter_map(Json::as_str)
            })
            .collect();
        let others = choices
            .iter()
            .filter(|choice| choice.json.get("enum").is_none() && choice.json.get("const").is_none());
        let mut parts: Vec<String> = others.map(|choice| choice.expected_alone()).collect();
        match names.as_slice() {
            [] => {}
            [one] => parts.insert(0, (*one).to_owned()),
            [many @ .., last] => parts.insert(0, format!("{} or {last}", many.join(", "))),
        }
        parts.dedup();
        parts.join(", or ")
    }

    fn expected_alone(self) -> String {
        if let Some((expected, _)) = format_of(self.json) {
            return expected.to_owned();
        }
        let types = self.types();
        match types.iter().find(|kind| **kind != "null").copied() {
            Some("string") => "a text".to_owned(),
            Some("integer") => self.expected_number(),
            Some("number") => "a number".to_owned(),
            Some("boolean") => "true or false".to_owned(),
            Some("array") => match self.items() {
                Some(items) => format!("a list, each {}", items.expected()),
                None => "a list".to_owned(),
            },
            Some("object") => match self.members().as_slice() {
                [] => "a section".to_owned(),
                [one] => format!("a section with {one}"),
                many => format!("a section with keys such as {} and {}", many[0], many[1]),
            },
            _ => "another value".to_owned(),
        }
    }

    fn expected_number(self) -> String {
        let bound = |key: &str| self.json.get(key).and_then(Json::as_u64);
        match (bound("minimum"), bound("maximum")) {
            (None, None) => "a whole number".to_owned(),
            (Some(least), None) => format!("a whole number of at least {least}"),
            (None, Some(most)) => format!("a whole number of at most {most}"),
            (Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
        }
    }
}

/// The name that was meant, if one is near.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |other: &str| distance(&name.to_lowercase(), &other.to_lowercase());
    let (cost, best) = known.iter().map(|other| (distance(other), *other)).min()?;
    (cost <= 1 + name.len() / 4).then_some(best)
}

/// Letters to insert, remove or change.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        assert_eq!(nearest("listn", &["data", "listen"]), Some("listen"));
        assert_eq!(nearest("hmacsecret", &["port", "hmacSecret"]), Some("hmacSecret"));
        assert_eq!(nearest("zebra", &["port", "host"]), None);
    }
}
