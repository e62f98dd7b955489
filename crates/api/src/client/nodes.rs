//! The clients of storage nodes and distributors.

use super::{Base, ClientError, Reply};
use crate::{
    NEXT_GROUP_HEADER, ReadPermit, SLICE_MEDIA_TYPE, UploadToken,
    node::{NodeStatus, PopularView, UploadedView, VersionView},
    permit::PERMIT_PARAMETER,
};
use argosy_content::GroupRange;
use argosy_domain::DataObjectId;
use argosy_http::{Client, Method, edge::BodyStream, header};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};

/// Longest wait for the answer to an upload after its last byte: the node syncs a large file to disk.
const UPLOAD_ANSWER: Duration = Duration::from_secs(120);

/// Longest list of popular objects that is read, in bytes: twice what the longest one has.
const MAX_POPULAR_BYTES: usize = 2 * 1024 * 1024;

/// What a node says about an object that it can deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentHead {
    /// Bytes of the object.
    pub size: Option<u64>,
    /// Media type.
    pub content_type: Option<String>,
    /// Where a distributor takes it from: `hit`, `pending` or `miss`.
    pub cache: Option<String>,
}

/// A verified slice as it arrives: not checked yet, feed it to a `SliceDecoder`.
#[derive(Debug)]
pub struct SliceStream {
    reply: Reply,
}

impl SliceStream {
    /// The next bytes; `None` at the end. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`ClientError::NoAnswer`] after 15 s of silence or a broken connection.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ClientError> {
        self.reply.chunk().await
    }

    /// Length that the node has announced, in bytes.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.reply.content_length()
    }
}

/// Talks to one storage node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StorageClient {
    base: Base,
    permit: Permit,
}

impl StorageClient {
    /// A client of the storage node with the root URL `url`.
    #[must_use]
    pub fn new(client: Client, url: &str) -> Self {
        Self { base: Base::new(client, url), permit: Permit::default() }
    }

    /// The same, showing a permit wherever objects are read.
    #[must_use]
    pub fn with_permit(mut self, permit: &ReadPermit) -> Self {
        self.permit = Permit::of(permit);
        self
    }

    /// The node's root URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        self.base.url()
    }

    /// Health, what it holds, how far behind it is.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn status(&self) -> Result<NodeStatus, ClientError> {
        self.base.get("/api/v1/status").await?.json().await
    }

    /// Version of the program.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn version(&self) -> Result<VersionView, ClientError> {
        self.base.get("/api/v1/version").await?.json().await
    }

    /// First group of an unfinished upload that the node does not hold yet: where to go on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn next_group(&self, object: DataObjectId) -> Result<u64, ClientError> {
        let path = format!("/api/v1/objects/{object}/content");
        let reply = self.base.head(&path).await?;
        reply
            .header(NEXT_GROUP_HEADER)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| reply.protocol("the answer lacks a group number"))
    }

    /// Uploads the groups of an object from `from_group` to the end.
    ///
    /// `body` is their interleaved slice, `length` its bytes. Returns when the object is durable on
    /// the node and its acceptance is sent.
    ///
    /// # Errors
    /// [`ClientError`]; `Status` with 422 at the first wrong group.
    pub async fn upload(
        &self,
        object: DataObjectId,
        from_group: u64,
        token: &UploadToken,
        length: u64,
        body: BodyStream,
    ) -> Result<UploadedView, ClientError> {
        let path = format!("/api/v1/objects/{object}/content?fromGroup={from_group}");
        let request = self
            .base
            .request(Method::PUT, &path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, SLICE_MEDIA_TYPE)
            .head_timeout(UPLOAD_ANSWER)
            .stream(Some(length), body);
        self.base.send(request).await?.json().await
    }

    /// Asks for a verified slice of at most `MAX_SLICE_GROUPS` groups.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn slice(&self, object: DataObjectId, groups: GroupRange) -> Result<SliceStream, ClientError> {
        slice(&self.base, &self.permit, object, groups).await
    }

    /// Whether the node holds the whole object.
    ///
    /// # Errors
    /// [`ClientError`]; see [`ClientError::is_not_found`].
    pub async fn head_file(&self, object: DataObjectId) -> Result<ContentHead, ClientError> {
        head(&self.base, &self.permit.after(&format!("/api/v1/files/{object}"))).await
    }
}

/// Talks to one distributor. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DistributorClient {
    base: Base,
    permit: Permit,
}

impl DistributorClient {
    /// A client of the distributor with the root URL `url`.
    #[must_use]
    pub fn new(client: Client, url: &str) -> Self {
        Self { base: Base::new(client, url), permit: Permit::default() }
    }

    /// The same, showing a permit wherever objects are read.
    #[must_use]
    pub fn with_permit(mut self, permit: &ReadPermit) -> Self {
        self.permit = Permit::of(permit);
        self
    }

    /// The node's root URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        self.base.url()
    }

    /// Health, what it holds, how far behind it is.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn status(&self) -> Result<NodeStatus, ClientError> {
        self.base.get("/api/v1/status").await?.json().await
    }

    /// What the distributor is asked for most, at most `limit` objects.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn popular(&self, limit: usize) -> Result<PopularView, ClientError> {
        self.base.get(&format!("/api/v1/popular?limit={limit}")).await?.json_within(MAX_POPULAR_BYTES).await
    }

    /// Whether the distributor would deliver the object to a user now.
    ///
    /// # Errors
    /// [`ClientError`]; see [`ClientError::is_not_found`].
    pub async fn head_asset(&self, object: DataObjectId) -> Result<ContentHead, ClientError> {
        head(&self.base, &self.permit.after(&format!("/api/v1/assets/{object}"))).await
    }

    /// Asks for a verified slice of at most `MAX_SLICE_GROUPS` groups.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn slice(&self, object: DataObjectId, groups: GroupRange) -> Result<SliceStream, ClientError> {
        slice(&self.base, &self.permit, object, groups).await
    }
}

/// What is shown to be given objects of a private bag.
#[derive(Clone, Debug, Default)]
struct Permit(Option<Arc<str>>);

impl Permit {
    fn of(permit: &ReadPermit) -> Self {
        Self(Some(permit.to_string().into()))
    }

    /// The path with the permit in its query.
    fn after(&self, path: &str) -> String {
        match &self.0 {
            Some(text) => {
                let sign = if path.contains('?') { '&' } else { '?' };
                format!("{path}{sign}{PERMIT_PARAMETER}={text}")
            }
            None => path.to_owned(),
        }
    }
}

async fn slice(
    base: &Base,
    permit: &Permit,
    object: DataObjectId,
    groups: GroupRange,
) -> Result<SliceStream, ClientError> {
    let path = format!("/api/v1/objects/{object}/slices?from={}&to={}", groups.start, groups.end);
    let path = permit.after(&path);
    Ok(SliceStream { reply: base.get(&path).await? })
}

async fn head(base: &Base, path: &str) -> Result<ContentHead, ClientError> {
    let reply = base.head(path).await?;
    Ok(ContentHead {
        size: reply.content_length(),
        content_type: reply.header("content-type").map(str::to_owned),
        cache: reply.header("x-cache").map(str::to_owned),
    })
}
