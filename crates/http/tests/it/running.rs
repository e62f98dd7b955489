//! The life of a node.

use std::{io, time::Duration};

use argosy_http::{NodeError, Running, Shutdown, Tasks, bind};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{LONG, Server, config, get, until};

/// Set for the process in which descriptors run out, so that other tests are spared.
const CHILD: &str = "ARGOSY_TEST_FEW_DESCRIPTORS";

fn node(fill: impl FnOnce(&mut Tasks)) -> Running {
    let mut tasks = Tasks::new(Shutdown::new());
    fill(&mut tasks);
    Running::new("node-0", "127.0.0.1:1".parse().unwrap(), tasks)
        .with_operator_endpoint("127.0.0.1:2".parse().unwrap())
}

#[tokio::test]
async fn a_node_ends_when_it_is_told_to() {
    let mut running = node(|tasks| {
        let stop = tasks.shutdown().clone();
        tasks.spawn("waits", async move { stop.triggered().await });
        tasks.spawn("is soon done", std::future::ready(()));
    });
    assert_eq!(
        (running.name(), running.endpoint().port(), running.operator_endpoint().map(|at| at.port())),
        ("node-0", 1, Some(2))
    );
    assert!(tokio::time::timeout(Duration::from_millis(50), running.join()).await.is_err(), "it goes on");
    running.stop();
    running.join().await.unwrap();
}

#[tokio::test]
async fn a_failed_task_ends_its_node() {
    let mut running = node(|tasks| {
        let stop = tasks.shutdown().clone();
        tasks.spawn("waits", async move { stop.triggered().await });
        tasks.spawn_fallible("follower", async { Err(io::Error::other("no blocks")) });
    });
    let error = running.join().await.unwrap_err();
    assert_eq!(error.to_string(), "node-0: follower failed");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no blocks");

    let mut running = node(|tasks| tasks.spawn("reader", async { panic!("as the test wants") }));
    assert!(matches!(running.join().await, Err(NodeError::Panicked { task: "reader", .. })));
}

#[tokio::test]
async fn a_task_that_does_not_stop_is_cut_off() {
    let mut running = node(|tasks| tasks.spawn("deaf", std::future::pending()));
    running.stop();
    let ended = tokio::time::timeout(LONG, running.join()).await.expect("it ends");
    assert!(matches!(ended, Err(NodeError::Late { task: "deaf", .. })));
}

#[tokio::test]
async fn a_used_address_is_named() {
    // Not where the other tests are: they take any port that is free.
    let first = bind("127.0.0.9:0".parse().unwrap()).unwrap();
    let address = first.local_addr().unwrap();
    let error = bind(address).unwrap_err();
    assert_eq!(
        (error.to_string(), error.source.kind()),
        (format!("cannot listen on {address}: free it, or configure another"), io::ErrorKind::AddrInUse)
    );
    drop(first);
    bind(address).unwrap();
}

#[tokio::test]
async fn accepting_survives_a_lack_of_descriptors() {
    if std::env::var_os(CHILD).is_none() {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "running::accepting_survives_a_lack_of_descriptors"]).env(CHILD, "1");
        assert!(child.status().unwrap().success());
        return;
    }
    let server = Server::router(axum::Router::new(), config());
    // Once it has answered, its caps are settled.
    let mut first = server.peer().await;
    first.send(get("/")).await;
    assert_eq!(first.answer().await.unwrap().status, 404);
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), ..getrlimit(Resource::Nofile) }).unwrap();
    // Blocking calls: the server gets no turn before everything is used up.
    let mut hoard = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect(server.address()) {
        hoard.push(stream);
    }
    until("accepting fails", || server.counters.accept_errors() > 0).await;
    drop(hoard);
    let mut next = server.peer().await;
    next.send(get("/")).await;
    assert_eq!(next.answer().await.unwrap().status, 404);
}
