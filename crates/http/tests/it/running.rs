//! The life of a node.

use std::{
    io,
    time::{Duration, Instant},
};

use argosy_http::{NodeError, Running, Shutdown, Tasks, bind};

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
    let start = Instant::now();
    assert!(matches!(running.join().await, Err(NodeError::Late { task: "deaf", .. })));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_used_address_is_named() {
    let first = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = first.local_addr().unwrap();
    let error = bind(address).unwrap_err();
    assert_eq!(
        (error.to_string(), error.source.kind()),
        (format!("cannot listen on {address}"), io::ErrorKind::AddrInUse)
    );
    drop(first);
    bind(address).unwrap();
}
