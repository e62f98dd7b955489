//! One challenge: asks, and judges the answer.

use crate::follower::Follower;
use argosy_api::{
    ErrorBody, RoleProof,
    proof::{Challenge, MAX_PROOF_BYTES, PROOF_PATH, ProofError, RoleProofView},
};
use argosy_domain::metadata::endpoint_is_valid;
use argosy_http::{Client, ClientError, Request, StatusCode};
use argosy_node_core::proof::{Outcome, Subject, Trouble};
use std::time::Duration;

/// How long an endpoint may take to answer: a node may have to open a key, or to hear of its own endpoint.
const PATIENCE: Duration = Duration::from_secs(5);

/// Challenges an endpoint.
pub(super) async fn challenge(client: &Client, follower: &Follower, subject: &Subject) -> Outcome {
    let asked = tokio::time::timeout(PATIENCE, ask(client, follower, subject)).await;
    let outcome = asked.unwrap_or(Outcome::Failed(Trouble::Silent));
    if let Outcome::Failed(trouble) = outcome {
        let (group, worker) = subject.worker;
        let why = trouble.name();
        tracing::info!(?group, %worker, endpoint = subject.endpoint, why, "an endpoint does not prove whose it is");
    }
    outcome
}

async fn ask(client: &Client, follower: &Follower, subject: &Subject) -> Outcome {
    if !endpoint_is_valid(&subject.endpoint) {
        return Outcome::Failed(Trouble::Wrong);
    }
    let mut nonce = [0; 32];
    if getrandom::fill(&mut nonce).is_err() {
        tracing::error!("the system gives no random bytes, so that nobody can be asked whose node it is");
        return Outcome::Failed(Trouble::Silent);
    }
    let challenge = Challenge { nonce, endpoint: subject.endpoint.clone() };
    let root = subject.endpoint.trim_end_matches('/');
    let url = format!("{root}{PROOF_PATH}?{}", challenge.to_query());
    let request = Request::get(url).head_timeout(PATIENCE).idle_timeout(PATIENCE);
    let response = match client.send(request).await {
        Ok(response) => response,
        Err(error) => return Outcome::Failed(trouble_of(&error)),
    };
    let status = response.status();
    let Ok(body) = response.collect(MAX_PROOF_BYTES).await else {
        return Outcome::Failed(Trouble::Wrong);
    };
    if is_of_a_proxy(status) {
        return Outcome::Failed(Trouble::Silent);
    }
    if status != StatusCode::OK {
        // Only our nodes answer like this, so that it is no stranger who is asked again soon.
        let known = serde_json::from_slice::<ErrorBody>(&body);
        return Outcome::Failed(if known.is_ok() { Trouble::Unable } else { Trouble::Wrong });
    }
    judge(follower, subject, &challenge, &body)
}

fn judge(follower: &Follower, subject: &Subject, challenge: &Challenge, body: &[u8]) -> Outcome {
    let view = serde_json::from_slice::<RoleProofView>(body).ok();
    let Some(proof) = view.and_then(|view| view.proof.parse::<RoleProof>().ok()) else {
        return Outcome::Failed(Trouble::Wrong);
    };
    let (group, worker) = subject.worker;
    let theirs = follower.with_index(|index| index.accounts_of_worker(group, worker));
    let checked = proof.check(follower.genesis_hash(), challenge, group, worker, |it| theirs.contains(it));
    match checked {
        Ok(()) => Outcome::Proven,
        Err(ProofError::OtherWorker) => Outcome::Failed(Trouble::OtherWorker),
        Err(ProofError::OtherKey) => Outcome::Failed(Trouble::OtherKey),
        Err(ProofError::Malformed | ProofError::OtherChallenge | ProofError::Signature) => {
            Outcome::Failed(Trouble::Wrong)
        }
    }
}

/// Whether a proxy tells that there is nobody behind it, as while a node starts.
fn is_of_a_proxy(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT)
}

/// Whether anybody has answered.
fn trouble_of(error: &ClientError) -> Trouble {
    match error {
        ClientError::Resolve { .. }
        | ClientError::AddressRefused { .. }
        | ClientError::Connect { .. }
        | ClientError::Timeout { .. } => Trouble::Silent,
        ClientError::Url { .. }
        | ClientError::Tls { .. }
        | ClientError::Protocol { .. }
        | ClientError::Body { .. }
        | ClientError::BodyTooLong { .. }
        | ClientError::RequestBody { .. }
        | ClientError::Status { .. } => Trouble::Wrong,
    }
}
