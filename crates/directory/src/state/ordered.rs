//! An ordered map that is cheap to copy: a B+ tree whose copies share nodes.
//!
//! Keys that come in ascending order, as ids do, fill every leaf.

use alloc::{sync::Arc, vec, vec::Vec};
use core::{
    borrow::Borrow,
    ops::{Bound, RangeBounds},
};

/// Most entries of a node.
const NODE: usize = 32;
/// A node with fewer entries is put together with its neighbour, if they fit.
const THIN: usize = 8;

/// Values by key, in the order of the keys. Of large records, keep what they point to in an [`Arc`]: a
/// write copies the entries beside it, if a copy of the map holds them too.
#[derive(Clone, Debug)]
pub struct Ordered<K, V> {
    root: Arc<Node<K, V>>,
}

#[derive(Clone, Debug)]
enum Node<K, V> {
    /// Ascending.
    Leaf(Vec<(K, V)>),
    /// Ascending; each with a key that is not above any in it, and above all before it. Not empty.
    Inner(Vec<Child<K, V>>),
}

type Child<K, V> = (K, Arc<Node<K, V>>);

/// What a node that became too full gives away.
type Split<K, V> = Option<Child<K, V>>;

impl<K: Ord + Clone, V: Clone> Ordered<K, V> {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self { root: Arc::new(Node::Leaf(Vec::new())) }
    }

    /// The value of a key.
    #[must_use]
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let mut node = &*self.root;
        loop {
            match node {
                Node::Inner(children) => node = &children.get(child_of(children, key))?.1,
                Node::Leaf(entries) => {
                    let place = entries.binary_search_by(|entry| entry.0.borrow().cmp(key)).ok()?;
                    return entries.get(place).map(|entry| &entry.1);
                }
            }
        }
    }

    /// The value of a key, to be changed. Copies the way there, even if there is nothing at its end.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let mut node = &mut self.root;
        loop {
            match Arc::make_mut(node) {
                Node::Inner(children) => {
                    let place = child_of(children, key);
                    node = &mut children.get_mut(place)?.1;
                }
                Node::Leaf(entries) => {
                    let place = entries.binary_search_by(|entry| entry.0.borrow().cmp(key)).ok()?;
                    return entries.get_mut(place).map(|entry| &mut entry.1);
                }
            }
        }
    }

    /// Writes a value; gives what was there before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let (before, split) = insert(&mut self.root, key, value);
        if let Some(right) = split
            && let Some(least) = self.root.least()
        {
            self.root = Arc::new(Node::Inner(vec![(least, Arc::clone(&self.root)), right]));
        }
        before
    }

    /// Removes a value; gives what was there before.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        // Without this, looking for what is not there would copy nodes.
        self.get(key)?;
        let removed = remove(&mut self.root, key);
        while let Node::Inner(children) = &*self.root {
            self.root = match children.as_slice() {
                [] => Arc::new(Node::Leaf(Vec::new())),
                [(_, only)] => Arc::clone(only),
                [..] => break,
            };
        }
        removed
    }

    /// All entries, by ascending key.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.range(..)
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(&*self.root, Node::Leaf(entries) if entries.is_empty())
    }

    /// Entries whose keys are in this range, by ascending key.
    pub fn range(&self, keys: impl RangeBounds<K>) -> impl Iterator<Item = (&K, &V)> {
        let end = keys.end_bound().cloned();
        self.from(keys.start_bound()).take_while(move |(key, _)| match &end {
            Bound::Unbounded => true,
            Bound::Included(end) => *key <= end,
            Bound::Excluded(end) => *key < end,
        })
    }

    fn from(&self, start: Bound<&K>) -> Entries<'_, K, V> {
        let mut entries = Entries { nodes: Vec::new(), leaf: &[] };
        let mut node = &*self.root;
        loop {
            match node {
                Node::Inner(children) => {
                    let place = match start {
                        Bound::Unbounded => 0,
                        Bound::Included(key) | Bound::Excluded(key) => child_of(children, key),
                    };
                    let Some((first, rest)) = children.get(place..).and_then(<[_]>::split_first) else {
                        return entries;
                    };
                    entries.nodes.push(rest);
                    node = &first.1;
                }
                Node::Leaf(leaf) => {
                    let place = leaf.partition_point(|(key, _)| match start {
                        Bound::Unbounded => false,
                        Bound::Included(start) => key < start,
                        Bound::Excluded(start) => key <= start,
                    });
                    entries.leaf = leaf.get(place..).unwrap_or_default();
                    return entries;
                }
            }
        }
    }
}

