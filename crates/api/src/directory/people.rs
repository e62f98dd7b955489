//! Members and accounts.

use super::text;
use crate::wire::wire;
use argosy_domain::{AccountId, MemberId};

wire! {
    /// `GET /api/v1/members/{id or handle}`.
    pub struct MemberView {
        /// The member.
        #[serde(with = "text")]
        pub id: MemberId,
        /// Unique name.
        pub handle: String,
        /// Controller account: acts for the member.
        #[serde(with = "text")]
        pub account: AccountId,
        /// Root account: may replace both accounts.
        #[serde(default, with = "text::option")]
        pub root: Option<AccountId>,
    }

    /// `GET /api/v1/accounts/{address}`. One that nothing ever happened to has zeros.
    pub struct AccountView {
        /// SS58 address.
        #[serde(with = "text")]
        pub account: AccountId,
        /// Nonce that its next transaction must carry.
        pub nonce: u64,
        /// What it may pay fees and bonds with, in base units.
        #[serde(default, with = "text")]
        pub free: u128,
        /// Of what is free, this much pays fees and bonds only.
        #[serde(default, with = "text")]
        pub locked: u128,
        /// Held back as stake; not part of what is free.
        #[serde(default, with = "text")]
        pub staked: u128,
        /// The member that may stake what the account has, if the account agreed to that.
        #[serde(default, with = "text::option")]
        pub staking_member: Option<MemberId>,
    }
}
