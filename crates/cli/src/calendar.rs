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
    fn what_is_no_day_is_refused() {
        for text in
            ["", "2026", "2026-13-01", "2026-02-29", "2026-1-1", "1969-12-31", "2026-01-01-01", "2026-+1-01"]
        {
            assert_eq!(day_start(text), None, "{text}");
        }
    }
}
