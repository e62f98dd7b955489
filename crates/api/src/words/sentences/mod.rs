//! Calls and events as one line for people.
//!
//! Texts of others are quoted, cleaned of what could play tricks on a terminal, and shortened; so are long
//! lists. Amounts are in base units with digits in groups of three, sizes also in binary units.

mod content;
mod council;
mod distribution;
mod events;
#[cfg(test)]
mod generated;
mod groups;
mod metadata;
mod phrases;
mod storage;
#[cfg(test)]
mod tests;

use crate::text::shortened;
use argosy_directory::{BatchCall, BatchMode, Call, CouncilAction, Event};
use argosy_domain::num::to_u64;
use phrases::counted;
/// Longest sentence, in characters, with the `…` of one that was cut.
pub const MAX_SENTENCE_CHARS: usize = 2_000;
/// Calls of a batch that are told.
const TOLD_CALLS: usize = 5;
/// Of each call in a batch, so that five of them fit.
const MAX_BATCHED_CHARS: usize = 350;

/// What happened: `storage bucket 3 was deleted`.
///
/// One line without control characters, of at most [`MAX_SENTENCE_CHARS`].
#[must_use]
pub fn sentence_of_event(event: &Event) -> String {
    shortened(&event.told(), MAX_SENTENCE_CHARS - 1)
}

/// What is asked, in the infinitive: `delete storage bucket 3`. Of a batch the number of its calls, and the
/// first five.
///
/// One line without control characters, of at most [`MAX_SENTENCE_CHARS`].
#[must_use]
pub fn sentence_of_call(call: &Call) -> String {
    shortened(&call.told(), MAX_SENTENCE_CHARS - 1)
}

/// What the council would do, in the infinitive: `pay 5 base units … into the storage group's budget`.
///
/// One line without control characters, of at most [`MAX_SENTENCE_CHARS`].
#[must_use]
pub fn sentence_of_action(action: &CouncilAction) -> String {
    shortened(&action.told(), MAX_SENTENCE_CHARS - 1)
}

/// Something that can be told in one line. What users wrote is cleaned already; the length has no bound yet.
trait Told {
    fn told(&self) -> String;
}

/// A line for each variant of a type, as the arguments of `format!`. Leaving one out does not compile.
macro_rules! told {
    ($type:ident { $($variant:ident $({ $($field:tt)* })? => ($($line:tt)+);)* }) => {
        impl super::Told for $type {
            fn told(&self) -> String {
                match self {
                    $(Self::$variant $({ $($field)* })? => format!($($line)+),)*
                }
            }
        }
    };
}
use told;

impl Told for Call {
    fn told(&self) -> String {
        match self {
            Self::Membership(call) => call.told(),
            Self::Content(call) => call.told(),
            Self::Storage(call) => call.told(),
            Self::Distribution(call) => call.told(),
            Self::Group { group, call } => groups::told(*group, call),
            Self::Council(call) => call.told(),
            Self::Accounts(call) => call.told(),
            Self::Batch(batch) => batch.told(),
        }
    }
}

impl Told for BatchCall {
    fn told(&self) -> String {
        let mode = match self.mode {
            BatchMode::AllOrNothing => "all or nothing",
            BatchMode::EachOnItsOwn => "each on its own",
        };
        let mut text = format!("batch of {}, {mode}", counted(to_u64(self.calls.len()), "call"));
        for (position, call) in self.calls.iter().take(TOLD_CALLS).enumerate() {
            text.push_str(if position == 0 { ": " } else { "; " });
            text.push_str(&format!("({}) {}", position.saturating_add(1), in_batch(call)));
        }
        let more = to_u64(self.calls.len().saturating_sub(TOLD_CALLS));
        if more > 0 {
            text.push_str(&format!("; and {}", counted(more, "more call")));
        }
        text
    }
}

/// A batch inside of another is refused, and not looked into: memory could be full of them.
fn in_batch(call: &Call) -> String {
    match call {
        Call::Batch(_) => "another batch".to_owned(),
        Call::Membership(_)
        | Call::Content(_)
        | Call::Storage(_)
        | Call::Distribution(_)
        | Call::Group { .. }
        | Call::Council(_)
        | Call::Accounts(_) => shortened(&call.told(), MAX_BATCHED_CHARS),
    }
}
