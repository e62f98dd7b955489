//! Objects that are complete on disk.

use crate::{
    asset::Wanted,
    assets::{Asset, MAX_SMALL_BYTES},
    node::Node,
};
use argosy_content::GroupRange;
use argosy_domain::{limits::WINDOW_GROUPS, num::to_usize};
use argosy_http::{EdgeBody, EdgeMethod, EdgeResponse};
use argosy_node::{Brought, Keep, mime};
use argosy_store::{Damaged, StoredObject};
use bytes::Bytes;
use std::{fs::File, ops::Range, sync::Arc};

impl Node {
    /// The answer, if nothing must be read or proved for it first.
    pub(crate) fn hit(&self, wanted: &Wanted) -> Option<EdgeResponse> {
        let asset = &wanted.asset;
        let mime = asset.mime()?;
        if wanted.method == EdgeMethod::Head {
            if asset.small().is_none() {
                self.stored(asset)?;
            }
            return Some(wanted.answer(asset.hit_head_headers()?, mime, [wanted.declared()]));
        }
        let headers = asset.hit_headers()?;
        let answer = if let Some(bytes) = asset.small() {
            let part =
                |range: &Range<u64>| EdgeBody::Bytes(bytes.slice(to_usize(range.start)..to_usize(range.end)));
            wanted.answer(headers, mime, wanted.ranges().iter().map(part))
        } else {
            let file = self.sendable(wanted)?;
            let part = |range: &Range<u64>| {
                let (file, offset, len) = (Arc::clone(&file), range.start, range.end - range.start);
                EdgeBody::File { file, offset, len }
            };
            wanted.answer(headers, mime, wanted.ranges().iter().map(part))
        };
        self.count_sent(wanted.len());
        Some(answer)
    }

    /// The file, if all of it that is wanted was proved before.
    fn sendable(&self, wanted: &Wanted) -> Option<Arc<File>> {
        let asset = &wanted.asset;
        if asset.meta.size <= MAX_SMALL_BYTES {
            // Belongs in memory, where the slow path puts it.
            return None;
        }
        let stored = self.stored(asset)?;
        let file = stored.file()?;
        let proved = wanted.ranges().iter().all(|range| stored.is_verified(asset.groups(range)));
        proved.then(|| Arc::clone(file))
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
        // What is long and was not proved yet is proved while it is sent.
        let brought = Brought::default();
        let streamed = |range| self.streamed(wanted, range, Keep::Stored, &brought);
        let bodies: Vec<EdgeBody> = wanted.ranges().iter().map(streamed).collect();
        Some(wanted.answer(asset.hit_headers()?, asset.mime()?, bodies))
    }

    /// Finds out the type, takes small objects into memory, and proves ranges that are short.
    async fn prepare(
        self: &Arc<Self>,
        wanted: &Wanted,
        stored: &Arc<StoredObject>,
    ) -> Result<(), Option<Damaged>> {
        let (asset, stored) = (Arc::clone(&wanted.asset), Arc::clone(stored));
        let groups: Vec<GroupRange> = wanted.ranges().iter().map(|range| asset.groups(range)).collect();
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
            if groups.iter().map(|groups| groups.count()).sum::<u64>() <= WINDOW_GROUPS {
                for groups in groups {
                    stored.ensure_verified(groups)?;
                }
            }
            Ok(())
        });
        match proved.await {
            Ok(result) => result.map_err(Some),
            Err(_) => Err(None),
        }
    }
}
