//! Texts for people: safe to print, easy to read.

use time::{OffsetDateTime, PrimitiveDateTime};

/// Longest text of somebody else that is printed, in characters.
pub const MAX_LINE_CHARS: usize = 2_000;

/// A text from elsewhere in one line that cannot move a terminal's cursor, hide or reorder text: at most
/// [`MAX_LINE_CHARS`] characters, and `…` where there were more.
#[must_use]
pub fn line(text: &str) -> String {
    shortened(text, MAX_LINE_CHARS)
}

/// As [`line()`], with at most `max` characters.
#[must_use]
pub fn shortened(text: &str, max: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(max));
    let mut count = 0;
    for c in text.chars() {
        let c = match c {
            '\n' | '\r' | '\t' => ' ',
            c if c.is_control() || is_invisible(c) => continue,
            c => c,
        };
        if count == max {
            clean.push('…');
            break;
        }
        clean.push(c);
        count += 1;
    }
    clean
}

/// Characters that take no room or change the direction of what follows.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A number of bytes as people read it, rounded down to a tenth: `1.5 KiB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut unit = "B";
    let (mut whole, mut rest) = (count, 0);
    for next in UNITS {
        if whole < 1024 {
            break;
        }
        rest = (whole % 1024) * 10 / 1024;
        whole /= 1024;
        unit = next;
    }
    format!("{whole}.{rest} {unit}")
}

/// A time in milliseconds since 1970 as `2026-11-21 14:03:07`, in UTC; the end of the year 9999 for all
/// later ones.
#[must_use]
pub fn utc(time_ms: u64) -> String {
    let seconds = i64::try_from(time_ms / 1_000).unwrap_or(i64::MAX);
    let at = OffsetDateTime::from_unix_timestamp(seconds);
    let at = at.unwrap_or_else(|_| PrimitiveDateTime::MAX.assume_utc());
    let ((year, month, day), (hour, minute, second)) = (at.to_calendar_date(), at.to_hms());
    format!("{year:04}-{:02}-{day:02} {hour:02}:{minute:02}:{second:02}", u8::from(month))
}

/// A number with its digits in groups of three: `12 345`.
#[must_use]
pub fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len().saturating_mul(2));
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && digits.len().saturating_sub(position).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_cannot_play_tricks_on_a_terminal() {
        assert_eq!(line("\u{1b}]0;owned\u{7}\u{9b}2Jhi\r\nthere\u{202e}!"), "]0;owned2Jhi  there!");
        assert_eq!(line("naïve 日本 🎬"), "naïve 日本 🎬");
        assert_eq!(line(&"x".repeat(5_000)).chars().count(), MAX_LINE_CHARS + 1);
        assert_eq!((shortened("abcd", 3), shortened("abc\u{7}", 3)), ("abc…".into(), "abc".into()));
    }

    #[test]
    fn sizes_are_short() {
        let sizes = [0, 1023, 1024, 1536, 1 << 20, (3 << 30) + (1 << 29), u64::MAX].map(bytes);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "3.5 GiB", "16383.9 PiB"]);
    }

    #[test]
    fn known_times_are_written_right() {
        for (time_ms, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_400_000, "2000-02-29 00:00:00"),
            (1_234_567_890_999, "2009-02-13 23:31:30"),
            (4_107_542_399_000, "2100-02-28 23:59:59"),
            (4_107_542_400_000, "2100-03-01 00:00:00"),
            (u64::MAX, "9999-12-31 23:59:59"),
        ] {
            assert_eq!(utc(time_ms), text);
        }
    }
}
