//! What `argosy up` is going to run: how many nodes, on which ports, with which keys.

use crate::failure::{Failure, Outcome};
use argosy_api::genesis::GenesisFile;
use argosy_directory::genesis::{
    GENESIS_VERSION, Genesis, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker, Params, Profile,
};
use argosy_domain::{AccountId, DistributionBucketId, FamilyId, KeyScheme, Keypair, WorkerId};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Most storage nodes: a bag cannot be in more buckets.
pub(crate) const MAX_STORAGE: u16 = 13;
/// Most distributors: a bag cannot be in more buckets.
pub(crate) const MAX_DISTRIBUTORS: u16 = 50;
/// Families that the distributors are dealt to, in turn.
const FAMILIES: u16 = 2;

/// Development key of the uploader.
pub(crate) const ALICE: &str = "//Alice";
pub(crate) const STORAGE_LEAD: &str = "//storage-lead";
pub(crate) const DISTRIBUTION_LEAD: &str = "//distribution-lead";
pub(crate) const SEQUENCER: &str = "//Sequencer";
/// The council of a network of one machine: a single key.
const COUNCIL: &str = "//Council";

/// Which ports the nodes get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortChoice {
    /// Those that Joystream's operators know.
    Usual,
    /// All from one number on.
    From(u16),
    /// Whichever are free.
    Free,
}

/// Ports of a distributor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DistributorPorts {
    pub(crate) public: u16,
    pub(crate) operator: u16,
}

/// Ports of all nodes; their numbers are the numbers of nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) directory: u16,
    pub(crate) storage: Vec<u16>,
    pub(crate) distributors: Vec<DistributorPorts>,
}

impl Ports {
    /// The ports of a new network.
    pub(crate) fn choose(choice: PortChoice, storage: u16, distributors: u16) -> Outcome<Self> {
        match choice {
            PortChoice::Usual => Ok(Self::spaced(4352, 3333, 3334, 10, storage, distributors)),
            PortChoice::From(base) => {
                let last = u32::from(base) + 201 + 2 * u32::from(distributors);
                if last > u32::from(u16::MAX) {
                    let highest = u32::from(u16::MAX) - (last - u32::from(base));
                    return Err(Failure::usage(format!(
                        "--port-base {base} is too high for this many nodes: at most {highest}"
                    )));
                }
                Ok(Self::spaced(base, base + 100, base + 200, 2, storage, distributors))
            }
            PortChoice::Free => Self::free(storage, distributors),
        }
    }

    fn spaced(directory: u16, first: u16, public: u16, step: u16, storage: u16, distributors: u16) -> Self {
        Self {
            directory,
            storage: (0..storage).map(|n| first + step * n).collect(),
            distributors: (0..distributors)
                .map(|n| DistributorPorts { public: public + step * n, operator: public + step * n + 1 })
                .collect(),
        }
    }

    /// Ports that nobody uses now. All are held until all are known, so that no two are equal.
    fn free(storage: u16, distributors: u16) -> Outcome<Self> {
        let count = usize::from(1 + storage + 2 * distributors);
        let sockets = (0..count)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| {
                Failure::refused("NO_PORT", format!("this machine has no free port: {error}"))
            })?;
        let mut ports = sockets.iter().filter_map(|socket| socket.local_addr().ok()).map(|addr| addr.port());
        let mut next =
            || ports.next().ok_or_else(|| Failure::refused("NO_PORT", "this machine has too few free ports"));
        let directory = next()?;
        let storage = (0..storage).map(|_| next()).collect::<Outcome<_>>()?;
        let distributors = (0..distributors)
            .map(|_| Ok(DistributorPorts { public: next()?, operator: next()? }))
            .collect::<Outcome<_>>()?;
        Ok(Self { directory, storage, distributors })
    }

    /// Every port, with the name of what it is for.
    fn named(&self) -> Vec<(String, u16)> {
        let mut all = vec![("the directory".to_owned(), self.directory)];
        all.extend(self.storage.iter().enumerate().map(|(n, port)| (storage_name(n), *port)));
        for (n, ports) in self.distributors.iter().enumerate() {
            all.push((distributor_name(n), ports.public));
            all.push((format!("the operator of {}", distributor_name(n)), ports.operator));
        }
        all
    }

    /// Fails if one of the ports is taken, before anything is written, and says what to do.
    pub(crate) fn check_free(&self, remedy: &str) -> Outcome<()> {
        for (name, port) in self.named() {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            if let Err(error) = TcpListener::bind(address) {
                let message = format!("port {port} for {name} is in use or not allowed ({error}): {remedy}");
                return Err(Failure::refused("PORT_IN_USE", message));
            }
        }
        Ok(())
    }
}

/// Name of a storage node, which is also that of its folder, its member and its key.
pub(crate) fn storage_name(n: usize) -> String {
    format!("storage-{n}")
}

/// Name of a distributor, likewise.
pub(crate) fn distributor_name(n: usize) -> String {
    format!("distributor-{n}")
}

/// The development key of a name.
pub(crate) fn key_uri(name: &str) -> String {
    format!("//{name}")
}

/// The operator of the `n`th bucket: the lead comes first in a group.
pub(crate) fn worker(n: u16) -> WorkerId {
    WorkerId(u64::from(n) + 1)
}

