//! The client of a directory node.

use super::{Base, ClientError, Reply};
use crate::{
    BLOCKS_MEDIA_TYPE, HEIGHT_HEADER,
    confirmation::Confirmation,
    directory::{
        AccountView, BagView, ChannelView, DirectoryStatus, DistributionBucketView, FamilyView, GroupName,
        LeadLogView, MemberView, ObjectView, PolicyView, ReceiptView, StorageBucketView, WorkerView,
    },
    genesis::GenesisFile,
};
use argosy_directory::Transaction;
use argosy_domain::{
    AccountId, BagId, ChannelId, DataObjectId, MemberId, WorkerId,
    num::{to_u64, to_usize},
};
use argosy_http::{Client, Method, header};
use argosy_ledger::{Block, block::MAX_ENCODED_BLOCK_BYTES};
use bytes::{Buf, Bytes, BytesMut};
use codec::Encode;
use serde::de::DeserializeOwned;

/// Length of a frame's head, in bytes.
const FRAME_HEAD_BYTES: usize = 4;

/// Talks to one directory node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DirectoryClient {
    base: Base,
}

impl DirectoryClient {
    /// A client of the directory node with the root URL `url`, such as `http://127.0.0.1:4352`.
    #[must_use]
    pub fn new(client: Client, url: &str) -> Self {
        Self { base: Base::new(client, url) }
    }

    /// The node's root URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        self.base.url()
    }

    /// What the network started from; the caller checks it by converting it into a `Genesis`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn genesis(&self) -> Result<GenesisFile, ClientError> {
        self.get("/api/v1/genesis").await
    }

    /// Height, roots, uptime.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn status(&self) -> Result<DirectoryStatus, ClientError> {
        self.get("/api/v1/status").await
    }

    /// The nonce that the next transaction of `account` must carry.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn account(&self, account: &AccountId) -> Result<AccountView, ClientError> {
        self.get(&format!("/api/v1/accounts/{account}")).await
    }

    /// A data object, with its bag's buckets and those that claim to hold it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn object(&self, id: DataObjectId) -> Result<ObjectView, ClientError> {
        self.get(&format!("/api/v1/objects/{id}")).await
    }

    /// A bag and its buckets.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn bag(&self, id: &BagId) -> Result<BagView, ClientError> {
        self.get(&format!("/api/v1/bags/{id}")).await
    }

    /// All storage buckets.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn storage_buckets(&self) -> Result<Vec<StorageBucketView>, ClientError> {
        self.get("/api/v1/storage-buckets").await
    }

    /// All distribution buckets.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn distribution_buckets(&self) -> Result<Vec<DistributionBucketView>, ClientError> {
        self.get("/api/v1/distribution-buckets").await
    }

    /// All families of distribution buckets.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn families(&self) -> Result<Vec<FamilyView>, ClientError> {
        self.get("/api/v1/families").await
    }

    /// Channels, ascending, from one id on: as many as the node gives at once.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn channels(&self, from: ChannelId) -> Result<Vec<ChannelView>, ClientError> {
        self.get(&format!("/api/v1/channels?from={from}")).await
    }

    /// One channel.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn channel(&self, id: ChannelId) -> Result<ChannelView, ClientError> {
        self.get(&format!("/api/v1/channels/{id}")).await
    }

    /// Members, ascending, from one id on: as many as the node gives at once, none after the last.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn members(&self, from: MemberId) -> Result<Vec<MemberView>, ClientError> {
        self.get(&format!("/api/v1/members?from={from}")).await
    }

    /// One member, by id or handle.
    ///
    /// # Errors
    /// [`ClientError`]; a handle with other characters than handles have is not sent.
    pub async fn member(&self, id_or_handle: &str) -> Result<MemberView, ClientError> {
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if id_or_handle.is_empty() || !id_or_handle.bytes().all(plain) {
            return Err(self.base.protocol("a handle consists of lower-case letters, digits, - and _"));
        }
        self.get(&format!("/api/v1/members/{id_or_handle}")).await
    }

    /// Workers of a group, ascending, from one id on: as many as the node gives at once, none after the
    /// last.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn workers(&self, group: GroupName, from: WorkerId) -> Result<Vec<WorkerView>, ClientError> {
        self.get(&format!("/api/v1/groups/{group}/workers?from={from}")).await
    }

    /// The bag creation policies and the prices that an upload must quote.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn policies(&self) -> Result<Vec<PolicyView>, ClientError> {
        self.get("/api/v1/policies").await
    }

    /// A part of the record of a group's leads, from a place on: the first is `0`, and each part names
    /// the next one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn lead_log(
        &self,
        group: GroupName,
        from: &str,
        to: Option<u64>,
    ) -> Result<LeadLogView, ClientError> {
        let to = to.map_or_else(String::new, |to| format!("&to={to}"));
        self.get(&format!("/api/v1/groups/{group}/lead-log?from={from}{to}")).await
    }

    /// Sends a signed transaction and waits until it is durable in a block.
    ///
    /// The receipt of a call that failed in its block is an answer too: look at its `error`.
    ///
    /// # Errors
    /// [`ClientError`]; `Status` if the transaction was turned down before a block.
    pub async fn submit(&self, transaction: &Transaction) -> Result<ReceiptView, ClientError> {
        self.submit_encoded(transaction.encode()).await
    }

    /// The same of a transaction that somebody else signed and encoded.
    ///
    /// # Errors
    /// As [`DirectoryClient::submit`].
    pub async fn submit_encoded(&self, transaction: Vec<u8>) -> Result<ReceiptView, ClientError> {
        self.post("/api/v1/transactions", transaction).await?.json().await
    }

    /// Tells a sequencer that this node has a block on its disk.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn confirm(&self, confirmation: &Confirmation) -> Result<(), ClientError> {
        self.post("/api/v1/confirmations", confirmation.encode()).await.map(drop)
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> Result<Reply, ClientError> {
        let request = self
            .base
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .bytes(body);
        self.base.send(request).await
    }

    /// Opens the newest checkpoint of the node, from which a ledger can begin.
    ///
    /// # Errors
    /// [`ClientError`]; see [`ClientError::is_not_found`] if there is none yet.
    pub async fn snapshot(&self) -> Result<SnapshotStream, ClientError> {
        let reply = self.base.get("/api/v1/snapshot").await?;
        let height = reply.header(HEIGHT_HEADER).and_then(|text| text.parse().ok());
        let height = height.ok_or_else(|| reply.protocol("the snapshot does not say its height"))?;
        Ok(SnapshotStream { reply, height })
    }

    /// The receipt of a transaction in a block.
    ///
    /// # Errors
    /// [`ClientError`]; see [`ClientError::is_not_found`].
    pub async fn transaction(&self, hash: &[u8; 32]) -> Result<ReceiptView, ClientError> {
        self.get(&format!("/api/v1/transactions/{}", hex::encode(hash))).await
    }

    /// Opens a stream of all blocks from height `from` on, and of new ones as they are made.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn blocks(&self, from: u64) -> Result<BlockStream, ClientError> {
        let request = self
            .base
            .request(Method::GET, &format!("/api/v1/blocks?from={from}"))
            .header(header::ACCEPT, BLOCKS_MEDIA_TYPE);
        Ok(BlockStream { reply: self.base.send(request).await?, frames: Frames::default() })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.base.get(path).await?.json().await
    }
}

