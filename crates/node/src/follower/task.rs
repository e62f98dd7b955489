//! What keeps a follower's index up to date.

use super::{BlockChanges, FollowHead, Shared, checkpoint::Saver, now_ms};
use crate::config::DirectoryUrls;
use argosy_api::client::{BlockStream, ClientError, DirectoryClient};
use argosy_http::{Client, Shutdown};
use argosy_ledger::{Block, BlockError, ChainVerifier};
use argosy_node_core::follow::IndexError;
use futures_util::FutureExt as _;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// First and longest pause between two attempts to connect; each is lengthened by up to half.
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_LONGEST: Duration = Duration::from_millis(1_300);
/// How long a directory node that sent something wrong is left alone.
const DISTRUST: Duration = Duration::from_secs(30);
/// Blocks applied in one go while catching up.
const BATCH_BLOCKS: usize = 128;

/// Streams blocks into a [`super::Follower`] until it is told to stop.
pub struct FollowTask {
    shared: Arc<Shared>,
    chain: Arc<Mutex<ChainVerifier>>,
    sources: Vec<Source>,
    saver: Saver,
}

/// A directory node.
struct Source {
    client: DirectoryClient,
    /// What it did, and until when it is left alone for it.
    distrusted: Option<(String, Instant)>,
}

/// Why a stream of blocks ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    /// Unreachable, or closed: try again soon.
    #[error("the connection was lost")]
    Lost(#[from] ClientError),
    /// It stopped between two blocks.
    #[error("the directory node ended the stream")]
    Closed,
    /// Our clock and the block's disagree; either may be set right.
    #[error("a block could not be taken yet")]
    Early(#[source] BlockError),
    /// It is of another network.
    #[error("it belongs to another network: its genesis is {found}, ours {expected}")]
    OtherNetwork {
        /// Its genesis hash.
        found: String,
        /// Ours.
        expected: String,
    },
    /// It sent a block that does not follow or does not prove itself.
    #[error("it sent a block that must not be taken")]
    Bad(#[source] BlockError),
    /// A proved block contradicts the index: a defect of this program. Nothing more can be applied.
    #[error("a proved block contradicts this node's index")]
    Index(#[source] IndexError),
}

impl std::fmt::Debug for FollowTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FollowTask").field("path", &self.saver.path()).finish_non_exhaustive()
    }
}

impl FollowTask {
    pub(super) fn new(
        shared: Arc<Shared>,
        verifier: ChainVerifier,
        directories: &DirectoryUrls,
        path: PathBuf,
        client: Client,
    ) -> Self {
        let sources = directories
            .as_slice()
            .iter()
            .map(|url| Source { client: DirectoryClient::new(client.clone(), url), distrusted: None });
        Self {
            sources: sources.collect(),
            saver: Saver::new(path, verifier.tip().height),
            chain: Arc::new(Mutex::new(verifier)),
            shared,
        }
    }

    /// Follows until `shutdown`, then saves a checkpoint.
    pub async fn run(mut self, shutdown: Shutdown) {
        tokio::select! {
            () = shutdown.triggered() => {}
            () = self.follow() => {}
        }
        self.shared.link().connected = false;
        self.saver.save_now(&self.shared, &self.chain).await;
    }

    /// Goes from one directory node to the next; returns only if nothing more can ever be applied.
    async fn follow(&mut self) {
        let mut failures: u32 = 0;
        for turn in (0..self.sources.len()).cycle() {
            if self.is_distrusted(turn) {
                self.rest_if_all_distrusted().await;
                continue;
            }
            let before = self.height();
            let ended = self.follow_one(turn).await;
            self.shared.link().connected = false;
            if self.height() > before {
                failures = 0;
            }
            if let Some(reason) = self.judge(turn, &ended) {
                tracing::error!(%reason, "following has stopped");
                self.shared.link().halted = Some(reason);
                return;
            }
            tokio::time::sleep(backoff(failures)).await;
            failures = failures.saturating_add(1);
        }
    }

    fn height(&self) -> u64 {
        self.shared.head.borrow().height
    }

    fn is_distrusted(&mut self, turn: usize) -> bool {
        let Some(source) = self.sources.get_mut(turn) else { return false };
        source.distrusted.as_ref().is_some_and(|(_, until)| *until > Instant::now())
    }

    /// With nobody left to ask, says why and waits until the first may be asked again.
    async fn rest_if_all_distrusted(&mut self) {
        let now = Instant::now();
        let until = |source: &Source| source.distrusted.as_ref().map_or(now, |(_, until)| *until);
        let first = self.sources.iter().map(until).min().unwrap_or(now);
        if first > now {
            tokio::time::sleep_until(first).await;
        }
    }

    /// Draws the consequences of a stream's end. A reason means that following is over for good.
    fn judge(&mut self, turn: usize, ended: &Ended) -> Option<String> {
        let reason = chain_of(ended);
        let source = self.sources.get_mut(turn)?;
        let url = source.client.url().to_owned();
        match ended {
            Ended::Lost(_) | Ended::Closed | Ended::Early(_) => {
                tracing::debug!(%url, %reason, "the stream of blocks ended");
                return None;
            }
            Ended::Index(_) => return Some(reason),
            Ended::OtherNetwork { .. } | Ended::Bad(_) => {
                tracing::error!(%url, %reason, "a directory node is not trusted for a while");
                source.distrusted = Some((format!("{url}: {reason}"), Instant::now() + DISTRUST));
            }
        }
        // Said aloud only when nobody else can be asked; withdrawn when a good block comes.
        let reasons: Option<Vec<&str>> = self
            .sources
            .iter()
            .map(|source| source.distrusted.as_ref().map(|(reason, _)| reason.as_str()))
            .collect();
        self.shared.link().halted = reasons.map(|reasons| reasons.join("; "));
        None
    }

    /// Follows one directory node until it ends or fails.
    async fn follow_one(&mut self, turn: usize) -> Ended {
        let Some(client) = self.sources.get(turn).map(|source| source.client.clone()) else {
            return Ended::Closed;
        };
        client.url().clone_into(&mut self.shared.link().url);
        let mut blocks = match self.connect(&client).await {
            Ok(blocks) => blocks,
            Err(ended) => return ended,
        };
        tracing::info!(url = client.url(), from = self.height() + 1, "following the directory");
        self.shared.link().connected = true;
        loop {
            let (batch, ended) = next_batch(&mut blocks).await;
            if !batch.is_empty() {
                if let Err(ended) = self.apply(batch).await {
                    return ended;
                }
                if let Some(source) = self.sources.get_mut(turn) {
                    source.distrusted = None;
                }
                self.shared.link().halted = None;
                self.saver.save_if_due(&self.shared, &self.chain).await;
            }
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    async fn connect(&self, client: &DirectoryClient) -> Result<BlockStream, Ended> {
        let found = client.genesis().await?.hash;
        let expected = self.shared.genesis_text.clone();
        if found != expected {
            return Err(Ended::OtherNetwork { found, expected });
        }
        Ok(client.blocks(self.height() + 1).await?)
    }

    /// Checks and applies blocks in order, away from the threads that serve.
    async fn apply(&self, blocks: Vec<Block>) -> Result<(), Ended> {
        let (shared, chain) = (Arc::clone(&self.shared), Arc::clone(&self.chain));
        let applied = tokio::task::spawn_blocking(move || {
            let mut chain = lock(&chain);
            blocks.iter().try_for_each(|block| apply_block(&shared, &mut chain, block))
        });
        match applied.await {
            Ok(applied) => applied,
            // A panic in there is a defect; the index says itself whether it is still whole.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Ended::Closed),
        }
    }
}

pub(super) fn lock(chain: &Mutex<ChainVerifier>) -> MutexGuard<'_, ChainVerifier> {
    chain.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a block, then takes what else has already arrived.
async fn next_batch(blocks: &mut BlockStream) -> (Vec<Block>, Option<Ended>) {
    let mut batch = Vec::new();
    let mut next = Some(blocks.next().await);
    while let Some(result) = next {
        match result {
            Ok(Some(block)) => batch.push(block),
            Ok(None) => return (batch, Some(Ended::Closed)),
            Err(error) => return (batch, Some(error.into())),
        }
        if batch.len() == BATCH_BLOCKS {
            break;
        }
        next = blocks.next().now_or_never();
    }
    (batch, None)
}

fn apply_block(shared: &Shared, chain: &mut ChainVerifier, block: &Block) -> Result<(), Ended> {
    chain.check(block, Some(now_ms())).map_err(|error| match error {
        BlockError::TimeAhead { .. } => Ended::Early(error),
        BlockError::Version(_)
        | BlockError::Rules(_)
        | BlockError::Height { .. }
        | BlockError::Parent
        | BlockError::TimeBack
        | BlockError::TooMany
        | BlockError::Outcomes
        | BlockError::TransactionsRoot
        | BlockError::ResultsRoot
        | BlockError::Signature
        | BlockError::Randomness => Ended::Bad(error),
    })?;
    let (height, time_ms) = (block.header.height, block.header.time_ms);
    let changes = {
        let mut index = shared.index.write().unwrap_or_else(PoisonError::into_inner);
        index.apply_block(height, time_ms, block.events()).map_err(Ended::Index)?
    };
    // Order matters: who is woken by the head finds the changes already sent.
    let _nobody_listens = shared.changes.send(Arc::new(BlockChanges { height, changes }));
    shared.head.send_replace(FollowHead { height, time_ms });
    Ok(())
}

/// 50 ms, doubling, at most 2 s with its jitter.
fn backoff(failures: u32) -> Duration {
    let pause = BACKOFF_FIRST.saturating_mul(1 << failures.min(6)).min(BACKOFF_LONGEST);
    pause.mul_f64(1.0 + fastrand::f64() / 2.0)
}

/// An error and its causes in one line.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
