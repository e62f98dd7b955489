//! Where passphrases come from: the terminal, a file, an open descriptor. Never a flag.

use crate::file::{FileError, Unusable, read_text, read_to_limit};
use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};
use zeroize::Zeroizing;

/// Most passphrases that are tried on a key; each try takes up to a second.
const MAX_PASSPHRASES: usize = 16;
/// Most bytes of a file of passphrases.
const MAX_FILE_BYTES: u64 = 16 * 1024;
/// Least bytes of the passphrase of a new key file.
const MIN_NEW_BYTES: usize = 8;
/// Questions before it is given up.
pub(crate) const MAX_QUESTIONS: usize = 3;

/// What opens a key file. Not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Zeroizing<String>);

/// Where to look for a passphrase, once it is needed.
#[derive(Debug)]
pub struct Passphrases {
    from: Origin,
    /// Read once: a descriptor cannot be read again.
    read: OnceLock<Vec<Passphrase>>,
}

#[derive(Debug)]
enum Origin {
    Nowhere,
    Terminal,
    File(PathBuf),
    Descriptor(u32),
    Given,
}

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// Nobody is there to ask.
    #[error("there is no terminal to ask for its passphrase: name a file that holds it")]
    NoTerminal,
    /// None was foreseen.
    #[error("no passphrase is at hand: name a file that holds it")]
    Nowhere,
    /// The terminal failed.
    #[error("the passphrase cannot be read from the terminal")]
    Terminal(#[source] dialoguer::Error),
    /// The file cannot be read, or could be by others.
    #[error(transparent)]
    File(#[from] FileError),
    /// The descriptor cannot be read.
    #[error("the passphrase cannot be read from descriptor {number}")]
    Descriptor {
        /// Which one.
        number: u32,
        /// Why not.
        #[source]
        cause: Unusable,
    },
    /// An empty line, or none.
    #[error("the passphrase is empty")]
    Empty,
    /// More lines than are tried.
    #[error("there are more than {MAX_PASSPHRASES} passphrases")]
    TooMany,
    /// For a new key there must be just one.
    #[error("there are several passphrases: a new key takes one line")]
    NotOne,
    /// Too easily guessed.
    #[error("the passphrase of a new key has at least {MIN_NEW_BYTES} bytes")]
    TooShort,
    /// The second one was another one.
    #[error("the two passphrases differ")]
    Differ,
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl From<String> for Passphrase {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Passphrase {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Passphrases {
    fn new(from: Origin) -> Self {
        Self { from, read: OnceLock::new() }
    }

    /// None: only files that are not encrypted can be used.
    #[must_use]
    pub fn nowhere() -> Self {
        Self::new(Origin::Nowhere)
    }

    /// Asks on the terminal, without echo, for each key.
    #[must_use]
    pub fn terminal() -> Self {
        Self::new(Origin::Terminal)
    }

    /// The lines of a file that only its owner may read; each is tried.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Origin::File(path.into()))
    }

    /// The lines that an open descriptor gives; each is tried.
    #[must_use]
    pub fn descriptor(number: u32) -> Self {
        Self::new(Origin::Descriptor(number))
    }

    /// Texts that the caller has read; each is tried.
    #[must_use]
    pub fn given(texts: Vec<Passphrase>) -> Self {
        Self { from: Origin::Given, read: OnceLock::from(texts) }
    }

    /// What `--passphrase-file` and `--passphrase-fd` say; the terminal without them.
    #[must_use]
    pub fn of_flags(file: Option<PathBuf>, descriptor: Option<u32>) -> Self {
        match (file, descriptor) {
            (Some(path), _) => Self::file(path),
            (None, Some(number)) => Self::descriptor(number),
            (None, None) => Self::terminal(),
        }
    }

    /// The passphrase of a new key: asked twice on the terminal, or the one line of file or descriptor.
    ///
    /// # Errors
    /// [`PassphraseError`].
    pub fn for_new(&self, name: &str) -> Result<Passphrase, PassphraseError> {
        let passphrase = match self.known()? {
            Some([one]) => one.clone(),
            Some([]) => return Err(PassphraseError::Empty),
            Some(_) => return Err(PassphraseError::NotOne),
            None => {
                let first = ask(&format!("New passphrase for {name}"))?;
                check_new(&first)?;
                if ask("The same again")? != first {
                    return Err(PassphraseError::Differ);
                }
                first
            }
        };
        check_new(&passphrase)?;
        Ok(passphrase)
    }

    /// Those that can be tried without asking. None if somebody must be asked.
    pub(crate) fn known(&self) -> Result<Option<&[Passphrase]>, PassphraseError> {
        if let Some(read) = self.read.get() {
            return Ok(Some(read));
        }
        let texts = match &self.from {
            Origin::Terminal => return Ok(None),
            Origin::Nowhere => return Err(PassphraseError::Nowhere),
            Origin::Given => Vec::new(),
            Origin::File(path) => lines(&read_text(path, MAX_FILE_BYTES)?.private(path)?)?,
            Origin::Descriptor(number) => lines(&read_descriptor(*number)?)?,
        };
        Ok(Some(self.read.get_or_init(|| texts)))
    }
}

/// Asks on the terminal for a secret, once and without echo.
///
/// # Errors
/// [`PassphraseError::NoTerminal`] or [`PassphraseError::Terminal`].
pub fn ask(prompt: &str) -> Result<Passphrase, PassphraseError> {
    let answer = dialoguer::Password::new().with_prompt(prompt).allow_empty_password(true).interact();
    match answer {
        Ok(text) => Ok(Passphrase::from(text)),
        Err(dialoguer::Error::IO(error)) if error.kind() == std::io::ErrorKind::NotConnected => {
            Err(PassphraseError::NoTerminal)
        }
        Err(error) => Err(PassphraseError::Terminal(error)),
    }
}

fn check_new(passphrase: &Passphrase) -> Result<(), PassphraseError> {
    match passphrase.0.len() {
        0 => Err(PassphraseError::Empty),
        length if length < MIN_NEW_BYTES => Err(PassphraseError::TooShort),
        _ => Ok(()),
    }
}

fn read_descriptor(number: u32) -> Result<Zeroizing<String>, PassphraseError> {
    let failed = |cause| PassphraseError::Descriptor { number, cause };
    // By its name, since taking over a number is not safe.
    let path = Path::new("/dev/fd").join(number.to_string());
    let file = fs::File::open(path).map_err(|error| failed(Unusable::Io(error)))?;
    read_to_limit(file, MAX_FILE_BYTES).map_err(failed)
}

fn lines(text: &str) -> Result<Vec<Passphrase>, PassphraseError> {
    let lines: Vec<_> =
        text.lines().filter(|line| !line.is_empty()).map(|line| Passphrase::from(line.to_owned())).collect();
    match lines.len() {
        0 => Err(PassphraseError::Empty),
        count if count > MAX_PASSPHRASES => Err(PassphraseError::TooMany),
        _ => Ok(lines),
    }
}
