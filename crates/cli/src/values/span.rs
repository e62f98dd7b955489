//! Lengths of time, and times that lie ahead.

use crate::{
    calendar,
    failure::{Failure, Outcome},
};
use std::str::FromStr;

/// Units by their names, in milliseconds; the longer of two names that end alike comes first.
const UNITS: [(&str, u64); 6] =
    [("ms", 1), ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
/// How a length of time is written.
const FORM: &str = "expected a length of time such as 7d, 12h, 30m, 90s or 1d12h";

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// In milliseconds.
    pub(crate) ms: u64,
}

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut rest, mut ms) = (text, 0_u64);
        while !rest.is_empty() {
            let (part, after) = part(rest).ok_or(FORM)?;
            ms = ms.checked_add(part).ok_or("this length of time is too long")?;
            rest = after;
        }
        if text.is_empty() { Err(FORM) } else { Ok(Self { ms }) }
    }
}

/// The first number with its unit in milliseconds, and what comes after it.
fn part(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, rest) = text.split_at(digits);
    let (unit, ms) = UNITS.into_iter().find(|(unit, _)| rest.starts_with(unit))?;
    let number: u64 = number.parse().ok()?;
    Some((number.checked_mul(ms)?, rest.strip_prefix(unit)?))
}

/// A time: so long from now, or the beginning of a day in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    /// From now on.
    In(Span),
    /// In milliseconds since 1970.
    Day(u64),
}

impl Time {
    /// In milliseconds since 1970, if now is `now_ms`.
    pub(crate) fn after(self, now_ms: u64) -> Outcome<u64> {
        match self {
            Self::In(span) => {
                now_ms.checked_add(span.ms).ok_or_else(|| Failure::usage("that is too long from now"))
            }
            Self::Day(start) => Ok(start),
        }
    }
}

impl FromStr for Time {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let span = text.parse().ok().map(Self::In);
        let found = span.or_else(|| calendar::day_start(text).map(Self::Day));
        found.ok_or("expected a length of time from now such as 4h, or a day such as 2026-11-21")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_written_with_their_units() {
        for (text, ms) in [
            ("0s", 0),
            ("250ms", 250),
            ("90s", 90_000),
            ("30m", 1_800_000),
            ("12h", 43_200_000),
            ("7d", 604_800_000),
            ("2w", 1_209_600_000),
            ("1d12h", 129_600_000),
            ("1m500ms", 60_500),
        ] {
            assert_eq!(text.parse(), Ok(Span { ms }), "{text}");
        }
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        for text in ["", "7", "d", "-7d", "+7d", "7 d", "1.5h", "7days", "7D", "18446744073709551615s", "9é"]
        {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        let longest = format!("{}ms", u64::MAX);
        assert!(longest.parse::<Span>().is_ok() && format!("{longest}1ms").parse::<Span>().is_err());
    }

    #[test]
    fn a_time_is_from_now_or_a_day() {
        let after = |text: &str, now| text.parse::<Time>().unwrap().after(now);
        assert_eq!(after("4h", 1_000).unwrap(), 14_401_000);
        assert_eq!(after("2000-02-29", 1_000).unwrap(), 951_782_400_000);
        assert!(after("1ms", u64::MAX).is_err());
        assert!("tomorrow".parse::<Time>().is_err());
    }
}
