//! How values are kept in columns, and shown in answers.
//!
//! Amounts go beyond SQLite's 64-bit integers, and must sort and compare as numbers. They are kept as
//! their decimal digits with two digits of length in front: such texts sort as the numbers do.

use argosy_domain::num::{to_u64, to_usize};
use rusqlite::types::Value;
use std::fmt::Write as _;

const MS_PER_DAY: i64 = 24 * 60 * 60 * 1_000;

/// Any text: ids, names, accounts.
pub(crate) fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

/// A text that may be absent.
pub(crate) fn maybe_text(value: Option<&str>) -> Value {
    value.map_or(Value::Null, text)
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

/// A time as the squid writes it: UTC with microseconds.
pub(crate) fn time_text(ms: i64) -> String {
    let days = ms.div_euclid(MS_PER_DAY);
    let in_day = ms.rem_euclid(MS_PER_DAY);
    let (year, month, day) = civil(days);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, milli) = (in_day / 1_000 % 60, in_day % 1_000);
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
    let mut parts = date.split('-');
    let (year, month, day) = (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let days = days_of_civil(year, month, day);
    if civil(days) != (year, month, day) {
        return None;
    }
    Some(days * MS_PER_DAY + time_of_day_ms(time)?)
}

fn time_of_day_ms(text: &str) -> Option<i64> {
    let at = text.find(['Z', 'z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(at);
    let offset = match zone.chars().next() {
        None | Some('Z' | 'z') if zone.len() <= 1 => 0,
        Some(sign @ ('+' | '-')) => {
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let minutes = number(hours)? * 60 + number(minutes)?;
            if sign == '+' { minutes } else { -minutes }
        }
        _ => return None,
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = clock.split(':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let second = parts.next().map_or(Some(0), number)?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some(((hour * 60 + minute - offset) * 60 + second) * 1_000 + number(&digits)?)
}

fn number(digits: &str) -> Option<i64> {
    let plain = !digits.is_empty() && digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// Year, month and day of a day counted from 1970-01-01 in the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of the year; 146 097 days are the
/// 400 years after which the calendar repeats itself.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_of_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
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
        assert_eq!(parse_time("1970-01-02"), Some(MS_PER_DAY));
        for bad in ["", "2022-13-01", "2022-02-30", "x", "2022-01-01T25:00:00Z", "2022-01-01Tx", "é"] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
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
