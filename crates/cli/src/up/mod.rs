//! `argosy up`: a whole network on this machine, every node a real one.

mod bootstrap;
mod configs;
mod data;
mod plan;
mod ready;
pub(crate) mod running;

use crate::{
    failure::{Failure, Outcome, chain},
    network::{directory_client, now_ms},
    screen,
};
use argosy_directory::Genesis;
use argosy_telemetry::{FileLog, FilePlan, Frequency, LogConfig};
use configs::Configs;
use data::{DataDir, Found, Marker};
use plan::{PortChoice, Ports};
use running::Nodes;
use std::{path::PathBuf, process::ExitCode};

const DEFAULT_STORAGE: u16 = 2;
const DEFAULT_DISTRIBUTORS: u16 = 3;

/// Run a whole network on this machine: a directory, storage nodes, distributors
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy up
  argosy up --data /srv/argosy --storage 3 --distributors 4
  argosy up --port-base 0 --json

Begun once, the network goes on where it stopped when it is started again with the same --data.
Ctrl-C stops it. Every node can also be started alone with its file in the data directory.")]
pub(crate) struct UpArgs {
    /// Where everything is kept
    #[arg(long, value_name = "DIR", default_value = "argosy-data")]
    data: PathBuf,
    /// Storage nodes [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(plan::MAX_STORAGE)))]
    storage: Option<u16>,
    /// Distributors, in two families [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(plan::MAX_DISTRIBUTORS)))]
    distributors: Option<u16>,
    /// Port of the directory; storage nodes from P+100, distributors from P+200; 0 picks free ports
    #[arg(long, value_name = "P")]
    port_base: Option<u16>,
    /// Begin anew: removes what an earlier `argosy up` has written into the data directory
    #[arg(long)]
    fresh: bool,
    /// Print one JSON object when the network is ready
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(args: UpArgs) -> Outcome<ExitCode> {
    let mut stop = running::StopSignal::listen()?;
    let (data, configs) = prepare(&args)?;
    let _logs = start_logs(&data)?;
    let genesis = argosy_directory_node::read_genesis(&configs.directory.genesis)
        .map_err(|error| Failure::refused("GENESIS_UNUSABLE", chain(&error)))?;
    let wait = screen::spinner(args.json, "starting the nodes");
    let mut nodes = Nodes::default();
    let started = tokio::select! {
        started = start(&mut nodes, configs, &genesis) => Some(started),
        () = stop.received() => None,
    };
    wait.finish_and_clear();
    match started {
        Some(Ok(ports)) => {
            ready::announce(&ports, data.path(), args.json);
            tokio::select! {
                ended = nodes.first_end() => {
                    nodes.stop().await;
                    return Err(ended);
                }
                () = stop.received() => {}
            }
        }
        Some(Err(failure)) => {
            nodes.stop().await;
            return Err(failure);
        }
        None => {}
    }
    if !args.json {
        screen::note("stopping");
    }
    nodes.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Starts every node, lets the leads and operators sign what is missing, waits until all follow.
async fn start(nodes: &mut Nodes, configs: Configs, genesis: &Genesis) -> Outcome<Ports> {
    let ports = configs.ports();
    nodes.start(configs).await?;
    let directory = directory_client(&plan::local_url(ports.directory));
    let set_up = async {
        bootstrap::run(&directory, genesis.hash(), &ports).await?;
        ready::wait(&directory, &ports).await
    };
    tokio::select! {
        done = set_up => done?,
        ended = nodes.first_end() => return Err(ended),
    }
    Ok(ports)
}

/// The data directory, taken, with a complete network in it.
fn prepare(args: &UpArgs) -> Outcome<(DataDir, Configs)> {
    let found = match data::look(&args.data) {
        Err(failure) if failure.code == data::NO_GENESIS && args.fresh => Found::Unfinished,
        found => found?,
    };
    if let (Found::Network(marker), false) = (found, args.fresh) {
        let data = DataDir::take(&args.data)?;
        let configs = Configs::read(data.path(), marker)?;
        check_same(args, marker, &configs.ports())?;
        configs.ports().check_free("stop what uses it")?;
        return Ok((data, configs));
    }
    let (storage, distributors) = wanted_numbers(args);
    let choice = match args.port_base {
        None => PortChoice::Usual,
        Some(0) => PortChoice::Free,
        Some(base) => PortChoice::From(base),
    };
    let taken = match found {
        Found::Nothing => None,
        Found::Unfinished | Found::Network(_) => Some(DataDir::take(&args.data)?),
    };
    let ports = Ports::choose(choice, storage, distributors)?;
    ports.check_free("stop what uses it, or give other ports with --port-base")?;
    let data = match taken {
        Some(data) => {
            data.clear()?;
            data
        }
        None => DataDir::take(&args.data)?,
    };
    begin(&data, &ports, storage, distributors)?;
    let Found::Network(marker) = data::look(data.path())? else {
        return Err(Failure::refused(
            "DAMAGED_DATA",
            format!("{} does not keep what is written", data.path().display()),
        ));
    };
    let configs = Configs::read(data.path(), marker)?;
    Ok((data, configs))
}

fn wanted_numbers(args: &UpArgs) -> (u16, u16) {
    (args.storage.unwrap_or(DEFAULT_STORAGE), args.distributors.unwrap_or(DEFAULT_DISTRIBUTORS))
}

fn begin(data: &DataDir, ports: &Ports, storage: u16, distributors: u16) -> Outcome<()> {
    data.mark(storage, distributors)?;
    Configs::write(data, ports)?;
    let genesis = plan::genesis(storage, distributors, now_ms())?;
    data.finish((serde_json::to_string_pretty(&genesis).unwrap_or_default() + "\n").as_bytes())
}

/// What is asked for on the command line must be what is in the data directory.
fn check_same(args: &UpArgs, marker: Marker, ports: &Ports) -> Outcome<()> {
    let differs = |flag: &str, wanted: u16, what: &str| {
        Err(Failure::refused(
            "OTHER_NETWORK",
            format!(
                "{} holds a network with {what}, not {flag} {wanted}: leave {flag} out, give --fresh to begin anew without the data, or name another --data",
                args.data.display()
            ),
        ))
    };
    match (args.storage, args.distributors, args.port_base) {
        (Some(wanted), _, _) if wanted != marker.storage => {
            differs("--storage", wanted, &format!("{} storage nodes", marker.storage))
        }
        (_, Some(wanted), _) if wanted != marker.distributors => {
            differs("--distributors", wanted, &format!("{} distributors", marker.distributors))
        }
        // 0 asks for no port in particular.
        (_, _, Some(base)) if base != 0 && base != ports.directory => {
            differs("--port-base", base, &format!("its directory on port {}", ports.directory))
        }
        _ => Ok(()),
    }
}

/// Everything goes into files, what needs a person also to standard error.
fn start_logs(data: &DataDir) -> Outcome<argosy_telemetry::Guard> {
    let config = LogConfig {
        console: "warn".to_owned(),
        file: Some(FileLog {
            filter: "info".to_owned(),
            plan: FilePlan {
                directory: data.path().join("logs"),
                prefix: "argosy".to_owned(),
                frequency: Frequency::Daily,
                max_bytes: crate::nodes::LOG_FILE_BYTES,
                max_files: crate::nodes::LOG_FILES,
                archive: false,
            },
        }),
        elastic: None,
    };
    argosy_telemetry::init(&config).map_err(|error| Failure::refused("NO_LOGS", chain(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(data: &std::path::Path) -> UpArgs {
        UpArgs {
            data: data.to_path_buf(),
            storage: None,
            distributors: None,
            port_base: Some(0),
            fresh: false,
            json: true,
        }
    }

    #[test]
    fn a_network_resumes_with_its_own_numbers_and_ports() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let first = UpArgs { storage: Some(1), distributors: Some(2), ..args(&path) };
        let (data, configs) = prepare(&first).unwrap();
        let ports = configs.ports();
        drop(data);
        let (data, configs) = prepare(&args(&path)).unwrap();
        assert_eq!(configs.ports(), ports);
        drop(data);
        for other in [
            UpArgs { storage: Some(2), ..args(&path) },
            UpArgs { distributors: Some(3), ..args(&path) },
            UpArgs { port_base: Some(7), ..args(&path) },
        ] {
            let failure = prepare(&other).unwrap_err();
            assert!(failure.message.contains("--fresh") && failure.message.contains("--data"), "{failure}");
        }
        let fresh = UpArgs { storage: Some(3), fresh: true, ..args(&path) };
        let (_data, configs) = prepare(&fresh).unwrap();
        assert_eq!(configs.storage.len(), 3);
    }

    #[test]
    fn nothing_is_written_when_a_port_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(prepare(&UpArgs { port_base: Some(port), ..args(&path) }).is_err());
        assert!(!path.exists());
    }
}
