//! `GET /api/v1/objects/{id}/slices`: bytes with their proof, for those who check them.

use crate::{answers, node::Node};
use argosy_api::{ErrorBody, Retry, SLICE_MEDIA_TYPE, permit::PERMIT_PARAMETER};
use argosy_content::{GroupRange, byte_range, group_count, slice_len};
use argosy_domain::{DataObjectId, limits::MAX_SLICE_GROUPS};
use argosy_http::{EdgeBody, EdgeMethod, EdgeResponse, HeaderBlock, StatusCode};
use argosy_node::{FillError, Keep, ReadRequest};
use argosy_store::{ObjectMeta, ObjectSlice};
use futures_util::stream;
use std::{io, sync::Arc, time::Duration};
use tokio::time::Instant;

/// How long a fetched group may take to the disk, from where slices are read.
const WRITE_WAIT: Duration = Duration::from_secs(5);
const WRITE_POLL: Duration = Duration::from_millis(2);

impl Node {
    /// Answers from what is held; what is missing is fetched first.
    pub(crate) async fn slices(
        self: Arc<Self>,
        method: EdgeMethod,
        id: DataObjectId,
        meta: ObjectMeta,
        query: Option<&str>,
    ) -> EdgeResponse {
        match self.slice(method, id, meta, query).await {
            Ok(answer) => answer,
            Err(error) => answers::own_error(&error),
        }
    }

    async fn slice(
        self: &Arc<Self>,
        method: EdgeMethod,
        id: DataObjectId,
        meta: ObjectMeta,
        query: Option<&str>,
    ) -> Result<EdgeResponse, ErrorBody> {
        let groups = parse_query(query.unwrap_or_default()).ok_or_else(bad_query)?;
        if groups.end > group_count(meta.size) {
            let message = format!("data object {id} has {} groups", group_count(meta.size));
            return Err(ErrorBody::caller(StatusCode::RANGE_NOT_SATISFIABLE, "NO_SUCH_GROUPS", message));
        }
        let len = slice_len(meta.size, groups);
        let headers = HeaderBlock::build([
            ("access-control-allow-origin", "*"),
            ("content-type", SLICE_MEDIA_TYPE),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "public, max-age=31536000, immutable"),
        ]);
        if method == EdgeMethod::Head {
            return Ok(EdgeResponse::new(StatusCode::OK, EdgeBody::Declared { len }).with_headers(headers));
        }
        let pin = self.cache.admit(id);
        let slice = self.open_slice(id, meta, groups).await?;
        let data = byte_range(groups, meta.size);
        self.count_sent(data.end - data.start);
        let fills = self.fills.clone();
        let stream = stream::try_unfold((slice, fills, pin), |(mut slice, fills, pin)| async {
            let step = tokio::task::spawn_blocking(move || (slice.next_chunk(), slice));
            let (chunk, slice) = step.await.map_err(io::Error::other)?;
            match chunk {
                Ok(chunk) => Ok(chunk.map(|chunk| (chunk, (slice, fills, pin)))),
                Err(damaged) => {
                    let text = damaged.to_string();
                    fills.repair(damaged).await;
                    Err(io::Error::other(text))
                }
            }
        });
        let body = EdgeBody::Stream { len, stream: Box::pin(stream) };
        Ok(EdgeResponse::new(StatusCode::OK, body).with_headers(headers))
    }

    async fn open_slice(
        self: &Arc<Self>,
        id: DataObjectId,
        meta: ObjectMeta,
        groups: GroupRange,
    ) -> Result<ObjectSlice, ErrorBody> {
        if let Some(slice) = self.held_slice(id, meta, groups).await {
            return Ok(slice);
        }
        if meta.size > self.config.limits.max_object_bytes() {
            return Err(not_kept(id));
        }
        let request = ReadRequest { id, meta, range: byte_range(groups, meta.size), keep: Keep::Stored };
        let mut reader = self.fills.reader(request);
        let failed = |error| self.no_role_key(id).unwrap_or_else(|| not_fetched(id, error));
        while reader.next_chunk().await.map_err(failed)?.is_some() {}
        // The reader was served from memory. While it stays, so does its fill, which writes.
        let deadline = Instant::now() + WRITE_WAIT;
        loop {
            if let Some(slice) = self.held_slice(id, meta, groups).await {
                return Ok(slice);
            }
            if Instant::now() >= deadline {
                return Err(not_kept(id));
            }
            tokio::time::sleep(WRITE_POLL).await;
        }
    }

    /// The slice, if all its groups are on disk.
    async fn held_slice(
        self: &Arc<Self>,
        id: DataObjectId,
        meta: ObjectMeta,
        groups: GroupRange,
    ) -> Option<ObjectSlice> {
        if let Some(stored) = self.store.get(id).filter(|stored| stored.meta() == meta) {
            return Some(stored.encode_slice(groups));
        }
        let store = self.store.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let partial = store.existing_partial(id, meta).ok()??;
            partial.encode_slice(groups).ok()
        });
        opened.await.ok().flatten()
    }
}

/// `from=A&to=B`, in any order, and perhaps a permit; nothing else.
fn parse_query(query: &str) -> Option<GroupRange> {
    let (mut from, mut to) = (None, None);
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=')?;
        let slot = match name {
            "from" => &mut from,
            "to" => &mut to,
            // Was looked at before.
            PERMIT_PARAMETER => continue,
            _ => return None,
        };
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *slot = Some(value.parse().ok()?);
    }
    let groups = GroupRange::new(from?, to?);
    (!groups.is_empty() && groups.count() <= MAX_SLICE_GROUPS).then_some(groups)
}

fn bad_query() -> ErrorBody {
    let message = format!("expected from=A&to=B with A below B by at most {MAX_SLICE_GROUPS} groups");
    ErrorBody::caller(StatusCode::BAD_REQUEST, "BAD_QUERY", message)
}

fn not_kept(id: DataObjectId) -> ErrorBody {
    let message = format!("data object {id} cannot be cached here");
    ErrorBody::this_node(StatusCode::SERVICE_UNAVAILABLE, "NOT_HELD", message).with_retry(Retry::Elsewhere)
}

fn not_fetched(id: DataObjectId, error: FillError) -> ErrorBody {
    let message = format!("data object {id} cannot be fetched: {error}");
    ErrorBody::upstream(StatusCode::BAD_GATEWAY, "NOT_FETCHED", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_asked_for_in_one_way() {
        assert_eq!(parse_query("from=0&to=1"), Some(GroupRange::new(0, 1)));
        assert_eq!(parse_query("to=256&from=0"), Some(GroupRange::new(0, 256)));
        assert_eq!(parse_query("to=2&permit=00&from=0"), Some(GroupRange::new(0, 2)));
        for bad in [
            "",
            "from=0",
            "from=1&to=1",
            "from=2&to=1",
            "from=0&to=257",
            "from=-1&to=1",
            "from=0&to=1&x=1",
            "from=&to=1",
            "from=0&to=99999999999999999999",
        ] {
            assert_eq!(parse_query(bad), None, "{bad}");
        }
    }
}
