//! Texts for people: safe to print, easy to read.

pub(crate) use argosy_api::text::{bytes, grouped, line};
use std::time::Duration;

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
    fn times_are_short() {
        let times =
            [0, 30, 1_000, 119_999, 120_000, 7_200_000, 200_000_000].map(Duration::from_millis).map(duration);
        assert_eq!(times, ["0 s", "30 ms", "1 s", "119 s", "2 min", "2 h", "2 d"]);
    }
}
