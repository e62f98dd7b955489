//! Bags of members, and who may read a bag.

use super::{BagArg, BucketArgs};
use crate::{
    distribution::args::YesNo,
    failure::Outcome,
    network::Network,
    send::Role,
    signed::{Plan, Signed},
    values::MemberArg,
};
use argosy_directory::{Call, ContentCall, call::ObjectsUpload};

/// Make bags of members, and say who may read a bag
#[derive(Debug, clap::Subcommand)]
pub(crate) enum BagCommand {
    /// Make the bag of a member (the member)
    #[command(after_help = "Example:\n  argosy bag create-member-bag alice")]
    CreateMemberBag(Signed<CreateMemberBag>),
    /// Delete the bag of a member and all objects in it (the member)
    #[command(after_help = "Example:\n  argosy bag delete-member-bag alice")]
    DeleteMemberBag(Signed<DeleteMemberBag>),
    /// Say whether nodes serve a bag to those only who have a signed URL (its owner)
    #[command(after_help = "Example:\n  argosy bag set-privacy dynamic:channel:7 yes")]
    SetPrivacy(Signed<SetPrivacy>),
}

/// A new bag
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct CreateMemberBag {
    /// Whose bag
    #[arg(value_name = "ID|HANDLE")]
    member: MemberArg,
    #[command(flatten)]
    buckets: BucketArgs,
}

impl Plan for CreateMemberBag {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let member = self.member.find(network).await?.id;
        let call = ContentCall::CreateMemberBag {
            member,
            upload: ObjectsUpload::default(),
            storage_buckets: self.buckets.storage(),
            distribution_buckets: self.buckets.distribution(),
        };
        Ok((Role::Member(member), Call::Content(call)))
    }
}

/// An end
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DeleteMemberBag {
    /// Whose bag
    #[arg(value_name = "ID|HANDLE")]
    member: MemberArg,
}

impl Plan for DeleteMemberBag {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let member = self.member.find(network).await?.id;
        Ok((Role::Member(member), Call::Content(ContentCall::DeleteMemberBag { member })))
    }
}

/// Who may read
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct SetPrivacy {
    #[command(flatten)]
    bag: BagArg,
    /// Whether signed URLs or keys of operators are asked for
    #[arg(value_name = "yes|no")]
    private: YesNo,
}

impl Plan for SetPrivacy {
    async fn plan(&self, _network: &Network) -> Outcome<(Role, Call)> {
        let bag = self.bag.bag;
        let call = ContentCall::SetBagPrivacy { bag, private: self.private.is_yes() };
        Ok((Role::Owner(bag), Call::Content(call)))
    }
}
