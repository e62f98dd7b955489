//! How fast a value grows, told from samples with noise.

/// A slope and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slope {
    /// The median of the slopes between any two samples: single odd ones do not move it.
    pub(super) median: f64,
    /// 95 % of what could be.
    pub(super) low: f64,
    /// As there.
    pub(super) high: f64,
}

/// 95 % of a normal distribution lie within so many standard deviations.
const DEVIATIONS: f64 = 1.96;
/// With fewer samples the interval says nothing.
const MIN_SAMPLES: usize = 5;

impl Slope {
    /// From samples of time and value. None if there are too few.
    ///
    /// Source: Theil and Sen's estimator, with Sen's interval from the variance of Kendall's statistic. It
    /// takes samples for independent; memory is not quite, so that the interval is somewhat too narrow.
    pub(super) fn of(samples: &[(f64, f64)]) -> Option<Self> {
        if samples.len() < MIN_SAMPLES {
            return None;
        }
        let mut slopes: Vec<f64> = Vec::new();
        for (at, (time, value)) in samples.iter().enumerate() {
            slopes.extend(samples[..at].iter().map(|(before, was)| (value - was) / (time - before)));
        }
        slopes.sort_by(f64::total_cmp);
        let n = real(samples.len());
        let spread = DEVIATIONS * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
        let pairs = real(slopes.len());
        let at = |rank: f64| {
            let index = (0..slopes.len()).rfind(|&index| real(index) <= rank).unwrap_or_default();
            slopes.get(index).copied()
        };
        Some(Self {
            median: at((pairs - 1.0) / 2.0)?,
            low: at((pairs - spread) / 2.0)?,
            high: at((pairs + spread) / 2.0)?,
        })
    }
}

#[expect(clippy::as_conversions, reason = "counts of samples are small")]
fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples that grow by `slope`, with noise of up to `noise` to both sides.
    fn samples(slope: f64, noise: f64, seed: u64) -> Vec<(f64, f64)> {
        let mut random = fastrand::Rng::with_seed(seed);
        let at = |n: u32, random: &mut fastrand::Rng| {
            let time = f64::from(n) / 60.0;
            (time, 50.0 + slope * time + noise * (2.0 * random.f64() - 1.0))
        };
        (0..60).map(|n| at(n, &mut random)).collect()
    }

    #[test]
    fn a_slope_is_found_in_noise_and_none_where_there_is_none() {
        for seed in 0..50 {
            for truth in [0.0, 3.0, -2.0] {
                let slope = Slope::of(&samples(truth, 0.5, seed)).unwrap();
                assert!((slope.median - truth).abs() < 0.8, "seed {seed}: {slope:?} for {truth}");
                assert!(slope.low <= slope.median && slope.median <= slope.high, "{slope:?}");
                assert!(slope.high - slope.low < 2.0, "seed {seed}: {slope:?}");
            }
        }
    }

    #[test]
    fn odd_samples_do_not_move_it() {
        let mut spiked = samples(0.0, 0.1, 1);
        for at in [10, 35, 50, 59] {
            spiked[at].1 += 100.0;
        }
        let slope = Slope::of(&spiked).unwrap();
        assert!(slope.median.abs() < 0.2, "{slope:?}");
    }

    #[test]
    fn a_few_samples_say_nothing() {
        assert_eq!(Slope::of(&samples(1.0, 0.0, 1)[..4]), None);
        let slope = Slope::of(&samples(1.0, 0.0, 1)[..5]).unwrap();
        assert!((slope.low - 1.0).abs() < 1e-9 && (slope.high - 1.0).abs() < 1e-9);
    }
}
