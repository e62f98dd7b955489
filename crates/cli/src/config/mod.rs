//! `argosy config`: looks at configuration files.

mod show;

use crate::{
    failure::{Failure, Outcome, chain},
    nodes, screen, text,
};
use argosy_directory_node as directory_node;
use argosy_distributor as distributor;
use argosy_node::config::{Configuration, Loaded, Shown, schema_of};
use argosy_storage_node as storage_node;
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The file that is meant where none is named, unless `CONFIG_PATH` names one; as with Argus.
const DEFAULT_FILE: &str = "config.yml";
/// Keys at the top that only one kind of node has.
const MARKS: [(&str, Kind); 7] = [
    ("sequencer", Kind::Directory),
    ("follow", Kind::Directory),
    ("publicApi", Kind::Distributor),
    ("directories", Kind::Distributor),
    ("operatorApi", Kind::Distributor),
    ("anonymousUploads", Kind::Storage),
    ("workerId", Kind::Storage),
];

/// Look at configuration files
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say whether a configuration can be used, and everything that is wrong with it
    #[command(after_help = "\
Examples:
  argosy config check argosy-data/storage-0/storage.yml
  argosy config check --kind distributor config.yml")]
    Check(FileArgs),
    /// Print the configuration in force: file, environment and defaults, without secrets
    #[command(after_help = "Example:\n  argosy config show argosy-data/distributor-0/config.yml")]
    Show(FileArgs),
    /// Print the JSON Schema of a kind of configuration, for editors
    #[command(after_help = "Example:\n  argosy config schema distributor > distributor.schema.json")]
    Schema(SchemaArgs),
}

/// Which configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct FileArgs {
    /// The file; $CONFIG_PATH or config.yml if left out
    file: Option<PathBuf>,
    /// What is configured, if the file does not tell
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Option<Kind>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Which schema.
#[derive(Debug, clap::Args)]
pub(crate) struct SchemaArgs {
    /// What is configured
    #[arg(value_enum, default_value_t = Kind::Distributor)]
    kind: Kind,
}

/// What is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    /// A distributor
    Distributor,
    /// A storage node
    Storage,
    /// A directory node
    Directory,
}

impl ConfigCommand {
    /// Whether standard output is for scripts.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Check(args) | Self::Show(args) => args.json,
            Self::Schema(_) => false,
        }
    }
}

