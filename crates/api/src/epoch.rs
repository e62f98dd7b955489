//! A change of sequencing keys as a file that goes from one council key to the next.

use crate::wire::wire;
use argosy_domain::{AccountId, wire::decode_canonical};
use argosy_ledger::{EpochChange, EpochTerms};
use codec::Encode;

wire! {
    /// A change of the keys that sign blocks, with the approvals that it has so far.
    pub struct EpochChangeFile {
        /// Hash of the network's genesis, hexadecimal.
        pub genesis: String,
        /// Number of the epoch that begins.
        pub epoch: u64,
        /// Height of its first block.
        pub height: u64,
        /// Hash of the block before that one, hexadecimal.
        pub parent: String,
        /// Accounts that sign blocks from then on.
        pub keys: Vec<String>,
        /// Who approves.
        pub approvals: Vec<ApprovalEntry>,
    }
}

wire! {
    /// An approval of a change.
    pub struct ApprovalEntry {
        /// Account of the key.
        pub account: String,
        /// Its signature, SCALE encoded, hexadecimal.
        pub signature: String,
    }
}

/// Why a file is no change of keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EpochFileError {
    /// A hash or signature that cannot be read.
    #[error("the {0} cannot be read: expected hexadecimal digits")]
    Hex(&'static str),
    /// An account that cannot be read.
    #[error("{0:?} is not the address of an account")]
    Account(String),
}

impl From<&EpochChange> for EpochChangeFile {
    fn from(change: &EpochChange) -> Self {
        let terms = &change.terms;
        let entry = |(account, signature): &(AccountId, argosy_domain::Signature)| ApprovalEntry {
            account: account.to_string(),
            signature: hex::encode(signature.encode()),
        };
        Self {
            genesis: hex::encode(terms.genesis),
            epoch: terms.epoch,
            height: terms.height,
            parent: hex::encode(terms.parent),
            keys: terms.keys.iter().map(ToString::to_string).collect(),
            approvals: change.approvals.iter().map(entry).collect(),
        }
    }
}

impl TryFrom<EpochChangeFile> for EpochChange {
    type Error = EpochFileError;

    fn try_from(file: EpochChangeFile) -> Result<Self, EpochFileError> {
        let approval = |entry: ApprovalEntry| {
            let signature = hex::decode(&entry.signature)
                .ok()
                .and_then(|bytes| decode_canonical(&bytes).ok())
                .ok_or(EpochFileError::Hex("signature"))?;
            Ok((account(entry.account)?, signature))
        };
        Ok(Self {
            terms: EpochTerms {
                genesis: hash(&file.genesis, "genesis")?,
                epoch: file.epoch,
                height: file.height,
                parent: hash(&file.parent, "parent")?,
                keys: file.keys.into_iter().map(account).collect::<Result<_, _>>()?,
            },
            approvals: file.approvals.into_iter().map(approval).collect::<Result<_, _>>()?,
        })
    }
}

fn hash(text: &str, what: &'static str) -> Result<[u8; 32], EpochFileError> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).map_err(|_| EpochFileError::Hex(what))?;
    Ok(hash)
}

fn account(text: String) -> Result<AccountId, EpochFileError> {
    text.parse().map_err(|_| EpochFileError::Account(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::{KeyScheme, Keypair};

    #[test]
    fn a_file_says_the_same_as_the_change() {
        let key = |name| Keypair::from_uri(KeyScheme::Sr25519, name).unwrap();
        let terms = EpochTerms {
            genesis: [1; 32],
            epoch: 3,
            height: 7,
            parent: [2; 32],
            keys: vec![key("//Next").account()],
        };
        let mut change = terms.approve(&key("//Ann"));
        change.add_approval(&key("//Ben"));
        let file = EpochChangeFile::from(&change);
        let text = serde_json::to_string(&file).unwrap();
        let read: EpochChangeFile = serde_json::from_str(&text).unwrap();
        assert_eq!(EpochChange::try_from(read), Ok(change));
        let wrong = EpochChangeFile { parent: "12".to_owned(), ..file.clone() };
        assert_eq!(EpochChange::try_from(wrong), Err(EpochFileError::Hex("parent")));
        let wrong = EpochChangeFile { keys: vec!["5G".to_owned()], ..file };
        assert_eq!(EpochChange::try_from(wrong), Err(EpochFileError::Account("5G".to_owned())));
    }
}
