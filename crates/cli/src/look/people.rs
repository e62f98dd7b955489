//! `argosy channels` and `argosy members`.

use super::{
    Look,
    format::{Fact, ids, maybe},
    list::{Bounds, Sheet, gather, only_if},
};
use crate::{
    failure::{Failure, Outcome},
    text,
};
use argosy_api::directory::{ChannelView, MemberView};
use argosy_domain::{BagId, ChannelId, MemberId};

/// Show many channels
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy channels list
  argosy channels list --owner 3")]
pub(crate) struct ListChannels {
    /// Only channels of this member
    #[arg(long, value_name = "MEMBER")]
    owner: Option<MemberId>,
    /// Only channels with this member as collaborator
    #[arg(long, value_name = "MEMBER")]
    collaborator: Option<MemberId>,
    #[command(flatten)]
    bounds: Bounds<ChannelId>,
}

/// Show one channel
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy channel show 1")]
pub(crate) struct ShowChannel {
    #[arg(value_name = "ID")]
    id: ChannelId,
}

/// Show many members
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy members list --limit 20")]
pub(crate) struct ListMembers {
    #[command(flatten)]
    bounds: Bounds<MemberId>,
}

/// Show one member, by id or handle
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy member show 0
  argosy member show alice")]
pub(crate) struct ShowMember {
    #[arg(value_name = "ID|HANDLE")]
    name: String,
}

pub(super) async fn list_channels(look: &Look, args: ListChannels) -> Outcome<()> {
    let ask = async |wanted| look.reader.channels(&wanted).await;
    let passes = |channel: &ChannelView| {
        args.owner.is_none_or(|owner| owner == channel.owner)
            && args.collaborator.is_none_or(|member| channel.collaborators.contains(&member))
    };
    let filters = args.owner.is_some() || args.collaborator.is_some();
    let filter = only_if(filters, &passes);
    let found = gather("channels", args.bounds.limit(), args.bounds.from(), filter, ask).await?;
    look.print("channels", &found, channel_sheet);
    Ok(())
}

pub(super) fn channel_sheet(channels: &[ChannelView]) -> Sheet {
    Sheet::new(&["channel", "owner", "bag", "collaborators"], &["bag"], channels, |channel| {
        vec![
            channel.id.to_string(),
            format!("member {}", channel.owner),
            BagId::channel(channel.id).to_string(),
            ids(&channel.collaborators),
        ]
    })
}

pub(super) async fn show_channel(look: &Look, args: &ShowChannel) -> Outcome<()> {
    let id = args.id;
    let channel = super::answer(&format!("channel {id}"), look.network.directory.channel(id).await)?;
    look.print_one(&channel, |channel| {
        vec![
            ("channel", channel.id.to_string()),
            ("owner", format!("member {}", channel.owner)),
            ("collaborators", ids(&channel.collaborators)),
            ("bag", BagId::channel(channel.id).to_string()),
        ]
    });
    Ok(())
}

pub(super) async fn list_members(look: &Look, args: ListMembers) -> Outcome<()> {
    let ask = async |wanted| look.reader.members(&wanted).await;
    let found = gather("members", args.bounds.limit(), args.bounds.from(), None, ask).await?;
    look.print("members", &found, member_sheet);
    Ok(())
}

pub(super) fn member_sheet(members: &[MemberView]) -> Sheet {
    Sheet::new(&["member", "handle", "controller account"], &[], members, |member| {
        vec![member.id.to_string(), text::line(&member.handle), member.account.to_string()]
    })
}

pub(super) async fn show_member(look: &Look, args: &ShowMember) -> Outcome<()> {
    let name = &args.name;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(Failure::usage(
            "expected a member's id, or a handle: lower-case letters, digits, - and _",
        ));
    }
    let member = super::answer(&format!("member {name}"), look.network.directory.member(name).await)?;
    look.print_one(&member, member_facts);
    Ok(())
}

pub(super) fn member_facts(member: &MemberView) -> Vec<Fact> {
    vec![
        ("member", member.id.to_string()),
        ("handle", text::line(&member.handle)),
        ("controller account", member.account.to_string()),
        ("root account", maybe(member.root)),
    ]
}
