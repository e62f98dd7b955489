//! Listening to events.

use crate::support::{DEADLINE, Node, answer, key};
use argosy_api::directory::EventView;
use argosy_directory::{
    BatchCall, BatchMode, Call, DistributionCall, GroupCall, MembershipCall, StorageCall,
};
use argosy_domain::{FamilyId, WorkerId, WorkingGroup, limits::MAX_REMARK_BYTES};
use argosy_http::{Request, Response, header};
use tokio::time::timeout;

/// A message of a stream of events.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    id: String,
    event: String,
    data: String,
}

/// An open stream.
struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    async fn open(node: &Node, query: &str, last_id: Option<&str>) -> Self {
        let mut request = Request::get(node.url(&format!("/api/v1/events{query}")));
        if let Some(id) = last_id {
            request = request.header(header::HeaderName::from_static("last-event-id"), id);
        }
        let response = node.client.send(request).await.unwrap();
        assert_eq!(response.status(), 200, "{query}");
        assert_eq!(response.header(&header::CONTENT_TYPE), Some("text/event-stream"));
        Self { response, text: String::new() }
    }

    /// The next message; none when the stream has ended. Comments are passed over.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let mut message = Message::default();
                for line in block.lines() {
                    match line.split_once(": ") {
                        Some(("id", text)) => message.id = text.to_owned(),
                        Some(("event", text)) => message.event = text.to_owned(),
                        Some(("data", text)) => message.data = text.to_owned(),
                        _ => assert!(line.starts_with(':'), "{line}"),
                    }
                }
                self.text = rest.to_owned();
                if message != Message::default() {
                    return Some(message);
                }
                continue;
            }
            let frame =
                timeout(DEADLINE, self.response.frame()).await.expect("a message in time").unwrap()?;
            self.text.push_str(std::str::from_utf8(&frame).unwrap());
        }
    }

    async fn ids(&mut self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        while ids.len() < count {
            ids.push(self.next().await.unwrap().id);
        }
        ids
    }
}

fn family() -> Call {
    Call::Distribution(DistributionCall::CreateDistributionBucketFamily)
}

fn bucket(family: u64) -> Call {
    let family = FamilyId(family);
    Call::Distribution(DistributionCall::CreateDistributionBucket { family, accepting_new_bags: true })
}

