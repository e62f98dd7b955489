//! Objects that are complete on disk.

use crate::{
    asset::Wanted,
    assets::{Asset, MAX_SMALL_BYTES},
    node::Node,
};
use argosy_content::GroupRange;
use argosy_domain::{limits::WINDOW_GROUPS, num::to_usize};
use argosy_http::{EdgeBody, EdgeMethod, EdgeResponse};
use argosy_node::{Keep, ReadRequest, mime};
use argosy_store::{Damaged, StoredObject};
use bytes::Bytes;
use futures_util::StreamExt as _;
use std::sync::Arc;

impl Node {
    /// The answer, if nothing must be read or proved for it first.
    pub(crate) fn hit(&self, wanted: &Wanted) -> Option<EdgeResponse> {
        let asset = &wanted.asset;
        let headers = asset.hit_headers()?;
        let body = match asset.small() {
            Some(bytes) => {
                EdgeBody::Bytes(bytes.slice(to_usize(wanted.range.start)..to_usize(wanted.range.end)))
            }
            None => {
                let stored = self.stored(asset)?;
                if wanted.method == EdgeMethod::Head {
                    wanted.declared()
                } else {
                    self.sendable(wanted, &stored)?
                }
            }
        };
        self.cache.touch(asset.id);
        if wanted.method == EdgeMethod::Get {
            self.count_sent(wanted.len());
        }
        Some(wanted.answer(headers, body))
    }

    /// The part of the file that is wanted, if all of it was proved before.
    fn sendable(&self, wanted: &Wanted, stored: &StoredObject) -> Option<EdgeBody> {
        if wanted.asset.meta.size <= MAX_SMALL_BYTES {
            // Belongs in memory, where the slow path puts it.
            return None;
        }
        let file = stored.file()?;
        let proved = stored.is_verified(wanted.asset.groups(&wanted.range));
        proved.then(|| EdgeBody::File {
            file: Arc::clone(file),
            offset: wanted.range.start,
            len: wanted.len(),
        })
    }

    /// The object on disk, unless what is there under its id is something else.
    fn stored(&self, asset: &Asset) -> Option<Arc<StoredObject>> {
        self.store.get(asset.id).filter(|stored| stored.meta() == asset.meta)
    }

    /// The answer from disk after reading and proving; none if the object is not complete, or damaged.
    pub(crate) async fn slow_hit(self: &Arc<Self>, wanted: &Wanted) -> Option<EdgeResponse> {
        let asset = &wanted.asset;
        let stored = self.stored(asset)?;
        match self.prepare(wanted, &stored).await {
            Ok(()) => {}
            Err(damaged) => {
                // Demoted: a miss that fetches only what is damaged.
                self.fills.repair(damaged?).await;
                return None;
            }
        }
        if let Some(answer) = self.hit(wanted) {
            return Some(answer);
        }
        // A long range that was not proved yet is proved while it is sent.
        let request =
            ReadRequest { id: asset.id, meta: asset.meta, range: wanted.range.clone(), keep: Keep::Stored };
        let pin = self.cache.admit(asset.id);
        let node = Arc::clone(self);
        let stream = self.fills.reader(request).into_stream().inspect(move |chunk| {
            let _kept = &pin;
            if let Ok(bytes) = chunk {
                node.count_sent(argosy_domain::num::to_u64(bytes.len()));
            }
        });
        let body = EdgeBody::Stream { len: wanted.len(), stream: Box::pin(stream) };
        Some(wanted.answer(asset.hit_headers()?, body))
    }

    /// Finds out the type, takes small objects into memory, and proves ranges that are short.
    async fn prepare(
        self: &Arc<Self>,
        wanted: &Wanted,
        stored: &Arc<StoredObject>,
    ) -> Result<(), Option<Damaged>> {
        let (asset, stored) = (Arc::clone(&wanted.asset), Arc::clone(stored));
        let groups = asset.groups(&wanted.range);
        let node = Arc::clone(self);
        let proved = tokio::task::spawn_blocking(move || {
            if asset.meta.size <= MAX_SMALL_BYTES {
                let groups = stored.read_verified(GroupRange::whole(asset.meta.size))?;
                let bytes = Bytes::from(groups.concat());
                asset.learn_mime(mime::of_prefix(&bytes));
                node.assets.keep_small(&asset, &bytes);
                return Ok(());
            }
            if asset.mime().is_none() {
                let first = stored.read_verified(GroupRange::one(0))?;
                asset.learn_mime(mime::of_prefix(first.first().map_or(&[], |bytes| bytes.as_ref())));
            }
            if groups.count() <= WINDOW_GROUPS {
                stored.ensure_verified(groups)?;
            }
            Ok(())
        });
        match proved.await {
            Ok(result) => result.map_err(Some),
            Err(_) => Err(None),
        }
    }
}
