//! Objects that come and go.

use super::clients::{Counts, Gate};
use crate::bench::edge::origin::Origin;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::{
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Objects that are replaced at a time.
const BATCH: usize = 4;
/// Between two times.
const PAUSE: Duration = Duration::from_secs(1);
/// Seed of the one object that the node does not deliver.
const ELSEWHERE_SEED: u64 = 1 << 40;

/// An object, whose bytes are those of its seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) id: String,
    pub(super) size: u64,
    pub(super) seed: u64,
}

/// What can be asked for.
pub(super) struct Catalogue {
    objects: Mutex<Vec<Object>>,
    /// Object of a bag of others.
    pub(super) elsewhere: String,
}

impl Catalogue {
    /// Puts so many objects, and one into a bag that no bucket has.
    pub(super) fn fill(origin: &Origin, count: usize, seed: u64) -> Result<Self> {
        let mut random = fastrand::Rng::with_seed(seed);
        let sizes: Vec<u64> = (0..count).map(|_| size(&mut random)).collect();
        let ids = origin.put(&sizes, 0)?;
        let objects = ids.into_iter().zip(sizes).zip(0..);
        let objects = objects.map(|((id, size), seed)| Object { id, size, seed }).collect();
        Ok(Self { objects: Mutex::new(objects), elsewhere: elsewhere(origin)? })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Object>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One of them; few are asked for often.
    pub(super) fn pick(&self, random: &mut fastrand::Rng) -> Option<Object> {
        let objects = self.lock();
        let count = objects.len();
        // Of three draws the first of all places: some are eight times as popular as the average.
        let at = (0..3).map(|_| random.usize(..count.max(1))).min().unwrap_or_default();
        objects.get(at).cloned()
    }

    /// One of those that are largest among a few.
    pub(super) fn pick_large(&self, random: &mut fastrand::Rng) -> Option<Object> {
        (0..8).filter_map(|_| self.pick(random)).max_by_key(|object| object.size)
    }

    pub(super) fn has(&self, object: &Object) -> bool {
        self.lock().contains(object)
    }
}

/// Thumbnails by the hundred, and a few films.
fn size(random: &mut fastrand::Rng) -> u64 {
    match random.u32(..100) {
        0..70 => random.u64(1..64 << 10),
        70..90 => random.u64(64 << 10..1 << 20),
        90..99 => random.u64(1 << 20..4 << 20),
        _ => random.u64(4 << 20..16 << 20),
    }
}

/// An object whose bag is taken away from the distributor.
fn elsewhere(origin: &Origin) -> Result<String> {
    let id = origin.put_as("//Bob", &[1000], ELSEWHERE_SEED)?.pop().context("nothing was put")?;
    let object = origin.network.json(&origin.network.directory, &format!("/api/v1/objects/{id}"))?;
    let bag = object["bag"].as_str().context("the object has no bag")?.to_owned();
    argosy(origin, &["distribution", "leader", "update-bag", "-b", &bag, "-f", "0", "-r", "0", "--yes"])?;
    Ok(id)
}

fn argosy(origin: &Origin, arguments: &[&str]) -> Result<Value> {
    let mut command = Command::new(&origin.program);
    command.args(arguments).env("ARGOSY_DIRECTORY", &origin.network.directory);
    command.env("ARGOSY_STATE", origin.network.folder.join("state"));
    let output = command.output()?;
    if !output.status.success() {
        bail!("argosy {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap_or_default())
}

/// Replaces objects as long as traffic is let in.
pub(super) struct Churn<'a> {
    origin: &'a Origin,
    catalogue: Arc<Catalogue>,
    seed: u64,
}

impl<'a> Churn<'a> {
    pub(super) fn new(origin: &'a Origin, catalogue: &Arc<Catalogue>, seed: u64) -> Self {
        Self { origin, catalogue: Arc::clone(catalogue), seed }
    }

    /// Until the gate ends. What goes wrong is counted as an answer that does.
    pub(super) fn run(&self, gate: &Gate, counts: &Counts) {
        let mut random = fastrand::Rng::with_seed(self.seed ^ 1);
        let mut next = u64::try_from(super::OBJECTS).unwrap_or_default();
        while gate.enter() {
            if let Err(error) = self.replace(&mut random, next, counts) {
                counts.fail(format!("{error:#}"));
            }
            next += u64::try_from(BATCH).unwrap_or_default();
            gate.leave();
            super::rest(PAUSE);
        }
    }

    fn replace(&self, random: &mut fastrand::Rng, seed: u64, counts: &Counts) -> Result<()> {
        let sizes: Vec<u64> = (0..BATCH).map(|_| size(random)).collect();
        let ids = self.origin.put(&sizes, seed)?;
        let mut gone = Vec::new();
        {
            let mut objects = self.catalogue.lock();
            for ((id, size), seed) in ids.into_iter().zip(sizes).zip(seed..) {
                let at = random.usize(..objects.len());
                gone.push(std::mem::replace(&mut objects[at], Object { id, size, seed }).id);
            }
        }
        let mut arguments = vec!["rm", "--json"];
        arguments.extend(gone.iter().map(String::as_str));
        argosy(self.origin, &arguments)?;
        counts.replaced(gone.len());
        Ok(())
    }
}
