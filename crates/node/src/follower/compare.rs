//! Looking at the other directory nodes while one is followed: whether all tell the same history.

use super::link::Link;
use argosy_api::client::{ClientError, DirectoryClient};
use argosy_ledger::Block;
use std::time::Duration;

/// Time between two rounds; each is lengthened by up to half.
const INTERVAL: Duration = Duration::from_secs(5);
/// Longest that one node is waited for.
const PATIENCE: Duration = Duration::from_secs(4);

/// Two blocks at one height.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) url: String,
    /// The other node's.
    pub(super) block: Block,
}

/// Asks all nodes, round after round, until one has another block than is known here at its height.
pub(super) async fn until_difference(link: &Link, clients: &[DirectoryClient]) -> Difference {
    if clients.len() < 2 {
        // Nobody to compare with.
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(INTERVAL.mul_f64(1.0 + fastrand::f64() / 2.0)).await;
        if let Some(found) = one_round(link, clients).await {
            return found;
        }
    }
}

async fn one_round(link: &Link, clients: &[DirectoryClient]) -> Option<Difference> {
    for (turn, client) in clients.iter().enumerate() {
        let compared = tokio::time::timeout(PATIENCE, compare(link, client)).await;
        let mut state = link.lock();
        let Some(upstream) = state.upstream(turn) else { continue };
        match compared {
            Ok(Ok(Compared { height, agrees, difference })) => {
                (upstream.height, upstream.agrees) = (Some(height), agrees);
                if upstream.agrees.is_some() {
                    upstream.trouble = None;
                }
                if let Some(block) = difference {
                    return Some(Difference { url: client.url().to_owned(), block });
                }
            }
            Ok(Err(error)) => upstream.trouble = Some(error.to_string()),
            Err(_) => upstream.trouble = Some("no answer in time".to_owned()),
        }
    }
    None
}

struct Compared {
    height: u64,
    /// Nothing if both have no block in common that is remembered here.
    agrees: Option<bool>,
    /// Its block, if it is another.
    difference: Option<Block>,
}

/// Compares the newest block that both have.
async fn compare(link: &Link, client: &DirectoryClient) -> Result<Compared, ClientError> {
    let theirs = client.status().await?;
    let (height, ours) = {
        let state = link.lock();
        let height = theirs.height.min(state.newest());
        (height, state.hash_at(height))
    };
    let height_of_theirs = theirs.height;
    let Some(ours) = ours.filter(|_| height > 0) else {
        return Ok(Compared { height: height_of_theirs, agrees: None, difference: None });
    };
    if height == height_of_theirs && theirs.head == hex::encode(ours) {
        return Ok(Compared { height: height_of_theirs, agrees: Some(true), difference: None });
    }
    let block = client.blocks(height).await?.next().await?;
    let difference = block.filter(|block| block.header.height == height && block.header.hash() != ours);
    let agrees = Some(difference.is_none());
    Ok(Compared { height: height_of_theirs, agrees, difference })
}
