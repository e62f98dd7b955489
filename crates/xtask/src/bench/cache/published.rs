//! Published traffic, read from beside the repository.

use super::trace::{Request, Trace};
use anyhow::{Context as _, Result, bail};
use fastrand::Rng;
use std::{collections::BTreeMap, path::Path, process::Command};

/// The files are of a megabyte or so; more than this is something else.
const MAX_BYTES: usize = 256 << 20;

/// How popularity and size go together.
pub(crate) struct Joint {
    /// Popularity, bytes, and the sum of the probabilities up to here.
    cells: Vec<(f64, u64, f64)>,
}

impl Joint {
    /// A line with one number starts the objects that were requested so often; each further line is a
    /// size in kilobytes and the probability of both together.
    pub(crate) fn read(folder: &Path, name: &str) -> Result<Self> {
        let text = unpack(&folder.join(format!("akamai-{name}-popularity-size.txt.gz")))?;
        let (mut popularity, mut sum, mut cells) = (0.0, 0.0, Vec::new());
        for line in text.lines() {
            match line.split_once(' ') {
                None => popularity = line.trim().parse()?,
                Some((kb, probability)) => {
                    sum += probability.trim().parse::<f64>()?;
                    cells.push((popularity, kb.parse::<u64>()?.max(1) * 1024, sum));
                }
            }
        }
        if cells.is_empty() {
            bail!("the distribution {name} is empty");
        }
        Ok(Self { cells })
    }

    /// Popularity and bytes of an object.
    pub(crate) fn draw(&self, rng: &mut Rng) -> (f64, u64) {
        let at = rng.f64() * self.cells.last().map_or(0.0, |cell| cell.2);
        let cell = self.cells[self.cells.partition_point(|cell| cell.2 <= at).min(self.cells.len() - 1)];
        (cell.0, cell.1)
    }
}

/// The trace itself: `time,object,size in kilobytes` a line.
pub(crate) fn akamai_video(folder: &Path) -> Result<Trace> {
    let text = unpack(&folder.join("akamai-video-150k.csv.gz"))?;
    let mut known: BTreeMap<u64, u32> = BTreeMap::new();
    let (mut sizes, mut requests) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let mut fields = line.split(',');
        let (Some(_), Some(object), Some(kb)) = (fields.next(), fields.next(), fields.next()) else {
            bail!("a line is not time,object,size: {line}");
        };
        let next = u32::try_from(sizes.len())?;
        let object = *known.entry(object.trim().parse()?).or_insert(next);
        if object == next {
            sizes.push(kb.trim().parse::<u64>()?.max(1) * 1024);
        }
        requests.push(Request { object, per_mille: 1000 });
    }
    Ok(Trace { sizes, requests })
}

fn unpack(path: &Path) -> Result<String> {
    let output =
        Command::new("gzip").arg("-dc").arg(path).output().context("gzip is needed to read traces")?;
    if !output.status.success() || output.stdout.len() > MAX_BYTES {
        bail!("{} cannot be unpacked", path.display());
    }
    Ok(String::from_utf8(output.stdout)?)
}
