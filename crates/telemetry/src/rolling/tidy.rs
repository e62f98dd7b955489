//! What happens to log files that are not written any more: on a thread of its own, because compressing
//! takes longer than lines may wait.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
};

use flate2::{Compression, write::GzEncoder};

use super::{FilePlan, Place};

/// Compresses and removes old files.
#[derive(Debug)]
pub(super) struct Tidier {
    plan: FilePlan,
    running: Option<JoinHandle<()>>,
}

impl Tidier {
    pub(super) fn new(plan: FilePlan) -> Self {
        Self { plan, running: None }
    }

    /// Begins to look at all files before the one that is being written. What is left when the last look
    /// has not ended yet waits for the next file.
    pub(super) fn tidy(&mut self, current: Place) {
        if self.running.as_ref().is_some_and(|running| !running.is_finished()) {
            return;
        }
        let plan = self.plan.clone();
        let look = move || {
            if let Err(error) = tidy(&plan, &current) {
                tracing::warn!(%error, "old log files cannot be put in order");
            }
        };
        self.running = thread::Builder::new().name("log-archive".to_owned()).spawn(look).ok();
    }
}

impl Drop for Tidier {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}

/// Removes the oldest files beyond the number that is kept, and compresses the others. Leaves `current` and
/// what is newer alone: it may have been begun meanwhile.
pub(super) fn tidy(plan: &FilePlan, current: &Place) -> io::Result<()> {
    let files = plan.files()?;
    let surplus = files.len().saturating_sub(plan.max_files);
    for (at, file) in files.iter().enumerate() {
        if file.place >= *current {
            continue;
        }
        let plain = plan.path(&file.place);
        let path = if file.compressed { compressed(&plain) } else { plain };
        if at < surplus {
            remove(&path)?;
        } else if plan.archive && !file.compressed {
            compress(&path)?;
        }
    }
    Ok(())
}

fn compressed(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    name.into()
}

/// The file is whole under one name or the other, whatever happens in between.
fn compress(path: &Path) -> io::Result<()> {
    let mut unfinished = compressed(path).into_os_string();
    unfinished.push(".tmp");
    let unfinished = PathBuf::from(unfinished);
    let out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&unfinished)?;
    let mut encoder = GzEncoder::new(out, Compression::default());
    let copied = File::open(path).and_then(|file| io::copy(&mut BufReader::new(file), &mut encoder));
    let written = copied.and_then(|_| encoder.finish()).and_then(|file| file.sync_all());
    if let Err(error) = written {
        remove(&unfinished)?;
        return Err(error);
    }
    fs::rename(&unfinished, compressed(path))?;
    remove(path)
}

/// Another process may have been first.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
