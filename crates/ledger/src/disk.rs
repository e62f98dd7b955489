//! What a running ledger does on its disk: segments of blocks, and checkpoints beside.

use crate::{
    chain::{Chain, Signatures},
    checkpointer::{Checkpointer, remove_unfinished},
    data_dir::{DataDir, checkpoints_dir, io_error},
    engine::EngineConfig,
    epoch::EpochChange,
    error::{EngineError, OpenError},
    log::{Log, LogWriter, Rolled},
    replay::{LogEnd, walk},
    start::newest_chain,
    steps::Steps,
    verify::ChainTip,
    view::{Places, Shared},
};
use argosy_directory::Genesis;
use bytes::Bytes;
use std::{io, sync::Arc};

/// Bytes of the log before a checkpoint that a start reads, to know the places of their transactions.
const RUN_UP_BYTES: u64 = 64 * 1024 * 1024;

/// What the thread that appends blocks does on the disk. Dropped in this order.
pub(crate) struct Disk {
    pub(crate) log: LogWriter,
    pub(crate) checkpointer: Checkpointer,
    /// Lets go of the data directory when the threads have ended, and not before.
    pub(crate) data_dir: DataDir,
    genesis: [u8; 32],
    steps: Steps,
    /// Whether the newest segment of the log is full, and no new one could be begun.
    is_stuck: bool,
}

/// A ledger, replayed and ready to be appended to.
pub(crate) struct Opened {
    pub(crate) shared: Arc<Shared>,
    pub(crate) disk: Disk,
    pub(crate) chain: Chain,
}

impl Opened {
    /// Goes on from the newest checkpoint that can be used, replays the log after it, and cuts off an
    /// unfinished last write, with a line in the log: it was never acknowledged.
    pub(crate) fn new(
        data_dir: DataDir,
        log: &Log,
        genesis: &Genesis,
        config: EngineConfig,
        steps: Steps,
    ) -> Result<Self, OpenError> {
        let dir = data_dir.path().to_owned();
        remove_unfinished(&dir).map_err(io_error("tidy up", &checkpoints_dir(&dir)))?;
        let (mut chain, mark) = newest_chain(&dir, log, genesis, RUN_UP_BYTES)?;
        let from_height = chain.tip().height;
        let mut places = Places::default();
        let end = walk(log, mark, &mut chain, Signatures::Trusted, |block| places.remember(block))?;
        cut_unfinished(log, end, chain.tip())?;
        // Before anybody sees it.
        log.last().settle(end.offset)?;
        let writer = log.last().writer(end.offset)?;
        tracing::info!(from_height, height = chain.tip().height, "replayed the ledger");
        let shared = Arc::new(Shared::new(log, end.offset, places, &chain, from_height, config)?);
        let checkpointer =
            Checkpointer::start(&dir, genesis, from_height, Arc::clone(&shared), steps.clone())
                .map_err(io_error("start the threads for", &dir))?;
        let disk =
            Disk { log: writer, checkpointer, data_dir, genesis: genesis.hash(), steps, is_stuck: false };
        Ok(Self { shared, disk, chain })
    }

    /// The change of sequencing keys that waits in the folder; none if it was carried out already.
    ///
    /// # Errors
    /// [`OpenError::Change`] if it cannot be carried out here.
    pub(crate) fn due_change(&self) -> Result<Option<EpochChange>, OpenError> {
        let data_dir = &self.disk.data_dir;
        let Some(change) = data_dir.change()? else { return Ok(None) };
        if change.terms.epoch <= self.chain.verifier().epochs().number() {
            data_dir.forget_change();
            return Ok(None);
        }
        ensure_may_follow(&change, &self.chain)
            .map_err(|why| OpenError::Change { path: data_dir.change_path(), why })?;
        Ok(Some(change))
    }
}

/// Whether a change of keys follows on the newest block, and is approved by those who may.
pub(crate) fn ensure_may_follow(change: &EpochChange, chain: &Chain) -> Result<(), &'static str> {
    let (tip, epochs) = (chain.tip(), chain.verifier().epochs());
    if change.terms.genesis != chain.state().genesis() {
        return Err("it is of another network");
    }
    if !epochs.is_next(&change.terms, tip.height, &tip.hash) {
        return Err("it does not follow on the newest block here");
    }
    let approvers = change.approvers().ok_or("it has no keys, or too many")?;
    if approvers.are_quorum_of(epochs.keys()) || approvers.carry(chain.state().council()) {
        Ok(())
    } else {
        Err("neither the key before nor enough of the council's keys approve it")
    }
}

impl Disk {
    /// Appends consecutive blocks, the first of this height, and returns where their records end, once
    /// all are on disk.
    pub(crate) fn append(
        &mut self,
        shared: &Shared,
        height: u64,
        blocks: &[Bytes],
    ) -> Result<Vec<u64>, EngineError> {
        self.begin_segment_if_full(shared, height)
            .and_then(|()| self.log.append(blocks))
            .map_err(|source| EngineError::Write { path: self.log.path().to_owned(), source })
    }

    /// Begins a new segment of the log if the newest one is full. While that cannot be done, it grows.
    fn begin_segment_if_full(&mut self, shared: &Shared, height: u64) -> io::Result<()> {
        if !self.log.is_full(shared.config().segment_bytes, height) {
            return Ok(());
        }
        match self.log.roll(&self.genesis, height, &self.steps)? {
            Rolled::New(segment) => {
                shared.reader.begin(segment);
                self.is_stuck = false;
            }
            Rolled::NotNow(error) if !self.is_stuck => {
                let path = self.log.path().display();
                tracing::warn!(%path, %error, "cannot begin a new segment of the log: the old one grows");
                self.is_stuck = true;
            }
            Rolled::NotNow(_) => {}
        }
        Ok(())
    }
}

fn cut_unfinished(log: &Log, end: LogEnd, tip: &ChainTip) -> Result<(), OpenError> {
    if end.unfinished_bytes == 0 {
        return Ok(());
    }
    tracing::warn!(
        path = %log.path().display(),
        bytes = end.unfinished_bytes,
        height = tip.height,
        "cut off an unfinished block that was never acknowledged"
    );
    log.last().truncate(end.offset)
}
