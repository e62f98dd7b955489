//! The configuration in force, with where each value comes from, and without secrets.

use super::{
    document::Origin,
    reader::{Configuration, Loaded},
    schema::{Schema, schema_of},
};
use serde_json::Value as Json;

/// What stands for a secret.
const MASK: &str = "(hidden)";

/// A value in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A text, a number, a truth value, or an empty list or section.
    Value {
        /// The value, or a mark that it is a secret.
        value: Json,
        /// Where it was said; nothing for what the program adds.
        origin: Option<Origin>,
    },
    /// A list of at least one.
    List(Vec<Shown>),
    /// A section, in the order of the schema's type.
    Section(Vec<(String, Shown)>),
}

impl<T: Configuration> Loaded<T> {
    /// Everything in force.
    ///
    /// # Errors
    /// Those of serde, for a type that is no JSON; configurations are.
    pub fn shown(&self) -> Result<Shown, serde_json::Error> {
        let json = schema_of::<T>();
        let values = serde_json::to_value(&self.config)?;
        Ok(self.show(&values, "", Some(Schema::new(&json)), false))
    }

    fn show(&self, value: &Json, path: &str, schema: Option<Schema<'_>>, secret: bool) -> Shown {
        let secret = secret || schema.is_some_and(Schema::is_secret);
        match value {
            Json::Object(map) if !map.is_empty() => {
                let member = |(name, value): (&String, &Json)| {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    let schema = schema.and_then(|schema| schema.member(name));
                    (name.clone(), self.show(value, &path, schema, secret))
                };
                Shown::Section(map.iter().map(member).collect())
            }
            Json::Array(list) if !list.is_empty() => {
                let schema = schema.and_then(Schema::items);
                let item = |(at, value)| self.show(value, &format!("{path}[{at}]"), schema, secret);
                Shown::List(list.iter().enumerate().map(item).collect())
            }
            Json::Null
            | Json::Bool(_)
            | Json::Number(_)
            | Json::String(_)
            | Json::Array(_)
            | Json::Object(_) => {
                let value = if secret && !is_public(value) { MASK.into() } else { value.clone() };
                Shown::Value { value, origin: self.origin(path).cloned() }
            }
        }
    }
}

/// Development keys are known to everyone; one with a password is not such a key.
fn is_public(value: &Json) -> bool {
    value.as_str().is_some_and(|text| text.starts_with("//") && !text.contains("///"))
}
