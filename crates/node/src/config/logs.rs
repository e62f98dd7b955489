//! The `logs` section.

use super::{Finding, resolve_path, secret_schema, url_schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
};

/// How much is logged. The levels are those of npm, and `trace`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LogLevel {
    /// What an operator must act on.
    Error,
    /// What an operator should look at.
    Warn,
    /// What the node does, briefly.
    Info,
    /// Every request that a distributor answers, too.
    Http,
    /// What the node's own code decides, too.
    Verbose,
    /// What the libraries under it do, too.
    Debug,
    /// As `trace`.
    Silly,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The level as a filter of log lines, such as `info,access=debug`.
    #[must_use]
    pub const fn filter(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Http => "info,access=debug",
            Self::Verbose => "info,access=debug,argosy=debug",
            Self::Debug => "debug",
            Self::Silly | Self::Trace => "trace",
        }
    }
}

/// The `logs` section. A part that is left out is off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Logs {
    /// Files of JSON lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileLog>,
    /// Brief lines on standard error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console: Option<ConsoleLog>,
    /// Lines sent to Elasticsearch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elastic: Option<ElasticLog>,
}

impl Logs {
    /// Makes relative paths start at `base`.
    pub fn resolve(&mut self, base: &Path) {
        if let Some(file) = &mut self.file {
            resolve_path(base, &mut file.path);
        }
    }

    /// What is to be said about it at the start.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let endpoint = self.elastic.as_ref().map(|elastic| elastic.endpoint.as_str());
        let path = "logs.elastic.endpoint";
        if endpoint.is_some_and(|endpoint| endpoint.contains('@')) {
            let what = format!("{path} has a name or password in it; expected them in logs.elastic.auth");
            findings.push(Finding { path, what, wrong: true });
        } else if endpoint.is_some_and(|endpoint| !endpoint.starts_with("http://")) {
            let what = format!(
                "{path} is not of the form http://host:port, and https is not spoken yet: nothing is sent there; name a proxy on this machine that speaks TLS to Elasticsearch, or take logs.elastic out"
            );
            findings.push(Finding { path, what, wrong: false });
        }
        findings
    }
}

/// Logging into files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct FileLog {
    /// Least severe level that is written.
    pub level: LogLevel,
    /// Folder of the files.
    pub path: PathBuf,
    /// Files that are kept; 30 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_files: Option<NonZeroU32>,
    /// Bytes after which the next file is begun; 50 MiB if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1024))]
    pub max_size: Option<u64>,
    /// How often the next file is begun, by UTC; daily if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<Frequency>,
    /// Whether old files are compressed; not if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<bool>,
}

/// How often the next log file is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Frequency {
    /// Once a year.
    Yearly,
    /// Once a month.
    Monthly,
    /// Once a day.
    Daily,
    /// Once an hour.
    Hourly,
}

/// Logging to the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct ConsoleLog {
    /// Least severe level that is written.
    pub level: LogLevel,
}

/// Logging to Elasticsearch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct ElasticLog {
    /// Least severe level that is sent.
    pub level: LogLevel,
    /// Where it is: `http://host:port`.
    #[schemars(schema_with = "url_schema")]
    pub endpoint: String,
    /// Beginning of the data stream's name, before the node's id; `logs-argus` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_prefix: Option<String>,
    /// Whom to say who we are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<ElasticAuth>,
}

/// Name and password for Elasticsearch.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct ElasticAuth {
    /// The name.
    pub username: String,
    /// The password.
    #[schemars(schema_with = "secret_schema")]
    pub password: String,
}

impl std::fmt::Debug for ElasticAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Configurations end up in logs.
        f.debug_struct("ElasticAuth").field("username", &self.username).finish_non_exhaustive()
    }
}
