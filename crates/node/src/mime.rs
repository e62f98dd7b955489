//! Media types by content: what a player needs to know before it plays.

/// Bytes from the start of an object that [`of_prefix`] can make use of.
pub const PREFIX_BYTES: u64 = 4_100;

/// What is sent for everything that is not known to be media.
pub const UNKNOWN: &str = "application/octet-stream";

/// The media type of an object that begins with `prefix`.
///
/// Only types that a browser shows or plays without running anything are ever named: a page, a script or
/// a picture made of XML among the objects is [`UNKNOWN`], since it would run with the rights of this
/// node's origin. Playlists of DASH are XML as well; in a browser that shows them, scripts in one would run
/// (Chromium saves them to disk): whoever sends them must say `content-security-policy: sandbox`.
///
/// Depends on nothing but the first [`PREFIX_BYTES`], so that it is the same wherever and whenever it is
/// asked. Source of the list: `spec/reliability.md` T-47.
#[must_use]
pub fn of_prefix(prefix: &[u8]) -> &'static str {
    iso_media(prefix)
        .or_else(|| matroska(prefix))
        .or_else(|| transport_stream(prefix))
        .or_else(|| text(prefix))
        .or_else(|| infer::get(prefix).and_then(|found| passive(found.mime_type())))
        .unwrap_or(UNKNOWN)
}

/// Boxes of the ISO base media format: MP4, its fragments, QuickTime, AVIF, HEIF.
fn iso_media(prefix: &[u8]) -> Option<&'static str> {
    match prefix.get(4..8)? {
        b"ftyp" => Some(match prefix.get(8..12)? {
            b"qt  " => "video/quicktime",
            b"M4A " | b"M4B " | b"F4A " => "audio/mp4",
            b"avif" | b"avis" => "image/avif",
            b"heic" | b"heix" | b"mif1" | b"msf1" => "image/heif",
            _ => "video/mp4",
        }),
        b"styp" | b"moof" | b"sidx" => Some("video/mp4"),
        b"moov" | b"wide" => Some("video/quicktime"),
        _ => None,
    }
}

/// WebM and Matroska say which they are within the first bytes of their header.
fn matroska(prefix: &[u8]) -> Option<&'static str> {
    let header = prefix.strip_prefix(b"\x1a\x45\xdf\xa3")?;
    let header = header.get(..64).unwrap_or(header);
    let says = |name: &[u8]| header.windows(name.len()).any(|window| window == name);
    if says(b"webm") {
        Some("video/webm")
    } else if says(b"matroska") {
        Some("video/x-matroska")
    } else {
        None
    }
}

/// Segments of HLS: packets of 188 bytes, each with a sync byte.
fn transport_stream(prefix: &[u8]) -> Option<&'static str> {
    let synced = [0, 188, 376].iter().all(|at| prefix.get(*at) == Some(&0x47));
    synced.then_some("video/mp2t")
}

/// Subtitles and playlists.
fn text(prefix: &[u8]) -> Option<&'static str> {
    let text = prefix.strip_prefix(b"\xef\xbb\xbf").unwrap_or(prefix);
    let head = text.get(..512).unwrap_or(text);
    let contains = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
    // What begins with a signature and goes on in the same word is something else.
    let begins = |signature: &[u8]| {
        let after = text.strip_prefix(signature);
        after.is_some_and(|after| after.first().is_none_or(u8::is_ascii_whitespace))
    };
    if begins(b"WEBVTT") {
        Some("text/vtt")
    } else if begins(b"#EXTM3U") {
        Some("application/vnd.apple.mpegurl")
    } else if is_dash(text) {
        Some("application/dash+xml")
    } else if text.first().is_some_and(u8::is_ascii_digit) && contains(b" --> ") {
        Some("application/x-subrip")
    } else {
        None
    }
}

/// Whether the root of an XML document is `MPD`. Before it may stand the declaration and comments, and
/// nothing else: no document type, and no instruction such as a style sheet.
fn is_dash(text: &[u8]) -> bool {
    let declaration =
        text.strip_prefix(b"<?xml").filter(|rest| rest.first().is_some_and(u8::is_ascii_whitespace));
    let mut rest = match declaration.map(|rest| after(rest, b"?>")) {
        Some(None) => return false,
        Some(Some(rest)) => rest,
        None => text,
    };
    loop {
        rest = rest.trim_ascii_start();
        match rest.strip_prefix(b"<!--").map(|comment| after(comment, b"-->")) {
            Some(Some(next)) => rest = next,
            Some(None) => return false,
            None => break,
        }
    }
    let name = rest.strip_prefix(b"<MPD");
    name.and_then(|rest| rest.first()).is_some_and(|&byte| byte.is_ascii_whitespace() || byte == b'>')
}

