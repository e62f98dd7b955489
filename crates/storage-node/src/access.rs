//! Who is given what: the directory's word on an object, and what a request shows of its right to read.

use crate::node::Node;
use argosy_api::ErrorBody;
use argosy_domain::DataObjectId;
use argosy_http::{HeaderMap, HeaderValue, StatusCode, header};
use argosy_node::{Credentials, access::PRIVATE_CACHE_CONTROL};
use argosy_node_core::{
    follow::Index,
    serve::{Deliverable, FileDecision, decide_file},
};
use argosy_store::ObjectMeta;

/// An object never changes under its id.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const PRIVATE: HeaderValue = HeaderValue::from_static(PRIVATE_CACHE_CONTROL);

/// An object that this request may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted {
    pub(crate) meta: ObjectMeta,
    private: bool,
}

/// Why it may not.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The directory has deleted it.
    Deleted,
    /// This node's copy of the directory has not heard of it: whether it is private or blacklisted,
    /// nobody can say.
    Unknown,
    /// Blacklisted, or private and nothing shown that counts.
    Refused(ErrorBody),
}

impl Node {
    /// Decides whether a request may have an object, by the newest block that this node has.
    pub(crate) fn admit(
        &self,
        id: DataObjectId,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Admitted, Refusal> {
        let decision = self.follower.with_index(|index| decide_file(index, id));
        let (Deliverable { content_id, size, bag }, private) = match decision {
            FileDecision::Serve(deliverable) => (deliverable, false),
            FileDecision::Private(deliverable) => (deliverable, true),
            FileDecision::Deleted => return Err(Refusal::Deleted),
            FileDecision::Unknown => return Err(Refusal::Unknown),
            FileDecision::Blacklisted => return Err(Refusal::Refused(blacklisted(id))),
        };
        if private {
            let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            let shown = Credentials::of(query, authorization);
            let checked = shown.check(&self.follower, id, &bag, |index| self.own_endpoints(index));
            checked.map_err(|error| Refusal::Refused(error.to_body(id)))?;
        }
        Ok(Admitted { meta: ObjectMeta { content_id, size }, private })
    }

    /// Root URLs that the directory has of this node.
    pub(crate) fn own_endpoints(&self, index: &Index) -> Vec<String> {
        let buckets = self.buckets(index);
        let entries = buckets.iter().filter_map(|bucket| index.storage_bucket(*bucket));
        entries.filter_map(|entry| entry.endpoint.clone()).collect()
    }
}

impl Admitted {
    /// `Cache-Control` of its bytes.
    pub(crate) fn cache_control(&self) -> HeaderValue {
        if self.private { PRIVATE } else { FOR_EVER }
    }
}

/// 451: nobody may pass the bytes on, nor take them in.
pub(crate) fn blacklisted(id: DataObjectId) -> ErrorBody {
    let message = format!("data object {id} is blacklisted");
    ErrorBody::caller(StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, "BLACKLISTED", message)
}
