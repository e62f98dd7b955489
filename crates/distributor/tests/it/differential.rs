//! Request by request: what real Argus answers, and what this node does.

mod table;

use crate::{
    browser::{self, Answer},
    fake_source::{Behaviour, Sample},
    rig::{MIB, OURS, Rig},
    steps::{png, watched},
};
use argosy_directory::Event;
use argosy_distributor::config::Limits;
use argosy_domain::{BagId, ChannelId};
use argosy_node::config::Size;
use base64::Engine as _;
use std::{collections::BTreeSet, sync::Arc};
use table::{Body, Lines, Row, Table};

const REQUESTS: &str = include_str!("differential/requests.txt");
const SIZE: usize = 300_000;
const LARGE: usize = 1_500_000;
/// Of a pending object, the bytes that are here.
const HELD: usize = 100_000;

/// What a row's request is about.
struct Object {
    id: u64,
    sample: Arc<Sample>,
}

/// The network on which all rows run, and what they share.
struct Stage {
    rig: Rig,
    hit: Object,
    seed: u64,
}

impl Stage {
    async fn new() -> Self {
        let limits = Limits { max_cached_item_size: Some(Size(MIB as u64)), ..Limits::storage(1 << 30) };
        let rig = Rig::with_limits(&[Behaviour::Honest], limits).await;
        let sample = png(1, SIZE);
        let id = rig.put_and_fetch(&sample).await;
        Self { rig, hit: Object { id, sample }, seed: 1 }
    }

    /// Brings an object into the row's state; a new one, so that rows do not depend on each other.
    async fn object(&mut self, state: &str) -> Object {
        self.seed += 1;
        let rig = &self.rig;
        let size = match state {
            "large" => LARGE,
            "empty" => 0,
            _ => SIZE,
        };
        let sample = if size == 0 { Sample::of(Vec::new()) } else { png(self.seed, size) };
        let id = match state {
            "hit" | "any" => return Object { id: self.hit.id, sample: Arc::clone(&self.hit.sample) },
            "miss" | "large" | "empty" => rig.put(&sample).await,
            "pending" => {
                let id = rig.put(&sample).await;
                rig.assert_part(id, &sample, 0, HELD - 1).await;
                id
            }
            "theirs" => rig.put_elsewhere(&sample).await,
            "unaccepted" => rig.declare_only(&sample).await,
            "lost" => rig.put_nowhere(&sample).await,
            "blacklisted" | "private" => {
                let id = rig.put_and_fetch(&sample).await;
                rig.tell(forbid(state, &sample, true)).await;
                id
            }
            "deleted" => {
                let id = rig.put_and_fetch(&sample).await;
                rig.delete(id).await;
                id
            }
            other => panic!("no state {other}"),
        };
        Object { id, sample }
    }

    /// Puts the object's values into a text of the table.
    fn fill_in(&self, text: &str, object: &Object) -> String {
        let size = object.sample.size();
        text.replace("{id}", &object.id.to_string())
            .replace("{hit}", &self.hit.id.to_string())
            .replace("{size}", &size.to_string())
            .replace("{last}", &size.saturating_sub(1).to_string())
            .replace("{content-id}", &object.sample.content_id.to_string())
            .replace("{digest}", &digest(&object.sample))
            .replace("{etag}", &format!("\"{}\"", object.sample.content_id))
    }

    async fn ask(&self, row: &Row, object: &Object) -> Answer {
        self.ask_by(row, object, &row.request[0]).await
    }

    /// With another first line.
    async fn ask_by(&self, row: &Row, object: &Object, first: &str) -> Answer {
        let to = self.rig.endpoint();
        let mut lines = row.request.clone();
        first.clone_into(&mut lines[0]);
        if !row.bare {
            lines.extend([format!("Host: {to}"), "Connection: close".to_owned()]);
        }
        let mut text = self.fill_in(&lines.join("\r\n"), object);
        text.push_str("\r\n\r\n");
        watched(&row.name, browser::raw(to, text.as_bytes())).await
    }

    /// What a refusal of HEAD must say its length is: that of the same GET.
    async fn length_of_get(&self, row: &Row, object: &Object) -> Option<String> {
        let rest = row.request[0].strip_prefix("HEAD ").filter(|_| row.ours.status >= 400)?;
        let answer = self.ask_by(row, object, &format!("GET {rest}")).await;
        Some(answer.header("content-length").to_owned())
    }

    /// What is wrong with an answer.
    async fn faults(&self, table: &Table, row: &Row, object: &Object, answer: &Answer) -> Vec<String> {
        let mut faults = Vec::new();
        if answer.status != row.ours.status {
            faults.push(format!("status {} instead of {}", answer.status, row.ours.status));
        }
        if let Some(fault) = self.body_fault(&row.ours.body, object, answer) {
            faults.push(fault);
        }
        let mut expected: Lines = table.head_of("ours", &row.ours).expect("our headers are known");
        if row.ours.body != Body::None {
            expected.insert("content-length".to_owned(), answer.body.len().to_string());
        } else if let Some(length) = self.length_of_get(row, object).await {
            expected.insert("content-length".to_owned(), length);
        }
        let expected: BTreeSet<String> =
            expected.iter().map(|(name, value)| self.fill_in(&format!("{name}: {value}"), object)).collect();
        let about_connection = |name: &str| ["date", "connection", "keep-alive"].contains(&name);
        let lines: Vec<String> = answer
            .headers
            .iter()
            .filter(|(name, _)| !about_connection(name))
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let found: BTreeSet<String> = lines.iter().cloned().collect();
        if found.len() < lines.len() {
            faults.push("a header twice".to_owned());
        }
        faults.extend(expected.difference(&found).map(|line| format!("without `{line}`")));
        faults.extend(found.difference(&expected).map(|line| format!("with `{line}`")));
        faults
    }

