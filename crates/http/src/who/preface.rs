//! The PROXY protocol, versions 1 and 2: whom a proxy connects for, said before anything else.
//!
//! Read strictly: what is not exactly one of both forms closes the connection. Source: HAProxy's
//! `proxy-protocol.txt`, §2.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What every line of version 1 begins with.
const V1_START: &[u8] = b"PROXY ";
/// Longest line of version 1 with its CRLF, in bytes. Source: §2.1.
const V1_MAX_BYTES: usize = 107;
/// What version 2 begins with.
const V2_START: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The start, version and command, family, and length.
const V2_HEAD_BYTES: usize = 16;
/// Longest preface that is read, in bytes. Beside the addresses it holds notes of the proxy, which are
/// skipped; those in use take a few hundred.
pub const MAX_PREFACE_BYTES: usize = 1024;

/// Who opened the connection that a proxy passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The proxy itself, such as to see whether we live, or somebody whom it does not name.
    Proxy,
    /// This address; IPv4 is never in the form of IPv6.
    Client(IpAddr),
}

/// Why bytes are not a preface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefaceError {
    /// Neither version.
    #[error("the connection does not begin as the PROXY protocol says")]
    Start,
    /// Longer than allowed.
    #[error("what the PROXY protocol says is longer than allowed")]
    TooLong,
    /// Version 1, and not as it should be.
    #[error("the line of the PROXY protocol is malformed")]
    Line,
    /// Version 2 with an unknown version, command or family, or too short for its addresses.
    #[error("the binary form of the PROXY protocol is malformed")]
    Binary,
}

/// Reads the preface at the start of `bytes`: its length and what it says. None while it is incomplete;
/// then all of `bytes` belongs to it.
///
/// # Errors
/// [`PrefaceError`], as soon as no continuation could be right.
pub fn read(bytes: &[u8]) -> Result<Option<(usize, Source)>, PrefaceError> {
    if begins(bytes, V1_START) {
        read_line(bytes)
    } else if begins(bytes, V2_START) {
        read_binary(bytes)
    } else {
        Err(PrefaceError::Start)
    }
}

/// Whether `bytes` are the beginning of `start`, or begin with it.
fn begins(bytes: &[u8], start: &[u8]) -> bool {
    let both = bytes.len().min(start.len());
    bytes[..both] == start[..both]
}

fn read_line(bytes: &[u8]) -> Result<Option<(usize, Source)>, PrefaceError> {
    let window = bytes.get(..V1_MAX_BYTES).unwrap_or(bytes);
    let Some(end) = window.iter().position(|&byte| byte == b'\n') else {
        return if window.len() < V1_MAX_BYTES { Ok(None) } else { Err(PrefaceError::TooLong) };
    };
    let line = window[..end].strip_suffix(b"\r").ok_or(PrefaceError::Line)?;
    let text = line.strip_prefix(V1_START).and_then(|rest| std::str::from_utf8(rest).ok());
    let source = source_of(text.ok_or(PrefaceError::Line)?).ok_or(PrefaceError::Line)?;
    Ok(Some((end + 1, source)))
}

/// `TCP4 FROM TO PORT PORT`, the same with `TCP6`, or `UNKNOWN` and anything.
fn source_of(text: &str) -> Option<Source> {
    let mut words = text.split(' ');
    let address: fn(&str) -> Option<IpAddr> = match words.next()? {
        "TCP4" => |word| word.parse().ok().map(IpAddr::V4),
        "TCP6" => |word| word.parse().ok().map(IpAddr::V6),
        "UNKNOWN" => return Some(Source::Proxy),
        _ => return None,
    };
    let from = address(words.next()?)?;
    address(words.next()?)?;
    port(words.next()?)?;
    port(words.next()?)?;
    words.next().is_none().then(|| Source::Client(from.to_canonical()))
}

fn port(word: &str) -> Option<u16> {
    let plain = word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    word.parse().ok().filter(|_| plain)
}

