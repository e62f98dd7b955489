//! What keeps a node's copy of the directory up to date.

use super::{
    compare::{Difference, until_difference},
    link::Link,
    sink::{IndexSink, Refusal, Sink},
};
use crate::config::DirectoryUrls;
use argosy_api::client::{BlockStream, ClientError, DirectoryClient};
use argosy_http::{Client, Shutdown};
use argosy_ledger::{Block, Header};
use bytes::Bytes;
use codec::Decode as _;
use futures_util::FutureExt as _;
use std::time::Duration;
use tokio::time::Instant;

/// First and longest pause between two attempts to connect; each is lengthened by up to half.
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_LONGEST: Duration = Duration::from_millis(1_300);
/// How long a directory node that sent something wrong is left alone.
const DISTRUST: Duration = Duration::from_secs(30);
/// Blocks taken in one go while catching up, and their bytes unless one block has more.
const BATCH_BLOCKS: usize = 512;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Streams blocks into a [`Sink`] until it is told to stop.
///
/// Blocks are never skipped and what was taken is never taken back: what does not prove itself is
/// refused, and its sender left alone for a while; what proves that the sequencer signed two
/// histories, or a wrong one, stops the following for good, with the reason in the status.
pub struct FollowTask<S = IndexSink> {
    sink: S,
    link: Link,
    /// Hash of the genesis, as directory nodes write it.
    genesis: String,
    sources: Vec<Source>,
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
    /// It is of another network.
    #[error("it belongs to another network: its genesis is {found}, ours {expected}")]
    OtherNetwork {
        /// Its genesis hash.
        found: String,
        /// Ours.
        expected: String,
    },
    /// A block was not taken.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It has other blocks, signed by the same keys.
    #[error(
        "the sequencer signed two histories, which differ at height {height} or before: ask the operators which one holds"
    )]
    Fork {
        /// Of two blocks that differ.
        height: u64,
    },
}

impl<S> std::fmt::Debug for FollowTask<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FollowTask").field("link", &self.link).finish_non_exhaustive()
    }
}

impl<S: Sink> FollowTask<S> {
    /// Follows the directory nodes of the network with this genesis hash, hexadecimal, into `sink`.
    /// The link shows how it goes.
    #[must_use]
    pub fn new(sink: S, genesis: String, directories: &DirectoryUrls, client: &Client) -> (Self, Link) {
        let link = Link::new(directories.as_slice(), &sink.tip());
        let source =
            |url: &String| Source { client: DirectoryClient::new(client.clone(), url), distrusted: None };
        let sources = directories.as_slice().iter().map(source).collect();
        (Self { sink, link: link.clone(), genesis, sources }, link)
    }

    /// Follows until `shutdown`, then saves what is not yet.
    pub async fn run(mut self, shutdown: Shutdown) {
        let link = self.link.clone();
        let clients: Vec<_> = self.sources.iter().map(|source| source.client.clone()).collect();
        loop {
            let found = tokio::select! {
                () = shutdown.triggered() => break,
                () = self.follow() => None,
                found = until_difference(&link, &clients) => Some(found),
            };
            let goes_on = found.is_some_and(|difference| self.goes_on_after(&difference));
            if !goes_on {
                self.link.lock().connected = false;
                shutdown.triggered().await;
                break;
            }
        }
        self.link.lock().connected = false;
        self.sink.save().await;
    }

    /// Whether a node with another history is wrong, or nobody can know.
    fn goes_on_after(&mut self, difference: &Difference) -> bool {
        let Difference { url, block } = difference;
        let height = block.header.height;
        if self.sink.is_signed(block) {
            self.halt(format!("{url}: {}", Ended::Fork { height }));
            return false;
        }
        let alarm = format!(
            "{url} has another block of height {height}, of epoch {}, which the keys known here did not sign",
            block.proof.epoch
        );
        tracing::error!(%alarm, "directory nodes disagree");
        let mut state = self.link.lock();
        state.alarm = Some(alarm);
        true
    }

    fn halt(&self, reason: String) {
        tracing::error!(%reason, "following has stopped");
        self.link.lock().halted = Some(reason);
    }

    /// Goes from one directory node to the next; returns only if nothing more can ever be taken.
    async fn follow(&mut self) {
        let mut failures: u32 = 0;
        for turn in (0..self.sources.len()).cycle() {
            if self.is_distrusted(turn) {
                self.rest_if_all_distrusted().await;
                continue;
            }
            let before = self.height();
            let ended = self.follow_one(turn).await;
            self.link.lock().connected = false;
            if self.height() > before {
                failures = 0;
            }
            if let Some(reason) = self.judge(turn, &ended) {
                self.halt(reason);
                return;
            }
            tokio::time::sleep(backoff(failures)).await;
            failures = failures.saturating_add(1);
        }
    }

