//! The network that a command talks to, by way of one directory node.

use crate::failure::{Failure, Outcome};
use argosy_api::{
    ClientError, DirectoryClient, Submitter,
    directory::{DistributionBucketView, MemberView, ObjectView, OperatorStatus, StorageBucketView},
};
use argosy_directory::{Event, Genesis, Profile};
use argosy_domain::{
    DataObjectId, DistributionBucketId, KeyScheme, Keypair, MemberId, StorageBucketId, wire::decode_canonical,
};
use argosy_http::{AddressPolicy, Client, ClientConfig};
use std::{
    collections::BTreeSet,
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Where the directory is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DirectoryArgs {
    /// Root URL of a directory node
    ///
    /// Without it: what the configuration of the command names, else http://127.0.0.1:4352.
    #[arg(long, value_name = "URL", env = "ARGOSY_DIRECTORY", global = true)]
    directory: Option<DirectoryUrl>,
}

/// Where `argosy up` puts its directory node.
const DEFAULT_DIRECTORY: &str = "http://127.0.0.1:4352";

impl DirectoryArgs {
    /// This directory node, whatever the environment says.
    pub(crate) const fn at(directory: DirectoryUrl) -> Self {
        Self { directory: Some(directory) }
    }

    /// What the command line and the environment say, else `other`.
    pub(crate) fn or(&self, other: Option<DirectoryUrl>) -> Self {
        Self { directory: self.directory.clone().or(other) }
    }

    /// The root URL.
    pub(crate) fn url(&self) -> String {
        self.directory.as_ref().map_or_else(|| DEFAULT_DIRECTORY.to_owned(), ToString::to_string)
    }
}

/// A URL that can be a node's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DirectoryUrl(String);

impl FromStr for DirectoryUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "expected http://HOST:PORT or https://HOST";
        let uri: http::Uri = text.parse().map_err(|_| FORM)?;
        let plain = uri.path() == "/" && uri.query().is_none();
        match (uri.scheme_str(), uri.authority()) {
            (Some(scheme @ ("http" | "https")), Some(authority))
                if plain && !authority.as_str().contains('@') =>
            {
                Ok(Self(format!("{scheme}://{authority}")))
            }
            _ => Err(FORM),
        }
    }
}

impl fmt::Display for DirectoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A development key, `//NAME`.
#[derive(Clone, Debug)]
pub(crate) struct DevKey {
    pub(crate) uri: String,
    pub(crate) pair: Keypair,
}

impl FromStr for DevKey {
    type Err = String;

    fn from_str(uri: &str) -> Result<Self, String> {
        // A phrase, a seed or a password would end up in the process list and in the shell's history.
        if !uri.starts_with("//") || uri.contains("///") {
            return Err(
                "secrets are not taken on the command line, only development keys: expected //NAME".into()
            );
        }
        let pair = Keypair::from_uri(KeyScheme::Sr25519, uri).map_err(|error| error.to_string())?;
        Ok(Self { uri: uri.to_owned(), pair })
    }
}

/// A network whose directory has answered.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) directory: DirectoryClient,
    pub(crate) genesis: Genesis,
    /// Reaches the nodes whose endpoints the directory names, and nothing that its profile forbids.
    pub(crate) client: Client,
}

/// A node, as the directory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint<B> {
    pub(crate) bucket: B,
    pub(crate) url: String,
}

impl Network {
    /// Asks the directory node which network it belongs to.
    pub(crate) async fn connect(args: &DirectoryArgs) -> Outcome<Self> {
        let directory = directory_client(&args.url());
        let file = directory.genesis().await.map_err(|error| match &error {
            ClientError::Status { body, .. } if body.status == 404 => Failure::no_answer(format!(
                "{} is not a directory node: name one with --directory",
                args.url()
            )),
            ClientError::Status { .. } | ClientError::NoAnswer { .. } | ClientError::Protocol { .. } => {
                Failure::directory("the genesis", &error)
            }
        })?;
        let genesis = Genesis::try_from(file)
            .map_err(|error| Failure::refused("WRONG_GENESIS", format!("{}: {error}", args.url())))?;
        let addresses = match genesis.profile {
            Profile::Local => AddressPolicy::Local,
            Profile::Mainnet => AddressPolicy::Public,
        };
        let client = Client::new(ClientConfig { addresses, ..ClientConfig::default() });
        Ok(Self { directory, genesis, client })
    }

