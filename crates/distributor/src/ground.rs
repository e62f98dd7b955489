//! What a distributor stands on, whether it starts or takes over files: its network, the folder of its notes,
//! and what the operator has changed.

use crate::{
    config::{Config, EndpointsError},
    genesis::{self, GenesisError},
    operator::{Changes, ChangesError, Duty},
};
use argosy_api::genesis::GenesisFile;
use argosy_directory::Genesis;
use argosy_http::{AddressPolicy, Client, ClientConfig};
use argosy_node::{
    config::DirectoryUrls,
    home::{self, HomeError},
};

pub(crate) const ROLE: &str = "distribution";

/// Why there is nothing to stand on.
#[derive(Debug, thiserror::Error)]
pub enum GroundError {
    /// It is not known which directory nodes to ask.
    #[error(transparent)]
    Endpoints(#[from] EndpointsError),
    /// It is not known which network the node belongs to.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// What the operator changed cannot be read.
    #[error(transparent)]
    Changes(#[from] ChangesError),
    /// The folder of the node's notes belongs to something else, or cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
}

/// See the module.
pub(crate) struct Ground {
    pub(crate) directories: DirectoryUrls,
    /// Reaches the configuration's own directory nodes, which may be anywhere.
    pub(crate) trusted: Client,
    pub(crate) genesis: Genesis,
    pub(crate) changes: Changes,
}

impl Ground {
    /// Finds the network, takes the folder of the notes for it, and reads what is there.
    ///
    /// # Errors
    /// [`GroundError`].
    pub(crate) async fn of(config: &Config) -> Result<Self, GroundError> {
        let directories = config.endpoints.directories()?;
        let trusted =
            Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() });
        let genesis = genesis::find(config, &directories, &trusted).await?;
        let notes = &config.directories.cache_state;
        home::claim(notes, ROLE, &genesis.network, &GenesisFile::from(&genesis).hash)?;
        let changes = Changes::open(notes, Duty::of(config))?;
        Ok(Self { directories, trusted, genesis, changes })
    }
}
