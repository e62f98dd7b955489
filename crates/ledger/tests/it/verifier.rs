//! What a follower refuses.

use crate::support::{close, genesis, key, make_blocks, open};
use argosy_domain::{Keypair, limits::MAX_CLOCK_AHEAD_MS};
use argosy_ledger::{Block, BlockError, ChainVerifier, FinalityProof, Header, genesis_block};
use codec::Encode;

/// Blocks 1 to 3 of a chain.
async fn blocks() -> Vec<Block> {
    let dir = tempfile::tempdir().unwrap();
    let (engine, task) = open(dir.path());
    make_blocks(&engine, "//Alice", 0, 3).await;
    let blocks = engine.blocks_bytes(1, usize::MAX).unwrap();
    close(engine, task).await;
    blocks.iter().map(|bytes| Block::decode_bytes(bytes).unwrap()).collect()
}

fn at_genesis() -> ChainVerifier {
    ChainVerifier::new(&genesis()).unwrap()
}

#[tokio::test]
async fn a_chain_is_accepted_from_genesis_and_from_any_tip() {
    let blocks = blocks().await;
    let mut verifier = at_genesis();
    for block in &blocks {
        let mut resumed = ChainVerifier::resume(&genesis(), verifier.anchor());
        assert_eq!(verifier.check(block, Some(block.header.time_ms)).map(drop), Ok(()));
        assert_eq!(resumed.check(block, None).map(drop), Ok(()));
        assert_eq!(verifier.tip().hash, block.header.hash());
    }
    assert_eq!(verifier.tip().height, 3);
    let again = BlockError::Height { expected: 4, found: 2 };
    assert_eq!(verifier.check(&blocks[1], None), Err(again));
    assert_eq!(at_genesis().check(&blocks[1], None), Err(BlockError::Height { expected: 1, found: 2 }));
}

#[tokio::test]
async fn every_altered_header_field_is_refused() {
    let good = blocks().await.remove(0);
    type Alter = fn(&mut Header);
    let alterations: [(&str, Alter); 13] = [
        ("version", |h| h.version = 2),
        ("rules_version", |h| h.rules_version = 2),
        ("height", |h| h.height = 2),
        ("parent", |h| h.parent[0] ^= 1),
        ("time_ms", |h| h.time_ms += 1),
        ("time_ms back", |h| h.time_ms = 1),
        ("transactions_root", |h| h.transactions_root[0] ^= 1),
        ("results_root", |h| h.results_root[0] ^= 1),
        ("state_root", |h| h.state_root[0] ^= 1),
        ("proposer", |h| h.proposer = 1),
        ("randomness", |h| h.randomness[0] ^= 1),
        ("vrf.preout", |h| h.vrf.preout[0] ^= 1),
        ("vrf.proof", |h| h.vrf.proof[0] ^= 1),
    ];
    for (field, alter) in alterations {
        let mut block = good.clone();
        alter(&mut block.header);
        let mut verifier = at_genesis();
        assert!(verifier.check(&block, None).is_err(), "{field}");
        assert_eq!(
            verifier.check(&good, None).map(drop),
            Ok(()),
            "{field}: the verifier stayed where it was"
        );
    }
}

/// The block with its proof made anew by `key`, as a cheating sequencer or a stranger would.
fn signed_by(key: &Keypair, mut block: Block) -> Block {
    block.proof = FinalityProof::sign(key, 0, &block.header.hash());
    block
}

#[tokio::test]
async fn not_even_the_sequencer_chooses_the_randomness() {
    let good = blocks().await.remove(0);
    let sequencer = key("//Sequencer");
    let check = |block: &Block| at_genesis().check(block, None).map(drop);
    assert_eq!(check(&signed_by(&sequencer, good.clone())), Ok(()));

    let mut chosen = good.clone();
    chosen.header.randomness = [7; 32];
    assert_eq!(check(&signed_by(&sequencer, chosen)), Err(BlockError::Randomness));

    let mut other = good.clone();
    let pair = key("//Sequencer").sr25519().unwrap().clone();
    (other.header.randomness, other.header.vrf) = argosy_ledger::randomness::draw(&pair, &[0; 32], 1);
    assert_eq!(check(&signed_by(&sequencer, other)), Err(BlockError::Randomness));
}

#[tokio::test]
async fn content_and_proof_must_be_the_headers() {
    let good = blocks().await.remove(0);
    let check = |block: &Block| at_genesis().check(block, None).map(drop);
    assert_eq!(check(&signed_by(&key("//Alice"), good.clone())), Err(BlockError::Signature));

    let mut block = good.clone();
    block.proof.signatures.clear();
    assert_eq!(check(&block), Err(BlockError::Signature));
    let mut block = good.clone();
    block.proof.epoch = 1;
    assert_eq!(check(&block), Err(BlockError::Epoch { epoch: 0 }));
    let mut block = good.clone();
    block.proof.signatures.push(good.proof.signatures[0]);
    assert_eq!(check(&block), Err(BlockError::Signature));

    let mut block = good.clone();
    block.transactions[0][40] ^= 1;
    assert_eq!(check(&block), Err(BlockError::TransactionsRoot));
    let mut block = good.clone();
    block.outcomes[0].events.clear();
    assert_eq!(check(&block), Err(BlockError::ResultsRoot));
    let mut block = good.clone();
    block.block_events.clone_from(&good.outcomes[0].events);
    assert_eq!(check(&block), Err(BlockError::ResultsRoot));
    let mut block = good.clone();
    block.outcomes.clear();
    assert_eq!(check(&block), Err(BlockError::Outcomes));
}

#[tokio::test]
async fn a_block_from_the_future_waits() {
    let good = blocks().await.remove(0);
    let time = good.header.time_ms;
    let mut verifier = at_genesis();
    let early = verifier.check(&good, Some(time - MAX_CLOCK_AHEAD_MS - 1));
    assert_eq!(early, Err(BlockError::TimeAhead { ahead_ms: MAX_CLOCK_AHEAD_MS + 1 }));
    assert_eq!(verifier.check(&good, Some(time - MAX_CLOCK_AHEAD_MS)).map(drop), Ok(()));
}

#[test]
fn block_zero_is_the_same_for_everybody() {
    let (block, _) = genesis_block(&genesis()).unwrap();
    let (again, _) = genesis_block(&genesis()).unwrap();
    assert_eq!(block, again);
    assert_eq!(at_genesis().tip().hash, block.header.hash());
    let mut other = genesis();
    other.time_ms += 1;
    assert_ne!(genesis_block(&other).unwrap().0.header.hash(), block.header.hash());
    assert_eq!(Block::decode_bytes(&block.encode()), Ok(block));
}
