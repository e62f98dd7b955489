//! Answers about the state: all of one snapshot, whose height stands in a header.

use crate::{App, reply};
use argosy_api::{ErrorBody, HEIGHT_HEADER, NEXT_HEADER, Retry};
use argosy_directory::State as Directory;
use argosy_domain::num::to_usize;
use argosy_http::StatusCode;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::{fmt::Display, num::NonZeroU32, sync::Arc, time::Duration};
use tokio::time::timeout;

/// Most elements of a list in one answer.
pub(crate) const MAX_PAGE: usize = 10_000;
/// Scans of the state that run at once.
pub(crate) const MAX_SCANS: usize = 2;
/// Longest that a request waits for others' scans.
const SCAN_WAIT: Duration = Duration::from_secs(3);

/// A value, true at a height.
pub(crate) struct At<T> {
    pub(crate) height: u64,
    pub(crate) value: T,
}

/// A part of a list, true at a height.
pub(crate) struct Part<T> {
    pub(crate) height: u64,
    pub(crate) items: Vec<T>,
    /// `from` of the next part.
    pub(crate) next: Option<String>,
}

pub(crate) type One<T> = Result<At<T>, ErrorBody>;
pub(crate) type Many<T> = Result<Part<T>, ErrorBody>;

impl<T: Serialize> IntoResponse for At<T> {
    fn into_response(self) -> Response {
        ([(HEIGHT_HEADER, self.height.to_string())], Json(self.value)).into_response()
    }
}

impl<T: Serialize> IntoResponse for Part<T> {
    fn into_response(self) -> Response {
        let height = [(HEIGHT_HEADER, self.height.to_string())];
        let next = self.next.map(|next| [(NEXT_HEADER, next)]);
        (height, next, Json(self.items)).into_response()
    }
}

/// Elements wanted: what was asked for, up to `most`.
pub(crate) fn limit(asked: Option<NonZeroU32>, most: usize) -> usize {
    asked.map_or(most, |asked| to_usize(u64::from(asked.get())).min(most))
}

/// The first elements of an ascending list, and the key after them.
pub(crate) fn first<K: Display, T>(
    items: impl Iterator<Item = (K, T)>,
    limit: usize,
) -> (Vec<T>, Option<String>) {
    let mut taken = Vec::new();
    for (key, item) in items {
        if taken.len() == limit {
            return (taken, Some(key.to_string()));
        }
        taken.push(item);
    }
    (taken, None)
}

/// Looks at the newest state.
pub(crate) fn all<T>(app: &App, look: impl FnOnce(&Directory) -> T) -> One<T> {
    let state = app.engine.snapshot().map_err(reply::stopped)?;
    Ok(At { height: state.at().height, value: look(&state) })
}

/// Looks for one thing in the newest state.
pub(crate) fn one<T>(
    app: &App,
    code: &str,
    message: &str,
    look: impl FnOnce(&Directory) -> Option<T>,
) -> One<T> {
    let At { height, value } = all(app, look)?;
    value.map(|value| At { height, value }).ok_or_else(|| reply::missing(code, message))
}

/// A part of a list that is short, or whose part is found without looking at what is before it.
pub(crate) fn part<T>(app: &App, look: impl FnOnce(&Directory) -> (Vec<T>, Option<String>)) -> Many<T> {
    let At { height, value: (items, next) } = all(app, look)?;
    Ok(Part { height, items, next })
}

/// The same where looking may take long: beside the threads that answer, and few at once.
pub(crate) async fn scan<T: Send + 'static>(
    app: &App,
    look: impl FnOnce(&Directory) -> Result<(Vec<T>, Option<String>), ErrorBody> + Send + 'static,
) -> Many<T> {
    let state = app.engine.snapshot().map_err(reply::stopped)?;
    let height = state.at().height;
    let (items, next) = aside(app, move || look(&state)).await??;
    Ok(Part { height, items, next })
}

/// Runs what blocks or takes long, few at once.
pub(crate) async fn aside<T: Send + 'static>(
    app: &App,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ErrorBody> {
    let permit = timeout(SCAN_WAIT, Arc::clone(&app.scans).acquire_owned()).await;
    let Ok(Ok(permit)) = permit else {
        return Err(ErrorBody::this_node(
            StatusCode::SERVICE_UNAVAILABLE,
            "BUSY",
            "too many requests for long lists at once: ask again later",
        )
        .with_retry(Retry::Later));
    };
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    done.await.map_err(|_| reply::internal())
}

/// Counted things from `from` on, some of which may be gone.
pub(crate) fn counted<T>(
    from: Option<u64>,
    end: u64,
    get: impl Fn(u64) -> Option<T>,
) -> impl Iterator<Item = (u64, T)> {
    (from.unwrap_or(0)..end).filter_map(move |id| Some((id, get(id)?)))
}