impl<K: Ord + Clone, V: Clone> Default for Ordered<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord + Clone, V: Clone + PartialEq> PartialEq for Ordered<K, V> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.root, &other.root) || self.iter().eq(other.iter())
    }
}

impl<K: Ord + Clone, V: Clone + Eq> Eq for Ordered<K, V> {}

impl<K: Ord + Clone, V: Clone> FromIterator<(K, V)> for Ordered<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl<K: Clone, V> Node<K, V> {
    fn least(&self) -> Option<K> {
        match self {
            Self::Leaf(entries) => entries.first().map(|entry| entry.0.clone()),
            Self::Inner(children) => children.first().map(|child| child.0.clone()),
        }
    }
}

/// Where `key` is, if anywhere.
fn child_of<K: Borrow<Q>, V, Q: Ord + ?Sized>(children: &[(K, V)], key: &Q) -> usize {
    children.partition_point(|child| child.0.borrow() <= key).saturating_sub(1)
}

fn insert<K: Ord + Clone, V: Clone>(
    node: &mut Arc<Node<K, V>>,
    key: K,
    value: V,
) -> (Option<V>, Split<K, V>) {
    match Arc::make_mut(node) {
        Node::Leaf(entries) => match entries.binary_search_by(|entry| entry.0.cmp(&key)) {
            Ok(place) => {
                let before = entries.get_mut(place).map(|entry| core::mem::replace(&mut entry.1, value));
                (before, None)
            }
            Err(place) => {
                let right = insert_at(entries, place, (key, value));
                (None, right.and_then(|right| split_off(Node::Leaf(right))))
            }
        },
        Node::Inner(children) => {
            let place = child_of(children, &key);
            if let Some(first) = children.get_mut(place)
                && key < first.0
            {
                first.0 = key.clone();
            }
            let (before, split) = insert(&mut children[place].1, key, value);
            let right = split.and_then(|split| insert_at(children, place.saturating_add(1), split));
            (before, right.and_then(|right| split_off(Node::Inner(right))))
        }
    }
}

fn split_off<K: Clone, V>(right: Node<K, V>) -> Split<K, V> {
    Some((right.least()?, Arc::new(right)))
}

/// Gives the second part of what has become too long.
fn insert_at<T>(entries: &mut Vec<T>, place: usize, entry: T) -> Option<Vec<T>> {
    if entries.len() < NODE {
        if entries.len() == entries.capacity() {
            entries.reserve_exact(NODE.saturating_sub(entries.len()).min(8));
        }
        entries.insert(place, entry);
        return None;
    }
    if place == entries.len() {
        return Some(vec![entry]);
    }
    let middle = NODE.div_euclid(2);
    let mut right = entries.split_off(middle);
    match place.checked_sub(middle) {
        Some(place) => right.insert(place, entry),
        None => entries.insert(place, entry),
    }
    Some(right)
}

fn remove<K: Ord + Clone + Borrow<Q>, V: Clone, Q: Ord + ?Sized>(
    node: &mut Arc<Node<K, V>>,
    key: &Q,
) -> Option<V> {
    match Arc::make_mut(node) {
        Node::Leaf(entries) => {
            let place = entries.binary_search_by(|entry| entry.0.borrow().cmp(key)).ok()?;
            Some(entries.remove(place).1)
        }
        Node::Inner(children) => {
            let place = child_of(children, key);
            let removed = remove(&mut children.get_mut(place)?.1, key);
            thin_out(children, place);
            removed
        }
    }
}

