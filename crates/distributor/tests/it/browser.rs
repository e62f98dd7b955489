//! The plainest client: shows what is on the wire.

use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case, in the order of the wire.
    pub(crate) headers: Vec<(String, String)>,
    /// May be shorter than announced, if the connection broke.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status and headers as text, sorted, without those that differ from moment to moment.
    pub(crate) fn head(&self) -> String {
        let mut lines: Vec<String> = self
            .headers
            .iter()
            .filter(|(name, _)| name != "date" && name != "connection")
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        lines.sort();
        format!("{}\n{}", self.status, lines.join("\n"))
    }
}

/// Sends one request on a connection of its own and reads all that comes back.
pub(crate) async fn ask(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(to, method, path, headers, "").await
}

/// The same with a body.
pub(crate) async fn send(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    request.push_str(body);
    raw(to, request.as_bytes()).await
}

/// Sends exactly these bytes and reads until the node closes.
pub(crate) async fn raw(to: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut bytes = Vec::new();
    // A broken connection shows as a short body.
    let _broken = stream.read_to_end(&mut bytes).await;
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer");
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Answer { status, headers, body: bytes[end + 4..].to_vec() }
}

/// An answer that is still coming.
pub(crate) struct Reading {
    stream: TcpStream,
    /// Its body is what was read of it so far.
    pub(crate) answer: Answer,
}

/// Asks on a connection of its own and reads the head, and what comes with it.
pub(crate) async fn begin(to: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Reading {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let mut request = format!("GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "no answer");
    }
    Reading { stream, answer: parse(&bytes) }
}

impl Reading {
    /// Reads on until so many bytes of the body are here.
    pub(crate) async fn until(&mut self, count: usize) -> &[u8] {
        while self.answer.body.len() < count {
            assert!(self.stream.read_buf(&mut self.answer.body).await.unwrap() > 0, "cut short");
        }
        &self.answer.body
    }

    /// Reads to the end, be it a break.
    pub(crate) async fn end(mut self) -> Answer {
        let _broken = self.stream.read_to_end(&mut self.answer.body).await;
        self.answer
    }
}
