//! Calls of members.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use alloc::string::String;
use argosy_domain::{AccountId, MemberId};
use codec::{Decode, Encode};

/// Members.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum MembershipCall {
    /// Makes a member whose root and controller account is the signer's.
    #[codec(index = 0)]
    CreateMember {
        /// Unique name: 1 to 64 bytes of lower-case letters, digits, `-` and `_`.
        handle: String,
    },
    /// By the root account: replaces either or both accounts.
    #[codec(index = 1)]
    UpdateMemberAccounts {
        /// Which member.
        member: MemberId,
        /// The new root account.
        root: Option<AccountId>,
        /// The new controller account.
        controller: Option<AccountId>,
    },
    /// By the account itself: this member may stake what the signer has.
    #[codec(index = 2)]
    ConfirmStakingAccount {
        /// Which member.
        member: MemberId,
    },
    /// By the account itself, while nothing is staked: the consent is taken back.
    #[codec(index = 3)]
    RemoveStakingAccount,
}
