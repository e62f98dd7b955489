//! Files of Argus: a flat folder, each named by the decimal id of its object.

use super::{Left, LeftBecause};
use crate::node::OnDuty;
use argosy_content::TreeBuilder;
use argosy_domain::{ContentId, DataObjectId, limits::WINDOW_BYTES, num::to_usize};
use argosy_node_core::{
    follow::Index,
    serve::{AssetDecision, Deliverable, decide_asset},
};
use argosy_store::{ObjectMeta, QuarantineError, Store, StoreError};
use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// What is in the folder that is ours: the store's own files.
const OURS: [&str; 6] = ["obj", "part", "quarantine", "lock", "format", "format.new"];

/// A name in the folder.
pub(super) struct Listed {
    path: PathBuf,
    /// As it is shown.
    name: String,
    id: Option<DataObjectId>,
    /// Bytes; none if it is no plain file.
    size: Option<u64>,
}

/// A file that may be taken over once it was hashed.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    name: String,
    pub(super) id: DataObjectId,
    pub(super) meta: ObjectMeta,
}

pub(super) enum Verdict {
    Right(Found),
    Left(Left),
}

/// The id that a file name is, if it is one as Argus writes it.
fn id_of(name: &str) -> Option<DataObjectId> {
    let id: u64 = name.parse().ok()?;
    (id.to_string() == name).then_some(DataObjectId(id))
}

/// All names in a folder but the store's own, by ascending id.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if OURS.contains(&name.as_str()) {
            continue;
        }
        // Links are not followed: what they lead to is not Argus' to give.
        let metadata = entry.metadata()?;
        let size = metadata.is_file().then_some(metadata.len());
        listed.push(Listed { path: entry.path(), id: id_of(&name), name, size });
    }
    listed.sort_unstable_by(|one, other| (one.id, &one.name).cmp(&(other.id, &other.name)));
    Ok(listed)
}

/// Files in a folder that look like those of Argus: they are served once they were adopted.
pub(crate) fn waiting_count(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let names = entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().into_string().ok());
    super::count(names.filter(|name| id_of(name).is_some()).count())
}

/// What the directory says of a file.
pub(super) fn judge(listed: Listed, index: &Index, duty: &OnDuty, limit_bytes: u64) -> Verdict {
    let Listed { path, name, id, size } = listed;
    let (Some(id), Some(size)) = (id, size) else {
        return Verdict::Left(Left { name, reason: LeftBecause::NotAnObject, detail: None });
    };
    let reason = match decide_asset(index, &duty.assignment, id) {
        AssetDecision::NotFound if index.was_deleted(id) => LeftBecause::Deleted,
        AssetDecision::NotFound => LeftBecause::Unknown,
        AssetDecision::NotAccepted => LeftBecause::NotAccepted,
        AssetDecision::NotOurs { .. } => LeftBecause::NotOurs,
        AssetDecision::Blacklisted => LeftBecause::Blacklisted,
        AssetDecision::Serve(object) | AssetDecision::Private(object) => {
            let Deliverable { content_id, size: expected, .. } = object;
            let meta = ObjectMeta { content_id, size: expected };
            match size.cmp(&expected) {
                std::cmp::Ordering::Less => LeftBecause::Partial,
                std::cmp::Ordering::Greater => LeftBecause::TooLong,
                std::cmp::Ordering::Equal if size > limit_bytes => LeftBecause::LargerThanCache,
                std::cmp::Ordering::Equal => return Verdict::Right(Found { path, name, id, meta }),
            }
        }
    };
    Verdict::Left(Left { name, reason, detail: None })
}

impl Found {
    /// Makes the file an object of the store; says why not.
    pub(super) fn adopt(&self, store: &Store, hashed: &mut dyn FnMut(u64) -> io::Result<()>) -> Option<Left> {
        match store.adopt(self.id, self.meta, &self.path, hashed) {
            Ok(_) => None,
            Err(QuarantineError::SizeDiffers { received_bytes, expected_bytes }) => {
                let short = received_bytes < expected_bytes;
                Some(self.left(if short { LeftBecause::Partial } else { LeftBecause::TooLong }))
            }
            Err(QuarantineError::ContentDiffers { .. }) => Some(self.left(LeftBecause::WrongContent)),
            Err(QuarantineError::Store(StoreError::AlreadyComplete(_))) => {
                Some(self.left(LeftBecause::HeldAlready))
            }
            Err(QuarantineError::Store(error)) => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                let detail = Some(format!("{error}{}", cause.unwrap_or_default()));
                Some(Left { detail, ..self.left(LeftBecause::DiskError) })
            }
        }
    }

    /// Only hashes it; says what is wrong.
    pub(super) fn check(&self, hashed: &mut dyn FnMut(u64) -> io::Result<()>) -> Option<Left> {
        match hash(&self.path, hashed) {
            Ok(found) if found == self.meta.content_id => None,
            Ok(_) => Some(self.left(LeftBecause::WrongContent)),
            Err(error) => Some(Left { detail: Some(error.to_string()), ..self.left(LeftBecause::DiskError) }),
        }
    }

    fn left(&self, reason: LeftBecause) -> Left {
        Left { name: self.name.clone(), reason, detail: None }
    }
}

fn hash(path: &Path, hashed: &mut dyn FnMut(u64) -> io::Result<()>) -> io::Result<ContentId> {
    let mut file = File::open(path)?;
    let mut builder = TreeBuilder::new(file.metadata()?.len());
    let mut window = vec![0; to_usize(WINDOW_BYTES)];
    let changed = || io::Error::other("the file changes while it is read");
    loop {
        let read = file.read(&mut window)?;
        if read == 0 {
            return builder.finish().map_err(|_| changed());
        }
        builder.push(&window[..read], &mut |_, _| ()).map_err(|_| changed())?;
        hashed(super::count(read))?;
    }
}
