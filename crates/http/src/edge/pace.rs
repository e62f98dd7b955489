//! How fast bodies leave: in all, or those of one object.
//!
//! A line in which every sender stands with one small piece at a time, and waits until those before it
//! have had their share of the rate. So all who wait get the same, nobody is passed over, and nobody
//! wakes but to send.

use std::{
    num::NonZeroU64,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A second, in nanoseconds.
const SECOND: u64 = 1_000_000_000;
/// How much of the rate may leave at once after a rest, in nanoseconds.
const BURST: u64 = SECOND / 10;
/// Pieces that a second's worth is cut into, unless they get too small or too large.
const PIECES_PER_SECOND: u64 = 20;
/// Least piece: below it a send costs more than what it sends.
const LEAST_PIECE_BYTES: u64 = 4 * 1024;
/// Largest piece: the turn of one connection.
const LARGEST_PIECE_BYTES: u64 = 1024 * 1024;

/// A bound on bytes per second, shared by all whom it binds.
#[derive(Debug)]
pub struct Pace {
    line: Mutex<Line>,
    begin: Instant,
}

impl Pace {
    /// At most so many bytes per second, and a tenth of that at once after a rest.
    #[must_use]
    pub fn new(bytes_per_second: NonZeroU64) -> Self {
        Self { line: Mutex::new(Line::new(bytes_per_second)), begin: Instant::now() }
    }

    /// Waits for its turn to send up to `wanted` bytes, and tells how many; at least one.
    pub(super) async fn turn(&self, wanted: u64) -> u64 {
        let elapsed = self.begin.elapsed();
        let now = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let (at, bytes) = {
            let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
            let bytes = wanted.min(line.piece()).max(1);
            (line.stand(now, bytes), bytes)
        };
        if at > now {
            tokio::time::sleep_until(self.begin + Duration::from_nanos(at)).await;
        }
        bytes
    }
}

/// The line itself, which is told the time, in nanoseconds since its beginning.
#[derive(Debug)]
struct Line {
    bytes_per_second: NonZeroU64,
    /// When all who stand in it have had their share.
    end: u64,
}

impl Line {
    fn new(bytes_per_second: NonZeroU64) -> Self {
        Self { bytes_per_second, end: 0 }
    }

    /// Most bytes that one may send at its turn.
    fn piece(&self) -> u64 {
        (self.bytes_per_second.get() / PIECES_PER_SECOND).clamp(LEAST_PIECE_BYTES, LARGEST_PIECE_BYTES)
    }

    /// Stands at the end of the line with `bytes`; tells when it is their turn, perhaps already.
    fn stand(&mut self, now: u64, bytes: u64) -> u64 {
        let at = self.end.max(now.saturating_sub(BURST));
        let share = u128::from(bytes) * u128::from(SECOND);
        let share = share.div_ceil(u128::from(self.bytes_per_second.get()));
        self.end = at.saturating_add(u64::try_from(share).unwrap_or(u64::MAX));
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(bytes_per_second: u64) -> Line {
        Line::new(NonZeroU64::new(bytes_per_second).unwrap())
    }

    /// Senders that always have more, each with one piece in the line; what each has sent by `until`.
    fn race(line: &mut Line, senders: usize, until: u64) -> Vec<u64> {
        let mut sent = vec![0; senders];
        // All come at once.
        let mut due: Vec<u64> = (0..senders).map(|_| line.stand(0, line.piece())).collect();
        loop {
            let next = (0..senders).min_by_key(|&sender| due[sender]).unwrap();
            if due[next] > until {
                return sent;
            }
            sent[next] += line.piece();
            due[next] = line.stand(due[next], line.piece());
        }
    }

    #[test]
    fn the_rate_is_kept_and_shared() {
        for rate in [10_000, 1_000_000, 125_000_000, 12_500_000_000] {
            for senders in [1, 3, 100] {
                let mut line = line(rate);
                let sent = race(&mut line, senders, 20 * SECOND);
                let total: u64 = sent.iter().sum();
                let (least, most) = (sent.iter().min().unwrap(), sent.iter().max().unwrap());
                assert!(most - least <= line.piece(), "{rate} {senders}: {least} to {most}");
                let allowed = rate * 20 + line.piece();
                assert!(total <= allowed, "{rate} {senders}: {total} of {allowed}");
                // A nanosecond may be lost for each piece.
                assert!(
                    total + line.piece() + total / 10_000 >= rate * 20,
                    "{rate} {senders}: {total} of {allowed}"
                );
            }
        }
    }

    #[test]
    fn a_rest_saves_up_a_little_and_no_more() {
        let mut line = line(1_000_000);
        let now = 3_600 * SECOND;
        let mut at_once = 0;
        while line.stand(now, 1_000) <= now {
            at_once += 1_000;
        }
        assert_eq!(at_once, 101_000);
        // Whoever came too late for that is told when.
        assert_eq!(line.stand(now, 1_000), now + SECOND / 500);
    }

    #[test]
    fn rounding_is_never_in_favour_of_the_sender() {
        let mut line = line(3);
        let turns: Vec<u64> = (0..4).map(|_| line.stand(0, 1)).collect();
        assert_eq!(turns, [0, 333_333_334, 666_666_668, 1_000_000_002]);
        assert_eq!(line.stand(0, u64::MAX), 1_333_333_336);
        assert!(line.stand(0, u64::MAX) > SECOND);
    }
}
