//! Objects of private bags: who gets them, with which headers, and how the distributor itself does.

use crate::{
    browser::{self, Answer},
    fake_directory::{genesis, key},
    fake_source::{Behaviour, FakeSource, Sample},
    rig::{MIB, OURS, OWN_ENDPOINT, Rig},
};
use argosy_api::{NodePass, ReadPermit, ReadScope};
use argosy_directory::Event;
use argosy_domain::{AccountId, BagId, ChannelId, DataObjectId, KeyScheme, MemberId, WorkerId, WorkingGroup};
use argosy_keys::{Kdf, KeyFile, KeySource, Secret};
use argosy_node::follower::now_ms;
use std::sync::Arc;

const BAG: BagId = BagId::channel(ChannelId(OURS));

fn set_private(private: bool) -> Vec<Event> {
    vec![Event::BagPrivacySet { bag: BAG, private }]
}

fn permit(signer: &str, scope: ReadScope, life_ms: u64) -> String {
    ReadPermit::sign(&key(signer), &genesis().hash(), scope, now_ms() + life_ms).to_string()
}

fn of_object(id: u64) -> ReadScope {
    ReadScope::Object(DataObjectId(id))
}

async fn ask(rig: &Rig, method: &str, id: u64, permit: &str, headers: &[(&str, &str)]) -> Answer {
    browser::ask(rig.endpoint(), method, &format!("/api/v1/assets/{id}?permit={permit}"), headers).await
}

/// Gives objects only to distribution worker 0, as a storage node does where the bag is private.
fn ask_for_passes(source: &FakeSource) {
    ask_for_passes_of(source, key("//Distributor0").account());
}

fn ask_for_passes_of(source: &FakeSource, node: AccountId) {
    let endpoint = source.endpoint.clone();
    source.guard(move |head, id| {
        let line = head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("authorization: argosy ").map(str::to_owned)
        });
        let Some(Ok(pass)) = line.map(|text| text.parse::<NodePass>()) else { return false };
        let is_serving = *pass.signer() == node;
        let here = [endpoint.as_str()];
        pass.check(&genesis().hash(), DataObjectId(id), here, is_serving, now_ms()).is_ok()
    });
}

async fn rig_with_key() -> Rig {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    ask_for_passes(&rig.sources[0]);
    rig.stop().await;
    rig.config.keys = vec![KeySource::sr25519("//Other"), KeySource::sr25519("//Distributor0")];
    rig.start().await;
    rig
}

