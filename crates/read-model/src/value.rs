//! How values are kept in columns, and shown in answers.
//!
//! Amounts go beyond SQLite's 64-bit integers, and must sort and compare as numbers. They are kept as
//! their decimal digits with two digits of length in front: such texts sort as the numbers do.

use argosy_domain::num::{to_u64, to_usize};
use rusqlite::types::Value;
use std::fmt::Write as _;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// Any text: ids, names, accounts.
pub(crate) fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

/// A text that may be absent.
pub(crate) fn maybe_text(value: Option<&str>) -> Value {
    value.map_or(Value::Null, text)
}

/// Longest JSON text that is kept whole, in bytes; most are far shorter. It cannot be cut and stay JSON.
pub(crate) const MAX_JSON_BYTES: usize = 64 * 1024;

/// A JSON text, and whether it is left out for its length.
pub(crate) fn whole(value: serde_json::Value) -> (Value, Value) {
    let json = value.to_string();
    if json.len() > MAX_JSON_BYTES { (Value::Null, flag(true)) } else { (text(json), flag(false)) }
}

/// A flag.
pub(crate) fn flag(value: bool) -> Value {
    Value::Integer(value.into())
}

/// A small number: heights, times in milliseconds, worker ids. Saturates.
pub(crate) fn int(value: u64) -> Value {
    Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

/// An amount, see the module.
pub(crate) fn wide(value: u128) -> Value {
    Value::Text(wide_text(value))
}

/// See the module.
pub(crate) fn wide_text(value: u128) -> String {
    let digits = value.to_string();
    format!("{:02}{digits}", digits.len())
}

/// The digits of an amount as it is kept.
pub(crate) fn wide_digits(kept: &str) -> &str {
    kept.get(2..).unwrap_or_default()
}

/// A filter's amount, as it compares with kept ones: below all of them if it is negative, above all
/// if it has more digits than any can have.
pub(crate) fn wide_operand(digits: &str) -> Option<String> {
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    if negative && !digits.is_empty() {
        return Some(String::new());
    }
    Some(match digits.len() {
        0 => wide_text(0),
        len @ 1..=98 => format!("{len:02}{digits}"),
        _ => "99".to_owned(),
    })
}

/// A time as the squid writes it: UTC with microseconds. One that has no date of four digits, such as
/// the end of a wait for ever, is shown as the last that has.
pub(crate) fn time_text(ms: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000);
    let at = at.unwrap_or_else(|_| PrimitiveDateTime::MAX.assume_utc());
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second, milli) = at.to_hms_milli();
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}000Z")
}

/// The milliseconds since 1970 of `YYYY-MM-DD`, perhaps with `THH:MM:SS`, a fraction, and `Z` or an
/// offset. Digits below milliseconds are cut off.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    if !text.is_ascii() || text.len() > 40 {
        return None;
    }
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, time),
        None => (text, "00:00:00Z"),
    };
    let at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at_checked(at)?;
    let at = PrimitiveDateTime::new(parse_date(date)?, parse_clock(clock)?).assume_offset(parse_zone(zone)?);
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

fn parse_date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    parts.next().is_none().then_some(date)
}

fn parse_clock(text: &str) -> Option<Time> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.split(':');
    let part = |text: Option<&str>| u8::try_from(number(text?)?).ok();
    let (hour, minute) = (part(parts.next())?, part(parts.next())?);
    let second = match parts.next() {
        Some(text) => part(Some(text))?,
        None => 0,
    };
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let milli = u16::try_from(number(&digits)?).ok()?;
    // A leap second is the one before it: this calendar has none.
    let time = Time::from_hms_milli(hour, minute, second.min(59), milli).ok()?;
    (parts.next().is_none() && second <= 60).then_some(time)
}

fn parse_zone(text: &str) -> Option<UtcOffset> {
    if matches!(text, "" | "Z" | "z") {
        return Some(UtcOffset::UTC);
    }
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let part = |text: &str| i8::try_from(number(text)?).ok();
    let (hours, minutes) = (part(hours)?, part(minutes)?);
    match text.chars().next()? {
        '+' => UtcOffset::from_hms(hours, minutes, 0).ok(),
        '-' => UtcOffset::from_hms(-hours, -minutes, 0).ok(),
        _ => None,
    }
}

fn number(digits: &str) -> Option<i64> {
    let plain = !digits.is_empty() && digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// The serial number of an event as its id: eight digits to the base 36, so that text order is order.
pub(crate) fn serial(mut number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut digits = Vec::with_capacity(8);
    while number > 0 || digits.len() < 8 {
        digits.push(char::from(*DIGITS.get(to_usize(number % 36)).unwrap_or(&b'0')));
        number /= 36;
    }
    digits.into_iter().rev().collect()
}

/// At most `most` bytes of a text, with a mark where it was cut.
pub(crate) fn cut(text: &str, most: u64) -> String {
    if to_u64(text.len()) <= most {
        return text.to_owned();
    }
    let mut end = to_usize(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut short = text.get(..end).unwrap_or_default().to_owned();
    // Writing to a string cannot fail.
    let _ = write!(short, "… ({} bytes)", text.len());
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn serials_are_eight_digits_and_sort() {
        assert_eq!(serial(0), "00000000");
        assert_eq!(serial(36), "00000010");
        assert_eq!(serial(35), "0000000z");
        assert!(serial(35) < serial(36));
    }

    #[test]
    fn times_have_the_squids_form() {
        assert_eq!(time_text(1_670_243_940_001), "2022-12-05T12:39:00.001000Z");
        assert_eq!(parse_time("2022-12-05T12:39:00.001Z"), Some(1_670_243_940_001));
        assert_eq!(parse_time("2022-12-05T13:39:00.001+01:00"), Some(1_670_243_940_001));
        assert_eq!(parse_time("1970-01-02"), Some(86_400_000));
        assert_eq!(parse_time("2016-12-31 23:59:60Z"), parse_time("2016-12-31T23:59:59Z"));
        assert_eq!(parse_time("1969-12-31T22:00-02:00"), Some(0));
        assert_eq!(time_text(i64::MAX), "9999-12-31T23:59:59.999000Z");
        for bad in [
            "",
            "2022-13-01",
            "2022-02-30",
            "x",
            "2022-01-01T25:00:00Z",
            "2022-01-01Tx",
            "2022-01-01T00:00:61Z",
            "2022-01-01T00:00:00+1",
            "é",
        ] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn json_is_whole_or_not_there() {
        let bytes = |count: usize| whole("a".repeat(count - 2).into());
        assert_eq!(bytes(MAX_JSON_BYTES).1, flag(false));
        assert_eq!(bytes(MAX_JSON_BYTES + 1), (Value::Null, flag(true)));
    }

    #[test]
    fn texts_are_cut_at_characters() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("aéb", 2), "a… (4 bytes)");
    }

    proptest! {
        #[test]
        fn amounts_sort_as_numbers(a in any::<u128>(), b in any::<u128>(), shift in 0_u32..128) {
            let b = b >> shift;
            prop_assert_eq!(wide_text(a).cmp(&wide_text(b)), a.cmp(&b));
            let kept = wide_text(a);
            prop_assert_eq!(wide_digits(&kept), a.to_string());
            prop_assert_eq!(wide_operand(&a.to_string()), Some(kept.clone()));
            prop_assert!(wide_operand("-7").unwrap() < kept);
            prop_assert!(wide_operand(&"9".repeat(120)).unwrap() > kept);
        }

        #[test]
        fn times_round_trip(ms in 0_i64..4_102_444_800_000) {
            prop_assert_eq!(parse_time(&time_text(ms)), Some(ms));
        }
    }
}
