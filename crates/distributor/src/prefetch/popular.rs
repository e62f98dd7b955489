//! `GET /api/v1/popular`: what this node is asked for most, for others that warm up.

use crate::node::Node;
use argosy_domain::DataObjectId;
use argosy_node_core::prefetch::MAX_REPORT_OBJECTS;
use bytes::Bytes;
use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How old the answer may be.
const KEPT: Duration = Duration::from_secs(5);
/// Objects that are told to those who do not say how many they want.
const USUAL_LIMIT: usize = 100;
const BEGIN: &str = r#"{"objects":["#;
const END: &str = "]}";

/// The answer, made again every few seconds if anybody asks.
#[derive(Debug, Default)]
pub(crate) struct Popular {
    made: Mutex<Option<(Instant, Arc<Answer>)>>,
}

/// All objects as JSON, and where each of them ends.
#[derive(Debug)]
struct Answer {
    text: String,
    ends: Vec<usize>,
}

impl Answer {
    fn of(objects: impl Iterator<Item = (DataObjectId, u32)>) -> Self {
        let mut answer = Self { text: BEGIN.to_owned(), ends: Vec::new() };
        for (id, count) in objects {
            let comma = if answer.ends.is_empty() { "" } else { "," };
            // Writing to a text cannot fail.
            let _ = write!(answer.text, r#"{comma}{{"id":"{id}","count":{count}}}"#);
            answer.ends.push(answer.text.len());
        }
        answer
    }

    fn first(&self, limit: usize) -> Bytes {
        let last = limit.min(self.ends.len()).checked_sub(1);
        let end = last.and_then(|last| self.ends.get(last)).copied().unwrap_or(BEGIN.len());
        let text = self.text.get(..end).unwrap_or(BEGIN);
        [text, END].concat().into()
    }
}

impl Popular {
    fn lock(&self) -> MutexGuard<'_, Option<(Instant, Arc<Answer>)>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    /// The body of the answer; none if the query cannot be understood.
    ///
    /// Objects of private bags are left out: that they exist is nobody else's business.
    pub(crate) fn popular(&self, query: Option<&str>) -> Option<Bytes> {
        let limit = match query.unwrap_or_default() {
            "" => USUAL_LIMIT,
            query => query.strip_prefix("limit=")?.parse().ok().filter(|limit| *limit > 0)?,
        };
        Some(self.popular_answer().first(limit))
    }

    fn popular_answer(&self) -> Arc<Answer> {
        // Held while it is made: many who ask at once get one answer.
        let mut made = self.popular.lock();
        if let Some((_, answer)) = made.as_ref().filter(|(at, _)| at.elapsed() < KEPT) {
            return Arc::clone(answer);
        }
        let hottest = self.cache.hottest(MAX_REPORT_OBJECTS);
        let public: Vec<(DataObjectId, u32)> = self.follower.with_index(|index| {
            let is_public = |id: &DataObjectId| index.bag_of(*id).is_some_and(|bag| !bag.is_private());
            hottest.into_iter().filter(|(id, _)| is_public(id)).collect()
        });
        let answer = Arc::new(Answer::of(public.into_iter()));
        *made = Some((Instant::now(), Arc::clone(&answer)));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_api::node::PopularView;

    #[test]
    fn any_number_of_the_first_is_told() {
        let answer = Answer::of((0..5).map(|id| (DataObjectId(id), 9)));
        for (limit, expected) in [(1, 1), (4, 4), (5, 5), (usize::MAX, 5)] {
            let told: PopularView = serde_json::from_slice(&answer.first(limit)).unwrap();
            assert_eq!(told.objects.len(), expected);
            assert!(told.objects.iter().zip(0..).all(|(object, id)| (object.id.0, object.count) == (id, 9)));
        }
        assert_eq!(Answer::of(std::iter::empty()).first(3), r#"{"objects":[]}"#);
    }
}
