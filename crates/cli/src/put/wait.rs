//! Waits until objects are held as well as was asked for.

use super::WaitFor;
use crate::{
    failure::{Failure, Outcome},
    network::{Backoff, Network},
    screen,
};
use argosy_api::{DistributorClient, directory::ObjectView};
use argosy_domain::DataObjectId;
use argosy_http::StatusCode;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Longest wait beside the time that copying may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Slowest copying between nodes that is waited for, in bytes per second.
const SLOWEST_BYTES_PER_SECOND: u64 = 1024 * 1024;
/// Longest wait for one distributor's answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Copies that an object needs so that one disk may be lost.
const COPIES: usize = 2;

/// Waits, and gives the objects as they then are, in order.
pub(super) async fn until(
    network: &Network,
    ids: &[DataObjectId],
    wanted: WaitFor,
    quiet: bool,
) -> Outcome<Vec<ObjectView>> {
    let bar = screen::spinner(quiet, "waiting until the objects are held");
    let mut views = Vec::with_capacity(ids.len());
    for id in ids {
        views.push(until_one(network, *id, wanted).await?);
    }
    bar.finish_and_clear();
    Ok(views)
}

async fn until_one(network: &Network, id: DataObjectId, wanted: WaitFor) -> Outcome<ObjectView> {
    let mut backoff = Backoff::default();
    let started = Instant::now();
    loop {
        let view = network.object(id).await?;
        let Some(missing) = missing(network, &view, wanted).await? else { return Ok(view) };
        if started.elapsed() > PATIENCE + Duration::from_secs(view.size / SLOWEST_BYTES_PER_SECOND) {
            let message = format!(
                "object {id} is uploaded, but {missing}: look at `argosy status`, or ask for less with --wait"
            );
            return Err(Failure::refused("NOT_HELD_AS_ASKED", message));
        }
        backoff.wait().await;
    }
}

/// What the object still lacks.
async fn missing(network: &Network, view: &ObjectView, wanted: WaitFor) -> Outcome<Option<String>> {
    let shortage = match wanted {
        WaitFor::Accepted => not_accepted(view),
        WaitFor::Replicated => not_accepted(view).or_else(|| not_replicated(view)),
        WaitFor::Served => match not_accepted(view).or_else(|| not_replicated(view)) {
            None => not_served(network, view).await?,
            shortage => shortage,
        },
    };
    Ok(shortage)
}

fn not_accepted(view: &ObjectView) -> Option<String> {
    view.accepted.is_none().then(|| "it is not accepted yet".to_owned())
}

fn not_replicated(view: &ObjectView) -> Option<String> {
    let needed = COPIES.min(view.storage_buckets.len());
    let held = view.holders.len();
    (held < needed).then(|| format!("{held} of its {} storage buckets hold it", view.storage_buckets.len()))
}

async fn not_served(network: &Network, view: &ObjectView) -> Outcome<Option<String>> {
    for node in network.distributors(&view.distribution_buckets).await? {
        let client = DistributorClient::new(network.client.clone(), &node.url);
        match timeout(ANSWER, client.head_asset(view.id)).await {
            Ok(Ok(_)) => {}
            // Private: what is not delivered there has another answer.
            Ok(Err(error)) if error.status() == Some(StatusCode::FORBIDDEN) => {}
            Ok(Err(error)) => return Ok(Some(format!("a distributor does not serve it: {error}"))),
            Err(_) => return Ok(Some(format!("{} gives no answer", node.url))),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_api::directory::AcceptanceView;
    use argosy_domain::{BagId, ChannelId, ContentId, StorageBucketId};

    #[test]
    fn two_copies_are_wanted_where_two_are_possible() {
        let view = |buckets: u64, holders: u64| ObjectView {
            id: DataObjectId(0),
            content_id: ContentId([0; 32]),
            size: 1,
            bag: BagId::channel(ChannelId(1)),
            accepted: Some(AcceptanceView { height: 1, bucket: StorageBucketId(0) }),
            asset_set: None,
            bond: 0,
            moved_height: None,
            blacklisted: false,
            storage_buckets: (0..buckets).map(StorageBucketId).collect(),
            distribution_buckets: Vec::new(),
            holders: (0..holders).map(StorageBucketId).collect(),
        };
        assert_eq!(not_replicated(&view(1, 1)), None);
        assert_eq!(not_replicated(&view(3, 2)), None);
        assert!(not_replicated(&view(3, 1)).unwrap().contains("1 of its 3"));
        assert!(not_replicated(&view(1, 0)).is_some());
    }
}
