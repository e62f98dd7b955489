//! The clients against a directory that misbehaves on purpose, on loopback.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use argosy_api::{
    ClientError, DirectoryClient, ErrorBody, SubmitError, Submitter,
    directory::{AccountView, ReceiptView, RejectView},
};
use argosy_directory::{Call, MembershipCall, Reject, Transaction};
use argosy_domain::{AccountId, KeyScheme, Keypair};
use argosy_http::{
    AddressPolicy, Client, ClientConfig, ServeConfig, Shutdown, StatusCode, bind, serve_router,
};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, State},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

/// What the directory does with the next transaction.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Takes it, and answers.
    Take,
    /// Takes it, and the answer is lost.
    TakeAndHangUp,
    /// Does not take it, and says nothing either.
    HangUp,
    /// Somebody else has used the nonce.
    UseNonceFirst,
    /// Takes it; the call fails.
    Reject,
    /// Has no room.
    Busy,
}

#[derive(Debug, Default)]
struct Fake {
    script: VecDeque<Act>,
    nonce: u64,
    receipts: Vec<ReceiptView>,
    sent: usize,
}

type Shared = Arc<Mutex<Fake>>;

struct Directory {
    fake: Shared,
    submitter: Submitter,
    client: DirectoryClient,
    shutdown: Shutdown,
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

fn start(script: &[Act]) -> Directory {
    let fake: Shared =
        Arc::new(Mutex::new(Fake { script: script.iter().copied().collect(), ..Fake::default() }));
    let router = Router::new()
        .route("/api/v1/accounts/{account}", get(account))
        .route("/api/v1/transactions", post(submit))
        .route("/api/v1/transactions/{hash}", get(receipt))
        .route("/api/v1/blocks", get(|| async { Body::from(vec![0_u8, 0, 0, 0, 5, 0, 0, 0, 1, 2]) }))
        .route("/api/v1/status", get(|| async { "no JSON" }))
        .with_state(Arc::clone(&fake));
    let listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = Shutdown::new();
    tokio::spawn(serve_router(listener, router, ServeConfig::default(), shutdown.clone()));
    let config = ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() };
    let client = DirectoryClient::new(Client::new(config), &url);
    let alice = Keypair::from_uri(KeyScheme::Sr25519, "//Alice").unwrap();
    Directory { fake, submitter: Submitter::new(client.clone(), alice, [9; 32]), client, shutdown }
}

async fn account(State(fake): State<Shared>, Path(account): Path<String>) -> Json<AccountView> {
    let account: AccountId = account.parse().unwrap();
    Json(AccountView {
        account,
        nonce: fake.lock().unwrap().nonce,
        free: 0,
        locked: 0,
        staked: 0,
        staking_member: None,
    })
}

async fn receipt(
    State(fake): State<Shared>,
    Path(hash): Path<String>,
) -> Result<Json<ReceiptView>, ErrorBody> {
    let fake = fake.lock().unwrap();
    let found = fake.receipts.iter().find(|receipt| receipt.hash == hash).cloned();
    found.map(Json).ok_or_else(|| ErrorBody::caller(StatusCode::NOT_FOUND, "UNKNOWN", "no such transaction"))
}

async fn submit(State(fake): State<Shared>, bytes: Bytes) -> Response {
    let transaction = Transaction::decode(&bytes).unwrap();
    assert!(transaction.signature_holds());
    let mut fake = fake.lock().unwrap();
    fake.sent += 1;
    let act = fake.script.pop_front().unwrap_or(Act::Take);
    if matches!(act, Act::UseNonceFirst) {
        fake.nonce += 1;
    }
    if transaction.payload.nonce != fake.nonce {
        let reject =
            if transaction.payload.nonce < fake.nonce { Reject::NonceStale } else { Reject::NonceFuture };
        return ErrorBody::caller(StatusCode::CONFLICT, reject.code(), reject.to_string())
            .with_number(reject.number())
            .into_response();
    }
    match act {
        Act::Busy => ErrorBody::this_node(StatusCode::SERVICE_UNAVAILABLE, "POOL_FULL", "too many wait")
            .into_response(),
        Act::HangUp => broken(),
        Act::Take | Act::UseNonceFirst => Json(take(&mut fake, &transaction, None)).into_response(),
        Act::TakeAndHangUp => {
            take(&mut fake, &transaction, None);
            broken()
        }
        Act::Reject => {
            let why = RejectView { number: 1, code: "NO".into(), message: "no".into() };
            Json(take(&mut fake, &transaction, Some(why))).into_response()
        }
    }
}