pub(crate) fn run(command: ConfigCommand) -> Outcome<ExitCode> {
    match command {
        ConfigCommand::Check(args) => check(&args),
        ConfigCommand::Show(args) => print(&args),
        ConfigCommand::Schema(args) => {
            screen::say(&schema_text(args.kind));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Indented; keys in the order of the alphabet.
fn schema_text(kind: Kind) -> String {
    let schema = match kind {
        Kind::Distributor => schema_of::<distributor::Config>(),
        Kind::Storage => schema_of::<storage_node::Config>(),
        Kind::Directory => schema_of::<directory_node::Config>(),
    };
    format!("{schema:#}")
}

/// What all commands say about a configuration of any kind.
struct Report {
    kind: Kind,
    file: PathBuf,
    shown: Shown,
    warnings: Vec<String>,
    /// Files that are named, and are not there.
    missing: Vec<PathBuf>,
}

fn report(args: &FileArgs) -> Outcome<Report> {
    let file = args.file.clone().or_else(|| env::var_os("CONFIG_PATH").map(PathBuf::from));
    let file = file.unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    let kind = args.kind.unwrap_or_else(|| kind_of(&file));
    let (shown, warnings, needed) = match kind {
        Kind::Distributor => {
            let loaded = nodes::read::<distributor::Config>(&file)?;
            let genesis = loaded.config.genesis.clone();
            read(&loaded, genesis.into_iter().collect())?
        }
        Kind::Storage => {
            let loaded = nodes::read::<storage_node::Config>(&file)?;
            let genesis = loaded.config.genesis.clone();
            read(&loaded, vec![genesis])?
        }
        Kind::Directory => {
            let loaded = nodes::read::<directory_node::Config>(&file)?;
            let mut needed = vec![loaded.config.genesis.clone()];
            if let Some(directory_node::config::KeySource::File(key)) = &loaded.config.sequencer {
                needed.push(key.clone());
            }
            read(&loaded, needed)?
        }
    };
    let missing = needed.into_iter().filter(|path| !path.exists()).collect();
    Ok(Report { kind, file, shown, warnings, missing })
}

type Read = (Shown, Vec<String>, Vec<PathBuf>);

fn read<T: Configuration>(loaded: &Loaded<T>, needed: Vec<PathBuf>) -> Outcome<Read> {
    let shown = loaded.shown().map_err(|error| Failure::refused("NOT_SHOWN", chain(&error)))?;
    Ok((shown, loaded.warnings.clone(), needed))
}

/// Told from the keys at the top; a file that does not tell is a distributor's, as Argus' are.
fn kind_of(file: &Path) -> Kind {
    let text = fs::read_to_string(file).unwrap_or_default();
    let has = |key: &str| {
        text.lines().any(|line| {
            let line = line.trim_start_matches([' ', '{', '"', '\t']);
            line.strip_prefix(key).is_some_and(|rest| rest.trim_start_matches('"').starts_with(':'))
        })
    };
    MARKS.iter().find(|(key, _)| has(key)).map_or(Kind::Distributor, |(_, kind)| *kind)
}

fn check(args: &FileArgs) -> Outcome<ExitCode> {
    let report = report(args)?;
    let file = report.file.display();
    if let [first, ..] = report.missing.as_slice() {
        let list: Vec<String> = report.missing.iter().map(|path| path.display().to_string()).collect();
        let what = format!("{file}: it names {}, which is not there", first.display());
        return Err(Failure::usage(what).coded("FILE_MISSING").with_details(list[1..].join("\n")));
    }
    for warning in &report.warnings {
        screen::note(&format!("warning: {}", text::line(warning)));
    }
    if args.json {
        screen::json(&json!({"file": file.to_string(), "kind": report.kind, "warnings": report.warnings}));
    } else {
        let kind = match report.kind {
            Kind::Distributor => "a distributor",
            Kind::Storage => "a storage node",
            Kind::Directory => "a directory node",
        };
        screen::say(&format!(
            "{}: a configuration of {kind}; nothing is wrong with it",
            text::line(&file.to_string())
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn print(args: &FileArgs) -> Outcome<ExitCode> {
    let report = report(args)?;
    let file = report.file.display().to_string();
    if args.json {
        let (values, mut origins) = (show::values(&report.shown), Vec::new());
        show::origins(&report.shown, "", &file, &mut origins);
        let origins: Value = origins.into_iter().map(|(path, from)| (path, Value::String(from))).collect();
        screen::json(&json!({"file": file, "kind": report.kind, "values": values, "origins": origins}));
    } else {
        for line in show::yaml(&report.shown, &file) {
            screen::say(&text::line(&line));
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemas_kept_for_editors_are_those_of_the_program() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
        for (kind, name) in
            [(Kind::Distributor, "distributor"), (Kind::Storage, "storage"), (Kind::Directory, "directory")]
        {
            let path = folder.join(format!("{name}.json"));
            let now = schema_text(kind) + "\n";
            if env::var_os("ARGOSY_WRITE").is_some() {
                fs::write(&path, &now).unwrap();
            }
            let kept = fs::read_to_string(&path).unwrap_or_default();
            assert!(kept == now, "{} is stale: run the test again with ARGOSY_WRITE=1", path.display());
        }
    }

    #[test]
    fn the_kind_is_told_from_the_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.yml");
        for (text, kind) in [
            ("id: a\nworkerId: 1\ndata: store\n", Kind::Storage),
            ("workerId: 1\npublicApi:\n  port: 1\n", Kind::Distributor),
            ("{\"id\": \"a\",\n  \"publicApi\": {}}", Kind::Distributor),
            ("data: a\nsequencer: {suri: //A}\n", Kind::Directory),
            ("# publicApi: no\ndata: a\nfollow:\n", Kind::Directory),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(kind_of(&path), kind, "{text}");
        }
        assert_eq!(kind_of(Path::new("/nowhere")), Kind::Distributor);
    }
}
