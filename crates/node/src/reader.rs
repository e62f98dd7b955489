//! Reads bytes of an object: from the store if it is complete, else as they are fetched.

use crate::brought::Brought;
use crate::fill::{Board, FillError, Fills, Keep, Look, ReadRequest, Seat};
use argosy_content::{GroupRange, byte_range, groups_of};
use argosy_domain::{
    limits::{GROUP_BYTES, WINDOW_GROUPS},
    num::{to_u64, to_usize},
};
use argosy_http::BodyPiece;
use argosy_store::{Damaged, PartialObject, ReadError, StoreError, StoredObject};
use bytes::Bytes;
use futures_util::{Stream, stream};
use std::{collections::VecDeque, fs::File, io, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Groups of a complete object that are read at once.
const STORED_RUN_GROUPS: u64 = 16;
/// Groups of a complete object that are proved at once, if need be, and sent by the kernel.
const SENT_RUN_GROUPS: u64 = WINDOW_GROUPS;
/// How often a reader starts over after damage on the disk or a fill that ended under it, without a byte
/// in between.
const MAX_RESTARTS: u32 = 8;
/// How long a reader that has had bytes rests before it asks again in an outage, in milliseconds.
const OUTAGE_REST_MS: std::ops::Range<u64> = 250..750;
/// How long it waits before the second time; each time twice as long. Whoever completes the object, or takes
/// damage out of it, must get around to it.
const RESTART_PAUSE: Duration = Duration::from_millis(5);

/// Reads a range of an object, in order, every byte proved.
///
/// What is missing is fetched, and what turns out damaged on disk is fetched anew. Dropping the
/// reader ends what was being fetched for it alone.
#[derive(Debug)]
pub struct ObjectReader {
    fills: Fills,
    request: ReadRequest,
    /// Byte that comes next.
    at: u64,
    end: u64,
    keep: Keep,
    backing: Backing,
    /// Groups in memory, the one that `at` lies in first.
    ready: VecDeque<Bytes>,
    restarts: u32,
    /// Since when no source can be reached, in the middle of what is read.
    outage: Option<Instant>,
    brought: Brought,
}

/// What was found of what comes next.
enum Found {
    Groups(VecDeque<Bytes>),
    /// All of these were proved, and lie in the file.
    Proved(Arc<File>, GroupRange),
}

#[derive(Debug)]
enum Backing {
    /// Not looked yet.
    None,
    Stored(Arc<StoredObject>),
    Fill(Seat),
}

impl ObjectReader {
    pub(crate) fn new(fills: Fills, request: ReadRequest) -> Self {
        let end = request.range.end.min(request.meta.size);
        Self {
            fills,
            at: request.range.start.min(end),
            end,
            keep: request.keep,
            request,
            backing: Backing::None,
            ready: VecDeque::new(),
            restarts: 0,
            outage: None,
            brought: Brought::default(),
        }
    }

    /// The same, and what is fetched for it while it reads is noted there.
    #[must_use]
    pub fn noting(mut self, brought: &Brought) -> Self {
        self.brought = brought.clone();
        self
    }

    /// Bytes still to come.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.end - self.at
    }

    /// The next bytes, at most a group; none at the end of the range.
    ///
    /// # Errors
    /// [`FillError`]. What was given before is right; nothing more will come.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, FillError> {
        if self.at >= self.end {
            return Ok(None);
        }
        while self.ready.is_empty() {
            if let Found::Groups(groups) = self.find(false).await? {
                self.ready = groups;
            }
        }
        Ok(self.take_ready())
    }

    /// What comes next, which may be a part of a file for the kernel to send: at most 1 MiB; none at the end
    /// of the range.
    ///
    /// # Errors
    /// As [`ObjectReader::next_chunk`].
    pub async fn next_piece(&mut self) -> Result<Option<BodyPiece>, FillError> {
        if self.at >= self.end {
            return Ok(None);
        }
        if self.ready.is_empty() {
            match self.find(true).await? {
                Found::Groups(groups) => self.ready = groups,
                Found::Proved(file, groups) => {
                    self.went_on();
                    let range = byte_range(groups, self.request.meta.size);
                    let (offset, end) = (self.at, range.end.min(self.end));
                    self.at = end;
                    return Ok(Some(BodyPiece::File { file, offset, len: end - offset }));
                }
            }
        }
        let mut pieces = Vec::with_capacity(self.ready.len());
        while let Some(chunk) = self.take_ready() {
            pieces.push(chunk);
        }
        Ok(Some(BodyPiece::Bytes(pieces)))
    }

    /// The next group in memory, cut to what is wanted of it.
    fn take_ready(&mut self) -> Option<Bytes> {
        let bytes = self.ready.pop_front()?;
        self.went_on();
        let skip = to_usize(self.at % GROUP_BYTES);
        let take = bytes.len().min(to_usize(self.end - self.at).saturating_add(skip));
        let chunk = bytes.slice(skip..take);
        self.at += to_u64(chunk.len());
        Some(chunk)
    }

    fn went_on(&mut self) {
        self.outage = None;
        self.restarts = 0;
    }

    /// All that is still to come, as a stream that ends at the first error.
    pub fn into_stream(self) -> impl Stream<Item = io::Result<BodyPiece>> + Send + 'static {
        stream::try_unfold(self, |mut reader| async move {
            let piece = reader.next_piece().await.map_err(io::Error::other)?;
            Ok(piece.map(|piece| (piece, reader)))
        })
    }

    /// Finds what comes next; in a file only if it is to be `sent` by the kernel.
    async fn find(&mut self, sent: bool) -> Result<Found, FillError> {
        loop {
            let group = self.at / GROUP_BYTES;
            let seat = match &self.backing {
                Backing::None => {
                    self.choose_backing().await?;
                    continue;
                }
                Backing::Stored(stored) => {
                    let stored = Arc::clone(stored);
                    if let Some(found) = self.find_stored(stored, group, sent).await? {
                        return Ok(found);
                    }
                    continue;
                }
                Backing::Fill(seat) => seat,
            };
            match seat.look(group) {
                Look::Bytes(groups) => return Ok(Found::Groups(groups.into())),
                Look::Stored(stored) => self.backing = Backing::Stored(stored),
                Look::Disk(partial, run) => {
                    if let Some(groups) = self.read_partial(partial, run).await? {
                        return Ok(Found::Groups(groups));
                    }
                }
                Look::Wait(wake) => wake.notified().await,
                // The reader need not suffer from a store that cannot keep what it reads.
                Look::Failed(FillError::NotKept) if self.keep == Keep::Stored => {
                    self.keep = Keep::PassThrough;
                    self.backing = Backing::None;
                }
                Look::Failed(error) => self.outlast(error).await?,
            }
        }
    }

    /// In the middle of what is read, an outage of all sources is waited out for a while: whoever has had
    /// the first bytes cannot be told to come again.
    async fn outlast(&mut self, error: FillError) -> Result<(), FillError> {
        let begun = self.at > self.request.range.start;
        let since = *self.outage.get_or_insert_with(Instant::now);
        if !begun || !error.is_outage() || since.elapsed() >= self.fills.patience() {
            return Err(error);
        }
        tokio::time::sleep(Duration::from_millis(fastrand::u64(OUTAGE_REST_MS))).await;
        self.backing = Backing::None;
        Ok(())
    }

    async fn choose_backing(&mut self) -> Result<(), FillError> {
        if let Some(stored) = self.fills.stored(self.request.id, self.request.meta) {
            self.backing = Backing::Stored(stored);
            return Ok(());
        }
        self.enter(|reader| match reader.keep {
            Keep::Stored => reader.fills.join(reader.request.id, reader.request.meta),
            Keep::PassThrough => reader.fills.start_private(reader.request.id, reader.request.meta),
        })
        .await
    }

    /// Takes a seat at a fill. One that ends in this moment is replaced.
    async fn enter(
        &mut self,
        join: impl Fn(&Self) -> Result<Arc<Board>, FillError>,
    ) -> Result<(), FillError> {
        let groups = groups_of(self.at..self.end);
        loop {
            if let Some(seat) = join(self)?.enter(groups, self.brought.clone()) {
                self.backing = Backing::Fill(seat);
                return Ok(());
            }
            self.count_restart().await?;
        }
    }

    async fn count_restart(&mut self) -> Result<(), FillError> {
        self.restarts += 1;
        match self.restarts {
            ..=1 => {}
            2..=MAX_RESTARTS => tokio::time::sleep(RESTART_PAUSE * (1 << (self.restarts - 2))).await,
            _ => return Err(FillError::NoProgress),
        }
        Ok(())
    }

    /// The group and some after it; none if they were damaged and are to be fetched.
    async fn find_stored(
        &mut self,
        stored: Arc<StoredObject>,
        group: u64,
        sent: bool,
    ) -> Result<Option<Found>, FillError> {
        let file = stored.file().filter(|_| sent).cloned();
        let most = if file.is_some() { SENT_RUN_GROUPS } else { STORED_RUN_GROUPS };
        let end = groups_of(self.at..self.end).end.min(group.saturating_add(most));
        let run = GroupRange::new(group, end);
        let found = match file {
            // As a hit, without a thread of its own.
            Some(file) if stored.is_verified(run) => Ok(Ok(Found::Proved(file, run))),
            Some(file) => {
                tokio::task::spawn_blocking(move || {
                    stored.ensure_verified(run).map(|()| Found::Proved(file, run))
                })
                .await
            }
            None => {
                tokio::task::spawn_blocking(move || {
                    stored.read_checked(run).map(|groups| Found::Groups(groups.into()))
                })
                .await
            }
        };
        match found {
            Ok(Ok(found)) => Ok(Some(found)),
            Ok(Err(damaged)) => {
                self.count_restart().await?;
                self.repair(damaged).await?;
                Ok(None)
            }
            Err(_) => Err(FillError::Stopped),
        }
    }

    /// Takes damaged groups out of the store and goes on from a fill, which fetches them anew.
    async fn repair(&mut self, damaged: Damaged) -> Result<(), FillError> {
        if self.fills.repair(damaged).await {
            return self.enter(|reader| reader.fills.join(reader.request.id, reader.request.meta)).await;
        }
        self.keep = Keep::PassThrough;
        self.enter(|reader| reader.fills.start_private(reader.request.id, reader.request.meta)).await
    }

    async fn read_partial(
        &mut self,
        partial: Arc<PartialObject>,
        run: GroupRange,
    ) -> Result<Option<VecDeque<Bytes>>, FillError> {
        let held = Arc::clone(&partial);
        let read = tokio::task::spawn_blocking(move || {
            held.read_verified(run).map_err(|error| match error {
                ReadError::Damaged(damaged) => forget(&held, damaged),
                ReadError::Missing(_) => Mended::Lost,
            })
        });
        match read.await {
            Ok(Ok(groups)) => Ok(Some(groups.into())),
            Ok(Err(mended)) => {
                self.count_restart().await?;
                match (mended, &self.backing) {
                    (Mended::Forgotten, Backing::Fill(seat)) => seat.report_loss(),
                    // What became of it is in the store, damage and all.
                    (Mended::Over, _) => self.backing = Backing::None,
                    (Mended::Forgotten | Mended::Lost, _) => {}
                }
                Ok(None)
            }
            Err(_) => Err(FillError::Stopped),
        }
    }
}

/// What became of groups that could not be read from a partial object.
enum Mended {
    /// They count as missing.
    Forgotten,
    /// They counted as missing already, or stay as they are: they are met again.
    Lost,
    /// The object is complete meanwhile, or gone.
    Over,
}

/// Counts damaged groups as missing. Blocks the thread.
fn forget(partial: &PartialObject, damaged: Damaged) -> Mended {
    tracing::warn!(object = %damaged.id, cause = %damaged.cause, "a partial object is damaged");
    match partial.forget(damaged.groups) {
        Ok(()) => Mended::Forgotten,
        Err(StoreError::Gone(_)) => Mended::Over,
        Err(error) => {
            tracing::warn!(object = %damaged.id, %error, "damaged groups stay");
            Mended::Lost
        }
    }
}