fn storage_bucket(invite_worker: Option<WorkerId>) -> Call {
    Call::Storage(StorageCall::CreateStorageBucket {
        invite_worker,
        accepting_new_bags: true,
        size_limit: 9,
        objects_limit: 9,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_told_as_they_happen_and_a_listener_resumes() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    let mut live = Stream::open(&node, "", None).await;
    let receipt = node.call("//Alice", family()).await;
    let first = live.next().await.unwrap();
    assert_eq!((first.id.as_str(), first.event.as_str()), ("1:0", "DistributionBucketFamilyCreated"));
    let view: EventView = serde_json::from_str(&first.data).unwrap();
    assert_eq!((view.height, view.index, &view.kind), (1, 0, &first.event));
    assert_eq!((view.transaction, &view.fields["family"]), (Some(receipt.hash), &"0".into()));

    let both = BatchCall { mode: BatchMode::AllOrNothing, calls: vec![bucket(0), bucket(0)] };
    node.call("//Alice", Call::Batch(both)).await;
    let ids = live.ids(4).await;
    assert_eq!(ids, ["2:0", "2:1", "2:2", "2:3"], "two buckets, and each call's completion");

    let mut resumed = Stream::open(&node, "", Some("2:1")).await;
    assert_eq!(resumed.ids(2).await, ["2:2", "2:3"]);
    let mut again = Stream::open(&node, "?from=0", None).await;
    assert_eq!(again.ids(5).await, ["1:0", "2:0", "2:1", "2:2", "2:3"]);
    let bad = Request::get(node.url("/api/v1/events"))
        .header(header::HeaderName::from_static("last-event-id"), "nonsense");
    let (status, body) = answer(node.client.send(bad).await.unwrap()).await;
    assert_eq!((status, &body["code"]), (400, &"BAD_LAST_EVENT_ID".into()));

    node.running.stop();
    assert_eq!(live.next().await, None, "the stream ends when the node stops");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_pass_what_fits_all_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    let calls = [family(), bucket(0), bucket(0), storage_bucket(Some(WorkerId(0))), storage_bucket(None)];
    for call in calls {
        node.call("//Alice", call).await;
    }
    let create = MembershipCall::CreateMember { handle: "carol".to_owned() };
    node.call("//Carol", Call::Membership(create)).await;
    for (query, ids) in [
        ("bucket=0:1", vec!["3:0"]),
        ("bucket=1", vec!["5:0"]),
        ("worker=0", vec!["4:0"]),
        ("worker=storage:0", vec!["4:0"]),
        ("kind=DistributionBucketCreated", vec!["2:0", "3:0"]),
        ("kind=DistributionBucketCreated&bucket=0:0", vec!["2:0"]),
        ("kind=MemberCreated", vec!["6:0"]),
    ] {
        let mut stream = Stream::open(&node, &format!("?from=1&{query}"), None).await;
        assert_eq!(stream.ids(ids.len()).await, ids, "{query}");
    }
    // Of another group: nothing, until something else fits.
    let mut none = Stream::open(&node, "?from=1&worker=distribution:0", None).await;
    let invite = DistributionCall::InviteDistributionBucketOperator {
        bucket: argosy_domain::DistributionBucketId { family: FamilyId(0), index: 0 },
        worker: WorkerId(0),
    };
    node.call("//Alice", Call::Distribution(invite)).await;
    assert_eq!(none.ids(1).await, ["7:0"]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_reads_too_slowly_is_told_and_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    let mut stream = Stream::open(&node, "", None).await;
    node.call("//Alice", family()).await;
    assert_eq!(stream.next().await.unwrap().id, "1:0");
    // More than sockets, buffers and the node's memory of events hold together.
    let remark = |byte: u8| Call::Group {
        group: WorkingGroup::Storage,
        call: GroupCall::LeadRemark { message: vec![byte; MAX_REMARK_BYTES] },
    };
    let calls = (0..14).map(|_| remark(b'x')).collect();
    let batch = Call::Batch(BatchCall { mode: BatchMode::AllOrNothing, calls });
    let (mut height, mut count) = (1, 0);
    let mut last = Message::default();
    while height < 400 {
        height = node.call("//Alice", batch.clone()).await.height;
        // A tenth of it is read: who takes nothing at all for long is cut off by the port, without a word.
        if height % 10 == 0 {
            for _ in 0..14 {
                last = stream.next().await.unwrap();
                count += 1;
            }
        }
    }
    while let Some(next) = stream.next().await {
        last = next;
        count += 1;
    }
    assert!(count < 398 * 14, "{count}");
    assert_eq!(last.event, "cut-off", "{last:?}");
    let data: serde_json::Value = serde_json::from_str(&last.data).unwrap();
    assert_eq!(data["code"], "TOO_SLOW");
    // The place to go on from is one that exists.
    let next = data["next"].as_str().unwrap().split(':').next().unwrap().parse::<u64>().unwrap();
    assert!(next > 1 && next <= height, "{next}");
    assert_eq!(node.directory.account(&key("//Alice").account()).await.unwrap().nonce, height);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_room_for_so_many_listeners() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    let mut streams = Vec::new();
    let refused = loop {
        let response = node.get("/api/v1/events").await;
        if response.status() != 200 {
            break answer(response).await;
        }
        streams.push(response);
    };
    assert_eq!((refused.0, &refused.1["code"]), (503, &"TOO_MANY_LISTENERS".into()));
    assert_eq!(streams.len(), 256);
    drop(streams);
    // Their places are free again once the node has noticed.
    timeout(DEADLINE, async { while node.get("/api/v1/events").await.status() != 200 {} }).await.unwrap();
    node.stop().await;
}
