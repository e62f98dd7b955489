//! Who may sign blocks: sequencing keys by epoch, and how one epoch follows on another.
//!
//! A change of keys is written down in the proof of the first block of its epoch. It names the block
//! that it follows on, so that what the keys before sign at that height or above counts for nothing:
//! they are fenced. It is approved by those keys themselves (a planned change), or by the council, so
//! that a network goes on whose sequencer and its key are lost.

use crate::block::Block;
use argosy_directory::{Genesis, state::Council};
use argosy_domain::{AccountId, Keypair, Signature, num::to_usize};
use codec::{Decode, Encode};
use std::collections::BTreeSet;

/// Epoch of the key that the genesis names.
pub const FIRST_EPOCH: u64 = 0;
/// Most keys of one epoch.
pub const MAX_EPOCH_KEYS: usize = 64;
/// Most approvals of one change: more than a council has keys that matter.
pub const MAX_APPROVALS: usize = 128;

/// First bytes of what approvals sign.
const CHANGE_DOMAIN: &[u8] = b"argosy/epoch/1";

/// A change of the keys that sign blocks.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EpochChange {
    /// What the approvals sign.
    pub terms: EpochTerms,
    /// By keys of the epoch before, or by the council's.
    pub approvals: Vec<(AccountId, Signature)>,
}

/// What a change of keys says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EpochTerms {
    /// Hash of the network's genesis.
    pub genesis: [u8; 32],
    /// One more than the epoch before.
    pub epoch: u64,
    /// Height of its first block.
    pub height: u64,
    /// Hash of the block before that one.
    pub parent: [u8; 32],
    /// Who signs from then on.
    pub keys: Vec<AccountId>,
}

/// Whose signatures under a change of keys hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approvers(BTreeSet<AccountId>);

/// The sequencing keys from the genesis on. The epoch is the number of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epochs {
    first: Vec<AccountId>,
    changes: Vec<EpochChange>,
}

/// Signatures that a decision of `keys` keys needs: all but the third, rounded down, that may fail.
/// One of one; `2f + 1` of `3f + 1`.
#[must_use]
pub fn quorum(keys: usize) -> usize {
    keys.saturating_sub(keys.saturating_sub(1) / 3)
}

impl EpochTerms {
    /// These terms with an approval; more can be added.
    #[must_use]
    pub fn approve(self, key: &Keypair) -> EpochChange {
        let mut change = EpochChange { terms: self, approvals: Vec::new() };
        change.add_approval(key);
        change
    }

    fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = CHANGE_DOMAIN.to_vec();
        self.encode_to(&mut bytes);
        bytes
    }
}

impl EpochChange {
    /// Adds the approval of one more key.
    pub fn add_approval(&mut self, key: &Keypair) {
        let signature = key.sign(&self.terms.signed_bytes());
        self.approvals.push((key.account(), signature));
    }

    /// Whose approvals are genuine; nothing if there are too many of them, of keys, or none of these.
    #[must_use]
    pub fn approvers(&self) -> Option<Approvers> {
        let keys = &self.terms.keys;
        let distinct: BTreeSet<_> = keys.iter().collect();
        if keys.is_empty() || keys.len() > MAX_EPOCH_KEYS || distinct.len() != keys.len() {
            return None;
        }
        if self.approvals.len() > MAX_APPROVALS {
            return None;
        }
        let bytes = self.terms.signed_bytes();
        let genuine = self.approvals.iter().filter(|(signer, signature)| signature.verify(signer, &bytes));
        Some(Approvers(genuine.map(|(signer, _)| *signer).collect()))
    }
}

impl Approvers {
    /// Whether enough of these keys are among them.
    #[must_use]
    pub fn are_quorum_of(&self, keys: &[AccountId]) -> bool {
        !keys.is_empty() && keys.iter().filter(|key| self.0.contains(*key)).count() >= quorum(keys.len())
    }

    /// Whether the council with these keys would carry out what they approve.
    #[must_use]
    pub fn are_council(&self, keys: &BTreeSet<AccountId>, threshold: u32) -> bool {
        threshold > 0 && self.0.intersection(keys).count() >= to_usize(threshold.into())
    }

    /// The same of a state's council.
    #[must_use]
    pub fn carry(&self, council: &Council) -> bool {
        self.are_council(&council.keys, council.threshold)
    }
}

