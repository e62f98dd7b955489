//! The layer that writes lines for machines, to a file or to Elasticsearch.

use std::{cell::Cell, sync::Arc};

use argosy_domain::num::to_u64;
use time::OffsetDateTime;
use tracing::{
    Event, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use crate::{
    entry::{Entry, Fields},
    json::Value,
    limit::Limiter,
};

thread_local! {
    /// Whether this thread ships lines: what it has to say about that must not become more to ship.
    static SHIPS: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as one that ships lines.
pub(crate) fn this_thread_ships() {
    SHIPS.set(true);
}

/// Where lines go.
pub(crate) trait Sink: Send + Sync + 'static {
    /// The form of a line here.
    fn form(&self, entry: &Entry) -> String;
    /// Takes a line without waiting.
    fn take(&self, line: String);
    /// Whether what this thread says is left out.
    fn is_deaf(&self) -> bool {
        false
    }
}

/// Whether the thread ships lines.
pub(crate) fn thread_ships() -> bool {
    SHIPS.get()
}

/// Turns events into lines, within bounds.
pub(crate) struct Machine<K> {
    sink: K,
    limiter: Arc<Limiter>,
}

/// Fields of a span.
struct SpanFields(Vec<(&'static str, Value)>);

impl<K: Sink> Machine<K> {
    pub(crate) fn new(sink: K, limiter: Arc<Limiter>) -> Self {
        Self { sink, limiter }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>, K: Sink> Layer<S> for Machine<K> {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        // Several outputs share what is known of a span.
        if span.extensions().get::<SpanFields>().is_none() {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().replace(SpanFields(fields.others));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(known) = span.extensions_mut().get_mut::<SpanFields>() {
            for (name, value) in fields.others {
                // A second output records the same once more.
                known.0.retain(|(known, _)| *known != name);
                known.0.push((name, value));
            }
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if self.sink.is_deaf() {
            return;
        }
        let mut around = Vec::new();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<SpanFields>() {
                around.extend(fields.0.iter().cloned());
            }
        }
        let entry = Entry::new(event, around, OffsetDateTime::now_utc());
        let line = self.sink.form(&entry);
        let (admitted, news) = self.limiter.admit(event.metadata(), to_u64(line.len()), entry.minute());
        for one in news {
            let note = entry.note(&format!("{} lines of one cause were not logged", one.lines), one.cause);
            self.sink.take(self.sink.form(&note));
        }
        if admitted {
            self.sink.take(line);
        }
    }
}
