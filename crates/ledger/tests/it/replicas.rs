//! Copies of a ledger that follow the blocks of others.

use crate::{
    epochs::{blocks, change, run},
    support::{close, genesis, genesis_with_council, key, now_ms},
};
use argosy_directory::Genesis;
use argosy_ledger::{
    AppendError, Block, BlockError, EngineConfig, EngineTask, FinalityProof, Replica, error::ChainError,
    install_change, replay,
};
use bytes::Bytes;
use codec::Encode;
use std::path::Path;

fn open(dir: &Path, genesis: &Genesis) -> (Replica, EngineTask) {
    Replica::open(dir, genesis, EngineConfig::default()).unwrap()
}

async fn end(replica: Replica, mut task: EngineTask) {
    drop(replica);
    task.stop();
    task.join().await.unwrap();
}

fn encoded(blocks: &[Block]) -> Vec<Bytes> {
    blocks.iter().map(|block| block.encode().into()).collect()
}

/// Signed by the sequencer, whatever it says.
fn signed(mut block: Block) -> Block {
    block.proof = FinalityProof::sign(&key("//Sequencer"), 0, &block.header.hash());
    block
}

#[tokio::test]
async fn a_copy_is_the_same_ledger_whatever_the_batches() {
    let (dir, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let genesis = genesis();
    run(dir.path(), &genesis, "//Sequencer", 0..20).await;
    let all = encoded(&blocks(dir.path(), &genesis, 1));
    let whole = replay(dir.path(), &genesis).unwrap();
    for batch in [1, 3, 7, 20] {
        let copy = copies.path().join(batch.to_string());
        let (replica, task) = open(&copy, &genesis);
        for part in all.chunks(batch) {
            replica.append(part.to_vec(), now_ms()).await.unwrap();
        }
        let tip = *replica.head().borrow();
        assert_eq!((tip.height, tip.hash, tip.state_root), (whole.height, whole.hash, whole.state_root));
        assert_eq!(replica.blocks_bytes(1, usize::MAX).unwrap(), all);
        let first = Block::decode_bytes(&all[4]).unwrap();
        let hash = argosy_ledger::block::transaction_hash(&first.transactions[0]);
        assert_eq!(replica.find_transaction(&hash).unwrap().unwrap().height, 5);
        let again = AppendError::Refused { height: 1, source: BlockError::Height { expected: 21, found: 1 } };
        assert_eq!(replica.append(all[..1].to_vec(), now_ms()).await, Err(again));
        end(replica, task).await;
        assert_eq!(replay(&copy, &genesis).unwrap(), whole);
        let (replica, task) = open(&copy, &genesis);
        assert_eq!(*replica.head().borrow(), tip);
        end(replica, task).await;
    }
}

#[tokio::test]
async fn what_a_sender_alters_is_refused_and_what_came_before_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis();
    run(dir.path(), &genesis, "//Sequencer", 0..4).await;
    let all = blocks(dir.path(), &genesis, 1);
    let (replica, task) = open(&dir.path().join("copy"), &genesis);
    let mut altered = all.clone();
    altered[2].header.state_root[0] ^= 1;
    let refused = AppendError::Refused { height: 3, source: BlockError::Signature };
    assert_eq!(replica.append(encoded(&altered), now_ms()).await, Err(refused));
    assert_eq!(replica.head().borrow().height, 2);
    let malformed = vec![encoded(&all)[2].clone(), Bytes::from_static(b"no block")];
    assert_eq!(replica.append(malformed, now_ms()).await, Err(AppendError::Malformed));
    assert_eq!(replica.head().borrow().height, 3);
    // From somebody else it goes on.
    assert_eq!(replica.append(encoded(&all[3..]), now_ms()).await, Ok(()));
    close_at(replica, task, 4).await;
}

async fn close_at(replica: Replica, task: EngineTask, height: u64) {
    assert_eq!(replica.head().borrow().height, height);
    end(replica, task).await;
}

#[tokio::test]
async fn a_signed_block_with_a_wrong_root_stops_everything_and_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis();
    run(dir.path(), &genesis, "//Sequencer", 0..4).await;
    let all = blocks(dir.path(), &genesis, 1);
    let copy = dir.path().join("copy");
    let (replica, task) = open(&copy, &genesis);
    replica.append(encoded(&all[..2]), now_ms()).await.unwrap();
    let mut wrong = all[2].clone();
    wrong.header.state_root[0] ^= 1;
    let told = AppendError::Wrong { height: 3, source: ChainError::StateRoot };
    assert_eq!(replica.append(encoded(&[signed(wrong)]), now_ms()).await, Err(told));
    assert_eq!(replica.append(encoded(&all[2..]), now_ms()).await, Err(told), "not even the right one");
    assert_eq!(replica.read(|state| state.at().height).await, Ok(2), "readers see what was right");
    close_at(replica, task, 2).await;
    assert_eq!(replay(&copy, &genesis).unwrap().height, 2);
}

