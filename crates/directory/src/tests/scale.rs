//! What makes the state small and fast must not show: copies, pieces and routes say what the records
//! say.

use crate::{
    State,
    state::checkpoint::{CheckpointError, Restore},
};
use argosy_domain::{DataObjectId, WorkerId};
use std::vec::Vec;

/// A copy has the same root, and so has a state made of the pieces of this one.
pub(super) fn check(state: &mut State) {
    assert_eq!(state.clone().root(), state.root());
    let restored = restored(state);
    assert!(restored.pieces().eq(state.pieces()));
    for (id, member) in state.members() {
        assert_eq!(restored.member_by_handle(&member.handle), Some(id));
    }
    for (id, _) in state.bags() {
        assert_eq!(restored.bag_objects(&id), state.bag_objects(&id));
    }
    assert_eq!(routes_in_words(&restored), routes_in_words(state));
    check_routes(state);
}

/// A state made of the pieces of this one.
pub(super) fn restored(state: &mut State) -> State {
    let mut restore = Restore::on_network_of(state.clone());
    for piece in state.pieces() {
        assert_eq!(restore.push(&piece), Ok(()));
    }
    let mut restored = restore.finish().unwrap();
    assert_eq!(restored.root(), state.root());
    restored
}

type Route = (DataObjectId, Vec<WorkerId>, Vec<WorkerId>);

fn all_ids(state: &State) -> Vec<DataObjectId> {
    // One id that no object has, at the end, and each id twice.
    (0..=state.next_object_id().0).chain(0..state.next_object_id().0).map(DataObjectId).collect()
}

fn routes_in_words(state: &State) -> Vec<Route> {
    let mut routes = Vec::new();
    state.routes(&all_ids(state), &mut routes);
    let words = |route: &crate::Route| {
        (route.object, route.storage.workers().collect(), route.distribution.workers().collect())
    };
    routes.iter().map(words).collect()
}

/// Against what records say. The small worlds of these tests fit into a route.
fn check_routes(state: &State) {
    let mut expected: Vec<Route> = Vec::new();
    for id in all_ids(state) {
        let Some(object) = state.object(id) else { continue };
        let bag = state.bag(&object.bag).unwrap();
        let operator = |id| state.storage_bucket(id).unwrap().operator.active();
        let storage = bag.stored_by.keys().filter_map(|id| operator(*id)).collect();
        let operators = |id| state.distribution_bucket(id).unwrap().operators.iter().copied();
        let distribution = bag.distributed_by.iter().flat_map(|id| operators(*id)).collect();
        expected.push((id, storage, distribution));
    }
    let found = routes_in_words(state);
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.0, expected.0);
        assert_eq!(found.1, expected.1);
        assert!(found.2 == expected.2 || (found.2.len() == 7 && expected.2.starts_with(&found.2)));
    }
}

/// Pieces that are left out, repeated, out of order or foreign.
pub(super) fn check_wrong_pieces(state: &State) {
    let pieces: Vec<_> = state.pieces().collect();
    assert!(pieces.len() > 4);
    let push_all = |pieces: &[Vec<u8>]| {
        let mut restore = Restore::on_network_of(state.clone());
        pieces.iter().try_for_each(|piece| restore.push(piece)).and_then(|()| restore.finish())
    };
    let refused = |pieces: &[Vec<u8>]| push_all(pieces).map(drop).unwrap_err();
    assert_eq!(refused(&[]), CheckpointError::Incomplete);
    assert_eq!(refused(&pieces[1..]), CheckpointError::Version);
    let mut twice = pieces.clone();
    twice.insert(2, pieces[1].clone());
    assert_eq!(refused(&twice), CheckpointError::Piece(2));
    let mut swapped = pieces.clone();
    swapped.swap(1, 2);
    assert_eq!(refused(&swapped), CheckpointError::Piece(2));
    for (number, piece) in pieces.iter().enumerate().skip(1) {
        let mut cut = pieces.clone();
        cut[number] = piece[..piece.len() - 1].to_vec();
        let number = argosy_domain::num::to_u64(number);
        assert_eq!(refused(&cut), CheckpointError::Piece(number));
    }
    let mut foreign = pieces.clone();
    foreign[0][2] ^= 1;
    assert_eq!(refused(&foreign), CheckpointError::OtherNetwork);
    // What is left out is missed by the root.
    if let Ok(mut other) = push_all(&pieces[..pieces.len() - 1]) {
        assert_ne!(other.root(), state.clone().root());
    }
}
