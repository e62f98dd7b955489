//! A state as pieces that can be written, sent and checked one by one, and back.
//!
//! The first piece has the single values. Pieces of each table follow, in the order of the root, then
//! pieces of objects. What is derived is left out and made anew.

use super::{
    BlockContext, Council, DataObject, GroupSingles, Policy, Settings, State, Treasury, each_table,
    objects::Objects,
    table::Section,
    tree::{EMPTY, Hash, Leaves, Tree},
};
use crate::{Genesis, GenesisError, genesis::Params};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use argosy_domain::DataObjectId;
use codec::{Decode, DecodeAll, Encode};
use thiserror::Error;

/// Ids that a table may have given: far more than there will ever be, and few enough that a checkpoint
/// from a stranger cannot ask for more memory than it has bytes to show for.
const MAX_SLOTS: u64 = 1 << 34;

/// Format of the pieces; another one is not understood.
pub const CHECKPOINT_VERSION: u16 = 1;
/// Records of a table in a piece.
const RECORDS: usize = 4_096;
/// Numbers of objects that a piece covers.
const NUMBERS: u64 = 16_384;
/// Most bytes of a piece that a reader need take: records are bounded by transactions.
pub const MAX_PIECE_BYTES: usize = 1 << 29;

/// Why pieces do not make a state.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// The genesis that it should follow from contradicts itself.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// Made by another version of the program, or not at all by it.
    #[error("the checkpoint has another format than version {CHECKPOINT_VERSION}")]
    Version,
    /// Made on another network.
    #[error("the checkpoint is one of another network")]
    OtherNetwork,
    /// A piece is not what must come at its place.
    #[error("piece {0} of the checkpoint is not one that belongs there")]
    Piece(u64),
    /// There must be more pieces.
    #[error("the checkpoint ends early")]
    Incomplete,
}

/// Single values.
#[derive(Encode, Decode)]
struct Singles {
    version: u16,
    genesis: [u8; 32],
    at: BlockContext,
    params: Params,
    settings: Settings,
    policies: [Policy; 2],
    treasury: Treasury,
    council: Council,
    groups: [GroupSingles; 3],
    slots: Vec<u64>,
    objects_end: u64,
}

/// What every piece but the first is: table, then records.
const OBJECTS: u8 = u8::MAX;

/// The pieces of a state, made one at a time.
#[derive(Debug)]
pub struct Pieces<'a> {
    state: &'a State,
    next: Next,
}

#[derive(Debug)]
enum Next {
    Singles,
    Table { place: u8, after: Option<Vec<u8>> },
    Objects { from: u64 },
}

impl State {
    /// The state in pieces of some hundred kilobytes. Takes the time of reading all of it.
    #[must_use]
    pub fn pieces(&self) -> Pieces<'_> {
        Pieces { state: self, next: Next::Singles }
    }

    fn sections(&self) -> Vec<&dyn Section> {
        each_table!([&self], table => shared(table)).into()
    }

    fn section_mut(&mut self, place: u8) -> Option<&mut dyn Section> {
        each_table!([&mut self], table => exclusive(table)).into_iter().nth(usize::from(place))
    }

    fn singles(&self) -> Singles {
        Singles {
            version: CHECKPOINT_VERSION,
            genesis: self.genesis,
            at: self.at,
            params: self.params.clone(),
            settings: self.settings,
            policies: [self.member_policy.clone(), self.channel_policy.clone()],
            treasury: self.treasury,
            council: self.council.clone(),
            groups: self.group_singles(),
            slots: self.sections().iter().map(|section| section.slots()).collect(),
            objects_end: self.objects.end(),
        }
    }

    fn set_singles(&mut self, singles: &Singles) {
        self.at = singles.at;
        self.params = singles.params.clone();
        self.settings = singles.settings;
        [self.member_policy, self.channel_policy] = singles.policies.clone();
        self.treasury = singles.treasury;
        self.council = singles.council.clone();
        let groups = [&mut self.storage_group, &mut self.distribution_group, &mut self.attestation_group];
        for (group, (settings, budget)) in groups.into_iter().zip(singles.groups) {
            group.settings = settings;
            group.budget = budget;
        }
    }
}

fn shared<S: Section>(section: &S) -> &dyn Section {
    section
}

fn exclusive<S: Section>(section: &mut S) -> &mut dyn Section {
    section
}

