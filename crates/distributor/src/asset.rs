//! `GET` and `HEAD /api/v1/assets/{id}`: what to send, decided without waiting.

use crate::{answers, assets::Asset, disposition, node::Node};
use argosy_domain::DataObjectId;
use argosy_http::{
    ContentRange, Decision, EdgeBody, EdgeMethod, EdgeRequest, EdgeResponse, HeaderBlock, Multipart,
    StatusCode,
};
use argosy_node::mime;
use argosy_store::ObjectMeta;
use std::{ops::Range, sync::Arc};

/// What of an object is to be sent, and cannot be without waiting.
pub(crate) struct Wanted {
    pub(crate) asset: Arc<Asset>,
    pub(crate) method: EdgeMethod,
    pub(crate) span: Span,
    /// `Content-Disposition`, if the object is to be saved.
    pub(crate) disposition: Option<String>,
}

/// Which bytes; none of the ranges is empty unless the object is.
pub(crate) enum Span {
    /// All of them, with 200.
    Whole(Range<u64>),
    /// With 206.
    Part(Range<u64>),
    /// Ascending and apart, with 206.
    Parts(Vec<Range<u64>>),
}

impl Wanted {
    /// What is sent, in order. At least one.
    pub(crate) fn ranges(&self) -> &[Range<u64>] {
        match &self.span {
            Span::Whole(range) | Span::Part(range) => std::slice::from_ref(range),
            Span::Parts(ranges) => ranges,
        }
    }

    /// The answer with one body for each range. `headers` are of the object, `mime` its type.
    pub(crate) fn answer(
        &self,
        headers: HeaderBlock,
        mime: &str,
        bodies: impl IntoIterator<Item = EdgeBody>,
    ) -> EdgeResponse {
        let (asset, size) = (&self.asset, self.asset.meta.size);
        let headers = match &self.disposition {
            Some(disposition) => headers.replacing("content-disposition", disposition),
            None => headers,
        };
        let mut answer = match &self.span {
            Span::Whole(_) => EdgeResponse::new(StatusCode::OK, one(bodies)).with_headers(headers),
            Span::Part(range) => EdgeResponse::new(StatusCode::PARTIAL_CONTENT, one(bodies))
                .with_headers(headers)
                .with_content_range(ContentRange::Part { range: range.clone(), size }),
            Span::Parts(ranges) => {
                // No object holds its own content id, so none holds what separates its parts.
                let boundary = asset.meta.content_id.to_string();
                let multipart = Multipart::new(&boundary, mime, ranges, size);
                let headers = headers.replacing("content-type", multipart.content_type());
                EdgeResponse::new(StatusCode::PARTIAL_CONTENT, multipart.body(bodies)).with_headers(headers)
            }
        };
        answer.pace.clone_from(&asset.pace);
        answer
    }

    /// Bytes of the object that are sent.
    pub(crate) fn len(&self) -> u64 {
        self.ranges().iter().map(|range| range.end - range.start).sum()
    }

    /// The body of a HEAD.
    pub(crate) fn declared(&self) -> EdgeBody {
        EdgeBody::Declared { len: self.len() }
    }
}

/// The body of the only range.
fn one(bodies: impl IntoIterator<Item = EdgeBody>) -> EdgeBody {
    bodies.into_iter().next().unwrap_or(EdgeBody::Empty)
}

impl Node {
    /// The answer to a request that was admitted, or what must be waited for.
    pub(crate) fn asset(
        &self,
        request: &EdgeRequest<'_>,
        id: DataObjectId,
        meta: ObjectMeta,
    ) -> Result<EdgeResponse, Wanted> {
        let ObjectMeta { content_id, size } = meta;
        let asset = self.assets.get(id, content_id, size);
        let span = match request.decide(&asset.etag, size) {
            Decision::Whole => Span::Whole(0..size),
            Decision::Part(range) => Span::Part(range),
            Decision::Parts(ranges) => Span::Parts(ranges),
            Decision::NotModified => {
                let headers = answers::not_modified_headers(&asset, self.x_cache(&asset));
                return Ok(EdgeResponse::new(StatusCode::NOT_MODIFIED, EdgeBody::Empty).with_headers(headers));
            }
            Decision::PreconditionFailed => return Ok(answers::precondition_failed()),
            Decision::Unsatisfiable => return Ok(answers::unsatisfiable(size)),
        };
        let disposition = disposition::of_query(request.query);
        if request.method == EdgeMethod::Get {
            self.cache.used(id, request.client);
        }
        let wanted = Wanted { asset, method: request.method, span, disposition };
        self.hit(&wanted).ok_or(wanted)
    }

    /// The answer, sent no faster than the object may be.
    pub(crate) fn paced(&self, id: DataObjectId, meta: ObjectMeta, mut answer: EdgeResponse) -> EdgeResponse {
        answer.pace.clone_from(&self.assets.get(id, meta.content_id, meta.size).pace);
        answer
    }

    /// In the words of Argus: complete here, in part or on its way, or not at all.
    pub(crate) fn x_cache(&self, asset: &Asset) -> &'static str {
        if asset.small().is_some() || self.store.contains(asset.id) {
            "hit"
        } else if self.cache.contains(asset.id) || self.fills.is_filling(asset.id) {
            "pending"
        } else {
            "miss"
        }
    }

    /// What could not be answered at once.
    pub(crate) async fn wanted(self: Arc<Self>, wanted: Wanted) -> EdgeResponse {
        if let Some(answer) = self.slow_hit(&wanted).await {
            return answer;
        }
        match wanted.method {
            EdgeMethod::Get => self.miss(wanted).await,
            EdgeMethod::Head | EdgeMethod::Options => {
                // Starts no download.
                let headers = answers::head_headers(&wanted.asset, self.x_cache(&wanted.asset));
                wanted.answer(headers, mime::UNKNOWN, [wanted.declared()])
            }
        }
    }
}
