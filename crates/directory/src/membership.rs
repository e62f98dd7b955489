//! Members.

use crate::{
    State,
    call::MembershipCall,
    change::{Change, Edit},
    event::Event,
    reject::Reject,
    state::Member,
};
use argosy_domain::{AccountId, MemberId, limits::MAX_HANDLE_BYTES};

pub(crate) fn check(state: &State, signer: AccountId, call: &MembershipCall) -> Result<Change, Reject> {
    match call {
        MembershipCall::CreateMember { handle } => create_member(state, signer, handle),
        MembershipCall::UpdateMemberAccounts { member, root, controller } => {
            update_accounts(state, signer, *member, *root, *controller)
        }
        MembershipCall::ConfirmStakingAccount { member } => confirm_staking_account(state, signer, *member),
        MembershipCall::RemoveStakingAccount => remove_staking_account(state, signer),
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
        Edit::Member(member, Some(Member { handle: handle.into(), account, root: account })),
        Event::MemberCreated { member, handle: handle.into(), account },
    );
    change.edit(Edit::Settings(settings));
    Ok(change)
}

/// Only the root account may, so that a controller key that was lost or stolen can be replaced.
fn update_accounts(
    state: &State,
    signer: AccountId,
    id: MemberId,
    root: Option<AccountId>,
    controller: Option<AccountId>,
) -> Result<Change, Reject> {
    let member = state.member(id).ok_or(Reject::MemberProfileNotFound)?;
    if member.root != signer {
        return Err(Reject::MemberAuthFailed);
    }
    let (root, controller) = (root.unwrap_or(member.root), controller.unwrap_or(member.account));
    let updated = Member { root, account: controller, ..member.clone() };
    Ok(Change::of(
        Edit::Member(id, Some(updated)),
        Event::MemberAccountsUpdated { member: id, root, controller },
    ))
}

fn confirm_staking_account(state: &State, account: AccountId, member: MemberId) -> Result<Change, Reject> {
    state.member(member).ok_or(Reject::MemberProfileNotFound)?;
    if state.staking_account_member(&account).is_some() {
        return Err(Reject::StakingAccountAlreadyConfirmed);
    }
    Ok(Change::of(
        Edit::StakingAccount(account, Some(member)),
        Event::StakingAccountConfirmed { member, account },
    ))
}

fn remove_staking_account(state: &State, account: AccountId) -> Result<Change, Reject> {
    let member = state.staking_account_member(&account).ok_or(Reject::InvalidStakingAccountForMember)?;
    if state.account(&account).staked > 0 {
        return Err(Reject::ConflictStakesOnAccount);
    }
    Ok(Change::of(Edit::StakingAccount(account, None), Event::StakingAccountRemoved { member, account }))
}

/// 1 to 64 bytes of lower-case letters, digits, `-` and `_`.
pub(crate) fn handle_is_valid(handle: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=MAX_HANDLE_BYTES).contains(&handle.len()) && handle.bytes().all(allowed)
}
