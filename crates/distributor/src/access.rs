//! Who is given what: the directory's word on an object, and what a request shows of its right to read.

use crate::{
    answers,
    node::{Node, OnDuty},
};
use argosy_api::{ErrorBody, Retry};
use argosy_domain::{DataObjectId, WorkerId};
use argosy_http::{EdgeMethod, EdgeRequest, EdgeResponse, Permission, StatusCode};
use argosy_node::{AccessError, Credentials, access::PRIVATE_CACHE_CONTROL};
use argosy_node_core::{
    follow::{Distributor, Index},
    serve::{AssetDecision, Deliverable, GoingOn, decide_asset, decide_going_on, my_buckets},
};
use argosy_store::ObjectMeta;
use serde_json::json;
use std::{sync::Arc, time::Instant};

/// Most nodes that are named to a user who asked the wrong one.
const MAX_NAMED_NODES: usize = 16;
/// Longest address that is named; what an operator wrote may be longer.
const MAX_NAMED_BYTES: usize = 255;

/// Longest body of which the kernel takes all at once, so that there is nothing left to ask about.
const MAX_UNASKED_BYTES: u64 = 64 * 1024;

/// An object that this request may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted {
    pub(crate) meta: ObjectMeta,
    /// Of a private bag: no cache may keep the answer.
    pub(crate) private: bool,
}

/// Why it may not.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Never declared, or deleted.
    NotFound,
    /// Nobody may pass it on.
    Blacklisted {
        /// This node, as the directory has it.
        here: Option<String>,
    },
    /// Others deliver it: their root URLs.
    NotOurs(Vec<String>),
    /// No storage node has it yet.
    NotAccepted,
    /// It is private.
    Forbidden(AccessError),
}

impl Node {
    /// Decides whether a request may have an object, by the newest block that this node has. Asked anew
    /// for every request, so that nothing that was decided before outlives its block.
    pub(crate) fn admit(&self, request: &EdgeRequest<'_>, id: DataObjectId) -> Result<Admitted, Refusal> {
        let began = Instant::now();
        let decided = self.decide(request, id);
        self.record.decided(began.elapsed());
        decided
    }

    fn decide(&self, request: &EdgeRequest<'_>, id: DataObjectId) -> Result<Admitted, Refusal> {
        let duty = self.duty.load();
        let index = self.follower.index();
        let (deliverable, private) = match decide_asset(&index, &duty.assignment, id) {
            AssetDecision::Serve(deliverable) => (deliverable, false),
            AssetDecision::Private(deliverable) => (deliverable, true),
            AssetDecision::NotFound => return Err(Refusal::NotFound),
            AssetDecision::NotAccepted => return Err(Refusal::NotAccepted),
            AssetDecision::Blacklisted => {
                let here = own_endpoints(&index, &duty).into_iter().find(|endpoint| is_nameable(endpoint));
                return Err(Refusal::Blacklisted { here });
            }
            AssetDecision::NotOurs { others } => {
                return Err(Refusal::NotOurs(named(&others, &own_endpoints(&index, &duty))));
            }
        };
        drop(index);
        let Deliverable { content_id, size, bag } = deliverable;
        if private {
            let shown = Credentials::of(request.query, request.authorization);
            let own = |index: &Index| own_endpoints(index, &duty);
            shown.check(&self.follower, id, &bag, own).map_err(Refusal::Forbidden)?;
        }
        Ok(Admitted { meta: ObjectMeta { content_id, size }, private })
    }

    /// Whether an object exists that nobody may pass on.
    pub(crate) fn is_blacklisted(&self, id: DataObjectId) -> bool {
        let index = self.follower.index();
        index.object(id).is_some_and(|object| index.is_blacklisted(&object.content_id))
    }

    /// Why an object of a private bag could not be fetched, if that is for want of a key.
    pub(crate) fn no_role_key(&self, id: DataObjectId) -> Option<ErrorBody> {
        let private = self.follower.with_index(|index| index.bag_of(id).is_some_and(|bag| bag.is_private()));
        let trouble = self.passes.trouble().filter(|_| private)?;
        let message = format!("data object {id} is private and this node cannot fetch it: {trouble}");
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Some(ErrorBody::this_node(status, "NO_ROLE_KEY", message).with_retry(Retry::Elsewhere))
    }
}

impl Node {
    /// The answer as it goes out. Whatever was prepared for everybody, what is private is kept by nobody; and what
    /// takes long to send goes no further than the newest block allows.
    pub(crate) fn dress(
        self: &Arc<Self>,
        request: &EdgeRequest<'_>,
        id: DataObjectId,
        admitted: Admitted,
        mut answer: EdgeResponse,
    ) -> EdgeResponse {
        if admitted.private {
            answer.headers = answer.headers.replacing("cache-control", PRIVATE_CACHE_CONTROL);
        }
        if answer.body.len() > MAX_UNASKED_BYTES && request.method == EdgeMethod::Get {
            answer.permission = Some(self.permission(request, id, admitted));
        }
        answer
    }