/// What stands behind the first `end`.
fn after<'a>(text: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    let at = text.windows(end.len()).position(|window| window == end)?;
    text.get(at + end.len()..)
}

/// The name that players expect, if the type is shown or played and never run.
fn passive(mime: &'static str) -> Option<&'static str> {
    match mime {
        "video/x-m4v" => Some("video/mp4"),
        "audio/m4a" => Some("audio/mp4"),
        "audio/x-flac" => Some("audio/flac"),
        "audio/x-wav" => Some("audio/wav"),
        "image/vnd.microsoft.icon" => Some("image/x-icon"),
        "application/pdf" | "application/epub+zip" | "application/zip" => Some(mime),
        // Pictures made of XML can hold scripts.
        _ if mime.ends_with("xml") => None,
        _ if ["image/", "video/", "audio/"].iter().any(|kind| mime.starts_with(kind)) => Some(mime),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn players_are_told_what_they_need() {
        let mut segment = vec![0; 400];
        for at in [0, 188, 376] {
            segment[at] = 0x47;
        }
        let cases: [(&[u8], &str); 27] = [
            (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2", "video/mp4"),
            (b"\0\0\0\x20ftypiso5\0\0\x02\0iso5iso6", "video/mp4"),
            (b"\0\0\0\x18styp", "video/mp4"),
            (b"\0\0\0\x14ftypqt  \0\0\0\0", "video/quicktime"),
            (b"\0\0\0\x1cftypM4A \0\0\0\0", "audio/mp4"),
            (b"\0\0\0\x1cftypavif\0\0\0\0", "image/avif"),
            (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\x82\x84webm", "video/webm"),
            (b"\x1a\x45\xdf\xa3\xa3B\x86\x81\x01B\x82\x88matroska", "video/x-matroska"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
            (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
            (b"ID3\x04\0\0\0\0\0\0", "audio/mpeg"),
            (b"fLaC\0\0\0\x22", "audio/flac"),
            (b"OggS\0\x02\0\0\0\0\0\0\0\0", "audio/ogg"),
            (b"\xef\xbb\xbfWEBVTT\n\n", "text/vtt"),
            (b"WEBVTT", "text/vtt"),
            (b"WEBVTT - a title\n\n", "text/vtt"),
            (b"#EXTM3U\n#EXT-X-VERSION:3\n", "application/vnd.apple.mpegurl"),
            (b"#EXTM3U\r\n", "application/vnd.apple.mpegurl"),
            (b"<?xml version=\"1.0\"?>\n<MPD xmlns=", "application/dash+xml"),
            (b"<MPD>", "application/dash+xml"),
            (
                b"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- made by -->\n <!----><MPD\n",
                "application/dash+xml",
            ),
            (b"\0\0\0\x18moof", "video/mp4"),
            (b"BM\x36\x10\0\0\0\0\0\0\x36\0\0\0", "image/bmp"),
            (b"1\r\n00:00:01,000 --> 00:00:02,000\r\n", "application/x-subrip"),
            (&segment, "video/mp2t"),
        ];
        for (prefix, expected) in cases {
            assert_eq!(of_prefix(prefix), expected, "{:?}", prefix.get(..12));
        }
    }

    #[test]
    fn nothing_that_runs_is_named() {
        for prefix in [
            &b"<!DOCTYPE html><html><script>alert(1)</script>"[..],
            b"<html>",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\">",
            b"<?xml version=\"1.0\"?><html/>",
            b"<html><!--<MPD --><script>alert(1)</script>",
            b"<?xml version=\"1.0\"?><!DOCTYPE html><MPD >",
            b"<?xml version=\"1.0\"?><?xml-stylesheet href=\"x\"?><MPD >",
            b"<?xml version=\"1.0\"?><!-- <MPD >",
            b"<?xml <MPD >",
            b"<MPDx>",
            b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"><!-- <MPD --></svg>",
            b"WEBVTTx",
            b"#EXTM3U8",
            b"const x = 1 // --> ",
            b"#!/bin/sh\nrm -rf /\n",
            b"\x7fELF\x02\x01\x01",
            b"CWS\x05",
            b"",
            b"\0",
            b"plain text",
        ] {
            assert_eq!(of_prefix(prefix), UNKNOWN, "{prefix:?}");
        }
    }
}
