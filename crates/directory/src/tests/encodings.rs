//! Golden encodings: `encodings.txt` has a line for everything that is signed, stored or sent.
//!
//! A line hashes the encodings of many values together with what these values are in words, names of
//! fields included, so that two fields of one type cannot change places unseen. The values are decoded
//! from bytes that depend on nothing but the line's name.
//!
//! `ARGOSY_WRITE=1 cargo test -p argosy-directory --lib encodings` writes the file anew.

use super::reference::source;
use crate::{
    AccountsCall, BatchCall, BatchMode, Call, ContentCall, CouncilAction, CouncilCall, DistributionCall,
    Event, Genesis, GroupCall, MembershipCall, Params, Payload, Profile, Reject, StorageCall, Transaction,
    call::{ObjectCreation, ObjectsUpload, Parameter},
    event::{DynamicBagCreation, Voucher},
    genesis::{GenesisBalance, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
    state,
};
use argosy_domain::{
    AccountId, BagId, ContentId, DistributionBucketId, KeyScheme, Signature, WorkingGroup,
    family_metadata::FamilyMetadata, metadata::OperatorMetadata,
};
use codec::{Decode, Encode, Error, Input};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    format, fs,
    path::{Path, PathBuf},
    string::{String, ToString},
    vec::Vec,
};

/// Values that a line is made of.
const VALUES: usize = 200;
/// Draws for these: most bytes decode to nothing.
const DRAWS: u64 = 20_000;

/// Bytes that often decode to something: single ones are small, for lengths, flags and
/// variants; several at once are letters, for texts; two at once are the number of a reject.
struct Draw {
    bytes: blake3::OutputReader,
    first: Option<u8>,
    /// Then they end after all.
    left: usize,
}

impl Draw {
    fn new(name: &str, variant: Option<u8>, number: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(name.as_bytes()).update(&number.to_le_bytes());
        Self { bytes: hasher.finalize_xof(), first: variant, left: 2_000 }
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.bytes.fill(&mut byte);
        byte[0]
    }
}

impl Input for Draw {
    fn remaining_len(&mut self) -> Result<Option<usize>, Error> {
        Ok(Some(self.left))
    }

    fn read(&mut self, into: &mut [u8]) -> Result<(), Error> {
        self.left = self.left.checked_sub(into.len()).ok_or_else(|| Error::from("too long"))?;
        match into {
            [byte] => {
                *byte = self.first.take().unwrap_or([0, 0, 1, 1, 4, 8, 2, 12][usize::from(self.byte() % 8)])
            }
            [low, high] => {
                let reject = Reject::ALL[usize::from(self.byte()) % Reject::ALL.len()];
                [*low, *high] = reject.number().to_le_bytes();
            }
            several => {
                for byte in several {
                    *byte = b'a' + self.byte() % 26;
                }
            }
        }
        Ok(())
    }
}

/// The names of a value's own fields, as its words have them.
fn field_names(words: &str) -> String {
    let (mut depth, mut names, mut word) = (0, Vec::new(), String::new());
    for letter in words.chars() {
        match letter {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth -= 1,
            ':' if depth == 1 => names.push(core::mem::take(&mut word)),
            letter if letter.is_alphanumeric() || letter == '_' => {
                word.push(letter);
                continue;
            }
            _ => {}
        }
        word.clear();
    }
    names.join(", ")
}

fn values<T: Encode + Decode + PartialEq>(name: &str, variant: Option<u8>) -> impl Iterator<Item = T> {
    let drawn = (0..DRAWS).filter_map(move |number| T::decode(&mut Draw::new(name, variant, number)).ok());
    // Sets of very short texts are never read from real bytes.
    drawn.filter(|value: &T| T::decode(&mut &value.encode()[..]).as_ref() == Ok(value))
}

/// The line of a type, or of one variant of it: its hash, and its fields for the reader.
fn line<T: Encode + Decode + Debug + PartialEq>(name: &str, variant: Option<u8>) -> (String, String) {
    let mut hasher = blake3::Hasher::new();
    let (mut fields, mut found) = (String::new(), 0);
    for value in values::<T>(name, variant).take(VALUES) {
        let (bytes, words) = (value.encode(), format!("{value:?}"));
        if let Some(variant) = variant {
            assert_eq!(bytes[0], variant, "{name}");
            let said = words.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            assert!(name.ends_with(&format!("::{said}")), "{name} is {said}");
        }
        (bytes, words.as_str()).using_encoded(|all| hasher.update(all));
        fields = field_names(&words);
        found += 1;
    }
    assert!(found >= 10, "hardly a value of {name} was found: {found}");
    let hash = hasher.finalize().to_hex();
    (name.into(), format!("{} {fields}", &hash[..16]))
}

/// A line for each variant, by its number. Numbers that no variant has decode to nothing.
fn variants<T: Encode + Decode + Debug + PartialEq>(
    lines: &mut Vec<(String, String)>,
    of: &str,
    variants: &[source::Variant],
) {
    let mut known = BTreeSet::new();
    for (variant, place) in variants.iter().zip(0..) {
        let number = if variant.index.is_empty() { place } else { variant.index.parse().unwrap() };
        lines.push(line::<T>(&format!("{of}::{}", variant.name), Some(number)));
        known.insert(number);
    }
    for number in (0..=u8::MAX).filter(|number| !known.contains(number)) {
        let unknown = (0..200).find_map(|draw| T::decode(&mut Draw::new(of, Some(number), draw)).ok());
        assert_eq!(unknown, None, "{of} has a variant of which the source says nothing");
    }
}

