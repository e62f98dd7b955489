//! What is answered to a transaction that got into no block.

use crate::reply;
use argosy_api::{ErrorBody, Retry};
use argosy_directory::Reject;
use argosy_http::StatusCode;
use argosy_ledger::SubmitError;

/// Why a transaction was turned down.
pub(crate) fn refusal(error: SubmitError) -> ErrorBody {
    let caller = |status, retry| ErrorBody::caller(status, error.code(), error.to_string()).with_retry(retry);
    let this_node = |status| ErrorBody::this_node(status, error.code(), error.to_string());
    match error {
        SubmitError::Refused(reject) => refused(reject),
        SubmitError::Malformed => caller(StatusCode::BAD_REQUEST, Retry::Never),
        SubmitError::AccountFull => caller(StatusCode::TOO_MANY_REQUESTS, Retry::Later),
        SubmitError::Waiting => caller(StatusCode::CONFLICT, Retry::Later),
        SubmitError::NonceTaken { .. } | SubmitError::Replaced => caller(StatusCode::CONFLICT, Retry::Never),
        SubmitError::PoolFull | SubmitError::Displaced | SubmitError::Busy => {
            this_node(StatusCode::SERVICE_UNAVAILABLE)
        }
        SubmitError::NoRoom => this_node(StatusCode::INSUFFICIENT_STORAGE),
        SubmitError::Stopped(stopped) => reply::stopped(stopped),
    }
}

fn refused(reject: Reject) -> ErrorBody {
    // Another transaction of the same account is in the way, rather than this one being wrong.
    let (status, retry) = if reject == Reject::NonceFuture {
        (StatusCode::CONFLICT, Retry::Later)
    } else if reject == Reject::NonceStale {
        (StatusCode::CONFLICT, Retry::Never)
    } else {
        (StatusCode::BAD_REQUEST, Retry::Never)
    };
    ErrorBody::caller(status, reject.code(), reject.to_string())
        .with_retry(retry)
        .with_number(reject.number())
}
