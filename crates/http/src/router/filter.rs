//! Follows the requests of a connection byte by byte: which bytes belong to heads, which to bodies.

use crate::head::{self, Fault, Framing};

/// Most digits of a chunk's size, in hexadecimal.
const MAX_CHUNK_DIGITS: u8 = 8;

/// A body is not framed as its head announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadChunk;

/// Where in a request the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a head, or before one.
    Head,
    /// In a body of announced length, with so many bytes to come; never zero.
    Sized(u64),
    /// In a chunked body.
    Chunked(Chunk),
}

/// Where in a chunked body the next byte stands. Extensions and trailers are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// In a size of which so many digits have come.
    Size {
        value: u64,
        digits: u8,
    },
    /// At the LF after a size.
    SizeLf {
        value: u64,
    },
    /// In a chunk's data, with so many bytes to come; never zero.
    Data(u64),
    /// At the CR, or the LF, after a chunk's data.
    DataCr,
    DataLf,
    /// At the CR, or the LF, of the empty line that ends the body.
    LastCr,
    LastLf,
}

impl Place {
    /// Where the body begins that follows a head.
    pub(super) fn after_head(framing: Framing) -> Self {
        match framing {
            Framing::Length(0) => Self::Head,
            Framing::Length(len) => Self::Sized(len),
            Framing::Chunked => Self::Chunked(Chunk::Size { value: 0, digits: 0 }),
        }
    }
}

/// Length of the head at the start of `buf` and the place after it; none while it is incomplete.
pub(super) fn read_head(buf: &[u8]) -> Result<Option<(usize, Place)>, Fault> {
    Ok(head::parse(buf, |_, _| {})?.map(|head| (head.len, Place::after_head(head.framing))))
}

/// How many of `bytes` belong to the chunked body at `chunk`, and the place after them.
pub(super) fn follow_chunks(mut chunk: Chunk, bytes: &[u8]) -> Result<(usize, Place), BadChunk> {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if let Chunk::Data(left) = chunk {
            let rest = argosy_domain::num::to_u64(bytes.len() - at);
            let here = left.min(rest);
            at += argosy_domain::num::to_usize(here);
            chunk = if here == left { Chunk::DataCr } else { Chunk::Data(left - here) };
            continue;
        }
        at += 1;
        if (chunk, byte) == (Chunk::LastLf, b'\n') {
            return Ok((at, Place::Head));
        }
        chunk = step(chunk, byte)?;
    }
    Ok((at, Place::Chunked(chunk)))
}

/// The place after a byte that is not chunk data, nor the last of the body.
fn step(chunk: Chunk, byte: u8) -> Result<Chunk, BadChunk> {
    match (chunk, byte) {
        (Chunk::Size { value, digits: 1.. }, b'\r') => Ok(Chunk::SizeLf { value }),
        (Chunk::Size { value, digits }, _) if digits < MAX_CHUNK_DIGITS => {
            let digit = char::from(byte).to_digit(16).ok_or(BadChunk)?;
            Ok(Chunk::Size { value: value * 16 + u64::from(digit), digits: digits + 1 })
        }
        (Chunk::SizeLf { value: 0 }, b'\n') => Ok(Chunk::LastCr),
        (Chunk::SizeLf { value }, b'\n') => Ok(Chunk::Data(value)),
        (Chunk::DataCr, b'\r') => Ok(Chunk::DataLf),
        (Chunk::DataLf, b'\n') => Ok(Chunk::Size { value: 0, digits: 0 }),
        (Chunk::LastCr, b'\r') => Ok(Chunk::LastLf),
        _ => Err(BadChunk),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Chunk = Chunk::Size { value: 0, digits: 0 };

    /// Follows `bytes` in one go and one by one; both must agree.
    fn follow(bytes: &[u8]) -> Result<(usize, Place), BadChunk> {
        let whole = follow_chunks(START, bytes);
        let mut place = Place::Chunked(START);
        let mut single = Ok((0, place));
        for (at, byte) in bytes.iter().enumerate() {
            let Place::Chunked(chunk) = place else { break };
            match follow_chunks(chunk, std::slice::from_ref(byte)) {
                Ok((_, next)) => {
                    place = next;
                    single = Ok((at + 1, next));
                }
                Err(bad) => {
                    single = Err(bad);
                    break;
                }
            }
        }
        assert_eq!(whole, single);
        whole
    }

    #[test]
    fn chunked_bodies_end_where_they_say() {
        for (body, len) in [
            ("0\r\n\r\nGET", 5),
            ("3\r\nabc\r\n0\r\n\r\n", 13),
            ("00A\r\n0123456789\r\n1\r\nx\r\n000\r\n\r\nrest", 30),
        ] {
            assert_eq!(follow(body.as_bytes()), Ok((len, Place::Head)), "{body:?}");
        }
        assert_eq!(follow(b"5\r\nab"), Ok((5, Place::Chunked(Chunk::Data(3)))));
    }

    #[test]
    fn odd_chunks_are_refused() {
        let cases = [
            "\r\n",
            "g\r\n",
            "-1\r\n",
            "+1\r\n",
            "0x1\r\n",
            " 1\r\n",
            "1 \r\n",
            "1;a=b\r\n",
            "1\n",
            "1\r\r",
            "1\r\nab",
            "1\r\na\n",
            "123456789\r\n",
            "0\r\nTrailer: x\r\n\r\n",
            "0\r\n\n",
            "0\n\n",
        ];
        for case in cases {
            assert_eq!(follow(case.as_bytes()), Err(BadChunk), "{case:?}");
        }
    }
}