/// The families that `distributors` buckets are dealt to.
pub(crate) fn families(distributors: u16) -> u16 {
    FAMILIES.min(distributors)
}

/// Where the `n`th of `distributors` buckets is.
pub(crate) fn distribution_bucket(n: u16, distributors: u16) -> DistributionBucketId {
    let families = families(distributors);
    DistributionBucketId { family: FamilyId(u64::from(n % families)), index: u64::from(n / families) }
}

/// Root URL of a node on this machine.
pub(crate) fn local_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// A development key.
pub(crate) fn key(uri: &str) -> Outcome<Keypair> {
    Keypair::from_uri(KeyScheme::Sr25519, uri).map_err(|error| Failure::usage(format!("key {uri}: {error}")))
}

/// The genesis of a new local network.
pub(crate) fn genesis(storage: u16, distributors: u16, time_ms: u64) -> Outcome<GenesisFile> {
    let account = |uri: &str| -> Outcome<AccountId> { Ok(key(uri)?.account()) };
    let storage_names = (0..usize::from(storage)).map(storage_name);
    let distributor_names = (0..usize::from(distributors)).map(distributor_name);
    let storage_group: Vec<String> =
        std::iter::once("storage-lead".to_owned()).chain(storage_names).collect();
    let distribution_group: Vec<String> =
        std::iter::once("distribution-lead".to_owned()).chain(distributor_names).collect();

    let mut members = Vec::new();
    for (handle, uri) in [("alice", ALICE), ("bob", "//Bob")] {
        members.push(GenesisMember { handle: handle.to_owned(), account: account(uri)? });
    }
    let mut hire = |names: &[String]| -> Outcome<GenesisGroup> {
        let mut workers = Vec::with_capacity(names.len());
        for name in names {
            let role_account = account(&key_uri(name))?;
            members.push(GenesisMember { handle: name.clone(), account: role_account });
            workers.push(GenesisWorker { member: name.clone(), role_account });
        }
        Ok(GenesisGroup { workers, lead: Some(0) })
    };
    let (storage_group, distribution_group) = (hire(&storage_group)?, hire(&distribution_group)?);
    let genesis = Genesis {
        version: GENESIS_VERSION,
        network: "local".to_owned(),
        profile: Profile::Local,
        time_ms,
        sequencer: account(SEQUENCER)?,
        params: Params::local(),
        members,
        storage_group,
        distribution_group,
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil { keys: [account(COUNCIL)?].into(), threshold: 1 },
        balances: Vec::new(),
    };
    Ok(GenesisFile::from(&genesis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_directory::State;
    use std::collections::BTreeSet;

    #[test]
    fn the_usual_ports_are_those_of_the_systems_that_argosy_replaces() {
        let ports = Ports::choose(PortChoice::Usual, 2, 3).unwrap();
        assert_eq!((ports.directory, ports.storage), (4352, vec![3333, 3343]));
        let distributors: Vec<_> = ports.distributors.iter().map(|it| (it.public, it.operator)).collect();
        assert_eq!(distributors, [(3334, 3335), (3344, 3345), (3354, 3355)]);
    }

    #[test]
    fn a_base_moves_all_ports_and_none_are_shared() {
        let ports = Ports::choose(PortChoice::From(7000), 2, 2).unwrap();
        assert_eq!((ports.directory, ports.storage.clone()), (7000, vec![7100, 7102]));
        assert_eq!(ports.distributors[1], DistributorPorts { public: 7202, operator: 7203 });
        for choice in [PortChoice::Usual, PortChoice::From(1), PortChoice::Free] {
            let ports = Ports::choose(choice, MAX_STORAGE, MAX_DISTRIBUTORS).unwrap();
            let all: BTreeSet<u16> = ports.named().into_iter().map(|(_, port)| port).collect();
            assert_eq!(all.len(), usize::from(1 + MAX_STORAGE + 2 * MAX_DISTRIBUTORS), "{choice:?}");
        }
        assert!(Ports::choose(PortChoice::From(65_400), 2, 3).unwrap_err().message.contains("at most"));
    }

    #[test]
    fn a_port_in_use_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let ports = Ports { directory: port, storage: vec![], distributors: vec![] };
        let message = ports.check_free("give --port-base").unwrap_err().message;
        assert!(message.contains(&port.to_string()) && message.contains("--port-base"), "{message}");
    }

    #[test]
    fn every_size_of_network_has_a_valid_genesis() {
        for (storage, distributors) in [(1, 1), (2, 3), (MAX_STORAGE, MAX_DISTRIBUTORS)] {
            let file = genesis(storage, distributors, 1).unwrap();
            let genesis = Genesis::try_from(file).unwrap();
            assert!(State::from_genesis(&genesis).is_ok());
            assert_eq!(genesis.storage_group.workers.len(), usize::from(storage) + 1);
        }
    }

    #[test]
    fn distributors_alternate_over_two_families() {
        let ids: Vec<String> = (0..3).map(|n| distribution_bucket(n, 3).to_string()).collect();
        assert_eq!(ids, ["0:0", "1:0", "0:1"]);
        assert_eq!(distribution_bucket(0, 1).to_string(), "0:0");
        assert_eq!(families(1), 1);
    }
}
