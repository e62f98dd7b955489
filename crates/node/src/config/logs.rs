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
    /// As `debug`.
    Http,
    /// As `debug`.
    Verbose,
    /// Every request and decision.
    Debug,
    /// As `trace`.
    Silly,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The name of the level in log filters: `error`, `warn`, `info`, `debug` or `trace`.
    #[must_use]
    pub const fn filter(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Http | Self::Verbose | Self::Debug => "debug",
            Self::Silly | Self::Trace => "trace",
        }
    }
}

/// The `logs` section. A part that is left out is off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Logs {
    /// One JSON file a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileLog>,
    /// Brief lines on standard error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console: Option<ConsoleLog>,
    /// Lines sent to Elasticsearch. Not acted on yet.
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

    /// A warning for each of [`Logs::ignored`].
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let warning =
            |path| Finding { path, what: format!("{path} is accepted, but not acted on"), wrong: false };
        self.ignored().into_iter().map(warning).collect()
    }

    /// Keys that were given and that no node acts on.
    #[must_use]
    pub fn ignored(&self) -> Vec<&'static str> {
        let file = self.file.as_ref();
        let given = [
            ("logs.file.maxFiles", file.is_some_and(|file| file.max_files.is_some())),
            ("logs.file.maxSize", file.is_some_and(|file| file.max_size.is_some())),
            ("logs.file.frequency", file.is_some_and(|file| file.frequency.is_some())),
            ("logs.file.archive", file.is_some_and(|file| file.archive.is_some())),
            ("logs.elastic", self.elastic.is_some()),
        ];
        given.into_iter().filter_map(|(key, is_given)| is_given.then_some(key)).collect()
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
    /// Files that are kept. Not acted on yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_files: Option<NonZeroU32>,
    /// Bytes after which the next file is begun. Not acted on yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1024))]
    pub max_size: Option<u64>,
    /// How often the next file is begun. Not acted on yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<Frequency>,
    /// Whether old files are compressed. Not acted on yet.
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
    /// Where it is.
    #[schemars(schema_with = "url_schema")]
    pub endpoint: String,
    /// Beginning of the index's name.
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
