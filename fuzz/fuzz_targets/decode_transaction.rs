//! Bytes from anywhere as a transaction: no panic, one encoding a value, memory by the length.
#![no_main]

use argosy_directory::Transaction;
use argosy_fuzz::memory::{allowed, peak_of};
use codec::Encode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (decoded, peak) = peak_of(|| Transaction::decode(bytes));
    assert!(peak <= allowed(bytes.len()), "{peak} bytes of memory for {} bytes", bytes.len());
    if let Ok(transaction) = decoded {
        assert_eq!(transaction.encode(), bytes, "a second encoding of the same transaction");
    }
});
