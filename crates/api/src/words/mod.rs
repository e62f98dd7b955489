//! Calls and events in words: names and fields as JSON, one sentence for people, what an event is about,
//! and what to do about a refusal.

mod calls;
mod events;
mod remedy;
mod sentences;
mod values;

pub use remedy::remedy;
pub use sentences::{MAX_SENTENCE_CHARS, sentence_of_action, sentence_of_call, sentence_of_event};

use argosy_directory::{Call, CouncilAction, Event};
use argosy_domain::{BagId, DistributionBucketId, StorageBucketId, WorkerId, WorkingGroup};
use serde_json::{Map, Value, json};

use crate::wire::camel_case;

/// A call as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallWords {
    /// Module and name, such as `distribution.createDistributionBucket`.
    pub name: String,
    /// The name as words, such as `create distribution bucket`.
    pub words: String,
    /// Arguments by name.
    pub arguments: Map<String, Value>,
}

/// What an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topics {
    /// Bags.
    pub bags: Vec<BagId>,
    /// Storage buckets.
    pub storage_buckets: Vec<StorageBucketId>,
    /// Distribution buckets.
    pub distribution_buckets: Vec<DistributionBucketId>,
    /// Workers, of the group below.
    pub workers: Vec<WorkerId>,
    /// The group that the event belongs to, if any.
    pub group: Option<WorkingGroup>,
}

/// Name and arguments of a call.
#[must_use]
pub fn call(call: &Call) -> CallWords {
    let (module, Words { name, fields }) = calls::parts(call);
    CallWords { name: format!("{module}.{}", lower_first(name)), words: spaced(name), arguments: fields }
}

/// Name and arguments of what the council wants to do.
#[must_use]
pub fn action(action: &CouncilAction) -> (String, Map<String, Value>) {
    let Words { name, fields } = Words::of(action);
    (lower_first(name), fields)
}

/// Kind and fields of an event.
#[must_use]
pub fn event(event: &Event) -> (&'static str, Map<String, Value>) {
    let Words { name, fields } = Words::of(event);
    (name, fields)
}

/// Kind of an event, such as `DataObjectsUploaded`.
#[must_use]
pub fn event_kind(event: &Event) -> &'static str {
    /// Wants the name only.
    struct Nothing;
    impl Visit for Nothing {
        fn field(&mut self, _: &'static str, _: &dyn Shown) {}
    }
    event.visit(&mut Nothing)
}

/// What an event is about.
#[must_use]
pub fn topics(event: &Event) -> Topics {
    let mut topics = Topics::default();
    let kind = event.visit(&mut topics);
    topics.group = topics.group.or_else(|| group_of(kind));
    if let Event::DistributionBucketsUpdatedForBag { family, added, removed, .. } = event {
        let bucket = |index: &u64| DistributionBucketId { family: *family, index: *index };
        topics.distribution_buckets.extend(added.iter().chain(removed).map(bucket));
    }
    topics
}

/// Of the events of buckets, by their names.
fn group_of(kind: &str) -> Option<WorkingGroup> {
    if kind.starts_with("Storage") || kind == "PendingDataObjectsAccepted" || kind == "HoldingsReported" {
        Some(WorkingGroup::Storage)
    } else if kind.starts_with("Distribution") {
        Some(WorkingGroup::Distribution)
    } else {
        None
    }
}

/// A value that can be shown.
trait Shown {
    fn json(&self) -> Value;

    /// Adds what this names to what an event is about.
    fn note(&self, _: &mut Topics) {}
}

/// What is done with each field of a call or event.
trait Visit {
    fn field(&mut self, name: &'static str, value: &dyn Shown);
}

/// A call or event with named fields.
trait Visited {
    /// Shows all fields in order; gives the name.
    fn visit(&self, visitor: &mut dyn Visit) -> &'static str;
}

/// Name and fields, as they are shown.
struct Words {
    name: &'static str,
    fields: Map<String, Value>,
}

impl Words {
    fn new(name: &'static str) -> Self {
        Self { name, fields: Map::new() }
    }

    fn of(value: &impl Visited) -> Self {
        let mut words = Self::new("");
        words.name = value.visit(&mut words);
        words
    }

    fn add(&mut self, name: &'static str, value: &dyn Shown) {
        self.fields.insert(camel_case(name), value.json());
    }

    /// As a value inside another one.
    fn json(self, kind: &str) -> Value {
        json!({kind: lower_first(self.name), "arguments": self.fields})
    }
}

impl Visit for Words {
    fn field(&mut self, name: &'static str, value: &dyn Shown) {
        self.add(name, value);
    }
}

impl Visit for Topics {
    fn field(&mut self, _: &'static str, value: &dyn Shown) {
        value.note(self);
    }
}

/// Says how a type's variants and fields are called. Leaving one out does not compile.
macro_rules! shown {
    ($type:ident { $($variant:ident $({ $($field:ident),* $(,)? })?),* $(,)? }) => {
        impl super::Visited for $type {
            fn visit(&self, visitor: &mut dyn super::Visit) -> &'static str {
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        $($(visitor.field(stringify!($field), $field);)*)?
                        stringify!($variant)
                    })*
                }
            }
        }
    };
}
use shown;

/// `SomeName` as JSON has it: `someName`.
fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// A name of a call or an event as words: `some name` of `SomeName`.
#[must_use]
pub fn spaced(name: &str) -> String {
    let mut text = String::with_capacity(name.len().saturating_add(8));
    for char in name.chars() {
        if char.is_ascii_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(char.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests;
