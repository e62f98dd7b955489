//! Reads a configuration: the file, the environment over it, the schema, the type, and what only the
//! type knows to be wrong.

use super::{
    check::check,
    document::{Node, Origin, Value},
    environment::overlay,
    problem::{Problem, Problems},
    schema::{Schema, schema_of},
};
use crate::home::read_bounded;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

/// A configuration file is short; more bytes than this are not one.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// The type of a configuration file.
pub trait Configuration: Serialize + DeserializeOwned + JsonSchema {
    /// What is configured, such as `distributor`.
    const KIND: &'static str;
    /// What variables of the environment that override it begin with; none do if there is none.
    const ENVIRONMENT: Option<&'static str>;

    /// Makes relative paths start at `base`, the folder of the file.
    fn resolve(&mut self, base: &Path);

    /// What is wrong or should be known beyond the schema. Looked at before paths are resolved.
    fn findings(&self) -> Vec<Finding> {
        Vec::new()
    }
}

/// Something about one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Such as `limits.storage`; empty for the whole.
    pub path: &'static str,
    /// What it is, and what was expected. Never repeats a secret.
    pub what: String,
    /// Whether the node cannot start with it.
    pub wrong: bool,
}

/// A configuration that was read.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// With absolute paths, as far as the base is.
    pub config: T,
    /// What should be known: nothing is wrong.
    pub warnings: Vec<String>,
    document: Node,
}

impl<T> Loaded<T> {
    /// Where the value at a path such as `keys[0].suri` was said; nothing if it is a default.
    #[must_use]
    pub fn origin(&self, path: &str) -> Option<&Origin> {
        self.document.at(path).map(|node| &node.origin)
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not there, or cannot be read.
    #[error("cannot read the configuration {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It says something wrong.
    #[error(transparent)]
    Wrong(#[from] Box<Problems>),
}

/// Reads the configuration `path`, and lays `environment` over it, all of a process's variables.
///
/// A file that is not there is as an empty one if a variable says something. Nothing is written into the
/// environment.
///
/// # Errors
/// [`LoadError`], with everything that is wrong.
pub fn load<T: Configuration>(
    path: &Path,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Loaded<T>, LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: path.to_owned(), source };
    let (text, missing) = match read_bounded(path, MAX_CONFIG_BYTES) {
        Ok(bytes) => {
            let text = String::from_utf8(bytes);
            let text = text.map_err(|_| {
                unreadable(io::Error::new(io::ErrorKind::InvalidData, "it is not text in UTF-8"))
            })?;
            (text, None)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && T::ENVIRONMENT.is_some() => {
            (String::new(), Some(error))
        }
        Err(error) => return Err(unreadable(error)),
    };
    let (found, variables) = parse::<T>(&text, environment);
    if let (Some(error), 0) = (missing, variables) {
        return Err(unreadable(error));
    }
    let mut loaded = found.map_err(|list| Box::new(Problems::new(path, &text, list)))?;
    for warning in &mut loaded.1 {
        warning.what = Problems::new(path, &text, vec![warning.clone()]).line(warning);
    }
    let (mut loaded, warnings) = loaded;
    loaded.warnings = warnings.into_iter().map(|warning| warning.what).collect();
    let base = std::path::absolute(path).map_err(unreadable)?;
    // The file may be a link into another folder; its paths start where it is.
    let base = base.canonicalize().unwrap_or(base);
    loaded.config.resolve(base.parent().unwrap_or(Path::new("/")));
    Ok(loaded)
}

type Parsed<T> = Result<(Loaded<T>, Vec<Problem>), Vec<Problem>>;

/// The configuration and its warnings, and how many variables there were.
fn parse<T: Configuration>(
    text: &str,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> (Parsed<T>, usize) {
    let mut document = if text.trim().is_empty() {
        Node { value: Value::Map(Vec::new()), origin: Origin::START }
    } else {
        match Node::parse(text) {
            Ok(document) => document,
            Err(problem) => return (Err(vec![problem]), 0),
        }
    };
    if document.value == Value::Null {
        document.value = Value::Map(Vec::new());
    }
    let json = schema_of::<T>();
    let schema = Schema::new(&json);
    let (variables, mut problems) = match T::ENVIRONMENT {
        Some(prefix) => overlay(&mut document, schema, prefix, environment),
        None => (0, Vec::new()),
    };
    problems.extend(check(&document, schema));
    if !problems.is_empty() {
        return (Err(problems), variables);
    }
    let config = match T::deserialize(&document) {
        Ok(config) => config,
        Err(error) => return (Err(vec![error.into_problem()]), variables),
    };
    (judged(config, document), variables)
}

/// Splits what the type finds into what is wrong and what should be known.
fn judged<T: Configuration>(config: T, document: Node) -> Parsed<T> {
    let (mut wrong, mut warnings) = (Vec::new(), Vec::new());
    for finding in config.findings() {
        // The nearest section that was said.
        let mut path = finding.path;
        let node = loop {
            match document.at(path) {
                Some(node) => break node,
                None => path = path.rsplit_once('.').map_or("", |(section, _)| section),
            }
        };
        let problem = Problem::new(node.origin.clone(), finding.what);
        if finding.wrong { wrong.push(problem) } else { warnings.push(problem) }
    }
    if wrong.is_empty() {
        Ok((Loaded { config, warnings: Vec::new(), document }, warnings))
    } else {
        Err(wrong)
    }
}
