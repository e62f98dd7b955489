//! A small network: Alice leads both groups and works in them, Bob owns a channel.

use argosy_api::{client::DirectoryClient, directory::ReceiptView, genesis::GenesisFile};
use argosy_directory::{
    Call, Genesis, Params, Profile, Transaction,
    genesis::{GENESIS_VERSION, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
};
use argosy_directory_node::{Config, KeySource, StartError, start};
use argosy_domain::{KeyScheme, Keypair};
use argosy_http::{AddressPolicy, Client, ClientConfig, Request, Response, Running};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Longest that a test waits for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) fn key(uri: &str) -> Keypair {
    Keypair::from_uri(KeyScheme::Sr25519, uri).unwrap()
}

pub(crate) fn genesis() -> Genesis {
    let member =
        |uri: &str, handle: &str| GenesisMember { handle: handle.to_owned(), account: key(uri).account() };
    let group = || GenesisGroup {
        workers: vec![GenesisWorker { member: "alice".to_owned(), role_account: key("//Alice").account() }],
        lead: Some(0),
    };
    Genesis {
        version: GENESIS_VERSION,
        network: "node-test".to_owned(),
        profile: Profile::Local,
        time_ms: 1_700_000_000_000,
        sequencer: key("//Sequencer").account(),
        params: Params::local(),
        members: vec![member("//Alice", "alice"), member("//Bob", "bob")],
        storage_group: group(),
        distribution_group: group(),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil::default(),
        balances: Vec::new(),
    }
}

/// A folder with a genesis file, and the configuration of a node that lives in it.
pub(crate) fn config(dir: &Path) -> Config {
    let path = dir.join("genesis.json");
    fs::write(&path, serde_json::to_vec(&GenesisFile::from(&genesis())).unwrap()).unwrap();
    Config {
        data: dir.join("data"),
        genesis: path,
        sequencer: Some(KeySource::Suri("//Sequencer".to_owned())),
        follow: None,
        standbys: None,
        peers: None,
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        graphql: argosy_directory_node::GraphqlConfig::default(),
        retention: argosy_directory_node::Retention::default(),
        checkpoints: argosy_directory_node::Checkpoints::default(),
        segment_bytes: std::num::NonZeroU64::new(1 << 26).unwrap(),
        logs: argosy_node::config::Logs::default(),
        // Heights are those of what a test sends, however long it takes.
        block_interval: Some(Duration::from_secs(3_600)),
    }
}

pub(crate) struct Node {
    pub(crate) running: Running,
    pub(crate) client: Client,
    pub(crate) directory: DirectoryClient,
    url: String,
}

impl Node {
    pub(crate) async fn start(dir: &Path) -> Self {
        Self::start_with(config(dir)).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        let running = start(config).await.unwrap();
        let url = format!("http://{}", running.endpoint());
        let client = Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() });
        let directory = DirectoryClient::new(client.clone(), &url);
        Self { running, client, directory, url }
    }

    pub(crate) async fn stop(self) {
        tokio::time::timeout(DEADLINE, self.running.stop_and_join()).await.expect("stops in time").unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(&self.url(path)).await.unwrap()
    }

    /// Status and body of a raw `POST` of a transaction.
    pub(crate) async fn post(&self, body: Vec<u8>) -> (u16, serde_json::Value) {
        let response =
            self.client.send(Request::post(self.url("/api/v1/transactions")).bytes(body)).await.unwrap();
        answer(response).await
    }

    /// Signs with the account's present nonce, sends, and expects the call to succeed.
    pub(crate) async fn call(&self, signer: &str, call: impl Into<Call>) -> ReceiptView {
        let signer = key(signer);
        let nonce = self.directory.account(&signer.account()).await.unwrap().nonce;
        let transaction = sign(&signer, nonce, call.into());
        let receipt = self.directory.submit(&transaction).await.unwrap();
        assert_eq!(receipt.error, None, "{:?}", transaction.payload.call);
        receipt
    }
}

pub(crate) fn sign(key: &Keypair, nonce: u64, call: Call) -> Transaction {
    Transaction::sign(key, genesis().hash(), nonce, now_ms() + 60_000, call)
}

pub(crate) async fn answer(response: Response) -> (u16, serde_json::Value) {
    let status = response.status().as_u16();
    let body = response.collect(1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(serde_json::Value::Null))
}

pub(crate) async fn start_error(config: Config) -> StartError {
    match start(config).await {
        Ok(_) => panic!("the node started"),
        Err(error) => error,
    }
}

/// The whole chain of causes on one line, as the program prints it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

pub(crate) fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}
