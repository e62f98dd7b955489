//! Copies: nodes that were away, objects that are deleted, nodes that do not belong here.

use crate::network::{Network, key, media, wait_for};
use argosy_domain::KeyScheme;
use argosy_keys::KeySource;
use argosy_storage_node::StartError;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_comes_back_catches_up_by_itself() {
    let mut network = Network::start(3).await;
    let objects: Vec<Vec<u8>> = (0..20).map(|seed| media(30 + seed, 70_000 * seed_len(seed))).collect();
    let ids = network.declare(&objects.iter().map(Vec::as_slice).collect::<Vec<_>>()).await;
    network.upload(0, ids[0], &objects[0]).await.unwrap();
    network.held_by(ids[0], &[0, 1, 2]).await;
    network.stop_node(2).await;
    for (id, bytes) in ids.iter().zip(&objects).skip(1) {
        network.upload(1, *id, bytes).await.unwrap();
    }
    for id in &ids[1..] {
        network.held_by(*id, &[0, 1]).await;
    }
    network.restart_node(2).await;
    for (id, bytes) in ids.iter().zip(&objects) {
        network.held_by(*id, &[0, 1, 2]).await;
        assert_eq!(network.read(2, *id).await.unwrap(), bytes[..]);
    }
    wait_for("the end of all transfers", async || {
        let status = network.status(2).await;
        let counts = (status.objects_count, status.missing_count, status.transfers_count);
        (counts == (20, 0, 0)).then_some(())
    })
    .await;
}

fn seed_len(seed: u64) -> usize {
    usize::try_from(seed % 5 + 1).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_go_only_after_their_deletion_is_in_a_block() {
    let mut network = Network::start(2).await;
    let (keep, lose) = (media(60, 300_000), media(61, 300_000));
    let ids = network.declare(&[&keep, &lose]).await;
    network.upload(0, ids[0], &keep).await.unwrap();
    network.upload(0, ids[1], &lose).await.unwrap();
    network.held_by(ids[1], &[0, 1]).await;

    // A node that has lost its copy of the directory, and finds no directory, keeps everything. It gives
    // nothing out: what is private or blacklisted it cannot know.
    network.stop_node(1).await;
    std::fs::remove_file(network.node_dir(1).join("directory.checkpoint")).unwrap();
    network.stop_directory().await;
    network.start_node(1).await;
    assert_eq!(network.read(1, ids[1]).await, None);
    let status = network.status(1).await;
    assert_eq!((status.directory.height, status.objects_count), (0, 2));
    network.restart_directory().await;
    network.held_by(ids[1], &[0, 1]).await;
    let read = wait_for("the object to be given out again", async || network.read(1, ids[1]).await).await;
    assert_eq!(read, lose[..]);

    network.delete(ids[1]).await;
    for at in 0..2 {
        wait_for("the file to go", async || network.data_file(at, ids[1]).is_none().then_some(())).await;
        assert!(network.read(at, ids[1]).await.is_none());
        assert_eq!(network.read(at, ids[0]).await.unwrap(), keep[..]);
        wait_for("the object to be forgotten", async || {
            (network.status(at).await.objects_count == 1).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_holder_that_goes_away_is_waited_for() {
    let mut network = Network::start(2).await;
    let bytes = media(70, 1_000_000);
    let id = network.declare(&[&bytes]).await[0];
    network.stop_node(1).await;
    network.upload(0, id, &bytes).await.unwrap();
    network.stop_node(0).await;
    network.start_node(1).await;
    wait_for("the missing object to be seen", async || {
        (network.status(1).await.missing_count == 1).then_some(())
    })
    .await;
    network.restart_node(0).await;
    network.held_by(id, &[0, 1]).await;
    assert_eq!(network.read(1, id).await.unwrap(), bytes[..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_the_right_key_says_which_one_it_needs() {
    let mut network = Network::start(1).await;
    let bytes = media(80, 1_000);
    let id = network.declare(&[&bytes]).await[0];
    network.stop_node(0).await;
    let mut config = network.config(0);
    config.keys = vec![KeySource::sr25519("//Stranger")];
    network.start_node_with(0, config).await;
    let error = network.upload(0, id, &bytes).await.unwrap_err().to_string();
    assert!(error.contains(&key("//Storage0").account().to_string()), "{error}");
    assert_eq!(key("//Storage0").scheme(), KeyScheme::Sr25519);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_at_the_start_is_said_in_one_line() {
    let network = Network::start(1).await;
    let start = async |config| match argosy_storage_node::start(config).await {
        Ok(_) => panic!("the node started"),
        Err(error) => error,
    };
    // The running node's own folder.
    let error = start(network.config(0)).await;
    assert!(matches!(error, StartError::Store(argosy_store::StoreError::AlreadyInUse(_))), "{error}");
    let mut config = network.config(0);
    config.listen = network.node(0).running.endpoint();
    assert!(matches!(start(config).await, StartError::Bind(_)));
    let mut config = network.config(0);
    config.keys = vec![KeySource::sr25519("words")];
    assert!(matches!(start(config).await, StartError::Keys(_)));
    let mut config = network.config(0);
    config.genesis = network.dir.path().join("nothing.json");
    assert!(matches!(start(config).await, StartError::Genesis(_)));
    // Another network's folder.
    let other = Network::start(1).await;
    let mut config = other.config(0);
    config.genesis = other.dir.path().join("other.json");
    let text = std::fs::read_to_string(other.dir.path().join("genesis.json")).unwrap();
    let mut file: argosy_api::genesis::GenesisFile = serde_json::from_str(&text).unwrap();
    file.network = "another".to_owned();
    let error = argosy_directory::Genesis::try_from(file.clone()).unwrap_err();
    if let argosy_api::genesis::GenesisFileError::Hash { computed, .. } = error {
        file.hash = computed;
    }
    std::fs::write(&config.genesis, serde_json::to_vec(&file).unwrap()).unwrap();
    assert!(matches!(start(config).await, StartError::Home(_)));
    tokio::time::timeout(Duration::from_secs(20), async {
        assert!(network.status(0).await.directory.connected);
    })
    .await
    .unwrap();
}
