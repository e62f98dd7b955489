//! Members.

use crate::{
    State,
    call::MembershipCall,
    change::{Change, Edit},
    event::Event,
    reject::Reject,
    state::Member,
};
use argosy_domain::{AccountId, limits::MAX_HANDLE_BYTES};

pub(crate) fn check(state: &State, signer: AccountId, call: &MembershipCall) -> Result<Change, Reject> {
    match call {
        MembershipCall::CreateMember { handle } => create_member(state, signer, handle),
    }
}

fn create_member(state: &State, account: AccountId, handle: &str) -> Result<Change, Reject> {
    if !handle_is_valid(handle) {
        return Err(Reject::InvalidHandle);
    }
    if state.member_by_handle(handle).is_some() {
        return Err(Reject::HandleAlreadyRegistered);
    }
    let member = state.settings().next_member;
    let mut settings = *state.settings();
    settings.next_member = member.next();
    let mut change = Change::of(
        Edit::Member(member, Member { handle: handle.into(), account }),
        Event::MemberCreated { member, handle: handle.into(), account },
    );
    change.edit(Edit::Settings(settings));
    Ok(change)
}

/// 1 to 64 bytes of lower-case letters, digits, `-` and `_`.
pub(crate) fn handle_is_valid(handle: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=MAX_HANDLE_BYTES).contains(&handle.len()) && handle.bytes().all(allowed)
}
