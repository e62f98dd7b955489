//! Wire types with a schema: declared once, written and read by serde, described to others by the same
//! fields and docs.

use argosy_domain::{
    AccountId, ApplicationId, AssetSetId, BagId, ChannelId, ContentId, DataObjectId, DistributionBucketId,
    FamilyId, MemberId, OpeningId, ProposalId, ReleaseId, StorageBucketId, WorkerId, WorkingGroup,
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, num::NonZeroU32};

/// Where named schemas are found in an OpenAPI document.
const PLACE: &str = "#/components/schemas/";

/// A type that knows the JSON Schema (draft 2020-12) of what is written for it.
pub trait Schema {
    /// Whether a member of this type may be absent from its object.
    const OPTIONAL: bool = false;

    /// The schema, or a reference to one that is put into `all`.
    fn schema(all: &mut Schemas) -> Value;
}

/// Named schemas, as in the components of an OpenAPI document.
#[derive(Clone, Debug, Default)]
pub struct Schemas(BTreeMap<&'static str, Value>);

/// A member of an object, for its schema.
#[derive(Debug)]
pub struct Member {
    /// Name in Rust.
    pub name: &'static str,
    /// Doc comment.
    pub doc: &'static str,
    /// Schema of its value.
    pub schema: Value,
    /// Whether it is always there.
    pub required: bool,
}

impl Schemas {
    /// A reference to the schema `name`, which `make` gives if it is not known yet.
    pub fn define(&mut self, name: &'static str, make: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.0.contains_key(name) {
            // Known while it is being made: types may contain themselves.
            self.0.insert(name, Value::Null);
            let schema = make(self);
            self.0.insert(name, schema);
        }
        json!({"$ref": format!("{PLACE}{name}")})
    }

    /// The schema behind a reference.
    #[must_use]
    pub fn resolve(&self, reference: &Value) -> Option<&Value> {
        self.0.get(reference.get("$ref")?.as_str()?.strip_prefix(PLACE)?)
    }

    /// All of them, by name.
    #[must_use]
    pub fn into_json(self) -> Value {
        self.0.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
    }
}

/// The schema of an object with these members and no others.
#[must_use]
pub fn object(doc: &str, members: Vec<Member>) -> Value {
    let required: Vec<String> =
        members.iter().filter(|member| member.required).map(|member| camel_case(member.name)).collect();
    let mut properties = Map::new();
    for member in members {
        let mut schema = member.schema;
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".to_owned(), member.doc.trim().into());
        }
        properties.insert(camel_case(member.name), schema);
    }
    json!({
        "type": "object", "description": doc.trim(), "properties": properties, "required": required,
        "additionalProperties": false,
    })
}

/// `some_name` as JSON has it: `someName`.
#[must_use]
pub fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut chars = part.chars();
        text.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(chars.as_str());
    }
    text
}