impl Epochs {
    /// The first epoch.
    #[must_use]
    pub fn new(genesis: &Genesis) -> Self {
        Self { first: vec![genesis.sequencer], changes: Vec::new() }
    }

    /// The epoch after these changes.
    #[must_use]
    pub fn after(genesis: &Genesis, changes: Vec<EpochChange>) -> Self {
        Self { changes, ..Self::new(genesis) }
    }

    /// Number of the present epoch.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.changes.last().map_or(FIRST_EPOCH, |change| change.terms.epoch)
    }

    /// Who signs blocks now.
    #[must_use]
    pub fn keys(&self) -> &[AccountId] {
        self.changes.last().map_or(&self.first, |change| &change.terms.keys)
    }

    /// All changes, oldest first.
    #[must_use]
    pub fn changes(&self) -> &[EpochChange] {
        &self.changes
    }

    /// Whether `change` follows on these epochs after the block with this height and hash. Whose
    /// approval it has is another question.
    #[must_use]
    pub fn is_next(&self, terms: &EpochTerms, height: u64, hash: &[u8; 32]) -> bool {
        terms.epoch == self.number().saturating_add(1)
            && terms.height == height.saturating_add(1)
            && terms.parent == *hash
    }

    /// Takes the change that a block's proof carries, if it carries one. The block must have been
    /// checked.
    pub(crate) fn follow(&mut self, block: &Block) {
        if let Some(change) = &block.proof.change {
            self.changes.push(EpochChange::clone(change));
        }
    }

    /// Whether the genesis alone proves every change: each is approved by the keys before it, or by the
    /// council that the genesis names. What a later council approved needs a state to prove it.
    #[must_use]
    pub fn are_proved(&self, genesis: &Genesis) -> bool {
        let (hash, council) = (genesis.hash(), &genesis.council);
        let mut before = Self { first: self.first.clone(), changes: Vec::new() };
        self.changes.iter().all(|change| {
            let terms = &change.terms;
            let follows = terms.genesis == hash && terms.epoch == before.number().saturating_add(1);
            let approved = change.approvers().is_some_and(|approvers| {
                approvers.are_quorum_of(before.keys())
                    || approvers.are_council(&council.keys, council.threshold)
            });
            before.changes.push(change.clone());
            follows && approved
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::KeyScheme;

    fn key(name: &str) -> Keypair {
        Keypair::from_uri(KeyScheme::Sr25519, name).unwrap()
    }

    fn terms(keys: &[&str]) -> EpochTerms {
        let keys = keys.iter().map(|name| key(name).account()).collect();
        EpochTerms { genesis: [1; 32], epoch: 1, height: 8, parent: [7; 32], keys }
    }

    #[test]
    fn a_quorum_outvotes_the_third_that_may_fail() {
        let needed: Vec<_> = (1..=7).map(quorum).collect();
        assert_eq!(needed, [1, 2, 3, 3, 4, 5, 5]);
    }

    #[test]
    fn only_genuine_approvals_of_the_right_keys_count() {
        let mut change = terms(&["//New"]).approve(&key("//A"));
        change.add_approval(&key("//B"));
        change.add_approval(&key("//B"));
        let (a, b, c) = (key("//A").account(), key("//B").account(), key("//C").account());
        let approvers = change.approvers().unwrap();
        assert!(approvers.are_quorum_of(&[a]));
        assert!(!approvers.are_quorum_of(&[c]) && !approvers.are_quorum_of(&[]));
        assert!(approvers.are_council(&BTreeSet::from([a, b, c]), 2));
        assert!(!approvers.are_council(&BTreeSet::from([a, b, c]), 3), "twice the same key is one");
        assert!(
            !approvers.are_council(&BTreeSet::from([a, b]), 0),
            "a council that needs nobody decides nothing"
        );
        change.terms.height = 9;
        assert!(!change.approvers().unwrap().are_quorum_of(&[a]), "they signed other terms");
    }

    #[test]
    fn terms_name_some_keys_once_each() {
        assert!(terms(&[]).approve(&key("//A")).approvers().is_none());
        assert!(terms(&["//New", "//New"]).approve(&key("//A")).approvers().is_none());
        let mut many = terms(&["//New"]).approve(&key("//A"));
        many.approvals = vec![many.approvals[0]; MAX_APPROVALS + 1];
        assert!(many.approvers().is_none());
    }
}