/// Blocks as they arrive, decoded but not checked: feed them to a `ChainVerifier`.
#[derive(Debug)]
pub struct BlockStream {
    reply: Reply,
    frames: Frames,
}

impl BlockStream {
    /// As [`BlockStream::next_encoded`], decoded.
    ///
    /// # Errors
    /// The same, and [`ClientError::Protocol`] if what arrived is no block.
    pub async fn next(&mut self) -> Result<Option<Block>, ClientError> {
        let Some(bytes) = self.next_encoded().await? else { return Ok(None) };
        let unreadable = |error| self.reply.protocol(&format!("a block cannot be read: {error}"));
        Block::decode_bytes(&bytes).map(Some).map_err(unreadable)
    }

    /// The next block as it was sent; `None` when the node has ended the stream between two blocks.
    ///
    /// Frames that keep the connection alive restart the idle deadline of 15 s and are not shown.
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`ClientError::NoAnswer`] after 15 s of silence or a broken connection,
    /// [`ClientError::Protocol`] if what arrived cannot be a block.
    pub async fn next_encoded(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            match self.frames.take() {
                Ok(Some(frame)) if frame.is_empty() => {}
                Ok(Some(frame)) => return Ok(Some(frame.freeze())),
                Ok(None) => match self.reply.chunk().await? {
                    Some(bytes) => self.frames.push(&bytes),
                    None if self.frames.is_empty() => return Ok(None),
                    None => return Err(self.reply.protocol("the stream of blocks ends inside a block")),
                },
                Err(length) => {
                    let text = format!("a block of {length} bytes is announced, more than any block has");
                    return Err(self.reply.protocol(&text));
                }
            }
        }
    }
}

/// A checkpoint as it arrives, not checked.
#[derive(Debug)]
pub struct SnapshotStream {
    reply: Reply,
    height: u64,
}

impl SnapshotStream {
    /// Height of the block after which it was made, as the node says.
    #[must_use]
    pub const fn height(&self) -> u64 {
        self.height
    }

    /// Bytes in all, if the node says so.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.reply.content_length()
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// [`ClientError::NoAnswer`] after 15 s of silence or a broken connection.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        self.reply.chunk().await
    }
}

/// Cuts a stream of bytes into frames of a little-endian `u32` length and that many bytes.
#[derive(Debug, Default)]
struct Frames {
    buffer: BytesMut,
}

impl Frames {
    fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The next whole frame, or the length of one that is too long.
    fn take(&mut self) -> Result<Option<BytesMut>, u64> {
        let Some(head) = self.buffer.first_chunk::<FRAME_HEAD_BYTES>() else {
            return Ok(None);
        };
        let length = u64::from(u32::from_le_bytes(*head));
        if length > to_u64(MAX_ENCODED_BLOCK_BYTES) {
            return Err(length);
        }
        let length = to_usize(length);
        if self.buffer.len() - FRAME_HEAD_BYTES < length {
            return Ok(None);
        }
        self.buffer.advance(FRAME_HEAD_BYTES);
        Ok(Some(self.buffer.split_to(length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_whole_however_the_bytes_are_cut() {
        let mut wire = Vec::new();
        let sent: [&[u8]; 4] = [b"first", b"", &[7; 40_000], b"x"];
        for frame in sent {
            wire.extend_from_slice(&u32::try_from(frame.len()).unwrap().to_le_bytes());
            wire.extend_from_slice(frame);
        }
        for step in [1, 3, 4, 5, 1000, wire.len()] {
            let mut frames = Frames::default();
            let mut got = Vec::new();
            for piece in wire.chunks(step) {
                frames.push(piece);
                while let Some(frame) = frames.take().unwrap() {
                    got.push(frame.to_vec());
                }
            }
            assert_eq!(got, sent, "pieces of {step} bytes");
            assert!(frames.is_empty());
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_before_it_arrives() {
        let mut frames = Frames::default();
        frames.push(&u32::MAX.to_le_bytes());
        assert_eq!(frames.take(), Err(u64::from(u32::MAX)));
    }
}
