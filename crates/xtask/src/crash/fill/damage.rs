//! What a bad disk does to the files of a cache while nobody looks.

use anyhow::Result;
use std::{
    fs,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

/// Most places that are damaged in one file.
const MAX_PLACES: u8 = 6;

/// What was damaged.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Damage {
    pub(crate) data_files: u64,
    pub(crate) tree_files: u64,
    pub(crate) map_files: u64,
}

/// Flips bytes in about half of the files of objects, of all kinds.
pub(crate) fn inflict(assets: &Path, draw: &mut fastrand::Rng) -> Result<Damage> {
    let mut files = Vec::new();
    gather(assets, &mut files)?;
    // The order of a directory is not the seed's.
    files.sort();
    let mut damage = Damage::default();
    for path in files {
        let count = match path.extension().and_then(|extension| extension.to_str()) {
            Some("part" | "data") => &mut damage.data_files,
            Some("obao" | "tree") => &mut damage.tree_files,
            Some("map") => &mut damage.map_files,
            Some(_) | None => continue,
        };
        if draw.bool() && flip(&path, draw)? {
            *count += 1;
        }
    }
    Ok(damage)
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { gather(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// Changes some runs of bytes, to zeros, to ones, or each bit to its opposite.
fn flip(path: &Path, draw: &mut fastrand::Rng) -> Result<bool> {
    let file = fs::OpenOptions::new().read(true).write(true).open(path)?;
    let len = file.metadata()?.len();
    if len == 0 {
        return Ok(false);
    }
    for _ in 0..draw.u8(1..=MAX_PLACES) {
        let at = draw.u64(0..len);
        let mut run = vec![0; usize::try_from((len - at).min(draw.u64(1..200)))?];
        file.read_exact_at(&mut run, at)?;
        let kind = draw.u8(0..3);
        run.iter_mut().for_each(|byte| {
            *byte = match kind {
                0 => 0,
                1 => 0xff,
                _ => !*byte,
            };
        });
        file.write_all_at(&run, at)?;
    }
    Ok(true)
}
