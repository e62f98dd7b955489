//! That storage nodes prove whose they are, to each other and to whoever asks.

use crate::network::{Network, answer, key, media, wait_for};
use argosy_api::{RoleProof, proof::Challenge};
use argosy_domain::{WorkerId, WorkingGroup};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_prove_whose_they_are_and_replicate_from_those_who_do() {
    let network = Network::start(2).await;
    let bytes = media(1, 100_000);
    let id = network.declare(&[&bytes]).await[0];
    network.upload(0, id, &bytes).await.unwrap();
    network.held_by(id, &[0, 1]).await;
    wait_for("the proofs", async || {
        let status = network.status(1).await;
        let endpoints = status.endpoints.unwrap();
        (endpoints.proven_count == 2 && endpoints.troubled.is_empty()).then_some(())
    })
    .await;
    assert!(network.status(0).await.proof_of_role.is_some_and(|own| own.can_prove && own.answered_count > 0));

    let asked = Challenge { nonce: [9; 32], endpoint: network.url(0, "") };
    let path = |asked: &Challenge| format!("/api/v1/proof-of-role?{}", asked.to_query());
    let (status, view) = answer(network.get(0, &path(&asked)).await).await;
    assert_eq!(status, 200, "{view}");
    let proof: RoleProof = view["proof"].as_str().unwrap().parse().unwrap();
    let (group, worker, role) = (WorkingGroup::Storage, WorkerId(1), key("//Storage0").account());
    assert_eq!(proof.check(&network.genesis, &asked, group, worker, |account| *account == role), Ok(()));
    // A node does not speak for another, so that nobody can pass its word on.
    let (status, view) = answer(network.get(1, &path(&asked)).await).await;
    assert_eq!((status, view["code"].as_str()), (421, Some("NOT_THIS_NODE")));
}
