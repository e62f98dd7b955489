//! A directory alone, with people whose keys everybody knows, and the program under all of its names.

use crate::{
    http,
    network::{argosy, wait_until},
    ports::free_address,
};
use argosy_api::{DirectoryClient, Submitter, genesis::GenesisFile};
use argosy_directory::{
    BatchCall, BatchMode, Call, ContentCall, Genesis, Params, Profile, StorageCall,
    call::ObjectsUpload,
    genesis::{GENESIS_VERSION, GenesisBalance, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
};
use argosy_domain::{AccountId, KeyScheme, Keypair, MemberId, StorageBucketId, WorkerId};
use argosy_http::{AddressPolicy, Client, ClientConfig};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

/// What each person of the stage has, in base units.
const FUNDS: u128 = 1_000_000_000;

/// A development key.
pub(crate) fn key(uri: &str) -> Keypair {
    Keypair::from_uri(KeyScheme::Sr25519, uri).unwrap()
}

/// A running directory node in a folder of its own, killed when dropped.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    process: Child,
    pub(crate) url: String,
    pub(crate) genesis: Genesis,
}

impl Stage {
    /// Storage workers 0 (the lead) to 3, distribution workers 0 (the lead) to 6, a council of three.
    pub(crate) fn open() -> Self {
        Self::named("stage")
    }

    /// The same under another name, and so another network.
    pub(crate) fn named(network: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let genesis = genesis(network);
        let file = serde_json::to_string_pretty(&GenesisFile::from(&genesis)).unwrap();
        fs::write(folder.path().join("genesis.json"), file).unwrap();
        let address = free_address();
        let config = format!(
            "data: store\ngenesis: genesis.json\nlisten: {address}\nsequencer: {{suri: //Sequencer}}\n"
        );
        fs::write(folder.path().join("directory.yml"), config).unwrap();
        for name in ["bin", "home"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        for name in ["argosy", "joystream-distributor", "storage-node"] {
            symlink(env!("CARGO_BIN_EXE_argosy"), folder.path().join("bin").join(name)).unwrap();
        }
        let url = format!("http://{address}");
        let process = start(folder.path(), &url);
        Self { folder, process, url, genesis }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub(crate) fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    /// Ends the directory node, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again.
    pub(crate) fn start(&mut self) {
        self.process = start(self.folder.path(), &self.url);
    }

    /// What the directory answers at a path under `/api/v1/`.
    pub(crate) fn state(&self, path: &str) -> Value {
        http::get(&format!("{}/api/v1/{path}", self.url), None).expect("the directory answers").json()
    }

    /// The program under one of its names, in the home folder, talking to this directory.
    pub(crate) fn command(&self, name: &str, arguments: &str) -> Command {
        let mut command = Command::new(self.bin().join(name));
        command.args(arguments.split_whitespace()).current_dir(self.home()).stdin(Stdio::null());
        command.env("HOME", self.home()).env("ARGOSY_DIRECTORY", &self.url).env_remove("XDG_STATE_HOME");
        command.env_remove("XDG_CONFIG_HOME").env_remove("AUTO_CONFIRM");
        command
    }

    /// Signs calls with a development key and has them carried out, all of them.
    pub(crate) fn sign(&self, uri: &str, calls: Vec<Call>) {
        let client = Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() });
        let directory = DirectoryClient::new(client, &self.url);
        let submitter = Submitter::new(directory, key(uri), self.genesis.hash());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for call in calls {
            runtime.block_on(submitter.submit(call)).unwrap();
        }
    }

    /// Storage bucket 0, operated by worker 1, and channels up to `last`.
    pub(crate) fn with_channels(self, last: u64) -> Self {
        let (bucket, worker) = (StorageBucketId(0), WorkerId(1));
        let transactor = key("//storage-1").account();
        let create = StorageCall::CreateStorageBucket {
            invite_worker: Some(worker),
            accepting_new_bags: true,
            size_limit: 1 << 40,
            objects_limit: 1_000_000,
        };
        self.sign("//storage-lead", vec![Call::Storage(create)]);
        let accept = StorageCall::AcceptStorageBucketInvitation { worker, bucket, transactor };
        self.sign("//storage-1", vec![Call::Storage(accept)]);
        let channel = || {
            let upload = ObjectsUpload {
                object_creation_list: Vec::new(),
                expected_data_size_fee: self.genesis.params.data_object_per_megabyte_fee,
                expected_data_object_state_bloat_bond: self.genesis.params.data_object_state_bloat_bond,
            };
            let (owner, storage_buckets, distribution_buckets) = (MemberId(0), None, None);
            Call::Content(ContentCall::CreateChannel { owner, upload, storage_buckets, distribution_buckets })
        };
        while !self.has_channel(last) {
            let calls = (0..=last.min(50)).map(|_| channel()).collect();
            self.sign("//Alice", vec![Call::Batch(BatchCall { mode: BatchMode::AllOrNothing, calls })]);
        }
        self
    }

    fn has_channel(&self, id: u64) -> bool {
        http::get(&format!("{}/api/v1/channels/{id}", self.url), None)
            .is_ok_and(|answer| answer.status == 200)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(folder: &Path, url: &str) -> Child {
    let mut command = argosy();
    command.args(["directory", "start", "--config", "directory.yml"]).current_dir(folder);
    command.stdout(Stdio::null()).stderr(fs::File::create(folder.join("directory.log")).unwrap());
    let mut process = command.spawn().unwrap();
    wait_until("the directory answers", || {
        let log = || fs::read_to_string(folder.join("directory.log")).unwrap_or_default();
        assert!(process.try_wait().unwrap().is_none(), "the directory node has ended: {}", log());
        http::get(&format!("{url}/readyz"), None).is_ok_and(|answer| answer.status == 200)
    });
    process
}

fn genesis(network: &str) -> Genesis {
    let account = |uri: &str| key(uri).account();
    let mut members = vec![GenesisMember { handle: "alice".to_owned(), account: account("//Alice") }];
    let mut hire = |group: &str, workers: usize| {
        let names =
            std::iter::once(format!("{group}-lead")).chain((1..=workers).map(|n| format!("{group}-{n}")));
        let workers = names
            .map(|name| {
                let role_account = account(&format!("//{name}"));
                members.push(GenesisMember { handle: name.clone(), account: role_account });
                GenesisWorker { member: name, role_account }
            })
            .collect();
        GenesisGroup { workers, lead: Some(0) }
    };
    let (storage_group, distribution_group) = (hire("storage", 3), hire("distribution", 6));
    let council: Vec<AccountId> = ["//Ann", "//Ben", "//Cid"].map(account).into();
    let rich = members.iter().map(|member| member.account).chain(council.iter().copied());
    let balances = rich.map(|account| GenesisBalance { account, amount: FUNDS, locked: 0 }).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    Genesis {
        version: GENESIS_VERSION,
        network: network.to_owned(),
        profile: Profile::Local,
        time_ms: u64::try_from(now).unwrap(),
        sequencer: account("//Sequencer"),
        params: Params::local(),
        members,
        storage_group,
        distribution_group,
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil { keys: council.into_iter().collect(), threshold: 2 },
        balances,
    }
}
