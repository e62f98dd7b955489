//! Transactions by signer: those of an account, and the record of a group's leads.

use crate::{
    App,
    answer::{Many, Part, aside, limit},
    entities::ensure_run,
    health::now_ms,
    index::Led,
    refusals::Refused,
    reply::{self, Id, Params},
    views,
};
use argosy_api::{
    ErrorBody,
    directory::{
        GroupName, LeadLogView, RecordView,
        query::{LeadLogQuery, Place, RecordPlace, TransactionsQuery},
    },
    refusal::SignedRefusal,
};
use argosy_directory::{Reject, Transaction, state::WORKING_GROUPS};
use argosy_domain::{AccountId, WorkingGroup};
use argosy_ledger::{Block, LedgerView, ReadError};
use axum::{Json, extract::State};
use bytes::Bytes;
use std::{io, sync::Arc};

/// Most transactions in one answer.
pub(crate) const MAX_RECORDS: usize = 200;
/// Blocks are read for one answer until they have so many bytes; then there is a next part.
const MAX_READ_BYTES: usize = 16 * 1024 * 1024;

/// Blocks as an answer needs them, each read once.
struct Reader<'a> {
    engine: &'a LedgerView,
    block: Option<Block>,
    bytes: usize,
}

impl<'a> Reader<'a> {
    const fn new(engine: &'a LedgerView) -> Self {
        Self { engine, block: None, bytes: 0 }
    }

    /// A transaction of a group's lead, whether its block is kept or not.
    fn led(&mut self, app: &App, group: WorkingGroup, place: Place) -> Result<Option<RecordView>, ErrorBody> {
        let led = app.index.led(group, place).map_err(|error| reply::index_failed(&error))?;
        Ok(led.and_then(|Led { time_ms, bytes, result }| {
            self.bytes = self.bytes.saturating_add(bytes.len());
            let Place { height, index } = place;
            views::signed(&views::Signed { height, index, time_ms, bytes: &bytes, result })
        }))
    }

    const fn is_exhausted(&self) -> bool {
        self.bytes >= MAX_READ_BYTES
    }

    /// The transaction at a place; nothing if its block is not kept any more.
    fn record(&mut self, place: Place) -> Result<Option<RecordView>, ReadError> {
        if self.block.as_ref().is_none_or(|block| block.header.height != place.height) {
            let bytes = self.engine.block_bytes(place.height)?;
            self.bytes = self.bytes.saturating_add(bytes.as_ref().map_or(0, Bytes::len));
            self.block = bytes.and_then(|bytes| Block::decode_bytes(&bytes).ok());
        }
        Ok(self.block.as_ref().and_then(|block| {
            let at = usize::try_from(place.index).ok()?;
            views::signed(&views::Signed {
                height: place.height,
                index: place.index,
                time_ms: block.header.time_ms,
                bytes: block.transactions.get(at)?,
                result: block.outcomes.get(at)?.result,
            })
        }))
    }
}

/// An account's transactions, the newest first.
pub(crate) async fn of_account(
    State(app): State<App>,
    Id(account): Id<AccountId>,
    Params(query): Params<TransactionsQuery>,
) -> Many<RecordView> {
    let inner = app.clone();
    aside(&app, move || find_of_account(&inner, &account, &query)).await?
}

fn find_of_account(app: &App, account: &AccountId, query: &TransactionsQuery) -> Many<RecordView> {
    let most = limit(query.limit, MAX_RECORDS);
    let height = app.index.coverage().height();
    let (oldest, asked) = (app.engine.oldest_block(), most.saturating_add(1));
    let places = app.index.of_account(account, query.from, oldest, asked);
    let mut reader = Reader::new(&app.engine);
    let mut items = Vec::new();
    for place in places.map_err(|error| reply::index_failed(&error))? {
        if items.len() == most || reader.is_exhausted() {
            return Ok(Part { height, items, next: Some(place.to_string()) });
        }
        match reader.record(place) {
            Ok(item) => items.extend(item),
            // Dropped a moment ago, as are all that follow.
            Err(ReadError::Gone { .. }) => break,
            Err(error) => return Err(reply::unreadable(&error)),
        }
    }
    Ok(Part { height, items, next: None })
}

/// The record of a group's leads.
pub(crate) async fn lead_log(
    State(app): State<App>,
    Id(GroupName(group)): Id<GroupName>,
    Params(query): Params<LeadLogQuery>,
) -> Result<Json<LeadLogView>, ErrorBody> {
    ensure_run(group)?;
    let inner = app.clone();
    aside(&app, move || find_lead_log(&inner, group, &query)).await?.map(Json)
}

