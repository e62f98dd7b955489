//! Pieces that the configuration files of all nodes share.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Most directory nodes that one node may be told of.
pub const MAX_DIRECTORY_URLS: usize = 16;

/// A path from a configuration file: relative ones start at `base`, the folder of that file.
pub fn resolve_path(base: &Path, path: &mut PathBuf) {
    // `join` keeps an absolute path as it is.
    *path = base.join(&*path);
}

/// A number of bytes. Text form: digits and one of `B`, `K`, `M`, `G`, `T` (powers of 1024); a
/// plain number counts bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A text that is not a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a size: expected digits and one of B, K, M, G, T, for example 20G")]
pub struct SizeError;

const UNITS: [(char, u32); 5] = [('T', 40), ('G', 30), ('M', 20), ('K', 10), ('B', 0)];

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let unit = UNITS.iter().find(|(letter, _)| text.ends_with(*letter));
        let (digits, shift) = match unit {
            Some((letter, shift)) => (text.strip_suffix(*letter).ok_or(SizeError)?, *shift),
            None => (text, 0),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SizeError);
        }
        let number: u64 = digits.parse().map_err(|_| SizeError)?;
        number.checked_mul(1 << shift).map(Self).ok_or(SizeError)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, shift): &&(char, u32)| self.0 > 0 && self.0.is_multiple_of(1 << shift);
        match UNITS.iter().find(whole) {
            Some((letter, shift)) => write!(f, "{}{letter}", self.0 >> shift),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Size;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as 20G, or a number of bytes")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Size, E> {
                Ok(Size(number))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Size, E> {
                u64::try_from(number).map(Size).map_err(|_| E::custom(SizeError))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Root URLs of directory nodes, tried in turn; one text or a list in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryUrls(Vec<String>);

/// A list of directory nodes that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlsError {
    /// None, or more than [`MAX_DIRECTORY_URLS`].
    #[error("between 1 and {MAX_DIRECTORY_URLS} directory nodes must be named")]
    Count,
    /// Not of the form `http://host[:port]`.
    #[error("not the root URL of a directory node: {0:?}, expected http://host:port")]
    Url(String),
}

impl DirectoryUrls {
    /// Checks the list.
    ///
    /// # Errors
    /// [`UrlsError`].
    pub fn new(urls: Vec<String>) -> Result<Self, UrlsError> {
        if urls.is_empty() || urls.len() > MAX_DIRECTORY_URLS {
            return Err(UrlsError::Count);
        }
        urls.into_iter()
            .map(|url| root_url(&url).ok_or(UrlsError::Url(url)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The URLs, without a slash at the end; never empty.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// The URL without its last slash, if it is a scheme and an authority and nothing else.
fn root_url(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    let authority = uri.authority()?;
    let plain = uri.scheme_str() == Some("http") && uri.path() == "/" && uri.query().is_none();
    (plain && !authority.as_str().contains('@')).then(|| format!("http://{authority}"))
}

impl Serialize for DirectoryUrls {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => serializer.serialize_str(one),
            many => serializer.collect_seq(many),
        }
    }
}

impl<'de> Deserialize<'de> for DirectoryUrls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = DirectoryUrls;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the root URL of a directory node, or a list of them")
            }
            fn visit_str<E: de::Error>(self, url: &str) -> Result<DirectoryUrls, E> {
                DirectoryUrls::new(vec![url.to_owned()]).map_err(E::custom)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<DirectoryUrls, A::Error> {
                let mut urls = Vec::new();
                while let Some(url) = list.next_element()? {
                    if urls.len() == MAX_DIRECTORY_URLS {
                        return Err(de::Error::custom(UrlsError::Count));
                    }
                    urls.push(url);
                }
                DirectoryUrls::new(urls).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// The `endpoints` section: other nodes that this one needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoints {
    /// Directory nodes.
    pub directory: DirectoryUrls,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What an operator must act on.
    Error,
    /// What an operator should look at.
    Warn,
    /// What the node does, briefly.
    Info,
    /// Every request and decision.
    Debug,
    /// Everything.
    Trace,
}

/// The `logs` section. A part that is left out is off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Logs {
    /// One JSON file a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileLog>,
    /// Brief lines on standard error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console: Option<ConsoleLog>,
}

impl Logs {
    /// Makes relative paths start at `base`.
    pub fn resolve(&mut self, base: &Path) {
        if let Some(file) = &mut self.file {
            resolve_path(base, &mut file.path);
        }
    }
}

/// Logging into files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileLog {
    /// Least severe level that is written.
    pub level: LogLevel,
    /// Folder of the files.
    pub path: PathBuf,
}

/// Logging to the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsoleLog {
    /// Least severe level that is written.
    pub level: LogLevel,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        for (text, bytes) in [("20G", 20 << 30), ("1T", 1 << 40), ("7B", 7), ("512", 512), ("3K", 3072)] {
            assert_eq!(text.parse(), Ok(Size(bytes)));
        }
        for bad in ["", "G", "1.5G", "-1G", "1g", "1GB", " 1G", "99999999999T"] {
            assert_eq!(bad.parse::<Size>(), Err(SizeError), "{bad:?}");
        }
        for (bytes, text) in [(20 << 30, "20G"), (1025, "1025B"), (0, "0B"), (3 << 20, "3M")] {
            assert_eq!(Size(bytes).to_string(), text);
        }
        assert_eq!(serde_json::from_str::<Size>("4096").unwrap(), Size(4096));
        assert_eq!(serde_json::from_str::<Size>("\"4K\"").unwrap(), Size(4096));
        assert!(serde_json::from_str::<Size>("-4").is_err());
    }

    #[test]
    fn directories_are_one_url_or_a_list() {
        let one: DirectoryUrls = serde_json::from_str("\"http://127.0.0.1:4352/\"").unwrap();
        assert_eq!(one.as_slice(), ["http://127.0.0.1:4352"]);
        assert_eq!(serde_json::to_string(&one).unwrap(), "\"http://127.0.0.1:4352\"");
        let two: DirectoryUrls = serde_json::from_str(r#"["http://a:1","http://b:2"]"#).unwrap();
        assert_eq!(two.as_slice().len(), 2);
        for bad in ["[]", "\"\"", "\"ftp://a\"", "\"http://u@a\"", "\"http://a/path\"", "\"http://a?q\"", "7"]
        {
            assert!(serde_json::from_str::<DirectoryUrls>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn relative_paths_start_at_the_file() {
        let mut logs = Logs {
            file: Some(FileLog { level: LogLevel::Info, path: PathBuf::from("logs") }),
            console: None,
        };
        logs.resolve(Path::new("/etc/argosy"));
        assert_eq!(logs.file.as_ref().unwrap().path, Path::new("/etc/argosy/logs"));
        logs.resolve(Path::new("/elsewhere"));
        assert_eq!(logs.file.unwrap().path, Path::new("/etc/argosy/logs"));
    }
}
