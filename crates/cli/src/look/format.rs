//! How values are written for people.

use crate::{calendar, leads::format::shown, text};
use argosy_api::directory::{OperatorStatus, OperatorView};
use serde_json::{Map, Value};
use std::{fmt::Display, time::Duration};

/// Stands for what is not there.
pub(super) const NONE: &str = "-";
/// Base units of one JOY, as a power of ten.
const JOY_DIGITS: usize = 10;

/// A name and its value, for one thing that is shown with all that is known.
pub(super) type Fact = (&'static str, String);

pub(super) fn yes(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

pub(super) fn on(is_on: bool) -> String {
    if is_on { "on" } else { "off" }.to_owned()
}

pub(super) fn maybe<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| text::line(&value.to_string()))
}

/// Ids in a row.
pub(super) fn ids<T: Display>(ids: &[T]) -> String {
    if ids.is_empty() {
        return "none".to_owned();
    }
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A whole number in groups of three digits.
pub(crate) fn digits(number: impl Into<u128>) -> String {
    grouped(&number.into().to_string())
}

fn grouped(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// An amount of money in base units; on the network that has a larger unit, in that one too.
pub(super) fn money(amount: u128, is_mainnet: bool) -> String {
    if !is_mainnet || amount == 0 {
        return digits(amount);
    }
    let padded = format!("{amount:0>width$}", width = JOY_DIGITS + 1);
    let (whole, rest) = padded.split_at(padded.len() - JOY_DIGITS);
    let rest = rest.trim_end_matches('0');
    let point = if rest.is_empty() { "" } else { "." };
    format!("{} ({}{point}{rest} JOY)", digits(amount), grouped(whole))
}

/// How long ago a time was, or how long it still is.
pub(super) fn age(time_ms: u64, now_ms: u64) -> String {
    match now_ms.checked_sub(time_ms) {
        Some(past) => format!("{} ago", text::duration(Duration::from_millis(past))),
        None => format!("in {}", text::duration(Duration::from_millis(time_ms - now_ms))),
    }
}

/// A time, and how long ago it was.
pub(super) fn when(time_ms: u64, now_ms: u64) -> String {
    format!("{} UTC, {}", calendar::utc(time_ms), age(time_ms, now_ms))
}

/// A length of time.
pub(super) fn length(time_ms: u64) -> String {
    text::duration(Duration::from_millis(time_ms))
}

/// What somebody else wrote, or an argument of a call, in one line.
pub(super) fn value(value: &Value) -> String {
    text::line(&shown(value))
}

/// Members of an object, `name: value` after each other.
pub(super) fn members(members: &Map<String, Value>) -> String {
    let parts = members.iter().map(|(name, member)| format!("{name}: {}", shown(member)));
    text::line(&parts.collect::<Vec<_>>().join("; "))
}

/// A worker's tie to a bucket.
pub(super) fn operator(operator: &OperatorView) -> String {
    match operator.status {
        OperatorStatus::Active if operator.leaves_ms.is_some() => {
            format!("worker {}, leaving", operator.worker)
        }
        OperatorStatus::Active => format!("worker {}", operator.worker),
        OperatorStatus::Invited => format!("worker {}, invited", operator.worker),
    }
}

/// Where the node of an operator is.
pub(super) fn endpoint(operator: &OperatorView) -> String {
    maybe(operator.endpoint.as_ref())
}

/// Facts under each other, their values in one column.
pub(super) fn facts(facts: &[Fact]) -> String {
    let widest = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines = facts.iter().map(|(name, value)| format!("{name:widest$}  {value}").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn money_is_exact_in_both_units() {
        assert_eq!(money(1_234_567, false), "1 234 567");
        assert_eq!(money(0, true), "0");
        assert_eq!(money(8_333_330, true), "8 333 330 (0.000833333 JOY)");
        assert_eq!(money(123_456_000_000_000_000, true), "123 456 000 000 000 000 (12 345 600 JOY)");
        assert_eq!(digits(100_u64), "100");
        assert_eq!(digits(u128::MAX), "340 282 366 920 938 463 463 374 607 431 768 211 455");
    }

    #[test]
    fn ages_go_both_ways() {
        let hour = 3_600_000;
        assert_eq!(age(5 * hour, 8 * hour), "3 h ago");
        assert_eq!(age(80 * hour, 8 * hour), "in 3 d");
        assert_eq!(when(951_782_400_000, 951_782_430_000), "2000-02-29 00:00:00 UTC, 30 s ago");
    }

    #[test]
    fn what_others_wrote_stays_in_its_line() {
        let nasty = "\u{1b}[2Jred\n\u{202e}";
        assert_eq!(value(&json!([nasty, 7])), "[2Jred , 7");
        let object = json!({"city": nasty, "note": null});
        assert_eq!(members(object.as_object().unwrap()), "city: [2Jred ; note: none");
        assert_eq!(maybe(Some(nasty)), "[2Jred ");
        assert_eq!(facts(&[("id", "1".into()), ("longer", String::new())]), "id      1\nlonger");
    }
}
