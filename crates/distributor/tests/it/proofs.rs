//! That nobody is asked for anything who has not proved whose node it is; and that the node proves it itself.

use crate::{
    browser,
    fake_directory::{genesis, key},
    fake_source::{Behaviour, Sample},
    rig::{OWN_ENDPOINT, Rig, proof_of},
};
use argosy_api::{
    RoleProof,
    proof::{Challenge, ProofError},
};
use argosy_domain::{WorkerId, WorkingGroup};
use argosy_keys::KeySource;

const SIZE: usize = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_whom_a_worker_names_is_asked_for_its_proof_and_for_nothing_else() {
    // The second worker names a web server, or the node of somebody else.
    for (proof, why) in [(None, "wrong-answer"), (Some(WorkerId(0)), "other-worker")] {
        let mut rig = Rig::strange(proof).await;
        let sample = Sample::random(2, SIZE);
        let id = rig.put(&sample).await;
        rig.wait_until("the verdict", |status| status["endpoints"]["troubled"][0]["why"] == why).await;
        let status = rig.status().await;
        assert_eq!(status["endpoints"]["troubled"][0]["worker"], 1, "{status}");
        assert_eq!(status["endpoints"]["troubled"][0]["endpoint"], rig.sources[1].endpoint);
        // With another source, nobody notices; without, viewers are told to come again.
        rig.assert_whole(id, &sample, "miss").await;
        rig.sources[0].kill();
        let other = rig.put(&Sample::random(3, SIZE)).await;
        assert_eq!(rig.get(other, &[]).await.status, 503);
        assert!(rig.sources[1].challenged() > 0);
        assert_eq!(rig.sources[1].asked(), []);
        // The worker mends it.
        rig.sources[1].prove(proof_of(WorkingGroup::Storage, WorkerId(1)));
        rig.wait_for("the object", async || rig.get(other, &[]).await.status == 200).await;
        assert!(!rig.sources[1].asked().is_empty());
        rig.stop().await;
    }
}

impl Rig {
    /// With two sources, of which the second proves that it is the node of another worker, or nothing.
    async fn strange(proof: Option<WorkerId>) -> Self {
        let mut rig = Self::new(&[Behaviour::Honest, Behaviour::Honest]).await;
        rig.stop().await;
        match proof {
            Some(worker) => rig.sources[1].prove(proof_of(WorkingGroup::Storage, worker)),
            None => rig.sources[1].prove(|_| "<html>".to_owned()),
        }
        rig.start().await;
        rig
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proven_source_that_restarts_is_asked_as_soon_as_it_is_back() {
    let rig = Rig::new(&[Behaviour::Honest]).await;
    rig.wait_until("the proof", |status| status["endpoints"]["provenCount"] == 1).await;
    let sample = Sample::random(1, SIZE);
    let id = rig.put(&sample).await;
    rig.sources[0].kill();
    assert_eq!(rig.get(id, &[]).await.status, 503);
    rig.sources[0].revive();
    let challenged = rig.sources[0].challenged();
    rig.wait_for("the object", async || rig.get(id, &[]).await.status == 200).await;
    assert_eq!(rig.sources[0].challenged(), challenged, "what it has proved still counts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node_proves_whose_it_is_to_those_who_ask() {
    let mut rig = Rig::new(&[]).await;
    rig.know().await;
    let asked = Challenge { nonce: [7; 32], endpoint: OWN_ENDPOINT.to_owned() };
    let path = |asked: &Challenge| format!("/api/v1/proof-of-role?{}", asked.to_query());
    let ask = async |rig: &Rig, path: &str| browser::ask(rig.endpoint(), "GET", path, &[]).await;
    let without = ask(&rig, &path(&asked)).await;
    assert_eq!((without.status, without.json()["code"].clone()), (503, "NO_ROLE_KEY".into()));
    let own = rig.status().await["proofOfRole"].clone();
    assert_eq!(own["canProve"], false);
    let account = key("//Distributor0").account().to_string();
    assert!(own["trouble"].as_str().unwrap().contains(&account), "{own}");

    rig.stop().await;
    rig.config.keys = vec![KeySource::sr25519("//Distributor0")];
    rig.start().await;
    rig.know().await;
    let answer = ask(&rig, &path(&asked)).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let proof: RoleProof = answer.json()["proof"].as_str().unwrap().parse().unwrap();
    let check = |asked: &Challenge, worker| {
        let role = key("//Distributor0").account();
        let group = WorkingGroup::Distribution;
        proof.check(&genesis().hash(), asked, group, WorkerId(worker), |account| *account == role)
    };
    assert_eq!(check(&asked, 0), Ok(()));
    assert_eq!(check(&asked, 1), Err(ProofError::OtherWorker));
    assert_eq!(rig.status().await["proofOfRole"]["canProve"], true);
    assert_eq!(rig.status().await["proofOfRole"]["answeredCount"], 1);

    // It signs for its own endpoint only, whoever asks for what.
    let elsewhere = Challenge { nonce: [7; 32], endpoint: "http://elsewhere".to_owned() };
    let answer = ask(&rig, &path(&elsewhere)).await;
    assert_eq!((answer.status, answer.json()["code"].clone()), (421, "NOT_THIS_NODE".into()));
    for bad in ["/api/v1/proof-of-role", "/api/v1/proof-of-role?challenge=07&endpoint=00"] {
        let answer = ask(&rig, bad).await;
        assert_eq!((answer.status, answer.json()["code"].clone()), (400, "BAD_CHALLENGE".into()), "{bad}");
    }
    // A signature costs something: one client does not get them without number.
    let refused = async || {
        let answer = ask(&rig, &path(&asked)).await;
        assert!(answer.status == 200 || answer.json()["code"] == "TOO_MANY_CHALLENGES", "{}", answer.head());
        answer.status == 429
    };
    rig.wait_for("a refusal", refused).await;
}