fn assert_refused(answer: &Answer, code: &str) {
    assert_eq!((answer.status, answer.header("cache-control")), (403, "no-store"), "{code}");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    if !answer.body.is_empty() {
        assert_eq!(answer.json()["code"], code);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_permit_opens_every_way_of_reading_and_no_cache_keeps_the_answer() {
    let rig = rig_with_key().await;
    rig.tell(set_private(true)).await;
    for (seed, size) in [(1, 40_000), (2, 3 * MIB)] {
        let sample = Sample::random(seed, size);
        let id = rig.put(&sample).await;
        let text = permit("//Alice", of_object(id), 60_000);
        for x_cache in ["miss", "hit", "hit"] {
            let answer = ask(&rig, "GET", id, &text, &[]).await;
            assert_eq!((answer.status, answer.header("x-cache")), (200, x_cache));
            assert_eq!(answer.header("cache-control"), "private, no-store", "{x_cache}");
            assert!(answer.body == sample.bytes);
            rig.wait_until("the complete object", |status| status["objectsInCache"] == seed).await;
        }
        let part = ask(&rig, "GET", id, &text, &[("Range", "bytes=100-199")]).await;
        assert_eq!((part.status, part.header("cache-control")), (206, "private, no-store"));
        assert!(part.body == sample.bytes[100..200]);
        let head = ask(&rig, "HEAD", id, &text, &[]).await;
        assert_eq!((head.status, head.header("cache-control")), (200, "private, no-store"));
        assert_eq!(head.header("content-length"), size.to_string());
        let etag = head.header("etag").to_owned();
        let known = ask(&rig, "GET", id, &text, &[("If-None-Match", &etag)]).await;
        assert_eq!((known.status, known.header("cache-control")), (304, "private, no-store"));
        let slices = format!("/api/v1/objects/{id}/slices?from=0&to=1&permit={text}");
        let slices = browser::ask(rig.endpoint(), "GET", &slices, &[]).await;
        assert_eq!((slices.status, slices.header("cache-control")), (200, "private, no-store"));
        // What one may see is no secret to others who may, and to nobody else.
        assert_refused(&rig.get(id, &[]).await, "PERMIT_MISSING");
        let of_bag = permit("//Alice", ReadScope::Bag(BAG), 60_000);
        assert_eq!(ask(&rig, "GET", id, &of_bag, &[]).await.status, 200);
    }
    assert_eq!(rig.status().await["roleKey"]["state"], "ready");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_good_permit_nothing_is_given_and_the_answer_says_why() {
    let rig = rig_with_key().await;
    let sample = Sample::random(3, 100_000);
    let id = rig.put(&sample).await;
    rig.tell(set_private(true)).await;
    let good = permit("//Alice", of_object(id), 60_000);
    assert_eq!(ask(&rig, "GET", id, &good, &[]).await.status, 200);
    let week = 8 * 24 * 60 * 60 * 1000;
    let stale = ReadPermit::sign(&key("//Alice"), &genesis().hash(), of_object(id), now_ms() - 1).to_string();
    let foreign = ReadPermit::sign(&key("//Alice"), &[9; 32], of_object(id), now_ms() + 9_000).to_string();
    let forged = format!("{}00", &good[..good.len() - 2]);
    for (text, code) in [
        ("", "PERMIT_REFUSED"),
        ("1234", "PERMIT_REFUSED"),
        (forged.as_str(), "PERMIT_REFUSED"),
        (&permit("//Bob", of_object(id), 60_000), "PERMIT_REFUSED"),
        (&permit("//Distributor0", of_object(id), 60_000), "PERMIT_REFUSED"),
        (&permit("//Alice", of_object(id + 1), 60_000), "PERMIT_REFUSED"),
        (&permit("//Alice", ReadScope::Bag(BagId::channel(ChannelId(2))), 60_000), "PERMIT_REFUSED"),
        (&permit("//Alice", of_object(id), week), "PERMIT_REFUSED"),
        (&foreign, "PERMIT_REFUSED"),
        (&stale, "PERMIT_EXPIRED"),
    ] {
        for method in ["GET", "HEAD"] {
            assert_refused(&ask(&rig, method, id, text, &[]).await, code);
        }
        let slices = format!("/api/v1/objects/{id}/slices?permit={text}&from=0&to=1");
        assert_refused(&browser::ask(rig.endpoint(), "GET", &slices, &[]).await, code);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn privacy_comes_and_goes_with_a_block_and_so_does_the_owner() {
    let rig = rig_with_key().await;
    rig.tell(set_private(true)).await;
    let sample = Sample::random(4, 100_000);
    let id = rig.put(&sample).await;
    let text = permit("//Alice", of_object(id), 60_000);
    assert_eq!(ask(&rig, "GET", id, &text, &[]).await.status, 200);
    rig.wait_until("the complete object", |status| status["objectsInCache"] == 1).await;
    for _ in 0..3 {
        rig.tell(set_private(false)).await;
        let public = rig.get(id, &[]).await;
        assert_eq!((public.status, public.header("x-cache")), (200, "hit"));
        assert_eq!(public.header("cache-control"), "public, max-age=31536000, immutable");
        rig.tell(set_private(true)).await;
        assert_refused(&rig.get(id, &[]).await, "PERMIT_MISSING");
        let private = ask(&rig, "GET", id, &text, &[]).await;
        assert_eq!((private.status, private.header("cache-control")), (200, "private, no-store"));
    }
    // The member has changed its keys: what the old ones signed counts no more.
    let (root, controller) = (key("//Carol").account(), key("//Carol").account());
    rig.tell(vec![Event::MemberAccountsUpdated { member: MemberId(0), root, controller }]).await;
    assert_refused(&ask(&rig, "GET", id, &text, &[]).await, "PERMIT_REFUSED");
    let text = permit("//Carol", of_object(id), 60_000);
    assert_eq!(ask(&rig, "GET", id, &text, &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_nodes_of_the_bag_are_served_by_their_role_key() {
    let rig = rig_with_key().await;
    let sample = Sample::random(5, 100_000);
    let id = rig.put(&sample).await;
    rig.tell(set_private(true)).await;
    let ask = async |signer: &str, object: u64, endpoint: &str| {
        let genesis = genesis().hash();
        let pass = NodePass::sign(&key(signer), &genesis, DataObjectId(object), endpoint, now_ms());
        let path = format!("/api/v1/objects/{id}/slices?from=0&to=1");
        let shown = [("Authorization", &*format!("Argosy {pass}"))];
        browser::ask(rig.endpoint(), "GET", &path, &shown).await
    };
    for signer in ["//Storage0", "//Distributor0"] {
        let answer = ask(signer, id, OWN_ENDPOINT).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "private, no-store"), "{signer}");
    }
    // Workers without a bucket of the bag, the owner's key in the wrong place, other objects and nodes.
    for (signer, object, endpoint) in [
        ("//Storage1", id, OWN_ENDPOINT),
        ("//Distributor1", id, OWN_ENDPOINT),
        ("//Alice", id, OWN_ENDPOINT),
        ("//Storage0", id + 1, OWN_ENDPOINT),
        ("//Storage0", id, "http://127.0.0.1:2"),
    ] {
        assert_refused(&ask(signer, object, endpoint).await, "PASS_REFUSED");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_role_key_the_node_says_that_it_lacks_it() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    ask_for_passes(&rig.sources[0]);
    rig.tell(set_private(true)).await;
    // Known before anybody asks.
    rig.wait_until("the missing key", |status| status["roleKey"]["state"] == "missing").await;
    let account = key("//Distributor0").account().to_string();
    assert!(rig.status().await["roleKey"]["message"].as_str().unwrap().contains(&account));
    let sample: Arc<Sample> = Sample::random(6, 100_000);
    let id = rig.put(&sample).await;
    let text = permit("//Alice", of_object(id), 60_000);
    let answer = ask(&rig, "GET", id, &text, &[]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (503, "private, no-store"));
    assert_eq!(answer.json()["code"], "NO_ROLE_KEY");
    assert!(answer.json()["message"].as_str().unwrap().contains(&account), "{}", answer.json());
    let slices = format!("/api/v1/objects/{id}/slices?from=0&to=1&permit={text}");
    let slices = browser::ask(rig.endpoint(), "GET", &slices, &[]).await;
    assert_eq!((slices.status, slices.json()["code"].clone()), (503, "NO_ROLE_KEY".into()));
}

/// An encrypted key file in the rig's folder, and the file with its passphrase.
fn key_file(rig: &Rig) -> (AccountId, KeySource, KeySource) {
    let secret = Secret::parse(KeyScheme::Sr25519, &format!("0x{}", "07".repeat(32))).unwrap();
    let file = KeyFile::seal("node", KeyScheme::Sr25519, &secret, "a passphrase", Kdf::WEAKEST).unwrap();
    let folder = rig.config.directories.cache_state.parent().unwrap();
    let (path, passphrase) = (folder.join("node.json"), folder.join("passphrase"));
    write_private(&path, &file.to_json());
    write_private(&passphrase, "a passphrase\n");
    let open = KeySource::File { keyfile: path.clone(), passphrase_file: Some(passphrase) };
    (file.account(), open, KeySource::file(path))
}

fn write_private(path: &std::path::Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_key_is_opened_when_a_private_bag_needs_it_and_nobody_is_asked() {
    let mut rig = Rig::new(&[Behaviour::Honest]).await;
    let (account, with_passphrase, without) = key_file(&rig);
    ask_for_passes_of(&rig.sources[0], account);
    let (group, worker) = (WorkingGroup::Distribution, WorkerId(0));
    rig.tell(vec![Event::WorkerRoleAccountUpdated { group, worker, account }]).await;
    rig.stop().await;
    rig.config.keys = vec![without];
    rig.start().await;
    rig.know().await;
    assert_eq!(rig.status().await["roleKey"]["state"], "unused");
    rig.tell(set_private(true)).await;
    rig.wait_until("the locked key", |status| status["roleKey"]["state"] == "missing").await;
    let message = rig.status().await["roleKey"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&account.to_string()) && message.contains("passphrase"), "{message}");

    rig.stop().await;
    rig.config.keys = vec![with_passphrase];
    rig.start().await;
    // The bag is private already when the node starts.
    rig.wait_until("the open key", |status| status["roleKey"]["state"] == "ready").await;
    let sample = Sample::random(7, 100_000);
    let id = rig.put(&sample).await;
    let text = permit("//Alice", of_object(id), 60_000);
    assert!(ask(&rig, "GET", id, &text, &[]).await.body == sample.bytes);
}
