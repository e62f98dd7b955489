//! What keeps a distributor from starting, and how it says so.

use crate::{fake_directory::genesis, rig::Rig};
use argosy_api::genesis::GenesisFile;
use argosy_distributor::{Config, StartError, start};
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
    config.genesis = config.genesis.with_file_name("none.json");
    let text = refusal(config).await;
    assert!(text.contains("none.json"), "{text}");

    let mut config = free;
    let mut other = genesis();
    other.network = "other".to_owned();
    config.genesis = config.genesis.with_file_name("other.json");
    std::fs::write(&config.genesis, serde_json::to_vec(&GenesisFile::from(&other)).unwrap()).unwrap();
    let text = refusal(config).await;
    assert!(text.contains("other") && text.contains("test"), "{text}");
}
