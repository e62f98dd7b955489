//! Looking at what a directory node knows: lists in parts, and single things.
//!
//! A node may lie, but it cannot keep a client here: a part has no more elements than were asked for,
//! keys go one way only, and the next part begins behind the last one.

use super::{Base, ClientError, Reply};
use crate::{
    NEXT_HEADER,
    directory::{
        ApplicationView, AssetSetView, BagView, ChannelView, CouncilView, DistributionBucketView, FamilyView,
        FeesView, GroupName, GroupView, HoldingsView, LimitsView, MemberView, ObjectView, OpeningView,
        RecordView, ReleaseView, ResignationView, StorageBucketView, TreasuryView, WorkerView, query::Place,
    },
};
use argosy_domain::{
    AccountId, ApplicationId, AssetSetId, BagId, ChannelId, ContentId, DataObjectId, DistributionBucketId,
    FamilyId, MemberId, OpeningId, ReleaseId, StorageBucketId, WorkerId, num::to_u64,
};
use argosy_http::{Method, header};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{cmp::Ordering, fmt::Display, num::NonZeroU32, str::FromStr};

/// Most elements that a node puts into one part of any list.
const MAX_PART: u64 = 10_000;
/// Where a directory node answers GraphQL.
const GRAPHQL_PATH: &str = "/graphql";

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted<K> {
    /// First key; from the start of the list, if none.
    pub from: Option<K>,
    /// Most elements; as many as the node gives at once, if none.
    pub limit: Option<NonZeroU32>,
}

impl<K> Default for Wanted<K> {
    fn default() -> Self {
        Self { from: None, limit: None }
    }
}

impl<K> Wanted<K> {
    /// The first `count` elements from a key on.
    #[must_use]
    pub fn first(count: usize, from: Option<K>) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Self { from, limit: NonZeroU32::new(count.min(u32::try_from(MAX_PART).unwrap_or(u32::MAX))) }
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T: Listed> {
    /// Elements in order. There may be fewer than were asked for, even if there is a next part.
    pub items: Vec<T>,
    /// [`Wanted::from`] of the next part; nothing after the last one.
    pub next: Option<T::Key>,
}

/// An element of a list that is told in parts.
pub trait Listed: DeserializeOwned {
    /// What the list is in the order of.
    type Key: Clone + Ord + Display + FromStr;

    /// Which way its keys go.
    const ORDER: Ordering = Ordering::Less;

    /// Where the element stands; nothing of one that belongs into no such list.
    fn key(&self) -> Option<Self::Key>;
}

/// Elements that are found by their ids.
macro_rules! listed {
    ($($view:ty => $key:ty),+ $(,)?) => { $(
        impl Listed for $view {
            type Key = $key;

            fn key(&self) -> Option<$key> {
                Some(self.id)
            }
        }
    )+ };
}

listed! {
    ApplicationView => ApplicationId,
    AssetSetView => AssetSetId,
    BagView => BagId,
    ChannelView => ChannelId,
    DistributionBucketView => DistributionBucketId,
    FamilyView => FamilyId,
    MemberView => MemberId,
    ObjectView => DataObjectId,
    OpeningView => OpeningId,
    ReleaseView => ReleaseId,
    StorageBucketView => StorageBucketId,
    WorkerView => WorkerId,
}

/// Content ids on the blacklist.
impl Listed for String {
    type Key = ContentId;

    fn key(&self) -> Option<ContentId> {
        self.parse().ok()
    }
}

/// Transactions of an account, the newest first.
impl Listed for RecordView {
    type Key = Place;

    const ORDER: Ordering = Ordering::Greater;

    fn key(&self) -> Option<Place> {
        Some(Place { height: self.height, index: self.index? })
    }
}

/// Looks at what one directory node knows. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DirectoryReader {
    base: Base,
}

/// Lists: each gives one part.
///
/// # Errors
/// All give [`ClientError`]; `Protocol` if the part is too long, or its keys do not go one way.
impl DirectoryReader {
    pub(super) const fn new(base: Base) -> Self {
        Self { base }
    }

