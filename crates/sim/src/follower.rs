//! Following the directory: blocks in order into the index, checkpoints to disk.

use crate::{
    context::Context,
    disk::Disk,
    message::{Address, Block, Message},
};
use argosy_directory::Genesis;
use argosy_node_core::follow::{Index, IndexChange};
use std::rc::Rc;

/// After so long without a block the follower asks.
const SILENCE_MS: u64 = 1_500;
const CHECKPOINT_MS: u64 = 7_000;

pub(crate) struct Follower {
    pub(crate) index: Index,
    ask_ms: u64,
    checkpoint_ms: u64,
}

impl Follower {
    /// Starts from the checkpoint on disk, or from genesis.
    pub(crate) fn start(genesis: &Genesis, disk: &Disk, now_ms: u64) -> Self {
        let saved = disk.checkpoint().and_then(|bytes| Index::from_checkpoint(bytes, &genesis.hash()).ok());
        let index = saved.unwrap_or_else(|| Index::from_genesis(genesis));
        Self { index, ask_ms: now_ms, checkpoint_ms: now_ms + CHECKPOINT_MS }
    }

    pub(crate) fn on_blocks(&mut self, context: &mut Context<'_>, blocks: &[Rc<Block>]) -> Vec<IndexChange> {
        let mut changes = Vec::new();
        let before = self.index.height();
        for block in blocks {
            let next = self.index.height() + 1;
            if block.height < next {
                continue;
            }
            if block.height > next {
                self.ask_ms = context.now_ms;
                break;
            }
            match self.index.apply_block(block.height, block.time_ms, &block.events) {
                Ok(more) => changes.extend(more),
                Err(error) => {
                    let me = context.me;
                    context.judge.blame(|| format!("{me:?} cannot apply block {}: {error}", block.height));
                    return changes;
                }
            }
        }
        if self.index.height() > before {
            // A full answer means that there may be more.
            self.ask_ms = context.now_ms + if blocks.len() > 1 { 0 } else { SILENCE_MS };
        }
        changes
    }

    pub(crate) fn tick(&mut self, context: &mut Context<'_>, disk: &mut Disk) {
        if context.now_ms >= self.ask_ms {
            self.ask_ms = context.now_ms + SILENCE_MS;
            context.send(Address::Directory, Message::Follow { from: self.index.height() + 1 });
        }
        if context.now_ms >= self.checkpoint_ms {
            self.checkpoint_ms = context.now_ms + CHECKPOINT_MS;
            disk.save_checkpoint(self.index.to_checkpoint());
        }
    }

    pub(crate) fn next_wake_ms(&self) -> u64 {
        self.ask_ms.min(self.checkpoint_ms)
    }
}
