//! What the nodes of a bag say they have.

use super::{
    super::Look,
    matrix::{Mark, Matrix, Site, Sites},
};
use argosy_api::{ClientError, ContentHead, DistributorClient, StorageClient};
use argosy_domain::DataObjectId;
use argosy_http::StatusCode;
use std::time::Duration;
use tokio::{task::JoinSet, time::timeout};

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Answers that a node may owe; then it is not asked any more.
const MAX_SILENCE: u32 = 2;
/// Most nodes that are asked at once.
const ASKED_AT_ONCE: usize = 64;

/// What a node said about an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Answer {
    /// It has it; a distributor: it would deliver it.
    Yes,
    /// A distributor has it at hand.
    Hit,
    /// A distributor fetches it just now.
    Pending,
    /// A distributor would have to fetch it.
    Miss,
    /// It does not have it, or does not serve it.
    No,
    /// It wants to know who asks.
    Denied,
    /// It said nothing that could be used.
    Silent,
}

impl Answer {
    /// As scripts read it, and people in the drawing.
    pub(in super::super) const fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Hit => "hit",
            Self::Pending => "fetching",
            Self::Miss => "miss",
            Self::No => "no",
            Self::Denied => "denied",
            Self::Silent => "silent",
        }
    }

    /// The better one of two nodes of one bucket.
    fn or(self, other: Self) -> Self {
        let rank = |answer| match answer {
            Self::Hit => 0,
            Self::Yes => 1,
            Self::Pending => 2,
            Self::Miss => 3,
            Self::Denied => 4,
            Self::No => 5,
            Self::Silent => 6,
        };
        if rank(self) <= rank(other) { self } else { other }
    }
}

impl From<Result<ContentHead, ClientError>> for Answer {
    fn from(answer: Result<ContentHead, ClientError>) -> Self {
        let error = match answer {
            Ok(head) => {
                return match head.cache.as_deref() {
                    Some("hit") => Self::Hit,
                    Some("pending") => Self::Pending,
                    Some("miss") => Self::Miss,
                    Some(_) | None => Self::Yes,
                };
            }
            Err(error) => error,
        };
        match error.status() {
            Some(StatusCode::NOT_FOUND | StatusCode::MISDIRECTED_REQUEST | StatusCode::GONE) => Self::No,
            Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Self::Denied,
            Some(_) | None => Self::Silent,
        }
    }
}

/// A node, and whether it delivers or keeps.
#[derive(Clone)]
enum Node {
    Storage(StorageClient),
    Distributor(DistributorClient),
}

impl Node {
    async fn ask(&self, object: DataObjectId) -> Answer {
        let asked = async {
            match self {
                Self::Storage(client) => client.head_file(object).await,
                Self::Distributor(client) => client.head_asset(object).await,
            }
        };
        timeout(PATIENCE, asked).await.map_or(Answer::Silent, Answer::from)
    }
}

/// Asks the nodes of every bucket about every accepted object, one object after the other.
pub(super) async fn ask_all(look: &Look, sites: &Sites, matrix: &mut Matrix) {
    let mut asked = JoinSet::new();
    for (column, site) in sites.0.iter().enumerate() {
        for node in nodes(look, site) {
            if asked.len() >= ASKED_AT_ONCE {
                take(asked.join_next().await, matrix);
            }
            let wanted = wanted(matrix, column);
            asked.spawn(async move { (column, ask(node, wanted).await) });
        }
    }
    while let Some(answers) = asked.join_next().await {
        take(Some(answers), matrix);
    }
}

fn nodes(look: &Look, site: &Site) -> Vec<Node> {
    let client = || look.network.client.clone();
    let node = |url: &String| match site.is_distribution {
        true => Node::Distributor(DistributorClient::new(client(), url)),
        false => Node::Storage(StorageClient::new(client(), url)),
    };
    site.urls.iter().map(node).collect()
}

/// Rows of a column whose objects a node may have, with their ids.
fn wanted(matrix: &Matrix, column: usize) -> Vec<(usize, DataObjectId)> {
    let mut wanted = Vec::new();
    for (place, row) in matrix.rows.iter().enumerate() {
        let is_asked = row.cells.get(column).is_some_and(|cell| cell.mark != Mark::Pending);
        wanted.extend(row.object.parse().ok().filter(|_| is_asked).map(|id| (place, id)));
    }
    wanted
}

async fn ask(node: Node, wanted: Vec<(usize, DataObjectId)>) -> Vec<(usize, Answer)> {
    let mut answers = Vec::with_capacity(wanted.len());
    let mut silence = 0;
    for (place, object) in wanted {
        let answer = if silence < MAX_SILENCE { node.ask(object).await } else { Answer::Silent };
        silence = if answer == Answer::Silent { silence + 1 } else { 0 };
        answers.push((place, answer));
    }
    answers
}

type Asked = Result<(usize, Vec<(usize, Answer)>), tokio::task::JoinError>;

fn take(answers: Option<Asked>, matrix: &mut Matrix) {
    let Some(Ok((column, answers))) = answers else { return };
    for (place, answer) in answers {
        if let Some(cell) = matrix.rows.get_mut(place).and_then(|row| row.cells.get_mut(column)) {
            cell.answer = Some(cell.answer.map_or(answer, |other| other.or(answer)));
        }
    }
}
