//! The one entry to all rules.

use crate::{
    State, accounts, call::Call, change::Change, content, council, distribution, groups, groups::Origin,
    membership, reject::Reject, storage,
};
use argosy_domain::AccountId;

/// Reads only. The first reason that holds, in the order of the specification, wins.
pub(crate) fn check(state: &State, signer: AccountId, call: &Call) -> Result<Change, Reject> {
    match call {
        Call::Membership(call) => membership::check(state, signer, call),
        Call::Content(call) => content::check(state, signer, call),
        Call::Storage(call) => storage::check(state, signer, call),
        Call::Distribution(call) => distribution::check(state, signer, call),
        Call::Group { group, call } => groups::check(state, Origin::Account(signer), *group, call),
        Call::Council(call) => council::check(state, signer, call),
        Call::Accounts(call) => accounts::check(state, signer, call),
        // The state runs a batch call by call; one inside of another is refused.
        Call::Batch(_) => Err(Reject::NestedBatch),
    }
}
