//! What many tests do with a small network, in the words of Argus: miss, pending, hit.

use crate::{
    browser::{self, Answer, Reading},
    fake_source::Sample,
    rig::{OURS, Rig},
};
use argosy_distributor::config::Directories;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// Longest that a request of these tests may go without an answer: none may wait for ever. A viewer may for
/// 30 s, by F-E3 of the reliability specification; a busy machine takes longer.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(60);

/// An answer, unless it takes so long that it counts as never.
pub(crate) async fn watched<T>(what: &str, answer: impl Future<Output = T>) -> T {
    match tokio::time::timeout(WATCHDOG, answer).await {
        Ok(answer) => answer,
        Err(_) => panic!("{what}: nothing came in {WATCHDOG:?}"),
    }
}

/// Bytes that are known for a PNG, with `seed` in them.
pub(crate) fn png(seed: u64, size: usize) -> Arc<Sample> {
    let mut bytes = vec![0; size];
    fastrand::Rng::with_seed(seed).fill(&mut bytes);
    bytes[..16].copy_from_slice(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    Sample::of(bytes)
}

impl Rig {
    /// An object that is accepted and that no storage node has any more.
    pub(crate) async fn put_nowhere(&self, sample: &Sample) -> u64 {
        let id = self.declare(OURS, sample);
        self.accept(OURS, id);
        self.know().await;
        id
    }

    /// Puts an object, fetches it whole, and waits until it is complete.
    pub(crate) async fn put_and_fetch(&self, sample: &Arc<Sample>) -> u64 {
        let id = self.put(sample).await;
        self.assert_whole(id, sample, "miss").await;
        self.wait_for_hit(id).await;
        id
    }

    /// What the node says about where an object is, without fetching it.
    pub(crate) async fn x_cache(&self, id: u64) -> String {
        self.head(id, &[]).await.header("x-cache").to_owned()
    }

    pub(crate) async fn wait_for_hit(&self, id: u64) {
        self.wait_for(&format!("a hit of {id}"), async || self.x_cache(id).await == "hit").await;
    }

    /// Waits until nothing is being fetched.
    pub(crate) async fn wait_for_rest(&self) {
        self.wait_until("the end of all fills", |status| status["downloadsInProgress"] == 0).await;
    }

    /// Waits until something is so.
    pub(crate) async fn wait_for(&self, what: &str, mut so: impl AsyncFnMut() -> bool) {
        let deadline = Instant::now() + WATCHDOG;
        while !watched(what, so()).await {
            assert!(Instant::now() < deadline, "{what} did not come");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asks and does not wait for the end.
    pub(crate) async fn begin(&self, id: u64, headers: &[(&str, &str)]) -> Reading {
        let path = format!("/api/v1/assets/{id}");
        watched("the head of an answer", browser::begin(self.endpoint(), &path, headers)).await
    }

    /// Bytes `first` to `last`, both included.
    pub(crate) async fn part(&self, id: u64, first: usize, last: usize) -> Answer {
        watched("a range", self.get(id, &[("Range", &format!("bytes={first}-{last}"))])).await
    }

    pub(crate) async fn assert_part(&self, id: u64, sample: &Sample, first: usize, last: usize) {
        let answer = self.part(id, first, last).await;
        assert_eq!(answer.status, 206, "{}", answer.head());
        assert_eq!(answer.header("content-length"), (last - first + 1).to_string());
        assert_eq!(answer.header("content-range"), format!("bytes {first}-{last}/{}", sample.size()));
        assert!(answer.body == sample.bytes[first..=last], "{first}-{last} of {id}");
    }

    /// Files of complete objects on disk.
    pub(crate) fn data_files(&self) -> usize {
        files_below(&self.config.directories.assets)
            .iter()
            .filter(|path| path.extension().is_some_and(|ending| ending == "data"))
            .count()
    }

    /// What a kill leaves: the folders as they are on disk at this moment are those of the next start.
    pub(crate) async fn kill_and_start(&mut self) {
        self.images += 1;
        let Directories { assets, cache_state } = self.config.directories.clone();
        let image = |folder: &Path| folder.with_extension(format!("image{}", self.images));
        let after = Directories { assets: image(&assets), cache_state: image(&cache_state) };
        copy_folder(&assets, &after.assets);
        copy_folder(&cache_state, &after.cache_state);
        self.stop().await;
        self.config.directories = after;
        self.start().await;
    }
}

/// All files below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// A file may go while others are copied.
fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else if let Err(error) = std::fs::copy(&path, &target) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{}", path.display());
        }
    }
}
