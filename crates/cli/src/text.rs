//! Texts for people: safe to print, easy to read.

use std::time::Duration;

/// Longest text of somebody else that is printed, in characters.
const MAX_CHARS: usize = 2_000;

/// A text from elsewhere in one line that cannot move a terminal's cursor, hide or reorder text.
pub(crate) fn line(text: &str) -> String {
    let mut clean = String::with_capacity(text.len().min(MAX_CHARS));
    let mut count = 0;
    for c in text.chars() {
        if count == MAX_CHARS {
            clean.push('…');
            break;
        }
        match c {
            '\n' | '\r' | '\t' => clean.push(' '),
            c if c.is_control() || is_invisible(c) => continue,
            c => clean.push(c),
        }
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

/// A number of bytes as people read it.
pub(crate) fn bytes(count: u64) -> String {
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

/// An amount of money in base units, its digits in groups of three.
pub(crate) fn amount(units: u128) -> String {
    let digits = units.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A length of time as people read it.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if time.subsec_millis() > 0 => format!("{} ms", time.subsec_millis()),
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_cannot_play_tricks_on_a_terminal() {
        assert_eq!(line("\u{1b}]0;owned\u{7}\u{9b}2Jhi\r\nthere\u{202e}!"), "]0;owned2Jhi  there!");
        assert_eq!(line("naïve 日本 🎬"), "naïve 日本 🎬");
        assert_eq!(line(&"x".repeat(5_000)).chars().count(), MAX_CHARS + 1);
    }

    #[test]
    fn amounts_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(amount), ["0", "999", "1 000", "1 234 567"]);
    }

    #[test]
    fn sizes_and_times_are_short() {
        let sizes = [0, 1023, 1024, 1536, 1 << 20, (3 << 30) + (1 << 29), u64::MAX].map(bytes);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "3.5 GiB", "16383.9 PiB"]);
        let times =
            [0, 30, 1_000, 119_999, 120_000, 7_200_000, 200_000_000].map(Duration::from_millis).map(duration);
        assert_eq!(times, ["0 s", "30 ms", "1 s", "119 s", "2 min", "2 h", "2 d"]);
    }
}