    fn height(&self) -> u64 {
        self.sink.tip().height
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
            Ended::Lost(_) | Ended::Closed | Ended::Refused(Refusal::Early(_) | Refusal::Later(_)) => {
                tracing::debug!(%url, %reason, "the stream of blocks ended");
                if let Some(upstream) = self.link.lock().upstream(turn) {
                    upstream.trouble = Some(reason);
                }
                return None;
            }
            Ended::Fork { .. } | Ended::Refused(Refusal::Wrong(_)) => {
                return Some(format!("{url}: {reason}"));
            }
            Ended::OtherNetwork { .. } | Ended::Refused(Refusal::Bad(_)) => {
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
        let mut state = self.link.lock();
        state.halted = reasons.map(|reasons| reasons.join("; "));
        if let Some(upstream) = state.upstream(turn) {
            upstream.trouble = Some(reason);
        }
        None
    }

    /// Follows one directory node until it ends or fails.
    async fn follow_one(&mut self, turn: usize) -> Ended {
        let Some(client) = self.sources.get(turn).map(|source| source.client.clone()) else {
            return Ended::Closed;
        };
        client.url().clone_into(&mut self.link.lock().url);
        let mut blocks = match self.connect(&client).await {
            Ok(blocks) => blocks,
            Err(ended) => return ended,
        };
        tracing::info!(url = client.url(), from = self.height() + 1, "following the directory");
        self.link.lock().connected = true;
        loop {
            let (batch, ended) = next_batch(&mut blocks).await;
            if !batch.is_empty()
                && let Err(ended) = self.take(turn, batch).await
            {
                return ended;
            }
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    async fn connect(&self, client: &DirectoryClient) -> Result<BlockStream, Ended> {
        let found = client.genesis().await?.hash;
        let expected = self.genesis.clone();
        if found != expected {
            return Err(Ended::OtherNetwork { found, expected });
        }
        Ok(client.blocks(self.height() + 1).await?)
    }

    /// Takes blocks from the node whose turn it is.
    async fn take(&mut self, turn: usize, batch: Vec<Bytes>) -> Result<(), Ended> {
        let before = self.sink.tip();
        let taken = self.sink.take(batch.clone()).await;
        let height = self.height();
        {
            let mut state = self.link.lock();
            for header in batch.iter().filter_map(|bytes| Header::decode(&mut bytes.as_ref()).ok()) {
                if header.height > before.height && header.height <= height {
                    state.remember(header.height, header.hash());
                }
            }
            if height > before.height {
                state.halted = None;
                if let Some(upstream) = state.upstream(turn) {
                    (upstream.height, upstream.trouble) = (Some(height), None);
                }
            }
        }
        let Err(refusal) = taken else {
            if let Some(source) = self.sources.get_mut(turn) {
                source.distrusted = None;
            }
            return Ok(());
        };
        // The next block, by the keys that signed ours, on another parent: there are two histories.
        let next = batch.iter().filter_map(|bytes| Block::decode_bytes(bytes).ok());
        let tip = self.sink.tip();
        let due = |block: &Block| block.header.height == tip.height.saturating_add(1);
        let fork =
            next.filter(due).find(|block| block.header.parent != tip.hash && self.sink.is_signed(block));
        match fork {
            Some(_) => Err(Ended::Fork { height: tip.height }),
            None => Err(refusal.into()),
        }
    }
}

/// Waits for a block, then takes what else has already arrived.
async fn next_batch(blocks: &mut BlockStream) -> (Vec<Bytes>, Option<Ended>) {
    let mut batch = Vec::new();
    let mut bytes = 0_usize;
    let mut next = Some(blocks.next_encoded().await);
    while let Some(result) = next {
        match result {
            Ok(Some(block)) => {
                bytes = bytes.saturating_add(block.len());
                batch.push(block);
            }
            Ok(None) => return (batch, Some(Ended::Closed)),
            Err(error) => return (batch, Some(error.into())),
        }
        if batch.len() >= BATCH_BLOCKS || bytes >= BATCH_BYTES {
            break;
        }
        next = blocks.next_encoded().now_or_never();
    }
    (batch, None)
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
