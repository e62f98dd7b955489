//! What a storage node takes in and gives out of private bags and of blacklisted content.

use crate::network::{CHANNEL, Network, answer, encode, key, media, wait_for};
use argosy_api::{NodePass, ReadPermit, ReadScope};
use argosy_domain::{BagId, ContentId, DataObjectId};
use argosy_http::{Method, Request, Response, header};
use argosy_node::follower::now_ms;
use serde_json::json;

fn permit(network: &Network, signer: &str, scope: ReadScope, life_ms: u64) -> String {
    ReadPermit::sign(&key(signer), &network.genesis, scope, now_ms() + life_ms).to_string()
}

/// Every way of reading an object, with what is shown in the query.
async fn read_in_every_way(network: &Network, at: usize, id: DataObjectId, shown: &str) -> Vec<Response> {
    let mut responses = Vec::new();
    for (method, path) in [
        (Method::GET, format!("/api/v1/files/{id}?{shown}")),
        (Method::HEAD, format!("/api/v1/files/{id}?{shown}")),
        (Method::GET, format!("/api/v1/objects/{id}/slices?from=0&to=1&{shown}")),
    ] {
        responses.push(network.client.send(Request::new(method, network.url(at, &path))).await.unwrap());
    }
    responses
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_objects_are_for_those_who_show_a_permit_and_reach_the_other_nodes() {
    let network = Network::start(2).await;
    network.set_private(true).await;
    let bytes = media(40, 300_000);
    let id = network.declare(&[&bytes]).await[0];
    network.upload(0, id, &bytes).await.unwrap();
    // The other node has fetched it by its role key.
    network.held_by(id, &[0, 1]).await;
    let bag = BagId::channel(CHANNEL);
    for at in [0, 1] {
        for scope in [ReadScope::Object(id), ReadScope::Bag(bag)] {
            let shown = format!("permit={}", permit(&network, "//Bob", scope, 60_000));
            for response in read_in_every_way(&network, at, id, &shown).await {
                assert_eq!(response.status(), 200);
                assert_eq!(response.header(&header::CACHE_CONTROL), Some("private, no-store"));
            }
            let url = network.url(at, &format!("/api/v1/files/{id}?{shown}"));
            let part = Request::get(url).header(header::RANGE, "bytes=5-9");
            let part = network.client.send(part).await.unwrap();
            assert_eq!((part.status().as_u16(), part.content_length()), (206, Some(5)));
            assert_eq!(part.header(&header::CACHE_CONTROL), Some("private, no-store"));
        }
        for (shown, code) in [
            (String::new(), "PERMIT_MISSING"),
            (permit(&network, "//Alice", ReadScope::Object(id), 60_000), "PERMIT_REFUSED"),
            (permit(&network, "//Storage1", ReadScope::Object(id), 60_000), "PERMIT_REFUSED"),
            (permit(&network, "//Bob", ReadScope::Object(DataObjectId(id.0 + 1)), 60_000), "PERMIT_REFUSED"),
            (permit(&network, "//Bob", ReadScope::Object(id), 0), "PERMIT_EXPIRED"),
        ] {
            let shown = if shown.is_empty() { shown } else { format!("permit={shown}") };
            for response in read_in_every_way(&network, at, id, &shown).await {
                assert_eq!(response.header(&header::CACHE_CONTROL), Some("no-store"), "{code}");
                let (status, body) = answer(response).await;
                assert_eq!(status, 403, "{code}");
                assert!(body.is_null() || body["code"] == code, "{body}");
            }
        }
    }
    network.set_private(false).await;
    for response in read_in_every_way(&network, 1, id, "").await {
        assert_eq!(response.status(), 200);
        assert_eq!(response.header(&header::CACHE_CONTROL), Some("public, max-age=31536000, immutable"));
    }
    network.set_private(true).await;
    assert_eq!(network.read(0, id).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pass_is_good_for_one_object_at_one_node() {
    let network = Network::start(2).await;
    network.set_private(true).await;
    let bytes = media(41, 100_000);
    let id = network.declare(&[&bytes]).await[0];
    network.upload(0, id, &bytes).await.unwrap();
    let ask = async |signer: &str, object: DataObjectId, audience: &str| {
        let pass = NodePass::sign(&key(signer), &network.genesis, object, audience, now_ms());
        let request = Request::get(network.url(0, &format!("/api/v1/files/{id}")))
            .header(header::AUTHORIZATION, format!("Argosy {pass}"));
        answer(network.client.send(request).await.unwrap()).await
    };
    let here = network.node(0).api.url();
    assert_eq!(ask("//Storage1", id, here).await.0, 200);
    for (signer, object, audience) in [
        ("//Alice", id, here),
        ("//Bob", id, here),
        ("//Storage1", DataObjectId(id.0 + 1), here),
        ("//Storage1", id, network.node(1).api.url()),
    ] {
        let (status, body) = ask(signer, object, audience).await;
        assert_eq!((status, &body["code"]), (403, &json!("PASS_REFUSED")), "{signer} {audience}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blacklisted_content_is_neither_given_out_nor_taken_in_nor_lost() {
    let network = Network::start(1).await;
    let (held, coming) = (media(42, 100_000), media(43, 100_000));
    let ids = network.declare(&[&held, &coming]).await;
    network.upload(0, ids[0], &held).await.unwrap();
    for content in [&held, &coming] {
        network.blacklist(&ContentId::of(content), true).await;
    }
    for response in read_in_every_way(&network, 0, ids[0], "").await {
        assert_eq!(response.header(&header::CACHE_CONTROL), Some("no-store"));
        let (status, body) = answer(response).await;
        assert_eq!(status, 451);
        assert!(body.is_null() || body["code"] == "BLACKLISTED", "{body}");
    }
    let token = network.token("//Bob", ids[1], 0);
    let slice = encode(&coming, 0);
    let (status, body) = answer(network.put(0, ids[1], Some(&token), 0, slice.clone()).await).await;
    assert_eq!((status, &body["code"]), (451, &json!("BLACKLISTED")));
    assert!(network.data_file(0, ids[0]).is_some(), "what is held stays");
    assert!(network.data_file(0, ids[1]).is_none());
    for content in [&held, &coming] {
        network.blacklist(&ContentId::of(content), false).await;
    }
    assert_eq!(network.read(0, ids[0]).await.unwrap(), held[..]);
    network.upload(0, ids[1], &coming).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blacklisted_content_is_not_fetched_from_other_nodes_until_it_is_allowed_again() {
    let mut network = Network::start(2).await;
    network.stop_node(1).await;
    let (listed, other) = (media(44, 100_000), media(45, 100_000));
    let ids = network.declare(&[&listed, &other]).await;
    for (id, bytes) in [(ids[0], &listed), (ids[1], &other)] {
        network.upload(0, id, bytes).await.unwrap();
    }
    network.blacklist(&ContentId::of(&listed), true).await;
    network.restart_node(1).await;
    network.held_by(ids[1], &[0, 1]).await;
    wait_for("nothing missing", async || (network.status(1).await.missing_count == 0).then_some(())).await;
    assert_eq!(network.status(1).await.objects_count, 1);
    network.held_by(ids[0], &[0]).await;
    network.blacklist(&ContentId::of(&listed), false).await;
    network.held_by(ids[0], &[0, 1]).await;
}