impl Iterator for Pieces<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            match &self.next {
                Next::Singles => {
                    self.next = Next::Table { place: 0, after: None };
                    return Some(self.state.singles().encode());
                }
                Next::Table { place, after } => {
                    let place = *place;
                    let sections = self.state.sections();
                    let Some(section) = sections.get(usize::from(place)) else {
                        self.next = Next::Objects { from: 0 };
                        continue;
                    };
                    if let Some((records, last)) = section.export(after.as_deref(), RECORDS) {
                        self.next = Next::Table { place, after: Some(last) };
                        return Some([vec![place], records].concat());
                    }
                    self.next = Next::Table { place: place.saturating_add(1), after: None };
                }
                Next::Objects { from } => {
                    let from = *from;
                    let end = self.state.objects.end();
                    if from >= end {
                        return None;
                    }
                    let to = from.saturating_add(NUMBERS).min(end);
                    self.next = Next::Objects { from: to };
                    let mut piece = vec![OBJECTS];
                    for number in from..to {
                        if let Some(object) = self.state.object(DataObjectId(number)) {
                            (number, object).encode_to(&mut piece);
                        }
                    }
                    if piece.len() > 1 {
                        return Some(piece);
                    }
                }
            }
        }
    }
}

/// Makes a state of pieces again.
#[derive(Debug)]
pub struct Restore {
    state: State,
    /// Of the first piece.
    slots: Option<(Vec<u64>, u64)>,
    pieces_count: u64,
    /// Table of the last piece.
    place: u8,
    next_object: u64,
    /// Of tables that are hashed, but not kept: leaves by slot.
    hashed: BTreeMap<u8, Vec<(u64, Hash)>>,
}

/// Tables that matter to those only who judge calls.
const JUDGES_TABLES: [&str; 15] = [
    "storage_group.openings",
    "storage_group.applications",
    "distribution_group.openings",
    "distribution_group.applications",
    "attestation_group.openings",
    "attestation_group.applications",
    "accounts",
    "staking_accounts",
    "asset_sets",
    "restrictions",
    "families",
    "family_metadata",
    "resignations",
    "proposals",
    "releases",
];

/// The part of a state that nodes act on: members, channels, workers, buckets, bags, objects and the
/// blacklist. Accounts, money, openings, proposals, families and asset sets are left out.
#[derive(Debug)]
pub struct Part {
    state: State,
    root: Hash,
}

impl Part {
    /// The root of the whole state. Nothing of the part may be believed before it was compared with one
    /// that is known to be right.
    #[must_use]
    pub const fn root(&self) -> [u8; 32] {
        self.root
    }

    /// To be read only: what is left out is empty.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }
}

impl Restore {
    /// For a state of the network that starts from `genesis`.
    ///
    /// # Errors
    /// [`CheckpointError::Genesis`].
    pub fn new(genesis: &Genesis) -> Result<Self, CheckpointError> {
        Ok(Self::on_network_of(State::from_genesis(genesis)?))
    }

    pub(crate) fn on_network_of(mut state: State) -> Self {
        each_table!([&mut state], table => table.clear());
        state.objects = Objects::new();
        Self { state, slots: None, pieces_count: 0, place: 0, next_object: 0, hashed: BTreeMap::new() }
    }

    /// The same for the part that nodes act on, in the memory that this part takes and some forty bytes
    /// for each record that is left out: end it with [`Self::finish_part`].
    ///
    /// # Errors
    /// [`CheckpointError::Genesis`].
    pub fn of_part(genesis: &Genesis) -> Result<Self, CheckpointError> {
        let names = each_table!([names], table => ());
        let places = (0..).zip(names).filter(|(_, name)| JUDGES_TABLES.contains(name));
        let hashed = places.map(|(place, _)| (place, Vec::new())).collect();
        Ok(Self { hashed, ..Self::new(genesis)? })
    }

