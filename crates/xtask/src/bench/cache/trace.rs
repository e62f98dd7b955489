//! Traces: which object is asked for, and how much of it.

use super::{super::as_f64, published::Joint};
use argosy_domain::num::{to_u64, to_usize};
use fastrand::Rng;

/// A request for the first bytes of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// Index in [`Trace::sizes`].
    pub(crate) object: u32,
    /// Part of it that is wanted, in thousandths, from its beginning.
    pub(crate) per_mille: u16,
}

/// Requests in order.
pub(crate) struct Trace {
    /// Bytes of each object.
    pub(crate) sizes: Vec<u64>,
    pub(crate) requests: Vec<Request>,
}

impl Trace {
    /// Bytes of the object that a request is for.
    pub(crate) fn size(&self, request: Request) -> u64 {
        self.sizes[index(request.object)]
    }

    /// Bytes that a request wants, at least one.
    pub(crate) fn wanted(&self, request: Request) -> u64 {
        let size = self.size(request);
        (size / 1000 * u64::from(request.per_mille) + size % 1000 * u64::from(request.per_mille) / 1000)
            .max(1)
    }

    /// Bytes of a cache in which all would fit that is ever wanted.
    pub(crate) fn footprint(&self) -> u64 {
        let mut most = vec![0; self.sizes.len()];
        for request in &self.requests {
            let wanted = self.wanted(*request);
            let seen: &mut u64 = &mut most[index(request.object)];
            *seen = wanted.max(*seen);
        }
        most.into_iter().sum()
    }
}

pub(crate) fn index(object: u32) -> usize {
    to_usize(object.into())
}

fn name(index: usize) -> u32 {
    // Far fewer objects are made.
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// How a trace departs from independent requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unrest {
    /// Thousandths of the objects that change their popularity with others every [`DRIFT_EVERY`] requests.
    pub(crate) drift_per_mille: usize,
    /// Thousandths of the requests that belong to scans through everything.
    pub(crate) scan_per_mille: u32,
}

impl Unrest {
    pub(crate) const NONE: Self = Self { drift_per_mille: 0, scan_per_mille: 0 };
    pub(crate) const SOME: Self = Self { drift_per_mille: 20, scan_per_mille: 50 };
}

const DRIFT_EVERY: usize = 10_000;
/// Objects in a row that a scan asks for.
const SCAN_RUN: usize = 500;

/// Draws indexes by weight.
struct Urn {
    weights: Vec<f64>,
    sums: Vec<f64>,
}

impl Urn {
    fn new(weights: Vec<f64>) -> Self {
        let mut urn = Self { weights, sums: Vec::new() };
        urn.sum();
        urn
    }

    fn sum(&mut self) {
        self.sums = self
            .weights
            .iter()
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
    }

    fn draw(&self, rng: &mut Rng) -> usize {
        let at = rng.f64() * self.sums.last().copied().unwrap_or(0.0);
        self.sums.partition_point(|sum| *sum <= at).min(self.sums.len() - 1)
    }

    fn drift(&mut self, per_mille: usize, rng: &mut Rng) {
        for _ in 0..self.weights.len() * per_mille / 1000 / 2 {
            let (one, other) = (rng.usize(..self.weights.len()), rng.usize(..self.weights.len()));
            self.weights.swap(one, other);
        }
        self.sum();
    }
}

/// Goes through all objects again and again, some at a time.
#[derive(Default)]
struct Scan {
    at: usize,
    left: usize,
}

impl Scan {
    fn next(&mut self, objects: usize, per_mille: u32, rng: &mut Rng) -> Option<usize> {
        let starts = f64::from(per_mille) / 1000.0 / as_f64(to_u64(SCAN_RUN));
        if self.left == 0 && rng.f64() < starts {
            self.left = SCAN_RUN;
        }
        self.left = self.left.checked_sub(1)?;
        self.at = (self.at + 1) % objects;
        Some(self.at)
    }
}

