//! Bytes from anywhere as what a proxy says first: no panic, bounded, and the same however they are cut.
#![no_main]

// The file alone: the rest of its crate would be built with sanitizers for nothing.
#[allow(dead_code, reason = "the crate it comes from uses more of it")]
#[path = "../../crates/http/src/who/preface.rs"]
mod preface;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match preface::read(bytes) {
        Ok(Some((len, source))) => {
            assert!(len <= bytes.len().min(preface::MAX_PREFACE_BYTES));
            assert_eq!(preface::read(&bytes[..len]), Ok(Some((len, source))), "what follows changes nothing");
            for end in 0..len {
                assert_eq!(preface::read(&bytes[..end]), Ok(None), "an incomplete one is neither right nor wrong");
            }
        }
        Ok(None) => assert!(bytes.len() < preface::MAX_PREFACE_BYTES, "patience has an end"),
        // What is wrong stays wrong.
        Err(error) => assert_eq!(preface::read(&[bytes, b"\r\n"].concat()), Err(error)),
    }
});