    fn body_fault(&self, expected: &Body, object: &Object, answer: &Answer) -> Option<String> {
        let bytes = &object.sample.bytes;
        let right = match expected {
            Body::None => answer.body.is_empty(),
            Body::All => answer.body == *bytes,
            Body::Parts(parts) => match parts[..] {
                [(first, last)] => answer.body == bytes[first..=last],
                _ => answer.body == multipart(object, parts),
            },
            Body::Page => {
                answer.body.starts_with(b"<!DOCTYPE html>")
                    && !answer.body.windows(7).any(|part| part == b"<script")
            }
            Body::Live => answer.json().is_object(),
            Body::Json(text) => {
                let expected: serde_json::Value =
                    serde_json::from_str(&self.fill_in(text, object)).expect("JSON in the table");
                serde_json::from_slice(&answer.body).is_ok_and(|found: serde_json::Value| found == expected)
            }
            Body::Words(_) | Body::Unknown => panic!("our own body is known"),
        };
        (!right).then(|| {
            let shown: String = String::from_utf8_lossy(&answer.body).chars().take(300).collect();
            format!("body of {} bytes instead of {expected:?}: {shown:?}", answer.body.len())
        })
    }
}

/// What makes an object one that may not be passed on, or not to everybody; and what takes that back.
fn forbid(state: &str, sample: &Sample, forbidden: bool) -> Vec<Event> {
    match state {
        "blacklisted" => {
            let added = [sample.content_id.to_string().into_bytes()].into();
            vec![Event::UpdateBlacklist { removed: [].into(), added }]
        }
        "private" => vec![Event::BagPrivacySet { bag: BagId::channel(ChannelId(OURS)), private: forbidden }],
        _ => Vec::new(),
    }
}

/// `Repr-Digest`, RFC 9530.
fn digest(sample: &Sample) -> String {
    let root = base64::engine::general_purpose::STANDARD.encode(sample.content_id.0);
    format!("blake3=:{root}:")
}

/// RFC 9110, 14.6.
fn multipart(object: &Object, parts: &[(usize, usize)]) -> Vec<u8> {
    let Sample { bytes, content_id, .. } = &*object.sample;
    let mut body = Vec::new();
    for (first, last) in parts {
        let range = format!("content-range: bytes {first}-{last}/{}", bytes.len());
        body.extend(format!("\r\n--{content_id}\r\ncontent-type: image/png\r\n{range}\r\n\r\n").into_bytes());
        body.extend(&bytes[*first..=*last]);
    }
    body.extend(format!("\r\n--{content_id}--\r\n").into_bytes());
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_is_answered_as_the_table_says() {
    let table = Table::parse(REQUESTS);
    let mut stage = Stage::new().await;
    let mut failures = Vec::new();
    for row in &table.rows {
        let object = stage.object(&row.state).await;
        let before = stage.rig.groups_sent();
        let answer = stage.ask(row, &object).await;
        let mut faults = stage.faults(&table, row, &object, &answer).await;
        let fetched = stage.rig.groups_sent() - before;
        if row.state == "private" {
            stage.rig.tell(forbid("private", &object.sample, false)).await;
        }
        let most = if ["hit", "empty", "any"].contains(&&*row.state) { Some(0) } else { row.fetches };
        if most.is_some_and(|most| fetched > most) {
            faults.push(format!("{fetched} groups were fetched"));
        }
        if !faults.is_empty() {
            failures.push(format!("{}:\n  {}", row.name, faults.join("\n  ")));
        }
    }
    let differ = table.rows.iter().filter(|row| !row.because.is_empty()).count();
    println!("{} rows ran, {differ} of them with another status or body than Argus", table.rows.len());
    assert!(table.rows.len() >= 60);
    assert!(failures.is_empty(), "{} rows failed\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_difference_from_argus_is_explained() {
    let table = Table::parse(REQUESTS);
    let mut names = BTreeSet::new();
    for row in &table.rows {
        assert!(names.insert(&row.name), "{} twice", row.name);
        assert_eq!(table.unexplained(row), [""; 0], "{}", row.name);
    }
    for (name, deviation) in &table.deviations {
        assert!(!deviation.why.is_empty(), "{name} needs a reason");
    }
    for state in [
        "blacklisted",
        "private",
        "hit",
        "pending",
        "miss",
        "theirs",
        "any",
        "unaccepted",
        "large",
        "lost",
        "deleted",
    ] {
        assert!(table.rows.iter().any(|row| row.state == state), "no row for {state}");
    }
}

/// Names of the deviations and what they are for, as `docs/argus-differences.md` tells them.
pub(crate) fn deviations() -> Vec<(String, String)> {
    Table::parse(REQUESTS).deviations.into_iter().map(|(name, found)| (name, found.why)).collect()
}
