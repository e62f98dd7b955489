//! Transactions by account, and the record of a lead.

use crate::support::{DEADLINE, Node, answer, genesis, key, now_ms, sign};
use argosy_api::{
    directory::{LeadLogView, RecordView},
    refusal::SignedRefusal,
};
use argosy_directory::{Call, DistributionCall, GroupCall, MembershipCall, Transaction};
use argosy_domain::{FamilyId, WorkerId, WorkingGroup};
use codec::Encode;
use std::path::Path;

fn family() -> Call {
    Call::Distribution(DistributionCall::CreateDistributionBucketFamily)
}

/// A call that fails: there is no such family.
fn failing() -> Call {
    Call::Distribution(DistributionCall::DeleteDistributionBucketFamily { family: FamilyId(9) })
}

fn create_member(handle: &str) -> Call {
    Call::Membership(MembershipCall::CreateMember { handle: handle.to_owned() })
}

async fn lead_log(node: &Node, query: &str) -> LeadLogView {
    let path = format!("/api/v1/groups/distribution/lead-log{query}");
    let (status, body) = answer(node.get(&path).await).await;
    assert_eq!(status, 200, "{query}: {body}");
    serde_json::from_value(body).unwrap()
}

/// The record, once all blocks were looked at.
async fn whole_log(node: &Node) -> LeadLogView {
    let height = node.directory.status().await.unwrap().height;
    let look = async {
        loop {
            let log = lead_log(node, "").await;
            if log.last_height >= height {
                return log;
            }
        }
    };
    tokio::time::timeout(DEADLINE, look).await.unwrap()
}

