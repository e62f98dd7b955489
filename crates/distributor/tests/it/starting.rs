//! What keeps a distributor from starting, and how it says so.

use crate::{fake_directory::genesis, rig::Rig};
use argosy_api::genesis::GenesisFile;
use argosy_distributor::{Config, StartError, config::Endpoints, start};
use argosy_node::config::DirectoryUrls;
use std::error::Error;

async fn refusal(config: Config) -> String {
    let error: StartError = start(config).await.unwrap_err();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_obstacle_is_named() {
    let rig = Rig::new(&[]).await;
    let free = rig.config.clone();
    let text = refusal(free.clone()).await;
    assert!(text.contains("in use by another process"), "{text}");

    let mut config = free.clone();
    config.public_api.port = rig.endpoint().port();
    let text = refusal(config).await;
    assert!(text.contains(&rig.endpoint().to_string()) && text.contains("in use"), "{text}");

    let mut config = free.clone();
    let genesis_path = config.genesis.clone().unwrap();
    config.genesis = Some(genesis_path.with_file_name("none.json"));
    let text = refusal(config).await;
    assert!(text.contains("none.json"), "{text}");

    let mut config = free.clone();
    config.operator_api.as_mut().unwrap().hmac_secret = Some("this-is-not-so-secret".to_owned());
    let text = refusal(config).await;
    assert!(text.contains("operatorApi.hmacSecret") && text.contains("openssl"), "{text}");

    let mut config = free.clone();
    config.endpoints = Endpoints::default();
    let text = refusal(config).await;
    assert!(text.contains("endpoints.directory"), "{text}");

    let mut config = free;
    let mut other = genesis();
    other.network = "other".to_owned();
    let other_path = genesis_path.with_file_name("other.json");
    config.genesis = Some(other_path.clone());
    std::fs::write(&other_path, serde_json::to_vec(&GenesisFile::from(&other)).unwrap()).unwrap();
    let text = refusal(config).await;
    assert!(text.contains("other") && text.contains("test"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_genesis_the_directorys_is_believed_once() {
    let mut rig = Rig::new(&[]).await;
    rig.stop().await;
    rig.config.genesis = None;
    rig.config.directories.cache_state = rig.config.directories.cache_state.with_file_name("another");
    let squid = format!("{}/graphql", rig.directory.url);
    rig.config.endpoints = Endpoints { storage_squid: Some(squid), ..Endpoints::default() };
    rig.start().await;
    rig.know().await;
    rig.stop().await;
    let kept = rig.config.directories.cache_state.join("genesis.json");
    let text = std::fs::read_to_string(&kept).unwrap();
    assert_eq!(text, serde_json::to_string_pretty(&GenesisFile::from(&genesis())).unwrap());

    // Nobody is asked again, and another genesis does not take the folder over.
    let mut other = genesis();
    other.network = "other".to_owned();
    std::fs::write(&kept, serde_json::to_vec(&GenesisFile::from(&other)).unwrap()).unwrap();
    let text = refusal(rig.config.clone()).await;
    assert!(text.contains("other") && text.contains("test"), "{text}");

    std::fs::remove_file(&kept).unwrap();
    let nobody = DirectoryUrls::new(vec!["http://127.0.0.1:1".to_owned()]).unwrap();
    rig.config.endpoints = Endpoints::directory(nobody);
    let text = refusal(rig.config.clone()).await;
    assert!(text.contains("http://127.0.0.1:1") && text.contains("genesis"), "{text}");
}
