//! The genesis of a new network, as a file that others can review.

use crate::{
    failure::{Failure, Outcome, chain},
    network::now_ms,
    screen, text,
};
use argosy_api::genesis::GenesisFile;
use argosy_directory::genesis::{GENESIS_VERSION, Genesis, GenesisCouncil, GenesisGroup, Params, Profile};
use argosy_domain::AccountId;
use serde::Serialize;
use std::{collections::BTreeSet, fs::File, io::Write as _, path::PathBuf, process::ExitCode};

/// Longest name of a network, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Make the genesis file of a new network
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  argosy directory init --profile mainnet --network films --sequencer 5C… --council 5A… 5B… 5D… --threshold 2

The hash that is printed names the network. Everybody who runs a node compares it.")]
pub(crate) struct InitArgs {
    /// Which parameters hold
    #[arg(long, value_enum)]
    profile: ProfileArg,
    /// Addresses of the keys that propose and approve
    #[arg(long, value_name = "ADDRESS", num_args = 1.., required = true)]
    council: Vec<AccountId>,
    /// Approvals that carry a proposal out; more than half of the keys unless given
    #[arg(long, value_name = "N")]
    threshold: Option<u32>,
    /// Address of the sr25519 key that signs blocks
    #[arg(long, value_name = "ADDRESS")]
    sequencer: AccountId,
    /// Name of the network, for people; that of the profile unless given
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// File that is made
    #[arg(short, long, value_name = "FILE", default_value = "genesis.json")]
    output: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ProfileArg {
    /// Small and quick, for one machine
    Local,
    /// Joystream's own
    Mainnet,
}

#[derive(Debug, Serialize)]
struct Made {
    genesis: String,
    hash: String,
}

pub(crate) fn run(args: &InitArgs) -> Outcome<ExitCode> {
    let genesis = genesis(args)?;
    argosy_ledger::genesis_block(&genesis).map_err(|error| Failure::usage(chain(&error)))?;
    let path = &args.output;
    let cannot = |error: &dyn std::fmt::Display| {
        Failure::refused("NOT_WRITTEN", format!("cannot make {}: {error}", path.display()))
    };
    let mut bytes =
        serde_json::to_vec_pretty(&GenesisFile::from(&genesis)).map_err(|error| cannot(&error))?;
    bytes.push(b'\n');
    // A genesis that is in use must never be overwritten.
    let mut file = File::create_new(path).map_err(|error| cannot(&error))?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(|error| cannot(&error))?;
    let made = Made { genesis: path.display().to_string(), hash: hex::encode(genesis.hash()) };
    if args.json {
        screen::json(&made);
    } else {
        screen::say(&format!("genesis {}", made.genesis));
        screen::say(&format!("hash    {}", made.hash));
    }
    Ok(ExitCode::SUCCESS)
}

fn genesis(args: &InitArgs) -> Outcome<Genesis> {
    let keys: BTreeSet<AccountId> = args.council.iter().copied().collect();
    if keys.len() != args.council.len() {
        return Err(Failure::usage("--council names a key twice"));
    }
    let (profile, params, name) = match args.profile {
        ProfileArg::Local => (Profile::Local, Params::local(), "local"),
        ProfileArg::Mainnet => (Profile::Mainnet, Params::mainnet(), "mainnet"),
    };
    let network = args.network.clone().unwrap_or_else(|| name.to_owned());
    if network.is_empty() || network.chars().count() > MAX_NAME_CHARS || text::line(&network) != network {
        return Err(Failure::usage(format!(
            "--network takes 1 to {MAX_NAME_CHARS} characters that can be seen"
        )));
    }
    let majority = u32::try_from(keys.len() / 2).unwrap_or(u32::MAX).saturating_add(1);
    Ok(Genesis {
        version: GENESIS_VERSION,
        network,
        profile,
        time_ms: now_ms(),
        sequencer: args.sequencer,
        params,
        members: Vec::new(),
        storage_group: GenesisGroup::default(),
        distribution_group: GenesisGroup::default(),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil { keys, threshold: args.threshold.unwrap_or(majority) },
        balances: Vec::new(),
    })
}