    /// Signs and sends with `key`.
    pub(crate) fn submitter(&self, key: &DevKey) -> Submitter {
        Submitter::new(self.directory.clone(), key.pair.clone(), self.genesis.hash())
    }

    /// The object, or a failure that says what is wrong with its id.
    pub(crate) async fn object(&self, id: DataObjectId) -> Outcome<ObjectView> {
        self.directory.object(id).await.map_err(|error| Failure::directory(&format!("object {id}"), &error))
    }

    /// The member that signs with `key`, if there is one.
    pub(crate) async fn member_of(&self, key: &DevKey) -> Outcome<Option<MemberView>> {
        let account = key.pair.account();
        let mut from = MemberId(0);
        loop {
            let members = self.directory.members(from).await;
            let members = members.map_err(|error| Failure::directory("members", &error))?;
            let Some(last) = members.last().map(|member| member.id) else { return Ok(None) };
            if let Some(member) = members.into_iter().find(|member| member.account == account) {
                return Ok(Some(member));
            }
            // Ids ascend in every honest answer; another one must not keep us here for ever.
            from = last.next().max(from.next());
        }
    }

    /// Nodes of these storage buckets that are in operation.
    pub(crate) async fn storage_nodes(
        &self,
        wanted: &[StorageBucketId],
    ) -> Outcome<Vec<Endpoint<StorageBucketId>>> {
        let buckets =
            self.directory.storage_buckets().await.map_err(|e| Failure::directory("storage buckets", &e))?;
        Ok(storage_endpoints(&buckets, wanted))
    }

    /// Nodes of these distribution buckets that are in operation.
    pub(crate) async fn distributors(
        &self,
        wanted: &[DistributionBucketId],
    ) -> Outcome<Vec<Endpoint<DistributionBucketId>>> {
        let buckets = self
            .directory
            .distribution_buckets()
            .await
            .map_err(|error| Failure::directory("distribution buckets", &error))?;
        Ok(distribution_endpoints(&buckets, wanted))
    }
}

/// A client of the directory node that the caller named: any address will do.
pub(crate) fn directory_client(url: &str) -> DirectoryClient {
    let config = ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() };
    DirectoryClient::new(Client::new(config), url)
}

fn storage_endpoints(
    buckets: &[StorageBucketView],
    wanted: &[StorageBucketId],
) -> Vec<Endpoint<StorageBucketId>> {
    let wanted: BTreeSet<_> = wanted.iter().collect();
    let ours = buckets.iter().filter(|bucket| wanted.contains(&bucket.id));
    ours.filter_map(|bucket| {
        let operator = bucket.operator.as_ref().filter(|it| it.status == OperatorStatus::Active)?;
        Some(Endpoint { bucket: bucket.id, url: operator.endpoint.clone()? })
    })
    .collect()
}

fn distribution_endpoints(
    buckets: &[DistributionBucketView],
    wanted: &[DistributionBucketId],
) -> Vec<Endpoint<DistributionBucketId>> {
    let wanted: BTreeSet<_> = wanted.iter().collect();
    let mut seen = BTreeSet::new();
    let ours = buckets.iter().filter(|bucket| bucket.distributing && wanted.contains(&bucket.id));
    ours.flat_map(|bucket| bucket.operators.iter().map(move |operator| (bucket.id, operator)))
        .filter(|(_, operator)| operator.status == OperatorStatus::Active)
        .filter_map(|(bucket, operator)| Some(Endpoint { bucket, url: operator.endpoint.clone()? }))
        // One node may operate several buckets.
        .filter(|endpoint| seen.insert(endpoint.url.clone()))
        .collect()
}

