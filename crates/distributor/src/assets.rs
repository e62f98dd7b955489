//! What is remembered of objects between requests: their types, prebuilt headers, and small bodies.

use crate::answers;
use argosy_content::{GroupRange, groups_of};
use argosy_domain::{ContentId, DataObjectId, num::to_u64};
use argosy_http::{HeaderBlock, Pace};
use argosy_store::ObjectMeta;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use std::{
    collections::HashMap,
    num::NonZeroU64,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// Most objects that are remembered; what is forgotten is found out again.
const MAX_ASSETS: usize = 64 * 1024;
/// Largest object whose bytes are kept in memory.
pub(crate) const MAX_SMALL_BYTES: u64 = 64 * 1024;
/// Most bytes of such objects in all.
const MAX_SMALL_TOTAL_BYTES: u64 = 32 * 1024 * 1024;

/// An object that this node delivers.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) id: DataObjectId,
    pub(crate) meta: ObjectMeta,
    /// Strong: the content id in quotes.
    pub(crate) etag: String,
    /// `Repr-Digest` of the whole object.
    pub(crate) digest: String,
    /// How fast it may be sent.
    pub(crate) pace: Option<Arc<Pace>>,
    /// By the content of the first group, so it never changes.
    mime: OnceLock<&'static str>,
    hit_headers: OnceLock<HeaderBlock>,
    hit_head_headers: OnceLock<HeaderBlock>,
    small: OnceLock<Bytes>,
}

impl Asset {
    pub(crate) fn mime(&self) -> Option<&'static str> {
        self.mime.get().copied()
    }

    pub(crate) fn learn_mime(&self, mime: &'static str) -> &'static str {
        self.mime.get_or_init(|| mime)
    }

    /// The headers of a hit, once the type is known.
    pub(crate) fn hit_headers(&self) -> Option<HeaderBlock> {
        let mime = self.mime()?;
        Some(self.hit_headers.get_or_init(|| answers::asset_headers(self, "hit", mime)).clone())
    }

    /// The same for HEAD.
    pub(crate) fn hit_head_headers(&self) -> Option<HeaderBlock> {
        self.mime()?;
        Some(self.hit_head_headers.get_or_init(|| answers::head_headers(self, "hit")).clone())
    }

    /// All bytes, if they are kept in memory.
    pub(crate) fn small(&self) -> Option<&Bytes> {
        self.small.get()
    }

    pub(crate) fn groups(&self, range: &std::ops::Range<u64>) -> GroupRange {
        groups_of(range.clone())
    }
}

/// All objects that are remembered.
#[derive(Debug, Default)]
pub(crate) struct Assets {
    state: Mutex<State>,
    /// How fast each of them may be sent, in bytes per second.
    rate: Option<NonZeroU64>,
}

#[derive(Debug, Default)]
struct State {
    by_id: HashMap<DataObjectId, Arc<Asset>>,
    small_bytes: u64,
}

impl State {
    fn remove(&mut self, id: DataObjectId) {
        if let Some(asset) = self.by_id.remove(&id) {
            self.small_bytes = self.small_bytes.saturating_sub(asset.small().map_or(0, |b| to_u64(b.len())));
        }
    }

    /// Forgets some, in no order that anybody could rely on or exploit.
    fn forget_some(&mut self, of: impl Fn(&Asset) -> bool) {
        let count = (self.by_id.len() / 16).max(1);
        let victims: Vec<DataObjectId> =
            self.by_id.iter().filter(|(_, asset)| of(asset)).map(|(id, _)| *id).take(count).collect();
        for id in victims {
            self.remove(id);
        }
    }
}

impl Assets {
    /// None so far; each may be sent at this rate, in bytes per second.
    pub(crate) fn new(rate: Option<NonZeroU64>) -> Self {
        Self { state: Mutex::default(), rate }
    }

    /// What is remembered of an object, from now on if not before.
    pub(crate) fn get(&self, id: DataObjectId, content_id: ContentId, size: u64) -> Arc<Asset> {
        let meta = ObjectMeta { content_id, size };
        let mut state = self.state();
        if let Some(asset) = state.by_id.get(&id).filter(|asset| asset.meta == meta) {
            return Arc::clone(asset);
        }
        state.remove(id);
        if state.by_id.len() >= MAX_ASSETS {
            state.forget_some(|_| true);
        }
        let asset = Arc::new(Asset {
            id,
            meta,
            etag: format!("\"{content_id}\""),
            // Not in the registry of RFC 9530, whose recipients skip what they do not know.
            digest: format!("blake3=:{}:", BASE64.encode(content_id.0)),
            pace: self.rate.map(|rate| Arc::new(Pace::new(rate))),
            mime: OnceLock::new(),
            hit_headers: OnceLock::new(),
            hit_head_headers: OnceLock::new(),
            small: OnceLock::new(),
        });
        state.by_id.insert(id, Arc::clone(&asset));
        asset
    }

    /// Keeps the bytes of a small object in memory.
    pub(crate) fn keep_small(&self, asset: &Arc<Asset>, bytes: &Bytes) {
        let mut state = self.state();
        // One that was forgotten meanwhile is not counted, and must not be kept.
        let listed = state.by_id.get(&asset.id).is_some_and(|listed| Arc::ptr_eq(listed, asset));
        if !listed || asset.small.set(bytes.clone()).is_err() {
            return;
        }
        state.small_bytes = state.small_bytes.saturating_add(to_u64(bytes.len()));
        while state.small_bytes > MAX_SMALL_TOTAL_BYTES {
            state.forget_some(|asset| asset.small().is_some());
        }
    }

    /// Forgets an object.
    pub(crate) fn forget(&self, id: DataObjectId) {
        self.state().remove(id);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded() {
        let assets = Assets::default();
        let bytes = Bytes::from(vec![0; 64 * 1024]);
        for id in 0..2_000 {
            let asset = assets.get(DataObjectId(id), ContentId([0; 32]), 64 * 1024);
            assets.keep_small(&asset, &bytes);
        }
        let state = assets.state();
        assert!(state.small_bytes <= MAX_SMALL_TOTAL_BYTES);
        let kept: u64 = state.by_id.values().filter_map(|asset| asset.small()).map(|b| to_u64(b.len())).sum();
        assert_eq!(kept, state.small_bytes);
        drop(state);
        for id in 0..100_000 {
            assets.get(DataObjectId(id), ContentId([0; 32]), 1);
        }
        assert!(assets.state().by_id.len() <= MAX_ASSETS);
    }

    #[test]
    fn an_id_with_other_content_is_another_object() {
        let assets = Assets::default();
        let one = assets.get(DataObjectId(1), ContentId([1; 32]), 5);
        one.learn_mime("video/mp4");
        assert_eq!(one.learn_mime("image/png"), "video/mp4");
        assert_eq!(assets.get(DataObjectId(1), ContentId([1; 32]), 5).mime(), Some("video/mp4"));
        assert_eq!(assets.get(DataObjectId(1), ContentId([2; 32]), 5).mime(), None);
    }
}
