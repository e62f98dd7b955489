//! Gives this node's own proof to those who ask for it.

use crate::{follower::Follower, passes::Passes};
use argosy_api::{
    ErrorBody, Fault, Retry,
    node::OwnProofView,
    proof::{Challenge, RoleProofView},
};
use argosy_domain::WorkerId;
use argosy_http::StatusCode;
use argosy_node_core::{follow::Index, proof::Allowance};
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Answers at once and each second, to one client: many nodes may share an address.
const EACH: (u64, u64) = (64, 2);
/// The same of all clients together: a fleet that hears of this node asks within seconds.
const ALL: (u64, u64) = (2_000, 200);
/// How long a challenge waits for this node's copy of the directory to hear of its own endpoint: others may be
/// a block ahead.
const NEWS: Duration = Duration::from_secs(2);

/// Answers challenges.
pub struct Prover {
    follower: Follower,
    passes: Passes,
    allowance: Mutex<Allowance<IpAddr>>,
    started: Instant,
    answered: AtomicU64,
}

impl fmt::Debug for Prover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prover").finish_non_exhaustive()
    }
}

impl Prover {
    /// Answers with the keys of `passes`.
    #[must_use]
    pub fn new(follower: Follower, passes: Passes) -> Self {
        Self {
            follower,
            passes,
            allowance: Mutex::new(Allowance::new(EACH, ALL)),
            started: Instant::now(),
            answered: AtomicU64::new(0),
        }
    }

    /// The answer to the challenge in a query. `own` gives the root URLs that the directory has of this
    /// node; `worker` is whose node it is.
    ///
    /// # Errors
    /// `BAD_CHALLENGE`, `TOO_MANY_CHALLENGES`, `NO_WORKER`, `NOT_THIS_NODE`, `NO_ROLE_KEY`.
    pub async fn answer(
        &self,
        client: IpAddr,
        query: Option<&str>,
        worker: Option<WorkerId>,
        own: impl Fn(&Index) -> Vec<String>,
    ) -> Result<RoleProofView, ErrorBody> {
        let challenge = Challenge::from_query(query.unwrap_or_default()).ok_or_else(|| {
            let message = "expected challenge=X&endpoint=Y: 64 hexadecimal digits, and this node's root URL in hexadecimal";
            ErrorBody::caller(StatusCode::BAD_REQUEST, "BAD_CHALLENGE", message)
        })?;
        self.take_one(client)?;
        let unable =
            |code, message: String| ErrorBody::this_node(StatusCode::SERVICE_UNAVAILABLE, code, message);
        let worker = worker.ok_or_else(|| {
            unable(
                "NO_WORKER",
                "set `workerId` in this node's configuration: it proves whose node it is".into(),
            )
        })?;
        let is_own = |index: &Index| own(index).iter().any(|endpoint| challenge.is_for(endpoint));
        if !self.follower.wait_until(NEWS, is_own).await {
            let message = "the directory does not have this endpoint as one of this node's";
            let status = StatusCode::MISDIRECTED_REQUEST;
            return Err(ErrorBody::new(status, "NOT_THIS_NODE", message, Fault::Caller, Retry::Elsewhere));
        }
        let proof = self.passes.prove(worker, &challenge).await;
        let proof = proof.map_err(|message| {
            tracing::debug!("a challenge cannot be answered: {message}");
            unable("NO_ROLE_KEY", "this node lacks the role key of its worker".into())
        })?;
        self.answered.fetch_add(1, Ordering::Relaxed);
        Ok(RoleProofView { proof: proof.to_string() })
    }

    /// How it stands with this node's own proof.
    #[must_use]
    pub fn view(&self, worker: Option<WorkerId>, own: impl FnOnce(&Index) -> Vec<String>) -> OwnProofView {
        let trouble = match worker {
            None => Some("set `workerId` in the configuration".to_owned()),
            Some(_) if self.follower.with_index(own).is_empty() => {
                Some("the directory has no endpoint of this node".to_owned())
            }
            Some(worker) => self.passes.can_prove(worker).err(),
        };
        OwnProofView { can_prove: trouble.is_none(), trouble, answered_count: self.answered_count() }
    }

    /// Challenges answered so far.
    #[must_use]
    pub fn answered_count(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    fn take_one(&self, client: IpAddr) -> Result<(), ErrorBody> {
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut allowance = self.allowance.lock().unwrap_or_else(PoisonError::into_inner);
        if allowance.take(now_ms, household(client)) {
            return Ok(());
        }
        let message = "this node was challenged too often: ask again in a minute";
        let status = StatusCode::TOO_MANY_REQUESTS;
        Err(ErrorBody::caller(status, "TOO_MANY_CHALLENGES", message).with_retry(Retry::Later))
    }
}

/// One customer's addresses: of IPv6, 64 bits.
fn household(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}