/// What a lead did: two that succeed, one that fails, one that is refused, and others' transactions.
async fn lead(node: &Node) -> Transaction {
    let alice = key("//Alice");
    node.call("//Alice", family()).await;
    node.call("//Carol", create_member("carol")).await;
    let failed = node.directory.submit(&sign(&alice, 1, failing())).await.unwrap();
    assert!(failed.error.is_some());
    let expired = Transaction::sign(&alice, genesis().hash(), 2, now_ms() - 60_000, family());
    for _ in 0..2 {
        let (status, body) = node.post(expired.encode()).await;
        assert_eq!((status, &body["code"]), (400, &"EXPIRED".into()));
    }
    node.call("//Alice", family()).await;
    expired
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leads_record_has_what_succeeded_failed_and_was_refused() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    let expired = lead(&node).await;
    // Not the lead's: by somebody else, forged, or an old one that anybody can send again.
    let mut forged = sign(&key("//Alice"), 2, failing());
    forged.payload.valid_until_ms = now_ms() - 70_000;
    let carols = Transaction::sign(&key("//Carol"), genesis().hash(), 1, now_ms() - 60_000, family());
    let first = sign(&key("//Alice"), 0, family());
    for bytes in [forged.encode(), carols.encode(), first.encode(), vec![1, 2, 3]] {
        assert_eq!(node.post(bytes).await.0 / 100, 4);
    }
    let log = whole_log(&node).await;
    assert_eq!((log.first_height, log.truncated, &log.next), (1, false, &None));
    let told: Vec<_> = log.entries.iter().map(|e| (e.height, e.result.as_str(), e.words.as_str())).collect();
    // `first` was signed anew, with another expiry: it was never in a block.
    assert_eq!(
        told,
        [
            (1, "succeeded", "create distribution bucket family"),
            (3, "failed", "delete distribution bucket family"),
            (3, "refused", "create distribution bucket family"),
            (4, "succeeded", "create distribution bucket family"),
            (4, "refused", "create distribution bucket family"),
        ]
    );
    let failed = &log.entries[1];
    assert_eq!(
        (failed.call.as_str(), failed.index),
        ("distribution.deleteDistributionBucketFamily", Some(0))
    );
    assert_eq!(failed.arguments["family"], "9");
    assert!(failed.error.is_some());

    let refused = &log.entries[2];
    assert_eq!(refused.hash, hex::encode(expired.hash()));
    assert_eq!(refused.error.as_ref().unwrap().code, "EXPIRED");
    let proof = hex::decode(refused.proof.as_ref().unwrap()).unwrap();
    let proof = SignedRefusal::decode_bytes(&proof).unwrap();
    assert!(proof.signature_holds() && proof.signer == genesis().sequencer);
    assert_eq!(proof.refusal.transaction, expired.encode());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_follows_the_account_that_signs_for_the_lead() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    let account = key("//Dave").account();
    let call = GroupCall::UpdateRoleAccount { worker: WorkerId(0), account };
    let hand_over = Call::Group { group: WorkingGroup::Distribution, call };
    node.call("//Alice", hand_over).await;
    node.call("//Alice", create_member("alice-2")).await;
    node.call("//Dave", family()).await;
    let told: Vec<_> = whole_log(&node).await.entries.into_iter().map(|e| (e.height, e.signer)).collect();
    assert_eq!(told, [(1, key("//Alice").account()), (3, account)]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_in_a_block_that_is_sent_again_is_no_refusal() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    let transaction = sign(&key("//Alice"), 0, family());
    node.directory.submit(&transaction).await.unwrap();
    let (status, body) = node.post(transaction.encode()).await;
    assert_eq!((status, &body["code"]), (409, &"NONCE_STALE".into()));
    assert_eq!(whole_log(&node).await.entries.len(), 1);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_is_the_same_after_a_restart_and_in_parts() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    lead(&node).await;
    let before = whole_log(&node).await;
    assert_eq!(before.entries.len(), 4);
    node.stop().await;
    let node = Node::start(dir.path()).await;
    let after = whole_log(&node).await;
    assert_eq!(after.entries, before.entries);

    let mut parts = Vec::new();
    let mut query = "?limit=1".to_owned();
    loop {
        let part = lead_log(&node, &query).await;
        assert_eq!(part.entries.len(), 1, "{query}");
        parts.extend(part.entries);
        let Some(next) = part.next else { break };
        query = format!("?limit=1&from={next}");
    }
    assert_eq!(parts, before.entries);
    let some = lead_log(&node, "?from=2&to=3").await.entries;
    assert_eq!(some, before.entries[1..3]);
    node.stop().await;
    assert!(Path::new(dir.path()).join("data/refusals/refusals.log").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accounts_transactions_come_newest_first() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    for handle in ["carol-1", "carol-2", "carol-1", "carol-3"] {
        let carol = key("//Carol");
        let nonce = node.directory.account(&carol.account()).await.unwrap().nonce;
        node.directory.submit(&sign(&carol, nonce, create_member(handle))).await.unwrap();
    }
    whole_log(&node).await;
    let path = format!("/api/v1/accounts/{}/transactions", key("//Carol").account());
    let all = |path: String| {
        let node = &node;
        async move {
            let (status, body) = answer(node.get(&path).await).await;
            assert_eq!(status, 200, "{body}");
            serde_json::from_value::<Vec<RecordView>>(body).unwrap()
        }
    };
    let found = all(path.clone()).await;
    let told: Vec<_> = found.iter().map(|e| (e.height, e.nonce, e.result.as_str())).collect();
    assert_eq!(told, [(4, 3, "succeeded"), (3, 2, "failed"), (2, 1, "succeeded"), (1, 0, "succeeded")]);
    assert_eq!((found[0].tip, &found[0].arguments["handle"]), (0, &"carol-3".into()));
    assert_eq!(all(format!("{path}?limit=2")).await, found[..2]);
    assert_eq!(all(format!("{path}?from=2:0")).await, found[2..]);
    let nobody = format!("/api/v1/accounts/{}/transactions", key("//Nobody").account());
    assert!(all(nobody).await.is_empty());
    node.stop().await;
}
