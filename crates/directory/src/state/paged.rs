//! A vector of small records that is cheap to copy and cheap to change.
//!
//! Copies share pages; a write copies the page that it touches and the two nodes above it, unless
//! nobody else holds them. Positions may be far apart: a page of blanks takes no memory.

use alloc::{sync::Arc, vec::Vec};
use argosy_domain::num::to_usize;

/// Children of an inner node. To copy a node is to count each child once more, wherever in memory it
/// is, while a page is copied in one stream: hence large pages and small nodes.
const FAN: usize = 16;

/// A record that a page holds, and the value that stands for none.
pub(crate) trait Slot: Copy + PartialEq {
    /// What a position holds that nothing was written to.
    const BLANK: Self;
}

type Twig<T, const PAGE: usize> = [Option<Arc<[T; PAGE]>>; FAN];
type Branch<T, const PAGE: usize> = [Option<Arc<Twig<T, PAGE>>>; FAN];

/// Records by position, `PAGE` to a page.
#[derive(Clone, Debug)]
pub(crate) struct Paged<T, const PAGE: usize> {
    /// One for each `PAGE * FAN * FAN` positions: some hundreds for ten million objects.
    branches: Vec<Option<Arc<Branch<T, PAGE>>>>,
}

impl<T: Slot, const PAGE: usize> Paged<T, PAGE> {
    pub(crate) const fn new() -> Self {
        Self { branches: Vec::new() }
    }

    /// Where the record is; does not touch the record itself.
    pub(crate) fn find(&self, position: u64) -> Option<&T> {
        let [branch, twig, page, place] = path::<PAGE>(position);
        self.branches.get(branch)?.as_ref()?[twig].as_ref()?[page].as_ref()?.get(place)
    }

    pub(crate) fn get(&self, position: u64) -> T {
        self.find(position).copied().unwrap_or(T::BLANK)
    }

    pub(crate) fn put(&mut self, position: u64, record: T) {
        let [branch, twig, page, place] = path::<PAGE>(position);
        if branch >= self.branches.len() {
            if record == T::BLANK {
                return;
            }
            self.branches.resize(branch.saturating_add(1), None);
        }
        let branch = self.branches[branch].get_or_insert_with(|| Arc::new([const { None }; FAN]));
        let twig = Arc::make_mut(branch)[twig].get_or_insert_with(|| Arc::new([const { None }; FAN]));
        let page = &mut Arc::make_mut(twig)[page];
        let records = Arc::make_mut(page.get_or_insert_with(|| Arc::new([T::BLANK; PAGE])));
        records[place] = record;
        if record == T::BLANK && records.iter().all(|record| *record == T::BLANK) {
            *page = None;
        }
    }
}

fn path<const PAGE: usize>(position: u64) -> [usize; 4] {
    let position = to_usize(position);
    let page = position.div_euclid(PAGE);
    let twig = page.div_euclid(FAN);
    [twig.div_euclid(FAN), twig.rem_euclid(FAN), page.rem_euclid(FAN), position.rem_euclid(PAGE)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    impl Slot for u32 {
        const BLANK: Self = 0;
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// Copies keep what they held, whatever is written to the original.
        #[test]
        fn vectors_keep_what_is_put_and_copies_do_not_change(
            steps in proptest::collection::vec((0..40_000_u64, 0..3_u32, 0..10_u8), 1..300),
        ) {
            let (mut vector, mut plain) = (Paged::<u32, 4>::new(), BTreeMap::new());
            let mut copies = Vec::new();
            for (position, record, dice) in steps {
                vector.put(position, record);
                plain.insert(position, record);
                if dice == 0 {
                    copies.push((vector.clone(), plain.clone()));
                }
            }
            copies.push((vector, plain));
            for (vector, plain) in copies {
                for (position, record) in plain {
                    prop_assert_eq!(vector.get(position), record);
                }
            }
        }
    }

    #[test]
    fn pages_of_blanks_take_no_memory() {
        let mut vector = Paged::<u32, 4>::new();
        vector.put(5, 1);
        vector.put(5, 0);
        assert!(vector.find(5).is_none());
        vector.put(1 << 30, 0);
        assert_eq!(vector.branches.len(), 1);
    }
}
