//! What came of a call.

use crate::{calendar, screen, text};
use argosy_api::{
    directory::ReceiptView,
    words::{self, sentence_of_event},
};
use argosy_directory::Event;
use serde_json::{Value, json};

/// Events that are told one by one.
const MAX_EVENTS: usize = 30;

/// A call that took effect.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) receipt: ReceiptView,
    pub(crate) events: Vec<Event>,
}

impl Done {
    /// For scripts, with what the command is for under `result`.
    pub(crate) fn json(&self, result: Value) -> Value {
        json!({
            "hash": self.receipt.hash,
            "height": self.receipt.height,
            "index": self.receipt.index,
            "timeMs": self.receipt.time_ms,
            "result": result,
            "events": events_json(&self.events),
        })
    }
}

/// Hash, block and events in words, on standard error.
pub(super) fn tell(done: &Done) {
    let receipt = &done.receipt;
    let at = calendar::utc(receipt.time_ms);
    screen::entry("done", &format!("block {}, {at} UTC", receipt.height));
    screen::entry("hash", &text::line(&receipt.hash));
    let lines: Vec<_> = done.events.iter().take(MAX_EVENTS).map(sentence_of_event).collect();
    for (at, line) in lines.iter().enumerate() {
        screen::entry(if at == 0 { "events" } else { "" }, line);
    }
    if done.events.len() > MAX_EVENTS {
        screen::entry("", &format!("and {} more", done.events.len() - MAX_EVENTS));
    }
}

pub(super) fn events_json(events: &[Event]) -> Vec<Value> {
    events
        .iter()
        .map(|event| {
            let (kind, fields) = words::event(event);
            json!({"kind": kind, "fields": fields, "words": sentence_of_event(event)})
        })
        .collect()
}