/// Whole objects, drawn from a published distribution of popularity and size.
pub(crate) fn drawn(joint: &Joint, objects: usize, requests: usize, unrest: Unrest, seed: u64) -> Trace {
    let mut rng = Rng::with_seed(seed);
    let drawn: Vec<(f64, u64)> = (0..objects).map(|_| joint.draw(&mut rng)).collect();
    let sizes = drawn.iter().map(|(_, size)| *size).collect();
    let mut urn = Urn::new(drawn.into_iter().map(|(popularity, _)| popularity).collect());
    let mut scan = Scan::default();
    let one = |at: usize| {
        if at > 0 && at.is_multiple_of(DRIFT_EVERY) && unrest.drift_per_mille > 0 {
            urn.drift(unrest.drift_per_mille, &mut rng);
        }
        let object = scan.next(objects, unrest.scan_per_mille, &mut rng);
        let object = object.unwrap_or_else(|| urn.draw(&mut rng));
        Request { object: name(object), per_mille: 1000 }
    };
    let requests = (0..requests).map(one).collect();
    Trace { sizes, requests }
}

/// What visitors of a video site ask for: pages of thumbnails and avatars, and now and then the
/// beginning of a video, or all of it.
pub(crate) fn site(videos: usize, requests: usize, unrest: Unrest, seed: u64) -> Trace {
    let mut rng = Rng::with_seed(seed);
    let channels = (videos / 20).max(1);
    let mut sizes = Vec::with_capacity(2 * videos + channels);
    sizes.extend((0..videos).map(|_| log_normal(&mut rng, 80e6, 1.3).clamp(500_000, 8_000_000_000)));
    sizes.extend((0..videos).map(|_| log_normal(&mut rng, 90e3, 0.6).clamp(5_000, 2_000_000)));
    sizes.extend((0..channels).map(|_| log_normal(&mut rng, 40e3, 0.8).clamp(2_000, 2_000_000)));
    let mut ranks: Vec<usize> = (1..=videos).collect();
    rng.shuffle(&mut ranks);
    let mut urn = Urn::new(ranks.into_iter().map(zipf).collect());
    let mut scan = Scan::default();
    let mut all = Vec::with_capacity(requests + 32);
    let mut drifted = 0;
    while all.len() < requests {
        if all.len() / DRIFT_EVERY > drifted && unrest.drift_per_mille > 0 {
            drifted = all.len() / DRIFT_EVERY;
            urn.drift(unrest.drift_per_mille, &mut rng);
        }
        let mut ask = |object, per_mille| all.push(Request { object: name(object), per_mille });
        if let Some(object) = scan.next(sizes.len(), unrest.scan_per_mille, &mut rng) {
            ask(object, 1000);
            continue;
        }
        let video = urn.draw(&mut rng);
        match rng.u32(..100) {
            // A page.
            0..8 => (0..12).for_each(|_| ask(videos + urn.draw(&mut rng), 1000)),
            8..40 => ask(videos + video, 1000),
            40..70 => ask(2 * videos + video % channels, 1000),
            _ => ask(video, watched(&mut rng)),
        }
    }
    Trace { sizes, requests: all }
}

/// How much of a video somebody watches: most leave early, and some stay to the end.
fn watched(rng: &mut Rng) -> u16 {
    match rng.u32(..100) {
        0..40 => rng.u16(5..100),
        40..75 => rng.u16(100..700),
        _ => 1000,
    }
}

fn zipf(rank: usize) -> f64 {
    as_f64(to_u64(rank)).powf(-0.9)
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "any size will do"
)]
fn log_normal(rng: &mut Rng, median: f64, sigma: f64) -> u64 {
    // Box and Muller's way to a normal number.
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    let normal = radius * (std::f64::consts::TAU * rng.f64()).cos();
    (median * (sigma * normal).exp()) as u64
}
