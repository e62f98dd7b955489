//! What an endpoint says about the lines that it was sent. It may say anything.

use argosy_http::StatusCode;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Longest answer that is read, in bytes: a line of the request takes some thirty bytes here.
pub(super) const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// What becomes of the lines of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Taken, but for those of these places, which are to be sent again, and so many that never will be.
    Taken { again: Vec<usize>, rejected: usize },
    /// All to be sent again, later.
    Later,
    /// All to be sent again in smaller requests.
    TooMuch,
    /// Never: the endpoint cannot read them.
    Rejected,
}

#[derive(Deserialize)]
struct Answer {
    errors: bool,
    #[serde(default)]
    items: Vec<BTreeMap<String, Item>>,
}

#[derive(Deserialize)]
struct Item {
    status: u16,
}

/// Reads the answer to a request of `count` lines.
pub(super) fn read(status: StatusCode, body: &[u8], count: usize) -> Verdict {
    match status.as_u16() {
        200..=299 => {}
        400 | 422 => return Verdict::Rejected,
        413 => return Verdict::TooMuch,
        // Not known, not allowed, not now, not there: people can change that, and lines are kept meanwhile.
        _ => return Verdict::Later,
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else { return Verdict::Later };
    if !answer.errors {
        return Verdict::Taken { again: Vec::new(), rejected: 0 };
    }
    if answer.items.len() != count {
        return Verdict::Later;
    }
    let (mut again, mut rejected) = (Vec::new(), 0);
    for (at, item) in answer.items.iter().enumerate() {
        match item.values().next().map(|item| item.status) {
            // 409: it was taken when it was sent before.
            Some(200..=299 | 409) => {}
            Some(400..=428 | 430..=499) => rejected += 1,
            _ => again.push(at),
        }
    }
    Verdict::Taken { again, rejected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_means_something() {
        let taken = |again: &[usize], rejected| Verdict::Taken { again: again.to_vec(), rejected };
        let mixed = r#"{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":429}},{"create":{"status":400,"error":{"type":"x"}}},{"create":{"status":409}},{"create":{"status":503}},{}]}"#;
        let cases = [
            (200, r#"{"took":1,"errors":false,"items":[]}"#, 6, taken(&[], 0)),
            (200, r#"{"errors":false}"#, 6, taken(&[], 0)),
            (200, mixed, 6, taken(&[1, 4, 5], 1)),
            (200, mixed, 5, Verdict::Later),
            (200, r#"{"errors":true}"#, 1, Verdict::Later),
            (200, "<html>hello</html>", 1, Verdict::Later),
            (200, "", 1, Verdict::Later),
            (200, "[[[[[[[[", 1, Verdict::Later),
            (401, "", 1, Verdict::Later),
            (403, "", 1, Verdict::Later),
            (404, "", 1, Verdict::Later),
            (429, "", 1, Verdict::Later),
            (302, "", 1, Verdict::Later),
            (500, mixed, 6, Verdict::Later),
            (413, "", 1, Verdict::TooMuch),
            (400, "", 1, Verdict::Rejected),
        ];
        for (status, body, count, verdict) in cases {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(read(status, body.as_bytes(), count), verdict, "{status} {body}");
        }
    }
}