fn find_lead_log(app: &App, group: WorkingGroup, query: &LeadLogQuery) -> Result<LeadLogView, ErrorBody> {
    let most = limit(query.limit, MAX_RECORDS);
    let from = query.from.unwrap_or(RecordPlace { height: 0, refused: false, number: 0 });
    let coverage = app.index.coverage();
    let last_height = coverage.height();
    let to = query.to.unwrap_or(u64::MAX).min(last_height);
    let mut reader = Reader::new(&app.engine);
    let mut entries = Vec::new();
    let mut next = None;
    for found in places(app, group, from, to, most.saturating_add(1))? {
        if entries.len() == most || reader.is_exhausted() {
            next = Some(found.place().to_string());
            break;
        }
        entries.extend(match found {
            Entry::InBlock(place) => reader.led(app, group, place)?,
            Entry::Refused(entry) => views::refused(&entry),
        });
    }
    let truncated = coverage.first > 1 || app.refusals.is_truncated();
    Ok(LeadLogView { entries, first_height: coverage.first, last_height, truncated, next })
}

/// Where an entry of the record is to be found.
enum Entry {
    InBlock(Place),
    Refused(Arc<SignedRefusal>),
}

impl Entry {
    fn place(&self) -> RecordPlace {
        match self {
            Self::InBlock(place) => {
                RecordPlace { height: place.height, refused: false, number: place.index.into() }
            }
            Self::Refused(entry) => {
                let refusal = &entry.refusal;
                RecordPlace { height: refusal.height, refused: true, number: refusal.number }
            }
        }
    }
}

/// The first entries of the record from a place on, in order.
fn places(
    app: &App,
    group: WorkingGroup,
    from: RecordPlace,
    to: u64,
    most: usize,
) -> Result<Vec<Entry>, ErrorBody> {
    let first = Place {
        height: if from.refused { from.height.saturating_add(1) } else { from.height },
        index: if from.refused { 0 } else { u32::try_from(from.number).unwrap_or(u32::MAX) },
    };
    let in_blocks = app.index.of_lead(group, first, to, most).map_err(|error| reply::index_failed(&error))?;
    let in_blocks = in_blocks.into_iter().map(Entry::InBlock);
    let refused = app.refusals.of_group(group, most, |refusal| {
        let place = RecordPlace { height: refusal.height, refused: true, number: refusal.number };
        place >= from && place.height <= to
    });
    let mut entries: Vec<_> = in_blocks.chain(refused.into_iter().map(Entry::Refused)).collect();
    entries.sort_by_key(Entry::place);
    entries.truncate(most);
    Ok(entries)
}

/// Writes a refused transaction into the refusal log, if a lead signed it for this network.
///
/// What is in a block already is left out: anybody can send that again.
///
/// Anybody can claim to be a lead: what is claimed is looked at one after the other, and only so many
/// wait for that.
pub(crate) async fn note_refusal(app: App, bytes: &Bytes, error: &ErrorBody) {
    if error.number == Reject::BadSignature.number() {
        return;
    }
    let Ok(transaction) = Transaction::decode(bytes) else { return };
    let groups = led_by(&app, transaction.payload.signer);
    if groups.is_empty() || transaction.payload.genesis != app.genesis.hash() {
        return;
    }
    let Some(turn) = app.refusals.turn().await else {
        tracing::warn!("too many refusals in the name of leads at once: one is not in the refusal log");
        return;
    };
    let (bytes, error) = (bytes.to_vec(), error.clone());
    let noted = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        if let Err(error) = try_note(&app, &transaction, groups, bytes, &error) {
            tracing::warn!(%error, "cannot write the refusal log");
        }
    });
    if noted.await.is_err() {
        tracing::error!("writing the refusal log panicked: this is a defect of argosy");
    }
}

fn try_note(
    app: &App,
    transaction: &Transaction,
    groups: Vec<WorkingGroup>,
    bytes: Vec<u8>,
    error: &ErrorBody,
) -> io::Result<()> {
    let hash = transaction.hash();
    let is_in_block = app.index.has_of_lead(&hash).map_err(io::Error::other)?
        || app.engine.find_transaction(&hash).is_ok_and(|receipt| receipt.is_some());
    // The signature last: it costs most.
    if is_in_block || !transaction.signature_holds() {
        return Ok(());
    }
    let height = app.engine.head().borrow().height;
    app.refusals.add(Refused { time_ms: now_ms(), height, groups, error, transaction: bytes })
}

/// Groups that an account leads now.
fn led_by(app: &App, account: AccountId) -> Vec<WorkingGroup> {
    let Ok(state) = app.engine.snapshot() else { return Vec::new() };
    let leads = |group: &WorkingGroup| {
        let lead = state.lead(*group).and_then(|lead| state.worker(*group, lead));
        lead.is_some_and(|lead| lead.role_account == account)
    };
    WORKING_GROUPS.into_iter().filter(leads).collect()
}
