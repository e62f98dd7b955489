//! What the operator changed while the node ran: kept on disk, so that a restart changes nothing.

use crate::config::{BucketName, Config};
use argosy_node::home::{read_bounded, replace_file};
use serde::{Deserialize, Serialize};
use std::{
    io,
    path::{Path, PathBuf},
};

/// The only layout that exists.
const FORMAT: u32 = 1;
const NAME: &str = "operator.json";
/// A list of ten thousand buckets has a fifth of this, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Whom and what the node delivers for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Duty {
    /// The worker who operates the node.
    pub(crate) worker_id: Option<u64>,
    /// The buckets; all of the worker if there is no list.
    pub(crate) buckets: Option<Vec<BucketName>>,
}

impl Duty {
    pub(crate) fn of(config: &Config) -> Self {
        Self { worker_id: config.worker_id, buckets: config.buckets.clone() }
    }
}

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Kept {
    format: u32,
    /// Users are not answered.
    stopped: bool,
    /// What the operator wants, and what the configuration said then.
    duty: Option<Changed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Changed {
    from: Duty,
    to: Duty,
}

/// The operator's changes, as they are on disk.
#[derive(Debug)]
pub(crate) struct Changes {
    path: PathBuf,
    configured: Duty,
    kept: Kept,
}

/// The file of the operator's changes cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the operator's changes in {}: remove the file to go on with the configuration alone", path.display())]
pub struct ChangesError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub source: io::Error,
}

impl Changes {
    /// Reads them from the folder of the node's notes.
    ///
    /// What the configuration says about the duty wins if it was changed after the operator's wish.
    pub(crate) fn open(notes: &Path, configured: Duty) -> Result<Self, ChangesError> {
        let path = notes.join(NAME);
        let failed = |source| ChangesError { path: path.clone(), source };
        let invalid = |what: String| failed(io::Error::new(io::ErrorKind::InvalidData, what));
        let mut kept = match read_bounded(&path, MAX_BYTES) {
            Ok(bytes) => {
                serde_json::from_slice::<Kept>(&bytes).map_err(|error| invalid(error.to_string()))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Kept { format: FORMAT, ..Kept::default() }
            }
            Err(error) => return Err(failed(error)),
        };
        if kept.format != FORMAT {
            return Err(invalid(format!("it was made by another argosy (layout {})", kept.format)));
        }
        if kept.duty.as_ref().is_some_and(|duty| duty.from != configured) {
            tracing::warn!(
                "the configuration's workerId or buckets are new: they replace what the operator set"
            );
            kept.duty = None;
        }
        let file = path.display();
        if kept.duty.is_some() {
            tracing::warn!(%file, "the operator's workerId and buckets are in force, not the configuration's");
        }
        if kept.stopped {
            tracing::warn!(%file, "the operator has stopped the public port: start-public-api opens it again");
        }
        Ok(Self { path, configured, kept })
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.kept.stopped
    }

    pub(crate) fn duty(&self) -> &Duty {
        self.kept.duty.as_ref().map_or(&self.configured, |changed| &changed.to)
    }

    pub(crate) fn set_stopped(&mut self, stopped: bool) -> Result<(), ChangesError> {
        self.save(Kept { stopped, ..self.kept.clone() })
    }

    pub(crate) fn set_duty(&mut self, to: Duty) -> Result<(), ChangesError> {
        let from = self.configured.clone();
        let duty = (to != from).then_some(Changed { from, to });
        self.save(Kept { duty, ..self.kept.clone() })
    }

    /// On disk before anything acts on it.
    fn save(&mut self, kept: Kept) -> Result<(), ChangesError> {
        let saved = serde_json::to_vec_pretty(&kept).map_err(io::Error::from);
        let saved = saved.and_then(|bytes| replace_file(&self.path, &bytes));
        saved.map_err(|source| ChangesError { path: self.path.clone(), source })?;
        self.kept = kept;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duty(worker: u64, buckets: Option<&[&str]>) -> Duty {
        let names = |names: &[&str]| names.iter().map(|name| BucketName(name.parse().unwrap())).collect();
        Duty { worker_id: Some(worker), buckets: buckets.map(names) }
    }

    #[test]
    fn changes_outlive_the_process_until_the_configuration_changes() {
        let dir = tempfile::tempdir().unwrap();
        let open = |configured| Changes::open(dir.path(), configured).unwrap();
        let mut changes = open(duty(1, None));
        assert_eq!((changes.duty(), changes.is_stopped()), (&duty(1, None), false));
        changes.set_duty(duty(2, Some(&["0:1"]))).unwrap();
        changes.set_stopped(true).unwrap();
        let changes = open(duty(1, None));
        assert_eq!((changes.duty(), changes.is_stopped()), (&duty(2, Some(&["0:1"])), true));
        let mut changes = open(duty(3, None));
        assert_eq!((changes.duty(), changes.is_stopped()), (&duty(3, None), true));
        changes.set_stopped(false).unwrap();
        assert!(!open(duty(1, None)).is_stopped());
    }

    #[test]
    fn a_damaged_file_is_named_and_not_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["{", r#"{"format": 2, "stopped": false, "duty": null}"#] {
            std::fs::write(dir.path().join(NAME), text).unwrap();
            let error = Changes::open(dir.path(), duty(1, None)).unwrap_err();
            assert!(error.to_string().contains(NAME), "{error}");
        }
    }
}
