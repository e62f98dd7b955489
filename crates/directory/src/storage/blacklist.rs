//! S15: content ids that nobody may declare or accept.

use crate::{
    State,
    change::{Change, Edit},
    content::parse_content_id,
    event::Event,
    reject::Reject,
};
use alloc::{collections::BTreeSet, vec::Vec};
use argosy_domain::{ContentId, content_id::CONTENT_ID_CHARS, num::to_u64};

/// S15. Both sets are judged against the list as it was, so that an id in both changes sides.
/// Objects that exist stay; they are not accepted any more.
pub(super) fn update(
    state: &State,
    remove: &BTreeSet<Vec<u8>>,
    add: &BTreeSet<Vec<u8>>,
) -> Result<Change, Reject> {
    if remove.iter().chain(add).any(|text| text.len() != CONTENT_ID_CHARS) {
        return Err(Reject::InvalidCidLength);
    }
    let read = |texts: &BTreeSet<Vec<u8>>| -> Result<BTreeSet<ContentId>, Reject> {
        texts.iter().map(|text| parse_content_id(text)).collect()
    };
    let (mut leaving, mut coming) = (read(remove)?, read(add)?);
    leaving.retain(|id| state.is_blacklisted(id));
    coming.retain(|id| !state.is_blacklisted(id));
    let count = state.blacklist_count().saturating_add(to_u64(coming.len()));
    if count.saturating_sub(to_u64(leaving.len())) > state.params().blacklist_size_limit {
        return Err(Reject::BlacklistSizeLimitExceeded);
    }
    let mut change = Change::default();
    for id in leaving {
        change.edit(Edit::Blacklist(id, false));
    }
    for id in coming {
        change.edit(Edit::Blacklist(id, true));
    }
    change.tell(Event::UpdateBlacklist { removed: remove.clone(), added: add.clone() });
    Ok(change)
}