/// Declares wire types: structs that serde writes in camel case, with a [`Schema`].
macro_rules! wire {
    ($(
        $(#[doc = $doc:literal])+
        $(#[serde($($container:tt)*)])*
        pub struct $name:ident {
            $(
                $(#[doc = $field_doc:literal])+
                $(#[serde($($field_serde:tt)*)])*
                pub $field:ident: $type:ty,
            )*
        }
    )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        $(#[serde($($container)*)])*
        pub struct $name {
            $(
                $(#[doc = $field_doc])+
                $(#[serde($($field_serde)*)])*
                pub $field: $type,
            )*
        }

        impl $crate::wire::Schema for $name {
            fn schema(all: &mut $crate::wire::Schemas) -> serde_json::Value {
                all.define(stringify!($name), |all| {
                    let members = vec![$($crate::wire::Member {
                        name: stringify!($field),
                        doc: concat!($($field_doc),+),
                        schema: <$type as $crate::wire::Schema>::schema(all),
                        required: !<$type as $crate::wire::Schema>::OPTIONAL,
                    }),*];
                    $crate::wire::object(concat!($($doc),+), members)
                })
            }
        }
    )+ };
}
pub(crate) use wire;

/// The same for types that are written out where they are used.
macro_rules! plain {
    ($($type:ty => $schema:tt),+ $(,)?) => { $(
        impl Schema for $type {
            fn schema(_: &mut Schemas) -> Value {
                json!($schema)
            }
        }
    )+ };
}

plain! {
    bool => {"type": "boolean"},
    u16 => {"type": "integer", "minimum": 0, "maximum": 65_535},
    u32 => {"type": "integer", "format": "uint32", "minimum": 0, "maximum": 4_294_967_295_u32},
    NonZeroU32 => {"type": "integer", "format": "uint32", "minimum": 1, "maximum": 4_294_967_295_u32},
    u64 => {"type": "integer", "format": "uint64", "minimum": 0, "maximum": 18_446_744_073_709_551_615_u64},
    usize => {"type": "integer", "format": "uint64", "minimum": 0, "maximum": 18_446_744_073_709_551_615_u64},
    u128 => {"type": "string", "pattern": "^[0-9]{1,39}$"},
    String => {"type": "string"},
    Value => {},
    Map<String, Value> => {"type": "object"},
    AccountId => {"type": "string", "pattern": "^[1-9A-HJ-NP-Za-km-z]{40,60}$", "examples": ["jbu1aRGSDwu6tUsL3fPnM8AtFxz9SVdvWvBqnMuEg2cuPr3DK"]},
    ApplicationId => {"type": "string", "pattern": "^[0-9]{1,19}$"},
    AssetSetId => {"type": "string", "pattern": "^[0-9]{1,19}$"},
    BagId => {"type": "string", "pattern": "^(static:council|static:wg:[a-z]+|dynamic:(member|channel):[0-9]{1,19})$"},
    ChannelId => {"type": "string", "pattern": "^[0-9]{1,19}$"},
    ContentId => {"type": "string", "pattern": "^[1-9A-HJ-NP-Za-km-z]{46}$"},
    DataObjectId => {"type": "string", "pattern": "^[0-9]{1,19}$"},
    DistributionBucketId => {"type": "string", "pattern": "^[0-9]{1,19}:[0-9]{1,19}$"},
    FamilyId => {"type": "string", "pattern": "^[0-9]{1,19}$"},
    MemberId => {"type": "string", "pattern": "^[0-9]{1,19}$"},
    OpeningId => {"type": "string", "pattern": "^[0-9]{1,19}$"},
    ProposalId => {"type": "string", "pattern": "^[0-9]{1,19}$"},
    ReleaseId => {"type": "string", "pattern": "^[0-9]{1,19}$"},
    StorageBucketId => {"type": "string", "pattern": "^[0-9]{1,19}$"},
    WorkerId => {"type": "string", "pattern": "^[0-9]{1,19}$"},
}

impl Schema for WorkingGroup {
    fn schema(_: &mut Schemas) -> Value {
        json!({"type": "string", "enum": Self::ALL.map(Self::name)})
    }
}

impl<T: Schema> Schema for Option<T> {
    const OPTIONAL: bool = true;

    fn schema(all: &mut Schemas) -> Value {
        json!({"anyOf": [T::schema(all), {"type": "null"}]})
    }
}

impl<T: Schema> Schema for Vec<T> {
    fn schema(all: &mut Schemas) -> Value {
        json!({"type": "array", "items": T::schema(all)})
    }
}

impl<V: Schema> Schema for BTreeMap<String, V> {
    fn schema(all: &mut Schemas) -> Value {
        json!({"type": "object", "additionalProperties": V::schema(all)})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{MemberView, OpeningView};

    #[test]
    fn the_schema_says_what_serde_writes() {
        let mut all = Schemas::default();
        let reference = OpeningView::schema(&mut all);
        assert_eq!(reference, json!({"$ref": "#/components/schemas/OpeningView"}));
        let schema = all.resolve(&reference).unwrap();
        let view = OpeningView {
            id: OpeningId(1),
            kind: "Regular".to_owned(),
            description: String::new(),
            stake: 5,
            unstaking_period_ms: 6,
            reward_per_period: 7,
            created_ms: 8,
        };
        let written = serde_json::to_value(view).unwrap();
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&schema["properties"]), names(&written));
        assert_eq!(
            schema["properties"]["stake"]["description"],
            "Least stake of an application, in base units."
        );
        let kind = |name: &str| schema["properties"][name]["type"].clone();
        assert_eq!((kind("stake"), kind("createdMs")), ("string".into(), "integer".into()));
        assert!(written["stake"].is_string() && written["createdMs"].is_u64());
    }

    #[test]
    fn what_may_be_missing_is_not_required() {
        let mut all = Schemas::default();
        let reference = MemberView::schema(&mut all);
        let schema = all.resolve(&reference).unwrap();
        assert_eq!(schema["required"], json!(["id", "handle", "account"]));
    }
}
