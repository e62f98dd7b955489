//! Times as people write them: days of the Gregorian calendar, in UTC.

pub(crate) use argosy_api::text::utc;
use time::{Date, Month, PrimitiveDateTime, Time};

/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// The beginning of a day written as `2026-11-21`, in milliseconds since 1970; days since then only.
pub(crate) fn day_start(text: &str) -> Option<u64> {
    let mut parts = text.split('-');
    let mut part = |length: usize| {
        let part = parts.next()?;
        let plain = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        if plain { part.parse::<u16>().ok() } else { None }
    };
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    if parts.next().is_some() {
        return None;
    }
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()?;
    let start = PrimitiveDateTime::new(date, Time::MIDNIGHT).assume_utc().unix_timestamp();
    u64::try_from(start).ok()?.checked_mul(1_000)
}

/// A time written as `2026-11-21T14:03:07.250000Z`, in milliseconds since 1970; what is finer than that
/// is dropped.
pub(crate) fn utc_ms(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut parts = time.split(':');
    let mut part = |most: u64| {
        let part = parts.next().filter(|part| part.len() == 2)?;
        number(part).filter(|value| *value <= most)
    };
    let seconds = (part(23)? * 60 + part(59)?) * 60 + part(60)?;
    if parts.next().is_some() {
        return None;
    }
    let thousandths = number(format!("{fraction:0<3}").get(..3)?)?;
    day_start(date)?.checked_add(seconds * 1_000 + thousandths)
}

/// Digits only.
fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// The last millisecond of the day that begins there.
pub(crate) fn day_end(start_ms: u64) -> u64 {
    start_ms.saturating_add(DAY_MS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_read_as_it_is_written() {
        for day in 0..60_000 {
            let text = utc(day * DAY_MS);
            let (date, time) = text.split_once(' ').unwrap();
            assert_eq!((day_start(date), time), (Some(day * DAY_MS), "00:00:00"));
        }
    }

    #[test]
    fn stamps_are_read_to_the_millisecond() {
        for (text, time_ms) in [
            ("1970-01-01T00:00:01Z", 1_000),
            ("2009-02-13T23:31:30.999000Z", 1_234_567_890_999),
            ("2009-02-13T23:31:30.9Z", 1_234_567_890_900),
        ] {
            assert_eq!(utc_ms(text), Some(time_ms));
        }
        for text in ["", "2009-02-13", "2009-02-13T23:31:30", "2009-02-13T24:00:00Z", "2009-02-13T1:2:3Z"] {
            assert_eq!(utc_ms(text), None, "{text}");
        }
        assert_eq!(utc_ms("2009-02-13T23:31:30.éZ"), None);
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in
            ["", "2026", "2026-13-01", "2026-02-29", "2026-1-1", "1969-12-31", "2026-01-01-01", "2026-+1-01"]
        {
            assert_eq!(day_start(text), None, "{text}");
        }
    }
}
