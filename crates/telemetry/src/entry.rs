//! A line as machines read it: the Elastic Common Schema, in the shapes of Argus.
//!
//! Source: `LoggingService` of Joystream's distributor, which prints with `@elastic/ecs-winston-format`
//! 1.3 and sends with `winston-elasticsearch` 0.17.

use std::fmt::{Debug, Write as _};

use time::OffsetDateTime;
use tracing::{
    Event,
    field::{Field, Visit},
};

use crate::{
    json::{self, Tree, Value},
    level::npm_name,
};

/// Version of the schema, as in Argus' lines.
const ECS_VERSION: &str = "1.6.0";
/// Longest line, in bytes; fields that do not fit are left out.
const MAX_LINE_BYTES: usize = 32 * 1024;
/// Names that the line gives itself.
const RESERVED: [&str; 5] = ["@timestamp", "level", "log.level", "ecs", "message"];
/// Objects of the schema: in Elasticsearch they stand at the top, everything else under `fields`.
const ECS_OBJECTS: [&str; 8] =
    ["client.", "error.", "event.", "http.", "log.", "service.", "url.", "user_agent."];

/// What an event says.
pub(crate) struct Entry {
    level: &'static str,
    target: &'static str,
    at: OffsetDateTime,
    message: String,
    fields: Vec<(&'static str, Value)>,
}

impl Entry {
    /// `context` are the fields of the spans around the event, the innermost first.
    pub(crate) fn new(event: &Event<'_>, context: Vec<(&'static str, Value)>, at: OffsetDateTime) -> Self {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut all = fields.others;
        all.extend(context);
        let metadata = event.metadata();
        Self {
            level: npm_name(metadata),
            target: metadata.target(),
            at,
            message: fields.message,
            fields: all,
        }
    }

    /// A line about lines of the past minute, in the place of this one.
    pub(crate) fn note(&self, message: &str, cause: &'static str) -> Self {
        let fields = vec![("cause", Value::Text(cause.to_owned()))];
        Self { level: "warn", target: "logs", at: self.at, message: message.to_owned(), fields }
    }

    /// Minutes since 1970.
    pub(crate) fn minute(&self) -> u64 {
        u64::try_from(self.at.unix_timestamp() / 60).unwrap_or(0)
    }

    /// One line of a file, its end included.
    pub(crate) fn file_line(&self) -> String {
        let mut out = "{".to_owned();
        json::text_field(&mut out, "@timestamp", &timestamp(self.at));
        json::text_field(&mut out, "log.level", self.level);
        json::text_field(&mut out, "message", &self.message);
        let version = Value::Text(ECS_VERSION.to_owned());
        let label = Value::Text(self.target.to_owned());
        let mut tree = Tree::default();
        tree.put("ecs.version", &version);
        self.plant(&mut tree, |_| true);
        tree.put("label", &label);
        tree.write(&mut out);
        out.push_str("}\n");
        out
    }

    /// One document for Elasticsearch, without a line's end.
    pub(crate) fn document(&self, source: &str) -> String {
        let mut out = "{".to_owned();
        json::text_field(&mut out, "@timestamp", &timestamp(self.at));
        json::text_field(&mut out, "message", &self.message);
        json::text_field(&mut out, "severity", self.level);
        json::text_field(&mut out, "source", source);
        let (version, level) = (Value::Text(ECS_VERSION.to_owned()), Value::Text(self.level.to_owned()));
        let label = Value::Text(self.target.to_owned());
        let is_ecs = |name: &str| ECS_OBJECTS.iter().any(|object| name.starts_with(object));
        let mut top = Tree::default();
        top.put("ecs.version", &version);
        top.put("log.level", &level);
        self.plant(&mut top, is_ecs);
        top.write(&mut out);
        let mut rest = Tree::default();
        self.plant(&mut rest, |name| !is_ecs(name));
        rest.put("label", &label);
        json::key(&mut out, "fields");
        out.push('{');
        rest.write(&mut out);
        out.push_str("}}");
        out
    }

    fn plant<'a>(&'a self, tree: &mut Tree<'a>, wanted: impl Fn(&str) -> bool) {
        let mut room = MAX_LINE_BYTES;
        for (name, value) in &self.fields {
            let bytes = name.len() + if let Value::Text(text) = value { text.len() } else { 8 };
            if RESERVED.contains(name) || !wanted(name) {
                continue;
            }
            match room.checked_sub(bytes) {
                Some(left) => room = left,
                None => continue,
            }
            tree.put(name, value);
        }
    }
}

/// As JavaScript prints it: `2026-11-21T23:20:01.123Z`.
fn timestamp(at: OffsetDateTime) -> String {
    let (date, time) = (at.date(), at.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}

/// Takes the fields of an event or a span.
#[derive(Default)]
pub(crate) struct Fields {
    message: String,
    pub(crate) others: Vec<(&'static str, Value)>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        // What `%` of an absent value leaves is nothing.
        self.others.push((ecs_name(field.name()), value));
    }
}

/// What the code calls things, in the words of the schema.
fn ecs_name(name: &'static str) -> &'static str {
    match name {
        "node" => "service.node.name",
        "error" => "error.message",
        other => other,
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // Writing to a string cannot fail.
            let _ = write!(self.message, "{value:?}");
        } else {
            self.put(field, Value::Text(format!("{value:?}")));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            self.put(field, Value::Text(value.to_owned()));
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::Unsigned(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::Signed(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::Float(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::Truth(value));
    }
}
