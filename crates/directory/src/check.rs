//! The one entry to all rules.

use crate::{State, call::Call, change::Change, content, distribution, membership, reject::Reject, storage};
use argosy_domain::AccountId;

/// Reads only. The first reason that holds, in the order of the specification, wins.
pub(crate) fn check(state: &State, signer: AccountId, call: &Call) -> Result<Change, Reject> {
    match call {
        Call::Membership(call) => membership::check(state, signer, call),
        Call::Content(call) => content::check(state, signer, call),
        Call::Storage(call) => storage::check(state, signer, call),
        Call::Distribution(call) => distribution::check(state, signer, call),
    }
}
