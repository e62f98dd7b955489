//! `GET` and `HEAD /api/v1/assets/{id}`: what to send, decided without waiting.

use crate::{answers, assets::Asset, node::Node};
use argosy_domain::DataObjectId;
use argosy_http::{
    ContentRange, Decision, EdgeBody, EdgeMethod, EdgeRequest, EdgeResponse, HeaderBlock, StatusCode,
};
use argosy_node_core::serve::{AssetDecision, decide_asset};
use std::{ops::Range, sync::Arc, time::Instant};

/// A part of an object that is to be sent, and cannot be without waiting.
pub(crate) struct Wanted {
    pub(crate) asset: Arc<Asset>,
    pub(crate) method: EdgeMethod,
    /// Not empty unless the object is.
    pub(crate) range: Range<u64>,
    /// Whether it goes out as 206.
    pub(crate) part: bool,
}

impl Wanted {
    pub(crate) fn answer(&self, headers: HeaderBlock, body: EdgeBody) -> EdgeResponse {
        let status = if self.part { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
        let answer = EdgeResponse::new(status, body).with_headers(headers);
        if self.part {
            let (range, size) = (self.range.clone(), self.asset.meta.size);
            answer.with_content_range(ContentRange::Part { range, size })
        } else {
            answer
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// The body of a HEAD.
    pub(crate) fn declared(&self) -> EdgeBody {
        EdgeBody::Declared { len: self.len() }
    }
}

impl Node {
    /// The answer, or what must be waited for.
    ///
    /// The node's copy of the directory is looked at on every request: an object that was deleted or
    /// moved elsewhere stops being sent at once, cached or not.
    pub(crate) fn asset(&self, request: &EdgeRequest<'_>, id: DataObjectId) -> Result<EdgeResponse, Wanted> {
        let began = Instant::now();
        let decision =
            self.follower.with_index(|index| decide_asset(index, &self.duty.load().assignment, id));
        self.record.decided(began.elapsed());
        let (content_id, size) = match decision {
            AssetDecision::NotFound => return Ok(answers::unknown_object()),
            AssetDecision::NotAccepted => return Ok(answers::not_uploaded()),
            AssetDecision::NotOurs { others } => return Ok(answers::not_ours(id, &others)),
            AssetDecision::Serve { content_id, size, bag: _ } => (content_id, size),
        };
        let asset = self.assets.get(id, content_id, size);
        let (range, part) = match request.decide(&asset.etag, size) {
            Decision::Whole => (0..size, false),
            Decision::Part(range) => (range, true),
            Decision::NotModified => {
                let headers = answers::bare_asset_headers(&asset.etag, self.x_cache(&asset));
                return Ok(EdgeResponse::new(StatusCode::NOT_MODIFIED, EdgeBody::Empty).with_headers(headers));
            }
            Decision::PreconditionFailed => return Ok(answers::precondition_failed()),
            Decision::Unsatisfiable => return Ok(answers::unsatisfiable(size)),
        };
        let wanted = Wanted { asset, method: request.method, range, part };
        self.hit(&wanted).ok_or(wanted)
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
                let headers = answers::bare_asset_headers(&wanted.asset.etag, self.x_cache(&wanted.asset));
                wanted.answer(headers, wanted.declared())
            }
        }
    }
}
