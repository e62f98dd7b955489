//! Other distributors: asked what they hold when storage nodes fail, are slow, or are further away.
//!
//! A peer answers from what it holds and fetches nothing for others, so that no two distributors can
//! wait for each other.

use super::FillTask;
use crate::{
    fill::{FillError, request::slices_url, sources::FillSource},
    held,
};
use argosy_api::pass::PASS_SCHEME;
use argosy_content::{GroupRange, group_count};
use argosy_domain::limits::WINDOW_BYTES;
use argosy_http::{Client, HeaderName, Request, StatusCode, header};
use argosy_node_core::{
    fill::FillInput,
    sources::{Observation, PeerUse, Quality, use_of_peers},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};

/// Most peers that are asked at once: those that should answer soonest.
const MAX_ASKED: usize = 8;
/// How long a peer may take to say what it holds.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(1_500);
/// How long storage nodes are not asked while peers that should be first say what they hold.
const HEAD_START: Duration = Duration::from_millis(100);
/// What they hold changes; they are asked again after this long, if there is still need.
const AGAIN: Duration = Duration::from_secs(5);
/// Fills so far, for those who are curious now and then.
static FILLS: AtomicU64 = AtomicU64::new(1);

/// What a fill has asked its peers.
#[derive(Default)]
pub(super) struct Peers {
    asked: Option<Instant>,
    asking: JoinSet<Holding>,
    /// Nobody else can help; what readers are told if peers cannot either.
    last_hope: Option<FillError>,
}

/// What a peer says.
pub(super) struct Holding {
    peer: FillSource,
    after: Duration,
    /// None if it could not be asked; empty if it holds nothing.
    groups: Option<Vec<GroupRange>>,
}

impl Peers {
    /// The next answer; waits for ever if nobody was asked.
    pub(super) async fn answer(&mut self) -> Option<Holding> {
        match self.asking.join_next().await {
            Some(answer) => answer.ok(),
            None => std::future::pending().await,
        }
    }

    pub(super) fn was_asked(&self) -> bool {
        self.asked.is_some_and(|asked| asked.elapsed() < AGAIN)
    }
}

impl FillTask {
    /// Asks peers before anything has gone wrong, if they are known to be much nearer.
    pub(super) async fn consider_peers(&mut self) {
        let used = self.use_of_peers();
        if used != PeerUse::Leave {
            self.ask_peers();
        }
        let due = Instant::now() + HEAD_START;
        while used == PeerUse::First && !self.peers.asking.is_empty() {
            let Ok(holding) = tokio::time::timeout_at(due, self.peers.answer()).await else { return };
            self.on_holding(holding);
        }
    }

    fn use_of_peers(&self) -> PeerUse {
        let listed = self.inner.sources.peers_of(self.board.id());
        if listed.is_empty() {
            return PeerUse::Leave;
        }
        let (now_ms, dice) = (self.inner.now_ms(), FILLS.fetch_add(1, Ordering::Relaxed));
        let memory = self.inner.memory();
        let storage: Vec<Quality> = self.sources.keys().map(|id| memory.quality(*id)).collect();
        let peers: Vec<Quality> = listed.iter().map(|peer| memory.quality(peer.id)).collect();
        use_of_peers(now_ms, WINDOW_BYTES, &storage, &peers, dice)
    }

    /// Asks peers what they hold, unless they were asked a moment ago; whether any of them may answer.
    pub(super) fn ask_peers(&mut self) -> bool {
        if !self.peers.was_asked() {
            self.peers.asked = Some(Instant::now());
            let mut listed = self.inner.sources.peers_of(self.board.id());
            listed.retain(|peer| !self.banned.contains(&peer.id));
            let (now_ms, memory) = (self.inner.now_ms(), self.inner.memory());
            listed.sort_by_key(|peer| memory.quality(peer.id).expected_ms(now_ms, WINDOW_BYTES));
            drop(memory);
            listed.truncate(MAX_ASKED);
            for peer in listed {
                let url = slices_url(&peer.endpoint, self.board.id(), "held=1");
                let groups = group_count(self.board.meta().size);
                let (client, sources) = (self.inner.client.clone(), Arc::clone(&self.inner.sources));
                let id = self.board.id();
                self.peers.asking.spawn(async move {
                    let shown = sources.pass(id, &peer.endpoint).await;
                    ask(client, peer, url, shown, groups).await
                });
            }
        }
        !self.peers.asking.is_empty()
    }

    pub(super) fn on_holding(&mut self, holding: Option<Holding>) {
        if let Some(Holding { peer, after, groups }) = holding {
            let id = peer.id;
            let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            let observation = match groups {
                Some(_) => Observation::Answered { after_ms },
                None => Observation::Failed,
            };
            let now_ms = self.inner.now_ms();
            self.inner.memory().note(now_ms, id, observation);
            if let Some(groups) = groups.filter(|groups| !groups.is_empty() && !self.banned.contains(&id)) {
                tracing::debug!(endpoint = peer.endpoint, object = %self.board.id(), "a peer holds an object");
                self.tell(FillInput::SourceHolds { source: id, groups });
                self.add_source(peer);
                if self.peers.last_hope.take().is_some() {
                    self.want_again();
                }
            }
        }
        if self.peers.asking.is_empty()
            && let Some(error) = self.peers.last_hope.take()
        {
            self.give_up(error);
        }
    }

    /// Storage nodes cannot help; whether peers may.
    pub(super) fn hope_for_peers(&mut self, error: FillError) -> bool {
        let hope = self.ask_peers();
        self.peers.last_hope = hope.then_some(error);
        hope
    }
}

async fn ask(
    client: Client,
    peer: FillSource,
    url: Option<String>,
    shown: Option<String>,
    groups: u64,
) -> Holding {
    let started = Instant::now();
    let groups = match url {
        Some(url) => {
            tokio::time::timeout(ANSWER_TIMEOUT, held_by(&client, url, shown, groups)).await.ok().flatten()
        }
        None => None,
    };
    Holding { peer, after: started.elapsed(), groups }
}

/// What a peer holds; none if it cannot be asked, or makes no sense.
async fn held_by(
    client: &Client,
    url: String,
    shown: Option<String>,
    groups: u64,
) -> Option<Vec<GroupRange>> {
    let mut request = Request::head(url);
    if let Some(shown) = shown {
        request = request.header(header::AUTHORIZATION, format!("{PASS_SCHEME} {shown}"));
    }
    let response = client.send(request).await.ok()?;
    match response.status() {
        StatusCode::OK => {
            held::from_header(response.header(&HeaderName::from_static(held::HELD_HEADER))?, groups)
        }
        status if status.is_client_error() => Some(Vec::new()),
        _ => None,
    }
}
