//! Connections through proxies, and over IPv6.

use std::{io::Write as _, net::SocketAddr, sync::Arc};

use argosy_http::{
    ConnectionCaps, EdgeBody, EdgeHandler, EdgeRequest, EdgeResponse, Peer as WhoAsks, Proxies, Running,
    ServeConfig, Shutdown, StatusCode, Tasks, bind, serve_edge,
};
use axum::{Extension, Router, routing::get as on_get};

use crate::support::{Peer, SHORT, Server, config, strict, until};

/// Says who it thinks asks.
struct Echo;

impl EdgeHandler for Echo {
    async fn handle(&self, request: EdgeRequest<'_>) -> EdgeResponse {
        let text = format!("{} by {}", request.client, request.peer.ip());
        EdgeResponse::new(StatusCode::OK, EdgeBody::Bytes(text.into()))
    }
}

fn proxies(trusted: &str, protocol: bool) -> Arc<Proxies> {
    Arc::new(Proxies { trusted: vec![trusted.parse().unwrap()], protocol })
}

fn behind(trusted: &str, protocol: bool) -> ServeConfig {
    ServeConfig { proxies: proxies(trusted, protocol), ..config() }
}

fn with(header: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{header}\r\n")
}

const LINE: &[u8] = b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n";

fn binary() -> Vec<u8> {
    let mut preface = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24".to_vec();
    preface.extend("2001:db8::7".parse::<std::net::Ipv6Addr>().unwrap().octets());
    preface.extend([0; 20]);
    preface
}

async fn says(peer: &mut Peer, request: &str) -> String {
    peer.send(request).await;
    peer.answer().await.unwrap().text().to_owned()
}

#[tokio::test]
async fn a_trusted_proxy_names_the_user_in_a_header() {
    let server = Server::edge(Echo, behind("127.0.0.1", false));
    let mut peer = server.peer().await;
    assert_eq!(says(&mut peer, &with("")).await, "127.0.0.1 by 127.0.0.1");
    // The same connection carries many users.
    let told = with("X-Forwarded-For: 6.6.6.6, 192.0.2.7\r\n");
    assert_eq!(says(&mut peer, &told).await, "192.0.2.7 by 127.0.0.1");
    let other = with("x-forwarded-for: 6.6.6.6\r\nX-Forwarded-For: 2001:db8::7\r\n");
    assert_eq!(says(&mut peer, &other).await, "2001:db8::7 by 127.0.0.1");
    let server = Server::edge(Echo, behind("10.0.0.0/8", false));
    assert_eq!(says(&mut server.peer().await, &told).await, "127.0.0.1 by 127.0.0.1");

    let tell = |Extension(who): Extension<WhoAsks>| async move { who.client.to_string() };
    let server = Server::router(Router::new().route("/", on_get(tell)), behind("127.0.0.0/8", false));
    assert_eq!(says(&mut server.peer().await, &told).await, "192.0.2.7");
}

#[tokio::test]
async fn a_trusted_proxy_names_the_user_before_the_first_request() {
    let server = Server::edge(Echo, behind("127.0.0.0/8", true));
    for (preface, user) in [(LINE.to_vec(), "192.0.2.7"), (binary(), "2001:db8::7")] {
        let all =
            [&preface[..], with("").as_bytes(), with("X-Forwarded-For: 6.6.6.6\r\n").as_bytes()].concat();
        for step in [all.len(), 1, 10, preface.len()] {
            let mut peer = server.peer().await;
            for piece in all.chunks(step) {
                peer.send(piece).await;
            }
            for _ in 0..2 {
                assert_eq!(peer.answer().await.unwrap().text(), format!("{user} by 127.0.0.1"), "{step}");
            }
        }
    }
    // One that speaks for itself, and one that tells of an HTTP proxy before it.
    let mut peer = server.peer().await;
    peer.send("PROXY UNKNOWN\r\n").await;
    assert_eq!(says(&mut peer, &with("")).await, "127.0.0.1 by 127.0.0.1");
    let mut peer = server.peer().await;
    peer.send("PROXY TCP4 127.0.0.9 127.0.0.1 1 2\r\n").await;
    assert_eq!(says(&mut peer, &with("X-Forwarded-For: 192.0.2.9\r\n")).await, "192.0.2.9 by 127.0.0.1");

    // The router reads it the same way.
    let tell = |Extension(who): Extension<WhoAsks>| async move { who.client.to_string() };
    let server = Server::router(Router::new().route("/", on_get(tell)), behind("127.0.0.0/8", true));
    let mut peer = server.peer().await;
    peer.send(LINE).await;
    assert_eq!(says(&mut peer, &with("")).await, "192.0.2.7");
}