/// Removes the child if it has become empty, or puts it together with the next one if both are thin.
fn thin_out<K: Clone, V: Clone>(children: &mut Vec<Child<K, V>>, place: usize) {
    let Some((_, child)) = children.get(place) else { return };
    let len = child.len();
    if len == 0 {
        children.remove(place);
        return;
    }
    let Some((_, next)) = children.get(place.saturating_add(1)) else { return };
    if len.min(next.len()) > THIN || len.saturating_add(next.len()) > NODE {
        return;
    }
    let next = Arc::unwrap_or_clone(children.remove(place.saturating_add(1)).1);
    match (Arc::make_mut(&mut children[place].1), next) {
        (Node::Leaf(entries), Node::Leaf(more)) => entries.extend(more),
        (Node::Inner(inner), Node::Inner(more)) => inner.extend(more),
        (Node::Leaf(_), Node::Inner(_)) | (Node::Inner(_), Node::Leaf(_)) => {
            unreachable!("all leaves are at one depth")
        }
    }
}

impl<K, V> Node<K, V> {
    fn len(&self) -> usize {
        match self {
            Self::Leaf(entries) => entries.len(),
            Self::Inner(children) => children.len(),
        }
    }
}

/// Entries in order.
struct Entries<'a, K, V> {
    /// What is to come at each depth, the root first.
    nodes: Vec<&'a [Child<K, V>]>,
    leaf: &'a [(K, V)],
}

impl<'a, K, V> Iterator for Entries<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((entry, rest)) = self.leaf.split_first() {
                self.leaf = rest;
                return Some((&entry.0, &entry.1));
            }
            let (child, rest) =
                self.nodes.pop()?.split_first().map_or((None, &[][..]), |(c, r)| (Some(c), r));
            let Some((_, child)) = child else { continue };
            self.nodes.push(rest);
            match &**child {
                Node::Leaf(entries) => self.leaf = entries,
                Node::Inner(children) => self.nodes.push(children),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        /// Over several levels. Copies keep what they held, whatever is written to the original.
        #[test]
        fn maps_keep_what_is_put_and_copies_do_not_change(
            fill in 0..3_000_u64,
            steps in proptest::collection::vec((0..3_000_u64, 0..5_u8), 1..2_000),
            (from, to) in (0..3_000_u64, 0..3_000_u64),
        ) {
            let mut map: Ordered<u64, u64> = (0..fill).map(|key| (key, key)).collect();
            let mut plain: BTreeMap<u64, u64> = (0..fill).map(|key| (key, key)).collect();
            let mut copies = Vec::new();
            for (step, (key, dice)) in steps.into_iter().enumerate() {
                if dice < 3 {
                    prop_assert_eq!(map.remove(&key), plain.remove(&key));
                } else {
                    prop_assert_eq!(map.insert(key, key ^ 1), plain.insert(key, key ^ 1));
                }
                if step % 500 == 0 {
                    copies.push((map.clone(), plain.clone()));
                }
            }
            copies.push((map, plain));
            for (map, plain) in copies {
                prop_assert!(map.iter().eq(plain.iter()));
                if from <= to {
                    prop_assert!(map.range(from..to).eq(plain.range(from..to)));
                    prop_assert!(map.range(from..=to).eq(plain.range(from..=to)));
                }
                prop_assert!((0..3_000).all(|key| map.get(&key) == plain.get(&key)));
            }
        }
    }

    #[test]
    fn a_map_that_is_emptied_shrinks() {
        let mut map: Ordered<u64, ()> = (0..10_000).map(|key| (key, ())).collect();
        for key in 0..10_000 {
            assert!(map.remove(&key).is_some());
        }
        assert!(matches!(&*map.root, Node::Leaf(entries) if entries.is_empty()));
    }
}