    /// Bags; perhaps only those of a storage bucket, and of a distribution bucket.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn bags(
        &self,
        wanted: &Wanted<BagId>,
        storage: Option<StorageBucketId>,
        distribution: Option<DistributionBucketId>,
    ) -> Result<Page<BagView>, ClientError> {
        let storage = storage.map(|bucket| format!("storageBucket={bucket}"));
        let distribution = distribution.map(|bucket| format!("distributionBucket={bucket}"));
        let filters = storage.into_iter().chain(distribution).collect();
        self.part("/api/v1/bags", filters, wanted).await
    }

    /// Objects of a bag.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn objects(
        &self,
        bag: &BagId,
        wanted: &Wanted<DataObjectId>,
    ) -> Result<Page<ObjectView>, ClientError> {
        self.part(&format!("/api/v1/bags/{bag}/objects"), Vec::new(), wanted).await
    }

    /// Asset sets of a bag.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn asset_sets(
        &self,
        bag: &BagId,
        wanted: &Wanted<AssetSetId>,
    ) -> Result<Page<AssetSetView>, ClientError> {
        self.part(&format!("/api/v1/bags/{bag}/asset-sets"), Vec::new(), wanted).await
    }

    /// Storage buckets.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn storage_buckets(
        &self,
        wanted: &Wanted<StorageBucketId>,
    ) -> Result<Page<StorageBucketView>, ClientError> {
        self.part("/api/v1/storage-buckets", Vec::new(), wanted).await
    }

    /// Distribution buckets.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn distribution_buckets(
        &self,
        wanted: &Wanted<DistributionBucketId>,
    ) -> Result<Page<DistributionBucketView>, ClientError> {
        self.part("/api/v1/distribution-buckets", Vec::new(), wanted).await
    }

    /// Families of distribution buckets.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn families(&self, wanted: &Wanted<FamilyId>) -> Result<Page<FamilyView>, ClientError> {
        self.part("/api/v1/families", Vec::new(), wanted).await
    }

    /// Channels.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn channels(&self, wanted: &Wanted<ChannelId>) -> Result<Page<ChannelView>, ClientError> {
        self.part("/api/v1/channels", Vec::new(), wanted).await
    }

    /// Members.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn members(&self, wanted: &Wanted<MemberId>) -> Result<Page<MemberView>, ClientError> {
        self.part("/api/v1/members", Vec::new(), wanted).await
    }

    /// Workers of a group.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn workers(
        &self,
        group: GroupName,
        wanted: &Wanted<WorkerId>,
    ) -> Result<Page<WorkerView>, ClientError> {
        self.part(&format!("/api/v1/groups/{group}/workers"), Vec::new(), wanted).await
    }

    /// Openings of a group that are neither filled nor cancelled.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn openings(
        &self,
        group: GroupName,
        wanted: &Wanted<OpeningId>,
    ) -> Result<Page<OpeningView>, ClientError> {
        self.part(&format!("/api/v1/groups/{group}/openings"), Vec::new(), wanted).await
    }

    /// Applications in a group that neither succeeded nor were withdrawn.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn applications(
        &self,
        group: GroupName,
        wanted: &Wanted<ApplicationId>,
    ) -> Result<Page<ApplicationView>, ClientError> {
        self.part(&format!("/api/v1/groups/{group}/applications"), Vec::new(), wanted).await
    }

    /// Versions of programs that nodes must run.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn releases(&self, wanted: &Wanted<ReleaseId>) -> Result<Page<ReleaseView>, ClientError> {
        self.part("/api/v1/releases", Vec::new(), wanted).await
    }

    /// Content ids on the blacklist.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn blacklist(&self, wanted: &Wanted<ContentId>) -> Result<Page<String>, ClientError> {
        self.part("/api/v1/blacklist", Vec::new(), wanted).await
    }

    /// What an account signed, in blocks that the node keeps, the newest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn transactions(
        &self,
        account: &AccountId,
        wanted: &Wanted<Place>,
    ) -> Result<Page<RecordView>, ClientError> {
        self.part(&format!("/api/v1/accounts/{account}/transactions"), Vec::new(), wanted).await
    }
}

/// Single things, and lists that are told whole.
impl DirectoryReader {
    /// A storage bucket.
    ///
    /// # Errors
    /// [`ClientError`]; see [`ClientError::is_not_found`].
    pub async fn storage_bucket(&self, id: StorageBucketId) -> Result<StorageBucketView, ClientError> {
        self.get(&format!("/api/v1/storage-buckets/{id}")).await
    }

