//! The configuration files that `argosy up` writes for its nodes, and reads again when it resumes.

use super::{
    data::{DataDir, Marker},
    plan::{DistributorPorts, Ports, SEQUENCER, distributor_name, key_uri, storage_name},
};
use crate::{
    failure::{Failure, Outcome},
    nodes,
};
use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

/// Where the directory's configuration is, in the data directory.
pub(super) fn directory_path() -> PathBuf {
    PathBuf::from("directory/directory.yml")
}

/// Where a storage node's configuration is.
pub(super) fn storage_path(n: usize) -> PathBuf {
    Path::new(&storage_name(n)).join("storage.yml")
}

/// Where a distributor's configuration is.
pub(super) fn distributor_path(n: usize) -> PathBuf {
    Path::new(&distributor_name(n)).join("config.yml")
}

/// Configurations of all nodes, with absolute paths.
#[derive(Clone, Debug)]
pub(super) struct Configs {
    pub(super) directory: argosy_directory_node::Config,
    pub(super) storage: Vec<argosy_storage_node::Config>,
    pub(super) distributors: Vec<argosy_distributor::Config>,
}

impl Configs {
    /// Writes the files of a new network.
    pub(super) fn write(data: &DataDir, ports: &Ports) -> Outcome<()> {
        data.write(&directory_path(), directory_text(ports.directory).as_bytes())?;
        for (n, port) in ports.storage.iter().enumerate() {
            data.write(&storage_path(n), storage_text(n, *port, ports.directory).as_bytes())?;
        }
        for (n, own) in ports.distributors.iter().enumerate() {
            let text = distributor_text(n, *own, ports.directory, &new_secret()?);
            data.write(&distributor_path(n), text.as_bytes())?;
        }
        Ok(())
    }

    /// Reads the files of a network that was begun earlier.
    pub(super) fn read(data: &Path, marker: Marker) -> Outcome<Self> {
        Ok(Self {
            directory: nodes::read_directory(&data.join(directory_path()))?,
            storage: (0..usize::from(marker.storage))
                .map(|n| nodes::read_storage(&data.join(storage_path(n))))
                .collect::<Outcome<_>>()?,
            distributors: (0..usize::from(marker.distributors))
                .map(|n| nodes::read_distributor(&data.join(distributor_path(n))))
                .collect::<Outcome<_>>()?,
        })
    }

    /// The ports that the files say.
    pub(super) fn ports(&self) -> Ports {
        Ports {
            directory: self.directory.listen.port(),
            storage: self.storage.iter().map(|config| config.listen.port()).collect(),
            distributors: self
                .distributors
                .iter()
                .map(|config| DistributorPorts {
                    public: config.public_api.port,
                    operator: config.operator_api.as_ref().map_or(0, |api| api.port),
                })
                .collect(),
        }
    }
}

fn directory_text(port: u16) -> String {
    format!(
        "# The directory node. Paths start at the folder of this file.
data: store
genesis: ../genesis.json
listen: 127.0.0.1:{port}
sequencer:
  suri: {SEQUENCER}    # a development key, known to everyone: signs the blocks
"
    )
}

fn storage_text(n: usize, port: u16, directory: u16) -> String {
    let name = storage_name(n);
    let key = key_uri(&name);
    let worker = n + 1;
    format!(
        "# A storage node. Paths start at the folder of this file.
id: {name}
data: store
genesis: ../genesis.json
endpoints:
  directory: http://127.0.0.1:{directory}
listen: 127.0.0.1:{port}
workerId: {worker}
keys:
  - suri: {key}    # a development key, known to everyone: signs acceptances and holding reports
limits:
  diskFloor: 1G    # of the disk, left free
"
    )
}

/// 32 random bytes of the system's, hexadecimal.
fn new_secret() -> Outcome<String> {
    let mut bytes = [0; 32];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|error| Failure::refused("NO_RANDOM", format!("cannot read /dev/urandom: {error}")))?;
    Ok(hex::encode(bytes))
}

fn distributor_text(n: usize, ports: DistributorPorts, directory: u16, secret: &str) -> String {
    let name = distributor_name(n);
    let key = key_uri(&name);
    let worker = n + 1;
    let DistributorPorts { public, operator } = ports;
    format!(
        "# A distributor. Paths start at the folder of this file.
id: {name}
genesis: ../genesis.json
endpoints:
  directory: http://127.0.0.1:{directory}
directories:
  assets: assets
  cacheState: cache
limits:
  storage: 20G
  drainSec: 3    # answers may go on so long when the node is told to stop
cache:
  diskFloor: 1G    # of the disk, left free
publicApi:
  port: {public}
  host: 127.0.0.1
operatorApi:
  port: {operator}
  hmacSecret: {secret}    # signs the operator's requests
workerId: {worker}
keys:
  - suri: {key}    # a development key, known to everyone: fetches objects of private bags
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::up::plan::PortChoice;

    #[test]
    fn what_is_written_is_understood_and_stays_in_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::take(folder.path()).unwrap();
        let ports = Ports::choose(PortChoice::From(7000), 2, 3).unwrap();
        data.mark(2, 3).unwrap();
        Configs::write(&data, &ports).unwrap();
        data.finish(b"{}").unwrap();
        let crate::up::data::Found::Network(marker) = crate::up::data::look(folder.path()).unwrap() else {
            panic!("the network is not complete");
        };
        let configs = Configs::read(data.path(), marker).unwrap();
        assert_eq!(configs.ports(), ports);
        assert_eq!(configs.directory.data, data.path().join("directory/store"));
        assert_eq!(configs.storage[1].data, data.path().join("storage-1/store"));
        let secret = |n: usize| configs.distributors[n].operator_api.clone().unwrap().hmac_secret.unwrap();
        assert!(secret(0).len() == 64 && secret(0) != secret(1));
        assert_eq!(configs.distributors[2].directories.assets, data.path().join("distributor-2/assets"));
    }
}
