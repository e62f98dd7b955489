//! Channels.

use super::BucketArgs;
use crate::{
    failure::{Failure, Outcome},
    network::Network,
    send::Role,
    signed::{Plan, Signed},
    values::MemberArg,
};
use argosy_directory::{Call, ContentCall, call::ObjectsUpload};
use argosy_domain::ChannelId;

/// Make and delete channels
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ChannelCommand {
    /// Make a channel and its bag (the owner). Prints the channel's id
    #[command(after_help = "Example:\n  argosy channel create --owner alice")]
    Create(Signed<Create>),
    /// Delete a channel, its bag and all objects in it (the owner)
    #[command(after_help = "Example:\n  argosy channel delete 7")]
    Delete(Signed<Delete>),
    /// Say who else may declare and delete objects (the owner); replaces the list
    #[command(
        override_usage = "argosy channel set-collaborators [OPTIONS] <ID> <MEMBER...|--none>",
        after_help = "Examples:\n  argosy channel set-collaborators 7 bob carol\n  argosy channel set-collaborators 7 --none"
    )]
    SetCollaborators(Signed<SetCollaborators>),
}

/// A new channel
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Create {
    /// Who will own it
    #[arg(long, value_name = "ID|HANDLE")]
    owner: MemberArg,
    #[command(flatten)]
    buckets: BucketArgs,
}

impl Plan for Create {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let owner = self.owner.find(network).await?.id;
        let call = ContentCall::CreateChannel {
            owner,
            upload: ObjectsUpload::default(),
            storage_buckets: self.buckets.storage(),
            distribution_buckets: self.buckets.distribution(),
        };
        Ok((Role::Member(owner), Call::Content(call)))
    }
}

/// An end
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Delete {
    /// Id of the channel
    #[arg(value_name = "ID")]
    channel: ChannelId,
}

/// The member who signs for a channel.
async fn owner(network: &Network, channel: ChannelId) -> Outcome<Role> {
    let view = network.directory.channel(channel).await;
    let view = view.map_err(|error| Failure::directory(&format!("channel {channel}"), &error))?;
    Ok(Role::Member(view.owner))
}

impl Plan for Delete {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let channel = self.channel;
        Ok((owner(network, channel).await?, Call::Content(ContentCall::DeleteChannel { channel })))
    }
}

/// Collaborators
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SetCollaborators {
    /// Id of the channel
    #[arg(value_name = "ID")]
    channel: ChannelId,
    #[command(flatten)]
    members: Collaborators,
}

/// All of them from now on
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Collaborators {
    /// All of them from now on
    #[arg(value_name = "MEMBER")]
    members: Vec<MemberArg>,
    /// There are none any more
    #[arg(long)]
    none: bool,
}

impl Plan for SetCollaborators {
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)> {
        let channel = self.channel;
        let role = owner(network, channel).await?;
        let mut collaborators = std::collections::BTreeSet::new();
        for member in &self.members.members {
            collaborators.insert(member.find(network).await?.id);
        }
        Ok((role, Call::Content(ContentCall::UpdateChannelCollaborators { channel, collaborators })))
    }
}
