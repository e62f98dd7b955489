//! The root computed beside the state: while one thread hashes a block's changes, another one executes
//! the next block.

use super::{State, each_table, tree::Tree};
use alloc::vec::Vec;

/// Hashes of everything in a state, kept apart from it.
#[derive(Debug)]
pub struct Hasher {
    /// In the order of the tables, objects last.
    trees: Vec<Tree>,
    /// Copies hashed.
    count: u64,
}

/// A copy of a state whose root nobody has computed yet.
#[derive(Debug)]
pub struct Unhashed {
    state: State,
    /// Copies handed out before it.
    number: u64,
}

impl State {
    /// Takes the hashes out, to compute roots elsewhere. Until they are back, [`State::root`] has to
    /// hash everything.
    pub fn lend_hasher(&mut self) -> Hasher {
        self.handed_out = 0;
        Hasher { trees: self.take_trees(), count: 0 }
    }

    /// A copy as of now for [`Hasher::root`]. Costs a few microseconds.
    pub fn hand_over(&mut self) -> Unhashed {
        let number = self.handed_out;
        self.handed_out = number.saturating_add(1);
        let state = self.clone();
        each_table!([&mut self], table => table.forget_changes());
        self.objects.forget_changes();
        Unhashed { state, number }
    }

    /// Takes the hashes back. If some copies were handed out and not hashed, they are of no use and
    /// are dropped: the next root hashes everything.
    pub fn return_hasher(&mut self, hasher: Hasher) {
        if hasher.count == self.handed_out {
            self.set_trees(hasher.trees);
        }
    }

    pub(super) fn take_trees(&mut self) -> Vec<Tree> {
        let mut trees: Vec<Tree> = each_table!([&mut self], table => table.take_tree()).into();
        trees.push(self.objects.take_tree());
        trees
    }

    pub(super) fn set_trees(&mut self, trees: Vec<Tree>) {
        let mut trees = trees.into_iter();
        each_table!([&mut self], table => trees.by_ref().take(1).for_each(|tree| table.set_tree(tree)));
        trees.for_each(|tree| self.objects.set_tree(tree));
    }
}

impl Hasher {
    /// The root of the next copy.
    ///
    /// # Panics
    /// If copies come in another order than they were handed out in, or one is missing.
    pub fn root(&mut self, copy: Unhashed) -> [u8; 32] {
        let Unhashed { mut state, number } = copy;
        assert_eq!(number, self.count, "copies are hashed in the order in which they were made");
        self.count = number.saturating_add(1);
        state.set_trees(core::mem::take(&mut self.trees));
        let root = state.root();
        self.trees = state.take_trees();
        root
    }
}