    /// What the operator of a storage bucket claims to hold.
    ///
    /// # Errors
    /// [`ClientError`]; see [`ClientError::is_not_found`].
    pub async fn holdings(&self, id: StorageBucketId) -> Result<HoldingsView, ClientError> {
        self.get(&format!("/api/v1/storage-buckets/{id}/holdings")).await
    }

    /// A distribution bucket.
    ///
    /// # Errors
    /// [`ClientError`]; see [`ClientError::is_not_found`].
    pub async fn distribution_bucket(
        &self,
        id: DistributionBucketId,
    ) -> Result<DistributionBucketView, ClientError> {
        self.get(&format!("/api/v1/distribution-buckets/{id}")).await
    }

    /// A family of distribution buckets.
    ///
    /// # Errors
    /// [`ClientError`]; see [`ClientError::is_not_found`].
    pub async fn family(&self, id: FamilyId) -> Result<FamilyView, ClientError> {
        self.get(&format!("/api/v1/families/{id}")).await
    }

    /// The working groups that the directory runs.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn groups(&self) -> Result<Vec<GroupView>, ClientError> {
        self.get("/api/v1/groups").await
    }

    /// A worker of a group; nothing if there is no such one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn worker(&self, group: GroupName, id: WorkerId) -> Result<Option<WorkerView>, ClientError> {
        let page = self.workers(group, &Wanted::first(1, Some(id))).await?;
        Ok(page.items.into_iter().find(|worker| worker.id == id))
    }

    /// A working group.
    ///
    /// # Errors
    /// [`ClientError`]; see [`ClientError::is_not_found`].
    pub async fn group(&self, group: GroupName) -> Result<GroupView, ClientError> {
        self.get(&format!("/api/v1/groups/{group}")).await
    }

    /// The council and its open proposals.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn council(&self) -> Result<CouncilView, ClientError> {
        self.get("/api/v1/council").await
    }

    /// What leads set, and the parameters of the network.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn limits(&self) -> Result<LimitsView, ClientError> {
        self.get("/api/v1/limits").await
    }

    /// What things cost.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn fees(&self) -> Result<FeesView, ClientError> {
        self.get("/api/v1/fees").await
    }

    /// Where all money is.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn treasury(&self) -> Result<TreasuryView, ClientError> {
        self.get("/api/v1/treasury").await
    }

    /// Operators who gave notice.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn resignations(&self) -> Result<Vec<ResignationView>, ClientError> {
        self.get("/api/v1/resignations").await
    }

    /// The `data` of an answer to a query in GraphQL. Texts of users belong into `variables`.
    ///
    /// # Errors
    /// [`ClientError`]; `Status` with 404 if the node does not answer GraphQL, `Protocol` if the query
    /// failed.
    pub async fn graphql(&self, query: &str, variables: Value) -> Result<Value, ClientError> {
        let body = json!({"query": query, "variables": variables}).to_string();
        let request = self.base.request(Method::POST, GRAPHQL_PATH);
        let request = request.header(header::CONTENT_TYPE, "application/json").bytes(body.into_bytes());
        let answer: Answer = self.base.send(request).await?.json().await?;
        match answer.errors.first() {
            Some(error) => Err(self.base.protocol(&format!("the query failed: {}", error.message))),
            None => Ok(answer.data),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.base.get(path).await?.json().await
    }

    async fn part<T: Listed>(
        &self,
        path: &str,
        mut parameters: Vec<String>,
        wanted: &Wanted<T::Key>,
    ) -> Result<Page<T>, ClientError> {
        parameters.extend(wanted.from.as_ref().map(|from| format!("from={from}")));
        parameters.extend(wanted.limit.map(|limit| format!("limit={limit}")));
        let mark = if parameters.is_empty() { "" } else { "?" };
        let reply = self.base.get(&format!("{path}{mark}{}", parameters.join("&"))).await?;
        let next = next_key::<T>(&reply)?;
        let page = Page { items: reply.json().await?, next };
        check(&page, wanted).map_err(|what| self.base.protocol(what))?;
        Ok(page)
    }
}

/// An answer to a query in GraphQL.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    message: String,
}

