//! Who may act for a bag.

use crate::{State, groups::ensure_lead, reject::Reject};
use argosy_domain::{AccountId, BagId, DynamicBagId, MemberId, StaticBagId};

/// Who may declare and delete objects: a member in its own bag and those of its channels and of those
/// that it collaborates on, the lead of a working group in the group's, the secretary in the council's.
pub(super) fn ensure_may_edit(state: &State, signer: AccountId, bag: &BagId) -> Result<(), Reject> {
    let BagId::Dynamic(DynamicBagId::Channel(id)) = *bag else { return ensure_owns(state, signer, bag) };
    let channel = state.channel(id).ok_or(Reject::DynamicBagDoesntExist)?;
    if channel.collaborators.iter().any(|member| ensure_is(state, signer, *member).is_ok()) {
        return Ok(());
    }
    ensure_is(state, signer, channel.owner)
}

/// As [`ensure_may_edit`], without collaborators.
pub(super) fn ensure_owns(state: &State, signer: AccountId, bag: &BagId) -> Result<(), Reject> {
    match *bag {
        BagId::Static(StaticBagId::Council) if state.council().secretary == Some(signer) => Ok(()),
        BagId::Static(StaticBagId::Council) => Err(Reject::ActorNotAuthorized),
        BagId::Static(StaticBagId::WorkingGroup(group)) => ensure_lead(state, group, signer),
        BagId::Dynamic(DynamicBagId::Member(member)) => ensure_is(state, signer, member),
        BagId::Dynamic(DynamicBagId::Channel(channel)) => {
            let channel = state.channel(channel).ok_or(Reject::DynamicBagDoesntExist)?;
            ensure_is(state, signer, channel.owner)
        }
    }
}

/// The signer is the member's controller account.
pub(super) fn ensure_is(state: &State, signer: AccountId, member: MemberId) -> Result<(), Reject> {
    match state.member(member) {
        Some(member) if member.account == signer => Ok(()),
        Some(_) | None => Err(Reject::ActorNotAuthorized),
    }
}
