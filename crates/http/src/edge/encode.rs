//! The bytes of a response head, and the loop's own error bodies.

use std::{
    cell::Cell,
    io::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::StatusCode;

use super::{ContentRange, EdgeResponse};

/// Bytes of a date in the form of RFC 9110, which never vary.
const DATE_BYTES: usize = 29;
/// Room for the lines that the loop writes itself.
const OWN_LINES_BYTES: usize = 256;

thread_local! {
    static DATE: Cell<(u64, [u8; DATE_BYTES])> = const { Cell::new((0, [b' '; DATE_BYTES])) };
}

/// Encodes the head of `response`.
pub(super) fn head(response: &EdgeResponse) -> Vec<u8> {
    let (lines, extra) = (response.headers.as_bytes(), response.extra.as_bytes());
    let mut out = Vec::with_capacity(OWN_LINES_BYTES + lines.len() + extra.len());
    let status = response.status;
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\ndate: ");
    out.extend_from_slice(&date());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(lines);
    out.extend_from_slice(extra);
    if !is_bodiless(status) {
        line(&mut out, format_args!("content-length: {}\r\n", response.body.len()));
    }
    match &response.content_range {
        None => {}
        Some(ContentRange::Part { range, size }) => {
            let last = range.end.saturating_sub(1);
            line(&mut out, format_args!("content-range: bytes {}-{last}/{size}\r\n", range.start));
        }
        Some(ContentRange::Unsatisfied { size }) => {
            line(&mut out, format_args!("content-range: bytes */{size}\r\n"))
        }
    }
    if response.close {
        out.extend_from_slice(b"connection: close\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Statuses whose answers never have a body, nor a length.
pub(super) fn is_bodiless(status: StatusCode) -> bool {
    status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED
}

fn line(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    out.write_fmt(text).ok();
}

/// The current date, encoded once per second and thread.
fn date() -> [u8; DATE_BYTES] {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (at, text) = DATE.get();
    if at == seconds {
        return text;
    }
    let mut fresh = [b' '; DATE_BYTES];
    let written = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    if written.len() == DATE_BYTES {
        fresh.copy_from_slice(written.as_bytes());
    }
    DATE.set((seconds, fresh));
    fresh
}

/// The body of an answer to a request that reached no handler, in Argus' form.
pub(super) fn refusal_json(message: &str, path: Option<&str>) -> String {
    let message = escape(message);
    let errors = path.map_or_else(String::new, |path| {
        format!("{{\"path\":\"{}\",\"message\":\"{message}\"}}", escape(path))
    });
    format!("{{\"type\":\"request_validation\",\"message\":\"{message}\",\"errors\":[{errors}]}}")
}

/// Escapes visible ASCII, which is all that a parsed head holds, for a JSON string.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::{EdgeBody, HeaderBlock};

    fn text(response: &EdgeResponse) -> String {
        let head = String::from_utf8(head(response)).unwrap();
        head.lines().filter(|line| !line.starts_with("date: ")).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn heads_say_what_they_must_and_no_more() {
        let body = || EdgeBody::Declared { len: 7 };
        let ok =
            EdgeResponse::new(StatusCode::OK, body()).with_headers(HeaderBlock::build([("etag", "\"a\"")]));
        assert_eq!(text(&ok), "HTTP/1.1 200 OK|etag: \"a\"|content-length: 7|");
        let part = ContentRange::Part { range: 3..10, size: 20 };
        let mut part = EdgeResponse::new(StatusCode::PARTIAL_CONTENT, body()).with_content_range(part);
        part.close = true;
        let expected =
            "HTTP/1.1 206 Partial Content|content-length: 7|content-range: bytes 3-9/20|connection: close|";
        assert_eq!(text(&part), expected);
        let beyond = ContentRange::Unsatisfied { size: 20 };
        let beyond =
            EdgeResponse::new(StatusCode::RANGE_NOT_SATISFIABLE, EdgeBody::Empty).with_content_range(beyond);
        assert_eq!(
            text(&beyond),
            "HTTP/1.1 416 Range Not Satisfiable|content-length: 0|content-range: bytes */20|"
        );
        assert_eq!(
            text(&EdgeResponse::new(StatusCode::NOT_MODIFIED, EdgeBody::Empty)),
            "HTTP/1.1 304 Not Modified|"
        );
    }

    #[test]
    fn the_date_is_well_formed() {
        let text = String::from_utf8(date().to_vec()).unwrap();
        assert!(httpdate::parse_http_date(&text).is_ok(), "{text}");
        assert_eq!(date(), date());
    }

    #[test]
    fn no_value_adds_a_header_and_no_path_leaves_its_string() {
        let block = HeaderBlock::build([("x", "a\r\nset-cookie: b\u{e9}")]);
        assert_eq!(block.as_bytes(), b"x: a__set-cookie: b__\r\n");
        let expected =
            r#"{"type":"request_validation","message":"m","errors":[{"path":"/\"\\","message":"m"}]}"#;
        assert_eq!(refusal_json("m", Some("/\"\\")), expected);
    }
}
