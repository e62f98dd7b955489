//! The folder of a person's own key files.

use crate::{
    file::FileError,
    keyring::{KeysError, folder_files},
    own::KeyFile,
    secret::{RandomError, random},
    stored::StoredKey,
};
use std::{
    fmt, fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    str::FromStr,
};

const SUFFIX: &str = "json";
/// Most bytes of a name.
const MAX_NAME_BYTES: usize = 64;
/// Old keys of one name that are kept.
const MAX_OLD: u32 = 1000;
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Name of a key in the folder: letters `a` to `z`, digits, `.`, `_` and `-`. Never a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(String);

/// A text that names no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name of a key has 1 to {MAX_NAME_BYTES} of a-z, 0-9, '.', '_' and '-', and begins with a letter or digit"
)]
pub struct NameError;

/// Where a person's keys are.
#[derive(Clone, Debug)]
pub struct KeyFolder(PathBuf);

/// One file of the folder.
#[derive(Debug)]
pub struct Entry {
    /// Name of the key.
    pub name: KeyName,
    /// What is in its file.
    pub key: Result<StoredKey, FileError>,
}

/// Why the folder was not changed.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is a key of this name.
    #[error("there is a key named {0} already: choose another name, or move its file away")]
    Exists(KeyName),
    /// The disk says no.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The folder cannot be read.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// No randomness for a temporary name.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The name is too long for what is appended to it, or all such names are taken.
    #[error("{0} cannot be kept under another name: it is too long, or too many old ones are kept")]
    NoOldName(KeyName),
}

impl FromStr for KeyName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let all = text.bytes().all(|byte| plain(byte) || matches!(byte, b'.' | b'_' | b'-'));
        let good = all && text.len() <= MAX_NAME_BYTES && text.bytes().next().is_some_and(plain);
        if good { Ok(Self(text.to_owned())) } else { Err(NameError) }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl KeyName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the key that is to replace this one: `NAME.next`.
    ///
    /// # Errors
    /// [`NameError`] if that is too long.
    pub fn next(&self) -> Result<Self, NameError> {
        format!("{self}.next").parse()
    }

    /// The name of the `number`th key that was replaced: `NAME.old-N`.
    ///
    /// # Errors
    /// [`NameError`] if that is too long.
    pub fn old(&self, number: u32) -> Result<Self, NameError> {
        format!("{self}.old-{number}").parse()
    }
}

impl KeyFolder {
    /// A folder that need not be there yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the file of a key is, or would be.
    #[must_use]
    pub fn path_of(&self, name: &KeyName) -> PathBuf {
        self.0.join(format!("{name}.{SUFFIX}"))
    }

    /// Whether there is a file of this name, of any kind.
    #[must_use]
    pub fn has(&self, name: &KeyName) -> bool {
        fs::symlink_metadata(self.path_of(name)).is_ok()
    }

    /// The key of this name.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(&self, name: &KeyName) -> Result<StoredKey, FileError> {
        StoredKey::read(&self.path_of(name))
    }

    /// All keys, by name. Files whose names are not those of keys are left out. Empty if there is no
    /// such folder.
    ///
    /// # Errors
    /// [`KeysError`] if the folder cannot be read or has too many files.
    pub fn list(&self) -> Result<Vec<Entry>, KeysError> {
        let files = match folder_files(&self.0) {
            Err(error) if error.is_absent() => return Ok(Vec::new()),
            files => files?,
        };
        let named = files.into_iter().filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?.strip_suffix('.')?.parse().ok()?;
            Some(Entry { name, key: StoredKey::read(&path) })
        });
        Ok(named.collect())
    }

    /// Makes the folder if need be, readable by its owner only, and puts a new key there. Durable when it
    /// returns. Never over a file that is there.
    ///
    /// # Errors
    /// [`FolderError`]; nothing is changed then.
    pub fn add(&self, name: &KeyName, key: &KeyFile) -> Result<PathBuf, FolderError> {
        self.make()?;
        let path = self.path_of(name);
        if self.has(name) {
            return Err(FolderError::Exists(name.clone()));
        }
        let number = u64::from_le_bytes(*random::<8>()?);
        let temporary = self.0.join(format!(".{name}.{number:016x}.new"));
        let linked = write_new(&temporary, key.to_json().as_bytes())
            .map_err(io_error("write", &temporary))
            // Unlike a renaming, this never replaces a file.
            .and_then(|()| match fs::hard_link(&temporary, &path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    Err(FolderError::Exists(name.clone()))
                }
                linked => linked.map_err(io_error("make", &path)),
            });
        // It is of no use any more, but of no harm either.
        let _ = fs::remove_file(&temporary);
        linked?;
        self.sync()?;
        Ok(path)
    }

    /// Puts the key `NAME.next` in the place of `NAME`, which is kept as `NAME.old-N`. There is a usable
    /// file `NAME` at every moment; run again after a crash, it goes on where it stopped. Gives the name
    /// under which the old key is kept; none if there was no `NAME`.
    ///
    /// # Errors
    /// [`FolderError`]; run it again when its cause is gone.
    pub fn replace_with_next(&self, name: &KeyName) -> Result<Option<KeyName>, FolderError> {
        let too_long = |_| FolderError::NoOldName(name.clone());
        let (path, next) = (self.path_of(name), self.path_of(&name.next().map_err(too_long)?));
        let kept = if self.has(name) { Some(self.keep_old(name)?) } else { None };
        self.sync()?;
        fs::rename(&next, &path).map_err(io_error("rename", &next))?;
        self.sync()?;
        Ok(kept)
    }

    /// Gives `NAME` a second name, unless an earlier try has.
    fn keep_old(&self, name: &KeyName) -> Result<KeyName, FolderError> {
        let path = self.path_of(name);
        for number in 1..=MAX_OLD {
            let old = name.old(number).map_err(|_| FolderError::NoOldName(name.clone()))?;
            let old_path = self.path_of(&old);
            match fs::hard_link(&path, &old_path) {
                Ok(()) => return Ok(old),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io_error("make", &old_path)(error)),
            }
            if is_same_file(&path, &old_path).map_err(io_error("read", &old_path))? {
                return Ok(old);
            }
        }
        Err(FolderError::NoOldName(name.clone()))
    }

    fn make(&self) -> Result<(), FolderError> {
        if self.0.is_dir() {
            return Ok(());
        }
        let made = fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&self.0);
        made.map_err(io_error("make", &self.0))?;
        let parent = self.0.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_dir(parent).map_err(io_error("write", parent))
    }

    fn sync(&self) -> Result<(), FolderError> {
        sync_dir(&self.0).map_err(io_error("write", &self.0))
    }
}

fn is_same_file(a: &Path, b: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let (a, b) = (fs::symlink_metadata(a)?, fs::symlink_metadata(b)?);
    Ok((a.dev(), a.ino()) == (b.dev(), b.ino()))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    fs::File::open(dir)?.sync_all()
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |cause| FolderError::Io { doing, path, cause }
}
