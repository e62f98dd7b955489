//! What is answered to a transaction that got into no block.

use crate::reply;
use argosy_api::{ErrorBody, Retry};
use argosy_directory::Reject;
use argosy_http::StatusCode;
use argosy_ledger::SubmitError;

/// Why a transaction was turned down.
pub(crate) fn refusal(error: SubmitError) -> ErrorBody {
    match error {
        SubmitError::Refused(reject) => refused(reject),
        SubmitError::Malformed => {
            ErrorBody::caller(StatusCode::BAD_REQUEST, "MALFORMED_TRANSACTION", error.to_string())
        }
        SubmitError::PoolFull => {
            ErrorBody::this_node(StatusCode::SERVICE_UNAVAILABLE, "POOL_FULL", error.to_string())
        }
        SubmitError::NoRoom => {
            ErrorBody::this_node(StatusCode::INSUFFICIENT_STORAGE, "NO_ROOM", error.to_string())
        }
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