#[tokio::test]
async fn who_breaks_the_protocol_is_not_heard() {
    let server = Server::edge(Echo, behind("127.0.0.0/8", true));
    for wrong in [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], b"PROXY TCP4 x\r\n", b"PROXY TCP4 192.0.2.1"] {
        let mut peer = server.peer().await;
        peer.send(wrong).await;
        rustix::net::shutdown(&peer.stream, rustix::net::Shutdown::Write).unwrap();
        assert_eq!(peer.rest().await, b"", "{}", String::from_utf8_lossy(wrong));
    }
    until("all are counted", || server.counters.refused_requests() == 3).await;

    // Nobody else may speak it.
    let server = Server::edge(Echo, behind("10.0.0.0/8", true));
    let mut peer = server.peer().await;
    peer.send([LINE, with("").as_bytes()].concat()).await;
    assert_eq!(peer.answer().await.unwrap().status, 400);

    // Silence has an end.
    let server = Server::edge(Echo, ServeConfig { proxies: proxies("127.0.0.0/8", true), ..strict() });
    let start = std::time::Instant::now();
    let mut peer = server.peer().await;
    peer.send("PROXY TCP4 ").await;
    peer.closed_after(start, SHORT).await;
    until("it is counted", || server.counters.missed_deadlines() == 1).await;
}

#[tokio::test]
async fn connections_are_counted_for_users_and_not_for_proxies() {
    let caps = ConnectionCaps { total: 100, per_address: 2, per_loopback_address: 1 };
    let server = Server::edge(Echo, ServeConfig { caps: caps.clone(), ..behind("127.0.0.0/8", true) });
    let mut kept = Vec::new();
    for (user, expected) in [(1, true), (1, true), (1, false), (2, true), (1, false)] {
        let mut peer = server.peer().await;
        peer.try_send(format!("PROXY TCP4 192.0.2.{user} 10.0.0.1 1 2\r\n{}", with(""))).await;
        assert_eq!(peer.answer().await.is_some(), expected, "user {user}, {} open", kept.len());
        if expected {
            kept.push(peer);
        }
    }
    assert_eq!(server.counters.refused_connections(), 2);
    // A place that was left is free again.
    drop(kept.remove(0));
    let deadline = std::time::Instant::now() + crate::support::LONG;
    loop {
        let mut peer = server.peer().await;
        peer.try_send([LINE, with("").as_bytes()].concat()).await;
        if peer.answer().await.is_some() {
            break;
        }
        assert!(std::time::Instant::now() < deadline);
    }
    // Without the protocol, the connections of a proxy of HTTP are nobody's.
    let server = Server::edge(Echo, ServeConfig { caps, ..behind("127.0.0.0/8", false) });
    let mut kept = Vec::new();
    for _ in 0..3 {
        let mut peer = server.peer().await;
        assert_eq!(says(&mut peer, &with("")).await, "127.0.0.1 by 127.0.0.1");
        kept.push(peer);
    }
}

#[tokio::test]
async fn one_socket_serves_both_versions_of_ip() {
    let listener = match bind("[::]:0".parse().unwrap()) {
        Ok(listener) => listener,
        Err(error) => {
            // Past the capture of the test harness: the person who runs the tests must see it.
            let _ = writeln!(
                std::io::stderr(),
                "LEFT OUT: one_socket_serves_both_versions_of_ip: no IPv6: {error}"
            );
            return;
        }
    };
    let (port, shutdown) = (listener.local_addr().unwrap().port(), Shutdown::new());
    let mut tasks = Tasks::new(shutdown.clone());
    tasks.spawn("edge", serve_edge(listener, Arc::new(Echo), config(), shutdown));
    let running = Running::new("edge", SocketAddr::from(([127, 0, 0, 1], port)), tasks);
    let mut served = 0;
    for address in ["127.0.0.1", "::1"] {
        let address: std::net::IpAddr = address.parse().unwrap();
        // A container may have the sockets of IPv6 and no address.
        let Ok(stream) = tokio::net::TcpStream::connect((address, port)).await else {
            assert!(address.is_ipv6(), "IPv4 is served");
            let _ = writeln!(std::io::stderr(), "LEFT OUT: ::1 is not an address of this machine");
            continue;
        };
        let mut peer = Peer::on(stream);
        let said = says(&mut peer, &with("")).await;
        assert!(said.starts_with(&format!("{address} by ")), "{said}");
        served += 1;
    }
    assert!(served > 0);
    running.stop_and_join().await.unwrap();
}