fn take(fake: &mut Fake, transaction: &Transaction, error: Option<RejectView>) -> ReceiptView {
    fake.nonce += 1;
    let hash = hex::encode(transaction.hash());
    let receipt = ReceiptView { hash, height: fake.nonce, index: 0, time_ms: 1, error, events: Vec::new() };
    fake.receipts.push(receipt.clone());
    receipt
}

/// An answer that ends before it has begun.
fn broken() -> Response {
    let body = Body::from_stream(futures_util::stream::once(async {
        Err::<Bytes, std::io::Error>(std::io::Error::other("lost"))
    }));
    Response::builder().header("content-length", "100").body(body).unwrap()
}

fn call(handle: &str) -> Call {
    Call::Membership(MembershipCall::CreateMember { handle: handle.to_owned() })
}

#[tokio::test]
async fn calls_of_one_key_get_consecutive_nonces_however_many_send_at_once() {
    let directory = start(&[]);
    let sending: Vec<_> = (0..20)
        .map(|n| {
            let submitter = directory.submitter.clone();
            tokio::spawn(async move { submitter.submit(call(&format!("m{n}"))).await })
        })
        .collect();
    for sent in sending {
        sent.await.unwrap().unwrap();
    }
    let fake = directory.fake.lock().unwrap();
    assert_eq!((fake.nonce, fake.sent), (20, 20), "every transaction was right at the first attempt");
}

#[tokio::test]
async fn a_nonce_used_by_somebody_else_is_read_again() {
    let directory = start(&[Act::Take, Act::UseNonceFirst, Act::Take]);
    directory.submitter.submit(call("first")).await.unwrap();
    directory.submitter.submit(call("second")).await.unwrap();
    assert_eq!(directory.fake.lock().unwrap().receipts.len(), 2);
}

#[tokio::test]
async fn a_lost_answer_is_found_again_and_nothing_happens_twice() {
    for act in [Act::TakeAndHangUp, Act::HangUp] {
        let directory = start(&[act]);
        directory.submitter.submit(call("once")).await.unwrap();
        directory.submitter.submit(call("next")).await.unwrap();
        assert_eq!(directory.fake.lock().unwrap().receipts.len(), 2, "{act:?}");
    }
}

#[tokio::test]
async fn failures_are_told_apart_and_attempts_are_bounded() {
    let directory = start(&[Act::Reject, Act::Busy]);
    assert!(
        matches!(directory.submitter.submit(call("a")).await, Err(SubmitError::Rejected(why)) if why.code == "NO")
    );
    assert!(
        matches!(directory.submitter.submit(call("b")).await, Err(SubmitError::Refused(why)) if why.code == "POOL_FULL")
    );
    directory.submitter.submit(call("c")).await.unwrap();

    let directory = start(&[Act::HangUp; 100]);
    assert!(matches!(directory.submitter.submit(call("a")).await, Err(SubmitError::NoAnswer(_))));
    assert!(directory.fake.lock().unwrap().sent <= 4);
    let directory = start(&[Act::UseNonceFirst; 100]);
    let error = directory.submitter.submit(call("a")).await.unwrap_err();
    assert_eq!(error.reject(), Some(Reject::NonceStale));
}

#[tokio::test]
async fn what_no_directory_says_is_called_so() {
    let directory = start(&[]);
    assert!(matches!(directory.client.status().await, Err(ClientError::Protocol { .. })));
    let mut blocks = directory.client.blocks(0).await.unwrap();
    let error = blocks.next().await.unwrap_err();
    assert!(matches!(error, ClientError::Protocol { .. }), "a stream that ends inside a block: {error}");
    assert!(directory.client.member("../etc").await.is_err());
    let error = directory.client.transaction(&[0; 32]).await.unwrap_err();
    assert!(error.is_not_found() && !error.is_no_answer());
}