macro_rules! types {
    ($lines:ident: $($type:ty)*) => {
        $($lines.push(line::<$type>(stringify!($type).trim_start_matches("state::"), None));)*
    };
}

fn lines() -> Vec<(String, String)> {
    let mut lines = Vec::new();
    macro_rules! calls {
        ($($type:ident)*) => {
            $(variants::<$type>(&mut lines, stringify!($type), &source::calls(stringify!($type)));)*
        };
    }
    calls! {
        MembershipCall ContentCall StorageCall DistributionCall GroupCall CouncilCall CouncilAction Parameter
        AccountsCall BatchMode Call
    }
    let events = source::variants(include_str!("../event.rs"), "Event");
    variants::<Event>(&mut lines, "Event", &events);
    types! { lines: BatchCall ObjectCreation ObjectsUpload Voucher DynamicBagCreation }
    types! { lines: Payload Signature Transaction }
    types! { lines: Profile Params GenesisWorker GenesisGroup GenesisMember GenesisCouncil GenesisBalance Genesis }
    types! {
        lines: state::BlockContext state::Outcome state::Acceptance state::DataObject state::Bag
        state::StorageOperator state::StorageBucket state::HoldingReport state::Family
        state::DistributionBucket state::Policy state::Member state::Channel state::AssetSet state::Account
        state::Treasury state::Council state::Proposal state::Release state::Worker state::GroupSettings
        state::OpeningKind state::Opening state::Application state::Tie state::Settings
    }
    types! {
        lines: AccountId KeyScheme BagId ContentId DistributionBucketId WorkingGroup OperatorMetadata
        FamilyMetadata
    }
    for reject in Reject::ALL {
        lines.push((format!("Reject::{reject:?}"), reject.number().to_string()));
    }
    lines
}

/// What no longer is as the file has it, in words.
fn differences(kept: &str, now: &[(String, String)]) -> Vec<String> {
    let kept: BTreeMap<&str, &str> = kept.lines().filter_map(|line| line.split_once(' ')).collect();
    let names: BTreeSet<&str> = now.iter().map(|(name, _)| name.as_str()).collect();
    let mut found = Vec::new();
    for (name, line) in now {
        match kept.get(name.as_str()) {
            None => found.push(format!("{name} is new")),
            Some(before) if before != line => found.push(format!("{name} was {before}, is {line}")),
            Some(_) => {}
        }
    }
    let gone = kept.keys().filter(|name| !names.contains(*name));
    found.extend(gone.map(|name| format!("{name} is gone")));
    found
}

#[test]
fn what_is_encoded_is_encoded_as_before() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/tests/encodings.txt");
    let now = lines();
    if std::env::var_os("ARGOSY_WRITE").is_some() {
        let text: String =
            now.iter().map(|(name, line)| format!("{}\n", format!("{name} {line}").trim())).collect();
        fs::write(&path, text).unwrap();
        return;
    }
    let trimmed: Vec<_> = now.into_iter().map(|(name, line)| (name, line.trim().into())).collect();
    let found = differences(&fs::read_to_string(&path).unwrap_or_default(), &trimmed);
    assert!(
        found.is_empty(),
        "the encoding is not what it was. What networks have signed and stored is read as something else \
         now: raise TRANSACTION_VERSION or GENESIS_VERSION, or the version of the rules, write down why, \
         and then ARGOSY_WRITE=1 cargo test -p argosy-directory --lib encodings:\n{}",
        found.join("\n")
    );
}

/// The kept lines are compared by name, so that a change of one says which.
#[test]
fn a_change_of_an_encoding_is_told_by_name() {
    let now = [("A".into(), "1 x, y".into()), ("C".into(), "3".into())];
    let told = differences("A 1 y, x\nB 2\n", &now);
    assert_eq!(told, ["A was 1 y, x, is 1 x, y", "C is new", "B is gone"]);
    assert_eq!(field_names("Call { id: Id(5), at: [1, 2], of: X { inner: 3 } }"), "id, at, of");
}

/// Public types of `folder` that are encoded.
fn encoded_types(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            encoded_types(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let mut encoded = false;
        for line in text.lines() {
            if line.starts_with("#[derive(") {
                encoded = line.contains("Encode");
            } else if let Some(rest) = line.strip_prefix("pub struct ").or(line.strip_prefix("pub enum "))
                && core::mem::take(&mut encoded)
            {
                found.insert(rest.split(|c: char| !c.is_alphanumeric()).next().unwrap().into());
            }
        }
    }
}

#[test]
fn no_encoded_type_is_without_a_line() {
    let mut types = BTreeSet::new();
    encoded_types(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src"), &mut types);
    let kept = include_str!("encodings.txt");
    let named: BTreeSet<&str> = kept.lines().filter_map(|line| line.split([':', ' ']).next()).collect();
    let missing: Vec<_> = types.iter().filter(|name| !named.contains(name.as_str())).collect();
    assert!(types.len() > 40 && missing.is_empty(), "without a line: {missing:?}");
}
