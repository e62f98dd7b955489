//! Members, channels, bags and data objects.

use super::{
    Told, distribution, groups,
    rows::{Cell, Rows},
    storage,
};
use crate::{
    entities::IN_TRANSACTION,
    error::ApplyError,
    value::{flag, int, serial, text, wide},
};
use argosy_directory::{
    Event,
    call::{Balance, ObjectsUpload},
    event::DynamicBagCreation,
};
use argosy_domain::{
    AccountId, BagId, DataObjectId, DynamicBagId, MemberId, StaticBagId, StorageBucketId, WorkingGroup,
};
use rusqlite::types::Value;
use std::collections::BTreeSet;

pub(super) const BAG: &str = "StorageBag";
pub(super) const OBJECT: &str = "StorageDataObject";
pub(super) const SET: &str = "AssetSet";
pub(super) const CHANNEL: &str = "Channel";
pub(super) const MEMBER: &str = "Member";
/// Bytes that a size fee is asked for, as in the directory's rules.
const FEE_UNIT_BYTES: u64 = 1_048_576;

pub(super) fn apply(told: &mut Told<'_>, event: &Event) -> Result<bool, ApplyError> {
    Ok(objects(told, event)? || bags(told, event)? || people(&told.rows, event)?)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other topics' events")]
fn objects(told: &mut Told<'_>, event: &Event) -> Result<bool, ApplyError> {
    let rows = told.rows;
    match event {
        Event::DataObjectsUploaded { ids, bag, upload, bond } => declare(&rows, ids, bag, upload, *bond),
        Event::DataObjectsUpdated { bag, upload, ids, removed } => {
            declare(&rows, ids, bag, upload, upload.expected_data_object_state_bloat_bond)?;
            delete(told, removed.iter().map(ToString::to_string))
        }
        Event::DataObjectsDeleted { objects, .. } => delete(told, objects.iter().map(ToString::to_string)),
        Event::DataObjectsMoved { destination, objects, .. } => {
            ensure_bag(&rows, destination)?;
            let there = [("storageBag", text(destination))];
            objects.iter().try_for_each(|id| rows.update(OBJECT, id, &there))
        }
        Event::PendingDataObjectsAccepted { bucket, objects, .. } => accept(&rows, *bucket, objects),
        _ => return Ok(false),
    }?;
    Ok(true)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other topics' events")]
fn bags(told: &mut Told<'_>, event: &Event) -> Result<bool, ApplyError> {
    let rows = told.rows;
    match event {
        Event::DynamicBagCreated { creation, ids } => create_bag(&rows, creation, ids),
        Event::DynamicBagDeleted { bag } => delete_bag(told, *bag),
        Event::BagPrivacySet { bag, private } => {
            ensure_bag(&rows, bag)?;
            rows.update(BAG, bag, &[("isPrivate", flag(*private))])
        }
        Event::AssetSetCreated { bag, name, objects } => {
            let id = set_id(*bag, name);
            rows.insert(
                SET,
                &[
                    ("id", text(&id)),
                    ("bag", text(BagId::Dynamic(*bag))),
                    ("name", text(name)),
                    ("createdAt", int(rows.time_ms)),
                ],
            )?;
            put_in_set(&rows, &id, objects)
        }
        Event::AssetSetUpdated { bag, name, added, .. } => put_in_set(&rows, &set_id(*bag, name), added),
        Event::AssetSetDeleted { bag, name } => rows.delete(SET, set_id(*bag, name)),
        _ => return Ok(false),
    }?;
    Ok(true)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other topics' events")]
fn people(rows: &Rows<'_>, event: &Event) -> Result<bool, ApplyError> {
    match event {
        Event::ChannelCreated { channel, owner } => rows.insert(
            CHANNEL,
            &[
                ("id", text(channel)),
                ("owner", text(owner)),
                ("collaborators", text("[]")),
                ("bag", text(BagId::channel(*channel))),
                ("createdAt", int(rows.time_ms)),
            ],
        ),
        Event::ChannelDeleted { channel } => rows.delete(CHANNEL, channel),
        Event::ChannelCollaboratorsUpdated { channel, collaborators } => {
            let ids: Vec<String> = collaborators.iter().map(ToString::to_string).collect();
            rows.update(CHANNEL, channel, &[("collaborators", texts(&ids))])
        }
        Event::MemberCreated { member, handle, account } => create_member(rows, *member, handle, *account),
        Event::MemberAccountsUpdated { member, root, controller } => rows.update(
            MEMBER,
            member,
            &[("rootAccount", text(root)), ("controllerAccount", text(controller))],
        ),
        Event::StakingAccountConfirmed { member, account } => add_staking_account(rows, *member, account),
        Event::StakingAccountRemoved { member, account } => {
            change_staking_accounts(rows, *member, |accounts| {
                accounts.remove(&account.to_string());
            })
        }
        _ => return Ok(false),
    }?;
    Ok(true)
}

/// A list of texts as a column keeps it.
pub(super) fn texts(items: &[String]) -> Value {
    text(serde_json::Value::from(items))
}

fn create_member(
    rows: &Rows<'_>,
    member: MemberId,
    handle: &str,
    account: AccountId,
) -> Result<(), ApplyError> {
    rows.insert(
        MEMBER,
        &[
            ("id", text(member)),
            ("handle", text(handle)),
            ("controllerAccount", text(account)),
            ("rootAccount", text(account)),
            ("stakingAccounts", text("[]")),
            ("createdAt", int(rows.time_ms)),
        ],
    )
}

pub(super) fn add_staking_account(
    rows: &Rows<'_>,
    member: MemberId,
    account: &AccountId,
) -> Result<(), ApplyError> {
    change_staking_accounts(rows, member, |accounts| {
        accounts.insert(account.to_string());
    })
}

fn change_staking_accounts(
    rows: &Rows<'_>,
    member: MemberId,
    change: impl FnOnce(&mut BTreeSet<String>),
) -> Result<(), ApplyError> {
    let sql = "SELECT \"stakingAccounts\" FROM \"Member\" WHERE \"id\" = ?";
    let kept: String = rows.find(MEMBER, sql, [member.to_string()], |row| row.get(0))?;
    let mut accounts: BTreeSet<String> = serde_json::from_str(&kept).unwrap_or_default();
    change(&mut accounts);
    let accounts: Vec<String> = accounts.into_iter().collect();
    rows.update(MEMBER, member, &[("stakingAccounts", texts(&accounts))])
}

/// Static bags always exist; their rows appear once something is written to them.
pub(super) fn ensure_bag(rows: &Rows<'_>, bag: &BagId) -> Result<(), ApplyError> {
    let [kind, group, member, channel] = owner(bag);
    rows.ensure(
        BAG,
        &[
            ("id", text(bag)),
            kind,
            group,
            member,
            channel,
            ("isPrivate", flag(false)),
            ("createdAt", int(rows.time_ms)),
        ],
    )
}

pub(super) fn owner(bag: &BagId) -> [Cell; 4] {
    let (kind, group, member, channel) = match bag {
        BagId::Static(StaticBagId::Council) => {
            ("StorageBagOwnerCouncil", Value::Null, Value::Null, Value::Null)
        }
        BagId::Static(StaticBagId::WorkingGroup(group)) => {
            ("StorageBagOwnerWorkingGroup", text(group.name()), Value::Null, Value::Null)
        }
        BagId::Dynamic(DynamicBagId::Member(id)) => {
            ("StorageBagOwnerMember", Value::Null, text(id), Value::Null)
        }
        BagId::Dynamic(DynamicBagId::Channel(id)) => {
            ("StorageBagOwnerChannel", Value::Null, Value::Null, text(id))
        }
    };
    [
        ("owner", text(kind)),
        ("owner_workingGroupId", group),
        ("owner_memberId", member),
        ("owner_channelId", channel),
    ]
}

fn create_bag(
    rows: &Rows<'_>,
    creation: &DynamicBagCreation,
    ids: &[DataObjectId],
) -> Result<(), ApplyError> {
    let bag = BagId::Dynamic(creation.bag);
    ensure_bag(rows, &bag)?;
    creation.storage_buckets.iter().try_for_each(|bucket| storage::assign(rows, *bucket, &bag))?;
    creation.distribution_buckets.iter().try_for_each(|bucket| distribution::assign(rows, *bucket, &bag))?;
    // The quote, which equals the bond in force wherever there is an object.
    let bond = creation.upload.expected_data_object_state_bloat_bond;
    declare(rows, ids, &bag, &creation.upload, bond)
}

/// The objects of the bag get no events of their own, and so their rows are looked up here.
fn delete_bag(told: &mut Told<'_>, bag: DynamicBagId) -> Result<(), ApplyError> {
    let rows = told.rows;
    let bag = BagId::Dynamic(bag).to_string();
    let sql =
        "SELECT \"id\" FROM \"StorageDataObject\" WHERE \"storageBag\" = ? ORDER BY CAST(\"id\" AS INTEGER)";
    let ids = rows.texts(sql, [&bag])?;
    delete(told, ids.into_iter())?;
    for table in ["StorageBucketBag", "DistributionBucketBag", SET] {
        rows.delete_by(table, "bag", &bag)?;
    }
    rows.delete(BAG, &bag)
}

/// Objects in the order of the list, which is that of their ids; and what their owner paid.
fn declare(
    rows: &Rows<'_>,
    ids: &[DataObjectId],
    bag: &BagId,
    upload: &ObjectsUpload,
    bond: Balance,
) -> Result<(), ApplyError> {
    ensure_bag(rows, bag)?;
    let mut bytes: u64 = 0;
    for (id, creation) in ids.iter().zip(&upload.object_creation_list) {
        bytes = bytes.saturating_add(creation.size);
        rows.insert(
            OBJECT,
            &[
                ("id", text(id)),
                ("createdAt", int(rows.time_ms)),
                ("isAccepted", flag(false)),
                ("size", wide(creation.size.into())),
                ("storageBag", text(bag)),
                ("ipfsHash", text(String::from_utf8_lossy(&creation.ipfs_content_id))),
                ("stateBloatBond", wide(bond)),
            ],
        )?;
    }
    let units = Balance::from(bytes.div_ceil(FEE_UNIT_BYTES));
    let fee = upload.expected_data_size_fee.saturating_mul(units);
    if fee == 0 {
        return Ok(());
    }
    groups::change_budget(rows, WorkingGroup::Storage, |budget| budget.saturating_add(fee))
}

/// One deletion event for each object: without it no storage node deletes its file.
fn delete(told: &mut Told<'_>, ids: impl Iterator<Item = String>) -> Result<(), ApplyError> {
    let rows = told.rows;
    for id in ids {
        rows.delete(OBJECT, &id)?;
        rows.insert(
            "Event",
            &[
                ("id", text(serial(*told.next_event))),
                ("inBlock", int(rows.height)),
                (IN_TRANSACTION, told.transaction.as_ref().map_or(Value::Null, text)),
                ("indexInBlock", int(told.index)),
                ("timestamp", int(rows.time_ms)),
                ("data", text("DataObjectDeletedEventData")),
                ("data_dataObjectId", text(&id)),
            ],
        )?;
        *told.next_event = told.next_event.saturating_add(1);
    }
    Ok(())
}

fn accept(
    rows: &Rows<'_>,
    bucket: StorageBucketId,
    objects: &BTreeSet<DataObjectId>,
) -> Result<(), ApplyError> {
    // The time of the first acceptance, which is not known of what a snapshot had.
    let sql = "UPDATE \"StorageDataObject\" SET \"isAccepted\" = 1, \"acceptingBucketId\" = ?, \
               \"acceptedAt\" = CASE WHEN \"isAccepted\" THEN \"acceptedAt\" ELSE ? END WHERE \"id\" = ?";
    let mut statement = rows.db.prepare_cached(sql)?;
    for id in objects {
        let cells = [wide(bucket.0.into()), int(rows.time_ms), text(id)];
        if statement.execute(rusqlite::params_from_iter(cells))? != 1 {
            return Err(rows.missing(OBJECT));
        }
    }
    Ok(())
}

pub(super) fn set_id(bag: DynamicBagId, name: &str) -> String {
    format!("{}/{name}", BagId::Dynamic(bag))
}

fn put_in_set(rows: &Rows<'_>, set: &str, objects: &BTreeSet<DataObjectId>) -> Result<(), ApplyError> {
    objects.iter().try_for_each(|id| rows.update(OBJECT, id, &[("assetSet", text(set))]))
}
