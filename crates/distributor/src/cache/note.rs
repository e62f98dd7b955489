//! The note that outlives a restart: how popular objects are, and in which order they would go.
//!
//! It never says what there is: files do. So a note that is damaged, old, or of a newer program costs some
//! hits, and no data.
//!
//! ```text
//! "argosy cache\n"  format u32  length of the policy's name u8, name  entries u64
//! each entry: id u64  use parts u32  hits u32  list u8  rank u64
//! SHA-256 of all that
//! ```
//!
//! Numbers are little-endian.

use super::argus::{self, ArgusState};
use argosy_domain::{DataObjectId, num::to_u64};
use argosy_node::home::{read_bounded, replace_file};
use argosy_node_core::cache::{PolicyName, Standing};
use sha2::{Digest as _, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const NAME: &str = "cache.note";
const WORD: &[u8] = b"argosy cache\n";
const FORMAT: u32 = 1;
const ENTRY_BYTES: usize = 8 + 4 + 4 + 1 + 8;
const SUM_BYTES: usize = 32;
/// Room for ten million entries.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Why a note is not used.
#[derive(Debug, thiserror::Error)]
enum NoteError {
    #[error("it cannot be read")]
    Io(#[source] io::Error),
    #[error("it is damaged")]
    Damaged,
    #[error("it was written by a newer program, in format {0}")]
    Newer(u32),
}

/// What is known from before, and whether the same policy was in force: from our own note, else from the
/// state that Argus left in the same folder, else nothing.
pub(super) fn recall(folder: &Path, policy: PolicyName) -> (Vec<Standing>, bool) {
    let path = folder.join(NAME);
    match read(&path) {
        Ok((name, standings)) => return (standings, name == policy.as_str()),
        Err(NoteError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tell(&path, &error),
    }
    let path = folder.join(argus::NAME);
    match argus::read(&path) {
        Ok(state) => (of_argus(&state), false),
        Err(argus::ArgusStateError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            (Vec::new(), false)
        }
        Err(error) => {
            tell(&path, &error);
            (Vec::new(), false)
        }
    }
}

fn tell(path: &Path, error: &(dyn std::error::Error + 'static)) {
    tracing::warn!(
        path = %path.display(), error,
        "what was popular is not known any more: nothing is lost, objects are kept in the order of their ids"
    );
}

fn of_argus(state: &ArgusState) -> Vec<Standing> {
    let standing = |entry: &argus::ArgusEntry| Standing {
        id: entry.id,
        // Argus never forgets a use, so that large numbers mean little.
        use_parts: entry.popularity.min(1000).saturating_mul(1024),
        hits: entry.popularity.saturating_sub(1),
        list: 0,
        rank: 0,
    };
    state.entries.iter().map(standing).collect()
}

/// Replaces the note as a whole. Gives its length in bytes.
pub(super) fn write(folder: &Path, policy: PolicyName, standings: &[Standing]) -> io::Result<u64> {
    let mut bytes = Vec::with_capacity(128 + standings.len() * ENTRY_BYTES);
    bytes.extend(WORD);
    bytes.extend(FORMAT.to_le_bytes());
    let name = policy.as_str();
    bytes.push(u8::try_from(name.len()).map_err(io::Error::other)?);
    bytes.extend(name.as_bytes());
    bytes.extend(to_u64(standings.len()).to_le_bytes());
    for standing in standings {
        bytes.extend(standing.id.0.to_le_bytes());
        bytes.extend(standing.use_parts.to_le_bytes());
        bytes.extend(standing.hits.to_le_bytes());
        bytes.push(standing.list);
        bytes.extend(standing.rank.to_le_bytes());
    }
    let sum = Sha256::digest(&bytes);
    bytes.extend(sum);
    replace_file(&path(folder), &bytes).map(|()| to_u64(bytes.len()))
}

/// Whether a note was written after a file was.
pub(super) fn is_newer_than(folder: &Path, file: &Path) -> bool {
    let written = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    written(&path(folder)) > written(file)
}

fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

fn read(path: &Path) -> Result<(String, Vec<Standing>), NoteError> {
    let bytes = read_bounded(path, MAX_BYTES).map_err(NoteError::Io)?;
    let (body, sum) = bytes.split_last_chunk::<SUM_BYTES>().ok_or(NoteError::Damaged)?;
    let mut rest = body.strip_prefix(WORD).ok_or(NoteError::Damaged)?;
    let format = u32::from_le_bytes(take(&mut rest)?);
    if format > FORMAT {
        return Err(NoteError::Newer(format));
    }
    if Sha256::digest(body).as_slice() != sum {
        return Err(NoteError::Damaged);
    }
    let [len] = take(&mut rest)?;
    let (name, mut rest) = rest.split_at_checked(len.into()).ok_or(NoteError::Damaged)?;
    let count = u64::from_le_bytes(take(&mut rest)?);
    let (entries, left) = rest.as_chunks::<ENTRY_BYTES>();
    if to_u64(entries.len()) != count || !left.is_empty() {
        return Err(NoteError::Damaged);
    }
    let standings = entries.iter().map(|entry| parse(entry)).collect::<Result<_, _>>()?;
    Ok((String::from_utf8_lossy(name).into_owned(), standings))
}

fn parse(mut entry: &[u8]) -> Result<Standing, NoteError> {
    Ok(Standing {
        id: DataObjectId(u64::from_le_bytes(take(&mut entry)?)),
        use_parts: u32::from_le_bytes(take(&mut entry)?),
        hits: u32::from_le_bytes(take(&mut entry)?),
        list: take::<1>(&mut entry)?[0],
        rank: u64::from_le_bytes(take(&mut entry)?),
    })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], NoteError> {
    let (taken, rest) = bytes.split_first_chunk::<N>().ok_or(NoteError::Damaged)?;
    *bytes = rest;
    Ok(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standings() -> Vec<Standing> {
        let one = |n: u32| Standing {
            id: DataObjectId(u64::from(n) * 7),
            use_parts: n,
            hits: n / 2,
            list: u8::try_from(n % 3).unwrap(),
            rank: u64::MAX - u64::from(n),
        };
        (0..1000).map(one).collect()
    }

    #[test]
    fn what_is_noted_is_recalled() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), PolicyName::Worth, &standings()).unwrap();
        assert_eq!(recall(dir.path(), PolicyName::Worth), (standings(), true));
        assert_eq!(recall(dir.path(), PolicyName::Lru), (standings(), false));
    }

    #[test]
    fn whatever_is_wrong_with_a_note_it_is_as_if_there_were_none() {
        let dir = tempfile::tempdir().unwrap();
        let nothing = (Vec::new(), false);
        assert_eq!(recall(dir.path(), PolicyName::Worth), nothing, "no note");
        write(dir.path(), PolicyName::Worth, &standings()).unwrap();
        let whole = std::fs::read(path(dir.path())).unwrap();
        let mut newer = whole.clone();
        newer[WORD.len()] = 9;
        assert!(matches!(
            {
                std::fs::write(path(dir.path()), &newer).unwrap();
                read(&path(dir.path()))
            },
            Err(NoteError::Newer(9))
        ));
        let mut wrong = vec![Vec::new(), newer, [&whole[..], b"more"].concat()];
        wrong.extend((0..whole.len()).step_by(397).map(|len| whole[..len].to_vec()));
        wrong.extend((0..whole.len()).step_by(1301).map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            bytes
        }));
        for bytes in wrong {
            std::fs::write(path(dir.path()), &bytes).unwrap();
            assert_eq!(recall(dir.path(), PolicyName::Worth), nothing, "{} bytes", bytes.len());
        }
    }

    #[test]
    fn the_state_of_argus_is_the_first_note() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join(argus::NAME),
            r#"{"lruCacheGroups": [[["5", {"popularity": 9, "lastAccessTime": 20, "sizeKB": 1}]],
                [["6", {"popularity": 2, "lastAccessTime": 10, "sizeKB": 1}]]], "mimeTypeByObjectId": []}"#,
        )
        .unwrap();
        let (standings, same) = recall(dir.path(), PolicyName::Worth);
        assert!(!same);
        let found: Vec<_> = standings.iter().map(|it| (it.id.0, it.use_parts, it.hits)).collect();
        assert_eq!(found, [(6, 2 * 1024, 1), (5, 9 * 1024, 8)], "the last used one last");
        write(dir.path(), PolicyName::Worth, &[]).unwrap();
        assert_eq!(recall(dir.path(), PolicyName::Worth), (Vec::new(), true), "our own note wins");
    }
}
