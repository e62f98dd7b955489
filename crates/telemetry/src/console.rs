//! Brief lines for a person: time, level, node, message, fields.

use std::{
    fmt::{Debug, Write as _},
    io::Write as _,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use argosy_domain::num::to_u64;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use crate::{
    escape::{Escaped, escape_control},
    level::npm_name,
    limit::{Limiter, Suppressed},
};

/// Longest line, in bytes; what comes after is cut.
const MAX_LINE_BYTES: usize = 2 * 1024;

/// Writes brief lines to a queue.
pub(crate) struct Console {
    writer: NonBlocking,
    colour: bool,
    limiter: Arc<Limiter>,
}

/// The field `node` of a span.
struct NodeName(String);

impl Console {
    pub(crate) fn new(writer: NonBlocking, colour: bool, limiter: Arc<Limiter>) -> Self {
        Self { writer, colour, limiter }
    }

    fn write(&self, line: &str) {
        // The queue never blocks; what it drops, it counts.
        self.writer.clone().write_all(line.as_bytes()).ok();
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Console {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut name = FieldNamed { wanted: "node", value: None };
        attributes.record(&mut name);
        if let (Some(value), Some(span)) = (name.value, context.span(id)) {
            span.extensions_mut().insert(NodeName(value));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let node = context.event_scope(event).and_then(|mut spans| {
            spans.find_map(|span| span.extensions().get::<NodeName>().map(|name| name.0.clone()))
        });
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let line = line(event, seconds, node.as_deref(), self.colour);
        let (admitted, news) = self.limiter.admit(metadata, to_u64(line.len()), seconds / 60);
        for Suppressed { cause, lines } in news {
            let note = format!(
                "{} {} {lines} lines of one cause were not logged: {cause}\n",
                clock(seconds),
                level("warn", self.colour)
            );
            self.write(&note);
        }
        if admitted {
            self.write(&line);
        }
    }
}

/// The whole line, its end included. Only the colours that we choose stand unescaped in it.
fn line(event: &Event<'_>, seconds: u64, node: Option<&str>, colour: bool) -> String {
    let mut out = format!("{} {} ", clock(seconds), level(npm_name(event.metadata()), colour));
    if let Some(node) = node {
        // Writing to a string cannot fail.
        escape_control(&mut out, node).ok();
        out.push_str(": ");
    }
    let mut fields = Fields { message: String::new(), others: String::new() };
    event.record(&mut fields);
    out.push_str(&fields.message);
    out.push_str(&fields.others);
    if out.len() > MAX_LINE_BYTES {
        out.truncate(out.floor_char_boundary(MAX_LINE_BYTES));
        out.push('…');
    }
    out.push('\n');
    out
}

/// Hours, minutes and seconds of the day, in UTC.
fn clock(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

/// The colours are those of Argus.
fn level(level: &str, colour: bool) -> &'static str {
    match (level, colour) {
        ("error", true) => "\x1b[31mERROR\x1b[0m",
        ("warn", true) => "\x1b[33m WARN\x1b[0m",
        ("info", true) => "\x1b[32m INFO\x1b[0m",
        ("http", true) => "\x1b[35m HTTP\x1b[0m",
        ("debug", true) => "\x1b[90mDEBUG\x1b[0m",
        (_, true) => "\x1b[90mTRACE\x1b[0m",
        ("error", false) => "ERROR",
        ("warn", false) => " WARN",
        ("info", false) => " INFO",
        ("http", false) => " HTTP",
        ("debug", false) => "DEBUG",
        (_, false) => "TRACE",
    }
}

/// Collects an event's fields, escaped.
struct Fields {
    message: String,
    others: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string cannot fail.
        if field.name() == "message" {
            write!(Escaped(&mut self.message), "{value:?}").ok();
        } else {
            write!(Escaped(&mut self.others), " {}={value:?}", field.name()).ok();
        }
    }
}

/// Finds one field, whatever its type.
struct FieldNamed {
    wanted: &'static str,
    value: Option<String>,
}

impl Visit for FieldNamed {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == self.wanted {
            self.value = Some(format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == self.wanted {
            self.value = Some(value.to_owned());
        }
    }
}
