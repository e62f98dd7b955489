//! Uploads that carry their proof.

use crate::network::{DEADLINE, Network, answer, encode, media, wait_for};
use argosy_domain::{DataObjectId, limits::GROUP_BYTES, num::to_usize};
use argosy_node::config::Size;
use bytes::Bytes;

const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_is_accepted_replicated_and_reported() {
    let network = Network::start(2).await;
    let bytes = media(1, 3 * MIB + 5);
    let small = media(2, 1);
    let ids = network.declare(&[&bytes, &small]).await;
    network.upload(0, ids[0], &bytes).await.unwrap();
    network.upload(1, ids[1], &small).await.unwrap();
    assert!(network.object(ids[0]).await.accepted.is_some(), "201 means accepted");
    for (id, bytes) in [(ids[0], &bytes), (ids[1], &small)] {
        network.held_by(id, &[0, 1]).await;
        for at in 0..2 {
            assert_eq!(network.read(at, id).await.unwrap(), bytes[..]);
        }
    }
    // The other node has fetched it, and each node counts what it sent: to the other, then to us.
    let (first, second) = (network.status(0).await, network.status(1).await);
    assert_eq!((first.objects_count, second.objects_count), (2, 2));
    assert_eq!(second.bytes_fetched, 3 * 1024 * 1024 + 5);
    assert_eq!(first.bytes_sent, second.bytes_fetched + second.bytes_fetched + 1);
    assert_eq!((first.missing_count, second.missing_count), (0, 0));
    assert_eq!((first.buckets, second.buckets), (vec!["0".to_owned()], vec!["1".to_owned()]));

    // Sent again: nothing to do.
    let token = network.token("//Bob", ids[0], 0);
    let (status, body) = answer(network.put(0, ids[0], Some(&token), 0, Bytes::new()).await).await;
    assert_eq!((status, body["id"].as_str().unwrap().len()), (200, 46));
    assert_eq!(network.next_group(0, ids[0]).await, 193);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_wrong_group_ends_an_upload_and_what_came_before_is_kept() {
    let network = Network::start(1).await;
    let bytes = media(3, 3 * MIB);
    let id = network.declare(&[&bytes]).await[0];
    let token = network.token("//Bob", id, 0);
    let slice = encode(&bytes, 0);
    // Group 100 of the object, found by its bytes: proofs stand between the groups.
    let group = &bytes[100 * to_usize(GROUP_BYTES)..101 * to_usize(GROUP_BYTES)];
    let at = slice.windows(64).position(|window| window == &group[..64]).unwrap();
    let mut wrong = slice.to_vec();
    wrong[at + 7] ^= 1;
    let (status, body) = answer(network.put(0, id, Some(&token), 0, wrong.into()).await).await;
    assert_eq!((status, &body["code"]), (422, &"WRONG_BYTES".into()));
    assert_eq!(network.next_group(0, id).await, 100);
    assert!(network.read(0, id).await.is_none());
    assert!(network.object(id).await.accepted.is_none());

    // A wrong pair of hashes is found as well, before anything that hangs from it.
    let mut wrong = encode(&bytes, 100).to_vec();
    wrong[3] ^= 1;
    let (status, _) = answer(network.put(0, id, Some(&token), 100, wrong.into()).await).await;
    assert_eq!((status, network.next_group(0, id).await), (422, 100));

    network.upload(0, id, &bytes).await.unwrap();
    assert_eq!(network.read(0, id).await.unwrap(), bytes[..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_on_after_a_broken_connection_and_after_a_restart() {
    use tokio::io::AsyncWriteExt as _;
    let mut network = Network::start(1).await;
    let bytes = media(4, 4 * MIB);
    let id = network.declare(&[&bytes]).await[0];
    let token = network.token("//Bob", id, 0);
    let slice = encode(&bytes, 0);
    let address = network.node(0).running.endpoint();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "PUT /api/v1/objects/{id}/content HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
        slice.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&slice[..slice.len() / 2]).await.unwrap();
    drop(stream);
    // All whole groups of that half are kept.
    let kept = wait_for("the first half", async || {
        let next = network.next_group(0, id).await;
        (next >= 120).then_some(next)
    })
    .await;
    network.stop_node(0).await;
    network.restart_node(0).await;
    assert!(network.next_group(0, id).await >= kept);
    network.upload(0, id, &bytes).await.unwrap();
    assert_eq!(network.read(0, id).await.unwrap(), bytes[..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_that_are_not_allowed_are_refused_before_their_bytes() {
    let network = Network::start(1).await;
    let bytes = media(5, 40_000);
    let id = network.declare(&[&bytes]).await[0];
    let (bob, alice) = (network.token("//Bob", id, 0), network.token("//Alice", id, 0));
    let other = network.token("//Bob", DataObjectId(id.0 + 1), 0);
    let elsewhere = network.token("//Bob", id, 1);
    let whole = encode(&bytes, 0);
    for (id, token, from, body, status, code) in [
        (id.to_string(), None, 0, whole.clone(), 401, "UPLOAD_TOKEN_MISSING"),
        (id.to_string(), Some(&alice), 0, whole.clone(), 403, "UPLOAD_TOKEN_REFUSED"),
        (id.to_string(), Some(&other), 0, whole.clone(), 403, "UPLOAD_TOKEN_REFUSED"),
        (id.to_string(), Some(&elsewhere), 0, whole.clone(), 403, "UPLOAD_TOKEN_REFUSED"),
        (id.to_string(), Some(&bob), 0, whole.slice(1..), 400, "BAD_LENGTH"),
        (id.to_string(), Some(&bob), 2, encode(&bytes, 2), 409, "GAP"),
        (id.to_string(), Some(&bob), 3, Bytes::new(), 400, "BAD_QUERY"),
        ("x".to_owned(), Some(&bob), 0, whole.clone(), 400, "BAD_OBJECT_ID"),
        ("..%2f1".to_owned(), Some(&bob), 0, whole.clone(), 400, "BAD_OBJECT_ID"),
    ] {
        let (found, body) = answer(network.put(0, &id, token, from, body).await).await;
        assert_eq!((found, &body["code"]), (status, &code.into()), "{id} {from}");
    }
    // One that the directory does not know is waited for, for a while.
    let put = network.put(0, id.0 + 7, Some(&bob), 0, whole);
    let (status, body) = answer(tokio::time::timeout(DEADLINE, put).await.unwrap()).await;
    assert_eq!((status, &body["code"]), (404, &"DATA_OBJECT_DOESNT_EXIST".into()));
    assert_eq!(network.status(0).await.objects_count, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_directory_an_upload_is_kept_and_accepted_later() {
    let mut network = Network::start(1).await;
    let (bytes, more) = (media(6, MIB), media(7, 100));
    let ids = network.declare(&[&bytes, &more]).await;
    // The node must know of the objects before it can take them.
    wait_for("the node's copy", async || {
        let next = network.status(0).await.directory.height;
        (next >= network.directory.status().await.unwrap().height).then_some(())
    })
    .await;
    network.stop_directory().await;
    let token = network.token("//Bob", ids[0], 0);
    let response = network.put(0, ids[0], Some(&token), 0, encode(&bytes, 0)).await;
    let name = argosy_http::HeaderName::from_static("x-argosy-acceptance");
    assert_eq!((response.status().as_u16(), response.header(&name)), (201, Some("pending")));
    assert_eq!(network.read(0, ids[0]).await.unwrap(), bytes[..]);
    assert!(!network.status(0).await.directory.connected);

    // The node forgets nothing when it is restarted meanwhile.
    network.stop_node(0).await;
    network.start_node(0).await;
    network.restart_directory().await;
    wait_for("the acceptance", async || network.object(ids[0]).await.accepted).await;
    network.held_by(ids[0], &[0]).await;
    network.upload(0, ids[1], &more).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_is_refused_before_its_bytes() {
    let mut network = Network::start(1).await;
    network.stop_node(0).await;
    let mut config = network.config(0);
    config.limits.storage = Some(Size(1_000_000));
    network.start_node_with(0, config).await;
    let (large, small) = (media(90, 1_000_001), media(91, 900_000));
    let ids = network.declare(&[&large, &small, &small]).await;
    for (id, bytes, status) in [(ids[0], &large, 507), (ids[1], &small, 201), (ids[2], &small, 507)] {
        let token = network.token("//Bob", id, 0);
        let (found, body) = answer(network.put(0, id, Some(&token), 0, encode(bytes, 0)).await).await;
        assert_eq!(found, status, "{body}");
    }
    let status = network.status(0).await;
    assert_eq!((status.bytes_used, status.bytes_limit), (900_000, Some(1_000_000)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_uploads_of_an_object_may_run_and_a_third_may_not() {
    use tokio::io::AsyncWriteExt as _;
    let network = Network::start(1).await;
    let bytes = media(92, 2 * MIB);
    let id = network.declare(&[&bytes]).await[0];
    let token = network.token("//Bob", id, 0);
    let slice = encode(&bytes, 0);
    let address = network.node(0).running.endpoint();
    let head = format!(
        "PUT /api/v1/objects/{id}/content HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
        slice.len()
    );
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&slice[..100_000]).await.unwrap();
        slow.push(stream);
    }
    wait_for("both uploads to run", async || (network.status(0).await.transfers_count == 2).then_some(()))
        .await;
    let (status, body) = answer(network.put(0, id, Some(&token), 0, slice.clone()).await).await;
    assert_eq!((status, &body["code"]), (409, &"UPLOAD_UNDER_WAY".into()));
    // One gives up, the other ends what both have begun; then a place is free.
    drop(slow.pop());
    let mut other = slow.pop().unwrap();
    other.write_all(&slice[100_000..]).await.unwrap();
    wait_for("the acceptance", async || network.object(id).await.accepted).await;
    assert_eq!(network.read(0, id).await.unwrap(), bytes[..]);
    wait_for("the end of both", async || (network.status(0).await.transfers_count == 0).then_some(())).await;
}