    /// Tells whether an answer that was begun may go on.
    fn permission(
        self: &Arc<Self>,
        request: &EdgeRequest<'_>,
        id: DataObjectId,
        admitted: Admitted,
    ) -> Permission {
        let node = Arc::clone(self);
        // Nobody looked at what was shown for a public object. It counts if that becomes private.
        let shown = Credentials::of(request.query, request.authorization) != Credentials::default();
        let [query, authorization] =
            [request.query, request.authorization].map(|text| text.filter(|_| shown).map(str::to_owned));
        Arc::new(move || {
            let bag = match node.follower.with_index(|index| decide_going_on(index, id)) {
                GoingOn::Free => return true,
                GoingOn::Private(_) if admitted.private => return true,
                GoingOn::Private(bag) => bag,
                GoingOn::Over => return false,
            };
            let duty = node.duty.load();
            let own = |index: &Index| own_endpoints(index, &duty);
            let shown = Credentials::of(query.as_deref(), authorization.as_deref());
            shown.check(&node.follower, id, &bag, own).is_ok()
        })
    }
}

impl Refusal {
    /// The answer of the routes that Argus has as well.
    pub(crate) fn to_asset_answer(&self, id: DataObjectId) -> EdgeResponse {
        match self {
            Self::NotFound => answers::unknown_object(),
            Self::NotAccepted => answers::not_uploaded(),
            Self::NotOurs(others) => answers::not_ours(id, others),
            Self::Blacklisted { here } => answers::blacklisted(here.as_deref()),
            Self::Forbidden(error) => answers::own_error(&error.to_body(id)),
        }
    }

    /// The same in the words of Argosy's own routes.
    pub(crate) fn to_body(&self, id: DataObjectId) -> ErrorBody {
        match self {
            Self::NotFound => {
                let message = format!("there is no data object {id}");
                ErrorBody::caller(StatusCode::NOT_FOUND, "DATA_OBJECT_DOESNT_EXIST", message)
            }
            Self::NotAccepted => {
                let message = format!("data object {id} has not been uploaded yet");
                ErrorBody::caller(StatusCode::NOT_FOUND, "NOT_ACCEPTED", message).with_retry(Retry::Later)
            }
            Self::NotOurs(_) => {
                let message = format!("data object {id} is not delivered by this node");
                ErrorBody::caller(StatusCode::MISDIRECTED_REQUEST, "NOT_OURS", message)
                    .with_retry(Retry::Elsewhere)
            }
            Self::Blacklisted { .. } => {
                let message = format!("data object {id} is blacklisted");
                ErrorBody::caller(StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, "BLACKLISTED", message)
            }
            Self::Forbidden(error) => error.to_body(id),
        }
    }
}

impl Node {
    /// `GET /api/v1/proof-of-role`: whose node this is, signed.
    pub(crate) async fn proof_of_role(&self, request: &EdgeRequest<'_>) -> EdgeResponse {
        let duty = self.duty.load_full();
        let own = |index: &Index| own_endpoints(index, &duty);
        let worker = duty.worker_id.map(WorkerId);
        match self.prover.answer(request.client, request.query, worker, own).await {
            Ok(view) => answers::live_json(&json!(view)),
            Err(error) => answers::own_error(&error),
        }
    }
}

/// Root URLs that the directory has of this node: of its worker in its buckets. Where no worker is
/// configured, of all operators of its buckets.
pub(crate) fn own_endpoints(index: &Index, duty: &OnDuty) -> Vec<String> {
    let worker = duty.worker_id.map(WorkerId);
    let buckets = my_buckets(index, &duty.assignment);
    let entries = buckets.iter().filter_map(|bucket| index.distribution_bucket(*bucket));
    let operators = entries.flat_map(|entry| &entry.operators);
    operators
        .filter(|(operator, _)| worker.is_none_or(|worker| worker == **operator))
        .filter_map(|(_, endpoint)| endpoint.clone())
        .collect()
}

/// Root URLs of others, each once, without those of this node: it would send people round in circles.
fn named(others: &[Distributor], own: &[String]) -> Vec<String> {
    let mut urls: Vec<String> = Vec::new();
    let is_own = |url: &str| own.iter().any(|own| own.trim_end_matches('/') == url);
    for other in others {
        let url = other.endpoint.trim_end_matches('/');
        if urls.len() == MAX_NAMED_NODES {
            break;
        }
        if is_nameable(url) && !is_own(url) && !urls.iter().any(|named| named == url) {
            urls.push(url.to_owned());
        }
    }
    urls
}

/// Whether an address can stand in a header and in a page. Operators write these.
fn is_nameable(url: &str) -> bool {
    let is_web = url.starts_with("http://") || url.starts_with("https://");
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"<>\"'\\`?#@,;".contains(&byte);
    is_web && url.len() <= MAX_NAMED_BYTES && url.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::{DistributionBucketId, FamilyId};

    fn distributor(endpoint: &str) -> Distributor {
        let bucket = DistributionBucketId { family: FamilyId(0), index: 0 };
        Distributor { bucket, worker: WorkerId(0), endpoint: endpoint.to_owned() }
    }

    #[test]
    fn only_plain_addresses_of_others_are_named_each_once() {
        let others = [
            "http://a.example/",
            "http://a.example",
            "https://b.example:8443/node",
            "http://me.example/",
            "javascript:alert(1)",
            "http://x>; rel=\"stylesheet\"",
            "http://x\r\nset-cookie: a=b",
            "http://u:p@x",
            "http://x/?q",
            "ftp://x",
            "",
            &format!("http://{}", "x".repeat(300)),
        ]
        .map(distributor);
        let own = ["http://me.example".to_owned()];
        assert_eq!(named(&others, &own), ["http://a.example", "https://b.example:8443/node"]);
        let many: Vec<Distributor> = (0..99).map(|n| distributor(&format!("http://n{n}"))).collect();
        assert_eq!(named(&many, &[]).len(), MAX_NAMED_NODES);
    }
}