fn next_key<T: Listed>(reply: &Reply) -> Result<Option<T::Key>, ClientError> {
    let unreadable = |_| reply.protocol("the next part of the list has an unreadable name");
    reply.header(NEXT_HEADER).map(|text| text.parse().map_err(unreadable)).transpose()
}

/// Whether a part can be the one that was asked for.
fn check<T: Listed>(page: &Page<T>, wanted: &Wanted<T::Key>) -> Result<(), &'static str> {
    let most = wanted.limit.map_or(MAX_PART, |limit| u64::from(limit.get()).min(MAX_PART));
    if to_u64(page.items.len()) > most {
        return Err("the part of the list is longer than what was asked for");
    }
    let keys: Option<Vec<T::Key>> = page.items.iter().map(Listed::key).collect();
    let keys = keys.ok_or("an element of the list has no place in it")?;
    let follows = |before: &T::Key, after: &T::Key| before.cmp(after) == T::ORDER;
    let in_order = keys.is_sorted_by(follows);
    let starts_right = match (&wanted.from, keys.first()) {
        (Some(from), Some(first)) => from == first || follows(from, first),
        (None, _) | (_, None) => true,
    };
    let last = keys.last();
    let ends_right = page.next.as_ref().is_none_or(|next| {
        last.is_none_or(|last| follows(last, next))
            && wanted.from.as_ref().is_none_or(|from| follows(from, next))
    });
    if in_order && starts_right && ends_right { Ok(()) } else { Err("the list does not go one way") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(id: u64) -> FamilyView {
        FamilyView { id: FamilyId(id), buckets: Vec::new(), metadata: None }
    }

    fn page(ids: &[u64], next: Option<u64>) -> Page<FamilyView> {
        Page { items: ids.iter().copied().map(family).collect(), next: next.map(FamilyId) }
    }

    fn wanted(from: Option<u64>, limit: u32) -> Wanted<FamilyId> {
        Wanted { from: from.map(FamilyId), limit: NonZeroU32::new(limit) }
    }

    #[test]
    fn honest_parts_are_taken() {
        for (ids, next, from, limit) in [
            (&[][..], None, None, 0),
            (&[0, 1, 5], None, None, 3),
            (&[3, 4], Some(9), Some(3), 2),
            (&[4], Some(5), Some(3), 10),
            (&[], Some(50), Some(3), 10),
        ] {
            assert_eq!(check(&page(ids, next), &wanted(from, limit)), Ok(()), "{ids:?}");
        }
    }

    #[test]
    fn a_lying_node_cannot_lead_in_circles() {
        for (ids, next, from, limit) in [
            (&[0, 1][..], None, None, 1),
            (&[1, 0], None, None, 0),
            (&[1, 1], None, None, 0),
            (&[2], None, Some(3), 0),
            (&[3], Some(3), Some(3), 0),
            (&[3, 7], Some(5), Some(3), 0),
            (&[], Some(3), Some(3), 0),
            (&[], Some(2), Some(3), 0),
        ] {
            assert!(check(&page(ids, next), &wanted(from, limit)).is_err(), "{ids:?} {next:?} {from:?}");
        }
    }

    #[test]
    fn transactions_go_backwards() {
        let record = |height, index| RecordView {
            hash: String::new(),
            height,
            index,
            refusal: None,
            time_ms: 0,
            signer: AccountId([0; 32]),
            nonce: 0,
            tip: 0,
            call: String::new(),
            words: String::new(),
            arguments: serde_json::Map::new(),
            result: String::new(),
            error: None,
            proof: None,
        };
        let page = |items: Vec<RecordView>, next| Page { items, next };
        let place = |height, index| Place { height, index };
        let all = Wanted::default();
        let good = page(vec![record(9, Some(1)), record(9, Some(0)), record(7, Some(5))], Some(place(7, 4)));
        assert_eq!(check(&good, &all), Ok(()));
        for bad in [
            page(vec![record(7, Some(0)), record(9, Some(0))], None),
            page(vec![record(7, Some(0))], Some(place(7, 0))),
            page(vec![record(7, None)], None),
        ] {
            assert!(check(&bad, &all).is_err());
        }
    }

    #[test]
    fn a_content_id_that_is_none_has_no_place() {
        let page = Page { items: vec!["nothing".to_owned()], next: None };
        assert!(check(&page, &Wanted::default()).is_err());
    }
}