fn read_binary(bytes: &[u8]) -> Result<Option<(usize, Source)>, PrefaceError> {
    let Some(&[command, family, high, low]) = bytes.get(V2_START.len()..V2_HEAD_BYTES) else {
        return Ok(None);
    };
    let len = V2_HEAD_BYTES + usize::from(u16::from_be_bytes([high, low]));
    if len > MAX_PREFACE_BYTES {
        return Err(PrefaceError::TooLong);
    }
    // The high half is the version.
    let is_local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err(PrefaceError::Binary),
    };
    let needed = match family {
        _ if is_local => 0,
        0x00 => 0,
        0x11 => 12,
        0x21 => 36,
        _ => return Err(PrefaceError::Binary),
    };
    if len < V2_HEAD_BYTES + needed {
        return Err(PrefaceError::Binary);
    }
    let Some(addresses) = bytes.get(V2_HEAD_BYTES..len) else {
        return Ok(None);
    };
    let from = match needed {
        12 => addresses.first_chunk().copied().map(|bytes: [u8; 4]| IpAddr::V4(Ipv4Addr::from(bytes))),
        36 => addresses.first_chunk().copied().map(|bytes: [u8; 16]| IpAddr::V6(Ipv6Addr::from(bytes))),
        _ => None,
    };
    Ok(Some((len, from.map_or(Source::Proxy, |from| Source::Client(from.to_canonical())))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let len = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [V2_START, &[command, family], &len, rest].concat()
    }

    fn client(text: &str) -> Source {
        Source::Client(text.parse().unwrap())
    }

    /// Prefaces and what they say; all are followed by a request.
    fn good() -> Vec<(Vec<u8>, Source)> {
        let v6 = [&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7][..], &[0; 20]].concat();
        let mapped = [&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1][..], &[0; 20]].concat();
        let v4 = [192, 0, 2, 1, 10, 0, 0, 1, 1, 2, 3, 4];
        vec![
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n".to_vec(), client("192.0.2.1")),
            (
                b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n".to_vec(),
                client("255.255.255.255"),
            ),
            (b"PROXY TCP6 2001:db8::7 ::1 0 1\r\n".to_vec(), client("2001:db8::7")),
            (b"PROXY TCP6 ::ffff:192.0.2.1 ::1 0 1\r\n".to_vec(), client("192.0.2.1")),
            (b"PROXY UNKNOWN\r\n".to_vec(), Source::Proxy),
            (b"PROXY UNKNOWN ffff::1 whatever\r\n".to_vec(), Source::Proxy),
            (binary(0x21, 0x11, &v4), client("192.0.2.1")),
            (binary(0x21, 0x11, &[&v4[..], &[4, 0, 1, 0]].concat()), client("192.0.2.1")),
            (binary(0x21, 0x21, &v6), client("2001:db8::7")),
            (binary(0x21, 0x21, &mapped), client("192.0.2.1")),
            (binary(0x21, 0x00, b""), Source::Proxy),
            (binary(0x20, 0x00, b""), Source::Proxy),
            (binary(0x20, 0x11, &v4), Source::Proxy),
            (binary(0x21, 0x00, &[9; MAX_PREFACE_BYTES - V2_HEAD_BYTES]), Source::Proxy),
        ]
    }

    #[test]
    fn both_versions_say_who_asks() {
        for (preface, source) in good() {
            let all = [&preface[..], b"GET / HTTP/1.1\r\n"].concat();
            assert_eq!(read(&all), Ok(Some((preface.len(), source))), "{preface:?}");
            for end in 0..preface.len() {
                assert_eq!(read(&preface[..end]), Ok(None), "{end} bytes of {preface:?}");
            }
        }
    }

    #[test]
    fn whatever_else_is_refused_at_once() {
        let long = format!("PROXY UNKNOWN {}", "x".repeat(V1_MAX_BYTES - 14));
        let cases: [(&[u8], PrefaceError); 20] = [
            (b"G", PrefaceError::Start),
            (b"GET / HTTP/1.1\r\n\r\n", PrefaceError::Start),
            (b"proxy ", PrefaceError::Start),
            (b"\r\n\r\n\0\r\nQUIX", PrefaceError::Start),
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 1 2\n", PrefaceError::Line),
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 1\r\n", PrefaceError::Line),
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 1 2 3\r\n", PrefaceError::Line),
            (b"PROXY TCP4 192.0.2.1  10.0.0.1 1 2\r\n", PrefaceError::Line),
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 1 65536\r\n", PrefaceError::Line),
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 01 2\r\n", PrefaceError::Line),
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 +1 2\r\n", PrefaceError::Line),
            (b"PROXY TCP4 192.0.2.01 10.0.0.1 1 2\r\n", PrefaceError::Line),
            (b"PROXY TCP4 ::1 ::1 1 2\r\n", PrefaceError::Line),
            (b"PROXY TCP6 192.0.2.1 10.0.0.1 1 2\r\n", PrefaceError::Line),
            (b"PROXY UDP4 192.0.2.1 10.0.0.1 1 2\r\n", PrefaceError::Line),
            (b"PROXY \r\n", PrefaceError::Line),
            (b"PROXY TCP4 \xff 10.0.0.1 1 2\r\n", PrefaceError::Line),
            (long.as_bytes(), PrefaceError::TooLong),
            (&binary(0x11, 0x11, &[0; 12]), PrefaceError::Binary),
            (&binary(0x22, 0x11, &[0; 12]), PrefaceError::Binary),
        ];
        for (bytes, error) in cases {
            assert_eq!(read(bytes), Err(error), "{}", String::from_utf8_lossy(bytes));
        }
        for (family, len) in [(0x11, 11), (0x21, 35), (0x12, 12), (0x31, 216), (0x01, 0), (0xff, 0)] {
            let bytes = binary(0x21, family, &vec![0; len]);
            assert_eq!(read(&bytes), Err(PrefaceError::Binary), "{family:#x}");
        }
        let endless = [V2_START, &[0x21, 0x11, 0xff, 0xff]].concat();
        assert_eq!(read(&endless), Err(PrefaceError::TooLong));
    }

    #[test]
    fn random_bytes_never_confuse_it() {
        // Changes of good ones get further than pure chance.
        let mut state = 0x5eed_u64;
        let mut random = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        for (preface, _) in good() {
            for _ in 0..2_000 {
                let mut bytes = [&preface[..], b"GET /"].concat();
                for _ in 0..=random(3) {
                    let at = random(bytes.len());
                    bytes[at] = u8::try_from(random(256)).unwrap();
                }
                if let Ok(Some((len, _))) = read(&bytes) {
                    assert!(len <= bytes.len().min(MAX_PREFACE_BYTES));
                    assert_eq!(read(&bytes[..len]), read(&bytes), "what follows changes nothing");
                    assert_eq!(read(&bytes[..len - 1]), Ok(None));
                }
            }
        }
    }
}
