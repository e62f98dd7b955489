//! `GET /api/v1/objects/{id}/slices`: bytes with their proof, for those who check them.

use crate::{answers, node::Node};
use argosy_api::{ErrorBody, Retry, SLICE_MEDIA_TYPE, permit::PERMIT_PARAMETER};
use argosy_content::{GroupRange, GroupSet, byte_range, group_count, slice_len};
use argosy_domain::{DataObjectId, limits::MAX_SLICE_GROUPS};
use argosy_http::{EdgeBody, EdgeMethod, EdgeResponse, HeaderBlock, StatusCode};
use argosy_node::{FillError, Keep, ReadRequest, held};
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
        let query = parse_query(query.unwrap_or_default()).ok_or_else(bad_query)?;
        let groups = match query.groups {
            _ if query.held && method == EdgeMethod::Head => return self.held(id, meta).await,
            Some(groups) => groups,
            None => return Err(bad_query()),
        };
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
        // One that is evicted meanwhile can still be read, so that other nodes' needs pin nothing here.
        let pin = (!query.held).then(|| self.cache.admit(id));
        let slice = if query.held {
            self.held_slice(id, meta, groups).await.ok_or_else(|| not_held(id))?
        } else {
            self.open_slice(id, meta, groups).await?
        };
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
        Ok(EdgeResponse::new(StatusCode::OK, EdgeBody::bytes_stream(len, stream)).with_headers(headers))
    }

    /// 200 with the groups that are here in a header, for nodes that look for a source.
    async fn held(self: &Arc<Self>, id: DataObjectId, meta: ObjectMeta) -> Result<EdgeResponse, ErrorBody> {
        let store = self.store.clone();
        let looked = tokio::task::spawn_blocking(move || {
            if store.get(id).is_some_and(|stored| stored.meta() == meta) {
                return held::to_header(&GroupSet::full(group_count(meta.size)));
            }
            held::to_header(&store.existing_partial(id, meta).ok()??.have())
        });
        let runs = looked.await.ok().flatten().ok_or_else(|| not_held(id))?;
        let headers = HeaderBlock::build([
            ("access-control-allow-origin", "*"),
            (held::HELD_HEADER, runs.as_str()),
            ("cache-control", "no-store"),
        ]);
        Ok(EdgeResponse::new(StatusCode::OK, EdgeBody::Empty).with_headers(headers))
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

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Query {
    groups: Option<GroupRange>,
    /// From what is here only: nothing is fetched for it.
    held: bool,
}

/// `from=A&to=B` and `held=1`, in any order, and perhaps a permit; nothing else.
fn parse_query(query: &str) -> Option<Query> {
    let (mut from, mut to, mut held) = (None, None, false);
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=')?;
        let slot = match name {
            "from" => &mut from,
            "to" => &mut to,
            // Was looked at before.
            PERMIT_PARAMETER => continue,
            "held" if value == "1" => {
                held = true;
                continue;
            }
            _ => return None,
        };
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *slot = Some(value.parse().ok()?);
    }
    let groups = match (from, to) {
        (Some(from), Some(to)) => Some(GroupRange::new(from, to)),
        (None, None) if held => None,
        _ => return None,
    };
    let fits = groups.is_none_or(|groups| !groups.is_empty() && groups.count() <= MAX_SLICE_GROUPS);
    fits.then_some(Query { groups, held })
}

fn bad_query() -> ErrorBody {
    let message = format!(
        "expected from=A&to=B with A below B by at most {MAX_SLICE_GROUPS} groups, and held=1 for what is here already"
    );
    ErrorBody::caller(StatusCode::BAD_REQUEST, "BAD_QUERY", message)
}

fn not_held(id: DataObjectId) -> ErrorBody {
    let message = format!("that of data object {id} is not here");
    ErrorBody::caller(StatusCode::NOT_FOUND, "NOT_HELD", message).with_retry(Retry::Elsewhere)
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
        let asked = |from, to, held| Some(Query { groups: Some(GroupRange::new(from, to)), held });
        assert_eq!(parse_query("from=0&to=1"), asked(0, 1, false));
        assert_eq!(parse_query("to=256&from=0"), asked(0, 256, false));
        assert_eq!(parse_query("to=2&permit=00&from=0"), asked(0, 2, false));
        assert_eq!(parse_query("held=1&to=9&from=5"), asked(5, 9, true));
        assert_eq!(parse_query("held=1"), Some(Query { groups: None, held: true }));
        for bad in [
            "",
            "from=0",
            "from=1&to=1",
            "from=2&to=1",
            "from=0&to=257",
            "from=-1&to=1",
            "from=0&to=1&x=1",
            "held=0&from=0&to=1",
            "held=1&from=0",
            "held",
            "from=&to=1",
            "from=0&to=99999999999999999999",
        ] {
            assert_eq!(parse_query(bad), None, "{bad}");
        }
    }
}
