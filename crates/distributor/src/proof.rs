//! `GET /api/v1/objects/{id}/proof?bytes=A-B`: the bytes of a range with their proof, for clients that
//! think in bytes.
//!
//! The range stands in the query and not in a `Range` header, since that would be about the bytes of
//! the proof itself, and caches would take it so.

use crate::{answers, node::Node};
use argosy_api::{ErrorBody, permit::PERMIT_PARAMETER};
use argosy_content::{GroupRange, byte_range, groups_of};
use argosy_domain::{DataObjectId, limits::MAX_SLICE_GROUPS};
use argosy_http::{EdgeMethod, EdgeResponse, HeaderBlock, RangeRequest, StatusCode, range};
use argosy_store::ObjectMeta;
use std::sync::Arc;

impl Node {
    /// The slice of the groups around the range, and which bytes these are.
    pub(crate) async fn proof(
        self: Arc<Self>,
        method: EdgeMethod,
        id: DataObjectId,
        meta: ObjectMeta,
        query: Option<&str>,
    ) -> EdgeResponse {
        let groups = match groups(query.unwrap_or_default(), meta.size) {
            Ok(groups) => groups,
            Err(error) => return answers::own_error(&error),
        };
        let slice = format!("from={}&to={}", groups.start, groups.end);
        let answer = self.slices(method, id, meta, Some(&slice)).await;
        if answer.status != StatusCode::OK {
            return answer;
        }
        let bytes = byte_range(groups, meta.size);
        let held = format!("{}-{}/{}", bytes.start, bytes.end.saturating_sub(1), meta.size);
        let lines = [
            ("x-argosy-bytes", held.as_str()),
            ("access-control-expose-headers", "x-argosy-bytes, content-length"),
            ("cross-origin-resource-policy", "cross-origin"),
            ("timing-allow-origin", "*"),
        ];
        answer.with_extra(HeaderBlock::build(lines))
    }
}

/// `bytes=A-B`, as in a `Range` header, and perhaps a permit, which was looked at before.
fn groups(query: &str, size: u64) -> Result<GroupRange, ErrorBody> {
    let mut asked = query.split('&').filter(|pair| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        name != PERMIT_PARAMETER
    });
    let (Some(pair), None) = (asked.next(), asked.next()) else {
        return Err(bad_query());
    };
    if !pair.starts_with("bytes=") {
        return Err(bad_query());
    }
    match range::parse(pair, size) {
        RangeRequest::One(range) => {
            let groups = groups_of(range);
            if groups.count() <= MAX_SLICE_GROUPS { Ok(groups) } else { Err(bad_query()) }
        }
        RangeRequest::Unsatisfiable => {
            let message = format!("the data object has {size} bytes");
            Err(ErrorBody::caller(StatusCode::RANGE_NOT_SATISFIABLE, "NO_SUCH_BYTES", message))
        }
        RangeRequest::Whole | RangeRequest::Several(_) | RangeRequest::Excessive => Err(bad_query()),
    }
}

fn bad_query() -> ErrorBody {
    let message = format!(
        "expected bytes=FIRST-LAST, bytes=FIRST- or bytes=-COUNT that lie within at most {MAX_SLICE_GROUPS} groups of 16 KiB"
    );
    ErrorBody::caller(StatusCode::BAD_REQUEST, "BAD_QUERY", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_the_groups_around_them() {
        let (group, size) = (16 * 1024, 10_000_000);
        let cases = [
            ("bytes=0-0", Ok((0, 1))),
            ("bytes=16383-16384", Ok((0, 2))),
            ("bytes=16384-16384&permit=00", Ok((1, 2))),
            ("permit=00&bytes=-1", Ok((610, 611))),
            ("bytes=9999999-", Ok((610, 611))),
            (&*format!("bytes=0-{}", 256 * group - 1), Ok((0, 256))),
            (&*format!("bytes=0-{}", 256 * group), Err(400)),
            ("bytes=0-", Err(400)),
            ("bytes=10000000-", Err(416)),
            ("bytes=-0", Err(416)),
            ("bytes=0-1,5-6", Err(400)),
            ("bytes=5-1", Err(400)),
            ("bytes=", Err(400)),
            ("", Err(400)),
            ("from=0&to=1", Err(400)),
            ("bytes=0-0&bytes=1-1", Err(400)),
            ("bytes=0-0&x=1", Err(400)),
            ("Bytes=0-0", Err(400)),
        ];
        for (query, expected) in cases {
            let found = groups(query, size).map(|groups| (groups.start, groups.end));
            assert_eq!(found.map_err(|error| error.status), expected, "{query}");
        }
        assert_eq!(groups("bytes=0-", 0).unwrap_err().status, 416);
    }
}
