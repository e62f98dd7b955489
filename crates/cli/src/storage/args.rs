//! What Colossus' commands share: where the directory is, which keys sign, and values in its forms.

use crate::{
    failure::{Failure, Outcome},
    network::{DirectoryArgs, DirectoryUrl},
    send::SendArgs,
};
use argosy_domain::{BagId, StorageBucketId};
use std::{collections::BTreeSet, fmt, path::PathBuf, str::FromStr};

/// What every command takes that signs something.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ColossusArgs {
    /// Directory node, http://HOST:PORT or ws://HOST:PORT. Without it: --directory.
    #[arg(short = 'u', long = "apiUrl", alias = "api-url", value_name = "apiUrl", value_parser = api_url)]
    pub(crate) api_url: Option<DirectoryUrl>,
    /// Sign with development keys; only on a local network
    #[arg(short = 'm', long)]
    pub(crate) dev: bool,
    /// Key file to sign with
    #[arg(short = 'k', long = "keyFile", value_name = "keyFile")]
    pub(crate) key_file: Option<PathBuf>,
    /// Folder with key files to sign with
    #[arg(long = "keyStore", alias = "key-store", value_name = "keyStore")]
    pub(crate) key_store: Option<PathBuf>,
    /// Password of key files. Of several, each is tried on each file. It can be seen in the list of processes: better use the environment variable ACCOUNT_PWD, or --passphrase-file.
    #[arg(short, long, value_name = "password", num_args = 1.., env = "ACCOUNT_PWD", hide_env = true)]
    pub(crate) password: Vec<Hidden>,
    /// Secret URI to sign with. The environment variable ACCOUNT_URI holds one as well.
    #[arg(short = 'y', long = "accountUri", alias = "account-uri", value_name = "accountUri", num_args = 1.., env = "ACCOUNT_URI", hide_env = true)]
    pub(crate) account_uri: Vec<Hidden>,
    /// Answer "yes" to any prompt
    #[arg(long, help_heading = "Sending")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

impl ColossusArgs {
    /// `-u`, else what the program was told for all of its commands.
    pub(super) fn directory(&self, global: &DirectoryArgs) -> DirectoryArgs {
        self.api_url.clone().map_or_else(|| global.clone(), DirectoryArgs::at)
    }
}

/// A secret from the command line or the environment: it is not printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hidden(pub(crate) String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl FromStr for Hidden {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// A directory node in the place of a chain node: `ws` is what scripts have for theirs.
pub(super) fn api_url(text: &str) -> Result<DirectoryUrl, &'static str> {
    match text.split_once("://") {
        Some(("ws", rest)) => format!("http://{rest}").parse(),
        Some(("wss", rest)) => format!("https://{rest}").parse(),
        _ => text.parse(),
    }
}

/// A directory node in the place of a squid, by its root or by its `/graphql`.
pub(super) fn squid_url(text: &str) -> Result<DirectoryUrl, &'static str> {
    text.strip_suffix("/graphql").unwrap_or(text).parse()
}

/// A bag id in any spelling that Colossus takes.
///
/// # Errors
/// Says which part of it is wrong, in Colossus' words.
pub(super) fn bag_id(text: &str) -> Outcome<BagId> {
    let plain = text.trim().to_ascii_lowercase();
    let parts: Vec<_> = plain.split(':').collect();
    let kind = match (parts.len(), parts.first()) {
        (2 | 3, Some(&"static")) => "static bagId",
        (2 | 3, Some(&"dynamic")) => "dynamic bagId",
        _ => "bagId",
    };
    plain.parse().map_err(|_| Failure::usage_as("WRONG_BAG_ID", format!("Invalid {kind}: {text}")))
}

/// A comma separated list of whole numbers, as Colossus writes those.
///
/// # Errors
/// `WRONG_LIST` for anything else, the empty text too.
pub(super) fn integers(text: &str) -> Outcome<Vec<u64>> {
    let read = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok());
    text.split(',').map(|part| read(part).flatten()).collect::<Option<_>>().ok_or_else(|| {
        Failure::usage_as("WRONG_LIST", format!("Expected comma-separated integers, but received: {text}"))
    })
}

/// Such a list of buckets; none if there is no list.
pub(super) fn buckets(text: Option<&str>) -> Outcome<BTreeSet<StorageBucketId>> {
    let ids = text.map(integers).transpose()?.unwrap_or_default();
    Ok(ids.into_iter().map(StorageBucketId).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_chain_nodes_and_squids_name_directory_nodes() {
        assert_eq!(api_url("ws://h:9944").unwrap().to_string(), "http://h:9944");
        assert_eq!(api_url("http://h:1/").unwrap().to_string(), "http://h:1");
        assert_eq!(squid_url("http://h:4352/graphql").unwrap().to_string(), "http://h:4352");
        assert_eq!(squid_url("http://h:4352").unwrap().to_string(), "http://h:4352");
        assert_eq!(api_url("wss://h").unwrap().to_string(), "https://h");
        assert!(api_url("h").is_err() && squid_url("http://h/x").is_err());
    }

    #[test]
    fn wrong_values_are_named_in_colossus_words() {
        assert_eq!(bag_id(" Dynamic:Channel:7 ").unwrap().to_string(), "dynamic:channel:7");
        for (text, message) in [
            ("", "Invalid bagId: "),
            ("static", "Invalid bagId: static"),
            ("a:b", "Invalid bagId: a:b"),
            ("static:wg:nobody", "Invalid static bagId: static:wg:nobody"),
            ("dynamic:channel:x", "Invalid dynamic bagId: dynamic:channel:x"),
            ("dynamic:channel:1:2", "Invalid bagId: dynamic:channel:1:2"),
        ] {
            let failure = bag_id(text).unwrap_err();
            assert_eq!((failure.message.as_str(), failure.code.as_str()), (message, "WRONG_BAG_ID"));
        }
        assert_eq!(integers("1,2,1").unwrap(), [1, 2, 1]);
        for text in ["", "1,", "a", "1 2", "-1", "99999999999999999999"] {
            assert_eq!(integers(text).unwrap_err().code, "WRONG_LIST", "{text:?}");
        }
        assert!(buckets(None).unwrap().is_empty());
    }

    #[test]
    fn secrets_are_not_printed() {
        assert_eq!(format!("{:?}", Hidden("//Alice".to_owned())), "…");
    }
}