#[tokio::test]
async fn changes_of_keys_are_followed_if_the_council_approves_them() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis_with_council();
    run(dir.path(), &genesis, "//Sequencer", 0..2).await;
    let approved = change(dir.path(), &genesis, "//Next", &["//Ben", "//Cat"]);
    install_change(dir.path(), &genesis, &approved).unwrap();
    run(dir.path(), &genesis, "//Next", 2..4).await;
    let planned = change(dir.path(), &genesis, "//Third", &["//Next"]);
    install_change(dir.path(), &genesis, &planned).unwrap();
    run(dir.path(), &genesis, "//Third", 4..5).await;
    let all = blocks(dir.path(), &genesis, 1);

    let (replica, task) = open(&dir.path().join("copy"), &genesis);
    let mut usurped = all.clone();
    let terms = approved.terms.clone();
    usurped[2].proof.change = Some(Box::new(terms.approve(&key("//Mallory"))));
    let refused = AppendError::Refused { height: 3, source: BlockError::Unapproved };
    assert_eq!(replica.append(encoded(&usurped), now_ms()).await, Err(refused));
    assert_eq!(replica.head().borrow().height, 2, "what came before is kept");
    replica.append(encoded(&all[2..]), now_ms()).await.unwrap();
    assert_eq!(replica.epochs().changes(), [approved, planned]);
    let height = all.last().unwrap().header.height;
    close_at(replica, task, height).await;
    let (replica, task) = open(&dir.path().join("copy"), &genesis);
    assert_eq!(replica.epochs().number(), 2);
    end(replica, task).await;
}

/// What a copy is for: when the sequencer's disk is lost, it goes on.
#[tokio::test]
async fn a_copy_becomes_the_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis_with_council();
    let (lost, copy) = (dir.path().join("lost"), dir.path().join("copy"));
    run(&lost, &genesis, "//Sequencer", 0..3).await;
    let (replica, task) = open(&copy, &genesis);
    replica.append(encoded(&blocks(&lost, &genesis, 1)), now_ms()).await.unwrap();
    end(replica, task).await;
    let approved = change(&copy, &genesis, "//Standby", &["//Ann", "//Ben"]);
    install_change(&copy, &genesis, &approved).unwrap();
    run(&copy, &genesis, "//Standby", 3..5).await;

    // The lost one comes back and goes on by itself: whoever follows the new one refuses its blocks.
    run(&lost, &genesis, "//Sequencer", 3..5).await;
    let (replica, task) = open(&dir.path().join("other"), &genesis);
    replica.append(encoded(&blocks(&copy, &genesis, 1)), now_ms()).await.unwrap();
    let height = replica.head().borrow().height;
    let stale = encoded(&blocks(&lost, &genesis, 4));
    assert!(matches!(replica.append(stale, now_ms()).await, Err(AppendError::Refused { .. })));
    close_at(replica, task, height).await;
    let (engine, task) =
        argosy_ledger::Engine::open(&copy, &genesis, key("//Standby"), EngineConfig::default()).unwrap();
    close(engine, task).await;
}

/// Blocks that were written together reach the disk in any order: whatever a crash leaves of them, the
/// ledger goes on from the last one before the first that is missing. What was there whole and changed
/// later is damage still.
#[tokio::test]
async fn a_batch_that_a_crash_tore_is_dropped_from_the_first_missing_block_on() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis();
    run(dir.path(), &genesis, "//Sequencer", 0..10).await;
    let all = encoded(&blocks(dir.path(), &genesis, 1));
    let (sound, torn) = (dir.path().join("sound"), dir.path().join("torn"));
    let (replica, task) = open(&sound, &genesis);
    replica.append(all[..2].to_vec(), now_ms()).await.unwrap();
    replica.append(all[2..].to_vec(), now_ms()).await.unwrap();
    close_at(replica, task, 10).await;
    let bytes = std::fs::read(sound.join("blocks.log")).unwrap();
    let lengths: usize = all.iter().map(|block| block.len() + 44).sum();
    let mut ends = vec![bytes.len() - lengths];
    for block in &all {
        ends.push(ends[ends.len() - 1] + block.len() + 44);
    }
    std::fs::create_dir(&torn).unwrap();
    let mut dropped = 0;
    for sector in (ends[2].next_multiple_of(512)..bytes.len()).step_by(512) {
        let mut bytes = bytes.clone();
        let end = bytes.len().min(sector + 512);
        bytes[sector..end].fill(0);
        std::fs::write(torn.join("blocks.log"), &bytes).unwrap();
        let kept = ends.iter().filter(|end| **end <= sector).count() - 1;
        let (replica, task) = open(&torn, &genesis);
        assert_eq!(replica.head().borrow().height, kept as u64, "the sector at {sector} was never written");
        replica.append(all[kept..].to_vec(), now_ms()).await.unwrap();
        close_at(replica, task, 10).await;
        assert_eq!(replay(&torn, &genesis).unwrap(), replay(&sound, &genesis).unwrap());
        dropped += 1;
    }
    assert!(dropped >= 4, "{dropped}");
    for at in [ends[0] + 60, ends[3] + 60, ends[8] + 60] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        std::fs::write(torn.join("blocks.log"), &bytes).unwrap();
        let refused = Replica::open(&torn, &genesis, EngineConfig::default()).unwrap_err();
        assert!(matches!(refused, argosy_ledger::OpenError::Damaged { .. }), "{at}: {refused}");
    }
}
