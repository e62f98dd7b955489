//! BLAKE3 trees over data objects: build, encode and check verified slices.
