//! A storage node made for tests: serves slices of objects held in memory, and lies on demand.

#![allow(clippy::as_conversions, dead_code, reason = "a helper that the tests of two crates share")]

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use argosy_content::{GroupRange, SlicePlan, SliceStep, TreeBuilder, byte_range, slice_len};
use argosy_domain::ContentId;
use bytes::{BufMut, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// An object with its tree.
pub(crate) struct Sample {
    pub(crate) bytes: Bytes,
    pub(crate) content_id: ContentId,
    pairs: HashMap<u64, [u8; 64]>,
}

impl Sample {
    /// An object of `size` bytes that differ from those of any other seed.
    pub(crate) fn random(seed: u64, size: usize) -> Arc<Self> {
        let mut bytes = vec![0; size];
        fastrand::Rng::with_seed(seed).fill(&mut bytes);
        Self::of(bytes)
    }

    /// An object with these bytes.
    pub(crate) fn of(bytes: Vec<u8>) -> Arc<Self> {
        let mut pairs = HashMap::new();
        let mut builder = TreeBuilder::new(bytes.len() as u64);
        builder
            .push(&bytes, &mut |index, pair: &[u8; 64]| {
                pairs.insert(index, *pair);
            })
            .unwrap();
        let content_id = builder.finish().unwrap();
        Arc::new(Self { bytes: bytes.into(), content_id, pairs })
    }

    pub(crate) fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn slice(&self, groups: GroupRange, behaviour: Behaviour) -> Bytes {
        let mut out = BytesMut::with_capacity(slice_len(self.size(), groups) as usize);
        for step in SlicePlan::new(self.size(), groups) {
            match step {
                SliceStep::Pair { index } => out.put_slice(&self.pairs[&index]),
                SliceStep::Group { index } => {
                    let range = byte_range(GroupRange::one(index), self.size());
                    let at = out.len();
                    out.put_slice(&self.bytes[range.start as usize..range.end as usize]);
                    if behaviour == Behaviour::Lying && at < out.len() {
                        out[at] ^= 1;
                    }
                }
            }
        }
        out.freeze()
    }
}

/// How a source treats those who ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// As it should.
    Honest,
    /// One bit of every group is wrong.
    Lying,
    /// Says nothing more after half of each answer, and keeps the connection.
    Stalling,
    /// Closes the connection after half of each answer.
    Truncating,
    /// Has no object.
    Absent,
    /// Answers 503.
    Busy,
}

/// Says whether who sends this head may have the object with this id.
type Guard = Box<dyn Fn(&str, u64) -> bool + Send>;

struct Shared {
    /// Who is refused gets 403.
    guard: Mutex<Option<Guard>>,
    objects: Mutex<HashMap<u64, Arc<Sample>>>,
    behaviour: Mutex<Behaviour>,
    /// Waited before each answer.
    delay: Mutex<Duration>,
    groups_sent: AtomicU64,
    asked: Mutex<Vec<(u64, GroupRange)>>,
}

/// The running source; ends when dropped.
pub(crate) struct FakeSource {
    shared: Arc<Shared>,
    pub(crate) endpoint: String,
    task: JoinHandle<()>,
}

impl Drop for FakeSource {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeSource {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            guard: Mutex::default(),
            objects: Mutex::default(),
            behaviour: Mutex::new(behaviour),
            delay: Mutex::default(),
            groups_sent: AtomicU64::new(0),
            asked: Mutex::default(),
        });
        let task = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                let mut connections = tokio::task::JoinSet::new();
                loop {
                    let Ok((stream, _)) = listener.accept().await else { return };
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move {
                        // A client that hangs up is its own affair.
                        let _ = serve(stream, &shared).await;
                    });
                }
            }
        });
        Self { shared, endpoint, task }
    }

    pub(crate) fn put(&self, id: u64, sample: &Arc<Sample>) {
        self.shared.objects.lock().unwrap().insert(id, Arc::clone(sample));
    }

    /// Gives objects only to those whose request `allows`.
    pub(crate) fn guard(&self, allows: impl Fn(&str, u64) -> bool + Send + 'static) {
        *self.shared.guard.lock().unwrap() = Some(Box::new(allows));
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap() = behaviour;
    }

    pub(crate) fn delay(&self, delay: Duration) {
        *self.shared.delay.lock().unwrap() = delay;
    }

    /// Groups that were sent in full answers or parts of answers, right or wrong.
    pub(crate) fn groups_sent(&self) -> u64 {
        self.shared.groups_sent.load(Relaxed)
    }

    /// What was asked for, in order.
    pub(crate) fn asked(&self) -> Vec<(u64, GroupRange)> {
        self.shared.asked.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            let mut chunk = [0; 4096];
            let count = stream.read(&mut chunk).await?;
            if count == 0 {
                return Ok(());
            }
            buffer.extend_from_slice(&chunk[..count]);
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end);
        let (id, groups) = parse(&head).expect("a request for a slice");
        let behaviour = *shared.behaviour.lock().unwrap();
        let delay = *shared.delay.lock().unwrap();
        let sample = shared.objects.lock().unwrap().get(&id).cloned();
        shared.asked.lock().unwrap().push((id, groups));
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let refused = shared.guard.lock().unwrap().as_ref().is_some_and(|allows| !allows(&head, id));
        if refused {
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await?;
            continue;
        }
        if behaviour == Behaviour::Busy {
            stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await?;
            continue;
        }
        let Some(sample) = sample.filter(|_| behaviour != Behaviour::Absent) else {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await?;
            continue;
        };
        let body = sample.slice(groups, behaviour);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.argosy.slice\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        if matches!(behaviour, Behaviour::Stalling | Behaviour::Truncating) {
            stream.write_all(&body[..body.len() / 2]).await?;
            if behaviour == Behaviour::Stalling {
                // Ends when the client hangs up.
                let mut rest = [0; 1];
                let _ = stream.read(&mut rest).await?;
            }
            return Ok(());
        }
        shared.groups_sent.fetch_add(groups.count(), Relaxed);
        stream.write_all(&body).await?;
    }
}

/// `GET /api/v1/objects/{id}/slices?from={a}&to={b} HTTP/1.1`
fn parse(head: &str) -> Option<(u64, GroupRange)> {
    let target = head.strip_prefix("GET /api/v1/objects/")?.split(' ').next()?;
    let (id, query) = target.split_once("/slices?")?;
    let (from, to) = query.split_once('&')?;
    let from = from.strip_prefix("from=")?.parse().ok()?;
    let to = to.strip_prefix("to=")?.parse().ok()?;
    Some((id.parse().ok()?, GroupRange::new(from, to)))
}