    /// Adds the next piece.
    ///
    /// # Errors
    /// [`CheckpointError`]; the rest is of no use then.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), CheckpointError> {
        let number = self.pieces_count;
        self.pieces_count = number.saturating_add(1);
        if self.slots.is_none() {
            return self.push_singles(piece);
        }
        let (place, records) = piece.split_first().ok_or(CheckpointError::Piece(number))?;
        let in_order = *place >= self.place;
        self.place = *place;
        let fits = in_order
            && match *place {
                OBJECTS => self.push_objects(records).is_some(),
                place => self.push_records(place, records),
            };
        if fits { Ok(()) } else { Err(CheckpointError::Piece(number)) }
    }

    fn push_records(&mut self, place: u8, records: &[u8]) -> bool {
        let Some(section) = self.state.section_mut(place) else { return false };
        match self.hashed.get_mut(&place) {
            Some(leaves) => section.hash(records, leaves),
            None => section.import(records),
        }
    }

    fn push_singles(&mut self, mut piece: &[u8]) -> Result<(), CheckpointError> {
        if u16::decode(&mut &*piece) != Ok(CHECKPOINT_VERSION) {
            return Err(CheckpointError::Version);
        }
        let singles = Singles::decode_all(&mut piece).map_err(|_| CheckpointError::Piece(0))?;
        if singles.genesis != self.state.genesis {
            return Err(CheckpointError::OtherNetwork);
        }
        let too_many = singles.slots.iter().chain([&singles.objects_end]).any(|slots| *slots > MAX_SLOTS);
        if too_many || singles.slots.len() != self.state.sections().len() {
            return Err(CheckpointError::Piece(0));
        }
        self.state.set_singles(&singles);
        self.slots = Some((singles.slots, singles.objects_end));
        Ok(())
    }

    fn push_objects(&mut self, mut records: &[u8]) -> Option<()> {
        let (_, end) = self.slots.as_ref()?;
        while !records.is_empty() {
            let (number, object) = <(u64, DataObject)>::decode(&mut records).ok()?;
            if number < self.next_object || number >= *end || !self.state.bags.contains(&object.bag) {
                return None;
            }
            self.next_object = number.saturating_add(1);
            self.state.objects.put(number, Some(object), &mut self.state.bags);
        }
        Some(())
    }

    /// The state, with what is derived. Its root must be compared with one that is known to be right.
    ///
    /// # Errors
    /// [`CheckpointError::Incomplete`], also if it is of a part only.
    pub fn finish(mut self) -> Result<State, CheckpointError> {
        if !self.hashed.is_empty() {
            return Err(CheckpointError::Incomplete);
        }
        self.set_ends()?;
        self.state.derive();
        Ok(self.state)
    }

    /// The part of the state that nodes act on, and the root of all of it.
    ///
    /// # Errors
    /// [`CheckpointError::Incomplete`].
    pub fn finish_part(mut self) -> Result<Part, CheckpointError> {
        let slots = self.set_ends()?;
        let mut tables = each_table!([&mut self.state], table => table.root());
        for (place, (table, slots)) in (0..).zip(tables.iter_mut().zip(slots)) {
            if let Some(leaves) = self.hashed.remove(&place) {
                *table = (slots, root_of(slots, leaves).ok_or(CheckpointError::Incomplete)?);
            }
        }
        let objects = self.state.objects.root(&self.state.bags);
        let root = self.state.root_over(&tables, objects);
        Ok(Part { state: self.state, root })
    }

    /// After the last piece: how far tables and objects were ever used. Gives the former.
    fn set_ends(&mut self) -> Result<Vec<u64>, CheckpointError> {
        let (slots, end) = self.slots.take().ok_or(CheckpointError::Incomplete)?;
        for (place, slots) in (0..=u8::MAX).zip(&slots) {
            let section = self.state.section_mut(place).ok_or(CheckpointError::Incomplete)?;
            if !self.hashed.contains_key(&place) && !section.set_slots(*slots) {
                return Err(CheckpointError::Incomplete);
            }
        }
        if self.state.objects.set_end(end) { Ok(slots) } else { Err(CheckpointError::Incomplete) }
    }
}

/// None if two leaves have the same slot, or one lies beyond the end.
fn root_of(slots: u64, mut leaves: Vec<(u64, Hash)>) -> Option<Hash> {
    leaves.sort_unstable_by_key(|(slot, _)| *slot);
    let sound = leaves.is_sorted_by(|a, b| a.0 < b.0) && leaves.last().is_none_or(|last| last.0 < slots);
    let leaf = |slot| {
        let place = leaves.binary_search_by_key(&slot, |(slot, _)| *slot).ok();
        place.and_then(|place| leaves.get(place)).map_or(EMPTY, |(_, leaf)| *leaf)
    };
    sound.then(|| Tree::new(Leaves::Kept).update(slots, Vec::new(), leaf))
}
