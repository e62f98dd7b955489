//! A storage node made for tests: serves slices of objects held in memory, and lies on demand.

#![allow(clippy::as_conversions, dead_code, reason = "a helper that the tests of two crates share")]

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{
            AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::Duration,
};

use argosy_content::{GroupRange, SlicePlan, SliceStep, TreeBuilder, byte_range, slice_len};
use argosy_domain::ContentId;
use bytes::{BufMut, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
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

/// Answers a challenge: the body that belongs to a query.
type Prover = Box<dyn Fn(&str) -> String + Send>;

struct Shared {
    /// None where nobody asks for it.
    prover: Mutex<Option<Prover>>,
    challenged: AtomicU64,
    /// Who is refused gets 403.
    guard: Mutex<Option<Guard>>,
    objects: Mutex<HashMap<u64, Arc<Sample>>>,
    behaviour: Mutex<Behaviour>,
    /// Waited before each answer.
    delay: Mutex<Duration>,
    /// Waited after each group, so that an answer takes its time.
    pause: Mutex<Duration>,
    /// What is held of an object, if it is not all of it: asked as a peer is.
    held: Mutex<HashMap<u64, Vec<GroupRange>>>,
    /// Changes each time the source dies; while it is odd, the source is dead.
    life: watch::Sender<u64>,
    groups_sent: AtomicU64,
    bytes_sent: AtomicU64,
    /// The same, by object.
    sent_of: Mutex<HashMap<u64, u64>>,
    answering: AtomicU64,
    most_at_once: AtomicU64,
    asked: Mutex<Vec<(u64, GroupRange)>>,
    /// Objects of which only these groups leave.
    held_back: watch::Sender<HashMap<u64, Vec<GroupRange>>>,
}

impl Shared {
    fn is_held_back(&self, id: u64) -> bool {
        self.held_back.borrow().contains_key(&id)
    }

    /// Waits until a group may leave.
    async fn may_leave(&self, id: u64, group: u64) {
        let mut held_back = self.held_back.subscribe();
        let open = |ranges: &Vec<GroupRange>| ranges.iter().any(|range| range.contains(group));
        // The sender lives as long as this.
        let _ = held_back.wait_for(|all| all.get(&id).is_none_or(open)).await;
    }
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
            prover: Mutex::default(),
            challenged: AtomicU64::new(0),
            guard: Mutex::default(),
            objects: Mutex::default(),
            behaviour: Mutex::new(behaviour),
            delay: Mutex::default(),
            pause: Mutex::default(),
            held: Mutex::default(),
            life: watch::Sender::new(0),
            groups_sent: AtomicU64::new(0),
            bytes_sent: AtomicU64::new(0),
            sent_of: Mutex::default(),
            answering: AtomicU64::new(0),
            most_at_once: AtomicU64::new(0),
            asked: Mutex::default(),
            held_back: watch::Sender::default(),
        });
        let task = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                let mut connections = tokio::task::JoinSet::new();
                loop {
                    let Ok((stream, _)) = listener.accept().await else { return };
                    while connections.try_join_next().is_some() {}
                    let shared = Arc::clone(&shared);
                    let mut life = shared.life.subscribe();
                    let born = *life.borrow_and_update();
                    if born % 2 == 1 {
                        continue;
                    }
                    connections.spawn(async move {
                        // A client that hangs up is its own affair.
                        tokio::select! {
                            _ = serve(stream, &shared) => {}
                            _ = life.changed() => {}
                        }
                    });
                }
            }
        });
        Self { shared, endpoint, task }
    }

    pub(crate) fn put(&self, id: u64, sample: &Arc<Sample>) {
        self.shared.objects.lock().unwrap().insert(id, Arc::clone(sample));
    }

    /// Proves whose node it is from now on.
    pub(crate) fn prove(&self, answer: impl Fn(&str) -> String + Send + 'static) {
        *self.shared.prover.lock().unwrap() = Some(Box::new(answer));
    }

    /// How often it was asked for a proof.
    pub(crate) fn challenged(&self) -> u64 {
        self.shared.challenged.load(Relaxed)
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

    /// How many groups of a range of an object were asked for, as often as they were.
    pub(crate) fn groups_asked(&self, id: u64, within: GroupRange) -> u64 {
        let asked = self.asked();
        asked.iter().filter(|(of, _)| *of == id).map(|(_, groups)| groups.intersection(within).count()).sum()
    }

    /// From now on only these groups of an object leave; who asks for others waits.
    pub(crate) fn hold_back_all_but(&self, id: u64, groups: &[GroupRange]) {
        self.shared.held_back.send_modify(|all| {
            all.insert(id, groups.to_vec());
        });
    }

    /// Sends all of an object again.
    pub(crate) fn let_go(&self, id: u64) {
        self.shared.held_back.send_modify(|all| {
            all.remove(&id);
        });
    }

    /// Ends, with all its connections.
    pub(crate) fn stop(&self) {
        self.task.abort();
    }

    pub(crate) fn pause(&self, pause: Duration) {
        *self.shared.pause.lock().unwrap() = pause;
    }

    /// Holds only these groups of an object from now on.
    pub(crate) fn hold_only(&self, id: u64, groups: &[GroupRange]) {
        self.shared.held.lock().unwrap().insert(id, groups.to_vec());
    }

    /// Breaks off all connections, and accepts none until [`FakeSource::revive`].
    pub(crate) fn kill(&self) {
        self.shared.life.send_modify(|life| *life |= 1);
    }

    pub(crate) fn revive(&self) {
        self.shared.life.send_modify(|life| *life += *life & 1);
    }

    /// Bytes of answers that the system took for sending, proofs included.
    pub(crate) fn bytes_sent(&self) -> u64 {
        self.shared.bytes_sent.load(Relaxed)
    }

    /// The same of one object.
    pub(crate) fn bytes_sent_of(&self, id: u64) -> u64 {
        self.shared.sent_of.lock().unwrap().get(&id).copied().unwrap_or(0)
    }

    /// Most answers that were being given at once, each on a connection of its own.
    ///
    /// Not all connections that are open: who asks may have closed one before it opens the next, and the source
    /// learns of that at some time later.
    pub(crate) fn most_answers_at_once(&self) -> u64 {
        self.shared.most_at_once.load(Relaxed)
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

/// An answer that is being given. It ends before its last bytes leave or its connection closes, so that who asks
/// cannot know of the end before it is counted.
struct Answering<'a>(&'a Shared);

impl<'a> Answering<'a> {
    fn begin(shared: &'a Shared) -> Self {
        let now = shared.answering.fetch_add(1, SeqCst) + 1;
        shared.most_at_once.fetch_max(now, SeqCst);
        Self(shared)
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, SeqCst);
    }
}

