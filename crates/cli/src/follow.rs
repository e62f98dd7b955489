//! A directory node that follows others, from the command line alone.

use crate::{
    failure::{Failure, Outcome},
    nodes::read_directory,
};
use argosy_directory_node::{
    BlockHash, Checkpoints, Config, FollowConfig, FollowFrom, GraphqlConfig, Retention,
};
use argosy_node::config::{DirectoryUrls, Logs};
use std::{net::SocketAddr, path::PathBuf};

/// Run a directory node that follows others and checks every block
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy directory follow --upstream http://directory.example.org:4352 --genesis genesis.json --data copy
  argosy directory follow --upstream http://a:4352 http://b:4352 --genesis genesis.json --data copy --from-snapshot
  argosy directory follow --config follower.yml

It serves the same API as the node that it follows, passes transactions on to it, and can be
followed itself. Several upstreams are compared with each other.")]
pub(crate) struct FollowArgs {
    /// Configuration file of the node, with the key `follow`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["upstream", "genesis", "data", "listen", "from_snapshot", "trust"])]
    config: Option<PathBuf>,
    /// Root URLs of the directory nodes that are followed
    #[arg(long, value_name = "URL", num_args = 1.., required_unless_present = "config")]
    upstream: Vec<String>,
    /// The network's genesis file
    #[arg(long, value_name = "FILE", required_unless_present = "config")]
    genesis: Option<PathBuf>,
    /// Folder that the node keeps its ledger (`store`) and its index (`read-model`) in
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    data: Option<PathBuf>,
    /// Where the node answers
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4352")]
    listen: SocketAddr,
    /// Begin with the newest checkpoint of an upstream instead of the genesis
    #[arg(long)]
    from_snapshot: bool,
    /// Hash of a block that is believed though the genesis does not prove who signed it
    #[arg(long, value_name = "HASH", requires = "from_snapshot")]
    trust: Option<BlockHash>,
}

impl FollowArgs {
    pub(crate) fn config(self) -> Outcome<Config> {
        if let Some(path) = self.config {
            let config = read_directory(&path)?;
            if config.follow.is_none() {
                let what = format!("{} does not say whom to follow: add the key `follow`", path.display());
                return Err(Failure::usage(what));
            }
            return Ok(config);
        }
        let (Some(data), Some(genesis)) = (self.data, self.genesis) else {
            return Err(Failure::usage("name --genesis and --data, or a file with --config"));
        };
        let upstreams =
            DirectoryUrls::new(self.upstream).map_err(|error| Failure::usage(error.to_string()))?;
        let from = if self.from_snapshot { FollowFrom::Snapshot } else { FollowFrom::Genesis };
        Ok(Config {
            data: data.join("store"),
            genesis,
            sequencer: None,
            follow: Some(FollowConfig { upstreams, from, trust: self.trust, confirm: None }),
            standbys: None,
            peers: None,
            listen: self.listen,
            graphql: GraphqlConfig::default(),
            retention: Retention::default(),
            checkpoints: Checkpoints::default(),
            segment_bytes: argosy_directory_node::config::default_segment_bytes(),
            logs: Logs::default(),
            block_interval: None,
        })
    }
}
