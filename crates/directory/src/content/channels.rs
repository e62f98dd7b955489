//! Channels, each with the bag `dynamic:channel:<id>`.

use super::{
    bags::{self, Chosen},
    owners::ensure_is,
};
use crate::{
    State,
    call::ObjectsUpload,
    change::{Change, Edit},
    event::Event,
    reject::Reject,
    state::Channel,
};
use alloc::collections::BTreeSet;
use argosy_domain::{AccountId, BagType, ChannelId, DynamicBagId, MemberId, limits::MAX_COLLABORATORS};

/// I1, for a new channel.
pub(super) fn create(
    state: &State,
    signer: AccountId,
    owner: MemberId,
    upload: &ObjectsUpload,
    chosen: Chosen<'_>,
) -> Result<Change, Reject> {
    let member = state.member(owner).ok_or(Reject::MemberProfileNotFound)?;
    if member.account != signer {
        return Err(Reject::MemberAuthFailed);
    }
    let channel = state.settings().next_channel;
    let mut settings = *state.settings();
    settings.next_channel = channel.next();
    let bag = DynamicBagId::Channel(channel);
    let mut change = bags::create(state, signer, bag, BagType::Channel, upload, chosen, settings)?;
    let record = Channel { owner, collaborators: BTreeSet::new() };
    change.edit(Edit::Channel(channel, Some(record)));
    change.tell(Event::ChannelCreated { channel, owner });
    Ok(change)
}

/// I7, with the channel.
pub(super) fn delete(state: &State, signer: AccountId, channel: ChannelId) -> Result<Change, Reject> {
    let owner = state.channel(channel).ok_or(Reject::ChannelDoesNotExist)?.owner;
    ensure_is(state, signer, owner)?;
    let mut change = bags::delete(state, signer, DynamicBagId::Channel(channel))?;
    change.edit(Edit::Channel(channel, None));
    change.tell(Event::ChannelDeleted { channel });
    Ok(change)
}

pub(super) fn update_collaborators(
    state: &State,
    signer: AccountId,
    id: ChannelId,
    collaborators: &BTreeSet<MemberId>,
) -> Result<Change, Reject> {
    let channel = state.channel(id).ok_or(Reject::ChannelDoesNotExist)?;
    ensure_is(state, signer, channel.owner)?;
    if collaborators.len() > MAX_COLLABORATORS {
        return Err(Reject::TooManyCollaborators);
    }
    if collaborators.iter().any(|member| state.member(*member).is_none()) {
        return Err(Reject::MemberProfileNotFound);
    }
    let collaborators = collaborators.clone();
    let record = Channel { collaborators: collaborators.clone(), ..channel.clone() };
    Ok(Change::of(
        Edit::Channel(id, Some(record)),
        Event::ChannelCollaboratorsUpdated { channel: id, collaborators },
    ))
}