/// The events of a receipt.
pub(crate) fn events(receipt: &argosy_api::directory::ReceiptView) -> Outcome<Vec<Event>> {
    events_of(&receipt.events)
}

/// Events in hexadecimal SCALE.
pub(crate) fn events_of(events: &[String]) -> Outcome<Vec<Event>> {
    events
        .iter()
        .map(|text| hex::decode(text).ok().and_then(|bytes| decode_canonical(&bytes).ok()))
        .collect::<Option<_>>()
        .ok_or_else(|| {
            Failure::no_answer(
                "the directory's answer has events that this program does not know: use a newer argosy",
            )
        })
}

/// Whether asking the same again, or somebody else, may help.
pub(crate) fn may_pass(error: &ClientError) -> bool {
    match error {
        ClientError::Status { body, .. } => body.retry != argosy_api::Retry::Never || body.status == 404,
        ClientError::NoAnswer { .. } => true,
        ClientError::Protocol { .. } => false,
    }
}

/// Waits between attempts: doubling from 50 ms to 1 s, each with up to a quarter of jitter.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    step: u32,
}

impl Backoff {
    pub(crate) async fn wait(&mut self) {
        const LONGEST_STEP: u32 = 4;
        let base = 50_u64 << self.step.min(LONGEST_STEP);
        self.step += 1;
        tokio::time::sleep(Duration::from_millis(base + fastrand::u64(0..=base / 4))).await;
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_api::directory::OperatorView;
    use argosy_domain::{FamilyId, WorkerId};

    #[test]
    fn directory_urls_are_roots() {
        assert_eq!("http://host:1/".parse::<DirectoryUrl>().unwrap().to_string(), "http://host:1");
        assert_eq!("https://host/".parse::<DirectoryUrl>().unwrap().to_string(), "https://host");
        for bad in
            ["", "host", "host:1", "http://", "http://h/path", "http://u@h", "https://h/path", "ftp://h"]
        {
            assert!(bad.parse::<DirectoryUrl>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn keys_are_names_not_secrets() {
        assert!("//Alice".parse::<DevKey>().is_ok());
        assert!("Alice".parse::<DevKey>().unwrap_err().contains("//"));
        let seed = format!("0x{}", "11".repeat(32));
        assert!(seed.parse::<DevKey>().unwrap_err().contains("//NAME"));
    }

    #[test]
    fn only_active_operators_of_serving_buckets_are_asked_and_each_node_once() {
        let operator = |status, url: &str| OperatorView {
            worker: WorkerId(0),
            status,
            endpoint: Some(url.to_owned()),
            transactor: None,
            metadata: None,
            leaves_ms: None,
        };
        let bucket = |index, distributing, operators| DistributionBucketView {
            id: DistributionBucketId { family: FamilyId(0), index },
            accepting_new_bags: true,
            distributing,
            operators,
            assigned_bags: 0,
        };
        let buckets = [
            bucket(0, true, vec![operator(OperatorStatus::Active, "http://a")]),
            bucket(1, true, vec![operator(OperatorStatus::Invited, "http://b")]),
            bucket(2, false, vec![operator(OperatorStatus::Active, "http://c")]),
            bucket(3, true, vec![operator(OperatorStatus::Active, "http://a")]),
            bucket(4, true, vec![operator(OperatorStatus::Active, "http://d")]),
        ];
        let wanted: Vec<_> = buckets[..4].iter().map(|bucket| bucket.id).collect();
        let found = distribution_endpoints(&buckets, &wanted);
        assert_eq!(found.iter().map(|endpoint| endpoint.url.as_str()).collect::<Vec<_>>(), ["http://a"]);
    }
}