/// The next request; none when the client has hung up.
async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<String>> {
    loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..at + 4]).into_owned();
            buffer.drain(..at + 4);
            return Ok(Some(head));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

async fn serve(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    loop {
        let Some(head) = read_head(&mut stream, &mut buffer).await? else { return Ok(()) };
        if let Some(answer) = shared.answer_about_itself(&head) {
            stream.write_all(answer.as_bytes()).await?;
            continue;
        }
        let (id, groups) = parse(&head).expect("a request for a slice");
        let behaviour = *shared.behaviour.lock().unwrap();
        let delay = *shared.delay.lock().unwrap();
        let sample = shared.objects.lock().unwrap().get(&id).cloned();
        shared.asked.lock().unwrap().push((id, groups));
        let answering = Answering::begin(shared);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let refused = shared.guard.lock().unwrap().as_ref().is_some_and(|allows| !allows(&head, id));
        if refused {
            drop(answering);
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await?;
            continue;
        }
        if behaviour == Behaviour::Busy {
            drop(answering);
            stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await?;
            continue;
        }
        let here = behaviour != Behaviour::Absent && shared.holds(id, groups);
        let Some(sample) = sample.filter(|_| here) else {
            drop(answering);
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
        if shared.is_held_back(id) {
            send_as_allowed(&mut stream, &sample, id, groups, &body, answering).await?;
            continue;
        }
        shared.groups_sent.fetch_add(groups.count(), Relaxed);
        let pause = *shared.pause.lock().unwrap();
        let mut answering = Some(answering);
        for (piece, left) in body.chunks(16 * 1024).zip((0..body.len().div_ceil(16 * 1024)).rev()) {
            if left == 0 {
                drop(answering.take());
            }
            stream.write_all(piece).await?;
            shared.bytes_sent.fetch_add(piece.len() as u64, Relaxed);
            *shared.sent_of.lock().unwrap().entry(id).or_default() += piece.len() as u64;
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
    }
}

impl Shared {
    fn holds(&self, id: u64, groups: GroupRange) -> bool {
        let held = self.held.lock().unwrap();
        held.get(&id).is_none_or(|held| held.iter().any(|run| run.covers(groups)))
    }

    /// The answer to what is not asked of an object's content.
    fn answer_about_itself(&self, head: &str) -> Option<String> {
        let held = head.strip_prefix("HEAD /api/v1/objects/").map(|rest| self.held_answer(rest));
        held.or_else(|| head.strip_prefix("GET /api/v1/proof-of-role?").map(|rest| self.proof(rest)))
    }

    /// The answer to a challenge; that of any web server if it proves nothing.
    fn proof(&self, rest: &str) -> String {
        self.challenged.fetch_add(1, Relaxed);
        let query = rest.split(' ').next().unwrap_or_default();
        match &*self.prover.lock().unwrap() {
            Some(prover) => {
                let body = prover(query);
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            }
            None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        }
    }

    /// The answer to a node that asks what is held.
    fn held_answer(&self, rest: &str) -> String {
        let id = rest.split('/').next().and_then(|id| id.parse().ok()).unwrap_or(u64::MAX);
        let groups = self.objects.lock().unwrap().get(&id).map(|sample| sample.size().div_ceil(16 * 1024));
        let all = groups.map(|groups| vec![GroupRange::new(0, groups)]);
        let held = self.held.lock().unwrap().get(&id).cloned().or(all).unwrap_or_default();
        if held.is_empty() || *self.behaviour.lock().unwrap() == Behaviour::Absent {
            return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned();
        }
        let runs: Vec<String> = held.iter().map(|run| format!("{}-{}", run.start, run.end)).collect();
        format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nArgosy-Held: {}\r\n\r\n", runs.join(","))
    }
}

/// Sends group by group, each when it may leave; gives up when the client does.
async fn send_as_allowed(
    stream: &mut TcpStream,
    sample: &Sample,
    id: u64,
    groups: GroupRange,
    body: &[u8],
    answering: Answering<'_>,
) -> std::io::Result<()> {
    let shared = answering.0;
    let mut answering = Some(answering);
    let (mut sent, mut end) = (0, 0);
    for step in SlicePlan::new(sample.size(), groups) {
        let SliceStep::Group { index } = step else {
            end += 64;
            continue;
        };
        let range = byte_range(GroupRange::one(index), sample.size());
        end += (range.end - range.start) as usize;
        let mut word = [0; 1];
        tokio::select! {
            () = shared.may_leave(id, index) => {}
            // Nothing is asked on a connection that waits for its answer: this is its end.
            _ = stream.read(&mut word) => return Err(std::io::ErrorKind::ConnectionAborted.into()),
        }
        if end == body.len() {
            drop(answering.take());
        }
        stream.write_all(&body[sent..end]).await?;
        sent = end;
        shared.groups_sent.fetch_add(1, Relaxed);
    }
    drop(answering);
    stream.write_all(&body[sent..]).await
}

/// `GET /api/v1/objects/{id}/slices?from={a}&to={b} HTTP/1.1`
fn parse(head: &str) -> Option<(u64, GroupRange)> {
    let target = head.strip_prefix("GET /api/v1/objects/")?.split(' ').next()?;
    let (id, query) = target.split_once("/slices?")?;
    let (from, to) = query.split_once('&')?;
    let from = from.strip_prefix("from=")?.parse().ok()?;
    let to = to.strip_suffix("&held=1").unwrap_or(to).strip_prefix("to=")?.parse().ok()?;
    Some((id.parse().ok()?, GroupRange::new(from, to)))
}
